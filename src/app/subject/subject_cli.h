/* What the commands of subjects and facts share: options that are checked before anything is
 * written, sources, names. */
#pragma once

#include "app/case_act.h"
#include "base/arena.h"
#include "state/subjects.h"

/* An option's text: UTF-8, without control characters and without what hides or reorders text.
 * Empty when it was not given. 0, or EXIT_USAGE. */
int subject_cli_text(const struct cli *cli, const char *option, size_t max, struct span *out);
/* The same of any text; `what` names it in the error. */
int subject_cli_check(const char *what, struct span text, size_t max);

/* --entries, --document, --lead, --confidence, --note. */
struct subject_source {
    struct span entries, document, note;
    uint64_t lead, confidence;
    struct buf list, file; /* the entries as the log has them; the document's bytes */
    uint8_t sha256[SHA256_LEN];
};
/* Reads the options. 0, or an exit code; subject_source_free() also then. */
int subject_source_options(const struct cli *cli, struct subject_source *out);
/* Against the case: the entries are on the log, the lead is there, the document can be read and
 * kept. -ENODATA when there is no source at all. */
int subject_source_check(const struct cli *cli, struct casedir *c, struct subject_source *s,
                         struct err *err);
void subject_source_free(struct subject_source *s);
/* "12 80-84" (or with commas), each below `size`, appended in that form; -EINVAL, -ERANGE. */
int subject_entries_parse(struct span text, uint64_t size, struct buf *out, struct err *err);

/* A subject by its name or entry; `itself`: not the one that it was merged into. -ENOENT. */
int subject_cli_find(struct casedir *c, const char *name, bool itself, uint64_t *out,
                     struct err *err);
/* --at; the log's size when it was not given. 0, or an exit code. */
int subject_cli_at(const struct cli *cli, struct casedir *c, uint64_t *out);

/* ---- subjects as they were at a tree size ---- */

struct subject_as_was {
    uint64_t entry, root; /* root: the one that it was merged into then; itself */
    struct span name, kind, note;
    int64_t recorded;
};
struct subject_names {
    struct casedir *c;
    uint64_t size;
    struct arena arena;
    struct subject_as_was **slot; /* by entry; open addressing */
    size_t n, cap;
};
/* Names are looked up when they are asked for. */
void subject_names_open(struct casedir *c, uint64_t size, struct subject_names *out);
/* All at once: cheaper where most are asked for. subject_names_free() also after a failure. */
int subject_names_load(struct casedir *c, uint64_t size, struct subject_names *out,
                       struct err *err);
void subject_names_free(struct subject_names *names);
/* NULL: there was none. Valid until subject_names_free(). */
const struct subject_as_was *subject_names_of(struct subject_names *names, uint64_t entry);
