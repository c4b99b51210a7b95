/* View of what somebody should look at: what ends soon, what is behind, what was lost, what waits.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>

#include "app/desk/view.h"
#include "app/serve/serve_status.h"
#include "base/mem.h"
#include "event/event.h"
#include "state/accounts.h"
#include "state/contacts.h"
#include "state/handovers.h"
#include "state/notices.h"
#include "state/reviews.h"

#define AHEAD_DAYS    14
#define BEHIND_DAYS   30      /* what is over is said for so long */
#define LAG_NOTICE    20000   /* entries */
#define LAG_WARNING   1000000 /* a keeper saves what counts observations once a minute */
#define ENRICHED_DAYS 45
#define CONTACTS_DAYS 60
#define STAMP_HOURS   48
#define FREE_PERCENT  5
#define LINES_MAX     200

enum severity { CRITICAL, WARNING, NOTICE };
static const char *const severities[] = {"critical", "warning", "notice"};

struct alarm {
    enum severity severity;
    const char *kind, *page, *part;
    struct span text;
    uint64_t count;
    int64_t since;
};

struct alarms {
    struct view *v;
    struct arena arena;
    struct alarm *alarm;
    size_t n, cap;
    int64_t now;
};

static void __attribute__((format(printf, 7, 8)))
add(struct alarms *a, enum severity severity, const char *kind, const char *page, const char *part,
    uint64_t count, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    size_t length = (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    char *copy = arena_alloc(&a->arena, length + 1);
    memcpy(copy, text, length);
    a->alarm = mem_room(a->alarm, a->n, &a->cap, sizeof *a->alarm);
    a->alarm[a->n++] =
        (struct alarm){severity, kind, page, part, span_of(copy, length), count, INT64_MAX};
}

static const char *s_of(uint64_t n)
{
    return n == 1 ? "" : "s";
}

/* ---- authority ---- */

static bool begins(struct span s, const char *words)
{
    size_t n = strlen(words);
    return s.n > n && memcmp(s.p, words, n) == 0;
}

static bool has(struct span s, const char *words)
{
    return memmem(s.p, s.n, words, strlen(words)) != NULL;
}

/* A line of casebook_warnings() or notice_warnings() each. */
static void add_lines(struct alarms *a, struct span lines, const char *kind, const char *part)
{
    struct cur c = cur_of(lines);
    for (unsigned i = 0; cur_left(&c) && i < LINES_MAX; i++) {
        struct span line = cur_line(&c);
        bool registration = strcmp(kind, "authority") == 0 && begins(line, "the registration of ");
        bool asset = strcmp(kind, "authority") == 0 && begins(line, "asset");
        enum severity s = has(line, " ended on ") ? CRITICAL : WARNING;
        add(a, s, registration ? "registration" : kind, "case",
            registration || asset ? "assets" : part, 0, "%.*s", (int)line.n, (const char *)line.p);
        a->alarm[a->n - 1].count = 1;
    }
}

static int see_order(void *ctx, const struct casebook_order *o)
{
    struct alarms *a = ctx;
    char date[UTC_TEXT_MAX];
    if (o->state != CASEBOOK_EXPIRED || o->act.until < a->now - BEHIND_DAYS * UTC_DAY)
        return 0;
    utc_format_date(o->act.until, date);
    add(a, CRITICAL, "authority", "case", "orders", o->assets + o->lists,
        "order %.*s ended on %.10s: nothing under it is answered any more", (int)o->act.id.n,
        (const char *)o->act.id.p, date);
    a->alarm[a->n - 1].since = o->act.until;
    return 0;
}

static int see_account(void *ctx, const struct account *k)
{
    struct alarms *a = ctx;
    char date[UTC_TEXT_MAX];
    if (!k->roles || k->until < a->now || k->until >= a->now + AHEAD_DAYS * UTC_DAY)
        return 0;
    utc_format_date(k->until, date);
    add(a, NOTICE, "authority", "case", "accounts", 0, "account %s ends on %.10s", k->name, date);
    return 0;
}

static int authority(struct alarms *a, struct err *err)
{
    struct casebook_clock clock = {a->now, AHEAD_DAYS * UTC_DAY};
    struct buf lines = {0};
    casebook_warnings(a->v->c.casebook, a->now, AHEAD_DAYS, &lines);
    add_lines(a, buf_as_span(&lines), "authority", "orders");
    buf_free(&lines);
    int rc = casebook_orders(a->v->c.casebook, &clock, see_order, a, err);
    return rc < 0 ? rc : casebook_accounts(a->v->c.casebook, see_account, a, err);
}

static int notices(struct alarms *a, struct err *err)
{
    struct notice_book book = {0};
    struct buf lines = {0};
    int rc = notices_read(a->v->c.pursuit, &book, err);
    if (rc == 0)
        notice_warnings(&book, 0, NULL, a->now, AHEAD_DAYS * UTC_DAY, &lines);
    add_lines(a, buf_as_span(&lines), "notice", "notices");
    buf_free(&lines);
    notice_book_free(&book);
    return rc;
}

/* ---- leads ---- */

struct waiting {
    uint64_t unread, news, pending;
};

static int see_lead(void *ctx, const struct review_lead *l)
{
    struct waiting *w = ctx;
    w->unread += l->status == REVIEW_RECEIVED;
    w->news += l->status != REVIEW_RECEIVED && l->heard > l->acted;
    w->pending += l->pending;
    return 0;
}

static int leads(struct alarms *a, struct err *err)
{
    struct waiting w = {0};
    struct review_query all = {.limit = UINT64_MAX >> 1};
    int rc = reviews_list(a->v->c.pursuit, &all, see_lead, &w, err);
    if (rc < 0)
        return rc;
    if (w.unread)
        add(a, WARNING, "leads", "leads", NULL, w.unread, "%llu lead%s to be read",
            (unsigned long long)w.unread, w.unread == 1 ? " waits" : "s wait");
    if (w.news && view_reads_leads(a->v))
        add(a, WARNING, "leads", "leads", NULL, w.news, "%llu informant%s written again",
            (unsigned long long)w.news, w.news == 1 ? " has" : "s have");
    if (w.pending && view_reads_leads(a->v))
        add(a, NOTICE, "approval", "leads", NULL, w.pending, "%llu decision%s for a second person",
            (unsigned long long)w.pending, w.pending == 1 ? " waits" : "s wait");
    return 0;
}

/* ---- how it runs ---- */

static void processes(struct alarms *a)
{
    const struct serve_board *b = a->v->ask->shared->board;
    const struct {
        const char *name;
        const struct serve_process *p;
    } all[] = {{"recorder", &b->recorder}, {"courier", &b->courier}, {"keeper", &b->keeper}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].p->pid <= 0)
            add(a, CRITICAL, "process", "overview", "processes", 0, "the %s does not run",
                all[i].name);
        else if (all[i].p->restarts)
            add(a, NOTICE, "process", "overview", "processes", all[i].p->restarts,
                "the %s was restarted %u time%s", all[i].name, all[i].p->restarts,
                s_of(all[i].p->restarts));
    if (b->figures.refused_public)
        add(a, CRITICAL, "process", "overview", "processes", b->figures.refused_public,
            "the public process asked %llu time%s for what it may not do: it may have been taken "
            "over",
            (unsigned long long)b->figures.refused_public, s_of(b->figures.refused_public));
}

