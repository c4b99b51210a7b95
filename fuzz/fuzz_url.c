/* URLs in any text: what is found lies in the text, in order, is a host that can be asked for, and
 * parses as it was found. */
#include "base/arena.h"
#include "base/domain.h"
#include "must.h"
#include "wire/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_url(const struct url *u)
{
    uint8_t text[DOMAIN_TEXT_MAX];
    struct ip ip;
    must(u->host.n > 0 && u->scheme.n >= 3 && u->scheme.n <= 5);
    must(u->path.n + u->query.n + u->fragment.n <= URL_MAX);
    if (u->disguises & URL_ADDRESS)
        must(ip_parse(u->host, &ip) && memcmp(&ip, &u->ip, sizeof ip) == 0);
    else
        must(domain_text(u->host, text) == u->host.n && memcmp(text, u->host.p, u->host.n) == 0);
    must(u->path.n == 0 || u->path.p[0] == '/' || u->path.p[0] == '\\');
    struct buf shape = {0};
    url_shape(u, &shape);
    must(shape.n > 0 && shape.p[0] == '/' && shape.n <= 256);
    buf_free(&shape);
}

/* Written out and read again: the same. */
static void check_again(const struct url *u, struct arena *arena)
{
    struct url again;
    struct buf b = {0};
    bool v6 = (u->disguises & URL_ADDRESS) && !ip_is_v4(&u->ip);
    buf_span(&b, u->scheme);
    buf_str(&b, v6 ? "://[" : "://");
    buf_span(&b, u->host);
    if (v6)
        buf_byte(&b, ']');
    if (u->port)
        buf_printf(&b, ":%u", u->port);
    must(url_parse(buf_as_span(&b), arena, &again) == 0);
    must(span_eq(again.host, u->host) && span_eq(again.scheme, u->scheme) && again.port == u->port);
    must((again.disguises & ~(uint32_t)URL_ADDRESS) == 0);
    buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena arena;
    static struct url u[64], one;
    struct span in = span_of(data, size);
    size_t n = url_find(in, &arena, u, 64);
    const uint8_t *end = data;
    must(n <= 64);
    for (size_t i = 0; i < n; i++) {
        check_url(&u[i]);
        check_again(&u[i], &arena);
        if (u[i].disguises & URL_REDIRECT)
            continue;
        inside(in, u[i].text);
        must(u[i].text.p >= end);
        end = u[i].text.p + u[i].text.n;
        must(url_parse(u[i].text, &arena, &one) == 0 && span_eq(one.host, u[i].host) &&
             span_eq(one.path, u[i].path) && one.disguises == u[i].disguises);
    }
    if (url_parse(in, &arena, &one) == 0) {
        check_url(&one);
        check_again(&one, &arena);
        inside(in, one.text);
    }
    arena_reset(&arena);
    return 0;
}
