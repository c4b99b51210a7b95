#include "app/node/node_witness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/casedir.h"
#include "app/node/node_key.h"
#include "app/node/node_store.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utc.h"
#include "event/event.h"

#define SILENCE_EVERY_MS 5000
#define RETRY_MS         60000
#define UPLOADS_MAX      64
#define MINUTE           (60 * UTC_SECOND)

struct node_witness {
    const char *dir;
    int64_t silent; /* microseconds */
    struct node_writer writer;
    struct note_key key;
    struct node_book book;
    struct node_upload *upload[UPLOADS_MAX];
    int64_t began, looked; /* microseconds; monotonic ms */
    uint64_t signed_at;
    uint64_t refused; /* checkpoints that were not cosigned */
};

/* ---- what is known ---- */

static int load_book(struct node_witness *w, struct err *err)
{
    struct casedir c = {.quiet = true};
    struct node_statement said;
    int rc = casedir_open(&c, w->dir, JOURNAL_READ, err);
    if (rc == 0)
        rc = casedir_views(&c, VIEW_PURSUIT, err);
    if (rc == 0)
        rc = node_book_load(&w->book, c.pursuit, err);
    if (rc == 0)
        rc = node_key_load(w->dir, journal_origin(c.journal), &w->key, err);
    casedir_close(&c, NULL);
    for (size_t i = 0; rc == 0 && i < w->book.n; i++) {
        struct node_log *l = w->book.logs[i];
        if (l->has_key &&
            node_store_said(w->dir, l->origin, NODE_SAID_FILE, &l->key, &said, err) == 1)
            l->said = said.time;
        if (l->has_key &&
            node_store_said(w->dir, l->origin, NODE_CONFESSED_FILE, &l->key, &said, err) == 1)
            l->confessed = said.time;
    }
    return rc;
}

int node_witness_open(const char *case_dir, const struct config *config,
                      const struct node_writer *writer, struct node_witness **out, struct err *err)
{
    struct node_witness *w = mem_zeroed(1, sizeof *w);
    *out = w;
    w->dir = case_dir;
    w->silent = config->nodes.silent_minutes * MINUTE;
    w->writer = *writer;
    w->began = utc_now();
    int rc = load_book(w, err);
    if (rc < 0) {
        node_witness_close(w);
        *out = NULL;
    }
    return rc;
}

void node_witness_close(struct node_witness *w)
{
    if (!w)
        return;
    node_book_free(&w->book);
    for (size_t i = 0; i < UPLOADS_MAX; i++)
        node_upload_free(w->upload[i]);
    explicit_bzero(&w->key, sizeof w->key);
    free(w);
}

void node_witness_act(struct node_witness *w, uint8_t kind, uint64_t entry, int64_t time,
                      struct span payload)
{
    if (w)
        node_book_act(&w->book, kind, entry, time, payload);
}

/* ---- writing ---- */

/* Durable when it returns 0; the book knows it from then on. */
static int journal(struct node_witness *w, uint8_t kind, struct span payload, struct err *err)
{
    uint64_t index;
    int rc = w->writer.act(w->writer.ctx, kind, payload, &index, err);
    if (rc >= 0)
        rc = w->writer.commit(w->writer.ctx, err);
    if (rc >= 0)
        node_book_act(&w->book, kind, index, utc_now(), payload);
    return rc < 0 ? rc : 0;
}

static int keep(struct node_witness *w, struct span data, uint8_t digest[SHA256_LEN],
                struct err *err)
{
    int rc = w->writer.blob(w->writer.ctx, data, digest, err);
    return rc == 1 ? err_set(err, -EFBIG, "over blob_max_mib or blobs_total_gib") : rc;
}

static int journal_seen(struct node_witness *w, const struct node_log *l, uint64_t size,
                        const uint8_t root[SHA256_LEN], const uint8_t note[SHA256_LEN],
                        struct err *err)
{
    struct buf payload = {0};
    act_node_seen(&payload, &(struct act_node_seen){.node = l->node,
                                                    .root = span_of(root, SHA256_LEN),
                                                    .size = size,
                                                    .sha256 = span_of(note, SHA256_LEN)});
    int rc = journal(w, KIND_NODE_SEEN, buf_as_span(&payload), err);
    buf_free(&payload);
    return rc;
}

