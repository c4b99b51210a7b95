/* Zeek's logs, between their two notations (zeek.c, zeek_json.c) and events (zeek_map.c). */
#pragma once

#include "base/arena.h"
#include "import/import.h"
#include "import/lines.h"

enum zeek_log { ZEEK_NONE, ZEEK_CONN, ZEEK_DNS, ZEEK_HTTP, ZEEK_SMTP };

/* Where a field of a log goes. */
enum zeek_target {
    ZEEK_FEED,
    ZEEK_TS,
    ZEEK_ORIG_H,
    ZEEK_ORIG_P,
    ZEEK_RESP_H,
    ZEEK_RESP_P,
    ZEEK_PROTO,
    ZEEK_SERVICE,
    ZEEK_ORIG_BYTES,
    ZEEK_RESP_BYTES,
    ZEEK_TRANS_ID,
    ZEEK_RD,
    ZEEK_QUERY,
    ZEEK_QCLASS_NAME,
    ZEEK_QTYPE_NAME,
    ZEEK_METHOD,
    ZEEK_HOST,
    ZEEK_URI,
    ZEEK_REFERRER,
    ZEEK_VERSION,
    ZEEK_USER_AGENT,
    ZEEK_BODY_LEN,
    ZEEK_HELO,
    ZEEK_MAILFROM,
    ZEEK_RCPTTO,
    ZEEK_SUBJECT,
    ZEEK_TARGETS
};

struct zeek_field {
    struct span name, value; /* unescaped; an unset or empty field has no value */
    enum zeek_target target;
    struct span_list list; /* of ZEEK_RCPTTO alone */
};

struct zeek {
    struct source *src;
    const struct import_sink *sink;
    struct import_counts *counts;
    struct lines *lines;
    struct arena arena; /* of one line */
    struct event ev;
    struct feed_cell feed[EVENT_FEED_CELLS_MAX];
    char protocol[24];
};

/* The log called "conn", "dns", ...; ZEEK_NONE for others. */
enum zeek_log zeek_log_named(struct span name);
/* Which log has a field of this name; ZEEK_NONE when several may, or none we know. */
enum zeek_log zeek_log_of_field(struct span name);
enum zeek_target zeek_target_of(enum zeek_log log, struct span name);

/* One record into z->ev. The fields are ordered by name as cbor_key_cmp, and unique. NULL, or why
 * it cannot be taken. */
const char *zeek_map(struct zeek *z, enum zeek_log log, const struct zeek_field *fields, size_t n);

/* Counts the line as a record and sends it on, or rejects it. 1, or the sink's negative. */
int zeek_record(struct zeek *z, enum zeek_log log, const struct zeek_field *fields, size_t n,
                const struct line *line);
int zeek_reject(struct zeek *z, const struct line *line, const char *why);

/* Read to the end, from the line that lines_next gave last. */
int zeek_run_tsv(struct zeek *z, const struct line *first, struct err *err);
int zeek_run_json(struct zeek *z, const struct line *first, struct err *err);
/* What lines_next said, when it was no line: 1 the line has been rejected, go on; 0 the end;
 * negative. */
int zeek_no_line(struct zeek *z, int r, const struct line *line, struct err *err);
