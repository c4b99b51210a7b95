/* Appending, committing, publishing, opening again: in order, and after every kind of accident. */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "journal/segment.h"
#include "journal/test_scratch.h"

#define FIRST_SEGMENT "journal/0000000000000000.seg"

static struct journal *reopen(const char *dir, enum journal_mode mode)
{
    struct journal *j;
    struct err err = {0};
    if (journal_open(dir, mode, &j, NULL, &err) < 0) {
        printf("# %s\n", err.text);
        return NULL;
    }
    return j;
}

static void test_empty(void)
{
    char *dir = scratch_make();
    struct err err;
    struct stat st;
    uint8_t root[SHA256_LEN], want[SHA256_LEN];
    char path[FILE_PATH_MAX];
    is_int(journal_create(dir, "bad name", &err), -EINVAL);
    is_int(journal_create(dir, "test.example/log", &err), 0);
    is_int(journal_create(dir, "test.example/log", &err), -EEXIST);
    file_path(path, NULL, "%s/keys/log.key", dir);
    ok(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600, "the key is the owner's alone");
    file_path(path, NULL, "%s/keys", dir);
    ok(stat(path, &st) == 0 && (st.st_mode & 0777) == 0700);
    ok(scratch_verify(dir).holds, "an empty log holds");
    struct journal *j = reopen(dir, JOURNAL_WRITE);
    is_int(journal_size(j), 0);
    is_str(journal_origin(j), "test.example/log");
    journal_root(j, root);
    sha256("", 0, want);
    ok(memcmp(root, want, SHA256_LEN) == 0);
    is_int(journal_close(j, &err), 0);
    scratch_free(dir);
}

static void test_round_trip(void)
{
    char *dir = scratch_make(), text[128];
    struct err err;
    struct entry e;
    uint8_t root[SHA256_LEN], again[SHA256_LEN];
    journal_create(dir, "test.example/log", NULL);
    uint64_t total = 0;
    for (uint64_t n = 1; total < 1500; n = n * 2 + 3) {
        struct journal *j = reopen(dir, JOURNAL_WRITE);
        is_int(journal_size(j), total);
        is_int(scratch_append(j, n, &err), 0);
        is_int(journal_committed(j), total);
        ok(journal_get(j, total, &e, &err) == -ENOENT, "not before it is committed");
        is_int(journal_commit(j, &err), 0);
        total += n;
        is_int(scratch_count(j), total);
        journal_root(j, root);
        is_int(journal_close(j, &err), 0);
        j = reopen(dir, JOURNAL_READ);
        is_int(journal_size(j), total);
        is_int(scratch_count(j), total);
        journal_root(j, again);
        ok(memcmp(root, again, SHA256_LEN) == 0);
        for (uint64_t i = 0; i < total; i += 97)
            ok(journal_get(j, i, &e, &err) == 0 && e.index == i &&
                   span_eq(e.payload, scratch_payload(text, i)),
               "get");
        is_int(journal_get(j, total, &e, &err), -ENOENT);
        is_int(journal_append(j, &e.header, span_str("x"), NULL, &err), -EROFS);
        is_int(journal_commit(j, &err), -EROFS);
        is_int(journal_publish(j, &err), -EROFS);
        journal_close(j, NULL);
        struct journal_verdict v = scratch_verify(dir);
        ok(v.holds && v.entries == total && memcmp(v.root, root, SHA256_LEN) == 0);
    }
    struct journal *j = reopen(dir, JOURNAL_WRITE);
    struct entry_header h = {.kind = 1};
    uint8_t *big = calloc(1, JOURNAL_PAYLOAD_MAX + 1);
    is_int(journal_append(j, &h, span_of(big, JOURNAL_PAYLOAD_MAX + 1), NULL, &err), -E2BIG);
    is_int(journal_append(j, &h, span_of(big, JOURNAL_PAYLOAD_MAX), NULL, &err), 0);
    is_int(journal_append(j, &h, (struct span){NULL, 0}, NULL, &err), 0);
    h.flags = ENTRY_FLAG_REDACTION;
    is_int(journal_append(j, &h, span_str("x"), NULL, &err), -EINVAL);
    is_int(journal_commit(j, &err), 0);
    is_int(journal_get(j, total, &e, &err), 0);
    is_int(e.payload.n, JOURNAL_PAYLOAD_MAX);
    ok(!e.redacted, "a payload of zeros is not an erased one");
    is_int(journal_get(j, total + 1, &e, &err), 0);
    ok(e.payload.n == 0 && !e.redacted);
    is_int(journal_close(j, &err), 0);
    ok(scratch_verify(dir).holds);
    free(big);
    scratch_free(dir);
}

