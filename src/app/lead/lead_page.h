/* Lead page: what was said about a lead, in order, as a command prints it: the lead, messages both
 * ways, notes. Everything is made safe for a terminal. */
#pragma once

#include "app/cli.h"
#include "app/lead/lead_files.h"

struct lead_page;
struct lead_page *lead_page_open(const struct cli *cli);
/* One piece of it. */
struct lead_said {
    uint64_t entry;
    int64_t time;               /* a day, where it is the informant's */
    struct span from, what;     /* "informant", an account; "lead" "message" "answer" "note" ... */
    uint64_t offer;             /* of a claim; 0 none */
    struct lead_opened *open;   /* NULL: nothing was said, or it cannot be read */
    struct span unread;         /* why it cannot */
    struct lead_folder *folder; /* NULL: files are named alone */
    const char *prefix;         /* of their names */
};
int lead_page_put(struct lead_page *p, const struct lead_said *s, struct err *err);
/* Prints what is left, frees. -1 when output failed. */
int lead_page_close(struct lead_page *p);
