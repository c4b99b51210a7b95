#include "net/dns_zone.h"

enum { LABELS_MAX = 128, V4_UNITS = 4, V6_UNITS = 32 };

static bool label_is(const uint8_t *label, const char *text)
{
    return span_ieq(span_of(label + 1, *label), span_str(text));
}

/* "0" to "255", without leading zeros. */
static int octet(const uint8_t *label)
{
    int v = 0;
    if (*label < 1 || *label > 3 || (label[1] == '0' && *label > 1))
        return -1;
    for (int i = 1; i <= *label; i++) {
        if (label[i] < '0' || label[i] > '9')
            return -1;
        v = v * 10 + label[i] - '0';
    }
    return v <= 255 ? v : -1;
}

static int digit(const uint8_t *label)
{
    uint8_t c = label[1], lower = c | 0x20;
    if (*label != 1)
        return -1;
    if (c >= '0' && c <= '9')
        return c - '0';
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The address that the labels below in-addr.arpa or ip6.arpa give, zero where there are none;
 * units: how many octets or digits there were. */
static struct ip reverse_address(const uint8_t *name, const uint8_t *at, unsigned labels, bool v6,
                                 unsigned *units)
{
    uint8_t b[16] = {0};
    unsigned n = 0, most = v6 ? V6_UNITS : V4_UNITS;
    for (; n < most && n < labels; n++) {
        const uint8_t *label = name + at[labels - 1 - n];
        int v = v6 ? digit(label) : octet(label);
        if (v < 0)
            break;
        if (v6)
            b[n / 2] |= (uint8_t)(n % 2 ? v : v << 4);
        else
            b[n] = (uint8_t)v;
    }
    *units = n;
    return ip_from_bytes(b, v6);
}

static bool find_reverse(const struct net_env *env, const struct net_peer *peer, struct span name,
                         struct authority_match *match, size_t *zone)
{
    uint8_t at[LABELS_MAX];
    unsigned labels = 0, units;
    for (size_t i = 0; i < name.n && name.p[i] && labels < LABELS_MAX; i += name.p[i] + 1u)
        at[labels++] = (uint8_t)i;
    if (labels < 3 || !label_is(name.p + at[labels - 1], "arpa"))
        return false;
    bool v6 = label_is(name.p + at[labels - 2], "ip6");
    if (!v6 && !label_is(name.p + at[labels - 2], "in-addr"))
        return false;
    labels -= 2;
    struct ip ip = reverse_address(name.p, at, labels, v6, &units);
    if (!units || (v6 && ip_is_v4(&ip)))
        return false;
    if (!authority_address(env->authority, &ip, 0, peer->tcp ? AUTHORITY_TCP : AUTHORITY_UDP,
                           env->now, match) ||
        match->asset.kind == AUTHORITY_PORT)
        return false;
    unsigned unit = v6 ? 4 : 8, needed = (match->asset.net.bits + unit - 1) / unit;
    needed = needed ? needed : 1;
    if (units < needed)
        return false;
    *zone = at[labels - needed];
    return true;
}

bool dns_zone_find(const struct net_env *env, const struct net_peer *peer, struct span name,
                   struct authority_match *match, size_t *zone)
{
    static const uint8_t arpa[] = "\4arpa"; /* and the final zero byte */
    if (!authority_name(env->authority, name, env->now, match)) {
        size_t n = sizeof arpa;
        return name.n > n && span_ieq(span_of(name.p + name.n - n, n), span_of(arpa, n)) &&
               find_reverse(env, peer, name, match, zone);
    }
    *zone = match->zone;
    if (match->asset.kind == AUTHORITY_WILDCARD)
        for (size_t i = 0; i < match->zone; i += name.p[i] + 1u)
            *zone = i;
    return true;
}
