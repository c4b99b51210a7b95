/* For subjects*.c only. */
#pragma once

#include "state/subjects.h"

#define SUBJECT_FOREVER INT64_MAX /* not split, not before any entry */

/* The index of trigrams. Types are words of their own there: three characters that nothing else
 * has. */
#define SUBJECT_WORDS_BATCH   256
#define SUBJECT_WORDS_COLUMNS "value, normal, type, content='', tokenize='trigram'"
#define SUBJECT_WORDS_WAITING                                                                      \
    "(rowid, value, normal, type) SELECT entry, value, CASE WHEN normal=value THEN '' ELSE normal" \
    " END, char(2)||substr(type, 1, 2) FROM facts WHERE entry>(SELECT entry FROM fact_words_at)"   \
    " ORDER BY entry"

static inline int64_t bound(uint64_t n)
{
    return n > INT64_MAX ? INT64_MAX : (int64_t)n;
}

static inline uint64_t u64(sqlite3_stmt *s, int column)
{
    return (uint64_t)sqlite3_column_int64(s, column);
}

/* Calls row() for each row; what it returns other than 0 ends it and is returned. Finalizes. */
int subjects_walk(struct pursuit *p, sqlite3_stmt *s, int (*row)(void *, sqlite3_stmt *), void *ctx,
                  struct err *err);

/* The subject ?1 and what was merged into it, when the log had ?2 entries. */
#define GROUP                                                                                      \
    "WITH RECURSIVE members(e) AS (VALUES(?1) UNION SELECT m.other FROM merges m JOIN members ON"  \
    " m.\"into\"=members.e WHERE m.entry<?2 AND m.split>=?2) "

/* What stood when the log had ?2 entries, or (?3) was said at all: f, the fact or link, and w, what
 * took it back. */
#define HELD "f.entry<?2 AND (?3 OR w.entry IS NULL OR w.entry>=?2) "
