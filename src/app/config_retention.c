#include "app/config_retention.h"

#include <errno.h>

#define DAYS_MAX 36525

#define NUMBER(key, type, member) CYAML_FIELD_UINT(key, CYAML_FLAG_OPTIONAL, type, member)

const cyaml_schema_field_t config_retention_fields[] = {
    NUMBER("payload_days", struct config_retention, payload_days),
    NUMBER("mail_days", struct config_retention, mail_days),
    NUMBER("blob_days", struct config_retention, blob_days),
    CYAML_FIELD_BOOL("hold", CYAML_FLAG_OPTIONAL, struct config_retention, hold),
    CYAML_FIELD_BOOL("yes", CYAML_FLAG_OPTIONAL, struct config_retention, yes), CYAML_FIELD_END};

int config_retention_check(struct config_retention *c, struct err *err)
{
    if (c->payload_days > DAYS_MAX || c->mail_days > DAYS_MAX || c->blob_days > DAYS_MAX)
        return err_set(err, -EINVAL, "retention: %d days at most", DAYS_MAX);
    return 0;
}

void config_retention_write(struct buf *out)
{
    buf_str(out,
            "\n# For how long what is personal is kept (doc/retention.md); 0: for ever. The log "
            "keeps holding.\n"
            "retention: {payload_days: 0, mail_days: 0, blob_days: 0, hold: false, yes: false}\n");
}
