/* XARF v4 (https://github.com/xarf/xarf-spec): a contact with the sinkhole is
 * infrastructure/botnet, a spam that was handed in messaging/spam. The latter needs the sender's
 * address and source port; without them it is told as a bot that sends spam. */
#include "base/json.h"
#include "report/formats.h"
#include "base/utc.h"
#include "report/row.h"
#include "report/uuid.h"

#define XARF_VERSION    "4.2.0"
#define ORG_MAX         200 /* as the schemas say, in characters */
#define SUBJECT_MAX     500
#define DESCRIPTION_MAX 1000

static void key_span(struct json *j, const char *key, struct span s)
{
    if (s.n) {
        json_key(j, key);
        json_span(j, s);
    }
}

static void key_str(struct json *j, const char *key, const char *s)
{
    json_key(j, key);
    json_str(j, s);
}

static void key_time(struct json *j, const char *key, int64_t t)
{
    char text[UTC_TEXT_MAX];
    json_key(j, key);
    json_span(j, span_of(text, utc_format(t, text)));
}

static void key_ip(struct json *j, const char *key, const struct ip *ip)
{
    char text[IP_TEXT_MAX];
    if (ip_is_set(ip))
        key_span(j, key, span_of(text, ip_format(ip, text)));
}

static void key_uint(struct json *j, const char *key, uint64_t v)
{
    json_key(j, key);
    json_uint(j, v);
}

/* The same report and row have the same id, whenever it is made. */
static void report_id(struct json *j, const struct report *r, const struct report_row *row)
{
    uint8_t uuid[UUID_LEN];
    char text[UUID_TEXT_MAX];
    struct buf seed = {0};
    buf_str(&seed, "xarf report_id");
    buf_be64(&seed, r->id.n);
    buf_span(&seed, r->id);
    buf_be64(&seed, row->index);
    buf_put(&seed, row->ip.b, sizeof row->ip.b);
    buf_be64(&seed, (uint64_t)row->time);
    buf_span(&seed, row->family);
    uuid_of_seed(buf_as_span(&seed), uuid);
    buf_free(&seed);
    uuid_format(uuid, text);
    key_str(j, "report_id", text);
}

/* The domain of an address where none is given. */
static struct span reporter_domain(const struct report_from *f)
{
    const uint8_t *at = f->domain.n || !f->mail.n ? NULL : memchr(f->mail.p, '@', f->mail.n);
    return at ? span_of(at + 1, (size_t)(f->mail.p + f->mail.n - at - 1)) : f->domain;
}

static void reporter(struct json *j, struct arena *arena, const char *key, const struct report *r)
{
    const struct report_from *f = r->from;
    json_key(j, key);
    json_object(j);
    key_span(j, "org", words_clean(arena, f->org.n ? f->org : f->name, ORG_MAX));
    key_span(j, "contact", f->mail);
    key_span(j, "domain", reporter_domain(f));
    json_object_end(j);
}

/* "malware:fam-1": small letters, digits, "_+-"; nothing else stands in a tag. */
static void tag(struct json *j, const char *space, struct span s)
{
    uint8_t text[16 + ROW_FAMILY_MAX];
    size_t n = strlen(space), start = n;
    memcpy(text, space, n);
    for (size_t i = 0; i < s.n && i < ROW_FAMILY_MAX; i++) {
        uint8_t c = s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] | 0x20 : s.p[i];
        bool letter = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
        if (!letter && (n == start || (c != '_' && c != '+')))
            c = '-';
        if (letter || n > start)
            text[n++] = c;
    }
    if (n > start)
        json_span(j, span_of(text, n));
}

static void tags(struct json *j, struct span family, const struct report_row *row, bool spam)
{
    json_key(j, "tags");
    json_array(j);
    tag(j, "malware:", family);
    json_str(j, spam ? "botnet:spam" : "botnet:sinkhole");
    tag(j, "infection:", span_str(row_what(row)));
    json_array_end(j);
}

static void evidence(struct json *j, struct arena *arena, const struct report *r,
                     const struct report_row *row)
{
    struct buf seen = {0}, coded = {0};
    uint8_t digest[SHA256_LEN];
    char hash[8 + SHA256_HEX_MAX] = "sha256:";
    row_evidence(arena, r, row, &seen);
    base64_encode(&coded, buf_as_span(&seen));
    sha256(seen.p, seen.n, digest);
    hex_encode(digest, sizeof digest, hash + 7);
    json_key(j, "evidence");
    json_array(j);
    json_object(j);
    key_str(j, "content_type", "text/plain");
    key_str(j, "description", "The latest contact as the sinkhole saw it");
    key_span(j, "payload", buf_as_span(&coded));
    key_str(j, "hash", hash);
    key_uint(j, "size", seen.n);
    json_object_end(j);
    json_array_end(j);
    buf_free(&seen);
    buf_free(&coded);
}

