/* Importers: bytes of a file in, events out, through the same pipeline as live traffic. One file a
 * format; import.c has the table of them and recognises content.
 *
 * Records: each format numbers its records from 1, the same way each time the same file is read,
 * because (file SHA-256, record number) is what makes an import exactly-once. A row is a record of
 * a CSV file; the n-th event is a record of a capture. */
#pragma once

#include "base/err.h"
#include "event/event.h"
#include "import/source.h"
#include "wire/received.h"

/* What importers of mail want to know: whose Received headers are believed. */
struct import_mail {
    struct received_trust trust;
    bool sensor_by_host; /* an event's observer is the host that took the mail in */
};

/* Where an importer's findings go. */
struct import_sink {
    void *ctx;
    /* An event. Its spans are valid during the call. ev->record is set. 0, or negative to stop
     * (forwarded by the importer as it is). */
    int (*event)(void *ctx, const struct event *ev);
    /* A record or packet that cannot be taken. unit says what `number` counts ("line", "packet",
     * "record"); offset is in the unpacked bytes, UINT64_MAX when unknown. */
    void (*reject)(void *ctx, const char *unit, uint64_t number, uint64_t offset, const char *why);
    /* Stores a mail or body; gives its SHA-256. 0; positive when over the cap (sha is still set);
     * negative to stop. */
    int (*blob)(void *ctx, struct span data, uint8_t sha256[32]);
    /* Records before this one (exclusive) are already on the log: sink.event need not be called
     * for them (calling it is allowed and ignored). 1 when there are none. */
    uint64_t first_record;
    const struct import_mail *mail; /* NULL: no relay is trusted */
    int64_t now; /* the time of a mail that does not say when it came; 0: the clock's */
};

/* What became of a file; the importer fills it. */
struct import_counts {
    uint64_t records;  /* rows, or events of a capture, rejected rows included */
    uint64_t rejected; /* rows or packets */
};

struct import_format {
    const char *name;  /* as in --format */
    const char *about; /* one line for --help */
    /* How sure it is from the first bytes (unpacked): 0 not mine, 100 certain. */
    int (*probe)(struct span head);
    /* Reads the source to its end. 0, or negative with err. A source that breaks off (truncated
     * gzip, torn pcap) is a reject and 0: what was whole has come in. */
    int (*run)(struct source *src, const struct import_sink *sink, struct import_counts *counts,
               struct err *err);
};

/* For importers whose source_read failed: a source that breaks off (-EBADMSG) becomes a reject of
 * record `number`, and 0; anything else (the file changed, a bomb, no memory) is forwarded. */
int import_broke_off(struct source *src, const struct import_sink *sink,
                     struct import_counts *counts, const char *unit, uint64_t number,
                     struct err *err);

/* By name; NULL when there is none. */
const struct import_format *import_format_named(const char *name);
/* By content; NULL when no format recognises it. */
const struct import_format *import_format_detect(struct span head);
extern const struct import_format import_shadowserver;
extern const struct import_format import_zeek;
extern const struct import_format import_pcap;
extern const struct import_format import_mbox, import_mboxo, import_mboxrd, import_mboxcl,
    import_mboxcl2;
extern const struct import_format import_eml;
extern const struct import_format import_tar;
/* The table of them, ending with a NULL. */
extern const struct import_format *const import_formats[];
