/* The `nodes:` section of ebb.yaml: of the centre, where nodes give it their checkpoints and
 * censuses; of a node, which centre it gives them to. doc/nodes.md has every key. */
#pragma once

#include <cyaml/cyaml.h>

#include "base/buf.h"
#include "base/err.h"
#include "journal/note.h"

struct config_nodes {
    char *listen;            /* centre: "127.0.0.1:8441"; "" off */
    char *certificate, *key; /* PEM; without them plain HTTP, on loopback alone */
    uint32_t
        silent_minutes; /* a node that was not heard of for so long raises an alarm; default 60 */
    char *centre;       /* node: the centre's URL; "" none */
    char *centre_vkey;  /* the centre's key as a witness, "name+id+base64" (0x04); "" where there is
                           no centre */
    char *ca;           /* PEM of the centre's certificate; "": the system's */
    uint32_t minutes;   /* between two reports of `ebb node push --stay`; default 5 */

    struct note_key witness; /* made of centre_vkey */
};

extern const cyaml_schema_field_t config_nodes_fields[];
/* Fills in what was left out and checks the rest. -EINVAL names the key. */
int config_nodes_check(struct config_nodes *c, struct err *err);
void config_nodes_free(struct config_nodes *c);
/* The section as `ebb init` writes it. */
void config_nodes_write(struct buf *out);