static void test_segments(void)
{
    char *dir = scratch_make(), text[128];
    struct err err;
    struct entry e;
    scratch_case(dir, 1000, 4096);
    ok(!scratch_exists(dir, "journal/00000000000003e8.seg"));
    struct journal *j = reopen(dir, JOURNAL_READ);
    is_int(scratch_count(j), 1000);
    bool all = true;
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t at = i * 7919 % 1000;
        all &= journal_get(j, at, &e, &err) == 0 && e.index == at &&
               span_eq(e.payload, scratch_payload(text, at));
    }
    ok(all, "every entry by its index, across segments");
    journal_close(j, NULL);
    struct journal_verdict v = scratch_verify(dir);
    ok(v.holds && v.segments > 20);
    /* a segment is gone */
    j = reopen(dir, JOURNAL_READ);
    struct journal_cursor *c;
    journal_cursor_open(j, 0, &c, NULL);
    int rc = journal_cursor_next(c, &e, &err);
    DIR *d;
    char path[FILE_PATH_MAX];
    file_path(path, NULL, "%s/journal", dir);
    d = opendir(path);
    uint64_t first, least = UINT64_MAX;
    for (struct dirent *f; (f = readdir(d));)
        if (segment_name_parse(f->d_name, &first) && first > 500 && first < least)
            least = first;
    closedir(d);
    file_path(path, NULL, "%s/journal/%016llx.seg", dir, (unsigned long long)least);
    unlink(path);
    while (rc == 1)
        rc = journal_cursor_next(c, &e, &err);
    is_int(rc, -EBADMSG);
    is_int(e.index, least - 1);
    journal_cursor_close(c);
    journal_close(j, NULL);
    v = scratch_judge(dir);
    ok(!v.holds && v.bad_index == least, "verify names the first missing entry");
    scratch_free(dir);
}

/* The index file is a hint: missing, short or wrong, entries are found all the same. */
static void test_index_file(void)
{
    char *dir = scratch_make(), text[128];
    struct err err;
    struct entry e;
    scratch_case(dir, 3000, 0);
    struct buf good = scratch_read(dir, "journal/0000000000000000.idx");
    is_int(good.n, 11 * 8);
    for (unsigned kind = 0; kind < 4; kind++) { /* whole, short, nonsense, others' places */
        struct buf idx = {0};
        buf_span(&idx, buf_as_span(&good));
        if (kind == 1)
            idx.n = 13;
        for (size_t i = 0; kind >= 2 && i < idx.n; i++)
            idx.p[i] = kind == 2 ? 0xff : good.p[(i + 8) % good.n];
        scratch_write(dir, "journal/0000000000000000.idx", buf_as_span(&idx));
        buf_free(&idx);
        struct journal *j = reopen(dir, JOURNAL_READ);
        bool all = true;
        for (uint64_t i = 0; i < 3000; i += 111)
            all &= journal_get(j, 2999 - i, &e, &err) == 0 &&
                   span_eq(e.payload, scratch_payload(text, 2999 - i));
        ok(all, "get with a damaged index file");
        journal_close(j, NULL);
        j = reopen(dir, JOURNAL_WRITE);
        ok(j && journal_size(j) == 3000);
        journal_close(j, NULL);
        struct buf now = scratch_read(dir, "journal/0000000000000000.idx");
        ok(span_eq(buf_as_span(&now), buf_as_span(&good)), "a writer puts it right");
        buf_free(&now);
    }
    buf_free(&good);
    scratch_free(dir);
}