/* One a contradiction: while one is open of the node's log, the next ones add nothing. */
static int raise_alarm(struct node_witness *w, const struct node_log *l,
                       const struct node_verdict *v, struct span evidence, struct err *err)
{
    struct buf payload = {0};
    uint8_t digest[SHA256_LEN];
    int rc;
    if (l->alarms)
        return 0;
    log_line(LOG_ERROR, "a node's log does not hold", "node=%s what=%s why=\"%s\"", l->name,
             v->alarm, v->why);
    rc = keep(w, evidence, digest, err);
    struct act_node_alarm a = {.why = span_str(v->why),
                               .node = l->node,
                               .what = span_str(v->alarm),
                               .known = v->against,
                               .sha256 = span_of(digest, SHA256_LEN)};
    act_node_alarm(&payload, &a);
    if (rc == 0)
        rc = journal(w, KIND_NODE_ALARM, buf_as_span(&payload), err);
    buf_free(&payload);
    return rc;
}

/* ---- checkpoints ---- */

static int refuse(const struct node_log *l, const struct node_verdict *v, struct ctl_reply *reply)
{
    reply->index = v->status;
    if (v->status == 409)
        buf_printf(&reply->text, "%llu\n", (unsigned long long)v->known);
    else
        buf_printf(&reply->text, "%s\n", v->why);
    if (l && v->status != 409)
        log_line(LOG_WARN, "a node's checkpoint was not cosigned", "node=%s status=%u why=\"%s\"",
                 l->name, v->status, v->why);
    return 0;
}

/* The line that is given out, behind the note. */
static int cosign(struct node_witness *w, const struct node_request *q, struct buf *note,
                  size_t *line, struct err *err)
{
    uint64_t now = (uint64_t)(utc_now() / UTC_SECOND);
    if (now < w->signed_at)
        now = w->signed_at;
    w->signed_at = now;
    buf_span(note, q->note);
    *line = note->n;
    return cosignature_put(&w->key, q->text, now, note, err);
}

static int add_checkpoint(struct node_witness *w, struct span body, struct ctl_reply *reply,
                          struct err *err)
{
    struct node_request q;
    struct node_verdict v;
    struct node_log *l = NULL;
    struct buf note = {0};
    uint8_t digest[SHA256_LEN];
    size_t line = 0;
    struct err why;
    int rc = 0;
    if (node_request_parse(body, &q, &why) < 0) {
        v = (struct node_verdict){.status = 400};
        snprintf(v.why, sizeof v.why, "%.*s", (int)sizeof v.why - 1, why.text);
        return refuse(NULL, &v, reply);
    }
    node_book_judge(&w->book, &q, utc_now(), &l, &v);
    if (v.alarm)
        rc = raise_alarm(w, l, &v, body, err);
    if (rc == 0 && v.status != 200) {
        w->refused++;
        return refuse(l, &v, reply);
    }
    if (rc == 0)
        rc = cosign(w, &q, &note, &line, err);
    if (rc == 0 && v.grows)
        rc = keep(w, buf_as_span(&note), digest, err);
    if (rc == 0 && v.grows)
        rc = journal_seen(w, l, q.top.size, q.top.root, digest, err);
    if (rc == 0) { /* what was signed may be given out now, and not before */
        reply->index = 200;
        buf_put(&reply->text, note.p + line, note.n - line);
    }
    buf_free(&note);
    return rc;
}

static struct node_log *find_hashed(struct node_witness *w, struct span hex)
{
    uint8_t hash[SHA256_LEN];
    return hex.n == 2 * SHA256_LEN && hex_decode(hex, hash, SHA256_LEN)
               ? node_book_hashed(&w->book, hash, utc_now())
               : NULL;
}

static int say(struct ctl_reply *reply, unsigned status, const char *text)
{
    reply->index = status;
    buf_printf(&reply->text, "%s\n", text);
    return 0;
}

static int give_checkpoint(struct node_witness *w, struct span hex, struct ctl_reply *reply,
                           struct err *err)
{
    struct casedir c = {.dir = w->dir};
    struct node_log *l = find_hashed(w, hex);
    if (!l || !l->n_seen)
        return say(reply, 404, "no checkpoint of such a log");
    int rc = casedir_blob(&c, l->note, &reply->text, err);
    reply->index = 200;
    if (c.blobs)
        blob_close(c.blobs);
    return rc;
}

/* ---- statements and censuses ---- */

static struct node_upload **upload_of(struct node_witness *w, const char *origin)
{
    struct node_upload **spare = NULL;
    for (size_t i = 0; i < UPLOADS_MAX; i++) {
        struct node_upload **u = &w->upload[i];
        if (*u && strcmp((*u)->statement.origin, origin) == 0)
            return u;
        if (!*u && !spare)
            spare = u;
    }
    return spare;
}

static void drop_upload(struct node_upload **u)
{
    node_upload_free(*u);
    *u = NULL;
}

static void put_missing(const struct node_upload *u, struct buf *out)
{
    buf_str(out, "missing\n");
    for (unsigned i = 0; i < u->statement.parts; i++)
        if (!u->have[i])
            buf_printf(out, "%u\n", i);
}

