/* What is due, and what stays all the same. */
#include <errno.h>
#include <stdlib.h>

#include "app/care/retention.h"
#include "app/exhibit/exhibit_query.h"
#include "app/progress.h"
#include "base/cbor.h"
#include "base/mem.h"
#include "base/utc.h"
#include "event/act_pursuit.h"

void retention_policy_of(const struct config_retention *c, int64_t now,
                         struct retention_policy *out)
{
    uint32_t mail = c->mail_days ? c->mail_days : c->payload_days;
    uint32_t blob = c->blob_days;
    *out = (struct retention_policy){INT64_MIN, INT64_MIN, INT64_MIN};
    if (c->payload_days)
        out->payload_before = now - (int64_t)c->payload_days * UTC_DAY;
    if (mail)
        out->mail_before = now - (int64_t)mail * UTC_DAY;
    if (blob)
        out->blob_before = now - (int64_t)blob * UTC_DAY;
}

bool retention_is_due(const struct retention_policy *p, uint8_t kind, int64_t time)
{
    return event_kind_is_event(kind) &&
           time < (kind == KIND_SMTP ? p->mail_before : p->payload_before);
}

/* A mail's blob is the mail; what a request or a file held may be due sooner. */
bool retention_blob_is_due(const struct retention_policy *p, uint8_t kind, int64_t time)
{
    if (kind == KIND_SMTP)
        return time < p->mail_before;
    return time < p->payload_before || time < p->blob_before;
}

/* The blob that an observation names; NULL: none. */
static const uint8_t *blob_of(uint8_t kind, const struct event *ev)
{
    if (kind != KIND_SMTP && kind != KIND_HTTP && kind != KIND_FEED)
        return NULL;
    struct span blob = ev->smtp.blob.n ? ev->smtp.blob : ev->http.blob;
    return blob.n == SHA256_LEN ? blob.p : NULL;
}

/* ---- what acts cite ---- */

struct hold {
    uint64_t entry, by;
};

static int hold_one(struct buf *holds, uint64_t entry, uint64_t by, struct err *err)
{
    struct hold h = {entry, by};
    if (holds->n / sizeof h >= RETENTION_HOLDS_MAX)
        return err_set(err, -E2BIG, "acts cite more than %d entries", RETENTION_HOLDS_MAX);
    buf_put(holds, &h, sizeof h);
    return 0;
}

static int hold_list(struct buf *holds, struct span list, uint64_t by, struct err *err)
{
    uint64_t *entries = NULL;
    size_t n = 0;
    int rc = 0;
    if (exhibit_entries_parse(list, RETENTION_HOLDS_MAX, &entries, &n, NULL) < 0)
        n = 0; /* words of a log that others wrote: they cite nothing */
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = hold_one(holds, entries[i], by, err);
    free(entries);
    return rc;
}

/* ---- exhibits: what they show is asked again ---- */

struct asking {
    struct buf *holds;
    uint64_t by;
};

static int hold_hit(void *ctx, const struct query_hit *hit)
{
    struct asking *a = ctx;
    return hit->index < a->by ? hold_one(a->holds, hit->index, a->by, NULL) : 1;
}

/* What is in quotes behind an option in the words of an exhibit's command. */
static struct span option_of(struct span words, const char *option)
{
    char begin[32];
    int n = snprintf(begin, sizeof begin, "--%s \"", option);
    const uint8_t *at = n > 0 ? memmem(words.p, words.n, begin, (size_t)n) : NULL;
    if (!at)
        return span_of(NULL, 0);
    at += n;
    size_t left = (size_t)(words.p + words.n - at);
    /* a query may have quotes of its own: up to the last one before the next option, or of all */
    const uint8_t *next = memmem(at, left, "\" --", 4);
    const uint8_t *end = next ? next : memrchr(at, '"', left);
    return end ? span_of(at, (size_t)(end - at)) : span_of(NULL, 0);
}

