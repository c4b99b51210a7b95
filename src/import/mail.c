#include "import/mail.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/utc.h"
#include "wire/smtp.h"
#include "wire/text.h"

/* ---- the bytes in hand ---- */

void mailbox_begin(struct mailbox *m, struct source *src, const struct import_sink *sink,
                   struct import_counts *counts)
{
    *counts = (struct import_counts){0};
    *m =
        (struct mailbox){.src = src, .sink = sink, .counts = counts, .end = UINT64_MAX, .ended = 1};
}

int mailbox_end(struct mailbox *m, int rc, struct err *err)
{
    if (rc >= 0 && m->ended < 0)
        rc = import_broke_off(m->src, m->sink, m->counts, "mail", m->counts->records + 1, err);
    buf_free(&m->in);
    buf_free(&m->mail);
    buf_free(&m->head);
    return rc;
}

static size_t in_hand(const struct mailbox *m)
{
    uint64_t left = m->end - mailbox_offset(m);
    size_t have = m->in.n - m->at;
    return have < left ? have : (size_t)left;
}

size_t mailbox_need(struct mailbox *m, size_t n)
{
    size_t have = in_hand(m);
    if (n > m->end - mailbox_offset(m))
        n = (size_t)(m->end - mailbox_offset(m));
    if (have >= n || m->ended <= 0)
        return have;
    have = m->in.n - m->at;
    if (m->at) {
        memmove(m->in.p, m->in.p + m->at, have);
        m->base += m->at;
        m->in.n = have;
        m->at = 0;
    }
    m->ended = source_fill(m->src, &m->piece, n + MAILBOX_FILL, &m->in);
    return in_hand(m);
}

void mailbox_skip(struct mailbox *m, uint64_t n)
{
    while (n) {
        size_t have = mailbox_need(m, 1);
        if (!have)
            return;
        have = have < n ? have : (size_t)n;
        m->at += have;
        n -= have;
    }
}

bool mailbox_is_torn(const struct mailbox *m)
{
    if (m->ended > 0)
        return false;
    return m->ended < 0 || (m->end != UINT64_MAX && m->base + m->in.n < m->end);
}

/* ---- From_ lines ---- */

static bool is_letter(uint8_t c)
{
    return (uint8_t)((c | 0x20) - 'a') < 26;
}

/* "Sun Apr  8 13:07": a weekday and a month, as asctime has them. */
static bool is_asctime(struct span s)
{
    for (unsigned i = 0; i < 7; i++)
        if (s.n < 16 || (i == 3 ? s.p[i] != ' ' : !is_letter(s.p[i])))
            return false;
    return s.p[7] == ' ' && memchr(s.p + 8, ':', 8) != NULL;
}

/* No spaces but those of "user at host" and of a quoted local part. */
static bool is_sender(struct span s)
{
    size_t space = text_find(s, ' ');
    if (space == s.n || s.p[0] == '"')
        return true;
    struct span rest = text_behind(s, space);
    return text_starts(rest, " at ") && text_find(text_behind(rest, 4), ' ') == rest.n - 4;
}

bool mailbox_from_line(struct span line, struct mailbox_from *out)
{
    if (line.n > MAILBOX_FROM_MAX || line.n < 5 || memcmp(line.p, "From ", 5) != 0)
        return false;
    line = text_behind(line, 5);
    for (size_t i = line.n; i-- > 0;) {
        if ((i && line.p[i - 1] != ' ') || !is_asctime(text_behind(line, i)))
            continue;
        out->sender = text_trim_start(text_trim_end(span_of(line.p, i)));
        return is_sender(out->sender) && received_date(text_behind(line, i), &out->time);
    }
    return false;
}

/* ---- canonical bytes ---- */

/* ">From " or, where that is quoted too, ">>From ": how many bytes to leave out, 0 or 1. */
static size_t quoted(struct span line, enum mailbox_quoting quoting)
{
    size_t marks = 0;
    while (marks < line.n && line.p[marks] == '>')
        marks++;
    if (!marks || (quoting == QUOTING_O && marks > 1))
        return 0;
    line = text_behind(line, marks);
    return line.n >= 5 && memcmp(line.p, "From ", 5) == 0;
}

/* Line by line: takes the quoting off, and puts CR in front of LF where `crlf` asks for it. */
static void rewrite(struct span raw, enum mailbox_quoting quoting, bool crlf, struct buf *out)
{
    struct cur c = cur_of(raw);
    while (cur_left(&c)) {
        const uint8_t *lf = memchr(c.p, '\n', cur_left(&c));
        struct span line = span_of(c.p, (size_t)((lf ? lf : c.end) - c.p));
        if (quoting != QUOTING_NONE && line.n && line.p[0] == '>')
            line = text_behind(line, quoted(line, quoting));
        uint8_t *to = buf_reserve(out, line.n + 2);
        memcpy(to, line.p, line.n);
        to += line.n;
        if (lf && crlf)
            *to++ = '\r';
        if (lf)
            *to++ = '\n';
        out->n = (size_t)(to - out->p);
        c.p = lf ? lf + 1 : c.end;
    }
}

