/* ebb lead delete | purge: a lead goes when two people want it to. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/account/account.h"
#include "app/case_act.h"
#include "base/file.h"
#include "base/mem.h"
#include "event/event.h"
#include "lead/seal.h"
#include "state/leads.h"
#include "state/reviews.h"

/* How long a lead is kept after its end, in days (doc/leads.md). */
#define KEEP_ENDED     365 /* closed, known, referred */
#define KEEP_DUPLICATE 180
#define KEEP_WITHDRAWN 30
#define KEEP_DAYS_MAX  36500
#define WHY_MAX        1024

static int find_lead(struct casedir *c, const char *text, struct lead *out, struct err *err)
{
    uint64_t entry;
    int rc = cli_parse_u64(text, &entry) ? leads_get(c->pursuit, entry, out, err) : 0;
    return rc == 0 ? err_set(err, -ENOENT, "no such lead: see `ebb lead list` (%s)", text) : rc;
}

/* ---- requests ---- */

/* What is asked for, by lead. */
struct request {
    uint64_t entry, lead;
    bool approved, refused;
    struct buf why;
};
struct requests {
    struct pursuit *p;
    struct request *list;
    size_t n, cap;
    struct err *err;
};

static int add_request(void *ctx, const struct lead_deletion *d)
{
    struct requests *r = ctx;
    unsigned yes, no;
    int rc = pursuit_is_withdrawn(r->p, d->entry)
                 ? 1
                 : pursuit_approvals(r->p, d->entry, &yes, &no, r->err);
    if (rc)
        return rc < 0 ? rc : 0;
    r->list = mem_room(r->list, r->n, &r->cap, sizeof *r->list);
    struct request *one = &r->list[r->n++];
    *one = (struct request){
        .entry = d->entry, .lead = d->lead, .approved = yes && !no, .refused = no > 0};
    buf_span(&one->why, d->why);
    return 0;
}

static int load_requests(struct pursuit *p, struct requests *out, struct err *err)
{
    *out = (struct requests){.p = p, .err = err};
    return leads_deletions(p, add_request, out, err);
}

static void free_requests(struct requests *r)
{
    for (size_t i = 0; i < r->n; i++)
        buf_free(&r->list[i].why);
    free(r->list);
}

/* A request for that lead that nobody has refused. */
static const struct request *open_request(const struct requests *r, uint64_t lead)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->list[i].lead == lead && !r->list[i].refused)
            return &r->list[i];
    return NULL;
}

/* ---- delete ---- */

static int put_deletion(const struct cli *cli, uint64_t lead, struct span why, uint64_t *index,
                        struct err *err)
{
    struct buf payload = {0};
    act_lead_deletion(&payload, &(struct act_lead_deletion){.lead = lead, .why = why});
    struct case_act act = {.kind = KIND_LEAD_DELETION, .payload = buf_as_span(&payload)};
    int rc = case_acts(cli, &act, 1, err);
    *index = act.index;
    buf_free(&payload);
    return rc;
}

static int may_ask(const struct cli *cli, struct lead *lead, struct err *err)
{
    struct casedir c;
    struct requests asked = {0};
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, err);
    if (rc == 0)
        rc = find_lead(&c, cli->args[0], lead, err);
    if (rc >= 0)
        rc = load_requests(c.pursuit, &asked, err);
    const struct request *open = rc == 0 ? open_request(&asked, lead->entry) : NULL;
    if (open)
        rc = err_set(err, -EALREADY, "asked for already: `ebb approve %llu`, by another person",
                     (unsigned long long)open->entry);
    if (rc == 0 && account_named(cli) &&
        reviews_conflict(c.pursuit, lead->entry, span_str(account_named(cli))))
        rc = err_set(err, -EPERM, "account %s has a conflict of interest on lead %s",
                     account_named(cli), cli->args[0]);
    free_requests(&asked);
    casedir_close(&c, NULL);
    return rc;
}

static const struct table_column columns[] = {{"lead", "lead", TABLE_ID},
                                              {"what", "what", TABLE_WORDS},
                                              {"index", "entry", TABLE_ID},
                                              {"why", "why", TABLE_WORDS},
                                              {0}};

static void put_row(struct table *t, uint64_t lead, const char *what, uint64_t index,
                    struct span why)
{
    table_uint(t, lead);
    table_str(t, what);
    if (index)
        table_uint(t, index);
    else
        table_empty(t);
    table_text(t, why);
    table_row_end(t);
}

