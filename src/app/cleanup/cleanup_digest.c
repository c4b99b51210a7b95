#include "app/cleanup/cleanup_digest.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/case_act.h"
#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utc.h"
#include "event/act_cleanup.h"

#define WRITERS_MAX 8 /* threads */
#define ID_LEN                                                                                     \
    16 /* bytes of a Message-ID's left side that are drawn from the digest's identity              \
        */

/* Contacts are worked on by all cores, and handed out in their order: nobody has to know. */
struct crew {
    pthread_mutex_t lock;
    pthread_cond_t turn;
    size_t next;      /* contact to be taken */
    size_t delivered; /* contacts below this are done */
    int rc;           /* the first one's that did not go well */
    struct err err;
    int (*each)(void *ctx, const struct digest *d);
    void *ctx;
};

struct writer {
    struct crew *crew;
    pthread_t thread;
    size_t contact;          /* at hand */
    struct journal *journal; /* its own: reading has a place */
    struct casedir *c;
    const struct plan *p;
    const struct plan_options *o;
    struct report_from from;
    struct arena rows, event; /* of the mail at hand; of the event at hand */
    struct buf mail;
    char host[256];
};

/* ---- rows in full ---- */

static struct span keep(struct arena *a, struct span s)
{
    return s.n ? span_of(arena_copy(a, s.p, s.n), s.n) : s;
}

/* A target without what stands behind "?": that may name a victim. */
static struct span path_of(struct span target)
{
    const uint8_t *mark = target.n ? memchr(target.p, '?', target.n) : NULL;
    return mark ? span_of(target.p, (size_t)(mark - target.p)) : target;
}

static void add_event(struct arena *a, const struct event *ev, struct report_row *r)
{
    r->time = ev->time;
    r->src_port = (uint16_t)ev->src_port;
    r->dst_port = (uint16_t)ev->dst_port;
    r->dst_ip = ev->dst_ip;
    r->as_name = keep(a, ev->as_name);
    r->network = ev->network;
    r->protocol = keep(a, ev->protocol);
    r->transport = keep(a, ev->transport);
    r->host = keep(a, ev->http.has ? ev->http.host : ev->dns.has ? ev->dns.qname : ev->tls.sni);
    r->method = keep(a, ev->http.method);
    r->target = keep(a, path_of(ev->http.target));
    r->agent = keep(a, ev->http.user_agent);
    r->helo = keep(a, ev->smtp.helo);
    r->mail_from = keep(a, ev->smtp.mail_from);
    r->subject = keep(a, ev->smtp.subject);
    r->size = ev->smtp.size;
}

/* An entry that was redacted since leaves the row with what the view knows. */
static int fill_row(struct writer *w, const struct plan_row *row, struct report_row *r,
                    struct err *err)
{
    struct entry e;
    struct event ev;
    *r = (struct report_row){.what = (enum report_what)row->what,
                             .ip = row->ip,
                             .time = row->last_time,
                             .first_time = row->first_time,
                             .contacts = row->contacts,
                             .index = row->index,
                             .asn = row->asn,
                             .country = {row->country[0], row->country[1]},
                             .family = cleanup_plan_family(w->p, row)};
    int rc = journal_get(w->journal, row->index, &e, err);
    arena_reset(&w->event);
    if (rc < 0 || e.redacted || !event_kind_is_event(e.header.kind) ||
        event_decode(e.payload, &w->event, &ev) < 0)
        return rc;
    ev.kind = e.header.kind;
    ev.time = e.header.time;
    add_event(&w->rows, &ev, r);
    return 0;
}

/* ---- one contact ---- */

static enum report_format format_of(const struct writer *w, const struct plan_contact *k)
{
    const struct config_cleanup *config = &w->c->config->cleanup;
    if (w->o->format >= 0)
        return (enum report_format)w->o->format;
    if (k->own && k->own->format[0])
        return (enum report_format)report_format_of(span_str(k->own->format));
    /* nobody asked for hundreds of documents: long lists are tables, where the network has no say
     */
    return config->default_format == REPORT_XARF && k->n > PLAN_XARF_ROWS ? REPORT_CSV
                                                                          : config->default_format;
}