/* A reader sees what is committed while a writer goes on, across new segments. */
static void test_follow(void)
{
    char *dir = scratch_make();
    struct err err;
    struct entry e;
    journal_create(dir, "test.example/log", NULL);
    struct journal *w = reopen(dir, JOURNAL_WRITE), *r = reopen(dir, JOURNAL_READ);
    struct journal_cursor *c;
    journal_set_segment_limit(w, 2000);
    journal_cursor_open(r, 0, &c, NULL);
    uint64_t seen = 0, total = 0;
    bool exact = true;
    is_int(journal_cursor_next(c, &e, &err), 0);
    for (unsigned round = 0; round < 60; round++) {
        scratch_append(w, round % 9, &err);
        exact &= journal_cursor_next(c, &e, &err) == 0;
        if (round % 3 == 2)
            continue;
        journal_commit(w, &err);
        total = journal_committed(w);
        exact &= journal_size(r) == total;
        int rc;
        while ((rc = journal_cursor_next(c, &e, &err)) == 1)
            exact &= e.index == seen++;
        exact &= rc == 0 && seen == total;
        if (round % 10 == 0)
            journal_publish(w, &err);
    }
    ok(exact, "a reader sees exactly what is committed");
    ok(total > 200);
    ok(scratch_verify(dir).holds, "verify beside a writer");
    journal_cursor_close(c);
    is_int(journal_cursor_open(r, total + 1, &c, &err), -ENOENT);
    journal_close(r, NULL);
    journal_close(w, NULL);
    scratch_free(dir);
}

static void test_one_writer(void)
{
    char *dir = scratch_make(), pid[32];
    struct err err;
    struct journal *other;
    journal_create(dir, "test.example/log", NULL);
    struct journal *j = reopen(dir, JOURNAL_WRITE);
    is_int(journal_open(dir, JOURNAL_WRITE, &other, NULL, &err), -EBUSY);
    snprintf(pid, sizeof pid, "pid %ld", (long)getpid());
    ok(strstr(err.text, pid), "the error names the holder");
    pid_t child = fork();
    if (child == 0)
        _exit(journal_open(dir, JOURNAL_WRITE, &other, NULL, NULL) == -EBUSY ? 0 : 1);
    int status;
    waitpid(child, &status, 0);
    is_int(status, 0);
    journal_close(j, NULL);
    j = reopen(dir, JOURNAL_WRITE);
    ok(j != NULL, "free again");
    journal_close(j, NULL);
    scratch_free(dir);
}

static void test_newer_version(void)
{
    char *dir = scratch_make();
    struct err err;
    struct journal *j;
    scratch_case(dir, 10, 0);
    struct buf seg = scratch_read(dir, FIRST_SEGMENT);
    be32_put(seg.p + 8, SEGMENT_VERSION + 1);
    be32_put(seg.p + 60, crc32c(0, seg.p, 60));
    scratch_write(dir, FIRST_SEGMENT, buf_as_span(&seg));
    is_int(journal_open(dir, JOURNAL_WRITE, &j, NULL, &err), -EPROTO);
    ok(strstr(err.text, "newer version"));
    is_int(journal_open(dir, JOURNAL_READ, &j, NULL, &err), -EPROTO);
    struct journal_verdict v;
    is_int(journal_verify(dir, NULL, &v, &err), -EPROTO);
    buf_free(&seg);
    is_int(journal_open("/nonexistent/case", JOURNAL_READ, &j, NULL, &err), -ENOENT);
    is_int(journal_verify("/nonexistent/case", NULL, &v, &err), -ENOENT);
    scratch_free(dir);
}