static int hold_exhibit(struct casedir *c, struct buf *holds, struct span payload, uint64_t by,
                        struct err *err)
{
    struct act_exhibit a;
    struct exhibit_query query;
    struct asking asking = {holds, by};
    if (act_exhibit_read(payload, &a) < 0)
        return 0;
    int rc = hold_list(holds, option_of(a.query, "entries"), by, err);
    struct span words = option_of(a.query, "query");
    if (rc == 0 && words.n && exhibit_query_parse(words, &query, NULL) == 0)
        rc = query_events(c->journal, c->registry, &query.q, hold_hit, &asking, err);
    return rc < 0 ? rc : 0;
}

/* ---- any act ---- */

/* Lists of entries, by the names that act_pursuit.def gives them. */
static int hold_members(struct buf *holds, const struct entry *e, struct err *err)
{
    static const char *const lists[] = {"entries", "known"};
    struct cur value;
    struct cbor_item item;
    int rc = 0;
    if (!cbor_valid(e->payload))
        return 0;
    for (size_t i = 0; i < sizeof lists / sizeof *lists && rc == 0; i++)
        if (cbor_find(cur_of(e->payload), lists[i], &value) == 1 && cbor_get(&value, &item) == 1 &&
            (item.type == CBOR_TEXT || item.type == CBOR_BYTES))
            rc = hold_list(holds, item.s, e->index, err);
    if (rc == 0 && e->header.kind == KIND_LINK &&
        cbor_find(cur_of(e->payload), "campaign", &value) == 1 && cbor_get(&value, &item) == 1 &&
        item.type == CBOR_UINT && item.n)
        rc = hold_one(holds, item.n, e->index, err);
    return rc;
}

static int by_entry(const void *a, const void *b)
{
    const struct hold *x = a, *y = b;
    if (x->entry != y->entry)
        return x->entry < y->entry ? -1 : 1;
    return x->by < y->by ? -1 : x->by > y->by;
}

int retention_holds(struct casedir *c, uint64_t end, struct buf *out, struct err *err)
{
    struct journal_cursor *cursor;
    struct entry e;
    int rc = journal_cursor_open(c->journal, 0, &cursor, err);
    while (rc == 0 && (rc = journal_cursor_next(cursor, &e, err)) == 1 && e.index < end) {
        rc = 0;
        if (e.header.kind < KIND_ACCOUNT || e.redacted)
            continue;
        rc = e.header.kind == KIND_EXHIBIT ? hold_exhibit(c, out, e.payload, e.index, err)
                                           : hold_members(out, &e, err);
    }
    journal_cursor_close(cursor);
    if (out->n)
        qsort(out->p, out->n / sizeof(struct hold), sizeof(struct hold), by_entry);
    return rc < 0 ? rc : 0;
}

/* Of records of that size, ordered by the entry that each begins with: the first of an entry. */
static void *first_of(const struct buf *records, size_t size, uint64_t entry)
{
    size_t lo = 0, n = records->n / size, hi = n;
    uint64_t at;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        memcpy(&at, records->p + mid * size, sizeof at);
        if (at < entry)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == n)
        return NULL;
    memcpy(&at, records->p + lo * size, sizeof at);
    return at == entry ? records->p + lo * size : NULL;
}

static uint64_t held_by(const struct buf *holds, uint64_t entry)
{
    const struct hold *h = first_of(holds, sizeof *h, entry);
    return h ? h->by : 0;
}

/* ---- files that were imported ---- */

/* A kept file goes when it is old, or when nothing of it is left on the log that stays. */
struct import {
    uint64_t entry;
    int64_t time;
    uint8_t sha[SHA256_LEN];
    uint64_t live; /* events of it that stay */
    bool done, held;
};

struct planner {
    struct casedir *c;
    const struct retention_policy *policy;
    struct retention_plan *plan;
    struct buf holds, imports, wanted; /* wanted: digests that what stays names */
    struct arena arena;
    size_t ranges_cap, kept_cap;
};

