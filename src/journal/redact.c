/* Erasing payloads. The REDACTION entry is published before the first byte is erased, and an intent
 * file remembers what is under way, so that a crash in between is finished by the next writer. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cbor.h"
#include "base/utc.h"
#include "journal/internal.h"
#include "journal/rotation.h"

#define INTENT_MAX  64
#define ERASE_PIECE (64u << 10)

static void payload_put(const struct journal_range *ranges, size_t n, const char *who,
                        const char *why, struct buf *out)
{
    cbor_put_head(out, CBOR_MAP, 3);
    cbor_put_key(out, "who");
    cbor_put_text(out, span_str(who));
    cbor_put_key(out, "why");
    cbor_put_text(out, span_str(why));
    cbor_put_key(out, "entries");
    cbor_put_head(out, CBOR_ARRAY, n);
    for (size_t i = 0; i < n; i++) {
        cbor_put_head(out, CBOR_ARRAY, 2);
        cbor_put_uint(out, ranges[i].first);
        cbor_put_uint(out, ranges[i].last);
    }
}

int redact_parse(struct span payload, struct journal_range **ranges, size_t *n)
{
    struct cur c;
    struct cbor_item list, pair, first, last;
    *ranges = NULL;
    *n = 0;
    if (!cbor_valid(payload) || cbor_find(cur_of(payload), "entries", &c) != 1 ||
        cbor_get(&c, &list) != 1 || list.type != CBOR_ARRAY || list.n == 0)
        return -EBADMSG;
    struct journal_range *r = calloc(list.n, sizeof *r);
    if (!r)
        abort();
    for (uint64_t i = 0; i < list.n; i++) {
        if (cbor_get(&c, &pair) != 1 || pair.type != CBOR_ARRAY || pair.n != 2 ||
            cbor_get(&c, &first) != 1 || first.type != CBOR_UINT || cbor_get(&c, &last) != 1 ||
            last.type != CBOR_UINT || first.n >= last.n) {
            free(r);
            return -EBADMSG;
        }
        r[i] = (struct journal_range){first.n, last.n};
    }
    *ranges = r;
    *n = list.n;
    return 0;
}

int journal_redaction_ranges(struct span payload, struct journal_range **ranges, size_t *n)
{
    return redact_parse(payload, ranges, n);
}

/* Every range is committed and holds no redaction entry: those keep others' erasure legitimate. */
static int ranges_check(struct journal *j, const struct journal_range *ranges, size_t n,
                        struct err *err)
{
    if (n == 0)
        return err_set(err, -EINVAL, "redact: no entries named");
    for (size_t i = 0; i < n; i++) {
        if (ranges[i].first >= ranges[i].last || ranges[i].last > j->committed)
            return err_set(err, -EINVAL,
                           "redact: no entries from %llu up to %llu (the log has "
                           "%llu)",
                           (unsigned long long)ranges[i].first, (unsigned long long)ranges[i].last,
                           (unsigned long long)j->committed);
        struct journal_cursor *c;
        struct span note;
        struct entry e;
        int rc = journal_cursor_open(j, ranges[i].first, &c, err);
        while (rc == 0 && (rc = journal_cursor_next(c, &e, err)) == 1) {
            rc = 0;
            if (e.header.flags & ENTRY_FLAG_REDACTION)
                rc = err_set(err, -EINVAL, "redact: entry %llu is itself a redaction",
                             (unsigned long long)e.index);
            if (rc == 0 && rotation_of_entry(e.header.kind, e.payload, &note) != 0)
                rc = err_set(err, -EINVAL,
                             "redact: entry %llu replaces the log's key: without it none could "
                             "follow from the old key to the new",
                             (unsigned long long)e.index);
            if (e.index + 1 == ranges[i].last)
                break;
        }
        journal_cursor_close(c);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int erase_record(int fd, const struct record *rec, struct err *err)
{
    static const uint8_t zero[ERASE_PIECE];
    uint64_t at = rec->offset + RECORD_SALT;
    for (size_t left = JOURNAL_SALT_LEN + rec->length; left;) {
        ssize_t n = pwrite(fd, zero, left < sizeof zero ? left : sizeof zero, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_errno(err, "journal: erasing entry %llu", (unsigned long long)rec->index);
        at += (uint64_t)n;
        left -= (size_t)n;
    }
    return 0;
}

/* Erases [*at, last) as far as one segment has it; *at moves on. */
static int erase_in_segment(struct journal *j, uint64_t first, uint64_t *at, uint64_t last,
                            struct err *err)
{
    struct segment_reader r;
    struct record rec;
    char name[SEGMENT_NAME_MAX];
    segment_name(name, first);
    int rc = segment_open(&r, j->journal_fd, first, j->origin, err);
    if (rc < 0)
        return rc;
    int fd = openat(j->journal_fd, name, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        rc = err_errno(err, "journal/%s", name);
    else
        rc = segment_seek(&r, j->journal_fd, *at, err);
    while (rc == 1 && *at < last && (rc = segment_next(&r, &rec, err)) == 1) {
        rc = erase_record(fd, &rec, err);
        if (rc == 0)
            rc = 1;
        *at += 1;
    }
    if (rc >= 0 && fdatasync(fd) < 0)
        rc = err_errno(err, "journal/%s", name);
    if (fd >= 0)
        close(fd);
    segment_close(&r);
    return rc < 0 ? rc : 0;
}

static int erase(struct journal *j, const struct journal_range *ranges, size_t n, struct err *err)
{
    struct segment_list list;
    int rc = segment_list_read(j->journal_fd, &list, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < n && rc == 0; i++) {
        uint64_t at = ranges[i].first;
        while (rc == 0 && at < ranges[i].last) {
            uint64_t before = at;
            size_t k = segment_list_find(&list, at);
            rc = k == list.n ? err_set(err, -EBADMSG, "journal: a segment is missing")
                             : erase_in_segment(j, list.first[k], &at, ranges[i].last, err);
            if (rc == 0 && at == before)
                rc = err_set(err, -EBADMSG, "journal: entry %llu is missing",
                             (unsigned long long)at);
        }
    }
    segment_list_free(&list);
    if (j->single) { /* it may hold what has just been erased */
        journal_cursor_close(j->single);
        j->single = NULL;
    }
    return rc;
}

static int intent_path(const struct journal *j, char path[FILE_PATH_MAX], struct err *err)
{
    return file_path(path, err, "%s/" INTENT_FILE, j->dir);
}

static int intent_write(const struct journal *j, uint64_t index, struct err *err)
{
    char path[FILE_PATH_MAX], text[INTENT_MAX];
    int rc = intent_path(j, path, err);
    int n = snprintf(text, sizeof text, "%llu\n", (unsigned long long)index);
    return rc < 0 ? rc : file_replace(path, span_of(text, (size_t)n), 0600, err);
}

static int intent_remove(const struct journal *j, struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = intent_path(j, path, err);
    if (rc < 0)
        return rc;
    if (unlink(path) < 0 && errno != ENOENT)
        return err_errno(err, "%s", path);
    return fsync(j->journal_fd) < 0 ? err_errno(err, "%s", path) : 0;
}

/* Erases what the entry at `index` names, if it is a redaction, and takes the intent away. */
static int carry_out(struct journal *j, uint64_t index, struct err *err)
{
    struct entry e;
    struct journal_range *ranges;
    size_t n;
    int rc = index < j->committed ? journal_get(j, index, &e, err) : 1;
    if (rc < 0)
        return rc;
    if (rc == 0 && (e.header.flags & ENTRY_FLAG_REDACTION)) {
        if (redact_parse(e.payload, &ranges, &n) < 0)
            return err_set(err, -EBADMSG, "journal: entry %llu is a redaction that cannot be read",
                           (unsigned long long)index);
        for (size_t i = 0; i < n && rc == 0; i++)
            if (ranges[i].last > index)
                rc = err_set(err, -EBADMSG,
                             "journal: the redaction at entry %llu names later "
                             "entries",
                             (unsigned long long)index);
        if (rc == 0)
            rc = erase(j, ranges, n, err);
        free(ranges);
    }
    return rc < 0 ? rc : intent_remove(j, err);
}

int redact_finish(struct journal *j, struct err *err)
{
    char path[FILE_PATH_MAX], *end;
    struct buf text = {0};
    int rc = intent_path(j, path, err);
    if (rc < 0 || !file_exists(path))
        return rc;
    rc = file_read(path, INTENT_MAX, &text, err);
    if (rc == 0) {
        buf_byte(&text, 0);
        unsigned long long index = strtoull((char *)text.p, &end, 10);
        rc = end == (char *)text.p || *end != '\n'
                 ? err_set(err, -EBADMSG, "%s: not an entry's index", path)
                 : carry_out(j, index, err);
    }
    buf_free(&text);
    return rc;
}

int redact_record(struct journal *j, const struct journal_range *ranges, size_t n, const char *who,
                  const char *why, uint64_t *index, struct err *err)
{
    struct buf payload = {0};
    struct entry_header header = {
        .kind = JOURNAL_KIND_REDACTION, .flags = ENTRY_FLAG_REDACTION, .time = utc_now()};
    payload_put(ranges, n, who ? who : "", why ? why : "", &payload);
    int rc = 0;
    if (payload.n > JOURNAL_PAYLOAD_MAX)
        rc = err_set(err, -E2BIG, "redact: too many ranges at once (%zu)", n);
    if (rc == 0)
        rc = writer_append(j, &header, buf_as_span(&payload), index, err);
    buf_free(&payload);
    return rc < 0 ? rc : journal_commit(j, err);
}

int journal_redact(struct journal *j, const struct journal_range *ranges, size_t n, const char *who,
                   const char *why, uint64_t *index, struct err *err)
{
    int rc = journal_commit(j, err); /* also refuses a reader */
    if (rc == 0)
        rc = ranges_check(j, ranges, n, err);
    if (rc < 0)
        return rc;
    uint64_t at = j->size;
    rc = intent_write(j, at, err);
    if (rc == 0)
        rc = redact_record(j, ranges, n, who, why, index, err);
    if (rc < 0) {
        if (j->committed <= at)
            intent_remove(j, NULL);
        return rc;
    }
    rc = journal_publish(j, err);
    return rc < 0 ? rc : carry_out(j, at, err);
}
