#include "contact/range.h"

#include <stdio.h>

struct ip range_end(const struct net *network)
{
    struct ip ip = network->ip;
    unsigned keep = ip_is_v4(&ip) ? 96u + network->bits : network->bits;
    for (unsigned i = keep; i < 128; i++)
        ip.b[i / 8] |= (uint8_t)(0x80 >> i % 8);
    return ip;
}

/* "200.1/16" with its zeros. */
static bool read_short(struct span text, struct net *out)
{
    char full[NET_TEXT_MAX];
    const uint8_t *slash = memchr(text.p, '/', text.n);
    size_t n = slash ? (size_t)(slash - text.p) : 0;
    unsigned dots = 0;
    if (!n || text.n > 18)
        return false;
    for (size_t i = 0; i < n; i++)
        dots += text.p[i] == '.';
    if (dots >= 3 || memchr(text.p, ':', n))
        return false;
    int length = snprintf(full, sizeof full, "%.*s%s%.*s", (int)n, (const char *)text.p,
                          &".0.0.0"[2 * dots], (int)(text.n - n), (const char *)slash);
    return net_parse(span_of(full, (size_t)length), out);
}

const char *range_read(struct span text, struct ip *first, struct ip *last)
{
    struct net network;
    text = span_trim(text);
    const uint8_t *dash = text.n ? memchr(text.p, '-', text.n) : NULL;
    if (dash) {
        struct span low = span_trim(span_of(text.p, (size_t)(dash - text.p)));
        struct span high = span_trim(span_of(dash + 1, text.n - (size_t)(dash - text.p) - 1));
        if (!ip_parse(low, first) || !ip_parse(high, last) || ip_is_v4(first) != ip_is_v4(last))
            return "no range of addresses";
        return memcmp(first->b, last->b, sizeof first->b) > 0 ? "the range runs backwards" : NULL;
    }
    if (!text.n || (!net_parse(text, &network) && !read_short(text, &network)))
        return "no range of addresses";
    *first = network.ip;
    *last = range_end(&network);
    return NULL;
}