static struct import *import_of(struct planner *p, uint64_t entry)
{
    return first_of(&p->imports, sizeof(struct import), entry);
}

static void import_begins(struct planner *p, const struct entry *e)
{
    struct act_import_begun a;
    if (act_import_begun_read(e->payload, &a) < 0 || !a.kept || a.sha256.n != SHA256_LEN)
        return;
    struct import i = {.entry = e->index, .time = e->header.time};
    memcpy(i.sha, a.sha256.p, SHA256_LEN);
    buf_put(&p->imports, &i, sizeof i);
}

static void import_ends(struct planner *p, const struct entry *e)
{
    struct act_import_done a;
    struct import *i = act_import_done_read(e->payload, &a) == 0 ? import_of(p, a.import) : NULL;
    if (i)
        i->done = true;
}

/* ---- one entry ---- */

static void range_add(struct planner *p, uint64_t index)
{
    struct retention_plan *plan = p->plan;
    plan->entries++;
    if (plan->n_ranges && plan->ranges[plan->n_ranges - 1].last == index) {
        plan->ranges[plan->n_ranges - 1].last++;
        return;
    }
    plan->ranges = mem_room(plan->ranges, plan->n_ranges, &p->ranges_cap, sizeof *plan->ranges);
    plan->ranges[plan->n_ranges++] = (struct journal_range){index, index + 1};
}

static void keep(struct planner *p, uint64_t entry, uint64_t by)
{
    struct retention_plan *plan = p->plan;
    plan->kept = mem_room(plan->kept, plan->n_kept, &p->kept_cap, sizeof *plan->kept);
    plan->kept[plan->n_kept++] = (struct retention_kept){entry, by};
}

static void take_due(struct planner *p, const struct entry *e, const uint8_t *blob)
{
    struct retention_plan *plan = p->plan;
    if (plan->entries == 0 || e->header.time < plan->first)
        plan->first = e->header.time;
    if (plan->entries == 0 || e->header.time > plan->last)
        plan->last = e->header.time;
    range_add(p, e->index);
    if (blob)
        buf_put(&plan->blobs, blob, SHA256_LEN);
}

static void take_event(struct planner *p, const struct entry *e)
{
    struct event ev;
    arena_reset(&p->arena);
    if (event_decode(e->payload, &p->arena, &ev) < 0)
        ev = (struct event){0}; /* it goes by its header all the same */
    uint64_t by = held_by(&p->holds, e->index);
    bool due = retention_is_due(p->policy, e->header.kind, e->header.time);
    const uint8_t *blob = blob_of(e->header.kind, &ev);
    struct import *i = ev.import ? import_of(p, ev.import) : NULL;
    if (due && by)
        keep(p, e->index, by);
    if (due && !by && p->plan->entries >= RETENTION_DUE_MAX) {
        p->plan->more = true;
        due = false;
    } else if (due && !by) {
        take_due(p, e, blob);
        return;
    }
    if (i) {
        i->live++;
        i->held |= by != 0;
    }
    if (!blob)
        return;
    bool blob_due = !by && retention_blob_is_due(p->policy, e->header.kind, e->header.time);
    buf_put(blob_due ? &p->plan->blobs : &p->wanted, blob, SHA256_LEN);
}

/* Every digest in an act: documents, lists, mails that went out. */
static void want_digests(struct planner *p, struct span payload)
{
    struct cur c = cur_of(payload);
    struct cbor_item item;
    if (!cbor_valid(payload))
        return;
    while (cur_left(&c) && cbor_get(&c, &item) == 1) /* heads and strings, one after the other */
        if (item.type == CBOR_BYTES && item.s.n == SHA256_LEN)
            buf_span(&p->wanted, item.s);
}

static void take_entry(struct planner *p, const struct entry *e)
{
    if (e->redacted)
        return;
    if (event_kind_is_event(e->header.kind))
        take_event(p, e);
    else if (e->header.kind == KIND_IMPORT_BEGUN)
        import_begins(p, e);
    else if (e->header.kind == KIND_IMPORT_DONE)
        import_ends(p, e);
    else
        want_digests(p, e->payload);
}

