/* Config: the case's ebb.yaml. Every key has a default; an unknown key is an error that names it.
 */
#pragma once

#include <stdint.h>

#include "app/config_cleanup.h"
#include "app/config_cluster.h"
#include "app/config_evidence.h"
#include "app/config_mail.h"
#include "app/config_nodes.h"
#include "app/config_retention.h"
#include "app/config_serve.h"
#include "app/config_web.h"
#include "base/err.h"

struct config {
    char *name;                  /* of the case */
    char *origin;                /* of its log */
    uint32_t commit_interval_ms; /* an event is durable after this at the latest */
    uint32_t blob_max_mib;       /* one blob, before compression */
    uint32_t blobs_total_gib;    /* all of them */
    struct {
        char *libloc;                  /* libloc database; "" turns it off */
        char *mmdb_asn, *mmdb_country; /* MaxMind DB files, "" for none */
    } enrichment;
    char *rules; /* folder of *.yar and families.map; "" for those that come with ebb */
    struct config_mail mail;
    struct config_serve serve;
    struct config_cleanup cleanup;
    struct config_evidence evidence;
    struct config_web web;
    struct config_cluster cluster;
    struct config_nodes nodes;
    struct config_retention retention;
};

#define CONFIG_FILE "ebb.yaml"

/* Reads `<dir>/ebb.yaml`. Missing is -ENOENT ("not a case"); wrong is -EINVAL with key or line. */
int config_load(const char *dir, struct config **out, struct err *err);
void config_free(struct config *c);
/* Writes a commented ebb.yaml with the defaults; refuses to replace one. */
int config_write(const char *dir, const char *name, const char *origin, struct err *err);
