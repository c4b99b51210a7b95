/* Subject rows: all that is known of one subject at a tree size, in one list: what `show` and
 * `timeline` print, and what is exported. */
#pragma once

#include "app/case/case_name.h"
#include "app/subject/subject_cli.h"

enum subject_row_what {
    SUBJECT_ROW_SUBJECT, /* it was recorded */
    SUBJECT_ROW_FACT,
    SUBJECT_ROW_LINK,
    SUBJECT_ROW_MERGE, /* something was merged into it */
    SUBJECT_ROW_SPLIT, /* and taken out again */
    SUBJECT_ROW_WITHDRAWN,
    SUBJECT_ROWS,
};
const char *subject_row_name(enum subject_row_what what);

struct subject_row {
    enum subject_row_what what;
    uint64_t entry, of;        /* of: the subject that it was recorded of */
    struct span type, value;   /* a link's: relation, and its other end in words */
    struct act_fact fact;      /* source, confidence, observed (ACT_FOREVER: not known) */
    struct act_link link;      /* of a link: what it leads to */
    enum act_asset_kind asset; /* of a link to an asset; ASSET_KINDS: not known any more */
    int64_t recorded;
    struct span account;
    bool withdrawn;
};
struct subject_rows {
    struct arena arena;
    struct subject_row *row; /* by entry */
    size_t n, cap;
};
/* Of a subject with those merged into it, as the log's first `size` entries say. Spans are in the
 * arena. `all`: also what was withdrawn. */
int subject_rows_gather(struct casedir *c, uint64_t subject, uint64_t size, bool all,
                        struct subject_rows *out, struct err *err);
void subject_rows_free(struct subject_rows *rows);
