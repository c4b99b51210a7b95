/* Policy: what the sinkhole answers, by name; an asset says which one it has. Read from the
 * config's `policies:` list by the app, fixed while a sensor runs. doc/sinkhole.md has every key.
 */
#pragma once

#include "base/ip.h"

/* Always there; for assets that name none, or one that is gone. */
#define POLICY_DEFAULT "default"

enum policy_http { POLICY_HTTP_EMPTY, POLICY_HTTP_BODY, POLICY_HTTP_404, POLICY_HTTP_CLOSE };
enum policy_page { POLICY_PAGE_BROWSERS, POLICY_PAGE_ALWAYS, POLICY_PAGE_NEVER };
enum policy_smtp {
    POLICY_SMTP_ACCEPT,
    POLICY_SMTP_ACCEPT_450,
    POLICY_SMTP_REJECT,
    POLICY_SMTP_TARPIT
};
enum policy_raw { POLICY_RAW_SILENT, POLICY_RAW_BANNER, POLICY_RAW_IRC };

/* Texts are never NULL ("" when unset). */
struct policy {
    char *name;
    struct policy_dns {
        uint32_t ttl;
        /* Resource records in presentation form (RFC 1035, 5.1), the owner relative to the seized
         * zone: "@ A 192.0.2.1", "* AAAA 2001:db8::1", "www 60 TXT \"x\"", "* HTTPS 1 . alpn=h2".
         * "*" is every name of the zone, the apex too, that has no records of that type of its own.
         */
        char **records;
        unsigned records_count;
    } dns;
    struct policy_http_part {
        enum policy_http answer;
        char *body, *content_type;
        enum policy_page page;
    } http;
    struct policy_smtp_part {
        enum policy_smtp answer;
        char *banner;      /* host name in the greeting; "": "mx." and the zone, or the address */
        uint32_t delay_ms; /* before each reply; POLICY_SMTP_TARPIT only */
    } smtp;
    struct policy_raw_part {
        enum policy_raw answer;
        char *banner; /* sent as it is when the connection opens (escapes as in YAML) */
    } raw;
};
