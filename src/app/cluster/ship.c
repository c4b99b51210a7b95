#include "app/cluster/ship_impl.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

static void copy_text(char *out, size_t max, const char *text)
{
    snprintf(out, max, "%.*s", (int)max - 1, text);
}

/* ---- a shard's trouble ---- */

static void rest(struct ship_shard *x)
{
    int64_t ms = SHIP_AGAIN_MS;
    for (unsigned i = 1; i < x->failures && ms < SHIP_AGAIN_MAX; i++)
        ms *= 2;
    x->again = clock_ms() + (ms < SHIP_AGAIN_MAX ? ms : SHIP_AGAIN_MAX);
    x->state = SHIP_FAILED;
}

/* Whatever was under way: it is sent again, where it is not there. */
static void go_back(struct ship_shard *x)
{
    for (unsigned i = 0; i < SHIP_STREAMS; i++) {
        x->stream[i].read = x->stream[i].position;
        free(x->stream[i].window.v);
        x->stream[i].window = (struct ship_window){0};
    }
    x->waiting = -1;
    clickhouse_batch_next(x->batch);
    clickhouse_batch_forget(x->batch);
}

void ship_fail(struct ship *s, unsigned shard, const struct err *why)
{
    struct ship_shard *x = &s->shard[shard];
    go_back(x);
    if (x->status.up || !x->failures)
        log_line(LOG_WARN, "a shard of the cluster takes nothing", "shard=%s why=\"%s\"", x->name,
                 why->text);
    x->failures++;
    x->status.retries++;
    x->status.up = false;
    copy_text(x->status.why, sizeof x->status.why, why->text);
    rest(x);
    if (s->ways.give_up && x->failures >= s->ways.give_up) {
        x->state = SHIP_GIVEN_UP;
        x->status.given_up = true;
    }
}

static void good(struct ship_shard *x)
{
    if (!x->status.up && x->failures)
        log_line(LOG_INFO, "the shard takes batches again", "shard=%s", x->name);
    x->failures = 0;
    x->status.up = true;
    x->status.why[0] = 0;
}

/* ---- jobs ---- */

int ship_slot(struct ship *s, unsigned shard, struct ship_job **job, uint8_t **data)
{
    struct ship_shard *x = &s->shard[shard];
    if (x->waiting >= 0)
        return -1;
    int slot = x->flying == 0 ? 1 : 0;
    *job = ship_post_job(s->post, shard, (unsigned)slot);
    *data = ship_post_data(s->post, shard, (unsigned)slot);
    (*job)->parts = 0;
    (*job)->code = 0;
    (*job)->answer_n = 0;
    (*job)->answer_at = ship_data_max(s->c->config);
    return slot;
}

int ship_send(struct ship *s, unsigned shard, int slot, struct ship_flight flight, struct err *err)
{
    struct ship_shard *x = &s->shard[shard];
    x->flight[slot] = flight;
    if (x->flying >= 0) {
        x->waiting = slot;
        return 0;
    }
    x->flying = slot;
    return ship_post_send(s->post, shard, (unsigned)slot, err);
}

static void put_parts(struct ship *s, struct ship_shard *x, struct ship_job *job, uint8_t *data)
{
    const struct clickhouse_block *b;
    struct buf sql = {0};
    uint64_t at = 0;
    char id[SHIP_ID_MAX];
    s->batches++;
    for (unsigned i = 0; (b = clickhouse_batch_part(x->batch, i)); i++) {
        size_t n = clickhouse_block_pack(b, s->frames, &s->stage, data + at);
        sql.n = 0;
        clickhouse_block_insert(b, s->config->database, &sql);
        snprintf(id, sizeof id, "%s%llu-%u", s->ids, (unsigned long long)s->batches, i);
        ship_job_add(job, buf_as_span(&sql), id, at, n);
        at += n;
    }
    buf_free(&sql);
}