/* Line ends that are no CRLF, in a mail that has CRLF. */
static uint32_t odd_ends(struct span s)
{
    uint32_t bits = 0;
    for (const uint8_t *p = s.p, *end = p + s.n; (p = memchr(p, '\n', (size_t)(end - p))); p++) {
        if (p == s.p || p[-1] != '\r') {
            bits |= SMTP_BARE_LF;
            break;
        }
    }
    for (const uint8_t *p = s.p, *end = p + s.n; (p = memchr(p, '\r', (size_t)(end - p))); p++) {
        if (p + 1 == end || p[1] != '\n') {
            bits |= SMTP_BARE_CR;
            break;
        }
    }
    return bits;
}

/* The mail as it would be on the wire, in m->mail. */
static uint32_t make_canonical(struct mailbox *m, struct span raw, enum mailbox_quoting quoting)
{
    bool has_cr = memchr(raw.p, '\r', raw.n) != NULL;
    bool has_crlf = has_cr && memmem(raw.p, raw.n, "\r\n", 2) != NULL;
    m->mail.n = 0;
    if (has_crlf && quoting == QUOTING_NONE)
        buf_span(&m->mail, raw);
    else
        rewrite(raw, quoting, !has_crlf, &m->mail);
    if (m->mail.p[m->mail.n - 1] != '\n')
        buf_str(&m->mail, "\r\n");
    return has_cr ? odd_ends(buf_as_span(&m->mail)) : 0;
}

/* ---- headers ---- */

/* Where a delivery noted the recipient, the best first. */
enum { TO_ORIGINAL, TO_ENVELOPE, TO_DELIVERED, TO_KINDS };

struct heads {
    struct span received[RECEIVED_WALK_MAX];
    size_t receiveds;
    struct span subject, date, return_path;
    struct {
        struct span value;
        size_t behind; /* Received headers above it */
    } to[TO_KINDS];
};

static void keep(struct span *to, struct span value)
{
    if (!to->p)
        *to = value;
}

static void keep_to(struct heads *h, unsigned kind, struct span value)
{
    if (!h->to[kind].value.p) {
        h->to[kind].value = value;
        h->to[kind].behind = h->receiveds;
    }
}

static void take_header(struct heads *h, struct span name, struct span value)
{
    if (text_is(name, "received")) {
        if (h->receiveds < RECEIVED_WALK_MAX)
            h->received[h->receiveds++] = value;
    } else if (text_is(name, "subject"))
        keep(&h->subject, value);
    else if (text_is(name, "date"))
        keep(&h->date, value);
    else if (text_is(name, "return-path"))
        keep(&h->return_path, value);
    else if (text_is(name, "x-original-to"))
        keep_to(h, TO_ORIGINAL, value);
    else if (text_is(name, "envelope-to"))
        keep_to(h, TO_ENVELOPE, value);
    else if (text_is(name, "delivered-to"))
        keep_to(h, TO_DELIVERED, value);
}

static void take_headers(struct span mail, struct heads *h)
{
    struct span name = {NULL, 0}, value = {NULL, 0};
    struct cur c = cur_of(mail);
    if (mail.n > SMTP_HEADER_BLOCK_MAX)
        c.end = mail.p + SMTP_HEADER_BLOCK_MAX;
    memset(h, 0, sizeof *h);
    for (;;) {
        struct span line = cur_left(&c) ? cur_line(&c) : span_of(NULL, 0);
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n && text_is_space(line.p[0]) && name.n) {
            value.n = (size_t)(line.p + line.n - value.p);
            continue;
        }
        if (name.n)
            take_header(h, name, text_trim_lines(value));
        if (!line.n)
            return;
        size_t colon = text_find(line, ':');
        name = colon < line.n ? text_trim_end(span_of(line.p, colon)) : span_of(NULL, 0);
        value = colon < line.n ? text_behind(line, colon + 1) : line;
    }
}

/* ---- the event ---- */

static struct span cut(struct span s, size_t max)
{
    return span_of(s.p, s.n < max ? s.n : max);
}

/* "<a@b>", "a@b". */
static struct span bare_address(struct span s)
{
    s = text_trim_lines(s);
    if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
        s = span_of(s.p + 1, s.n - 2);
    return cut(s, MAILBOX_ADDRESS_MAX);
}

static bool is_event_time(int64_t t)
{
    return t >= UTC_EVENT_MIN && t < UTC_EVENT_MAX;
}

