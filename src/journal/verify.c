/* Judging a log: everything that can be derived from the segments is derived again and compared. */
#include "journal/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "journal/hash.h"

#define PROGRESS_STEP   65536
#define SEGMENTS_CACHED 16 /* a longer log does not stay in the page cache behind the reader */

int verify_bad(struct verifier *v, uint64_t index, const char *file, uint64_t offset,
               const char *fmt, ...)
{
    struct journal_verdict *d = v->verdict;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(d->why, sizeof d->why, fmt, ap);
    va_end(ap);
    snprintf(d->bad_file, sizeof d->bad_file, "%s", file);
    d->bad_index = index;
    d->bad_offset = offset;
    d->holds = false;
    return 1;
}

static int bad_segment(struct verifier *v, uint64_t index, uint64_t first, uint64_t offset,
                       const char *why)
{
    char name[SEGMENT_NAME_MAX], file[SEGMENT_NAME_MAX + 8];
    segment_name(name, first);
    snprintf(file, sizeof file, "journal/%s", name);
    return verify_bad(v, index, file, offset, "%s", why);
}

static void range_add(struct verify_ranges *r, uint64_t first, uint64_t last)
{
    if (r->n && r->v[r->n - 1].last == first) {
        r->v[r->n - 1].last = last;
        return;
    }
    if (r->n == r->cap) {
        r->cap = r->cap ? 2 * r->cap : 64;
        r->v = realloc(r->v, r->cap * sizeof *r->v);
        if (!r->v)
            abort();
    }
    r->v[r->n++] = (struct journal_range){first, last};
}

static int range_cmp(const void *a, const void *b)
{
    const struct journal_range *x = a, *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* Sorted and without overlaps. */
static void ranges_normalize(struct verify_ranges *r)
{
    size_t n = 0;
    if (r->n)
        qsort(r->v, r->n, sizeof *r->v, range_cmp);
    for (size_t i = 0; i < r->n; i++) {
        if (n && r->v[i].first <= r->v[n - 1].last) {
            if (r->v[i].last > r->v[n - 1].last)
                r->v[n - 1].last = r->v[i].last;
        } else {
            r->v[n++] = r->v[i];
        }
    }
    r->n = n;
}

/* The first element of a that is not in b; false when there is none. Both normalized. */
static bool ranges_missing(const struct verify_ranges *a, const struct verify_ranges *b,
                           uint64_t *out)
{
    size_t k = 0;
    for (size_t i = 0; i < a->n; i++) {
        uint64_t at = a->v[i].first;
        while (at < a->v[i].last) {
            while (k < b->n && b->v[k].last <= at)
                k++;
            if (k == b->n || b->v[k].first > at) {
                *out = at;
                return true;
            }
            at = b->v[k].last;
        }
    }
    return false;
}

static bool redaction_under_way(const struct verifier *v)
{
    char path[FILE_PATH_MAX];
    return file_path(path, NULL, "%s/" INTENT_FILE, v->dir) == 0 && file_exists(path);
}

/* Beside a writer an entry may be erased by a redaction that came after this look at the log. */
static int erased_meanwhile(const struct verifier *v, uint64_t index, struct err *err)
{
    if (!v->live)
        return 0;
    return err_set(err, -EAGAIN, "entry %llu is erased by the writer at this moment: verify again",
                   (unsigned long long)index);
}

static int redactions_check(struct verifier *v, struct err *err)
{
    uint64_t index;
    ranges_normalize(&v->covered);
    ranges_normalize(&v->zero);
    for (size_t i = 0; i < v->zero.n; i++)
        v->verdict->redacted += v->zero.v[i].last - v->zero.v[i].first;
    if (ranges_missing(&v->zero, &v->covered, &index)) {
        struct buf now = {0};
        struct checkpoint c;
        int rc = checkpoint_load(v->dir, &v->key, &now, &c, NULL);
        buf_free(&now);
        if (rc == 0 && c.size > v->committed && (rc = erased_meanwhile(v, index, err)) < 0)
            return rc;
        return verify_bad(v, index, "journal", 0,
                          "the entry is erased, but no redaction entry covers it");
    }
    if (!redaction_under_way(v) && ranges_missing(&v->covered, &v->zero, &index))
        return verify_bad(v, index, "journal", 0,
                          "a redaction entry covers the entry, but it is not erased");
    return 0;
}

static int redaction_read(struct verifier *v, const struct record *r, uint64_t first)
{
    struct journal_range *ranges;
    size_t n;
    if (redact_parse(span_of(r->payload, r->length), &ranges, &n) < 0)
        return bad_segment(v, r->index, first, r->offset, "a redaction entry cannot be read");
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (ranges[i].last > r->index)
            rc = bad_segment(v, r->index, first, r->offset,
                             "a redaction entry names entries that come after it");
        range_add(&v->covered, ranges[i].first, ranges[i].last);
    }
    free(ranges);
    return rc;
}

