/* Erasing: roots and proofs keep holding, nothing of the payload stays, a crash is made good. */
#include <errno.h>
#include <sys/wait.h>

#include "base/cbor.h"
#include "journal/proof.h"
#include "journal/segment.h"
#include "journal/test_scratch.h"

static bool contains(const struct buf *b, const char *text)
{
    return memmem(b->p, b->n, text, strlen(text)) != NULL;
}

static void test_redact(void)
{
    char *dir = scratch_make();
    struct err err = {0};
    struct journal *j;
    struct entry e;
    struct buf proof = {0};
    uint8_t leaf[JOURNAL_LEAF_LEN], salt[JOURNAL_SALT_LEN], before[JOURNAL_LEAF_LEN];
    uint64_t index;
    scratch_case(dir, 300, 5000);
    journal_open(dir, JOURNAL_WRITE, &j, NULL, &err);
    is_int(journal_leaf(j, 41, before, salt, &err), 0);
    struct journal_range ranges[] = {{41, 42}, {100, 150}, {120, 160}};
    is_int(journal_redact(j, ranges, 3, "Clerk of the court", "order 12-345", &index, &err), 0);
    is_int(index, 300);
    is_int(journal_size(j), 301);
    is_int(journal_get(j, 41, &e, &err), 0);
    ok(e.redacted && e.payload.n == 0 && e.header.sensor == 41 * 3, "the header stays");
    is_int(journal_get(j, 159, &e, &err), 0);
    ok(e.redacted);
    is_int(journal_get(j, 160, &e, &err), 0);
    ok(!e.redacted);
    is_int(journal_leaf(j, 41, leaf, salt, &err), 0);
    ok(memcmp(leaf, before, sizeof leaf) == 0, "the leaf stays");
    ok(salt[0] == 0 && memcmp(salt, salt + 1, 15) == 0, "the salt does not");
    is_int(journal_prove(j, 41, &proof, &err), 0);
    struct note_key key;
    struct buf vkey = scratch_read(dir, "log/vkey");
    note_key_parse_verifier(span_of(vkey.p, vkey.n - 1), &key, NULL);
    is_int(proof_check(buf_as_span(&proof), span_of(leaf, sizeof leaf), &key, &err), 0);
    leaf[9] ^= 1;
    is_int(proof_check(buf_as_span(&proof), span_of(leaf, sizeof leaf), &key, &err), -EBADMSG);
    /* the record of it: a deterministic map, who, why, entries */
    is_int(journal_get(j, 300, &e, &err), 0);
    is_int(e.header.kind, JOURNAL_KIND_REDACTION);
    is_int(e.header.flags, ENTRY_FLAG_REDACTION);
    ok(cbor_valid(e.payload));
    static const uint8_t want[] = "\xa3\x63who\x72"
                                  "Clerk of the court\x63why\x6c"
                                  "order 12-345"
                                  "\x67"
                                  "entries\x83\x82\x18\x29\x18\x2a\x82\x18\x64\x18\x96"
                                  "\x82\x18\x78\x18\xa0";
    ok(span_eq(e.payload, span_of(want, sizeof want - 1)));
    is_int(journal_close(j, &err), 0);
    struct journal_verdict v = scratch_verify(dir);
    ok(v.holds && v.redacted == 61 && v.entries == 301);
    char text[128];
    DIR *d;
    char path[FILE_PATH_MAX];
    unsigned found = 0, kept = 0;
    file_path(path, NULL, "%s/journal", dir);
    d = opendir(path);
    for (struct dirent *f; (f = readdir(d));) {
        uint64_t first;
        if (!segment_name_parse(f->d_name, &first))
            continue;
        struct buf seg = scratch_read(path, f->d_name);
        for (uint64_t i = 100; i < 161; i++) {
            scratch_payload(text, i);
            snprintf(text, sizeof text, "entry %llu ", (unsigned long long)i);
            if (contains(&seg, text))
                i == 160 ? kept++ : found++;
        }
        buf_free(&seg);
    }
    closedir(d);
    is_int(found, 0);
    is_int(kept, 1);
    buf_free(&proof);
    buf_free(&vkey);
    scratch_free(dir);
}

static void test_refused(void)
{
    char *dir = scratch_make();
    struct err err;
    struct journal *j;
    uint64_t index;
    scratch_case(dir, 10, 0);
    journal_open(dir, JOURNAL_WRITE, &j, NULL, &err);
    struct journal_range beyond = {5, 11}, empty = {5, 5}, turned = {6, 5}, good = {0, 1};
    is_int(journal_redact(j, &beyond, 1, "a", "b", NULL, &err), -EINVAL);
    is_int(journal_redact(j, &empty, 1, "a", "b", NULL, &err), -EINVAL);
    is_int(journal_redact(j, &turned, 1, "a", "b", NULL, &err), -EINVAL);
    is_int(journal_redact(j, &good, 0, "a", "b", NULL, &err), -EINVAL);
    is_int(journal_size(j), 10);
    is_int(journal_redact(j, &good, 1, "a", "b", &index, &err), 0);
    struct journal_range itself = {index, index + 1}, again = {0, 2};
    is_int(journal_redact(j, &itself, 1, "a", "b", NULL, &err), -EINVAL);
    is_int(journal_redact(j, &again, 1, "a", "b", NULL, &err), 0);
    /* what is appended but not committed yet is committed first */
    scratch_append(j, 1, &err);
    struct journal_range last = {12, 13};
    is_int(journal_redact(j, &last, 1, NULL, NULL, &index, &err), 0);
    is_int(index, 13);
    journal_close(j, NULL);
    journal_open(dir, JOURNAL_READ, &j, NULL, &err);
    is_int(journal_redact(j, &good, 1, "a", "b", NULL, &err), -EROFS);
    journal_close(j, NULL);
    struct journal_verdict v = scratch_verify(dir);
    ok(v.holds && v.redacted == 3);
    scratch_free(dir);
}