int ship_flush(struct ship *s, unsigned shard, unsigned stream, uint64_t to, struct err *err)
{
    struct ship_shard *x = &s->shard[shard];
    struct ship_stream *t = &x->stream[stream];
    struct ship_flight f = {.kind = SHIP_JOB_BATCH, .mails = stream == SHIP_MAILS, .to = to};
    struct ship_job *job;
    uint8_t *data;
    t->read = to;
    f.rows = clickhouse_batch_rows(x->batch);
    if (!f.rows) { /* nothing of it is this shard's: with what goes before, or at once */
        const int queue[SHIP_SLOTS] = {x->waiting, x->flying};
        for (unsigned i = 0; i < SHIP_SLOTS; i++) {
            struct ship_flight *before = queue[i] >= 0 ? &x->flight[queue[i]] : NULL;
            if (before && before->kind == SHIP_JOB_BATCH && before->mails == f.mails) {
                before->to = to;
                return 0;
            }
        }
        t->position = to;
        return 0;
    }
    if (!x->named)
        clickhouse_batch_log(x->batch, s->origin, span_str(s->vkey));
    int slot = ship_slot(s, shard, &job, &data);
    if (slot < 0)
        abort(); /* who fills a batch looked */
    put_parts(s, x, job, data);
    clickhouse_batch_next(x->batch);
    return ship_send(s, shard, slot, f, err);
}

/* A slot of a shard that has nothing under way, and so has one. */
static int free_slot(struct ship *s, unsigned shard, struct ship_job **job, uint8_t **data,
                     struct err *err)
{
    *job = NULL;
    *data = NULL;
    int slot = ship_slot(s, shard, job, data);
    return slot < 0 ? err_set(err, -EPROTO, "shard %s is still at work", s->shard[shard].name)
                    : slot;
}

/* ---- what a shard has ---- */

static int check(struct ship *s, unsigned shard, struct err *err)
{
    struct ship_shard *x = &s->shard[shard];
    struct ship_job *job;
    uint8_t *data;
    struct buf sql = {0};
    uint64_t from = x->stream[SHIP_EVENTS].position < x->stream[SHIP_MAILS].position
                        ? x->stream[SHIP_EVENTS].position
                        : x->stream[SHIP_MAILS].position;
    int slot = free_slot(s, shard, &job, &data, err);
    if (slot < 0)
        return slot;
    ship_answer_question(s->config->database, s->log, from, s->ids, &sql);
    ship_job_add(job, buf_as_span(&sql), NULL, 0, 0);
    buf_free(&sql);
    x->state = SHIP_CHECKING;
    return ship_send(s, shard, slot, (struct ship_flight){.kind = SHIP_JOB_CHECK}, err);
}

static bool is_zero(const uint8_t *p, size_t n)
{
    while (n && !*p)
        p++, n--;
    return !n;
}

static bool is_former_key(const struct ship *s, const char *vkey)
{
    return s->former.n && memmem(s->former.p, s->former.n, vkey, strlen(vkey));
}

/* Whether the rows that are there are this log's: or another was made under its name. */
static int compare(struct ship *s, struct ship_shard *x, const struct ship_answer *a,
                   struct err *err)
{
    uint8_t leaf[JOURNAL_LEAF_LEN], salt[JOURNAL_SALT_LEN];
    uint64_t last = a->last_event > a->last_mail ? a->last_event : a->last_mail;
    if (*a->vkey && strcmp(a->vkey, s->vkey) != 0 && !is_former_key(s, a->vkey))
        return err_set(err, -EEXIST,
                       "shard %s has rows of another log of the name %s: its key is %s", x->name,
                       journal_origin(s->c->journal), a->vkey);
    if ((a->events || a->mails) && last >= journal_committed(s->c->journal))
        return err_set(err, -EEXIST,
                       "shard %s has entry %llu of %s, which this log does not: it is another log, "
                       "or has lost its end",
                       x->name, (unsigned long long)last, journal_origin(s->c->journal));
    if (!a->events || is_zero(a->header, sizeof a->header))
        return 0;
    int rc = journal_leaf(s->c->journal, a->last_event, leaf, salt, err);
    if (rc == 0 && memcmp(leaf, a->header, sizeof a->header) != 0)
        rc = err_set(err, -EEXIST, "shard %s has another entry %llu of %s than this log", x->name,
                     (unsigned long long)a->last_event, journal_origin(s->c->journal));
    return rc;
}

