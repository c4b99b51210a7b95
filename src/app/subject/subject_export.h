/* Subject export: what is known of subjects, as it was at a tree size, for other systems. The same
 * log gives the same bytes: ids are version 5 UUIDs of what they name, times are the log's. */
#pragma once

#include "app/subject/subject_rows.h"
#include "base/json.h"
#include "report/uuid.h"

struct subject_export {
    struct casedir *c;
    uint64_t size;               /* as the log's first so many entries say */
    struct subject_names *names; /* as they were then */
    const uint64_t *subjects;    /* those that were merged into none; in order */
    size_t n;
    const char *tlp; /* white green amber red */
};
/* A bundle of STIX 2.1 (OASIS), appended. */
int subject_export_stix(const struct subject_export *e, struct buf *out, struct err *err);
/* A graph of CASE 1.4 and UCO 1.4 as JSON-LD, appended. */
int subject_export_case(const struct subject_export *e, struct buf *out, struct err *err);
bool subject_export_tlp_is_good(const char *name);

/* ---- for both ---- */

/* UUIDv5 in ebb's namespace, of the log's origin, a word, and what is in `name`. */
void subject_export_uuid(const struct subject_export *e, const char *word, struct span name,
                         char out[UUID_TEXT_MAX]);
/* A set of texts that were written already. */
struct subject_seen {
    struct arena arena;
    struct span *slot;
    size_t n, cap;
};
void subject_seen_init(struct subject_seen *s);
/* True the first time. */
bool subject_seen_add(struct subject_seen *s, struct span text);
void subject_seen_free(struct subject_seen *s);

/* What a fact or an asset is to other systems. */
enum subject_thing {
    SUBJECT_THING_TEXT, /* nothing that they have a word for */
    SUBJECT_THING_NAME,
    SUBJECT_THING_HANDLE,
    SUBJECT_THING_MESSENGER,
    SUBJECT_THING_PAYMENT,
    SUBJECT_THING_PHONE,
    SUBJECT_THING_DOMAIN,
    SUBJECT_THING_MAIL,
    SUBJECT_THING_IPV4,
    SUBJECT_THING_IPV6,
};
/* Of a row (a fact, or a link to an asset); `normal` gets the value as facts are compared. */
enum subject_thing subject_export_thing(const struct subject_row *row, struct buf *normal);
/* Milliseconds, as both forms want them. */
void subject_export_time(struct json *j, const char *key, int64_t t);
static inline void key_str(struct json *j, const char *key, const char *s)
{
    json_key(j, key);
    json_str(j, s);
}
/* Nothing when it is empty. */
static inline void key_span(struct json *j, const char *key, struct span s)
{
    if (s.n) {
        json_key(j, key);
        json_span(j, s);
    }
}
