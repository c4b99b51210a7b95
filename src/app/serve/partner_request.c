#include "app/serve/partner_request.h"

#include "base/utc.h"

#define FAMILY_MAX 128
#define DIGITS_MAX 20

static const char *const formats[PARTNER_FORMATS] = {"csv", "json", "stix"};

const char *partner_format_name(enum partner_format format)
{
    return format < PARTNER_FORMATS ? formats[format] : NULL;
}

int partner_format_of(struct span name)
{
    for (int i = 0; i < PARTNER_FORMATS; i++)
        if (span_is(name, formats[i]))
            return i;
    return -1;
}

void partner_request_init(struct partner_request *r)
{
    *r = (struct partner_request){.since = INT64_MIN, .until = INT64_MAX};
}

static bool get_number(struct span s, uint64_t *out)
{
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        uint64_t digit = (uint64_t)(s.p[i] - '0');
        if (digit > 9 || v > (UINT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *out = v;
    return s.n && s.n <= DIGITS_MAX;
}

static bool get_time(struct span s, int64_t *out)
{
    return s.n < UTC_TEXT_MAX + 8 && utc_parse(s, out) && *out >= UTC_EVENT_MIN &&
           *out <= UTC_EVENT_MAX;
}

static const char *put_since(struct partner_request *r, struct span v)
{
    return get_time(v, &r->since) ? NULL : "since: not an RFC 3339 date or time";
}

static const char *put_until(struct partner_request *r, struct span v)
{
    return get_time(v, &r->until) ? NULL : "until: not an RFC 3339 date or time";
}

static const char *put_family(struct partner_request *r, struct span v)
{
    r->family = v;
    return v.n && v.n <= FAMILY_MAX && span_is_utf8(v) ? NULL : "family: not a family's name";
}

static const char *put_after(struct partner_request *r, struct span v)
{
    r->has_after = true;
    return get_number(v, &r->after) ? NULL : "after: not a number";
}

static const char *put_limit(struct partner_request *r, struct span v)
{
    bool good = get_number(v, &r->limit) && r->limit && r->limit <= PARTNER_ROWS_MAX;
    return good ? NULL : "limit: not a number from 1 to 1000000";
}

static const char *put_format(struct partner_request *r, struct span v)
{
    int format = partner_format_of(v);
    r->format = format < 0 ? PARTNER_CSV : (enum partner_format)format;
    return format < 0 ? "format: csv, json or stix" : NULL;
}

const char *partner_request_put(struct partner_request *r, struct span key, struct span value)
{
    static const struct {
        const char *key;
        const char *(*put)(struct partner_request *, struct span);
    } keys[] = {
        {"since", put_since}, {"until", put_until}, {"family", put_family},
        {"after", put_after}, {"limit", put_limit}, {"format", put_format},
    };
    for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (!span_is(key, keys[i].key))
            continue;
        if (r->given & 1u << i)
            return "a parameter is given twice";
        r->given |= 1u << i;
        return keys[i].put(r, value);
    }
    return "there is no such parameter: since, until, family, after, limit, format";
}

const char *partner_request_check(struct partner_request *r)
{
    if (r->since >= r->until)
        return "until: not after since";
    if (r->format == PARTNER_STIX && r->limit > PARTNER_ROWS_MAX_STIX)
        return "limit: a STIX bundle has 10000 rows at most";
    if (!r->limit)
        r->limit = PARTNER_ROWS_DEFAULT;
    return NULL;
}

bool partner_request_file(struct span path, int64_t *day)
{
    static const char before[] = "/v1/files/", behind[] = ".csv";
    const size_t date = 10, n = sizeof before - 1 + date + sizeof behind - 1;
    if (path.n != n || memcmp(path.p, before, sizeof before - 1) != 0 ||
        memcmp(path.p + n - (sizeof behind - 1), behind, sizeof behind - 1) != 0)
        return false;
    return get_time(span_of(path.p + sizeof before - 1, date), day);
}

static bool is_token_byte(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

bool partner_request_token(struct span authorization, uint8_t digest[SHA256_LEN])
{
    struct span s = span_trim(authorization);
    if (s.n <= 7 || !span_ieq(span_of(s.p, 7), span_str("bearer ")))
        return false;
    s = span_trim(span_of(s.p + 7, s.n - 7));
    if (s.n != PARTNER_TOKEN_TEXT)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!is_token_byte(s.p[i]))
            return false;
    sha256(s.p, s.n, digest);
    return true;
}

void partner_token_text(const uint8_t random[PARTNER_TOKEN_BYTES], char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (size_t i = 0, bit = 0; i < PARTNER_TOKEN_TEXT; i++, bit += 6) {
        unsigned two = (unsigned)random[bit / 8] << 8;
        if (bit / 8 + 1 < PARTNER_TOKEN_BYTES)
            two |= random[bit / 8 + 1];
        out[i] = digits[two >> (10 - bit % 8) & 63];
    }
}