/* What a crash leaves: `published` entries signed, `more` committed behind them. */
static void crashed_case(const char *dir, uint64_t published, uint64_t more, uint64_t limit)
{
    pid_t child = fork();
    if (child == 0) {
        struct journal *j;
        if (journal_create(dir, "test.example/log", NULL) < 0 ||
            journal_open(dir, JOURNAL_WRITE, &j, NULL, NULL) < 0)
            _exit(1);
        if (limit)
            journal_set_segment_limit(j, limit);
        if (scratch_append(j, published, NULL) < 0 || journal_commit(j, NULL) < 0 ||
            journal_publish(j, NULL) < 0 || scratch_append(j, more, NULL) < 0 ||
            journal_commit(j, NULL) < 0 || scratch_append(j, 3, NULL) < 0)
            _exit(1);
        _exit(0); /* neither published nor closed; three entries never left memory */
    }
    int status;
    waitpid(child, &status, 0);
    if (status)
        abort();
}

static void test_crash_before_publish(void)
{
    static const uint64_t counts[][2] = {{0, 5},    {5, 0},     {5, 7},
                                         {250, 10}, {256, 256}, {300, 1000}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        char *dir = scratch_make();
        struct err err = {0};
        struct journal *j;
        uint64_t cut, total = counts[i][0] + counts[i][1];
        crashed_case(dir, counts[i][0], counts[i][1], i == 5 ? 3000 : 0);
        struct journal_verdict v = scratch_verify(dir);
        ok(v.holds && v.entries == total, "holds before anybody opened it");
        j = reopen(dir, JOURNAL_READ);
        is_int(scratch_count(j), total);
        journal_close(j, NULL);
        is_int(journal_open(dir, JOURNAL_WRITE, &j, &cut, &err), 0);
        is_int(cut, 0);
        is_int(scratch_count(j), total);
        v = scratch_verify(dir);
        ok(v.holds && v.entries == total, "published when it was opened");
        scratch_append(j, 100, &err);
        is_int(journal_close(j, &err), 0);
        v = scratch_verify(dir);
        ok(v.holds && v.entries == total + 100);
        scratch_free(dir);
    }
}

/* Truncated at every length behind the checkpoint: all whole entries stay, the rest is cut and
 * reported, and the log goes on. */
static void torn_everywhere(uint64_t published, uint64_t more)
{
    char *dir = scratch_make(), copy[FILE_PATH_MAX];
    struct err err = {0};
    file_path(copy, NULL, "%s.copy", dir);
    crashed_case(dir, published, more, 0);
    struct buf seg = scratch_read(dir, FIRST_SEGMENT);
    /* where each record ends */
    size_t ends[64], n = 0, at = SEGMENT_HEADER_LEN;
    ends[n++] = at;
    while (at < seg.n) {
        at += RECORD_FIXED + be32_get(seg.p + at);
        ends[n++] = at;
    }
    is_int(n, published + more + 1);
    unsigned bad = 0;
    scratch_copy(dir, copy);
    for (size_t length = published ? ends[published] : 0; length <= seg.n; length++) {
        struct journal *j;
        uint64_t cut = 0, whole = 0;
        scratch_remove(copy);
        scratch_copy(dir, copy);
        scratch_write(copy, FIRST_SEGMENT, span_of(seg.p, length));
        while (whole + 1 < n && ends[whole + 1] <= length)
            whole++;
        uint64_t want = length < SEGMENT_HEADER_LEN ? length : length - ends[whole];
        int rc = journal_open(copy, JOURNAL_WRITE, &j, &cut, &err);
        if (rc < 0 || cut != want || journal_size(j) != whole ||
            scratch_count(j) != (long long)whole || scratch_append(j, 300, &err) < 0 ||
            journal_close(j, &err) < 0) {
            printf("# length %zu: rc %d, cut %llu of %llu (%s)\n", length, rc,
                   (unsigned long long)cut, (unsigned long long)want, err.text);
            bad++;
            continue;
        }
        struct journal_verdict v = scratch_verify(copy);
        bad += !v.holds || v.entries != whole + 300;
    }
    is_int(bad, 0);
    /* a turned byte of what was published is damage: see test_salvage.c for a missing tail */
    for (size_t k = 1; k < 40 && published; k++) {
        struct journal *j;
        scratch_remove(copy);
        scratch_copy(dir, copy);
        seg.p[ends[published] - k] ^= 1;
        scratch_write(copy, FIRST_SEGMENT, span_of(seg.p, ends[published]));
        seg.p[ends[published] - k] ^= 1;
        ok(!scratch_judge(copy).holds, "verify says so");
        int rc = journal_open(copy, JOURNAL_WRITE, &j, NULL, &err);
        if (rc == 0) { /* within the last payload: only reading it all would have shown it */
            journal_close(j, &err);
            ok(!scratch_judge(copy).holds, "verify still says so");
        } else {
            ok(rc == -EBADMSG && strstr(err.text, "damage"), "refused");
        }
    }
    buf_free(&seg);
    scratch_remove(copy);
    scratch_free(dir);
}

