/* Redactions: rows of erased entries go, and what the census counts of their addresses and bots is
 * made again of the events that are left, of all logs. Each step can be done twice: who is killed
 * begins again at the same entry, and finds in a table of its own which addresses it was about. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/cluster/ship_impl.h"
#include "base/clock.h"
#include "base/log.h"

#define RANGES_AT_ONCE 150 /* in one statement */
#define POLL_MS        200
#define BOT            "reinterpretAsUInt64(substring(SHA256(bot_id), 1, 8))"

struct erasure {
    struct ship *s;
    uint64_t group; /* shards that are still with us */
    uint64_t index; /* the REDACTION entry */
    struct journal_range *ranges;
    size_t n;
    char table[96]; /* of addresses and bots concerned */
    bool mails;     /* mails are among them */
    bool partial;   /* other shards go through it at another time */
    struct buf sql;
    struct buf bots[CLICKHOUSE_SHARDS_MAX]; /* rows of that table, for the shards of the bots */
};

/* A statement on one shard, which is out of the group when it fails. */
static int step(struct erasure *x, unsigned shard, struct span data, struct buf *answer,
                struct err *err)
{
    struct err trouble = {0};
    int rc = ship_step(x->s, shard, buf_as_span(&x->sql), data, answer, &trouble, err);
    if (rc == 0 && trouble.code) {
        x->group &= ~(1ull << shard);
        ship_fail(x->s, shard, &trouble);
    }
    return rc;
}

static bool in_group(const struct erasure *x, unsigned shard)
{
    return x->group >> shard & 1;
}

static void put_ranges(struct erasure *x, size_t from)
{
    buf_printf(&x->sql, "log = %llu AND (", (unsigned long long)x->s->log);
    for (size_t i = from; i < x->n && i < from + RANGES_AT_ONCE; i++)
        buf_printf(&x->sql, "%s(entry >= %llu AND entry < %llu)", i > from ? " OR " : "",
                   (unsigned long long)x->ranges[i].first, (unsigned long long)x->ranges[i].last);
    buf_byte(&x->sql, ')');
}

/* Rows are deleted when the server comes to it. */
static int wait_for(struct erasure *x, unsigned shard, const char *table, struct err *err)
{
    int64_t until = clock_ms() + SHIP_ERASE_MS;
    struct buf answer = {0};
    int rc = 0;
    while (rc == 0 && in_group(x, shard)) {
        x->sql.n = answer.n = 0;
        buf_printf(
            &x->sql,
            "SELECT count() FROM system.mutations WHERE database = '%s' AND table = '%s' AND "
            "is_done = 0 FORMAT TabSeparated",
            x->s->config->database, table);
        rc = step(x, shard, span_of(NULL, 0), &answer, err);
        if (rc < 0 || span_is(buf_as_span(&answer), "0\n"))
            break;
        if (clock_ms() > until) {
            struct err late;
            err_set(&late, -ETIMEDOUT, "shard %s: erases rows of %s for too long",
                    x->s->shard[shard].name, table);
            x->group &= ~(1ull << shard);
            ship_fail(x->s, shard, &late);
        }
        rc = ship_heed(x->s, POLL_MS, err);
        if (rc == 0 && x->s->ways.stopped(x->s->ways.ctx))
            rc = -ECANCELED;
    }
    buf_free(&answer);
    return rc;
}

/* "... WHERE which" of a table, carried out. */
static int erase_where(struct erasure *x, unsigned shard, const char *table, const char *which,
                       struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && in_group(x, shard) && i < x->n; i += RANGES_AT_ONCE) {
        x->sql.n = 0;
        buf_printf(&x->sql, "ALTER TABLE %s.%s DELETE WHERE ", x->s->config->database, table);
        if (which)
            buf_str(&x->sql, which);
        else
            put_ranges(x, i);
        rc = step(x, shard, span_of(NULL, 0), NULL, err);
        if (which)
            break;
    }
    return rc == 0 && in_group(x, shard) ? wait_for(x, shard, table, err) : rc;
}

/* ---- which addresses and bots ---- */

static void share_out(struct erasure *x, struct span bots)
{
    static const uint8_t none[16];
    for (size_t i = 0; i + 8 <= bots.n; i += 8) {
        uint64_t bot;
        memcpy(&bot, bots.p + i, 8);
        struct buf *b = &x->bots[clickhouse_shard(bot, x->s->n)];
        buf_put(b, none, sizeof none);
        buf_put(b, &bot, 8);
    }
}

