#include "state/contacts_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "event/act_cleanup.h"

#define FILE_MAX ((size_t)1 << 30)

enum contacts_level contacts_level_of(const struct contacts_table *t)
{
    if (span_is(buf_as_span(&t->format), "delegated"))
        return LEVEL_DELEGATED;
    if (span_is(buf_as_span(&t->source), "operator"))
        return LEVEL_OPERATOR;
    return span_is(buf_as_span(&t->source), "cert") ? LEVEL_CERT : LEVEL_REGISTRY;
}

/* ---- the life of the view ---- */

static void free_table(struct contacts_table *t)
{
    buf_free(&t->source);
    buf_free(&t->file);
    buf_free(&t->format);
}

static void free_answer(struct contacts_answer *a)
{
    buf_free(&a->mail);
    buf_free(&a->handle);
    buf_free(&a->server);
}

static void forget(struct contacts *c)
{
    for (unsigned i = 0; i < c->n_tables; i++)
        free_table(&c->tables[i]);
    for (size_t i = 0; i < c->n_answers; i++)
        free_answer(&c->answers[i]);
    contacts_index_free(&c->index);
    c->n_tables = 0;
    c->n_answers = 0;
    c->position = 0;
    c->indexed = c->written = c->sorted = c->changed = false;
}

void contacts_close(struct contacts *c)
{
    if (!c)
        return;
    forget(c);
    free(c->answers);
    netmap_build_free(c->builders[0]);
    netmap_build_free(c->builders[1]);
    free(c);
}

/* Without the index the tables are read again; without the small file everything is. */
static int load(struct contacts *c, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf bytes = {0};
    uint64_t checksum = 0;
    int rc = file_path(path, err, "%s/contacts", c->dir);
    if (rc == 0)
        rc = file_read(path, FILE_MAX, &bytes, err);
    if (rc == 0 && !contacts_load(c, buf_as_span(&bytes), &checksum)) {
        log_line(LOG_WARN, "view dropped: it is rebuilt", "view=contacts");
        forget(c);
    }
    buf_free(&bytes);
    if (rc < 0)
        return rc == -ENOENT ? 0 : rc;
    if (checksum && (rc = file_path(path, err, "%s/contacts.index", c->dir)) == 0) {
        rc = contacts_index_load(&c->index, path, checksum, c->n_tables, err);
        c->indexed = c->written = rc == 1;
    }
    return rc == -EBADMSG || rc > 0 ? 0 : rc;
}

int contacts_open(const char *dir, struct contacts **out, struct err *err)
{
    struct contacts *c = mem_zeroed(1, sizeof *c);
    int rc = file_path(c->dir, err, "%s", dir);
    if (rc == 0)
        rc = load(c, err);
    if (rc < 0) {
        contacts_close(c);
        return rc;
    }
    *out = c;
    return 0;
}

uint64_t contacts_position(const struct contacts *c)
{
    return c->position;
}

void contacts_advance(struct contacts *c, uint64_t position)
{
    c->changed |= c->position != position;
    c->position = position;
}

void contacts_blobs(struct contacts *c,
                    int (*blob)(void *ctx, const uint8_t sha256[SHA256_LEN], struct buf *out,
                                struct err *err),
                    void *ctx)
{
    c->blobs = (struct contacts_blobs){blob, ctx};
}

/* ---- acts ---- */

static void set_text(struct buf *b, struct span s)
{
    b->n = 0;
    buf_span(b, s);
}

static int cmp_place(const struct contacts_table *t, struct span source, bool delegated)
{
    int by = span_cmp(buf_as_span(&t->source), source);
    return by ? by : (int)(contacts_level_of(t) == LEVEL_DELEGATED) - (int)delegated;
}

/* The source's table, made when it is new; NULL: too many. Tables stay sorted. */
static struct contacts_table *table_of(struct contacts *c, struct span source, bool delegated)
{
    unsigned at = 0;
    while (at < c->n_tables && cmp_place(&c->tables[at], source, delegated) < 0)
        at++;
    if (at < c->n_tables && cmp_place(&c->tables[at], source, delegated) == 0)
        return &c->tables[at];
    if (c->n_tables == CONTACTS_SOURCES_MAX)
        return NULL;
    memmove(c->tables + at + 1, c->tables + at, (c->n_tables - at) * sizeof *c->tables);
    c->tables[at] = (struct contacts_table){0};
    c->n_tables++;
    return &c->tables[at];
}

