/* tar of mails: each file in it is a mail or an mbox. ustar (POSIX.1-1988), GNU's long names, pax
 * extended headers (POSIX.1-2001, "pax Interchange Format"), and the old format without a magic.
 * Folders, links, devices and sparse files are passed over. */
#include <errno.h>
#include <stdlib.h>

#include "import/mail.h"
#include "wire/text.h"

#define BLOCK        512
#define TAR_NAME_MAX (64u << 10) /* of a GNU long name */
#define TAR_PAX_MAX  (1u << 20)  /* of a pax header */

/* Offsets of a header's fields. */
enum {
    AT_NAME = 0,
    NAME_LEN = 100,
    AT_SIZE = 124,
    SIZE_LEN = 12,
    AT_SUM = 148,
    SUM_LEN = 8,
    AT_TYPE = 156,
    AT_MAGIC = 257,
    AT_PREFIX = 345,
    PREFIX_LEN = 155,
    AT_GNU_EXTENDED = 482,
    AT_SPARSE_EXTENDED = 504,
};

struct tar {
    struct mailbox m;
    uint64_t headers;
    struct buf name, long_name; /* of the member; given by a header in front of its own */
    uint64_t size;              /* likewise, of pax */
    bool has_size, sparse;
};

/* ---- a header ---- */

static struct span text_field(const uint8_t *p, size_t n)
{
    const uint8_t *nul = memchr(p, 0, n);
    return span_of(p, nul ? (size_t)(nul - p) : n);
}

/* Octal, or GNU's base 256 with the highest bit set. */
static bool number_field(const uint8_t *p, size_t n, uint64_t *out)
{
    uint64_t v = 0;
    if (p[0] & 0x80) {
        for (size_t i = 0; i < n; i++) {
            if (v >> 55)
                return false;
            v = v << 8 | (i ? p[i] : p[i] & 0x7f);
        }
        *out = v;
        return !(p[0] & 0x40);
    }
    struct span s = text_trim_lines(text_field(p, n));
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '7')
            return false;
        v = v << 3 | (s.p[i] - '0');
    }
    *out = v;
    return true;
}

/* The sum of all bytes, its own field taken as spaces; old programs took them as signed. */
static bool sum_holds(const uint8_t *h)
{
    uint64_t want;
    int64_t sum = 0, as_signed = 0;
    if (!h[AT_SUM] || !number_field(h + AT_SUM, SUM_LEN, &want))
        return false;
    for (unsigned i = 0; i < BLOCK; i++) {
        bool own = i >= AT_SUM && i < AT_SUM + SUM_LEN;
        sum += own ? ' ' : h[i];
        as_signed += own ? ' ' : (int8_t)h[i];
    }
    return (int64_t)want == sum || (int64_t)want == as_signed;
}

static bool has_magic(const uint8_t *h)
{
    return memcmp(h + AT_MAGIC, "ustar", 5) == 0;
}

static bool is_blank(const uint8_t *h)
{
    static const uint8_t zero[BLOCK];
    return memcmp(h, zero, BLOCK) == 0;
}

static void header_reject(struct tar *t, const char *why)
{
    t->m.counts->rejected++;
    t->m.sink->reject(t->m.sink->ctx, "header", t->headers, mailbox_offset(&t->m), why);
}

/* ---- headers about the next one ---- */

static void forget(struct tar *t)
{
    t->long_name.n = 0;
    t->has_size = t->sparse = false;
}

static void pax_record(struct tar *t, struct span key, struct span value)
{
    if (span_is(key, "path")) {
        t->long_name.n = 0;
        buf_span(&t->long_name, value);
    } else if (span_is(key, "size")) {
        t->has_size = text_number(value, &t->size);
    } else if (key.n > 11 && memcmp(key.p, "GNU.sparse.", 11) == 0) {
        t->sparse = true;
    }
}

/* "27 path=some/name\n", one behind the other. */
static void pax_records(struct tar *t, struct span s)
{
    while (s.n) {
        uint64_t n;
        size_t space = text_find(s, ' ');
        if (space == s.n || !text_number(span_of(s.p, space), &n) || n > s.n || n < space + 3)
            return;
        struct span record = span_of(s.p + space + 1, (size_t)n - space - 2);
        size_t equals = text_find(record, '=');
        if (equals < record.n)
            pax_record(t, span_of(record.p, equals), text_behind(record, equals + 1));
        s = text_behind(s, (size_t)n);
    }
}

/* True when it was a header about the next one; its `size` bytes are in hand then. */
static bool take_meta(struct tar *t, uint8_t type, uint64_t size)
{
    uint64_t max = type == 'L' ? TAR_NAME_MAX : TAR_PAX_MAX;
    if (type != 'L' && type != 'x' && type != 'K' && type != 'g')
        return false;
    if (type == 'K' || type == 'g')
        return true;
    if (size > max) {
        header_reject(t, "a header about the next member is too large");
        return true;
    }
    size_t n = mailbox_need(&t->m, (size_t)size);
    struct span s = span_of(mailbox_at(&t->m), n < size ? n : (size_t)size);
    if (type == 'x') {
        pax_records(t, s);
    } else {
        t->long_name.n = 0;
        buf_span(&t->long_name, text_field(s.p, s.n));
    }
    return true;
}

/* ---- members ---- */

