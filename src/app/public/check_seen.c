#include "app/public/check_seen.h"

#include <sodium.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "event/enrich.h"
#include "state/judge.h"

#define VIEWS        (VIEW_CASEBOOK | VIEW_SOURCES | VIEW_JUDGEMENTS)
#define READ_ENTRIES 5000 /* of the log between two looks at the network: some milliseconds */
#define INDEX_ROWS   50000
#define SAME_64_MAX  64 /* addresses of one /64 that are looked at */
#define ROWS_MAX     64 /* of one address */
#define LEARN_MS     (6 * 3600 * 1000ll)
#define ENRICH_MS    30000 /* between two tries to open the table of countries */

/* IPv6 addresses by their /64: as many places of equal key as addresses, SAME_64_MAX at most. */
struct by_64 {
    struct ip *slots; /* not set: free */
    size_t n, size;   /* size: a power of two */
    size_t rows;      /* of the sources that were looked at */
    uint8_t key[crypto_shorthash_KEYBYTES];
};

struct face_check {
    struct casedir c;   /* its own: nothing here ever catches up with the pursuit */
    struct sources *of; /* those that the index and the judge are of */
    struct judgements *judged_by;
    struct judge *judge;
    uint64_t learned_rows;
    int64_t learned; /* ms; 0: not yet */
    struct by_64 by_64;
    struct enrich *enrich; /* NULL: not there (yet) */
    int64_t tried;
    bool complete;
};

/* ---- IPv6 by /64 ---- */

static size_t slot_of(const struct by_64 *x, const struct ip *ip)
{
    uint8_t h[crypto_shorthash_BYTES]; /* keyed: nobody can choose networks that share a place */
    crypto_shorthash(h, ip->b, 8, x->key);
    return (size_t)be64_get(h) & (x->size - 1);
}

static void put(struct by_64 *x, const struct ip *ip)
{
    unsigned same = 0;
    size_t i = slot_of(x, ip);
    for (; ip_is_set(&x->slots[i]) && same < SAME_64_MAX; i = (i + 1) & (x->size - 1)) {
        if (memcmp(&x->slots[i], ip, sizeof *ip) == 0)
            return;
        same += memcmp(&x->slots[i], ip, 8) == 0;
    }
    if (same == SAME_64_MAX)
        return;
    x->slots[i] = *ip;
    x->n++;
}

static void room(struct by_64 *x)
{
    if (x->n < x->size / 2)
        return;
    struct by_64 bigger = {.size = x->size ? 2 * x->size : 1024};
    crypto_shorthash_keygen(bigger.key);
    bigger.slots = mem_zeroed(bigger.size, sizeof *bigger.slots);
    for (size_t i = 0; i < x->size; i++)
        if (ip_is_set(&x->slots[i]))
            put(&bigger, &x->slots[i]);
    bigger.rows = x->rows;
    free(x->slots);
    *x = bigger;
}

static void take_address(void *ctx, const struct ip *ip)
{
    struct by_64 *x = ctx;
    if (ip_is_v4(ip))
        return;
    room(x);
    put(x, ip);
}

/* ---- the case ---- */

int face_check_open(const char *case_dir, struct face_check **out, struct err *err)
{
    struct face_check *k = mem_zeroed(1, sizeof *k);
    k->c.quiet = true;
    int rc = casedir_open(&k->c, case_dir, JOURNAL_READ, err);
    if (rc == 0)
        rc = casedir_load_views(&k->c, VIEWS, err);
    if (rc < 0)
        face_check_close(k);
    else
        *out = k;
    return rc;
}

void face_check_close(struct face_check *k)
{
    if (!k)
        return;
    judge_free(k->judge);
    free(k->by_64.slots);
    if (k->enrich)
        enrich_close(k->enrich);
    casedir_close(&k->c, NULL);
    free(k);
}

