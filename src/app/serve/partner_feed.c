#include "app/serve/partner_feed.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/utc.h"

#define VIEWS       (VIEW_SOURCES | VIEW_JUDGEMENTS | VIEW_PARTNERS)
#define RECENT_DAYS 64  /* of source.recent */
#define SKIP_MAX    512 /* entries that are sooner read over than looked up */

struct row {
    uint64_t index; /* of the latest contact */
    int64_t first, last;
    uint64_t contacts, recent;
    struct ip ip;
    uint32_t asn, family;
};

/* Kept by the feed and by each answer that was begun with it. */
struct table {
    unsigned users;
    struct row *rows;
    size_t n, cap;
    struct buf *families;
    size_t n_families, families_cap;
};

struct partner_feed {
    struct casedir c;
    struct table *table;
    uint64_t position, tabulated;
};

/* ---- the table ---- */

static void table_release(struct table *t)
{
    if (!t || --t->users)
        return;
    for (size_t i = 0; i < t->n_families; i++)
        buf_free(&t->families[i]);
    free(t->families);
    free(t->rows);
    free(t);
}

/* There are few, and the last one is mostly the one. */
static uint32_t family_number(struct table *t, struct span name)
{
    for (size_t i = t->n_families; i-- > 0;)
        if (span_eq(buf_as_span(&t->families[i]), name))
            return (uint32_t)i;
    t->families = mem_room(t->families, t->n_families, &t->families_cap, sizeof *t->families);
    t->families[t->n_families] = (struct buf){0};
    buf_span(&t->families[t->n_families], name);
    return (uint32_t)t->n_families++;
}

struct tabulating {
    struct table *t;
    struct partner all;
};

static int add_address(void *ctx, const struct source *rows, size_t n,
                       const struct judgement *judgement)
{
    struct tabulating *m = ctx;
    if (!judged_counts(judgement->role))
        return 0;
    for (size_t i = 0; i < n; i++) {
        const struct source *s = &rows[i];
        if (!(s->roles & SOURCE_UNJUDGED) || !partner_may_see(&m->all, &s->ip, s->asn))
            continue;
        m->t->rows = mem_room(m->t->rows, m->t->n, &m->t->cap, sizeof *m->t->rows);
        m->t->rows[m->t->n++] = (struct row){.index = s->index,
                                             .first = s->first_time,
                                             .last = s->last_time,
                                             .contacts = s->contacts,
                                             .recent = s->recent,
                                             .ip = s->ip,
                                             .asn = s->asn,
                                             .family = family_number(m->t, s->family)};
    }
    return 0;
}

static int cmp_row(const void *x, const void *y)
{
    const struct row *a = x, *b = y;
    return (a->index > b->index) - (a->index < b->index);
}

int partner_feed_tabulate(struct partner_feed *f, struct err *err)
{
    const struct config_cleanup *config = &f->c.config->cleanup;
    struct tabulating m = {.t = mem_zeroed(1, sizeof *m.t)};
    struct judge *judge = NULL;
    m.t->users = 1;
    partners_union(f->c.partners, utc_now(), &m.all);
    int rc = judge_new(config->judged, config->known_count, f->c.judgements, &judge);
    if (rc == 0)
        rc = judge_all(judge, f->c.sources, add_address, &m);
    if (judge)
        judge_free(judge);
    if (rc < 0) {
        table_release(m.t);
        return err_set(err, rc, "partners: sources cannot be judged");
    }
    if (m.t->n)
        qsort(m.t->rows, m.t->n, sizeof *m.t->rows, cmp_row);
    table_release(f->table);
    f->table = m.t;
    f->tabulated = f->position;
    return 0;
}

/* ---- the case ---- */

static uint64_t read_to(const struct casedir *c)
{
    uint64_t at = sources_position(c->sources), other = judgements_position(c->judgements);
    at = other < at ? other : at;
    other = partners_position(c->partners);
    return other < at ? other : at;
}

int partner_feed_open(const char *case_dir, bool quiet, bool stays, struct partner_feed **out,
                      struct err *err)
{
    struct partner_feed *f = mem_zeroed(1, sizeof *f);
    f->c.quiet = quiet;
    int rc = casedir_open(&f->c, case_dir, JOURNAL_READ, err);
    if (rc == 0)
        rc = stays ? casedir_load_views(&f->c, VIEWS, err) : casedir_views(&f->c, VIEWS, err);
    if (rc < 0) {
        partner_feed_close(f);
        return rc;
    }
    f->position = read_to(&f->c);
    *out = f;
    return 0;
}