int cmd_lead_delete(const struct cli *cli)
{
    struct span why = case_text(cli, "why");
    struct lead lead;
    struct err err;
    uint64_t index = 0;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "lead delete: wants one lead");
    if (!why.n || why.n > WHY_MAX || !span_is_utf8(why))
        return cli_fail(EXIT_USAGE, "lead delete: wants --why, %d bytes at most", WHY_MAX);
    int rc = may_ask(cli, &lead, &err);
    if (rc == 0 && !account_named(cli))
        rc = err_set(&err, -ENOKEY, "say who you are: --account NAME, or EBB_ACCOUNT");
    if (rc == 0)
        rc = put_deletion(cli, lead.entry, why, &index, &err);
    if (rc < 0)
        return cli_fail(EXIT_FAILED, "lead delete: %s", err.text);
    struct table *t = table_open(cli_shape(cli), columns, stdout);
    put_row(t, lead.entry, "asked for", index, why);
    return table_close(t) < 0 ? cli_fail(EXIT_FAILED, "output could not be written") : EXIT_DONE;
}

/* ---- retention ---- */

/* When a lead came to its end, and how long it is kept then. */
struct ended {
    struct pursuit *p;
    int64_t at;
    const char *how;
    struct err *err;
};

static int see_act(void *ctx, const struct review_act *a)
{
    struct ended *e = ctx;
    if (a->kind == KIND_LEAD_REVIEW && span_is(a->what, "status"))
        e->at = a->time;
    return 0;
}

static int see_message(void *ctx, const struct lead_message *m)
{
    struct ended *e = ctx;
    if (span_is(m->what, "withdrawal"))
        e->at = m->time;
    return 0;
}

static int keep_days(enum review_status status)
{
    switch (status) {
    case REVIEW_CLOSED:
    case REVIEW_KNOWN:
        return KEEP_ENDED;
    case REVIEW_DUPLICATE:
        return KEEP_DUPLICATE;
    default:
        return 0; /* it is still of use */
    }
}

/* A claim or an award keeps a lead: its reward may be asked about for long. */
static int is_over(struct ended *e, const struct review_lead *l, int64_t keep, int64_t now)
{
    int days = l->withdrawn ? KEEP_WITHDRAWN : keep_days(l->status);
    if (!days || (l->claims && !l->withdrawn) || l->pending)
        return 0;
    e->at = INT64_MAX;
    e->how = l->withdrawn ? "withdrawn" : review_status_name(l->status);
    int rc = l->withdrawn ? leads_messages(e->p, l->entry, see_message, e, e->err)
                          : reviews_acts(e->p, l->entry, see_act, e, e->err);
    if (rc < 0)
        return rc;
    return e->at <= now && now - e->at >= (keep >= 0 ? keep : days) * UTC_DAY;
}

struct due {
    struct ended ended;
    const struct requests *asked;
    int64_t keep, now; /* days; -1: as the status says */
    struct request *list;
    size_t n, cap;
};

static int add_due(void *ctx, const struct review_lead *l)
{
    struct due *d = ctx;
    char day[UTC_TEXT_MAX];
    if (open_request(d->asked, l->entry))
        return 0;
    int rc = is_over(&d->ended, l, d->keep, d->now);
    if (rc <= 0)
        return rc;
    d->list = mem_room(d->list, d->n, &d->cap, sizeof *d->list);
    d->list[d->n] = (struct request){.lead = l->entry};
    unsigned n = utc_format_date(d->ended.at, day);
    buf_printf(&d->list[d->n++].why, "retention: %s since %.*s", d->ended.how, (int)n, day);
    return 0;
}

static int find_due(struct pursuit *p, const struct requests *asked, int64_t keep, struct due *out,
                    struct err *err)
{
    struct review_query q = {.all = true, .limit = UINT32_MAX};
    *out =
        (struct due){.ended = {.p = p, .err = err}, .asked = asked, .keep = keep, .now = utc_now()};
    return reviews_list(p, &q, add_due, out, err);
}

static void free_due(struct due *d)
{
    for (size_t i = 0; i < d->n; i++)
        buf_free(&d->list[i].why);
    free(d->list);
}

/* ---- erasing ---- */

/* Entries of one lead with something to erase, and the digests that they name. */
struct erasing {
    struct casedir *c;
    struct blob_store *store;
    struct journal_range *ranges;
    size_t n, cap;
    struct err *err;
};

