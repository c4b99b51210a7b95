/* For tests of the pursuit's nouns: a log of acts in memory, by accounts and informants, and views
 * of it. One log at a time. */
#pragma once

#include <sodium.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/tap.h"
#include "base/utc.h"
#include "event/act_signed.h"
#include "event/event.h"
#include "state/leads.h"
#include "state/pursuit.h"

#define LOG_MAX  200000
#define LOG_TIME 1300233600000000ll /* 2011-03-16 */

static struct {
    uint8_t kind;
    int64_t time;
    struct buf payload;
} log_entries[LOG_MAX];
static uint64_t log_n;
static char log_dir[64];
static uint8_t log_public[32], log_secret[64]; /* everybody's: who may sign is not tested here */

static inline void log_quiet(void)
{
    static const uint8_t seed[32] = {1};
    log_set_level(LOG_ERROR); /* acts that are not taken in are warned about */
    crypto_sign_seed_keypair(log_public, log_secret, seed);
}

static inline struct pursuit *log_view(void)
{
    struct pursuit *p = NULL;
    struct err err = {0};
    snprintf(log_dir, sizeof log_dir, "/tmp/ebb-acts-XXXXXX");
    if (!mkdtemp(log_dir))
        abort();
    is_int(pursuit_open(log_dir, &p, &err), 0);
    return p;
}

static inline struct pursuit *log_begin(void)
{
    for (uint64_t i = 0; i < log_n; i++)
        buf_free(&log_entries[i].payload);
    log_n = 1;
    return log_view();
}

static inline void log_end(struct pursuit *p)
{
    char path[FILE_PATH_MAX];
    pursuit_close(p);
    file_path(path, NULL, "%s/pursuit", log_dir);
    unlink(path);
    rmdir(log_dir);
}

/* Takes over the payload; signed where `by` is not empty. */
static inline uint64_t log_put(uint8_t kind, const char *by, struct buf payload)
{
    struct buf out = {0};
    if (log_n == LOG_MAX)
        abort();
    if (*by && act_sign(buf_as_span(&payload), kind, "test", span_str(by), log_secret, &out) == 0) {
        buf_free(&payload);
        payload = out;
    }
    log_entries[log_n].kind = kind;
    log_entries[log_n].time = act_time_kept(kind, LOG_TIME + (int64_t)log_n * UTC_SECOND);
    log_entries[log_n].payload = payload;
    return log_n++;
}

#define log_add(kind, by, write, act)                                                              \
    ({                                                                                             \
        struct buf log_added = {0};                                                                \
        write(&log_added, act);                                                                    \
        log_put(kind, by, log_added);                                                              \
    })

static inline uint64_t log_account(const char *name, const char *roles)
{
    return log_add(KIND_ACCOUNT, "", act_account,
                   (&(struct act_account){.name = span_str(name),
                                          .roles = span_str(roles),
                                          .sign = span_of(log_public, 32),
                                          .until = ACT_FOREVER}));
}

static inline uint64_t log_lead(uint64_t work)
{
    static const uint8_t z[64];
    return log_add(KIND_LEAD, "", act_lead,
                   (&(struct act_lead){.salt = span_of(z, LEAD_SALT_LEN),
                                       .size = 20000,
                                       .work = work,
                                       .wraps = span_of(z, 32),
                                       .public = span_of(z, LEAD_PUBLIC_LEN),
                                       .verify = span_of(log_public, LEAD_PUBLIC_LEN),
                                       .content = span_of(z, 32),
                                       .locator = span_of(z, LEAD_LOCATOR_LEN),
                                       .commitment = span_of(z, 32)}));
}

/* By the informant, or (by not empty) by us. */
static inline uint64_t log_message(const char *by, uint64_t lead, const char *what, uint64_t offer)
{
    uint8_t proof[64];
    struct buf text = {0};
    struct act_lead_message m = {.lead = lead, .what = span_str(what), .offer = offer};
    if (!*by) {
        leads_message_signed(&m, &text);
        crypto_sign_detached(proof, NULL, text.p, text.n, log_secret);
        m.proof = span_of(proof, sizeof proof);
        buf_free(&text);
    }
    return log_add(KIND_LEAD_MESSAGE, by, act_lead_message, &m);
}

/* What the view has not seen yet. */
static inline void log_feed(struct pursuit *p)
{
    uint64_t from = pursuit_position(p);
    for (uint64_t i = from ? from : 1; i < log_n; i++)
        pursuit_act(p, log_entries[i].kind, i, log_entries[i].time,
                    buf_as_span(&log_entries[i].payload));
    pursuit_advance(p, log_n);
    is_int(pursuit_snapshot(p, NULL), 0);
}

/* All rows of a table, as one digest. */
static inline void log_digest(struct pursuit *p, const char *table, uint8_t out[SHA256_LEN])
{
    char query[256];
    sha256_ctx c;
    sqlite3_stmt *s = NULL;
    snprintf(query, sizeof query, "SELECT * FROM %s", table);
    sha256_begin(&c);
    if (sqlite3_prepare_v2(pursuit_sql(p)->db, query, -1, &s, NULL) == SQLITE_OK)
        while (sqlite3_step(s) == SQLITE_ROW)
            for (int i = 0; i < sqlite3_column_count(s); i++) {
                struct span v = sql_text(s, i);
                uint8_t n[8];
                be64_put(n, v.n);
                sha256_add(&c, n, 8);
                sha256_add(&c, v.p, v.n);
            }
    sqlite3_finalize(s);
    sha256_end(&c, out);
}

/* A view that takes in the whole log at once has the same rows. */
static inline void log_check(struct pursuit *p)
{
    char name[128], dir[sizeof log_dir];
    log_feed(p);
    memcpy(dir, log_dir, sizeof dir);
    struct pursuit *again = log_view();
    log_feed(again);
    sqlite3_stmt *s = NULL;
    unsigned differ = 0, tables = 0;
    sqlite3_prepare_v2(pursuit_sql(p)->db,
                       "SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE"
                       " 'fact_words%' AND name NOT LIKE 'sqlite%'",
                       -1, &s, NULL);
    while (s && sqlite3_step(s) == SQLITE_ROW) {
        uint8_t a[SHA256_LEN], b[SHA256_LEN];
        struct span n = sql_text(s, 0);
        snprintf(name, sizeof name, "%.*s", (int)n.n, (const char *)n.p);
        log_digest(p, name, a);
        log_digest(again, name, b);
        tables++;
        if (memcmp(a, b, SHA256_LEN) != 0) {
            differ++;
            printf("# another after a rebuild: %s\n", name);
        }
    }
    sqlite3_finalize(s);
    ok(tables > 10 && !differ, "a rebuild gives the same rows");
    log_end(again);
    memcpy(log_dir, dir, sizeof log_dir);
}
