/* Web text: the parts of a request that are taken apart here and not by libmicrohttpd: target,
 * cookies, forwarded addresses, conditions. Bytes in, spans out; nothing is kept. For src/web. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/ip.h"

#define WEB_PARAMETERS_MAX 64
#define WEB_FORWARDED_MAX  32 /* addresses of a chain of proxies that are looked at */

struct web_parameter {
    const char *name;  /* decoded, UTF-8, no control characters */
    struct span value; /* decoded, UTF-8 without NUL */
};
struct web_target {
    const char *path; /* decoded; begins with "/"; UTF-8; no "." or ".." segments, no control
                       * characters, no backslash; as long as WEB_PATH_MAX at most */
    struct web_parameter parameter[WEB_PARAMETERS_MAX];
    size_t parameters;
};
/* A request target: origin-form, or absolute-form, whose scheme and host are passed over (RFC 9112,
 * 3.2). 0; or the status that refuses it: 400, 414. What is decoded lives in the arena. */
unsigned web_target_parse(const char *raw, struct arena *arena, struct web_target *out);

/* The first cookie of that name in a Cookie header (RFC 6265, 4.2); p NULL: none. */
struct span web_text_cookie(struct span header, const char *name);

/* Whether If-None-Match (RFC 9110, 13.1.2) has this tag, with or without "-gz" behind it. */
bool web_text_matches(struct span if_none_match, const char *etag);

/* Whether Accept-Encoding (RFC 9110, 12.5.3) takes gzip. */
bool web_text_takes_gzip(struct span accept);

/* Who speaks behind proxies: beginning with `at`, as long as it is one of the proxies, the address
 * that it names, from the last to the first of the chain. `forwarded` is RFC 7239's header, all of
 * its lines joined by commas; x_forwarded the addresses of X-Forwarded-For likewise, looked at
 * where the first is empty. True when any was taken; port is 0 when not told. */
bool web_text_forwarded(struct span forwarded, struct span x_forwarded, const struct net *proxies,
                        size_t n_proxies, struct ip *at, uint16_t *port);
/* "proto" of the last element of Forwarded, or the last of X-Forwarded-Proto, is https. */
bool web_text_forwarded_https(struct span forwarded, struct span x_proto);

/* A token (RFC 9110, 5.6.2). */
bool web_text_is_token(struct span s);
/* A field's value: no control characters but the tab. */
bool web_text_is_value(struct span s);
