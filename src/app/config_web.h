/* The `web:` section of ebb.yaml: the public face and the desk. doc/public.md and doc/desk.md have
 * every key. */
#pragma once

#include <cyaml/cyaml.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/ip.h"

/* Whom people can call. */
struct config_help {
    char *country; /* ISO 3166-1 alpha-2; "" for everywhere */
    char *name, *url, *phone;
};

struct config_web {
    char *public;                          /* ADDRESS:PORT of the public listener; "" none */
    bool public_proxy;                     /* connections begin with a PROXY header */
    char *public_certificate, *public_key; /* PEM files; "" plain HTTP */
    char *public_url;                      /* "https://takedown.example": permanent addresses */
    char *onion;                           /* "http://....onion" */
    char *desk_url; /* what the browser's address line has: passkeys hold for it */
    char *desk_certificate, *desk_key;
    char **proxies; /* addresses or networks of reverse proxies and balancers */
    unsigned proxies_count;
    char **languages; /* of the public pages; the first is the fallback */
    unsigned languages_count;
    struct config_help *help;
    unsigned help_count;
    char *takedown;           /* RFC 3339 date from which on it counts as after; "" */
    uint32_t release_minimum; /* counts below are suppressed; default 10 */
    uint32_t release_round;   /* published counts are multiples; default 10 */
    uint32_t session_minutes; /* of the desk, without a request; default 60 */

    /* made of these by config_web_check */
    struct net *proxy_nets; /* proxies_count */
    char **language_list;   /* languages, ending with NULL */
    int64_t takedown_time;  /* INT64_MIN: none */
};

extern const cyaml_schema_field_t config_web_fields[];
/* Fills in what was left out and checks the rest. -EINVAL names the key. */
int config_web_check(struct config_web *c, struct err *err);
void config_web_free(struct config_web *c);
/* The section as `ebb init` writes it. */
void config_web_write(struct buf *out);