static void losses(struct alarms *a)
{
    const struct serve_figures *f = &a->v->ask->shared->board->figures;
    struct net_counters totals;
    serve_totals(a->v->ask->shared, &totals);
    if (totals.dropped)
        add(a, CRITICAL, "drops", "overview", "sensors", totals.dropped,
            "%llu observation%s dropped: the sensors are faster than the recorder",
            (unsigned long long)totals.dropped, totals.dropped == 1 ? " was" : "s were");
    if (f->gaps)
        add(a, WARNING, "gap", "log", "acts", f->gaps, "%llu gap%s, %llu observation%s lost",
            (unsigned long long)f->gaps, s_of(f->gaps), (unsigned long long)f->lost, s_of(f->lost));
}

static void lags(struct alarms *a)
{
    const struct serve_board *b = a->v->ask->shared->board;
    uint64_t size = b->figures.log_size;
    for (unsigned i = 0; casedir_view_names[i]; i++) {
        uint64_t lag = size > b->view[i] ? size - b->view[i] : 0;
        if (lag >= LAG_NOTICE && (1u << i & VIEW_ALL || b->keeper.pid > 0))
            add(a, lag >= LAG_WARNING ? WARNING : NOTICE, "view", "overview", "views", lag,
                "the view %s is %llu entries behind", casedir_view_names[i],
                (unsigned long long)lag);
    }
}

static void storage(struct alarms *a)
{
    struct statfs fs;
    if (a->v->ask->shared->board->figures.storage_full)
        add(a, CRITICAL, "storage", "overview", "storage", 0,
            "the disk is full: nothing is recorded");
    else if (statfs(a->v->ask->case_dir, &fs) == 0 && fs.f_blocks &&
             fs.f_bavail * 100 / fs.f_blocks < FREE_PERCENT)
        add(a, WARNING, "storage", "overview", "storage", 0, "less than %d %% of the disk is free",
            FREE_PERCENT);
}

/* ---- what gets old ---- */