void partner_feed_close(struct partner_feed *f)
{
    if (!f)
        return;
    table_release(f->table);
    casedir_close(&f->c, NULL);
    free(f);
}

int partner_feed_read(struct partner_feed *f, uint64_t entries, struct err *err)
{
    int rc = casedir_catch_up(&f->c, VIEWS, entries, err);
    if (rc >= 0)
        f->position = read_to(&f->c);
    return rc;
}

uint64_t partner_feed_position(const struct partner_feed *f)
{
    return f->position;
}

uint64_t partner_feed_tabulated(const struct partner_feed *f)
{
    return f->tabulated;
}

struct partners *partner_feed_partners(struct partner_feed *f)
{
    return f->c.partners;
}

/* ---- choosing ---- */

struct partner_answer {
    struct partner_feed *feed;
    struct table *table;
    enum partner_format format;
    uint32_t *rows; /* of the table */
    size_t n, at;
    bool more, begun;
    uint64_t after;
    int64_t since, until;
    char etag[2 * SHA256_LEN + 1];
    struct journal_cursor *cursor;
    uint64_t cursor_at; /* what it reads next */
    struct arena arena;
};

/* Days are bits; the range is of whole days where the latest contact is behind it. */
static bool is_seen(const struct row *r, int64_t since, int64_t until)
{
    if (r->last < since || r->first >= until)
        return false;
    if (r->last < until || r->first >= since)
        return true;
    int32_t last = utc_day(r->last), low = last - utc_day(until - 1),
            high = since == INT64_MIN ? RECENT_DAYS : last - utc_day(since);
    if (low >= RECENT_DAYS)
        return false; /* nothing is known of single days so far back */
    uint64_t mask = ~0ull << low;
    if (high < RECENT_DAYS - 1)
        mask &= (1ull << (high + 1)) - 1;
    return r->recent & mask;
}