static int gather(struct erasure *x, unsigned shard, struct err *err)
{
    struct buf answer = {0};
    const char *d = x->s->config->database;
    x->sql.n = 0;
    buf_printf(&x->sql,
               "CREATE TABLE IF NOT EXISTS %s.%s (address FixedString(16), bot UInt64) ENGINE = "
               "MergeTree() PARTITION BY tuple() ORDER BY (address, bot)",
               d, x->table);
    int rc = step(x, shard, span_of(NULL, 0), NULL, err);
    for (size_t i = 0; rc == 0 && in_group(x, shard) && i < x->n; i += RANGES_AT_ONCE) {
        x->sql.n = 0;
        buf_printf(&x->sql,
                   "INSERT INTO %s.%s SELECT DISTINCT src, toUInt64(0) FROM "
                   "%s.events_local WHERE counts != '' AND ",
                   d, x->table, d);
        put_ranges(x, i);
        rc = step(x, shard, span_of(NULL, 0), NULL, err);
        if (rc < 0 || !in_group(x, shard))
            break;
        x->sql.n = answer.n = 0;
        buf_printf(&x->sql,
                   "SELECT DISTINCT " BOT " FROM %s.events_local WHERE counts != '' AND "
                   "bot_id != '' AND ",
                   d);
        put_ranges(x, i);
        buf_str(&x->sql, " FORMAT RowBinary");
        rc = step(x, shard, span_of(NULL, 0), &answer, err);
        if (rc == 0 && in_group(x, shard))
            share_out(x, buf_as_span(&answer));
    }
    buf_free(&answer);
    return rc;
}

static int give_bots(struct erasure *x, unsigned shard, struct err *err)
{
    struct buf *b = &x->bots[shard];
    if (!b->n)
        return 0;
    x->sql.n = 0;
    buf_printf(&x->sql, "INSERT INTO %s.%s FORMAT RowBinary", x->s->config->database, x->table);
    return step(x, shard, buf_as_span(b), NULL, err);
}

/* ---- what is left of them ---- */

static int make_again(struct erasure *x, unsigned shard, struct err *err)
{
    const char *d = x->s->config->database;
    char which[200];
    snprintf(which, sizeof which, "address IN (SELECT address FROM %s.%s WHERE bot = 0)", d,
             x->table);
    int rc = erase_where(x, shard, "sightings_local", which, err);
    x->sql.n = 0;
    buf_printf(
        &x->sql,
        "INSERT INTO %s.sightings_local SELECT counts, "
        "if(substring(src, 1, 12) = unhex('00000000000000000000ffff'), "
        "reinterpretAsUInt32(reverse(substring(src, 13, 4))), toUInt32(0)) AS v4, src, asn, "
        "toFixedString(if(length(country) = 2, country, ''), 2) AS c2, network, bits, "
        "toUInt16(intDiv(toUInt16(day), 64)) AS chunk, "
        "groupBitOrState(bitShiftLeft(toUInt64(1), toUInt16(day) %% 64)) FROM %s.events_local "
        "WHERE counts != '' AND src IN (SELECT address FROM %s.%s WHERE bot = 0) "
        "GROUP BY counts, v4, src, asn, c2, network, bits, chunk",
        d, d, d, x->table);
    if (rc == 0 && in_group(x, shard))
        rc = step(x, shard, span_of(NULL, 0), NULL, err);
    return rc;
}

static int erase_lonely_bots(struct erasure *x, unsigned shard, struct err *err)
{
    char which[256];
    snprintf(which, sizeof which,
             "bot NOT IN (SELECT DISTINCT " BOT " FROM %s.events WHERE counts != '' AND bot_id != "
             "'')",
             x->s->config->database);
    return erase_where(x, shard, "bots_local", which, err);
}

