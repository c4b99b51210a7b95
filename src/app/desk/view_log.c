/* Views of the log: the newest observations, what was done, one entry with its proof. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/desk/view.h"
#include "base/mem.h"
#include "event/act_signed.h"
#include "event/event.h"
#include "journal/prover.h"
#include "state/accounts.h"
#include "view/act_json.h"
#include "view/query.h"

#define FEED_MAX     1000
#define FEED_DEFAULT 50
#define FEED_BACK    20 /* entries looked at for each that is wanted: some are acts */
#define ACTS_MAX     1000
#define ACTS_DEFAULT 100
#define WINDOW       16384u     /* entries read at once, from the log's end backwards */
#define LOOK_MAX     (4u << 20) /* entries looked at for one answer */

/* ---- observations ---- */

struct feed {
    struct view *v;
    struct buf *row; /* the last so many, in a circle */
    uint64_t n, seen;
};

static int keep_hit(void *ctx, const struct query_hit *h)
{
    struct feed *f = ctx;
    struct buf *b = &f->row[f->seen++ % f->n];
    struct json j = json_to(b);
    b->n = 0;
    event_json(h->ev, h->index, h->sensor, &j);
    return 0;
}

int view_feed(struct view *v, struct err *err)
{
    uint64_t after, limit;
    struct feed f = {.v = v};
    int rc = view_number(v, "after", UINT64_MAX, INT64_MAX, &after, err);
    if (rc == 0)
        rc = view_number(v, "limit", FEED_DEFAULT, FEED_MAX, &limit, err);
    if (rc == 0 && !limit)
        rc = err_set(err, -EINVAL, "limit: 1 or more");
    if (rc == 0)
        rc = casedir_open(&v->c, v->ask->case_dir, JOURNAL_READ, err);
    if (rc == 0)
        rc = casedir_views(&v->c, VIEW_REGISTRY, err);
    if (rc < 0)
        return rc;
    uint64_t size = journal_committed(v->c.journal);
    struct query q = {.since = INT64_MIN, .until = INT64_MAX};
    q.from_index = size > limit * FEED_BACK ? size - limit * FEED_BACK : 0;
    if (after != UINT64_MAX && after + 1 > q.from_index)
        q.from_index = after + 1;
    f.n = limit;
    f.row = mem_zeroed(limit, sizeof *f.row);
    rc = q.from_index < size ? query_events(v->c.journal, v->c.registry, &q, keep_hit, &f, err) : 0;
    view_begin_rows(v);
    for (uint64_t i = f.seen > f.n ? f.seen - f.n : 0; i < f.seen; i++) {
        if (v->j.comma)
            buf_byte(&v->out, ',');
        buf_span(&v->out, buf_as_span(&f.row[i % f.n]));
        v->j.comma = true;
    }
    view_end_rows(v);
    for (uint64_t i = 0; i < f.n; i++)
        buf_free(&f.row[i]);
    free(f.row);
    return rc;
}

/* ---- acts ---- */

/* What was said of informants, and by them, is not for everybody. */
static bool is_hidden(const struct view *v, uint8_t kind)
{
    bool of_leads = (kind >= KIND_LEAD && kind <= KIND_NOVELTY) || kind == KIND_KEYS_WRAPPED ||
                    kind == KIND_LEAD_DELETION;
    bool of_claims = kind == KIND_ELIGIBILITY && !(v->ask->roles & ROLE_COUNSEL);
    return (of_leads || of_claims) && !view_reads_leads(v);
}

/* Only that there was such an act, of whom, when. */
static void put_hidden(const struct entry *e, struct json *j)
{
    struct span account = {0};
    act_signer(e->payload, &account);
    json_object(j);
    view_uint(j, "index", e->index);
    view_when(j, "time", e->header.time);
    view_str(j, "kind", event_kind_name(e->header.kind));
    if (account.n)
        view_text(j, "account", account);
    view_bool(j, "hidden", true);
    json_object_end(j);
}

struct acts {
    struct view *v;
    struct span account;
    const char *kind;
    uint64_t limit, n;
    struct line {
        size_t at, n;
        uint64_t index;
    } * line;
    size_t lines, cap;
    struct buf text; /* of one window */
};

static bool is_wanted(const struct acts *a, const struct entry *e)
{
    struct span signer = {0};
    const char *name = event_kind_name(e->header.kind);
    if (event_kind_is_event(e->header.kind))
        return false;
    if (a->kind && (!name || strcmp(a->kind, name) != 0))
        return false;
    return !a->account.n || (act_signer(e->payload, &signer) == 0 && span_eq(signer, a->account));
}

static int read_window(struct acts *a, uint64_t from, uint64_t to, struct err *err)
{
    struct journal_cursor *cursor;
    struct entry e;
    int rc = journal_cursor_open(a->v->c.journal, from, &cursor, err);
    if (rc < 0)
        return rc;
    a->text.n = a->lines = 0;
    while ((rc = journal_cursor_next(cursor, &e, err)) == 1 && e.index < to) {
        if (!is_wanted(a, &e))
            continue;
        struct json j = json_to(&a->text);
        a->line = mem_room(a->line, a->lines, &a->cap, sizeof *a->line);
        a->line[a->lines].at = a->text.n;
        a->line[a->lines].index = e.index;
        if (is_hidden(a->v, e.header.kind))
            put_hidden(&e, &j);
        else
            act_json(&e, &j);
        a->line[a->lines].n = a->text.n - a->line[a->lines].at;
        a->lines++;
    }
    journal_cursor_close(cursor);
    return rc < 0 ? rc : 0;
}

