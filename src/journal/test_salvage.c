/* The last segment ends before the signed checkpoint: the log keeps what it signed and says what
 * it lost. */
#include <errno.h>
#include <stdlib.h>

#include "base/cbor.h"
#include "journal/internal.h"
#include "journal/test_scratch.h"

#define FIRST_SEGMENT "journal/0000000000000000.seg"
#define ENTRIES       600 /* two full tiles and a partial one */

/* Offsets where each record ends, ends[i] being that of the first i. */
static size_t *record_ends(const struct buf *seg, size_t n)
{
    size_t *ends = calloc(n + 1, sizeof *ends), at = SEGMENT_HEADER_LEN;
    if (!ends)
        abort();
    for (size_t i = 0; i <= n; i++) {
        ends[i] = at;
        if (i < n)
            at += RECORD_FIXED + be32_get(seg->p + at);
    }
    return ends;
}

static size_t whole_records(const size_t *ends, size_t n, size_t length)
{
    size_t whole = 0;
    while (whole < n && ends[whole + 1] <= length)
        whole++;
    return length < SEGMENT_HEADER_LEN ? 0 : whole;
}

/* Entries up to `whole` as they were, then empty ones, then one that says so. */
static bool reads_as_salvaged(struct journal *j, uint64_t whole)
{
    struct journal_cursor *c;
    struct entry e;
    uint64_t n = 0;
    bool good = journal_cursor_open(j, 0, &c, NULL) == 0;
    while (good && journal_cursor_next(c, &e, NULL) == 1) {
        char text[128];
        if (n < whole)
            good = !e.redacted && span_eq(e.payload, scratch_payload(text, n));
        else if (n < ENTRIES)
            good = e.redacted && e.header.time == -(int64_t)n;
        else
            good = e.header.flags & ENTRY_FLAG_REDACTION;
        n++;
    }
    journal_cursor_close(c);
    return good && n == ENTRIES + 1;
}

/* Cuts the segment, opens for writing and looks at what came of it. */
static bool survives_cut(const char *dir, const char *copy, const struct buf *seg, size_t length,
                         uint64_t whole, const char *old_checkpoint)
{
    struct journal *j;
    struct err err = {0};
    struct journal_verdict v;
    struct journal_verify_options options = {.since = old_checkpoint};
    scratch_remove(copy);
    scratch_copy(dir, copy);
    scratch_write(copy, FIRST_SEGMENT, span_of(seg->p, length));
    if (scratch_judge(copy).holds || journal_open(copy, JOURNAL_WRITE, &j, NULL, &err) < 0) {
        printf("# length %zu: %s\n", length, err.text);
        return false;
    }
    bool good = reads_as_salvaged(j, whole) && scratch_append(j, 50, &err) == 0;
    good = journal_close(j, &err) == 0 && good;
    if (journal_verify(copy, &options, &v, &err) < 0 || !v.holds) {
        printf("# length %zu: %s%s\n", length, err.text, v.why);
        return false;
    }
    return good && v.redacted == ENTRIES - whole && v.entries == ENTRIES + 1 + 50 &&
           !scratch_exists(copy, LOST_FILE_NAME);
}

static void test_every_kind_of_length(const char *dir, const char *copy)
{
    char old[FILE_PATH_MAX];
    struct buf seg = scratch_read(dir, FIRST_SEGMENT);
    size_t *ends = record_ends(&seg, ENTRIES);
    unsigned bad = 0, tried = 0;
    file_path(old, NULL, "%s/log/checkpoint", dir);
    is_int(ends[ENTRIES], seg.n);
    for (size_t length = 0; length < seg.n;
         length += length < 300 || seg.n - length < 300 ? 1 : 997) {
        tried++;
        bad += !survives_cut(dir, copy, &seg, length, whole_records(ends, ENTRIES, length), old);
    }
    ok(tried > 350, "lengths tried");
    is_int(bad, 0);
    free(ends);
    buf_free(&seg);
}