static size_t rows_a_mail(enum report_format format)
{
    return format == REPORT_ARF || format == REPORT_XARF ? REPORT_ARF_ROWS_MAX : REPORT_ROWS_MAX;
}

/* The same digest has the same id, whoever makes it. */
static void make_id(const struct writer *w, struct span contact, int64_t until, unsigned part,
                    char out[2 * ID_LEN + 1])
{
    uint8_t digest[SHA256_LEN], number[12];
    sha256_ctx h;
    sha256_begin(&h);
    const char *origin = journal_origin(w->c->journal);
    sha256_add(&h, origin, strlen(origin) + 1);
    sha256_add(&h, contact.p, contact.n);
    be64_put(number, (uint64_t)until);
    be32_put(number + 8, part);
    sha256_add(&h, number, sizeof number);
    sha256_end(&h, digest);
    hex_encode(digest, ID_LEN, out);
}

static void count(const struct report *r, struct digest *d)
{
    d->fresh = d->returning = d->gone = 0;
    for (size_t i = 0; i < r->n; i++) {
        d->fresh += r->rows[i].what == REPORT_NEW;
        d->returning += r->rows[i].what == REPORT_RETURNING;
        d->gone += r->rows[i].what == REPORT_GONE;
    }
}

/* Waits until all contacts before this one are done. */
static int wait_for_turn(struct writer *w)
{
    struct crew *crew = w->crew;
    while (crew->rc == 0 && crew->delivered != w->contact)
        pthread_cond_wait(&crew->turn, &crew->lock);
    return crew->rc;
}

static int deliver(struct writer *w, const struct digest *d)
{
    struct crew *crew = w->crew;
    pthread_mutex_lock(&crew->lock);
    int rc = wait_for_turn(w);
    if (rc == 0)
        rc = crew->each(crew->ctx, d);
    pthread_mutex_unlock(&crew->lock);
    return rc;
}

/* One mail: to the contact, or as a copy to whom it is escalated. */
static int write_mail(struct writer *w, struct report *r, enum report_format format,
                      struct digest *d, struct err *err)
{
    char id[2 * ID_LEN + 1], message_id[sizeof id + sizeof w->host + 1];
    make_id(w, d->contact, d->until, d->part, id);
    r->id = span_str(id);
    r->contact = d->contact;
    int n = snprintf(message_id, sizeof message_id, "%s@%s", id, w->host);
    d->message_id = span_of(message_id, (size_t)n);
    w->mail.n = 0;
    int rc = report_mail(r, format, &w->mail, err);
    d->mail = buf_as_span(&w->mail);
    return rc == 0 ? deliver(w, d) : rc;
}

static int write_part(struct writer *w, const struct plan_contact *k, struct digest *d, size_t from,
                      size_t n, enum report_format format, struct err *err)
{
    struct report_row *rows = mem_zeroed(n, sizeof *rows);
    struct report r = {.language = span_str(d->language),
                       .made = w->o->now,
                       .since = d->since,
                       .until = d->until,
                       .rows = rows,
                       .n = n,
                       .still = d->still,
                       .from = &w->from,
                       .log_origin = span_str(journal_origin(w->c->journal))};
    int rc = 0;
    arena_reset(&w->rows);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = fill_row(w, cleanup_plan_rows(w->p, k) + from + i, &rows[i], err);
    count(&r, d);
    d->contact = k->mail;
    d->channel = "mail";
    if (rc == 0)
        rc = write_mail(w, &r, format, d, err);
    if (rc == 0 && k->own && k->own->escalate[0] && k->reports >= k->own->escalate_after) {
        d->contact = span_str(k->own->escalate);
        d->channel = CLEANUP_ESCALATION;
        rc = write_mail(w, &r, format, d, err);
    }
    free(rows);
    return rc;
}