/* A record whose salt and payload hold, or do not. 0, 1, or -EBADMSG for a torn tail. */
static int payload_check(struct verifier *v, const struct record *r, uint64_t first, bool holds,
                         struct err *err)
{
    bool redaction = be16_get(r->leaf + 2) & ENTRY_FLAG_REDACTION;
    if (holds && r->leaf[1] == JOURNAL_KIND_KEY_ROTATED)
        verify_keys_entry(v, r);
    if (holds)
        return redaction ? redaction_read(v, r, first) : 0;
    if (r->index < v->signed_.size && record_is_zero(r) && !redaction) {
        range_add(&v->zero, r->index, r->index + 1);
        return 0;
    }
    if (r->index >= v->committed)
        return -EBADMSG;
    int rc = redaction_under_way(v) ? erased_meanwhile(v, r->index, err) : 0;
    if (rc < 0)
        return rc;
    return bad_segment(v, r->index, first, r->offset + RECORD_SALT,
                       "salt and payload do not match the entry's commitment");
}

/* The records up to the first whose payload does not pass; *rc as payload_check. */
static int payloads_check(struct verifier *v, const struct record *r, int n, uint64_t first,
                          int *rc, struct err *err)
{
    struct hash_job jobs[TILE_WIDTH];
    uint8_t digest[TILE_WIDTH][SHA256_LEN];
    for (int i = 0; i < n; i++)
        jobs[i] =
            (struct hash_job){r[i].salt, JOURNAL_SALT_LEN + r[i].length, digest[i], HASH_NO_PREFIX};
    hash_many(jobs, (size_t)n);
    *rc = 0;
    for (int i = 0; i < n; i++) {
        bool holds = memcmp(digest[i], r[i].leaf + JOURNAL_HEADER_LEN, SHA256_LEN) == 0;
        *rc = payload_check(v, &r[i], first, holds, err);
        if (*rc)
            return i;
    }
    return n;
}

static int sizes_check(struct verifier *v, struct err *err)
{
    uint8_t root[SHA256_LEN];
    if (verify_keys_size(v))
        return 1;
    if (v->since_set && v->size == v->since_size) {
        tree_fold(&v->tree, v->size);
        tree_root(&v->tree, v->size, root);
        if (memcmp(root, v->since_root, SHA256_LEN) != 0)
            return verify_bad(v, UINT64_MAX, CHECKPOINT_FILE, 0,
                              "the log is not consistent with the older checkpoint: its first "
                              "%llu entries have another root",
                              (unsigned long long)v->size);
    }
    if (v->size != v->signed_.size)
        return 0;
    tree_fold(&v->tree, v->size);
    int rc = verify_edge(v, err);
    if (rc)
        return rc;
    tree_root(&v->tree, v->size, v->verdict->root);
    if (memcmp(v->verdict->root, v->signed_.root, SHA256_LEN) != 0)
        return verify_bad(v, UINT64_MAX, CHECKPOINT_FILE, 0,
                          "the entries do not hash to the signed root");
    return 0;
}

/* How many entries may come at once, so that each size to look at is met. */
static int batch_limit(const struct verifier *v)
{
    uint64_t limit = TILE_WIDTH - v->size % TILE_WIDTH;
    const uint64_t stops[] = {v->signed_.size, v->since_set ? v->since_size : 0,
                              v->live ? v->committed : 0};
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++)
        if (stops[i] > v->size && stops[i] - v->size < limit)
            limit = stops[i] - v->size;
    return (int)verify_keys_stop(v, limit);
}

