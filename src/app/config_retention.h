/* The `retention:` section of ebb.yaml: for how long what is personal is kept. The log keeps every
 * entry's header and commitment for ever: proofs go on holding. doc/retention.md has every key. 0:
 * for ever. */
#pragma once

#include <cyaml/cyaml.h>

#include "base/buf.h"
#include "base/err.h"

struct config_retention {
    uint32_t payload_days; /* of observations */
    uint32_t mail_days;    /* of mails: entries and blobs; 0: as payload_days */
    uint32_t blob_days;    /* of request bodies and imported files */
    bool hold;             /* nothing at all is erased: a legal hold over the whole case */
    bool yes;              /* `ebb retention` erases; without it, it says what it would */
};

extern const cyaml_schema_field_t config_retention_fields[];
/* Checks. -EINVAL names the key. */
int config_retention_check(struct config_retention *c, struct err *err);
/* The section as `ebb init` writes it. */
void config_retention_write(struct buf *out);