static void description(struct json *j, struct span family, const struct report_row *row, bool spam)
{
    char first[TIME_SECONDS_MAX], last[TIME_SECONDS_MAX];
    struct buf b = {0};
    time_format(row_first(row), first);
    time_format(row->time, last);
    buf_str(&b, "An infected computer (");
    buf_span(&b, family.n ? family : span_str("malware not known"));
    buf_str(&b, ") made contact with a sinkhole ");
    number_put(&b, row->contacts);
    buf_str(&b, " times from ");
    buf_str(&b, first);
    buf_str(&b, " to ");
    buf_str(&b, last);
    buf_str(&b, spam ? " UTC and handed in spam." : " UTC.");
    buf_str(&b, " Time and source port are those of the latest contact.");
    if (row->what == REPORT_RETURNING)
        buf_str(&b, " It had been seen before, and then no longer.");
    key_span(j, "description", buf_as_span(&b));
    buf_free(&b);
}

/* NULL: the vocabulary has no word for it. */
static const char *c2_protocol(const struct report_row *row)
{
    static const char *const same[] = {"http", "dns", "irc"};
    for (unsigned i = 0; i < sizeof same / sizeof *same; i++)
        if (span_is(row->protocol, same[i]))
            return same[i];
    if (span_is(row->protocol, "smtp"))
        return NULL;
    if (span_is(row->transport, "tcp") || span_is(row->transport, "udp"))
        return span_is(row->transport, "tcp") ? "tcp" : "udp";
    return NULL;
}

static void botnet(struct json *j, struct arena *arena, struct span family,
                   const struct report_row *row)
{
    struct span domain = row_domain(arena, row);
    key_span(j, "malware_family", family);
    if (domain.n)
        key_span(j, "c2_server", domain);
    else
        key_ip(j, "c2_server", &row->dst_ip);
    if (c2_protocol(row))
        key_str(j, "c2_protocol", c2_protocol(row));
    if (row_is_spam(row)) {
        json_key(j, "bot_capabilities");
        json_array(j);
        json_str(j, "spam");
        json_array_end(j);
    }
    key_str(j, "compromise_evidence",
            row_is_spam(row) ? "It handed in spam at a sinkhole of the botnet"
                             : "It contacted a sinkhole that has taken a control server's place");
}

static void spam_fields(struct json *j, struct arena *arena, const struct report_row *row)
{
    key_str(j, "protocol", "smtp");
    key_span(j, "smtp_from", row_sender(arena, row));
    key_span(j, "subject", words_clean(arena, row_subject(arena, row), SUBJECT_MAX));
}

void xarf_put(struct arena *arena, const struct report *r, const struct report_row *row,
              struct buf *out)
{
    struct json json = json_to(out), *j = &json;
    struct span family = row_family(arena, row);
    bool spam = row_is_spam(row) && row->src_port && row_sender(arena, row).n;
    json_object(j);
    key_str(j, "xarf_version", XARF_VERSION);
    report_id(j, r, row);
    key_time(j, "timestamp", row->time);
    reporter(j, arena, "reporter", r);
    reporter(j, arena, "sender", r);
    key_ip(j, "source_identifier", &row->ip);
    if (row->src_port)
        key_uint(j, "source_port", row->src_port);
    key_str(j, "category", spam ? "messaging" : "infrastructure");
    key_str(j, "type", spam ? "spam" : "botnet");
    key_str(j, "evidence_source", spam ? "honeypot" : "sinkhole");
    spam ? spam_fields(j, arena, row) : botnet(j, arena, family, row);
    key_time(j, "first_seen", row_first(row));
    key_time(j, "last_seen", row->time);
    key_uint(j, "contacts", row->contacts);
    key_ip(j, "destination_ip", &row->dst_ip);
    if (row->dst_port)
        key_uint(j, "destination_port", row->dst_port);
    if (row->asn)
        key_uint(j, "source_asn", row->asn);
    evidence(j, arena, r, row);
    tags(j, family, row, spam);
    json_key(j, "confidence");
    json_double(j, row_confidence(row) / 100.0, 2);
    description(j, family, row, spam);
    json_object_end(j);
}
