/* The `cluster:` section of ebb.yaml: a ClickHouse cluster that what is observed is shipped to, and
 * asked over all nodes. doc/cluster.md has every key. */
#pragma once

#include <cyaml/cyaml.h>

#include "base/buf.h"
#include "base/err.h"

struct config_shard {
    char *name; /* as SHIPPED entries call it */
    char *url;  /* of its HTTP interface: "https://host:8443"; http:// to loopback alone, unless
                   `plain` */
};

struct config_cluster {
    bool ship;         /* `ebb serve` ships */
    bool plain;        /* http:// to others than loopback is wanted, too: a private network */
    bool payloads_off; /* the cluster keeps no payloads: fewer bytes, no drill-down to a whole event
                        */
    char *name;        /* in the servers' configuration; default "ebb" */
    char *database;    /* default "ebb" */
    char *user, *password_file; /* "" none */
    char *ca;                   /* PEM file; "": the system's */
    struct config_shard *shards;
    unsigned shards_count;
    uint32_t batch_rows; /* default 250000 */
    uint32_t delay_ms;   /* a batch that is not full is sent after so long; default 2000 */
    uint32_t timeout_s;  /* of one call; default 60 */
};

extern const cyaml_schema_field_t config_cluster_fields[];
/* Fills in what was left out and checks the rest. -EINVAL names the key. */
int config_cluster_check(struct config_cluster *c, struct err *err);
/* The section as `ebb init` writes it. */
void config_cluster_write(struct buf *out);