static void checked(struct ship *s, unsigned shard, struct span text)
{
    struct ship_shard *x = &s->shard[shard];
    struct ship_answer a;
    struct err err;
    if (!ship_answer_read(text, &a)) {
        err_set(&err, -EPROTO, "shard %s: what it answers makes no sense", x->name);
        ship_fail(s, shard, &err);
        return;
    }
    copy_text(x->status.version, sizeof x->status.version, a.version);
    if (compare(s, x, &a, &err) < 0) {
        ship_fail(s, shard, &err);
        return;
    }
    if (a.running) { /* of a shipper that was killed: what comes of it is not known yet */
        x->state = SHIP_FAILED;
        x->again = clock_ms() + SHIP_AGAIN_MS;
        return;
    }
    good(x);
    x->named = strcmp(a.vkey, s->vkey) == 0;
    x->doubt = 0;
    if (a.events)
        x->doubt = a.last_event + 1;
    if (a.mails && a.last_mail >= x->doubt)
        x->doubt = a.last_mail + 1;
    x->state = SHIP_READY;
}

static bool wants_window(const struct ship_shard *x, unsigned stream)
{
    const struct ship_stream *t = &x->stream[stream];
    return t->read < x->doubt && (t->read < t->window.from || t->read >= t->window.to);
}

static int ask_window(struct ship *s, unsigned shard, unsigned stream, struct err *err)
{
    struct ship_shard *x = &s->shard[shard];
    uint64_t from = x->stream[stream].read, to = x->doubt;
    struct ship_job *job;
    uint8_t *data;
    struct buf sql = {0};
    to = to - from > SHIP_WINDOW ? from + SHIP_WINDOW : to;
    int slot = free_slot(s, shard, &job, &data, err);
    if (slot < 0)
        return slot;
    buf_printf(&sql,
               "SELECT entry FROM %s.%s_local WHERE log = %llu AND entry >= %llu AND entry < %llu "
               "GROUP BY entry FORMAT RowBinary",
               s->config->database, stream == SHIP_MAILS ? "mails" : "events",
               (unsigned long long)s->log, (unsigned long long)from, (unsigned long long)to);
    ship_job_add(job, buf_as_span(&sql), NULL, 0, 0);
    buf_free(&sql);
    return ship_send(
        s, shard, slot,
        (struct ship_flight){.kind = SHIP_JOB_WINDOW, .mails = stream == SHIP_MAILS, .to = to},
        err);
}

static void window_came(struct ship *s, unsigned shard, const struct ship_flight *f,
                        struct span bytes)
{
    struct ship_shard *x = &s->shard[shard];
    struct ship_stream *t = &x->stream[f->mails ? SHIP_MAILS : SHIP_EVENTS];
    struct err err;
    free(t->window.v);
    t->window = (struct ship_window){.from = t->read, .to = f->to};
    if (!ship_answer_entries(bytes, t->read, f->to, &t->window.v, &t->window.n)) {
        t->window = (struct ship_window){0};
        err_set(&err, -EPROTO, "shard %s: what it answers makes no sense", x->name);
        ship_fail(s, shard, &err);
    }
}

/* ---- what is done ---- */

static void batch_done(struct ship_shard *x, const struct ship_flight *f)
{
    x->stream[f->mails ? SHIP_MAILS : SHIP_EVENTS].position = f->to;
    x->named = true;
    x->rows_since += f->rows;
    x->status.rows += f->rows;
    x->status.batches++;
    good(x);
}