static void take_import(struct contacts *c, uint64_t index, int64_t time, struct span payload)
{
    struct act_contacts_imported a;
    if (act_contacts_imported_read(payload, &a) < 0 || a.sha256.n != SHA256_LEN)
        return;
    struct contacts_table *t = table_of(c, a.source, span_is(a.format, "delegated"));
    if (!t) {
        log_line(LOG_WARN, "too many sources of contacts", "entry=%" PRIu64, index);
        return;
    }
    set_text(&t->source, a.source);
    set_text(&t->file, a.file);
    set_text(&t->format, a.format);
    memcpy(t->sha256, a.sha256.p, SHA256_LEN);
    t->entry = index;
    t->rows = a.rows;
    t->rejected = a.rejected;
    t->made = a.made == ACT_FOREVER ? 0 : a.made;
    t->imported = time;
    c->indexed = c->written = false;
}

static void take_answer(struct contacts *c, uint64_t index, int64_t time, struct span payload)
{
    struct act_rdap_answered a;
    struct contacts_answer k = {.entry = index, .time = time};
    if (act_rdap_answered_read(payload, &a) < 0 || !net_parse(a.network, &k.network) ||
        a.contact.n > CONTACT_MAX)
        return;
    if (c->n_answers == CONTACTS_ANSWERS_MAX) {
        log_line(LOG_WARN, "too many answers of RDAP", "entry=%" PRIu64, index);
        return;
    }
    buf_span(&k.mail, a.contact);
    buf_span(&k.handle, a.handle);
    buf_span(&k.server, a.server);
    c->answers = mem_room(c->answers, c->n_answers, &c->cap_answers, sizeof *c->answers);
    c->answers[c->n_answers++] = k;
    c->sorted = false;
}

void contacts_act(struct contacts *c, uint8_t kind, uint64_t index, int64_t time,
                  struct span payload)
{
    if (kind == KIND_CONTACTS_IMPORTED)
        take_import(c, index, time, payload);
    else if (kind == KIND_RDAP_ANSWERED)
        take_answer(c, index, time, payload);
    c->changed = true;
}

/* ---- made ready for questions ---- */

/* By network, the newest first. */
static int cmp_answer(const void *x, const void *y)
{
    const struct contacts_answer *a = x, *b = y;
    int by = memcmp(&a->network.ip, &b->network.ip, sizeof a->network.ip);
    if (by == 0)
        by = a->network.bits - b->network.bits;
    return by ? by : (a->entry < b->entry) - (a->entry > b->entry);
}

static void sort_answers(struct contacts *c)
{
    size_t kept = 0;
    if (c->sorted)
        return;
    if (c->n_answers)
        qsort(c->answers, c->n_answers, sizeof *c->answers, cmp_answer);
    for (size_t i = 0; i < c->n_answers; i++) {
        struct contacts_answer *k = &c->answers[i];
        struct contacts_answer *last = kept ? &c->answers[kept - 1] : NULL;
        if (last && last->network.bits == k->network.bits &&
            memcmp(&last->network.ip, &k->network.ip, sizeof k->network.ip) == 0)
            free_answer(k);
        else
            c->answers[kept++] = *k;
    }
    c->n_answers = kept;
    for (unsigned i = 0; i < 2; i++) {
        netmap_build_free(c->builders[i]);
        c->builders[i] = netmap_build();
    }
    for (size_t i = 0; i < kept; i++) {
        netmap_add(c->builders[0], &c->answers[i].network, (uint32_t)i, 0);
        if (c->answers[i].mail.n)
            netmap_add(c->builders[1], &c->answers[i].network, (uint32_t)i, 0);
    }
    netmap_finish(c->builders[0], &c->asked);
    netmap_finish(c->builders[1], &c->named);
    c->sorted = true;
}

static void settle(struct contacts *c)
{
    if (!c->indexed)
        contacts_index_build(&c->index, c->tables, c->n_tables, &c->blobs);
    c->indexed = true;
    sort_answers(c);
}

int contacts_snapshot(struct contacts *c, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf bytes = {0};
    if (!c->changed)
        return 0;
    settle(c);
    int rc = file_path(path, err, "%s/contacts.index", c->dir);
    if (rc == 0 && !c->written && c->index.whole)
        rc = contacts_index_write(&c->index, path, err);
    c->written |= rc == 0 && c->index.whole;
    contacts_save(c, &bytes);
    if (rc == 0)
        rc = file_path(path, err, "%s/contacts", c->dir);
    if (rc == 0)
        rc = file_replace(path, buf_as_span(&bytes), 0600, err);
    buf_free(&bytes);
    c->changed = rc < 0;
    return rc;
}

/* ---- questions ---- */