/* Views that were started anew are others: what was made of the old ones goes. */
static int follow(struct face_check *k, struct err *err)
{
    const struct config_cleanup *config = &k->c.config->cleanup;
    if (k->of == k->c.sources && k->judged_by == k->c.judgements)
        return 0;
    judge_free(k->judge);
    k->judge = NULL;
    free(k->by_64.slots);
    k->by_64 = (struct by_64){0};
    k->of = k->c.sources;
    k->judged_by = k->c.judgements;
    k->learned = 0;
    int rc = judge_new(config->judged, config->known_count, k->c.judgements, &k->judge);
    return rc < 0 ? err_set(err, rc, "public: judging cannot begin") : 0;
}

/* What is usual for a family changes slowly, and learning it reads all rows. */
static void learn(struct face_check *k)
{
    uint64_t rows = sources_count(k->c.sources);
    int64_t now = clock_ms();
    if (k->learned && now - k->learned < LEARN_MS && rows < 2 * k->learned_rows)
        return;
    judge_learn(k->judge, k->c.sources);
    k->learned = now;
    k->learned_rows = rows;
    if (clock_ms() - now > 200)
        log_line(LOG_INFO, "public: learned what is usual", "rows=%llu ms=%lld",
                 (unsigned long long)rows, (long long)(clock_ms() - now));
}

/* The recorder makes the table of countries, which we may read and not make. */
static void look_for_countries(struct face_check *k)
{
    const struct config *c = k->c.config;
    char views[FILE_PATH_MAX];
    struct err err;
    if (k->enrich || (k->tried && clock_ms() - k->tried < ENRICH_MS))
        return;
    k->tried = clock_ms();
    if (file_path(views, &err, "%s/views", k->c.dir) < 0)
        return;
    struct enrich_config config = {
        .libloc = c->enrichment.libloc[0] ? c->enrichment.libloc : NULL,
        .mmdb_asn = c->enrichment.mmdb_asn[0] ? c->enrichment.mmdb_asn : NULL,
        .mmdb_country = c->enrichment.mmdb_country[0] ? c->enrichment.mmdb_country : NULL,
        .cache_dir = views,
    };
    if (enrich_open(&config, &k->enrich, &err) < 0)
        k->enrich = NULL;
}

int face_check_read(struct face_check *k, struct err *err)
{
    int more = casedir_catch_up(&k->c, VIEWS, READ_ENTRIES, err);
    if (more >= 0 && follow(k, err) < 0)
        return -1;
    if (more < 0)
        return more;
    size_t rows =
        sources_addresses(k->c.sources, k->by_64.rows, INDEX_ROWS, take_address, &k->by_64);
    more |= rows < sources_count(k->c.sources);
    k->by_64.rows = rows;
    k->complete = more == 0;
    if (k->complete) {
        learn(k);
        look_for_countries(k);
    }
    return more;
}

struct casebook *face_check_casebook(struct face_check *k)
{
    return k->c.casebook;
}

/* ---- one address ---- */

struct rows {
    struct source v[ROWS_MAX];
    size_t n;
};

static int keep_row(void *ctx, const struct source *row)
{
    struct rows *r = ctx;
    if (r->n < ROWS_MAX)
        r->v[r->n++] = *row;
    return 0;
}

static void add_family(struct seen_answer *out, const struct source *row, bool certain)
{
    unsigned i = 0;
    while (i < out->n && !span_eq(out->families[i].family, row->family))
        i++;
    if (i == SEEN_FAMILIES_MAX)
        return;
    struct seen_family *f = &out->families[i];
    if (i == out->n) {
        out->n++;
        *f = (struct seen_family){row->family, row->first_time, row->last_time, row->days, certain};
        return;
    }
    f->first = row->first_time < f->first ? row->first_time : f->first;
    f->last = row->last_time > f->last ? row->last_time : f->last;
    f->days = row->days > f->days ? row->days : f->days; /* of several addresses: at least */
    f->certain |= certain;
}