static size_t first_behind(const struct table *t, const struct partner_request *r)
{
    size_t low = 0, high = t->n;
    while (r->has_after && low < high) {
        size_t mid = low + (high - low) / 2;
        if (t->rows[mid].index <= r->after)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void choose(struct partner_answer *a, const struct partner *partner,
                   const struct partner_request *r)
{
    const struct table *t = a->table;
    size_t cap = 0;
    for (size_t i = first_behind(t, r); i < t->n && !a->more; i++) {
        const struct row *row = &t->rows[i];
        if (!is_seen(row, r->since, r->until) || !partner_may_see(partner, &row->ip, row->asn) ||
            (r->family.n && !span_eq(buf_as_span(&t->families[row->family]), r->family)))
            continue;
        a->more = a->n == r->limit;
        if (a->more)
            break;
        a->rows = mem_room(a->rows, a->n, &cap, sizeof *a->rows);
        a->rows[a->n++] = (uint32_t)i;
        a->after = row->index;
    }
}

/* Over what was asked and what each row says. */
static void make_etag(struct partner_answer *a)
{
    uint8_t digest[SHA256_LEN];
    sha256_ctx c;
    sha256_begin(&c);
    sha256_add(&c, &a->format, sizeof a->format);
    sha256_add(&c, &a->more, sizeof a->more);
    for (size_t i = 0; i < a->n; i++)
        sha256_add(&c, &a->table->rows[a->rows[i]], sizeof(struct row));
    sha256_end(&c, digest);
    hex_encode(digest, SHA256_LEN, a->etag);
    a->etag[PARTNER_ETAG_LEN] = 0;
}

struct partner_answer *partner_feed_answer(struct partner_feed *f, const struct partner *partner,
                                           const struct partner_request *r)
{
    struct partner_answer *a = mem_zeroed(1, sizeof *a);
    a->feed = f;
    a->table = f->table;
    a->table->users++;
    a->format = r->format;
    a->after = r->after;
    a->since = r->since;
    a->until = r->until;
    arena_init(&a->arena);
    choose(a, partner, r);
    make_etag(a);
    return a;
}

void partner_answer_free(struct partner_answer *a)
{
    if (!a)
        return;
    journal_cursor_close(a->cursor);
    arena_free(&a->arena);
    table_release(a->table);
    free(a->rows);
    free(a);
}

size_t partner_answer_rows(const struct partner_answer *a)
{
    return a->n;
}

bool partner_answer_more(const struct partner_answer *a)
{
    return a->more;
}

uint64_t partner_answer_after(const struct partner_answer *a)
{
    return a->after;
}

const char *partner_answer_etag(const struct partner_answer *a)
{
    return a->etag;
}

/* ---- rows ---- */

/* The entry, by the answer's own cursor: indexes ascend. 1; 0: it was erased. */
static int fetch(struct partner_answer *a, uint64_t index, struct entry *e, struct err *err)
{
    int rc = 1;
    if (a->cursor && (index < a->cursor_at || index - a->cursor_at > SKIP_MAX)) {
        journal_cursor_close(a->cursor);
        a->cursor = NULL;
    }
    if (!a->cursor) {
        a->cursor_at = index;
        rc = journal_cursor_open(a->feed->c.journal, index, &a->cursor, err);
        if (rc < 0)
            return rc;
    }
    do {
        rc = journal_cursor_next(a->cursor, e, err);
        if (rc != 1)
            return rc < 0 ? rc
                          : err_set(err, -EBADMSG, "journal: entry %llu is not there",
                                    (unsigned long long)index);
        a->cursor_at = e->index + 1;
    } while (e->index < index);
    return !e->redacted;
}

static struct span transport_of(const struct event *ev)
{
    if (ev->transport.n)
        return ev->transport;
    return span_str(ev->kind == KIND_DNS ? "udp" : "tcp");
}

/* Spans point into the payload. */
static void fill_in(const struct partner_answer *a, const struct row *r, const struct event *ev,
                    struct report_row *out)
{
    *out = (struct report_row){
        .what = REPORT_NEW,
        .ip = r->ip,
        .src_port = (uint16_t)ev->src_port,
        .time = r->last,
        .first_time = r->first,
        .contacts = r->contacts,
        .index = r->index,
        .asn = r->asn,
        .as_name = ev->as_name,
        .network = ev->network,
        .family = buf_as_span(&a->table->families[r->family]),
        .protocol = ev->protocol.n ? ev->protocol : span_str(event_kind_name(ev->kind)),
        .transport = transport_of(ev),
        .dst_ip = ev->dst_ip,
        .dst_port = (uint16_t)ev->dst_port,
        .host = ev->http.host.n ? ev->http.host : ev->dns.qname,
        .method = ev->http.method,
        .target = ev->http.target,
        .agent = ev->http.user_agent,
        .helo = ev->smtp.helo,
        .mail_from = ev->smtp.mail_from,
        .subject = ev->smtp.subject,
        .size = ev->smtp.size,
    };
    if (ev->country.n == 2)
        memcpy(out->country, ev->country.p, 2);
}

/* 1 a row; 0: it was erased, or is a later version's. */
static int get_row(struct partner_answer *a, size_t i, struct report_row *out, struct err *err)
{
    const struct row *r = &a->table->rows[a->rows[i]];
    struct entry e;
    struct event ev;
    int rc = fetch(a, r->index, &e, err);
    if (rc != 1)
        return rc;
    if (!event_kind_is_event(e.header.kind) || event_decode(e.payload, &a->arena, &ev) < 0)
        return 0;
    ev.kind = e.header.kind;
    fill_in(a, r, &ev, out);
    return 1;
}

/* ---- JSON Lines ---- */

static void put_text(struct json *j, const char *key, struct span s)
{
    json_key(j, key);
    if (s.n)
        json_span(j, s);
    else
        json_null(j);
}

static void put_number(struct json *j, const char *key, uint64_t v)
{
    json_key(j, key);
    if (v)
        json_uint(j, v);
    else
        json_null(j);
}

static void put_time(struct json *j, const char *key, int64_t t)
{
    char text[UTC_TEXT_MAX];
    put_text(j, key, span_of(text, utc_format(t, text)));
}

static void put_ip(struct json *j, const char *key, const struct ip *ip)
{
    char text[IP_TEXT_MAX];
    put_text(j, key, span_of(text, ip_is_set(ip) ? ip_format(ip, text) : 0));
}

static void put_json(const struct report_row *r, struct buf *out)
{
    struct json j = json_to(out);
    char net[NET_TEXT_MAX];
    json_object(&j);
    json_key(&j, "index");
    json_uint(&j, r->index);
    put_time(&j, "time", r->time);
    put_time(&j, "first_time", r->first_time);
    put_number(&j, "contacts", r->contacts);
    put_ip(&j, "src_ip", &r->ip);
    put_number(&j, "src_port", r->src_port);
    put_number(&j, "asn", r->asn);
    put_text(&j, "as_name", r->as_name);
    put_text(&j, "country", span_of(r->country, r->country[0] ? 2 : 0));
    put_text(&j, "network", span_of(net, r->network.set ? net_format(&r->network, net) : 0));
    put_text(&j, "family", r->family);
    put_text(&j, "protocol", r->protocol);
    put_text(&j, "transport", r->transport);
    put_ip(&j, "dst_ip", &r->dst_ip);
    put_number(&j, "dst_port", r->dst_port);
    put_text(&j, "host", r->host);
    put_text(&j, "user_agent", r->agent);
    json_object_end(&j);
    json_newline(&j);
}

static int put_lines(struct partner_answer *a, size_t bytes, struct buf *out, struct err *err)
{
    struct report_row row;
    size_t end = out->n + bytes;
    if (!a->begun && a->format == PARTNER_CSV)
        report_csv_head(out);
    a->begun = true;
    while (a->at < a->n && out->n < end) {
        arena_reset(&a->arena);
        int rc = get_row(a, a->at++, &row, err);
        if (rc < 0)
            return rc;
        if (rc && a->format == PARTNER_CSV)
            report_csv_row(&row, out);
        else if (rc)
            put_json(&row, out);
    }
    return a->at < a->n;
}

/* ---- STIX: a whole bundle ---- */

static void keep(struct arena *arena, struct span *s)
{
    *s = span_of(arena_copy(arena, s->p, s->n), s->n);
}

static void keep_row(struct arena *arena, struct report_row *r)
{
    struct span *texts[] = {&r->as_name, &r->protocol, &r->transport, &r->host,      &r->method,
                            &r->target,  &r->agent,    &r->helo,      &r->mail_from, &r->subject};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        keep(arena, texts[i]);
}

/* A bundle has no place for an address, but a report wants some. */
#define NO_ADDRESS "nobody@ebb.invalid"

static struct span first_of(const char *a, const char *b, const char *c)
{
    return span_str(a[0] ? a : b[0] ? b : c);
}

static struct report_from reporter(const struct config *c)
{
    return (struct report_from){
        .org = span_str(c->cleanup.from.org),
        .name = first_of(c->cleanup.from.name, c->cleanup.from.org, c->name),
        .mail = first_of(c->cleanup.from.mail, NO_ADDRESS, ""),
        .web = span_str(c->cleanup.from.web),
        .phone = span_str(c->cleanup.from.phone),
        .domain = span_str(c->cleanup.from.domain),
        .case_name = span_str(c->name),
        .page = span_str(c->cleanup.from.page),
    };
}

/* Contacts' own times are the bundle's, so that the same rows give the same bytes. */
static void date(const struct report_row *rows, size_t n, struct report *r)
{
    for (size_t i = 0; i < n; i++) {
        r->since = i == 0 || rows[i].time < r->since ? rows[i].time : r->since;
        r->until = rows[i].time > r->until ? rows[i].time : r->until;
    }
    r->made = r->until;
}

static int put_bundle(struct partner_answer *a, struct buf *out, struct err *err)
{
    const struct config *config = a->feed->c.config;
    struct report_row *rows = mem_zeroed(a->n, sizeof *rows);
    struct report_from from = reporter(config);
    struct buf id = {0};
    size_t n = 0;
    int rc = 0;
    while (rc >= 0 && a->at < a->n) {
        rc = get_row(a, a->at++, &rows[n], err);
        if (rc == 1)
            keep_row(&a->arena, &rows[n++]);
    }
    buf_printf(&id, "partner-%s", a->etag);
    struct report r = {.id = buf_as_span(&id),
                       .contact = span_str(NO_ADDRESS),
                       .language = span_str("en"),
                       .rows = rows,
                       .n = n,
                       .from = &from,
                       .log_origin = span_str(journal_origin(a->feed->c.journal))};
    date(rows, n, &r);
    if (rc >= 0)
        rc = report_data(&r, REPORT_STIX, out, err);
    free(rows);
    buf_free(&id);
    arena_reset(&a->arena);
    return rc < 0 ? rc : 0;
}

int partner_answer_put(struct partner_answer *a, size_t bytes, struct buf *out, struct err *err)
{
    return a->format == PARTNER_STIX ? put_bundle(a, out, err) : put_lines(a, bytes, out, err);
}

const char *partner_content_type(enum partner_format format)
{
    switch (format) {
    case PARTNER_JSON:
        return "application/x-ndjson";
    case PARTNER_STIX:
        return "application/stix+json;version=2.1";
    default:
        return "text/csv; charset=utf-8";
    }
}