static void take_name(struct tar *t, const uint8_t *h)
{
    struct span prefix = text_field(h + AT_PREFIX, PREFIX_LEN);
    t->name.n = 0;
    if (t->long_name.n) {
        buf_span(&t->name, buf_as_span(&t->long_name));
        return;
    }
    if (prefix.n && memcmp(h + AT_MAGIC, "ustar\0", 6) == 0) { /* GNU's has other things there */
        buf_span(&t->name, prefix);
        buf_byte(&t->name, '/');
    }
    buf_span(&t->name, text_field(h + AT_NAME, NAME_LEN));
}

/* A name as mails have it: x.eml, or in a Maildir. */
static bool is_mail_name(struct span s)
{
    const uint8_t *slash = s.n ? memrchr(s.p, '/', s.n) : NULL;
    struct span folder = span_of(s.p, slash ? (size_t)(slash - s.p) : 0);
    if (s.n > 4 && text_is(span_of(s.p + s.n - 4, 4), ".eml"))
        return true;
    if (folder.n < 3)
        return false;
    struct span last = span_of(folder.p + folder.n - 3, 3);
    return (span_is(last, "new") || span_is(last, "cur")) &&
           (folder.n == 3 || folder.p[folder.n - 4] == '/');
}

static int take_member(struct tar *t, uint64_t size)
{
    struct mailbox *m = &t->m;
    int rc = 0;
    m->member = buf_as_span(&t->name);
    m->end = mailbox_offset(m) + size;
    size_t n = mailbox_need(m, SOURCE_HEAD_MAX);
    struct span head = span_of(mailbox_at(m), n < SOURCE_HEAD_MAX ? n : SOURCE_HEAD_MAX);
    if (!size)
        mailbox_reject(m, mailbox_offset(m), "an empty file");
    else if (mbox_looks(head) || eml_looks(head) || is_mail_name(m->member))
        rc = eml_read(m);
    else
        mailbox_reject(m, mailbox_offset(m), "not a mail");
    mailbox_skip(m, UINT64_MAX);
    m->end = UINT64_MAX;
    m->member = span_of(NULL, 0);
    return rc;
}

static bool has_data(uint8_t type)
{
    return type < '1' || type > '6'; /* links, devices, folders */
}

/* GNU's old sparse format: more headers may follow its own. */
static void pass_sparse(struct tar *t, bool more)
{
    while (more && mailbox_need(&t->m, BLOCK) >= BLOCK) {
        more = mailbox_at(&t->m)[AT_SPARSE_EXTENDED] != 0;
        mailbox_skip(&t->m, BLOCK);
    }
}

/* The header in hand and what belongs to it. */
static int take_header(struct tar *t)
{
    uint8_t h[BLOCK];
    uint64_t size;
    int rc = 0;
    memcpy(h, mailbox_at(&t->m), BLOCK);
    uint8_t type = h[AT_TYPE];
    if (!number_field(h + AT_SIZE, SIZE_LEN, &size)) {
        header_reject(t, "its size is no number");
        mailbox_skip(&t->m, BLOCK);
        return 0;
    }
    mailbox_skip(&t->m, BLOCK);
    if (take_meta(t, type, size)) {
        mailbox_skip(&t->m, (size + BLOCK - 1) / BLOCK * BLOCK);
        return 0;
    }
    size = !has_data(type) ? 0 : t->has_size ? t->size : size;
    if (size > SOURCE_UNPACKED_MAX) {
        header_reject(t, "its size is no archive's");
        size = 0;
    }
    uint64_t padding = (BLOCK - size % BLOCK) % BLOCK;
    if (type == 'S')
        pass_sparse(t, h[AT_GNU_EXTENDED] != 0);
    if ((type == '0' || type == 0 || type == '7') && !t->sparse) {
        take_name(t, h);
        bool folder = t->name.n && t->name.p[t->name.n - 1] == '/'; /* in the old format */
        if (!folder)
            rc = take_member(t, size);
        else
            mailbox_skip(&t->m, size);
    } else {
        mailbox_skip(&t->m, size);
    }
    mailbox_skip(&t->m, padding);
    forget(t);
    return rc;
}

/* From a block that is no header to the next that certainly is one. */
static void resync(struct tar *t)
{
    header_reject(t, "not a header, or its checksum does not hold: passed over to the next one");
    do
        mailbox_skip(&t->m, BLOCK);
    while (mailbox_need(&t->m, BLOCK) >= BLOCK &&
           !(has_magic(mailbox_at(&t->m)) && sum_holds(mailbox_at(&t->m))));
    forget(t);
}

static int read_all(struct tar *t)
{
    int rc = 0;
    while (rc >= 0 && mailbox_need(&t->m, BLOCK) >= BLOCK) {
        const uint8_t *h = mailbox_at(&t->m);
        if (is_blank(h)) { /* its end, unless another archive was appended */
            mailbox_skip(&t->m, BLOCK);
            continue;
        }
        t->headers++;
        if (sum_holds(h))
            rc = take_header(t);
        else
            resync(t);
    }
    if (rc >= 0 && mailbox_need(&t->m, 1) && t->m.ended == 0)
        header_reject(t, "the archive is cut off");
    return rc;
}

static int run(struct source *src, const struct import_sink *sink, struct import_counts *counts,
               struct err *err)
{
    struct tar t = {0};
    mailbox_begin(&t.m, src, sink, counts);
    int rc = mailbox_end(&t.m, read_all(&t), err);
    buf_free(&t.name);
    buf_free(&t.long_name);
    return rc;
}

static int probe(struct span head)
{
    if (head.n < BLOCK || !sum_holds(head.p))
        return 0;
    return has_magic(head.p) ? 99 : 85;
}

const struct import_format import_tar = {
    .name = "tar", .about = "mails and mboxes in a tar archive", .probe = probe, .run = run};