static int job_done(struct ship *s, unsigned shard, unsigned slot, struct err *err)
{
    struct ship_shard *x = &s->shard[shard];
    struct ship_job *job = ship_post_job(s->post, shard, slot);
    struct ship_flight f = x->flight[slot];
    struct err why;
    if (x->flying != (int)slot)
        return err_set(err, -EPROTO, "the process that ships says what cannot be");
    x->flying = -1;
    int rc = ship_job_result(job, &why);
    struct span answer = span_of(ship_post_data(s->post, shard, slot) + ship_data_max(s->c->config),
                                 rc == 0 ? job->answer_n : 0);
    if (f.kind == SHIP_JOB_STEP) {
        x->step_done = true;
        x->step_err = why;
        x->step_err.code = rc;
        return 0;
    }
    if (rc < 0)
        ship_fail(s, shard, &why);
    else if (f.kind == SHIP_JOB_CHECK)
        checked(s, shard, answer);
    else if (f.kind == SHIP_JOB_WINDOW)
        window_came(s, shard, &f, answer);
    else
        batch_done(x, &f);
    if (x->waiting < 0)
        return 0;
    x->flying = x->waiting;
    x->waiting = -1;
    return ship_post_send(s->post, shard, (unsigned)x->flying, err);
}

int ship_heed(struct ship *s, int wait_ms, struct err *err)
{
    struct pollfd p[2] = {{.fd = ship_post_fd(s->post), .events = POLLIN},
                          {.fd = s->ways.wake, .events = POLLIN}};
    unsigned shard, slot;
    int rc;
    if (wait_ms > 0 && poll(p, 2, wait_ms) < 0 && errno != EINTR)
        return err_errno(err, "poll");
    while ((rc = ship_post_heed(s->post, &shard, &slot, err)) == 1)
        if ((rc = job_done(s, shard, slot, err)) < 0)
            break;
    return rc;
}

int ship_step(struct ship *s, unsigned shard, struct span sql, struct span data, struct buf *answer,
              struct err *trouble, struct err *err)
{
    struct ship_shard *x = &s->shard[shard];
    struct ship_job *job;
    uint8_t *room;
    int slot = free_slot(s, shard, &job, &room, err);
    if (slot < 0)
        return slot;
    uint64_t n = data.n ? clickhouse_frame(s->frames, data, room) : 0;
    ship_job_add(job, sql, NULL, 0, n);
    x->step_done = false;
    int rc = ship_send(s, shard, slot, (struct ship_flight){.kind = SHIP_JOB_STEP}, err);
    while (rc == 0 && !x->step_done) {
        rc = ship_heed(s, 200, err);
        if (rc == 0 && s->ways.stopped(s->ways.ctx))
            rc = -ECANCELED;
    }
    if (rc < 0)
        return rc;
    *trouble = x->step_err;
    if (answer && !trouble->code)
        buf_put(answer, room + job->answer_at, job->answer_n);
    return 0;
}

/* ---- whose turn it is ---- */

static bool may_round(const struct ship *s, const struct ship_shard *x)
{
    return x->state == SHIP_READY && x->waiting < 0 && x->stream[SHIP_EVENTS].read < s->end &&
           !wants_window(x, SHIP_EVENTS);
}

/* The next group in turn of shards that stand at the same entry, and how far it may go: to where
 * another stands, so that they go on together. */
static uint64_t choose(struct ship *s, uint64_t *from, uint64_t *to)
{
    uint64_t group = 0;
    unsigned first = s->n;
    for (unsigned i = 0; first == s->n && i < s->n; i++)
        if (may_round(s, &s->shard[(s->turn + i) % s->n]))
            first = (s->turn + i) % s->n;
    if (first == s->n)
        return 0;
    s->turn = first + 1;
    *from = s->shard[first].stream[SHIP_EVENTS].read;
    *to = s->end - *from > SHIP_ENTRIES ? *from + SHIP_ENTRIES : s->end;
    for (unsigned i = 0; i < s->n; i++) {
        const struct ship_shard *x = &s->shard[i];
        const struct ship_stream *t = &x->stream[SHIP_EVENTS];
        if (x->state != SHIP_READY)
            continue;
        if (t->read == *from && may_round(s, x))
            group |= 1ull << i;
        else if (t->read > *from && t->read < *to)
            *to = t->read;
        if (t->read == *from && t->window.to > *from && t->window.to < *to && *from < x->doubt)
            *to = t->window.to;
    }
    return group;
}