static void add_range(struct erasing *e, uint64_t entry)
{
    e->ranges = mem_room(e->ranges, e->n, &e->cap, sizeof *e->ranges);
    e->ranges[e->n++] = (struct journal_range){entry, entry + 1};
}

/* Parts first, the list last: what a crash leaves is found again. */
static int erase_sealed(void *ctx, const struct lead_sealed_entry *s)
{
    struct erasing *e = ctx;
    struct buf list = {0};
    const uint8_t *digests;
    size_t n;
    int rc = blob_get(e->store, s->content, &list, NULL);
    if (rc == 0 && seal_parts(buf_as_span(&list), &digests, &n, NULL) == 0)
        for (size_t i = 0; rc == 0 && i < n; i++)
            rc = blob_remove(e->store, digests + i * SHA256_LEN, e->err);
    if (rc == -ENOENT || rc == -EBADMSG)
        rc = 0; /* gone already */
    buf_free(&list);
    if (rc == 0)
        rc = blob_remove(e->store, s->wraps, e->err);
    if (rc == 0)
        rc = blob_remove(e->store, s->content, e->err);
    if (rc == 0 && s->kind == KIND_LEAD_REVIEW)
        add_range(e, s->entry);
    return rc;
}

static int add_message(void *ctx, const struct lead_message *m)
{
    add_range(ctx, m->entry);
    return 0;
}

static int compare_ranges(const void *a, const void *b)
{
    uint64_t x = ((const struct journal_range *)a)->first,
             y = ((const struct journal_range *)b)->first;
    return x < y ? -1 : x > y;
}

static int erase(struct casedir *c, struct blob_store *store, const struct request *r,
                 const char *who, uint64_t *index, struct err *err)
{
    struct erasing e = {.c = c, .store = store, .err = err};
    struct buf why = {0};
    add_range(&e, r->lead);
    int rc = leads_sealed(c->pursuit, r->lead, erase_sealed, &e, err);
    if (rc == 0)
        rc = leads_messages(c->pursuit, r->lead, add_message, &e, err);
    qsort(e.ranges, e.n, sizeof *e.ranges, compare_ranges);
    buf_printf(&why, "lead %llu deleted as asked for in entry %llu: %.*s",
               (unsigned long long)r->lead, (unsigned long long)r->entry, (int)r->why.n,
               (const char *)r->why.p);
    buf_byte(&why, 0);
    if (rc == 0)
        rc = journal_redact(c->journal, e.ranges, e.n, who, (const char *)why.p, index, err);
    buf_free(&why);
    free(e.ranges);
    return rc;
}

/* ---- purge ---- */

static int check_custodian(struct casedir *c, const struct account_key *key, struct err *err)
{
    struct account a;
    int rc = casebook_account(c->casebook, span_str(key->name), &a, err);
    if (rc < 0)
        return rc;
    if (rc == 0 || !account_is_open(&a, utc_now()) || !(a.roles & ROLE_CUSTODIAN) ||
        memcmp(a.sign, key->sign, sizeof a.sign) != 0)
        return err_set(err, -EPERM, "account %s is not a custodian of this case", key->name);
    return 0;
}

static int open_store(struct casedir *c, struct blob_store **out, struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = file_path(path, err, "%s/blobs", c->dir);
    return rc < 0 ? rc : blob_open(path, 0, 0, out, err);
}

static int erase_approved(struct casedir *c, const struct requests *asked, const char *who,
                          struct table *t, struct err *err)
{
    struct blob_store *store;
    uint64_t index;
    int rc = open_store(c, &store, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < asked->n; i++)
        if (asked->list[i].approved) {
            rc = erase(c, store, &asked->list[i], who, &index, err);
            if (rc == 0)
                put_row(t, asked->list[i].lead, "deleted", index, buf_as_span(&asked->list[i].why));
        }
    blob_close(store);
    return rc;
}

/* They start anew, without what was erased. */
static int renew_views(const struct cli *cli, struct err *err)
{
    struct casedir c = {.quiet = cli->quiet};
    struct err closing;
    int rc = casedir_open(&c, cli->case_dir, JOURNAL_WRITE, err);
    if (rc == 0)
        rc = casedir_views(&c, VIEW_ALL | VIEW_PURSUIT, err);
    if (rc == 0)
        rc = casedir_save_views(&c, err);
    int closed = casedir_close(&c, &closing);
    if (rc == 0 && closed < 0)
        *err = closing;
    return rc < 0 ? rc : closed;
}

