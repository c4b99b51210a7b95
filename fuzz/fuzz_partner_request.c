/* What partners say: lines "key=value" as a query's parameters, the first line as an Authorization
 * header and as a path. What is taken is within its limits; nothing taken depends on anything else.
 */
#include "must.h"

#include "app/serve/partner_request.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_words(struct span line)
{
    uint8_t digest[SHA256_LEN], again[SHA256_LEN];
    int64_t day = -1;
    if (partner_request_token(line, digest)) {
        must(line.n >= 7 + PARTNER_TOKEN_TEXT);
        must(partner_request_token(line, again) && memcmp(digest, again, SHA256_LEN) == 0);
    }
    if (partner_request_file(line, &day))
        must(line.n == 24 && day % UTC_DAY == 0 && day >= UTC_EVENT_MIN && day <= UTC_EVENT_MAX);
}

static void check(const struct partner_request *r)
{
    must(r->since < r->until && r->format < PARTNER_FORMATS && partner_format_name(r->format));
    must(r->since == INT64_MIN || (r->since >= UTC_EVENT_MIN && r->since <= UTC_EVENT_MAX));
    must(r->until == INT64_MAX || (r->until >= UTC_EVENT_MIN && r->until <= UTC_EVENT_MAX));
    must(r->limit >= 1 && r->limit <= PARTNER_ROWS_MAX);
    must(r->format != PARTNER_STIX || r->limit <= PARTNER_ROWS_MAX_STIX);
    must(r->family.n <= FAMILY_MAX && span_is_utf8(r->family));
    must(r->has_after || !r->after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cur c = cur_of(span_of(data, size));
    struct partner_request r;
    const char *why = NULL;
    partner_request_init(&r);
    if (!cur_left(&c))
        return 0;
    check_words(cur_line(&c));
    while (!why && cur_left(&c)) {
        struct span line = cur_line(&c);
        const uint8_t *is = line.n ? memchr(line.p, '=', line.n) : NULL;
        size_t key = is ? (size_t)(is - line.p) : line.n;
        struct span value = is ? span_of(is + 1, line.n - key - 1) : span_of(NULL, 0);
        why = partner_request_put(&r, span_of(line.p, key), value);
        inside(span_of(data, size), r.family);
    }
    if (!why)
        why = partner_request_check(&r);
    if (!why)
        check(&r);
    return 0;
}
