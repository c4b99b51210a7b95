/* What journal_verify must find: every single byte, files that are missing or do not belong, a log
 * that is not the continuation of an older checkpoint. */
#include <errno.h>

#include "journal/merkle.h"
#include "journal/note.h"
#include "journal/segment.h"
#include "journal/test_scratch.h"

/* Paths of all regular files below a folder, relative to it. */
struct names {
    char name[256][96];
    size_t n;
};

static void names_add(struct names *l, const char *dir, const char *below)
{
    char path[FILE_PATH_MAX];
    file_path(path, NULL, "%s/%s", dir, below);
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));) {
        char sub[FILE_PATH_MAX];
        struct stat st;
        if (e->d_name[0] == '.')
            continue;
        file_path(sub, NULL, "%s/%s", below, e->d_name);
        file_path(path, NULL, "%s/%s", dir, sub);
        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
            names_add(l, dir, sub);
        else if (l->n < 256)
            snprintf(l->name[l->n++], 96, "%.95s", sub);
    }
    if (d)
        closedir(d);
}

static bool is_evidence(const char *name)
{
    size_t n = strlen(name);
    return (strncmp(name, "journal/", 8) == 0 && strcmp(name + n - 4, ".seg") == 0) ||
           strncmp(name, "log/", 4) == 0;
}

/* The entry that an offset of a segment falls in. */
static uint64_t entry_at(const struct buf *seg, size_t offset)
{
    size_t at = SEGMENT_HEADER_LEN;
    uint64_t index = be64_get(seg->p + 16);
    if (offset < at)
        return index;
    while (at < seg->n) {
        at += RECORD_FIXED + be32_get(seg->p + at);
        if (offset < at)
            return index;
        index++;
    }
    return UINT64_MAX;
}

static bool damage_found(const char *dir, const char *name, const struct buf *good, size_t offset)
{
    struct journal_verdict v = scratch_judge(dir);
    if (v.holds) {
        printf("# not found: %s offset %zu\n", name, offset);
        return false;
    }
    if (strcmp(v.bad_file, name) != 0) {
        printf("# %s offset %zu is blamed on %s: %s\n", name, offset, v.bad_file, v.why);
        return false;
    }
    bool entry_ok = true, offset_ok = true;
    if (strstr(name, ".seg")) {
        entry_ok = v.bad_index == entry_at(good, offset);
        offset_ok = v.bad_offset <= offset;
    } else if (strstr(name, "tile/")) {
        offset_ok = v.bad_offset == offset;
        if (strstr(name, "tile/0/000"))
            entry_ok = v.bad_index == offset / 32;
        if (strstr(name, "tile/entries/000"))
            entry_ok = v.bad_index == offset / 70;
    }
    if (!entry_ok || !offset_ok)
        printf("# %s offset %zu: entry %llu, offset %llu: %s\n", name, offset,
               (unsigned long long)v.bad_index, (unsigned long long)v.bad_offset, v.why);
    return entry_ok && offset_ok;
}

static void flip_every_byte(const char *dir, size_t stride)
{
    struct names l = {0};
    names_add(&l, dir, "journal");
    names_add(&l, dir, "log");
    unsigned files = 0, flips = 0, missed = 0;
    for (size_t k = 0; k < l.n; k++) {
        if (!is_evidence(l.name[k]))
            continue;
        struct buf good = scratch_read(dir, l.name[k]);
        char path[FILE_PATH_MAX];
        file_path(path, NULL, "%s/%s", dir, l.name[k]);
        int fd = open(path, O_WRONLY);
        files++;
        for (size_t i = files % stride; i < good.n; i += stride, flips++) {
            uint8_t bad = good.p[i] ^ (uint8_t)(1u << (i * 5 + k) % 8);
            if (pwrite(fd, &bad, 1, (off_t)i) != 1)
                abort();
            missed += !damage_found(dir, l.name[k], &good, i);
            if (pwrite(fd, good.p + i, 1, (off_t)i) != 1)
                abort();
        }
        close(fd);
        buf_free(&good);
    }
    printf("# %u flips in %u files\n", flips, files);
    ok(flips > 1000 / stride);
    is_int(missed, 0);
    ok(scratch_verify(dir).holds, "and without any it holds");
}