/* When the mail came, and from which evidence: NULL for the best. */
static const char *arrival(const struct mailbox *m, const struct heads *h, const struct received *r,
                           const struct mailbox_from *from, int64_t *time)
{
    if (r->dated && is_event_time(r->time)) {
        *time = r->time;
        return NULL;
    }
    if (from && is_event_time(from->time)) {
        *time = from->time;
        return "time-from-line";
    }
    if (received_date(h->date, time) && is_event_time(*time))
        return "time-header";
    *time = m->sink->now ? m->sink->now : utc_now();
    return "time-import";
}

static struct span sender(const struct heads *h, const struct mailbox_from *from)
{
    if (from && memchr(from->sender.p, '@', from->sender.n))
        return cut(from->sender, MAILBOX_ADDRESS_MAX);
    if (h->return_path.p || !from || span_is(from->sender, "-") ||
        span_is(from->sender, "MAILER-DAEMON"))
        return bare_address(h->return_path);
    return cut(from->sender, MAILBOX_ADDRESS_MAX);
}

/* What the header at `place` says, else what deliveries above it noted. */
static size_t recipients(const struct heads *h, const struct received *r, int place,
                         struct span to[EVENT_RCPT_MAX])
{
    size_t n = 0;
    if (r->recipient.n) {
        to[0] = bare_address(r->recipient);
        return 1;
    }
    for (unsigned k = 0; k < TO_KINDS && n == 0; k++) {
        struct span rest = h->to[k].value;
        if (place >= 0 && h->to[k].behind > (size_t)place)
            continue; /* below it anybody could have written it */
        while (rest.n && n < EVENT_RCPT_MAX) {
            size_t comma = text_find(rest, ',');
            struct span one = bare_address(span_of(rest.p, comma));
            if (one.n)
                to[n++] = one;
            rest = text_behind(rest, comma < rest.n ? comma + 1 : comma);
        }
    }
    return n;
}

static void put_words(struct buf *out, uint32_t bits, int place, const char *time)
{
    out->n = 0;
    smtp_anomaly_words(bits, out);
    if (place < 0)
        buf_str(out, out->n ? " no-received" : "no-received");
    if (time)
        buf_printf(out, "%s%s", out->n ? " " : "", time);
}

static int emit(struct mailbox *m, const struct mailbox_from *from, uint32_t bits)
{
    struct heads heads;
    struct received r;
    struct span to[EVENT_RCPT_MAX], mail = buf_as_span(&m->mail);
    uint8_t sha[SHA256_LEN];
    const struct import_mail *settings = m->sink->mail;
    take_headers(mail, &heads);
    int place =
        received_walk(heads.received, heads.receiveds, settings ? &settings->trust : NULL, &r);
    int stored = m->sink->blob(m->sink->ctx, mail, sha);
    if (stored < 0)
        return stored;
    struct event ev = {.kind = KIND_SMTP, .record = m->counts->records, .src_ip = r.ip};
    put_words(&m->head, bits, place, arrival(m, &heads, &r, from, &ev.time));
    ev.protocol = span_str("smtp");
    ev.smtp.has = true;
    ev.smtp.size = mail.n;
    ev.smtp.blob = span_of(sha, stored == 0 ? sizeof sha : 0);
    ev.smtp.helo = cut(r.helo, MAILBOX_ADDRESS_MAX);
    ev.smtp.mail_from = sender(&heads, from);
    ev.smtp.rcpt_to = (struct span_list){to, recipients(&heads, &r, place, to)};
    ev.smtp.subject = cut(heads.subject, SMTP_HEADER_VALUE_MAX);
    ev.smtp.anomalies = buf_as_span(&m->head);
    if (settings && settings->sensor_by_host)
        ev.observer = cut(r.by, MAILBOX_ADDRESS_MAX);
    if (stored > 0) {
        m->counts->rejected++;
        m->sink->reject(m->sink->ctx, "mail", ev.record, UINT64_MAX,
                        "its bytes are not stored: over the cap");
    }
    return m->sink->event(m->sink->ctx, &ev);
}

int mailbox_take(struct mailbox *m, struct span raw, const struct mailbox_from *from,
                 enum mailbox_quoting quoting)
{
    if (!raw.n) {
        mailbox_reject(m, mailbox_offset(m), "an empty mail");
        return 0;
    }
    if (++m->counts->records < m->sink->first_record)
        return 0;
    return emit(m, from, make_canonical(m, raw, quoting));
}

void mailbox_reject(struct mailbox *m, uint64_t offset, const char *why)
{
    char text[MAILBOX_NAME_MAX + 200];
    struct span name = cut(m->member, MAILBOX_NAME_MAX);
    snprintf(text, sizeof text, "%.*s%s%s", (int)name.n, (const char *)name.p, name.n ? ": " : "",
             why);
    m->counts->records++;
    m->counts->rejected++;
    m->sink->reject(m->sink->ctx, "mail", m->counts->records, offset, text);
}
