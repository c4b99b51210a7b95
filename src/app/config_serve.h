/* The `serve:` section of ebb.yaml: what `ebb serve` listens on and answers. Read with libcyaml,
 * then made into what the network side takes (struct net_config). doc/sinkhole.md has every key. */
#pragma once

#include <cyaml/cyaml.h>

#include "net/net.h"

struct config_listener {
    enum net_protocol protocol;
    char *address; /* "" or "*": any */
    uint16_t port;
    char *transport; /* "tcp" "udp" "both"; by protocol when left out */
    bool tls, proxy, transparent;
};

struct config_page {
    char *language, *file;
};

struct config_certificate {
    char *chain, *key; /* files */
};

struct config_limits {
#define LIMIT(name, fallback, least, most, about) uint32_t *name;
#include "net/limits.def"
};

struct config_serve {
    char *user;       /* whom to become when started by root; "" stays, without privileges */
    uint32_t sensors; /* processes that face the network; 0: one a core */
    char *sensor;     /* this sinkhole's name on the log */
    char *operator_name, *help_url, *nsid;
    char *desk; /* ADDRESS:PORT of the desk's listener; "" for none */
    struct config_listener *listen;
    unsigned listen_count;
    char **balancers;
    unsigned balancers_count;
    struct policy *policies;
    unsigned policies_count;
    struct config_page *pages;
    unsigned pages_count;
    struct config_certificate *certificates;
    unsigned certificates_count;
    struct config_limits limits;
};

extern const cyaml_schema_field_t config_serve_fields[];
/* Fills in what was left out. */
void config_serve_defaults(struct config_serve *c);
/* The network side's view; reads the files that it names (relative to the case `dir`). Texts are
 * shared with `c`. -EINVAL names the key. Free with config_serve_net_free. */
int config_serve_net(const struct config_serve *c, const char *dir, struct net_config *out,
                     struct err *err);
void config_serve_net_free(struct net_config *n);
/* "1.2.3.4:80" or "[::1]:80". */
bool config_parse_endpoint(const char *text, struct ip *ip, uint16_t *port);
/* The section as `ebb init` writes it, with comments and defaults. */
void config_serve_write(struct buf *out);