static void test_flips(void)
{
    char *dir = scratch_make();
    scratch_case(dir, 23, 900); /* several segments, partial tiles */
    struct journal *j;
    struct err err;
    journal_open(dir, JOURNAL_WRITE, &j, NULL, &err);
    scratch_append(j, 4, &err);
    journal_close(j, NULL); /* two partial tiles of different widths */
    ok(scratch_exists(dir, "log/tile/0/000.p/23") && scratch_exists(dir, "log/tile/0/000.p/27"));
    flip_every_byte(dir, 1);
    scratch_free(dir);

    dir = scratch_make();
    scratch_case(dir, 600, 0); /* full tiles, two levels */
    flip_every_byte(dir, 13);
    scratch_free(dir);

    dir = scratch_make();
    scratch_case(dir, 12, 0);
    journal_open(dir, JOURNAL_WRITE, &j, NULL, &err);
    struct journal_range r = {3, 6};
    is_int(journal_redact(j, &r, 1, "who", "why", NULL, &err), 0);
    journal_close(j, NULL);
    flip_every_byte(dir, 1);
    scratch_free(dir);
}

static void gone(const char *dir, const char *name, const char *blamed)
{
    char path[FILE_PATH_MAX];
    struct buf data = scratch_read(dir, name);
    file_path(path, NULL, "%s/%s", dir, name);
    unlink(path);
    struct journal_verdict v = scratch_judge(dir);
    ok(!v.holds, "a file is missing");
    is_str(v.bad_file, blamed);
    scratch_write(dir, name, buf_as_span(&data));
    buf_free(&data);
    ok(scratch_verify(dir).holds);
}

static void added(const char *dir, const char *name, size_t n)
{
    char path[FILE_PATH_MAX], *slash;
    uint8_t zero[20000] = {0};
    file_path(path, NULL, "%s/%s", dir, name);
    slash = strrchr(path, '/');
    *slash = 0;
    bool made = mkdir(path, 0700) == 0;
    scratch_write(dir, name, span_of(zero, n));
    struct journal_verdict v = scratch_judge(dir);
    ok(!v.holds, "a file that does not belong");
    ok(strncmp(name, v.bad_file, strlen(v.bad_file)) == 0 && strlen(v.bad_file) > 8,
       "it, or its folder, is named");
    file_path(path, NULL, "%s/%s", dir, name);
    unlink(path);
    *slash = 0;
    if (made)
        rmdir(path);
    ok(scratch_verify(dir).holds);
}

static void test_files(void)
{
    char *dir = scratch_make();
    scratch_case(dir, 600, 0);
    gone(dir, "log/tile/0/000", "log/tile/0/000");
    gone(dir, "log/tile/0/001", "log/tile/0/001");
    gone(dir, "log/tile/0/002.p/88", "log/tile/0/002.p/88");
    gone(dir, "log/tile/1/000.p/2", "log/tile/1/000.p/2");
    gone(dir, "log/tile/entries/001", "log/tile/entries/001");
    gone(dir, "log/tile/entries/002.p/88", "log/tile/entries/002.p/88");
    gone(dir, "log/checkpoint", "log/checkpoint");
    gone(dir, "journal/0000000000000000.seg", "journal/0000000000000000.seg");
    added(dir, "log/tile/0/002.p/17", 17 * 32);
    added(dir, "log/tile/0/002.p/89", 89 * 32);
    added(dir, "log/tile/0/001.p/17", 17 * 32);
    added(dir, "log/tile/0/002", 8192);
    added(dir, "log/tile/0/007", 8192);
    added(dir, "log/tile/0/2", 8192);
    added(dir, "log/tile/0/x", 8192);
    added(dir, "log/tile/0/x000/000", 8192);
    added(dir, "log/tile/0/002.p/0", 0);
    added(dir, "log/tile/0/002.p/017", 17 * 32);
    added(dir, "log/tile/2/000", 8192);
    added(dir, "log/tile/8/000", 8192);
    added(dir, "log/tile/other", 1);
    /* the prefix of a full tile may stay as a partial one */
    struct buf full = scratch_read(dir, "log/tile/0/001");
    char path[FILE_PATH_MAX];
    file_path(path, NULL, "%s/log/tile/0/001.p", dir);
    mkdir(path, 0700);
    scratch_write(dir, "log/tile/0/001.p/200", span_of(full.p, 200 * 32));
    ok(scratch_verify(dir).holds);
    scratch_write(dir, "log/tile/0/001.p/200", span_of(full.p, 199 * 32));
    ok(!scratch_judge(dir).holds, "too short a partial tile");
    scratch_write(dir, "log/tile/0/001.p/200", span_of(full.p, 201 * 32));
    ok(!scratch_judge(dir).holds, "too long a partial tile");
    buf_free(&full);
    scratch_free(dir);
}

/* Somebody who can write the segment but not sign changes an entry with everything that the
 * segment itself checks. */