static bool same_census(const struct node_statement *a, const struct node_statement *b)
{
    return a->bytes == b->bytes && a->parts == b->parts &&
           memcmp(a->part, b->part, a->parts * sizeof a->part[0]) == 0;
}

/* A census that is announced: which parts are wanted. One that is on its way goes on. */
static int announce(struct node_witness *w, const struct node_statement *s, struct span note,
                    struct ctl_reply *reply, struct err *err)
{
    struct node_upload **u = upload_of(w, s->origin);
    if (!u)
        return say(reply, 503, "too many censuses are on their way");
    if (*u && same_census(&(*u)->statement, s) && (*u)->missing) {
        (*u)->statement = *s;
        (*u)->note.n = 0;
        buf_span(&(*u)->note, note);
    } else {
        drop_upload(u);
        int rc = node_upload_begin(w->dir, s, note, u, err);
        if (rc < 0)
            return rc == -ENOSPC ? say(reply, 507, err->text) : rc;
    }
    put_missing(*u, &reply->text);
    return 0;
}

/* The node is alive, its log is what was cosigned. */
static int hear(struct node_witness *w, struct node_log *l, const struct node_statement *s,
                struct span note, struct err *err)
{
    int64_t now = utc_now();
    int rc = 0;
    bool fresh = s->time > l->said;
    if (!fresh)
        return 0;
    rc = node_store_say(w->dir, l->origin, NODE_SAID_FILE, note, err);
    if (rc < 0)
        return rc;
    l->said = s->time;
    l->heard = now;
    /* A log that does not grow is seen again now and then, so that a restart knows that it lives.
     */
    if (l->n_seen && (l->silent || now - l->journalled > w->silent / 4)) {
        const struct node_seen *at = &l->seen[l->n_seen - 1];
        uint8_t root[SHA256_LEN], blob[SHA256_LEN];
        memcpy(root, at->root, SHA256_LEN);
        memcpy(blob, l->note, SHA256_LEN);
        rc = journal_seen(w, l, at->size, root, blob, err);
    }
    return rc;
}

static int said(struct node_witness *w, struct span note, struct ctl_reply *reply, struct err *err)
{
    static struct node_statement s; /* 4 KB and more: not on the stack */
    struct node_verdict v;
    struct span text;
    struct err why;
    int rc = 0;
    if (node_statement_parse(node_note_text(note), &s, &why) < 0)
        return say(reply, 400, why.text);
    struct node_log *l = node_book_find(&w->book, span_str(s.origin), utc_now());
    if (!l)
        return say(reply, 404, "no node's log");
    if (note_open(note, &l->key, &text, &why) < 0)
        return say(reply, 403, "not signed by the key of that log");
    node_book_judge_said(l, &s, utc_now(), &v);
    if (v.alarm) {
        rc = raise_alarm(w, l, &v, note, err);
        if (rc == 0)
            rc = node_store_say(w->dir, l->origin, NODE_CONFESSED_FILE, note, err);
        if (rc == 0)
            l->confessed = s.time;
    }
    if (rc < 0)
        return rc;
    if (v.status != 200)
        return refuse(l, &v, reply);
    rc = hear(w, l, &s, note, err);
    if (rc < 0)
        return rc;
    if (l->alarms)
        return say(reply, 422, "an alarm of this node's log is open");
    reply->index = 200;
    if (s.census && !node_store_has(w->dir, l->origin, &s))
        return announce(w, &s, note, reply, err);
    buf_str(&reply->text, "complete\n");
    return 0;
}

/* "HEX N" or "HEX". */
static struct node_upload **find_upload(struct node_witness *w, struct span payload,
                                        uint64_t *number)
{
    struct cur c = cur_of(payload);
    struct span hex;
    char text[24] = "", *end;
    if (!cur_take(&c, 2 * SHA256_LEN, &hex) || cur_left(&c) >= sizeof text)
        return NULL;
    memcpy(text, c.p, cur_left(&c));
    *number = strtoull(text, &end, 10);
    struct node_log *l = find_hashed(w, hex);
    struct node_upload **u = l && !*end ? upload_of(w, l->origin) : NULL;
    return u && *u ? u : NULL;
}

/* A file without surprises: reading it ends, and gives what it has now. */
static int read_part(const struct ctl_request *request, struct buf *data, struct err *err)
{
    struct stat st;
    if (request->n_blobs != 1 || fstat(request->blobs[0], &st) < 0 || !S_ISREG(st.st_mode) ||
        st.st_size < 0 || st.st_size > (off_t)NODE_PART_BYTES ||
        lseek(request->blobs[0], 0, SEEK_SET) < 0)
        return err_set(err, -EFBIG, "not a part of a census");
    return file_read_fd(request->blobs[0], "a part of a census", NODE_PART_BYTES, data, err);
}