/* Erased without a record of it, or recorded and not erased. */
static void test_not_covered(void)
{
    char *dir = scratch_make();
    struct err err;
    struct journal *j;
    scratch_case(dir, 10, 0);
    struct buf seg = scratch_read(dir, "journal/0000000000000000.seg"), erased;
    size_t at = SEGMENT_HEADER_LEN;
    for (unsigned i = 0; i < 4; i++)
        at += RECORD_FIXED + be32_get(seg.p + at);
    size_t n = JOURNAL_SALT_LEN + be32_get(seg.p + at);
    uint8_t kept[256];
    memcpy(kept, seg.p + at + RECORD_SALT, n);
    memset(seg.p + at + RECORD_SALT, 0, n);
    scratch_write(dir, "journal/0000000000000000.seg", buf_as_span(&seg));
    struct journal_verdict v = scratch_judge(dir);
    ok(!v.holds && v.bad_index == 4 && strstr(v.why, "no redaction"), "erased, but not recorded");
    memcpy(seg.p + at + RECORD_SALT, kept, n);
    scratch_write(dir, "journal/0000000000000000.seg", buf_as_span(&seg));
    journal_open(dir, JOURNAL_WRITE, &j, NULL, &err);
    struct journal_range r = {4, 5};
    journal_redact(j, &r, 1, "a", "b", NULL, &err);
    journal_close(j, NULL);
    erased = scratch_read(dir, "journal/0000000000000000.seg");
    memcpy(erased.p + at + RECORD_SALT, kept, n);
    scratch_write(dir, "journal/0000000000000000.seg", buf_as_span(&erased));
    v = scratch_judge(dir);
    ok(!v.holds && v.bad_index == 4 && strstr(v.why, "not erased"), "recorded, but not erased");
    erased.p[at + RECORD_SALT + 3] ^= 1; /* half erased */
    scratch_write(dir, "journal/0000000000000000.seg", buf_as_span(&erased));
    ok(!scratch_judge(dir).holds);
    buf_free(&seg);
    buf_free(&erased);
    scratch_free(dir);
}

/* The states a crash can leave, made by putting old files back. */
static void test_crash(void)
{
    char *dir = scratch_make();
    struct err err = {0};
    struct journal *j;
    scratch_case(dir, 30, 0);
    struct buf before = scratch_read(dir, "journal/0000000000000000.seg");
    struct buf old_checkpoint = scratch_read(dir, "log/checkpoint");
    journal_open(dir, JOURNAL_WRITE, &j, NULL, &err);
    struct journal_range r = {5, 20};
    is_int(journal_redact(j, &r, 1, "a", "b", NULL, &err), 0);
    journal_close(j, NULL);
    ok(!scratch_exists(dir, "journal/redaction"), "the intent is gone when it is done");
    struct buf after = scratch_read(dir, "journal/0000000000000000.seg");

    for (unsigned state = 0; state < 4; state++) {
        struct buf seg = {0};
        buf_span(&seg, buf_as_span(&after));
        if (state != 3) /* nothing erased yet; 2: half of it */
            memcpy(seg.p, before.p, state == 2 ? before.n / 2 + 20 : before.n);
        scratch_write(dir, "journal/0000000000000000.seg", buf_as_span(&seg));
        scratch_write(dir, "journal/redaction", span_str("30\n"));
        if (state == 0) /* not published yet */
            scratch_write(dir, "log/checkpoint", buf_as_span(&old_checkpoint));
        if (state != 2)
            ok(scratch_judge(dir).holds, "holds while it is under way");
        is_int(journal_open(dir, JOURNAL_WRITE, &j, NULL, &err), 0);
        journal_close(j, NULL);
        struct buf now = scratch_read(dir, "journal/0000000000000000.seg");
        ok(span_eq(buf_as_span(&now), buf_as_span(&after)), "erased by the next writer");
        ok(!scratch_exists(dir, "journal/redaction"));
        struct journal_verdict v = scratch_verify(dir);
        ok(v.holds && v.redacted == 15);
        buf_free(&now);
        buf_free(&seg);
    }
    /* the crash came before the entry: it was never recorded, so nothing is erased */
    scratch_write(dir, "journal/redaction", span_str("31\n"));
    journal_open(dir, JOURNAL_WRITE, &j, NULL, &err);
    journal_close(j, NULL);
    ok(!scratch_exists(dir, "journal/redaction"));
    scratch_write(dir, "journal/redaction", span_str("7\n")); /* no redaction entry */
    journal_open(dir, JOURNAL_WRITE, &j, NULL, &err);
    journal_close(j, NULL);
    struct journal_verdict v = scratch_verify(dir);
    ok(v.holds && v.redacted == 15);
    scratch_write(dir, "journal/redaction", span_str("x"));
    is_int(journal_open(dir, JOURNAL_WRITE, &j, NULL, &err), -EBADMSG);
    buf_free(&before);
    buf_free(&after);
    buf_free(&old_checkpoint);
    scratch_free(dir);
}

int main(void)
{
    test_redact();
    test_refused();
    test_not_covered();
    test_crash();
    return tap_done();
}