/* Records of one bundle at most. */
static int records_check(struct verifier *v, const struct record *r, int n, uint64_t first,
                         struct err *err)
{
    struct hash_job jobs[TILE_WIDTH];
    unsigned at = v->size % TILE_WIDTH;
    int payloads, good = payloads_check(v, r, n, first, &payloads, err);
    if (at == 0)
        v->entries.n = 0;
    uint8_t *bundle = buf_reserve(&v->entries, (size_t)good * BUNDLE_ENTRY);
    struct buf *leaves = &v->tree.level[0].hashes;
    uint8_t *hashes = buf_reserve(leaves, (size_t)good * SHA256_LEN);
    for (int i = 0; i < good; i++, bundle += BUNDLE_ENTRY) {
        v->place[at + (unsigned)i].first = first;
        v->place[at + (unsigned)i].offset = r[i].offset;
        be16_put(bundle, JOURNAL_LEAF_LEN);
        memcpy(bundle + 2, r[i].leaf, JOURNAL_LEAF_LEN);
        jobs[i] =
            (struct hash_job){r[i].leaf, JOURNAL_LEAF_LEN, hashes + i * SHA256_LEN, HASH_LEAF};
    }
    hash_many(jobs, (size_t)good);
    v->entries.n += (size_t)good * BUNDLE_ENTRY;
    leaves->n += (size_t)good * SHA256_LEN;
    v->size += (uint64_t)good;
    if (payloads)
        return payloads;
    int rc = v->size % TILE_WIDTH == 0 ? verify_full_tiles(v, err) : 0;
    if (rc == 0)
        rc = sizes_check(v, err);
    if (rc == 0 && v->size % PROGRESS_STEP == 0 && v->options->progress)
        v->options->progress(v->options->ctx, v->size,
                             v->size > v->committed ? v->size : v->committed);
    return rc;
}

/* 0 read to its end, 1, negative. */
static int segment_check(struct verifier *v, uint64_t first, bool last, struct err *err)
{
    struct segment_reader r;
    struct record rec[TILE_WIDTH];
    struct err why = {0};
    if (first != v->size)
        return bad_segment(v, v->size, first, 0,
                           first > v->size ? "entries before this segment are missing"
                                           : "the segment begins with entries that another has");
    int rc = segment_open(&r, v->journal_fd, first, v->key.name, &why);
    uint64_t offset = 0;
    if (rc == 0) {
        while (!(v->live && v->size >= v->committed)) {
            offset = r.offset;
            rc = segment_batch(&r, rec, batch_limit(v), &why);
            if (rc <= 0)
                break;
            rc = records_check(v, rec, rc, first, &why);
            if (rc)
                break;
        }
        if (v->large) /* fresh pages for the next segment would cost more than reading it */
            posix_fadvise(r.fd, 0, 0, POSIX_FADV_DONTNEED);
        segment_close(&r);
    }
    v->verdict->segments++;
    if (rc == -EBADMSG && last && v->size >= v->committed) {
        v->torn = true; /* the log holds; the text says what a writer will cut */
        snprintf(v->verdict->why, sizeof v->verdict->why, "torn tail behind entry %lld: %.180s",
                 (long long)v->size - 1, why.text);
        return 0;
    }
    if (rc == -EBADMSG)
        return bad_segment(v, v->size, first, offset, why.text);
    return rc < 0 ? err_set(err, rc, "%s", why.text) : rc;
}

static int segments_check(struct verifier *v, struct err *err)
{
    struct segment_list list;
    int rc = segment_list_read(v->journal_fd, &list, err);
    v->large = list.n > SEGMENTS_CACHED;
    for (size_t i = 0; i < list.n && rc == 0; i++) {
        if (v->live && v->size >= v->committed)
            break;
        rc = segment_check(v, list.first[i], i + 1 == list.n, err);
    }
    uint64_t last = list.n ? list.first[list.n - 1] : 0;
    segment_list_free(&list);
    if (rc == 0 && v->size < v->committed)
        rc = bad_segment(v, v->size, last, 0,
                         "the journal ends before the last entry that was "
                         "committed");
    return rc;
}