/* What stands over what when several addresses of a /64 differ. */
static void raise_to(struct seen_answer *out, enum seen result)
{
    static const unsigned rank[SEEN_RESULTS] = {[SEEN_NOTHING] = 0,
                                                [SEEN_OTHER] = 1,
                                                [SEEN_RESOLVER] = 2,
                                                [SEEN_UNCLEAR] = 3,
                                                [SEEN_INFECTED] = 4};
    if (rank[result] > rank[out->result])
        out->result = result;
}

/* Who is none of the infected is not told what else they were taken for: those who hunt us, and
 * those who hunt with us, would learn how. A resolver's users should know, though. */
static void judge_rows(struct face_check *k, const struct rows *r, struct seen_answer *out)
{
    struct judgement j;
    unsigned roles = 0;
    judge_address(k->judge, r->v, r->n, &j);
    for (size_t i = 0; i < r->n; i++) {
        const struct source *row = &r->v[i];
        roles |= row->roles;
        if (!judged_counts(j.role) || !(row->roles & SOURCE_UNJUDGED))
            continue;
        bool certain = judge_is_infection(&j, row);
        add_family(out, row, certain);
        raise_to(out, certain ? SEEN_INFECTED : SEEN_UNCLEAR);
    }
    if (j.role == JUDGED_RESOLVER || roles == SOURCE_RESOLVER)
        raise_to(out, SEEN_RESOLVER);
    else if (roles & ~(unsigned)SOURCE_VISITOR) /* a person at a browser is no news to themselves */
        raise_to(out, SEEN_OTHER);
}

static void ask_one(struct face_check *k, const struct ip *ip, struct seen_answer *out)
{
    struct rows r = {.n = 0};
    sources_of(k->c.sources, ip, keep_row, &r);
    if (r.n)
        judge_rows(k, &r, out);
    if (r.n && r.v[0].country[0])
        memcpy(out->country, r.v[0].country, 2);
}

static void ask_64(struct face_check *k, const struct ip *ip, struct seen_answer *out)
{
    const struct by_64 *x = &k->by_64;
    if (!x->size)
        return;
    for (size_t i = slot_of(x, ip); ip_is_set(&x->slots[i]); i = (i + 1) & (x->size - 1))
        if (memcmp(&x->slots[i], ip, 8) == 0)
            ask_one(k, &x->slots[i], out);
}

/* RFC 6890: loopback, link-local, private and shared space; over an onion service everybody comes
 * from there. */
static bool is_inner(const struct ip *ip)
{
    static const uint8_t loopback[16] = {[15] = 1};
    if (!ip_is_v4(ip))
        return !ip_is_set(ip) || memcmp(ip->b, loopback, 16) == 0 || (ip->b[0] & 0xfe) == 0xfc ||
               (ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80);
    uint32_t v = ip_v4(ip);
    return v >> 24 == 0 || v >> 24 == 10 || v >> 24 == 127 || v >> 20 == 0xac1 ||
           v >> 16 == 0xc0a8 || v >> 16 == 0xa9fe || v >> 22 == 0x191;
}

void face_check_ask(struct face_check *k, const struct ip *ip, struct seen_answer *out)
{
    *out = (struct seen_answer){.complete = k->complete,
                                .network = net_of(ip, ip_is_v4(ip) ? 32 : 64)};
    out->any = sources_span(k->c.sources, &out->since, &out->until);
    if (!ip_is_set(ip)) {
        out->inner = true;
        return;
    }
    if (ip_is_v4(ip))
        ask_one(k, ip, out);
    else
        ask_64(k, ip, out);
    out->inner = out->result == SEEN_NOTHING && is_inner(ip);
    if (!out->country[0] && k->enrich) {
        struct enrich_result r = {0};
        enrich_lookup(k->enrich, ip, &r);
        memcpy(out->country, r.country, 2);
    }
}

const char *seen_name(enum seen result)
{
    static const char *const names[SEEN_RESULTS] = {"nothing", "infected", "unclear", "resolver",
                                                    "other"};
    return names[result];
}