/* Window by window, the newest first. *next: the next page is of what comes before this one; 0:
 * there is none. */
static int walk_back(struct acts *a, uint64_t before, uint64_t *next, struct err *err)
{
    struct json *j = &a->v->j;
    uint64_t looked = 0;
    int rc = 0;
    *next = before;
    while (rc == 0 && *next && a->n < a->limit && looked < LOOK_MAX) {
        uint64_t from = *next > WINDOW ? *next - WINDOW : 0;
        rc = read_window(a, from, *next, err);
        looked += *next - from;
        *next = from;
        for (size_t i = a->lines; rc == 0 && i > 0 && a->n < a->limit; i--, a->n++) {
            if (j->comma)
                buf_byte(j->out, ',');
            buf_put(j->out, a->text.p + a->line[i - 1].at, a->line[i - 1].n);
            j->comma = true;
            *next = i > 1 ? a->line[i - 1].index : from;
        }
    }
    return rc;
}

int view_acts(struct view *v, struct err *err)
{
    uint64_t before, next = 0;
    struct acts a = {
        .v = v, .kind = view_get(v, "kind"), .account = span_str(view_get(v, "account"))};
    int rc = view_number(v, "before", UINT64_MAX, INT64_MAX, &before, err);
    if (rc == 0)
        rc = view_number(v, "limit", ACTS_DEFAULT, ACTS_MAX, &a.limit, err);
    if (rc == 0)
        rc = casedir_open(&v->c, v->ask->case_dir, JOURNAL_READ, err);
    if (rc < 0)
        return rc;
    uint64_t size = journal_committed(v->c.journal);
    view_begin_rows(v);
    rc = walk_back(&a, before < size ? before : size, &next, err);
    json_array_end(&v->j);
    view_index(&v->j, "next", next);
    view_end(v);
    buf_free(&a.text);
    free(a.line);
    return rc;
}

/* ---- one entry ---- */

static const char *sensor_name(struct casedir *c, uint64_t index, struct buf *out)
{
    struct span name = {0};
    struct entry e;
    if (index && journal_get(c->journal, index, &e, NULL) == 0 && !e.redacted &&
        act_sensor_read(e.payload, &name) == 0)
        buf_span(out, name);
    buf_byte(out, 0);
    return (const char *)out->p;
}

/* As `ebb events` and `ebb log acts` have it. */
static void put_words(struct view *v, const struct entry *e, struct span payload)
{
    struct arena arena;
    struct event ev;
    struct buf sensor = {0};
    arena_init(&arena);
    json_key(&v->j, "entry");
    if (e->redacted)
        json_null(&v->j);
    else if (is_hidden(v, e->header.kind))
        put_hidden(e, &v->j);
    else if (!event_kind_is_event(e->header.kind))
        act_json(e, &v->j);
    else if (event_decode(payload, &arena, &ev) < 0)
        json_null(&v->j);
    else {
        ev.kind = e->header.kind;
        ev.time = e->header.time;
        ev.sensor = e->header.sensor;
        event_json(&ev, e->index, sensor_name(&v->c, e->header.sensor, &sensor), &v->j);
    }
    buf_free(&sensor);
    arena_free(&arena);
}

static void put_proof(struct view *v, uint64_t index)
{
    struct buf proof = {0};
    if (journal_prove(v->c.journal, index, &proof, NULL) < 0)
        proof.n = 0;
    view_text(&v->j, "proof", buf_as_span(&proof));
    buf_free(&proof);
}

int view_entry(struct view *v, struct err *err)
{
    struct entry e;
    struct buf payload = {0};
    int rc = casedir_open(&v->c, v->ask->case_dir, JOURNAL_READ, err);
    if (rc == 0)
        rc = journal_get(v->c.journal, v->ask->id, &e, err);
    if (rc < 0)
        return rc;
    buf_span(&payload, e.payload); /* the sensor's entry is read, too */
    e.payload = buf_as_span(&payload);
    json_object(&v->j);
    view_uint(&v->j, "index", e.index);
    view_when(&v->j, "time", e.header.time);
    const char *name = event_kind_name(e.header.kind);
    view_str(&v->j, "kind", name ? name : "unknown");
    view_bool(&v->j, "is_event", event_kind_is_event(e.header.kind));
    view_bool(&v->j, "redacted", e.redacted);
    put_words(v, &e, e.payload);
    put_proof(v, e.index);
    if (e.redacted || is_hidden(v, e.header.kind)) {
        json_key(&v->j, "exact");
        json_null(&v->j);
    } else {
        view_base64(&v->j, "exact", e.payload);
    }
    view_end(v);
    buf_free(&payload);
    return 0;
}