/* ---- all of them ---- */

static int by_digest(const void *a, const void *b)
{
    return memcmp(a, b, SHA256_LEN);
}

static size_t sort_unique(struct buf *b)
{
    size_t n = b->n / SHA256_LEN, kept = 0;
    if (n)
        qsort(b->p, n, SHA256_LEN, by_digest);
    for (size_t i = 0; i < n; i++)
        if (!kept || memcmp(b->p + (kept - 1) * SHA256_LEN, b->p + i * SHA256_LEN, SHA256_LEN) != 0)
            memmove(b->p + kept++ * SHA256_LEN, b->p + i * SHA256_LEN, SHA256_LEN);
    b->n = kept * SHA256_LEN;
    return kept;
}

/* A file that was erased before need not be erased again. */
static bool is_stored(struct casedir *c, const uint8_t sha[SHA256_LEN])
{
    struct buf file = {0};
    int rc = casedir_blob(c, sha, &file, NULL);
    buf_free(&file);
    return rc != -ENOENT;
}

static void settle_imports(struct planner *p)
{
    const struct import *v = (const struct import *)(const void *)p->imports.p;
    for (size_t i = 0; i < p->imports.n / sizeof *v; i++) {
        bool old = v[i].time < p->policy->payload_before || v[i].time < p->policy->blob_before ||
                   (p->policy->payload_before == INT64_MIN && v[i].time < p->policy->mail_before);
        bool empty = v[i].done && v[i].live == 0 && retention_policy_any(p->policy);
        bool due = (old || empty) && !v[i].held;
        if (!due || is_stored(p->c, v[i].sha))
            buf_put(due ? &p->plan->blobs : &p->wanted, v[i].sha, SHA256_LEN);
    }
}

/* What goes by one entry and stays by another stays. */
static void settle_blobs(struct planner *p)
{
    struct buf *blobs = &p->plan->blobs;
    settle_imports(p);
    size_t n = sort_unique(blobs), wanted = sort_unique(&p->wanted), kept = 0;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *sha = blobs->p + i * SHA256_LEN;
        if (wanted && bsearch(sha, p->wanted.p, wanted, SHA256_LEN, by_digest))
            p->plan->blobs_shared++;
        else
            memmove(blobs->p + kept++ * SHA256_LEN, sha, SHA256_LEN);
    }
    blobs->n = kept * SHA256_LEN;
}

static int read_log(struct planner *p, struct err *err)
{
    struct journal_cursor *cursor;
    struct progress progress;
    struct entry e;
    uint64_t end = p->plan->position;
    int rc = journal_cursor_open(p->c->journal, 0, &cursor, err);
    progress_begin(&progress, "reading the log", end, p->c->quiet);
    while (rc == 0 && (rc = journal_cursor_next(cursor, &e, err)) == 1 && e.index < end) {
        rc = 0;
        take_entry(p, &e);
        progress_at(&progress, e.index, e.index, "entries");
    }
    progress_end(&progress);
    journal_cursor_close(cursor);
    return rc < 0 ? rc : 0;
}

int retention_plan_make(struct casedir *c, const struct retention_policy *policy,
                        struct retention_plan *out, struct err *err)
{
    struct planner p = {.c = c, .policy = policy, .plan = out};
    *out = (struct retention_plan){.position = journal_committed(c->journal)};
    arena_init(&p.arena);
    int rc = retention_holds(c, out->position, &p.holds, err);
    if (rc == 0)
        rc = read_log(&p, err);
    if (rc == 0)
        settle_blobs(&p);
    arena_free(&p.arena);
    buf_free(&p.holds);
    buf_free(&p.imports);
    buf_free(&p.wanted);
    return rc;
}

void retention_plan_free(struct retention_plan *p)
{
    free(p->ranges);
    free(p->kept);
    buf_free(&p->blobs);
    *p = (struct retention_plan){0};
}
