#include "net/http_language.h"

#include "net/http_list.h"

struct ranges {
    struct {
        struct span range;
        int quality;
    } v[HTTP_LANGUAGE_RANGES_MAX];
    size_t n;
};

bool http_language_is_tag(struct span tag)
{
    size_t subtag = 0;
    if (tag.n == 0 || tag.n > HTTP_LANGUAGE_TAG_MAX)
        return false;
    for (size_t i = 0; i < tag.n; i++) {
        uint8_t c = text_lower(tag.p[i]);
        bool letter = c >= 'a' && c <= 'z', digit = c >= '0' && c <= '9';
        if (c == '-' ? subtag == 0 || i + 1 == tag.n : !letter && !digit)
            return false;
        subtag = c == '-' ? 0 : subtag + 1;
        if (subtag > 8)
            return false;
    }
    return true;
}

/* By falling quality; those of one quality as they were sent. "*" says nothing to a look-up. */
static void ranges_parse(struct span accept, struct ranges *out)
{
    struct span member, range;
    out->n = 0;
    for (struct cur c = cur_of(accept);
         out->n < HTTP_LANGUAGE_RANGES_MAX && http_list_next(&c, &member);) {
        int quality = http_list_quality(member, &range);
        if (quality < 0 || !http_language_is_tag(range))
            continue;
        size_t at = out->n++;
        for (; at > 0 && out->v[at - 1].quality < quality; at--)
            out->v[at] = out->v[at - 1];
        out->v[at].range = range;
        out->v[at].quality = quality;
    }
}

/* "q=0": the visitor will not have it. */
static bool refused(const struct ranges *r, struct span tag)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->v[i].quality == 0 && span_ieq(r->v[i].range, tag))
            return true;
    return false;
}

/* Without its last subtag, and without a single letter that then stands at the end. */
static struct span shorter(struct span range)
{
    const uint8_t *dash = memrchr(range.p, '-', range.n);
    size_t n = dash ? (size_t)(dash - range.p) : 0;
    if (n >= 2 && range.p[n - 2] == '-')
        n -= 2;
    return span_of(range.p, n);
}

size_t http_language_lookup(struct span accept, const struct span *tags, size_t n)
{
    struct ranges r;
    ranges_parse(accept, &r);
    for (size_t k = 0; k < r.n && r.v[k].quality > 0; k++)
        for (struct span range = r.v[k].range; range.n; range = shorter(range))
            for (size_t i = 0; i < n; i++)
                if (span_ieq(tags[i], range) && !refused(&r, tags[i]))
                    return i;
    return SIZE_MAX;
}
