/* What is taken of a request by our own hands: the first line is a target, the second a Cookie
 * header, the third If-None-Match, the fourth Accept-Encoding, the fifth and sixth Forwarded and
 * X-Forwarded-For. What comes out is safe to use, and what is forwarded stays within the proxies.
 */
#include "must.h"

#include "web/web.h"
#include "web/web_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(const char *path)
{
    struct span s = span_str(path);
    must(s.n && s.n < WEB_PATH_MAX && path[0] == '/' && span_is_utf8(s));
    must(!strstr(path, "/../") && !strchr(path, '\\'));
    must(s.n < 3 || strcmp(path + s.n - 3, "/..") != 0);
    for (size_t i = 0; i < s.n; i++)
        must(s.p[i] >= 0x20 && s.p[i] != 0x7f);
}

static void check_target(struct span line)
{
    struct arena arena;
    struct web_target t;
    arena_init(&arena);
    char *raw = arena_copy(&arena, line.p, line.n);
    unsigned status = web_target_parse(raw, &arena, &t);
    must(status == 0 || status == 400 || status == 414);
    check_path(t.path);
    must(t.parameters <= WEB_PARAMETERS_MAX);
    for (size_t i = 0; status == 0 && i < t.parameters; i++) {
        must(t.parameter[i].name && t.parameter[i].value.p && span_is_utf8(t.parameter[i].value));
        must(span_is_utf8(span_str(t.parameter[i].name)));
    }
    arena_free(&arena);
}

static void check_forwarded(struct span forwarded, struct span x)
{
    struct net proxies[2];
    struct ip at, from;
    uint16_t port = 7;
    net_parse(span_str("127.0.0.0/8"), &proxies[0]);
    net_parse(span_str("192.0.2.0/24"), &proxies[1]);
    ip_parse(span_str("198.51.100.1"), &from);
    at = from;
    must(!web_text_forwarded(forwarded, x, proxies, 2, &at, &port));
    must(memcmp(&at, &from, sizeof at) == 0 && port == 7); /* no proxy: nothing is believed */
    ip_parse(span_str("127.0.0.1"), &from);
    at = from;
    if (!web_text_forwarded(forwarded, x, proxies, 2, &at, &port))
        must(memcmp(&at, &from, sizeof at) == 0);
    must(ip_is_set(&at));
    web_text_forwarded_https(forwarded, x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cur c = cur_of(span_of(data, size));
    struct span line[6];
    for (size_t i = 0; i < 6; i++)
        line[i] = cur_line(&c);
    check_target(line[0]);
    inside(span_of(data, size), web_text_cookie(line[1], "c"));
    web_text_matches(line[2], "abc");
    must(!web_text_matches(line[2], ""));
    web_text_takes_gzip(line[3]);
    check_forwarded(line[4], line[5]);
    web_text_is_token(line[5]);
    web_text_is_value(line[5]);
    return 0;
}
