#include "import/import.h"

#include <errno.h>

const struct import_format *const import_formats[] = {
    &import_pcap,
    &import_shadowserver,
    &import_zeek,
    &import_tar,
    &import_mbox,
    &import_eml,
    &import_mboxo,
    &import_mboxrd,
    &import_mboxcl,
    &import_mboxcl2,
    NULL,
};

const struct import_format *import_format_named(const char *name)
{
    for (const struct import_format *const *f = import_formats; *f; f++)
        if (strcmp((*f)->name, name) == 0)
            return *f;
    return NULL;
}

const struct import_format *import_format_detect(struct span head)
{
    const struct import_format *best = NULL;
    int most = 0;
    for (const struct import_format *const *f = import_formats; *f; f++) {
        int sure = (*f)->probe(head);
        if (sure > most) {
            most = sure;
            best = *f;
        }
    }
    return best;
}

int import_broke_off(struct source *src, const struct import_sink *sink,
                     struct import_counts *counts, const char *unit, uint64_t number,
                     struct err *err)
{
    struct err why;
    int code = source_stream_error(src, &why);
    if (code == -EBADMSG) {
        counts->rejected++;
        sink->reject(sink->ctx, unit, number, source_offset(src), why.text);
        return 0;
    }
    if (code && err)
        *err = why;
    return code;
}