/* Checks and windows that are due; true when any shard is worked on. */
static int tend(struct ship *s, bool *busy, struct err *err)
{
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < s->n; i++) {
        struct ship_shard *x = &s->shard[i];
        if (x->state == SHIP_FAILED && x->flying < 0 && clock_ms() >= x->again)
            rc = check(s, i, err);
        else if (x->state == SHIP_READY && ship_is_idle(x))
            for (unsigned k = 0; rc == 0 && k < SHIP_STREAMS && ship_is_idle(x); k++)
                if (wants_window(x, k) &&
                    (k == SHIP_MAILS ? ship_mail_due(s, i) : x->stream[k].read < s->end))
                    rc = ask_window(s, i, k, err);
        *busy |= x->flying >= 0;
    }
    return rc;
}

uint64_t ship_position(const struct ship *s, const struct ship_shard *x)
{
    uint64_t events = x->stream[SHIP_EVENTS].position, mails = x->stream[SHIP_MAILS].position;
    if (mails >= s->mails_to)
        mails = ship_mail_end(s, events);
    return events < mails ? events : mails;
}

static bool is_done(const struct ship *s)
{
    for (unsigned i = 0; i < s->n; i++) {
        const struct ship_shard *x = &s->shard[i];
        if (x->state != SHIP_GIVEN_UP &&
            (!ship_is_idle(x) || x->stream[SHIP_EVENTS].position < s->end || ship_mail_due(s, i)))
            return false;
    }
    return true;
}

int ship_say(struct ship *s, struct ship_shard *x, uint64_t position, struct err *err)
{
    struct buf cluster = {0};
    buf_printf(&cluster, "%s %s", s->config->name, s->config->database);
    struct act_shipped act = {.shard = span_str(x->name),
                              .events = x->rows_since,
                              .cluster = buf_as_span(&cluster),
                              .position = position};
    int rc = s->ways.record(s->ways.ctx, &act, err);
    buf_free(&cluster);
    return rc;
}

static int record_one(struct ship *s, struct ship_shard *x, struct err *err)
{
    uint64_t position = ship_position(s, x);
    if (!x->rows_since || position <= x->recorded)
        return 0;
    int rc = ship_say(s, x, position, err);
    if (rc < 0)
        return rc;
    x->recorded = position;
    x->recorded_at = clock_ms();
    x->rows_since = 0;
    return 0;
}

int ship_record(struct ship *s, struct err *err)
{
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < s->n; i++)
        rc = record_one(s, &s->shard[i], err);
    return rc;
}

static int record_due(struct ship *s, struct err *err)
{
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < s->n; i++)
        if (clock_ms() - s->shard[i].recorded_at >= SHIP_RECORD_MS)
            rc = record_one(s, &s->shard[i], err);
    return rc;
}

/* A round, or 1: there was nothing to do now. */
static int work(struct ship *s, struct err *err)
{
    uint64_t from = 0, to = 0, group = 0;
    for (unsigned i = 0; i < s->n; i++)
        if (s->shard[i].waiting < 0 && s->shard[i].state == SHIP_READY && ship_mail_due(s, i) &&
            !wants_window(&s->shard[i], SHIP_MAILS))
            return ship_mail_round(s, i, err);
    /* A daemon at the log's end lets entries gather. */
    bool full = false;
    for (unsigned i = 0; i < s->n; i++)
        full |= s->end - s->shard[i].stream[SHIP_EVENTS].read >= s->config->batch_rows;
    if (s->ways.whole_log || full || clock_ms() - s->rounded >= s->config->delay_ms)
        group = choose(s, &from, &to);
    if (!group)
        return 1;
    s->rounded = clock_ms();
    return ship_round(s, group, from, to, err);
}

int ship_turn(struct ship *s, int wait_ms, struct err *err)
{
    bool busy = false;
    if (!s->ways.whole_log) {
        s->end = journal_committed(s->c->journal);
        int looked = ship_mail_look(s, err);
        if (looked < 0)
            return looked;
    }
    int rc = ship_heed(s, 0, err);
    if (rc == 0)
        rc = tend(s, &busy, err);
    if (rc == 0)
        rc = work(s, err);
    if (rc == 1) {
        if (s->ways.whole_log && is_done(s))
            return 0;
        rc = ship_heed(s, wait_ms, err);
    }
    if (rc == 0)
        rc = record_due(s, err);
    return rc < 0 ? rc : 1;
}