/* A named contact of the index; false when its place in the file is none. */
static bool fill(const struct contacts *c, uint32_t value, struct contact *out)
{
    const struct contacts_index *x = &c->index;
    if (value >= x->n_named)
        return false;
    const struct contact_text *k = &x->named[value];
    if (k->at > x->n_heap || x->n_heap - k->at < (size_t)k->mail + k->handle + k->name ||
        k->owner >= c->n_tables)
        return false;
    const struct contacts_table *t = &c->tables[k->owner];
    out->mail = contact_text_mail(k, x->heap);
    out->handle = contact_text_handle(k, x->heap);
    out->name = contact_text_name(k, x->heap);
    out->source = buf_as_span(&t->source);
    out->made = t->made;
    out->entry = t->entry;
    return true;
}

static uint32_t country_key(const char country[2])
{
    return (uint32_t)((uint8_t)country[0] << 8 | (uint8_t)country[1]);
}

static bool by_network(const struct contacts *c, enum contacts_level level, const struct ip *ip,
                       struct contact *out)
{
    return fill(c, netmap_find(&c->index.networks[level], ip, &out->network), out);
}

static bool by_operator(const struct contacts *c, const struct ip *ip, uint32_t asn,
                        const char country[2], struct contact *out)
{
    const struct contacts_index *x = &c->index;
    return by_network(c, LEVEL_OPERATOR, ip, out) ||
           (asn && fill(c, contacts_index_key(x->as[0], x->n_as[0], asn), out)) ||
           (country[0] &&
            fill(c, contacts_index_key(x->country[0], x->n_country[0], country_key(country)), out));
}

static bool by_rdap(const struct contacts *c, const struct ip *ip, struct contact *out)
{
    uint32_t at = netmap_find(&c->named, ip, &out->network);
    if (at == NETMAP_NONE)
        return false;
    const struct contacts_answer *k = &c->answers[at];
    out->mail = buf_as_span(&k->mail);
    out->handle = buf_as_span(&k->handle);
    out->name = span_of(NULL, 0);
    out->source = span_str("rdap");
    out->made = k->time;
    out->entry = k->entry;
    return true;
}

struct span contacts_registry(struct contacts *c, const struct ip *ip, char country[2])
{
    struct contact found = {0};
    settle(c);
    memset(country, 0, 2);
    if (!by_network(c, LEVEL_DELEGATED, ip, &found))
        return span_of(NULL, 0);
    if (found.handle.n == 2)
        memcpy(country, found.handle.p, 2);
    return found.name;
}

bool contacts_asked(struct contacts *c, const struct ip *ip, int64_t *when)
{
    struct net network;
    settle(c);
    uint32_t at = netmap_find(&c->asked, ip, &network);
    *when = at == NETMAP_NONE ? 0 : c->answers[at].time;
    return at != NETMAP_NONE;
}

bool contacts_find(struct contacts *c, const struct ip *ip, uint32_t asn, const char country[2],
                   struct contact *out)
{
    const struct contacts_index *x = &c->index;
    char cc[2] = {country[0], country[1]};
    if (!cc[0])
        contacts_registry(c, ip, cc);
    settle(c);
    *out = (struct contact){0};
    if (by_operator(c, ip, asn, cc, out) || by_network(c, LEVEL_REGISTRY, ip, out) ||
        by_rdap(c, ip, out))
        return true;
    out->network = (struct net){0};
    if ((asn && fill(c, contacts_index_key(x->as[1], x->n_as[1], asn), out)) ||
        (cc[0] &&
         fill(c, contacts_index_key(x->country[1], x->n_country[1], country_key(cc)), out)))
        return true;
    *out = (struct contact){.source = span_str("none")};
    return false;
}

int contacts_sources(struct contacts *c, int (*each)(void *ctx, const struct contacts_source *s),
                     void *ctx)
{
    struct contacts_source rdap = {.source = span_str("rdap"), .file = span_of("", 0)};
    int rc = 0;
    settle(c);
    for (unsigned i = 0; rc == 0 && i < c->n_tables; i++) {
        const struct contacts_table *t = &c->tables[i];
        struct contacts_source s = {.source = buf_as_span(&t->source),
                                    .file = buf_as_span(&t->file),
                                    .format = buf_as_span(&t->format),
                                    .entry = t->entry,
                                    .rows = t->rows,
                                    .rejected = t->rejected,
                                    .made = t->made,
                                    .imported = t->imported};
        rc = each(ctx, &s);
    }
    for (size_t i = 0; i < c->n_answers; i++)
        if (c->answers[i].entry >= rdap.entry) {
            rdap.entry = c->answers[i].entry;
            rdap.made = rdap.imported = c->answers[i].time;
        }
    rdap.rows = c->n_answers;
    return rc == 0 && rdap.rows ? each(ctx, &rdap) : rc;
}