/* Zeros where a write did not happen are a missing tail too; other bytes are damage. */
static void test_zeros_and_damage(const char *dir, const char *copy)
{
    struct journal *j;
    struct err err = {0};
    struct buf seg = scratch_read(dir, FIRST_SEGMENT);
    size_t *ends = record_ends(&seg, ENTRIES);
    scratch_remove(copy);
    scratch_copy(dir, copy);
    memset(seg.p + ends[500], 0, seg.n - ends[500]);
    scratch_write(copy, FIRST_SEGMENT, buf_as_span(&seg));
    is_int(journal_open(copy, JOURNAL_WRITE, &j, NULL, &err), 0);
    ok(reads_as_salvaged(j, 500), "a tail of zeros");
    journal_close(j, NULL);
    ok(scratch_verify(copy).holds);
    scratch_remove(copy);
    scratch_copy(dir, copy);
    seg.p[seg.n - 1] = 1;
    scratch_write(copy, FIRST_SEGMENT, buf_as_span(&seg));
    is_int(journal_open(copy, JOURNAL_WRITE, &j, NULL, &err), -EBADMSG);
    struct buf after = scratch_read(copy, FIRST_SEGMENT);
    ok(span_eq(buf_as_span(&after), buf_as_span(&seg)), "damage is left as it is");
    buf_free(&after);
    free(ends);
    buf_free(&seg);
}

/* Salvaged, but the crash came before it was recorded; and once more after that. */
static void test_crash_between(const char *dir, const char *copy)
{
    struct journal *j;
    struct err err = {0};
    struct buf seg = scratch_read(dir, FIRST_SEGMENT);
    size_t *ends = record_ends(&seg, ENTRIES);
    survives_cut(dir, copy, &seg, ends[400], 400, NULL);
    scratch_write(copy, LOST_FILE_NAME, span_str("400 600\n"));
    is_int(journal_open(copy, JOURNAL_WRITE, &j, NULL, &err), 0);
    is_int(journal_close(j, &err), 0);
    ok(scratch_verify(copy).holds && !scratch_exists(copy, LOST_FILE_NAME), "recorded again");
    scratch_write(copy, LOST_FILE_NAME, span_str("400 99999999\n"));
    is_int(journal_open(copy, JOURNAL_WRITE, &j, NULL, &err), -EBADMSG);
    free(ends);
    buf_free(&seg);
}

/* A published bundle that was changed cannot be salvaged from. */
static void test_bad_bundle(const char *dir, const char *copy)
{
    struct journal *j;
    struct err err = {0};
    struct buf seg = scratch_read(dir, FIRST_SEGMENT);
    scratch_remove(copy);
    scratch_copy(dir, copy);
    struct buf bundle = scratch_read(copy, "log/tile/entries/001");
    bundle.p[1000] ^= 1;
    scratch_write(copy, "log/tile/entries/001", buf_as_span(&bundle));
    scratch_write(copy, FIRST_SEGMENT, span_of(seg.p, seg.n / 4));
    ok(journal_open(copy, JOURNAL_WRITE, &j, NULL, &err) == -EBADMSG &&
           strstr(err.text, "does not hash"),
       "refused");
    buf_free(&bundle);
    buf_free(&seg);
}

/* A redaction that is lost would leave what it covers unexplained. */
static void test_lost_redaction(const char *dir, const char *copy)
{
    struct journal *j;
    struct err err = {0};
    uint64_t index;
    struct journal_range range = {3, 5};
    scratch_remove(copy);
    scratch_copy(dir, copy);
    struct buf before = scratch_read(copy, FIRST_SEGMENT);
    is_int(journal_open(copy, JOURNAL_WRITE, &j, NULL, &err), 0);
    is_int(journal_redact(j, &range, 1, "a court", "an order", &index, &err), 0);
    is_int(journal_close(j, &err), 0);
    struct buf seg = scratch_read(copy, FIRST_SEGMENT);
    scratch_write(copy, FIRST_SEGMENT, span_of(seg.p, before.n));
    ok(journal_open(copy, JOURNAL_WRITE, &j, NULL, &err) == -EBADMSG &&
           strstr(err.text, "redaction"),
       "refused");
    buf_free(&before);
    buf_free(&seg);
}

int main(void)
{
    char *dir = scratch_make(), copy[FILE_PATH_MAX];
    file_path(copy, NULL, "%s.copy", dir);
    if (!freopen("/dev/null", "w", stderr)) /* what is logged is wanted, not to be read */
        abort();
    scratch_case(dir, ENTRIES, 0);
    test_every_kind_of_length(dir, copy);
    test_zeros_and_damage(dir, copy);
    test_crash_between(dir, copy);
    test_bad_bundle(dir, copy);
    test_lost_redaction(dir, copy);
    scratch_remove(copy);
    scratch_free(dir);
    return tap_done();
}