static void enrichment(struct alarms *a)
{
    uint8_t kind;
    uint64_t index;
    struct span payload;
    struct act_enrichment e;
    int64_t newest = INT64_MIN, made;
    for (size_t i = 0; registry_reference_at(a->v->c.registry, i, &kind, &index, &payload); i++)
        if (kind == KIND_ENRICHMENT && act_enrichment_read(payload, &e) == 0 &&
            utc_parse(e.date, &made) && made > newest)
            newest = made;
    if (newest == INT64_MIN)
        return;
    if (a->now - newest > ENRICHED_DAYS * UTC_DAY)
        add(a, NOTICE, "enrichment", "overview", "enrichment", 0,
            "the data that says countries and networks is %lld days old",
            (long long)((a->now - newest) / UTC_DAY));
}

struct oldest {
    int64_t made;
    unsigned n;
};

static int see_source(void *ctx, const struct contacts_source *s)
{
    struct oldest *o = ctx;
    int64_t when = s->made ? s->made : s->imported;
    o->n++;
    if (when < o->made)
        o->made = when;
    return 0;
}

static void contacts(struct alarms *a)
{
    struct oldest o = {INT64_MAX, 0};
    contacts_sources(a->v->c.contacts, see_source, &o);
    if (!o.n)
        add(a, NOTICE, "contacts", "cleanup", "contacts", 0,
            "no table of abuse contacts was imported: nobody can be told");
    else if (a->now - o.made > CONTACTS_DAYS * UTC_DAY)
        add(a, NOTICE, "contacts", "cleanup", "contacts", 0,
            "a table of abuse contacts is %lld days old", (long long)((a->now - o.made) / UTC_DAY));
}

static int see_cosignature(void *ctx, const struct handover_cosignature *c)
{
    int64_t *newest = ctx;
    *newest = c->recorded > *newest ? c->recorded : *newest;
    return 0;
}

static int anchors(struct alarms *a, struct err *err)
{
    const struct config *config = a->v->c.config;
    int64_t newest = INT64_MIN;
    int rc = handovers_cosignatures(a->v->c.pursuit, see_cosignature, &newest, err);
    bool tsa = config->evidence.tsa.url && config->evidence.tsa.url[0];
    if (!tsa)
        add(a, NOTICE, "timestamp", "log", "stamps", 0, "no time stamp authority is configured");
    else if (!handovers_stamped(a->v->c.pursuit, a->now - STAMP_HOURS * 3600 * UTC_SECOND,
                                a->now + UTC_DAY))
        add(a, WARNING, "timestamp", "log", "stamps", 0,
            "the log was not time-stamped for %d hours", STAMP_HOURS);
    if (!config->evidence.witnesses_count)
        add(a, NOTICE, "witness", "log", "stamps", 0, "no witness is configured");
    else if (newest < a->now - STAMP_HOURS * 3600 * UTC_SECOND)
        add(a, WARNING, "witness", "log", "stamps", 0,
            "no witness has cosigned the log for %d hours", STAMP_HOURS);
    return rc;
}

/* ---- the answer ---- */

static int by_severity(const void *x, const void *y)
{
    const struct alarm *a = x, *b = y;
    if (a->severity != b->severity)
        return a->severity < b->severity ? -1 : 1;
    int kinds = strcmp(a->kind, b->kind);
    return kinds ? kinds : span_cmp(a->text, b->text);
}

static void put_alarm(struct json *j, const struct alarm *a)
{
    json_object(j);
    view_str(j, "severity", severities[a->severity]);
    view_str(j, "kind", a->kind);
    json_key(j, "text");
    json_span(j, a->text);
    view_index(j, "count", a->count);
    view_when(j, "since", a->since);
    view_target(j, a->page, a->part, NULL);
    json_object_end(j);
}

static int look(struct alarms *a, struct err *err)
{
    int rc = authority(a, err);
    if (rc >= 0)
        rc = notices(a, err);
    if (rc >= 0)
        rc = leads(a, err);
    if (rc >= 0)
        rc = anchors(a, err);
    if (rc < 0)
        return rc;
    processes(a);
    losses(a);
    lags(a);
    storage(a);
    enrichment(a);
    contacts(a);
    return 0;
}

int view_alarms(struct view *v, struct err *err)
{
    struct alarms a = {.v = v, .now = utc_now()};
    arena_init(&a.arena);
    int rc = view_open(v, VIEW_PURSUIT | VIEW_CONTACTS | VIEW_REGISTRY, err);
    if (rc == 0)
        rc = look(&a, err);
    if (rc >= 0) {
        if (a.n)
            qsort(a.alarm, a.n, sizeof *a.alarm, by_severity);
        view_begin(v);
        json_key(&v->j, "alarms");
        json_array(&v->j);
        for (size_t i = 0; i < a.n; i++)
            put_alarm(&v->j, &a.alarm[i]);
        json_array_end(&v->j);
        view_end(v);
    }
    arena_free(&a.arena);
    free(a.alarm);
    return rc;
}
