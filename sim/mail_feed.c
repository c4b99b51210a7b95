#include "sim/mail_feed.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/utc.h"
#include "sim/feed.h"

struct checkin {
    uint32_t second, client;
    uint8_t family, net;
    uint16_t port;
    struct ip ip;
};

static int by_time(const void *a, const void *b)
{
    const struct checkin *x = a, *y = b;
    if (x->second != y->second)
        return x->second < y->second ? -1 : 1;
    return x->family != y->family ? x->family - y->family
                                  : (x->client > y->client) - (x->client < y->client);
}

static size_t collect(const struct mail_sim *s, double share, struct checkin **out)
{
    const struct mail_sim_options *o = mail_sim_options(s);
    struct checkin *v = NULL;
    size_t n = 0, cap = 0;
    for (unsigned f = 0; f < o->families; f++)
        for (uint32_t c = 0; c < mail_sim_family(s, f)->clients; c++) {
            struct rng r = rng_stream(o->seed, RNG_MAIL_CHECKIN, f, c);
            unsigned net;
            struct ip ip = mail_client_address(o->seed, f, o->families, c, &net);
            for (unsigned times = rng_chance(&r, share) ? 1 + rng_below(&r, 2) : 0; times > 0;
                 times--) {
                v = mem_room(v, n, &cap, sizeof *v);
                v[n++] = (struct checkin){.second = rng_below(&r, o->days * 86400ull),
                                          .client = c,
                                          .family = (uint8_t)f,
                                          .net = (uint8_t)net,
                                          .port = (uint16_t)(1025 + rng_below(&r, 64000)),
                                          .ip = ip};
            }
        }
    if (n)
        qsort(v, n, sizeof *v, by_time);
    *out = v;
    return n;
}

static void put_row(const struct mail_sim *s, const struct checkin *c, struct buf *out)
{
    const char *family = mail_sim_family(s, c->family)->name;
    const struct mail_network *net = &mail_networks[c->net];
    char time[UTC_TEXT_MAX], ip[IP_TEXT_MAX];
    utc_format(mail_sim_options(s)->start + c->second * UTC_SECOND, time);
    ip_format(&c->ip, ip);
    time[10] = ' ';
    time[19] = 0;
    buf_printf(out,
               "\"%s\",\"tcp\",\"%s\",%u,%u,\"%s\",,,,,,,,,\"192.0.2.10\",80,,,,,,,,,\"%s\",\"%s\","
               "\"spambot\",,,,",
               time, ip, c->port, net->asn, net->country, family, family);
    buf_printf(out, "\"POST /gate.php?id=%u HTTP/1.1\",\"checkin.example.net\",,,,\n", c->client);
}

int mail_feed_write(const struct mail_sim *s, double share, struct sink *to, struct err *err)
{
    struct checkin *v;
    size_t n = collect(s, share, &v);
    int rc = 0;
    buf_str(sink_buf(to), feed_header);
    for (size_t i = 0; i < n && rc == 0; i++) {
        put_row(s, &v[i], sink_buf(to));
        rc = sink_flush(to, err);
    }
    free(v);
    return rc;
}
