/* The `mail:` section of ebb.yaml: what was done to a mail on its way to us: whose Received headers
 * are believed, and which headers the receiving side added. Read with libcyaml, then made into what
 * importers and the reading of mail take. doc/gauge/mail-in.md has every key. */
#pragma once

#include <cyaml/cyaml.h>

#include "base/err.h"
#include "import/import.h"

struct config;

struct config_mail {
    char **trusted_relays; /* addresses, networks, host names ("*.example.org": all below) */
    unsigned trusted_relays_count;
    bool sensor_by_host;
    char **strip_headers; /* names, a * at the end for any rest; NULL: the defaults; "": none */
    unsigned strip_headers_count;

    /* made of these by config_mail_check */
    struct import_mail import;
    struct net *nets;
    struct span *hosts;
    const char **strip;
};

extern const cyaml_schema_field_t config_mail_fields[];
/* Fills in what was left out and checks the rest. -EINVAL names the key. */
int config_mail_check(struct config_mail *c, struct err *err);
/* Frees what config_mail_check made. */
void config_mail_free(struct config_mail *c);
/* The headers to leave out before a mail is read, ending with NULL. Valid as long as the config. */
const char *const *config_mail_strip(const struct config *c);
/* The section as `ebb init` writes it, with comments and defaults. */
void config_mail_write(struct buf *out);