static int since_load(struct verifier *v, struct err *err)
{
    struct buf note = {0};
    struct span text;
    struct checkpoint c;
    struct err why;
    const char *path = v->options->since;
    int rc = file_read(path, NOTE_MAX, &note, err);
    if (rc < 0)
        return rc;
    rc = note_open(buf_as_span(&note), &v->key, &text, &why);
    for (size_t i = 0; i < v->rotated_n && rc == -ENOKEY; i++) /* from before a key was replaced */
        rc = note_open(buf_as_span(&note), &v->rotated[i].rotation.from, &text, &why);
    if (rc == 0)
        rc = checkpoint_parse(text, &c, &why);
    if (rc == 0 && !span_is(c.origin, v->key.name))
        rc = err_set(&why, -EBADMSG, "a checkpoint of another log");
    if (rc < 0) {
        err_set(err, rc, "%s: %s", path, why.text);
    } else {
        v->since_set = true;
        v->since_size = c.size;
        memcpy(v->since_root, c.root, SHA256_LEN);
    }
    buf_free(&note);
    return rc;
}

/* Key, checkpoint, older checkpoint, committed size. */
static int head_check(struct verifier *v, struct err *err)
{
    struct err why;
    int rc = vkey_load(v->dir, &v->key, &why);
    if (rc == -EBADMSG || rc == -ENOTSUP)
        return verify_bad(v, UINT64_MAX, "log/vkey", 0, "%s", why.text);
    if (rc < 0)
        return err_set(err, rc, "%s", why.text);
    rc = checkpoint_load(v->dir, &v->key, &v->note, &v->signed_, &why);
    if (rc == -EBADMSG || rc == -ENOENT)
        return verify_bad(v, UINT64_MAX, CHECKPOINT_FILE, 0, "%s", why.text);
    if (rc < 0)
        return err_set(err, rc, "%s", why.text);
    rc = verify_keys_load(v, err);
    if (rc)
        return rc;
    if (v->options->since && (rc = since_load(v, err)) < 0)
        return rc;
    if (v->since_set && v->since_size > v->signed_.size)
        return verify_bad(v, UINT64_MAX, CHECKPOINT_FILE, 0,
                          "the log has %llu entries, the older checkpoint %llu: entries were "
                          "removed",
                          (unsigned long long)v->signed_.size, (unsigned long long)v->since_size);
    int fd = openat(v->journal_fd, "committed", O_RDONLY | O_CLOEXEC);
    uint64_t committed;
    v->committed = v->signed_.size;
    if (committed_read(fd, &committed) && committed > v->committed)
        v->committed = committed;
    if (fd >= 0)
        close(fd);
    return 0;
}

static int judge(struct verifier *v, struct err *err)
{
    int rc = head_check(v, err);
    if (rc == 0 && (v->signed_.size == 0 || (v->since_set && v->since_size == 0)))
        rc = sizes_check(v, err);
    if (rc == 0)
        rc = segments_check(v, err);
    v->verdict->entries = v->size;
    if (rc == 0 && !v->options->no_tiles)
        rc = verify_tile_files(v, err);
    if (rc == 0)
        rc = redactions_check(v, err);
    if (rc == 0)
        rc = verify_keys_end(v);
    if (rc == 0 && v->options->progress)
        v->options->progress(v->options->ctx, v->size, v->size);
    return rc;
}

int journal_verify(const char *dir, const struct journal_verify_options *options,
                   struct journal_verdict *out, struct err *err)
{
    static const struct journal_verify_options none;
    struct verifier *v = calloc(1, sizeof *v);
    if (!v)
        abort();
    memset(out, 0, sizeof *out);
    out->bad_index = UINT64_MAX;
    out->holds = true;
    v->dir = dir;
    v->options = options ? options : &none;
    v->verdict = out;
    v->log_fd = -1;
    v->live = lock_is_held(dir);
    int rc = v->journal_fd = case_folder(dir, "journal", err);
    if (rc >= 0)
        rc = v->log_fd = case_folder(dir, "log", err);
    if (rc >= 0)
        rc = judge(v, err);
    if (rc < 0)
        out->holds = false;
    if (v->journal_fd >= 0)
        close(v->journal_fd);
    if (v->log_fd >= 0)
        close(v->log_fd);
    tree_free(&v->tree);
    buf_free(&v->entries);
    buf_free(&v->note);
    buf_free(&v->file);
    for (unsigned i = 0; i <= TREE_LEVELS; i++)
        buf_free(&v->edge[i]);
    free(v->zero.v);
    free(v->covered.v);
    free(v->rotated);
    free(v->named);
    free(v->chain);
    free(v);
    return rc < 0 ? rc : 0;
}
