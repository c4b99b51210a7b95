/* The `evidence:` section of ebb.yaml: who says from outside how the log was, and when: a time
 * stamp authority (RFC 3161) and witnesses (C2SP tlog-witness). doc/exhibits.md has every key. */
#pragma once

#include <cyaml/cyaml.h>

#include "base/buf.h"
#include "base/err.h"
#include "journal/note.h"

struct config_witness {
    char *url;  /* its submission prefix: "https://witness.example/" */
    char *vkey; /* "name+id+base64", of a cosigner (0x04) */
};

struct config_evidence {
    struct {
        char *url;    /* "http://tsa.example/tsr"; "" none */
        char *ca;     /* PEM file of the authority's root (and intermediates); below the case, or
                         absolute */
        char *policy; /* OID that is asked for; "" any */
    } tsa;
    struct config_witness *witnesses;
    unsigned witnesses_count;
    uint32_t timeout_s; /* of one call; default 30 */

    /* made of these by config_evidence_check */
    struct note_key *keys; /* witnesses_count */
};

extern const cyaml_schema_field_t config_evidence_fields[];
/* Fills in what was left out and checks the rest. -EINVAL names the key. */
int config_evidence_check(struct config_evidence *c, struct err *err);
void config_evidence_free(struct config_evidence *c);
/* The section as `ebb init` writes it. */
void config_evidence_write(struct buf *out);