static int write_contact(struct writer *w, const struct plan_contact *k, struct err *err)
{
    const struct config_cleanup *config = &w->c->config->cleanup;
    enum report_format format = format_of(w, k);
    size_t most = rows_a_mail(format);
    struct cleanup_trial trial;
    struct digest d = {
        .format = report_format_name(format),
        .language = k->own && k->own->language[0] ? k->own->language : config->language,
        .parts = (unsigned)((k->n + most - 1) / most),
        .since = k->told ? k->told : w->o->now - config->gone_days * UTC_DAY,
        .until = w->o->now,
        .still = k->still,
    };
    if (k->arm == CLEANUP_TREATED && cleanup_trial_at(w->c->cleanup, w->o->now, &trial))
        d.trial = trial.name;
    int rc = 0;
    for (size_t from = 0; rc == 0 && from < k->n; from += most) {
        d.part++;
        rc = write_part(w, k, &d, from, k->n - from < most ? k->n - from : most, format, err);
        d.still = 0; /* said once */
    }
    return rc;
}

/* ---- all ---- */

static void take_from(struct writer *w)
{
    const struct config_cleanup *config = &w->c->config->cleanup;
    const char *at = strrchr(config->from.mail, '@');
    const char *host = config->from.domain[0] ? config->from.domain : at ? at + 1 : "localhost";
    const char *name = config->from.name[0]  ? config->from.name
                       : config->from.org[0] ? config->from.org
                                             : config->from.mail;
    snprintf(w->host, sizeof w->host, "%s", host);
    w->from = (struct report_from){.org = span_str(config->from.org),
                                   .name = span_str(name),
                                   .mail = span_str(config->from.mail),
                                   .web = span_str(config->from.web),
                                   .phone = span_str(config->from.phone),
                                   .domain = span_str(w->host),
                                   .case_name = span_str(w->c->config->name),
                                   .page = span_str(config->from.page)};
}

static int work_on(struct writer *w, const struct plan_contact *k, struct err *err)
{
    int rc = k->state == PLAN_DUE ? write_contact(w, k, err) : 0;
    if (rc != -EINVAL)
        return rc;
    /* an address that no mail can be written to is one network's trouble, not all others' */
    log_line(LOG_WARN, "a contact cannot be written to", "contact=%.*s why=%s", (int)k->mail.n,
             k->mail.p, err->text);
    return 0;
}

static void *work(void *ctx)
{
    struct writer *w = ctx;
    struct crew *crew = w->crew;
    struct err err = {0};
    size_t n;
    const struct plan_contact *k = cleanup_plan_contacts(w->p, &n);
    pthread_mutex_lock(&crew->lock);
    while (crew->rc == 0 && crew->next < n) {
        w->contact = crew->next++;
        pthread_mutex_unlock(&crew->lock);
        int rc = work_on(w, &k[w->contact], &err);
        pthread_mutex_lock(&crew->lock);
        wait_for_turn(w);
        if (crew->rc == 0 && rc) {
            crew->rc = rc;
            crew->err = err;
        }
        crew->delivered++;
        pthread_cond_broadcast(&crew->turn);
    }
    pthread_mutex_unlock(&crew->lock);
    return NULL;
}

static int writer_open(struct writer *w, struct err *err)
{
    arena_init(&w->rows);
    arena_init(&w->event);
    take_from(w);
    return journal_open(w->c->dir, JOURNAL_READ, &w->journal, NULL, err);
}

static void writer_close(struct writer *w)
{
    if (w->journal)
        journal_close(w->journal, NULL);
    arena_free(&w->rows);
    arena_free(&w->event);
    buf_free(&w->mail);
}