static int take_part(struct node_witness *w, const struct ctl_request *request,
                     struct ctl_reply *reply, struct err *err)
{
    uint64_t n;
    struct buf data = {0};
    struct node_upload **u = find_upload(w, request->payload, &n);
    if (!u)
        return say(reply, 404, "no such census is on its way");
    int rc = read_part(request, &data, err);
    if (rc == 0)
        rc = node_upload_part(*u, n < NODE_PARTS_MAX ? (unsigned)n : NODE_PARTS_MAX,
                              buf_as_span(&data), err);
    buf_free(&data);
    if (rc == -EBADMSG || rc == -EFBIG)
        return say(reply, 422, err->text);
    reply->index = 200;
    if (rc == 0)
        buf_printf(&reply->text, "missing %u\n", (*u)->missing);
    return rc;
}

static int install(struct node_witness *w, struct span payload, struct ctl_reply *reply,
                   struct err *err)
{
    uint64_t n;
    struct node_upload **u = find_upload(w, payload, &n);
    if (!u)
        return say(reply, 404, "no such census is on its way");
    int rc = node_upload_install(*u, err);
    if (rc == 0) {
        struct node_log *l = node_book_find(&w->book, span_str((*u)->statement.origin), utc_now());
        log_line(LOG_INFO, "a node's census", "node=%s position=%llu bytes=%llu", l ? l->name : "",
                 (unsigned long long)(*u)->statement.position,
                 (unsigned long long)(*u)->statement.bytes);
    }
    drop_upload(u);
    return rc < 0 ? rc : say(reply, 200, "complete");
}

int node_witness_answer(struct node_witness *w, const struct ctl_request *request,
                        struct ctl_reply *reply, struct err *err)
{
    if (!w)
        return err_set(err, -ENOSYS, "nodes.listen is not set");
    switch (request->kind) {
    case NODE_ADD_CHECKPOINT:
        return add_checkpoint(w, request->payload, reply, err);
    case NODE_CHECKPOINT:
        return give_checkpoint(w, request->payload, reply, err);
    case NODE_SAID:
        return said(w, request->payload, reply, err);
    case NODE_PART:
        return take_part(w, request, reply, err);
    case NODE_INSTALL:
        return install(w, request->payload, reply, err);
    default:
        return err_set(err, -ENOSYS, "this version does not know it");
    }
}

/* ---- silence ---- */

static int raise_silence(struct node_witness *w, const struct node_log *l, int64_t since,
                         struct err *err)
{
    struct buf payload = {0};
    char why[100], text[UTC_TEXT_MAX];
    size_t n = utc_format(since, text);
    snprintf(why, sizeof why, "not heard of since %.*s", (int)n, text);
    log_line(LOG_ERROR, "a node is silent", "node=%s why=\"%s\"", l->name, why);
    act_node_alarm(&payload, &(struct act_node_alarm){.why = span_str(why),
                                                      .node = l->node,
                                                      .what = span_str("silent")});
    int rc = journal(w, KIND_NODE_ALARM, buf_as_span(&payload), err);
    buf_free(&payload);
    return rc;
}

void node_witness_round(struct node_witness *w)
{
    int64_t now = utc_now();
    struct err err;
    int rc = 0;
    if (!w || (w->looked && clock_ms() - w->looked < SILENCE_EVERY_MS))
        return;
    w->looked = clock_ms();
    for (size_t i = 0; rc == 0 && i < w->book.n; i++) {
        const struct node_log *l = w->book.logs[i];
        int64_t since = node_log_silent_since(l, now, w->began, w->silent);
        if (since)
            rc = raise_silence(w, l, since, &err);
    }
    if (rc < 0) {
        log_line(LOG_WARN, "a silent node is not on the log", "why=\"%s\"", err.text);
        w->looked += RETRY_MS;
    }
}

void node_witness_board(const struct node_witness *w, struct serve_board *board)
{
    uint32_t n = 0;
    int64_t now = utc_now();
    for (size_t i = 0; w && i < w->book.n && n < SERVE_NODES_MAX; i++) {
        const struct node_log *l = w->book.logs[i];
        struct serve_node *out = &board->node[n];
        if (!l->node || l->until <= now)
            continue;
        if (strcmp(out->name, l->name) != 0)
            snprintf(out->name, sizeof out->name, "%s", l->name);
        __atomic_store_n(&out->alarms, (uint32_t)(l->alarms + (l->silent != 0)), __ATOMIC_RELAXED);
        __atomic_store_n(&out->size, node_log_size(l), __ATOMIC_RELAXED);
        __atomic_store_n(&out->heard, l->heard, __ATOMIC_RELAXED);
        n++;
    }
    __atomic_store_n(&board->nodes, n, __ATOMIC_RELEASE);
}
