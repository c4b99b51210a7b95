#include "app/exhibit/exhibit_query.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/utc.h"

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == ',' || c == '\t';
}

static bool number(struct span s, uint64_t *out)
{
    uint64_t v = 0;
    if (!s.n || s.n > 20)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9' || __builtin_mul_overflow(v, 10u, &v) ||
            __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
            return false;
    *out = v;
    return true;
}

/* ---- lists ---- */

static bool range(struct span word, uint64_t *first, uint64_t *last)
{
    const uint8_t *dash = memchr(word.p, '-', word.n);
    size_t n = dash ? (size_t)(dash - word.p) : word.n;
    if (!number(span_of(word.p, n), first))
        return false;
    *last = *first;
    return (!dash || number(span_of(dash + 1, word.n - n - 1), last)) && *last >= *first;
}

int exhibit_entries_parse(struct span text, size_t max, uint64_t **out, size_t *n, struct err *err)
{
    for (size_t i = 0; i < text.n;) {
        uint64_t first, last;
        size_t from = i;
        if (is_blank(text.p[i])) {
            i++;
            continue;
        }
        while (i < text.n && !is_blank(text.p[i]))
            i++;
        struct span word = span_of(text.p + from, i - from);
        if (!range(word, &first, &last))
            return err_set(err, -EINVAL, "not an index or FIRST-LAST (%.*s)",
                           (int)(word.n < 64 ? word.n : 64), (const char *)word.p);
        if (last - first >= max || *n + (size_t)(last - first) + 1 > max)
            return err_set(err, -E2BIG, "more than %zu entries", max);
        size_t count = (size_t)(last - first) + 1;
        *out = mem_resize(*out, *n + count, sizeof **out);
        for (size_t k = 0; k < count; k++)
            (*out)[(*n)++] = first + k;
    }
    return 0;
}

/* ---- queries ---- */

static bool kind_of(struct span name, uint8_t *out)
{
    for (unsigned k = 1; k <= UINT8_MAX; k++)
        if (event_kind_is_event((uint8_t)k) && span_is(name, event_kind_name((uint8_t)k))) {
            *out = (uint8_t)k;
            return true;
        }
    return false;
}

static bool set_time(struct span v, int64_t *out)
{
    return utc_parse(v, out) && *out >= UTC_EVENT_MIN && *out <= UTC_EVENT_MAX;
}

/* `v` ends with a NUL that is not counted. NULL, or what the key wants. */
static const char *set(struct query *q, struct span key, struct span v)
{
    if (span_is(key, "family"))
        return q->family = (const char *)v.p, NULL;
    if (!v.n)
        return "wants a value";
    if (span_is(key, "country"))
        return q->country = v, NULL;
    if (span_is(key, "protocol"))
        return q->protocol = v, NULL;
    if (span_is(key, "sensor"))
        return q->sensor = v, NULL;
    if (span_is(key, "asn"))
        return number(v, &q->asn) ? NULL : "wants a number";
    if (span_is(key, "limit"))
        return number(v, &q->limit) && q->limit ? NULL : "wants a number above 0";
    if (span_is(key, "from"))
        return number(v, &q->from_index) ? NULL : "wants a log index";
    if (span_is(key, "src"))
        return net_parse_any(v, &q->src) ? NULL : "wants an address or network";
    if (span_is(key, "kind"))
        return kind_of(v, &q->kind) ? NULL : "wants a kind of event";
    if (span_is(key, "since"))
        return set_time(v, &q->since) ? NULL : "wants an RFC 3339 date or time from 1990 to 2100";
    if (span_is(key, "until"))
        return set_time(v, &q->until) ? NULL : "wants an RFC 3339 date or time from 1990 to 2100";
    return "is no key: family country asn src protocol kind sensor since until limit from";
}

/* One "key=value", the value copied with a NUL behind it. */
struct word {
    struct span key, value;
};

/* 1 a word, 0 the end, -1 a quote that does not end, or no '='. */
static int next_word(struct cur *c, char **room, struct word *out)
{
    while (cur_left(c) && is_blank(*c->p))
        c->p++;
    if (!cur_left(c))
        return 0;
    const uint8_t *key = c->p;
    while (cur_left(c) && *c->p != '=' && !is_blank(*c->p))
        c->p++;
    out->key = span_of(key, (size_t)(c->p - key));
    if (!cur_left(c) || *c->p != '=' || !out->key.n)
        return -1;
    c->p++;
    bool quoted = cur_left(c) && *c->p == '"';
    c->p += quoted;
    const uint8_t *value = c->p;
    while (cur_left(c) && (quoted ? *c->p != '"' : !is_blank(*c->p)))
        c->p++;
    if (quoted && !cur_left(c))
        return -1;
    size_t n = (size_t)(c->p - value);
    c->p += quoted;
    memcpy(*room, value, n);
    (*room)[n] = 0;
    out->value = span_of(*room, n);
    *room += n + 1;
    return 1;
}

int exhibit_query_parse(struct span text, struct exhibit_query *out, struct err *err)
{
    struct cur c = cur_of(text);
    struct word w, seen[16];
    unsigned n = 0;
    char *room = out->words;
    int rc;
    out->q = (struct query){.since = INT64_MIN, .until = INT64_MAX};
    if (text.n >= EXHIBIT_QUERY_MAX || !span_is_utf8(text))
        return err_set(err, -EINVAL, "the query is too long, or not UTF-8");
    while ((rc = next_word(&c, &room, &w)) == 1) {
        const char *fault = n == sizeof seen / sizeof *seen ? "is one word too many" : NULL;
        for (unsigned i = 0; i < n; i++)
            fault = span_eq(seen[i].key, w.key) ? "is there twice" : fault;
        if (!fault)
            fault = set(&out->q, w.key, w.value);
        if (fault)
            return err_set(err, -EINVAL, "%.*s %s", (int)(w.key.n < 64 ? w.key.n : 64),
                           (const char *)w.key.p, fault);
        seen[n++] = w;
    }
    if (rc < 0 || !n)
        return err_set(err, -EINVAL, "wants KEY=VALUE words, like \"family=rustock country=DE\"");
    return out->q.since < out->q.until ? 0 : err_set(err, -EINVAL, "since is not before until");
}