static size_t count_approved(const struct requests *asked)
{
    size_t n = 0;
    for (size_t i = 0; i < asked->n; i++)
        n += asked->list[i].approved;
    return n;
}

/* With the writer's lock: nobody adds to a lead while it is erased. */
static int carry_out(const struct cli *cli, struct table *t, struct err *err)
{
    struct casedir c = {.quiet = cli->quiet};
    struct requests asked = {0};
    struct account_key key;
    struct err closing;
    int rc = account_unlock(cli, &key, err);
    if (rc < 0)
        return rc;
    rc = casedir_open(&c, cli->case_dir, JOURNAL_WRITE, err);
    if (rc == -EBUSY)
        rc = err_set(err, rc, "%s: `ebb serve` or another command writes to the log: end it first",
                     cli->case_dir);
    if (rc == 0)
        rc = casedir_views(&c, VIEW_CASEBOOK | VIEW_PURSUIT, err);
    if (rc == 0)
        rc = check_custodian(&c, &key, err);
    if (rc == 0)
        rc = load_requests(c.pursuit, &asked, err);
    if (rc == 0 && count_approved(&asked))
        rc = erase_approved(&c, &asked, key.name, t, err);
    account_wipe(&key);
    free_requests(&asked);
    int closed = casedir_close(&c, &closing);
    if (rc == 0 && closed < 0)
        *err = closing;
    rc = rc < 0 ? rc : closed;
    return rc == 0 ? renew_views(cli, err) : rc;
}

/* What retention asks for goes on the log, for another person to approve. */
static int ask_for(const struct cli *cli, const struct due *due, bool dry, struct table *t,
                   struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < due->n; i++) {
        struct span why = buf_as_span(&due->list[i].why);
        uint64_t index = 0;
        rc = dry ? 0 : put_deletion(cli, due->list[i].lead, why, &index, err);
        if (rc == 0)
            put_row(t, due->list[i].lead, dry ? "would be asked for" : "asked for", index, why);
    }
    return rc;
}

static int look(const struct cli *cli, int64_t keep, struct requests *asked, struct due *due,
                struct casedir *c, struct err *err)
{
    int rc = case_open_views(cli, c, VIEW_PURSUIT, err);
    if (rc == 0)
        rc = load_requests(c->pursuit, asked, err);
    return rc == 0 ? find_due(c->pursuit, asked, keep, due, err) : rc;
}

static int purge(const struct cli *cli, int64_t keep, struct table *t, struct err *err)
{
    struct casedir c;
    struct requests asked = {0};
    struct due due = {0};
    bool dry = cli_has(cli, "dry-run");
    int rc = look(cli, keep, &asked, &due, &c, err);
    casedir_close(&c, NULL);
    for (size_t i = 0; dry && rc == 0 && i < asked.n; i++)
        if (asked.list[i].approved)
            put_row(t, asked.list[i].lead, "would be deleted", asked.list[i].entry,
                    buf_as_span(&asked.list[i].why));
    if (rc == 0)
        rc = ask_for(cli, &due, dry, t, err);
    if (rc == 0 && !dry && count_approved(&asked))
        rc = carry_out(cli, t, err);
    free_due(&due);
    free_requests(&asked);
    return rc;
}

int cmd_lead_purge(const struct cli *cli)
{
    struct err err;
    uint64_t days;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "lead purge: takes no argument (%s)", cli->args[0]);
    if (cli_number(cli, "keep-days", KEEP_DAYS_MAX, &days))
        return EXIT_USAGE;
    if (days > KEEP_DAYS_MAX)
        return cli_fail(EXIT_USAGE, "--keep-days: %d at most", KEEP_DAYS_MAX);
    if (!cli_has(cli, "dry-run") && !account_named(cli))
        return cli_fail(EXIT_FAILED, "lead purge: say who you are: --account NAME, or EBB_ACCOUNT");
    struct table *t = table_open(cli_shape(cli), columns, stdout);
    int rc = purge(cli, cli_has(cli, "keep-days") ? (int64_t)days : -1, t, &err);
    if (table_close(t) < 0 && rc == 0)
        rc = err_set(&err, -EIO, "output could not be written");
    return rc < 0 ? cli_fail(EXIT_FAILED, "lead purge: %s", err.text) : EXIT_DONE;
}