/* A turned byte behind the checkpoint ends the log there, if the last segment has it. */
static void test_damaged_tail(void)
{
    char *dir = scratch_make(), copy[FILE_PATH_MAX];
    struct err err = {0};
    file_path(copy, NULL, "%s.copy", dir);
    crashed_case(dir, 4, 4, 0);
    struct buf seg = scratch_read(dir, FIRST_SEGMENT);
    size_t at = SEGMENT_HEADER_LEN;
    for (unsigned i = 0; i < 5; i++)
        at += RECORD_FIXED + be32_get(seg.p + at);
    size_t end = at + RECORD_FIXED + be32_get(seg.p + at);
    unsigned bad = 0;
    for (; at < end; at++) { /* entry 5 */
        struct journal *j;
        uint64_t cut = 0;
        scratch_remove(copy);
        scratch_copy(dir, copy);
        seg.p[at] ^= 0x20;
        scratch_write(copy, FIRST_SEGMENT, buf_as_span(&seg));
        seg.p[at] ^= 0x20;
        bad += scratch_judge(copy).holds; /* it was committed */
        if (journal_open(copy, JOURNAL_WRITE, &j, &cut, &err) < 0) {
            bad++;
            continue;
        }
        bad += journal_size(j) != 5 || cut == 0;
        journal_close(j, NULL);
        bad += !scratch_verify(copy).holds;
    }
    is_int(bad, 0);
    buf_free(&seg);
    scratch_remove(copy);
    scratch_free(dir);
}

/* The disk is full for the segments: nothing of the batch is kept, and after opening again it
 * goes on. RLIMIT_FSIZE stands for the disk. */
static void test_full_disk(void)
{
    char *dir = scratch_make();
    struct err err = {0};
    scratch_case(dir, 100, 0);
    struct buf seg = scratch_read(dir, FIRST_SEGMENT);
    struct journal *j = reopen(dir, JOURNAL_WRITE);
    struct rlimit limit = {seg.n + 5000, RLIM_INFINITY}, none;
    getrlimit(RLIMIT_FSIZE, &none);
    signal(SIGXFSZ, SIG_IGN);
    is_int(scratch_append(j, 10, &err), 0);
    is_int(journal_commit(j, &err), 0);
    setrlimit(RLIMIT_FSIZE, &limit);
    is_int(scratch_append(j, 100, &err), 0);
    is_int(journal_commit(j, &err), -EFBIG);
    is_int(journal_size(j), 110);
    is_int(journal_committed(j), 110);
    is_int(scratch_count(j), 110);
    is_int(scratch_append(j, 1, &err), -EIO);
    is_int(journal_close(j, &err), 0);
    struct buf after = scratch_read(dir, FIRST_SEGMENT);
    ok(after.n > seg.n && after.n < seg.n + 5000, "cut back to the last commit");
    setrlimit(RLIMIT_FSIZE, &none);
    ok(scratch_verify(dir).holds);
    j = reopen(dir, JOURNAL_WRITE);
    is_int(journal_size(j), 110);
    is_int(scratch_append(j, 500, &err), 0);
    is_int(journal_close(j, &err), 0);
    struct journal_verdict v = scratch_verify(dir);
    ok(v.holds && v.entries == 610);

    /* full for the tiles alone: what is committed stays */
    j = reopen(dir, JOURNAL_WRITE);
    scratch_append(j, 300, &err);
    is_int(journal_commit(j, &err), 0);
    limit.rlim_cur = 4096;
    setrlimit(RLIMIT_FSIZE, &limit);
    is_int(journal_publish(j, &err), -EFBIG);
    setrlimit(RLIMIT_FSIZE, &none);
    is_int(journal_committed(j), 910);
    is_int(journal_publish(j, &err), 0);
    is_int(journal_close(j, &err), 0);
    v = scratch_verify(dir);
    ok(v.holds && v.entries == 910);
    /* and when nobody gets to publish it again */
    j = reopen(dir, JOURNAL_WRITE);
    scratch_append(j, 300, &err);
    is_int(journal_commit(j, &err), 0);
    setrlimit(RLIMIT_FSIZE, &limit);
    is_int(journal_close(j, &err), -EFBIG);
    setrlimit(RLIMIT_FSIZE, &none);
    ok(scratch_verify(dir).holds);
    j = reopen(dir, JOURNAL_WRITE);
    is_int(scratch_count(j), 1210);
    journal_close(j, NULL);
    v = scratch_verify(dir);
    ok(v.holds && v.entries == 1210);
    signal(SIGXFSZ, SIG_DFL);
    buf_free(&seg);
    buf_free(&after);
    scratch_free(dir);
}