/* A bot's events lie on the shards of its addresses. */
static int make_bots_again(struct erasure *x, unsigned shard, struct err *err)
{
    const char *d = x->s->config->database;
    char which[200];
    struct buf answer = {0};
    if (x->partial) /* which bots others had is not known any more: those that nobody has go */
        return erase_lonely_bots(x, shard, err);
    x->sql.n = 0;
    buf_printf(&x->sql, "SELECT count() FROM %s.%s WHERE bot != 0 FORMAT TabSeparated", d,
               x->table);
    int rc = step(x, shard, span_of(NULL, 0), &answer, err);
    bool none = span_is(buf_as_span(&answer), "0\n");
    buf_free(&answer);
    if (rc < 0 || !in_group(x, shard) || none)
        return rc;
    snprintf(which, sizeof which, "bot IN (SELECT bot FROM %s.%s WHERE bot != 0)", d, x->table);
    rc = erase_where(x, shard, "bots_local", which, err);
    x->sql.n = 0;
    buf_printf(&x->sql,
               "INSERT INTO %s.bots_local SELECT counts, " BOT " AS number, "
               "toUInt16(intDiv(toUInt16(day), 64)) AS chunk, "
               "groupBitOrState(bitShiftLeft(toUInt64(1), toUInt16(day) %% 64)) FROM %s.events "
               "WHERE counts != '' AND bot_id != '' AND number GLOBAL IN (SELECT bot FROM %s.%s "
               "WHERE bot != 0) GROUP BY counts, number, chunk",
               d, d, d, x->table);
    if (rc == 0 && in_group(x, shard))
        rc = step(x, shard, span_of(NULL, 0), NULL, err);
    return rc;
}

static int drop(struct erasure *x, unsigned shard, struct err *err)
{
    x->sql.n = 0;
    buf_printf(&x->sql, "DROP TABLE IF EXISTS %s.%s", x->s->config->database, x->table);
    return step(x, shard, span_of(NULL, 0), NULL, err);
}

/* ---- all of it ---- */

/* Mails count for campaigns that other mails founded: where one goes, others may be told apart
 * otherwise. So all of this log's are sent again, as the spam view has them then. */
static int look_for_mails(struct erasure *x, struct err *err)
{
    struct journal_cursor *c;
    struct entry e;
    int rc = 0;
    for (size_t i = 0; rc == 0 && !x->mails && i < x->n; i++) {
        rc = journal_cursor_open(x->s->c->journal, x->ranges[i].first, &c, err);
        while (rc == 0 && !x->mails && (rc = journal_cursor_next(c, &e, err)) == 1) {
            rc = 0;
            if (e.index >= x->ranges[i].last)
                break;
            x->mails = e.header.kind == KIND_SMTP;
        }
        if (c)
            journal_cursor_close(c);
    }
    return rc;
}

static int erase_mails(struct erasure *x, unsigned shard, struct err *err)
{
    char which[64];
    if (!x->mails)
        return 0;
    snprintf(which, sizeof which, "log = %llu", (unsigned long long)x->s->log);
    int rc = erase_where(x, shard, "mails_local", which, err);
    if (rc == 0 && in_group(x, shard))
        ship_mail_anew(x->s, shard, x->index);
    return rc;
}

static int erase_events(struct erasure *x, unsigned shard, struct err *err)
{
    return erase_where(x, shard, "events_local", NULL, err);
}

static int for_all(struct erasure *x, int (*f)(struct erasure *x, unsigned shard, struct err *err),
                   struct err *err)
{
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < x->s->n; i++)
        if (in_group(x, i))
            rc = f(x, i, err);
    return rc;
}

int ship_erase(struct ship *s, uint64_t group, const struct entry *redaction, struct err *err)
{
    static int (*const steps[])(struct erasure *, unsigned, struct err *) = {
        gather, give_bots, erase_events, erase_mails, make_again, make_bots_again, drop};
    struct erasure x = {.s = s, .group = group, .index = redaction->index};
    int rc = 0;
    if (redaction->redacted || journal_redaction_ranges(redaction->payload, &x.ranges, &x.n) < 0)
        x.n = 0; /* the journal does not carry it out either */
    snprintf(x.table, sizeof x.table, "erased_%016llx_%llu", (unsigned long long)s->log,
             (unsigned long long)x.index);
    for (unsigned i = 0; i < s->n; i++)
        x.partial |= !(group >> i & 1);
    if (x.n)
        rc = look_for_mails(&x, err);
    for (unsigned i = 0; rc == 0 && x.n && i < sizeof steps / sizeof *steps; i++)
        rc = for_all(&x, steps[i], err);
    for (unsigned i = 0; rc == 0 && i < s->n; i++)
        if (in_group(&x, i)) {
            struct ship_shard *t = &s->shard[i];
            t->stream[SHIP_EVENTS].position = t->stream[SHIP_EVENTS].read = x.index + 1;
            t->rows_since += x.n != 0;
            t->status.erased += x.n != 0;
            clickhouse_batch_forget(t->batch);
        }
    for (unsigned i = 0; i < s->n; i++)
        buf_free(&x.bots[i]);
    buf_free(&x.sql);
    free(x.ranges);
    return rc == -ECANCELED ? 0 : rc;
}