int digests_write(struct casedir *c, const struct plan *p, const struct plan_options *o,
                  int (*each)(void *ctx, const struct digest *d), void *ctx, struct err *err)
{
    struct crew crew = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, .each = each,
                        .ctx = ctx};
    struct writer w[WRITERS_MAX] = {0};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned n = cores < 1 ? 1 : cores > WRITERS_MAX ? WRITERS_MAX : (unsigned)cores, begun = 0;
    int rc = 0;
    if (!strchr(c->config->cleanup.from.mail, '@'))
        return err_set(
            err, -EINVAL,
            "cleanup.from.mail of ebb.yaml: reports want an address that they come from");
    for (unsigned i = 0; rc == 0 && i < n; i++) {
        w[i] = (struct writer){.crew = &crew, .c = c, .p = p, .o = o};
        rc = writer_open(&w[i], err);
    }
    for (; rc == 0 && begun < n; begun++)
        if (pthread_create(&w[begun].thread, NULL, work, &w[begun]) != 0)
            break;
    if (rc == 0 && begun == 0)
        work(&w[0]);
    for (unsigned i = 0; i < begun; i++)
        pthread_join(w[i].thread, NULL);
    for (unsigned i = 0; i < n; i++)
        writer_close(&w[i]);
    if (rc == 0 && crew.rc) {
        rc = crew.rc;
        if (crew.err.text[0])
            *err = crew.err;
    }
    return rc;
}

/* ---- queueing ---- */

#define BATCH_ACTS  1024 /* opening the case to write costs more than a report */
#define BATCH_BYTES (64u << 20)

struct batch {
    const struct cli *cli;
    struct err *err;
    struct case_act acts[BATCH_ACTS];
    struct buf payloads[BATCH_ACTS], blobs[BATCH_ACTS];
    size_t n, bytes;
    uint64_t queued;
};

static int flush(struct batch *b)
{
    int rc = b->n ? case_acts(b->cli, b->acts, b->n, b->err) : 0;
    b->queued += rc == 0 ? b->n : 0;
    b->n = b->bytes = 0;
    return rc;
}

static int queue_one(void *ctx, const struct digest *d)
{
    struct batch *b = ctx;
    uint8_t digest[SHA256_LEN];
    struct buf *payload = &b->payloads[b->n], *blob = &b->blobs[b->n];
    payload->n = blob->n = 0;
    buf_span(blob, d->mail);
    sha256(d->mail.p, d->mail.n, digest);
    act_report_queued(payload, &(struct act_report_queued){.contact = d->contact,
                                                           .format = span_str(d->format),
                                                           .language = span_str(d->language),
                                                           .channel = span_str(d->channel),
                                                           .message_id = d->message_id,
                                                           .trial = d->trial,
                                                           .sha256 = span_of(digest, SHA256_LEN),
                                                           .since = d->since,
                                                           .until = d->until,
                                                           .fresh = d->fresh,
                                                           .returning = d->returning,
                                                           .still = d->still,
                                                           .gone = d->gone,
                                                           .part = d->part,
                                                           .parts = d->parts});
    b->acts[b->n] = (struct case_act){
        .kind = KIND_REPORT_QUEUED, .payload = buf_as_span(payload), .blob = buf_as_span(blob)};
    b->n++;
    b->bytes += d->mail.n;
    return b->n == BATCH_ACTS || b->bytes >= BATCH_BYTES ? flush(b) : 0;
}

int cleanup_queue(const struct cli *cli, int64_t now, uint64_t *queued, struct err *err)
{
    struct casedir c = {.quiet = cli->quiet};
    struct plan_options o = {.now = now, .contact = case_text(cli, "contact"), .format = -1};
    struct batch *b = mem_zeroed(1, sizeof *b);
    struct plan *p = NULL;
    b->cli = cli;
    b->err = err;
    int rc = casedir_open(&c, cli->case_dir, JOURNAL_READ, err);
    if (rc == 0)
        rc = casedir_views(&c, PLAN_VIEWS, err);
    if (rc == 0)
        rc = cleanup_plan_new(&c, &o, &p, err);
    if (rc == 0)
        rc = digests_write(&c, p, &o, queue_one, b, err);
    if (rc == 0)
        rc = flush(b);
    *queued = b->queued;
    for (size_t i = 0; i < BATCH_ACTS; i++) {
        buf_free(&b->payloads[i]);
        buf_free(&b->blobs[i]);
    }
    free(b);
    if (p)
        cleanup_plan_free(p);
    casedir_close(&c, NULL);
    return rc;
}