/* Full while a new segment is made, in the middle of a batch. */
static void test_full_disk_at_roll(void)
{
    char *dir = scratch_make();
    struct err err = {0};
    scratch_case(dir, 20, 0);
    struct journal *j = reopen(dir, JOURNAL_WRITE);
    struct rlimit limit = {60, RLIM_INFINITY}, none;
    getrlimit(RLIMIT_FSIZE, &none);
    signal(SIGXFSZ, SIG_IGN);
    journal_set_segment_limit(j, 1000);
    int rc = scratch_append(j, 40, &err); /* rolls some */
    is_int(rc, 0);
    setrlimit(RLIMIT_FSIZE, &limit);
    while (rc == 0)
        rc = scratch_append(j, 1, &err);
    setrlimit(RLIMIT_FSIZE, &none);
    is_int(rc, -EFBIG);
    is_int(journal_size(j), 20);
    is_int(scratch_count(j), 20);
    journal_close(j, NULL);
    ok(scratch_verify(dir).holds);
    j = reopen(dir, JOURNAL_WRITE);
    is_int(journal_size(j), 20);
    scratch_append(j, 20, &err);
    journal_close(j, NULL);
    ok(scratch_verify(dir).holds);
    signal(SIGXFSZ, SIG_DFL);
    scratch_free(dir);
}

/* More committed than is kept in memory: full tiles are put away before they are published. */
static void test_spill(void)
{
    char *dir = scratch_make();
    struct err err = {0};
    pid_t child = fork();
    journal_create(dir, "test.example/log", NULL);
    if (child == 0) {
        struct journal *j = NULL;
        while (journal_open(dir, JOURNAL_WRITE, &j, NULL, NULL) < 0)
            usleep(1000);
        for (unsigned i = 0; i < 3; i++) {
            scratch_append(j, 70001, NULL);
            journal_commit(j, NULL);
        }
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    is_int(status, 0);
    ok(scratch_exists(dir, "log/tile/0/545"), "full tiles lie there");
    struct journal_verdict v = scratch_verify(dir);
    ok(v.holds && v.entries == 210003);
    struct journal *j = reopen(dir, JOURNAL_WRITE);
    is_int(journal_size(j), 210003);
    is_int(scratch_count(j), 210003);
    scratch_append(j, 70000, &err);
    is_int(journal_commit(j, &err), 0);
    is_int(journal_close(j, &err), 0);
    v = scratch_verify(dir);
    ok(v.holds && v.entries == 280003);
    scratch_free(dir);
}

int main(void)
{
    test_empty();
    test_round_trip();
    test_segments();
    test_index_file();
    test_follow();
    test_one_writer();
    test_newer_version();
    test_crash_before_publish();
    torn_everywhere(0, 3);
    torn_everywhere(5, 4);
    test_damaged_tail();
    test_full_disk();
    test_full_disk_at_roll();
    test_spill();
    return tap_done();
}