static void test_forged_entry(void)
{
    char *dir = scratch_make();
    scratch_case(dir, 600, 0);
    struct buf seg = scratch_read(dir, "journal/0000000000000000.seg");
    size_t at = SEGMENT_HEADER_LEN;
    for (unsigned i = 0; i < 300; i++)
        at += RECORD_FIXED + be32_get(seg.p + at);
    uint8_t *p = seg.p + at;
    p[RECORD_FIXED] ^= 1;
    sha256(p + RECORD_SALT, JOURNAL_SALT_LEN + be32_get(p), p + RECORD_LEAF + JOURNAL_HEADER_LEN);
    be32_put(p + RECORD_CRC, record_crc(p));
    scratch_write(dir, "journal/0000000000000000.seg", buf_as_span(&seg));
    struct journal_verdict v = scratch_judge(dir);
    ok(!v.holds && v.bad_index == 300 && v.bad_offset == at);
    is_str(v.bad_file, "journal/0000000000000000.seg");
    buf_free(&seg);
    scratch_free(dir);
}

static struct journal_verdict judge_since(const char *dir, const char *since, int want_rc)
{
    char path[FILE_PATH_MAX];
    struct journal_verify_options o = {.since = path};
    struct journal_verdict v;
    struct err err;
    file_path(path, NULL, "%s/%s", dir, since);
    is_int(journal_verify(dir, &o, &v, &err), want_rc);
    return v;
}

static void test_since(void)
{
    char *dir = scratch_make(), *other = scratch_make(), path[FILE_PATH_MAX];
    struct err err;
    journal_create(dir, "test.example/log", NULL);
    struct buf c0 = scratch_read(dir, "log/checkpoint"), c[3] = {{0}};
    scratch_write(dir, "since0", buf_as_span(&c0));
    for (unsigned i = 0; i < 3; i++) {
        struct journal *j;
        char name[16];
        journal_open(dir, JOURNAL_WRITE, &j, NULL, &err);
        scratch_append(j, 200 + i * 28, &err);
        journal_close(j, NULL);
        c[i] = scratch_read(dir, "log/checkpoint");
        snprintf(name, sizeof name, "since%u", i + 1);
        scratch_write(dir, name, buf_as_span(&c[i]));
    }
    ok(judge_since(dir, "since0", 0).holds);
    ok(judge_since(dir, "since1", 0).holds);
    ok(judge_since(dir, "since2", 0).holds);
    ok(judge_since(dir, "since3", 0).holds);
    /* the same key over another history: its own checkpoint is inconsistent with this log */
    scratch_copy(dir, other);
    file_path(path, NULL, "%s/log", other);
    scratch_remove(path);
    file_path(path, NULL, "%s/journal", other);
    scratch_remove(path);
    file_path(path, NULL, "%s/keys", other);
    scratch_remove(path);
    scratch_case(other, 200, 0);
    struct buf key = scratch_read(dir, "keys/log.key");
    struct note_key k;
    is_int(note_key_parse_signer(span_of(key.p, key.n - 1), &k, &err), 0);
    struct checkpoint foreign = {.origin = span_str("test.example/log"), .size = 200};
    struct buf text = {0}, note = {0};
    checkpoint_put(&foreign, &text);
    note_sign(&k, buf_as_span(&text), &note, &err);
    scratch_write(dir, "forked", buf_as_span(&note));
    struct journal_verdict v = judge_since(dir, "forked", 0);
    ok(!v.holds && strstr(v.why, "not consistent"));
    text.n = note.n = 0;
    foreign.size = 100000;
    checkpoint_put(&foreign, &text);
    note_sign(&k, buf_as_span(&text), &note, &err);
    scratch_write(dir, "longer", buf_as_span(&note));
    v = judge_since(dir, "longer", 0);
    ok(!v.holds && strstr(v.why, "removed"));
    /* not a checkpoint of this log: it cannot be judged by it */
    struct buf theirs = scratch_read(other, "log/checkpoint");
    scratch_write(dir, "theirs", buf_as_span(&theirs));
    judge_since(dir, "theirs", -ENOKEY);
    judge_since(dir, "missing", -ENOENT);
    buf_free(&c0);
    for (unsigned i = 0; i < 3; i++)
        buf_free(&c[i]);
    buf_free(&key);
    buf_free(&text);
    buf_free(&note);
    buf_free(&theirs);
    scratch_free(dir);
    scratch_free(other);
}

int main(void)
{
    test_flips();
    test_files();
    test_forged_entry();
    test_since();
    return tap_done();
}
