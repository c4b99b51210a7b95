#include "state/sources.h"

#include <sys/mman.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/utc.h"
#include "state/census.h"
#include "state/sources_impl.h"

#define SLOTS_MIN    1024
#define FETCH_PROBES 16
#define FILL(size)   ((size) / 5 * 4) /* slots in use before there are twice as many */

/* ---- memory ---- */

void *sources_pages(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        abort();
    madvise(p, bytes, MADV_HUGEPAGE);
    return p;
}

void sources_pages_free(void *p, size_t bytes)
{
    if (p)
        munmap(p, bytes);
}

/* ---- rows by address ---- */

static uint64_t hash_of(const struct ip *ip)
{
    return XXH3_64bits(ip->b, sizeof ip->b);
}

static void index_put(uint64_t *slots, size_t size, uint64_t hash, uint32_t number)
{
    size_t i = hash & (size - 1);
    while (slots[i])
        i = (i + 1) & (size - 1);
    slots[i] = (hash & 0xffffffff00000000ull) | (number + 1);
}

static void index_room(struct sources *s)
{
    if (s->n < FILL(s->size))
        return;
    size_t size = s->size ? 2 * s->size : SLOTS_MIN;
    sources_pages_free(s->slots, s->size * sizeof *s->slots);
    s->slots = sources_pages(size * sizeof *s->slots);
    s->size = size;
    for (size_t i = 0; i < s->n; i++)
        index_put(s->slots, size, hash_of(&sources_row_at(s, i)->ip), (uint32_t)i);
}

static struct sources_row *append(struct sources *s)
{
    if (s->n == s->chunks_n * SOURCES_CHUNK) {
        s->chunks = mem_room(s->chunks, s->chunks_n, &s->chunks_cap, sizeof *s->chunks);
        s->chunks[s->chunks_n++] = sources_pages(SOURCES_CHUNK * sizeof **s->chunks);
    }
    return sources_row_at(s, s->n++);
}

struct sources_row *sources_row_new(struct sources *s, const struct ip *ip, uint16_t family)
{
    index_room(s);
    index_put(s->slots, s->size, hash_of(ip), (uint32_t)s->n);
    struct sources_row *r = append(s);
    r->ip = *ip;
    r->family = family;
    return r;
}

static struct sources_row *find(const struct sources *s, const struct ip *ip, uint64_t hash,
                                uint16_t family)
{
    uint64_t slot;
    if (!s->size)
        return NULL;
    for (size_t i = hash & (s->size - 1); (slot = s->slots[i]); i = (i + 1) & (s->size - 1)) {
        if ((slot ^ hash) >> 32)
            continue;
        struct sources_row *r = sources_row_at(s, (uint32_t)slot - 1);
        if (r->family == family && memcmp(&r->ip, ip, sizeof *ip) == 0)
            return r;
    }
    return NULL;
}

/* ---- identities ---- */

static bool id_put(uint64_t *ids, size_t size, uint64_t id)
{
    size_t i = id & (size - 1);
    while (ids[i] && ids[i] != id)
        i = (i + 1) & (size - 1);
    bool was = ids[i] != 0;
    ids[i] = id;
    return !was;
}

static bool id_has(const struct sources *s, uint64_t id)
{
    size_t i = id & (s->ids_size - 1);
    while (s->ids[i] && s->ids[i] != id)
        i = (i + 1) & (s->ids_size - 1);
    return s->ids[i] != 0;
}

static void ids_room(struct sources *s)
{
    if (s->ids_n < FILL(s->ids_size))
        return;
    size_t size = s->ids_size ? 2 * s->ids_size : SLOTS_MIN;
    uint64_t *bigger = sources_pages(size * sizeof *bigger);
    for (size_t i = 0; i < s->ids_size; i++)
        if (s->ids[i])
            id_put(bigger, size, s->ids[i]);
    sources_pages_free(s->ids, s->ids_size * sizeof *s->ids);
    s->ids = bigger;
    s->ids_size = size;
}

bool sources_id_add(struct sources *s, uint64_t id, bool *full)
{
    *full = false;
    if (s->ids_n == SOURCES_IDS_MAX) {
        *full = !id_has(s, id);
        return false;
    }
    ids_room(s);
    bool fresh = id_put(s->ids, s->ids_size, id);
    s->ids_n += fresh;
    return fresh;
}

/* ---- one contact ---- */

static void more(uint32_t *count)
{
    *count += *count != UINT32_MAX;
}

static void more16(uint16_t *count)
{
    *count += *count != UINT16_MAX;
}

static void mark32(uint32_t *bitmap, uint32_t hash)
{
    *bitmap |= 1u << (hash >> 27);
}

static unsigned roles_of(const struct event *ev)
{
    return !ev->role.n                     ? SOURCE_UNJUDGED
           : span_is(ev->role, "resolver") ? SOURCE_RESOLVER
           : span_is(ev->role, "visitor")  ? SOURCE_VISITOR
           : span_is(ev->role, "sender")   ? SOURCE_SENDER
           : span_is(ev->role, "referer")  ? SOURCE_REFERER
                                           : SOURCE_UNJUDGED;
}

/* As in the census: a mail whose family was told from its address or signs is no check-in. */
static bool is_told(const struct event *ev)
{
    return ev->kind == KIND_SMTP &&
           (span_is(ev->family_source, "dialect") || span_is(ev->family_source, "address"));
}

static uint16_t family_of(struct sources *s, struct span name)
{
    if (s->family_name.n && span_eq(name, buf_as_span(&s->family_name)))
        return (uint16_t)s->family;
    uint32_t number = dict_family(&s->dict, name);
    if (number >= SOURCES_FAMILIES_MAX) /* the name is kept, for nothing: there are too many */
        number = dict_family(&s->dict, span_str(CENSUS_FAMILY_UNKNOWN)) % SOURCES_FAMILIES_MAX;
    s->family_name.n = 0;
    buf_span(&s->family_name, name);
    s->family = number;
    return (uint16_t)number;
}

static uint32_t attr_of(struct sources *s, const struct event *ev)
{
    struct dict_attr a = {.asn = ev->asn <= UINT32_MAX ? (uint32_t)ev->asn : 0};
    if (ev->network.set) {
        memcpy(a.network, ev->network.ip.b, 16);
        a.bits = ev->network.bits <= 128 ? ev->network.bits : 128;
        a.set = 1;
    }
    if (ev->country.n == 2)
        memcpy(a.country, ev->country.p, 2);
    return dict_attr(&s->dict, &a, dict_attr_hash(&a), ev->as_name, dict_name_hash(ev->as_name));
}

static void take_day(struct sources_row *r, int64_t time)
{
    int32_t day = utc_day(time), last = utc_day(r->last);
    if (!r->contacts) {
        r->days = 1;
        r->recent = 1;
    } else if (day > last) {
        r->recent = day - last < 64 ? r->recent << (day - last) | 1 : 1;
        more16(&r->days);
    } else if (last - day < 64 && !(r->recent >> (last - day) & 1)) {
        r->recent |= 1ull << (last - day);
        more16(&r->days);
    }
    r->hours |= 1u << (time - (int64_t)day * UTC_DAY) / (3600 * UTC_SECOND);
}

/* Before the times change: how long after the contact before, and how far. */
static void take_gap(struct sources_row *r, const struct sources_contact *c)
{
    double gap = (double)(c->time - r->last) / (double)UTC_SECOND;
    uint16_t place = c->target >> 20;
    if (!c->has_target)
        return;
    if (r->contacts && gap >= 0) {
        r->gap_squares += (float)(gap * gap);
        if (gap <= SOURCES_SWEEP_SECONDS && place != r->last_target)
            more16(&r->swept);
    }
    r->last_target = place & 0xfff;
    mark32(&r->targets, c->target);
}

static void take_shape(struct sources_row *r, uint32_t shape)
{
    if (shape & SOURCES_ASKS_NOTHING)
        more16(&r->nothing);
    if (shape & SOURCES_BY_ADDRESS)
        more16(&r->by_address);
    if (shape == r->shape) {
        more16(&r->votes);
    } else if (r->votes == 0) {
        r->shape = shape;
        r->votes = 1;
    } else if (r->votes != UINT16_MAX) {
        r->votes--;
    }
}

static void take_identity(struct sources *s, struct sources_row *r, const struct sources_contact *c)
{
    bool full;
    if (!c->id)
        return;
    bool fresh = sources_id_add(s, c->id, &full);
    if (!full)
        more(&r->spoken);
    if (fresh)
        more(&r->fresh);
    if (!c->has_bot)
        return;
    uint16_t last = (uint16_t)(c->id >> 32) | 1;
    if (r->last_id && r->last_id != last && utc_day(c->time) == utc_day(r->last))
        more16(&r->mixed);
    r->last_id = last;
    r->bots |= 1ull << (c->id >> 58);
}

/* What only those say who speak for themselves. */
static void take_words(struct sources *s, struct sources_row *r, const struct sources_contact *c)
{
    take_shape(r, c->shape);
    if (c->path)
        mark32(&r->paths, c->path);
    if (c->name)
        mark32(&r->names, c->name);
    if (c->agent)
        mark32(&r->agents, c->agent * 2654435761u);
    r->crawler |= (c->agent_is & SOURCES_AGENT_CRAWLER) != 0;
    r->tool |= (c->agent_is & SOURCES_AGENT_TOOL) != 0;
    take_identity(s, r, c);
    more(&r->own);
    if (c->matched)
        more(&r->matched);
    r->ruled |= c->ruled;
}

/* The contact that stands for all: an infected host's before others', then the latest. */
static void take_latest(struct sources_row *r, const struct sources_contact *c, bool own)
{
    uint32_t time = (uint32_t)(c->time / UTC_SECOND);
    if (r->contacts && (r->kept_own > own || (r->kept_own == own && time < r->kept)))
        return;
    r->kept_own = own;
    r->kept = time;
    r->index = c->index;
    r->kind = c->kind & 7;
    r->src_port = c->src_port;
    r->dst_port = c->dst_port;
    r->asset = c->asset;
}

static void take_times(struct sources_row *r, const struct sources_contact *c)
{
    if (!r->contacts || c->time >= r->last) {
        r->last = c->time;
        r->attr = c->attr;
    }
    if (!r->contacts || c->time < r->first)
        r->first = c->time;
    more(&r->contacts);
}

static struct sources_row *row_of(struct sources *s, const struct sources_contact *c)
{
    struct sources_row *r = find(s, &c->ip, c->hash, c->family);
    if (r)
        return r;
    if (s->n == SOURCES_MAX) {
        if (!s->warned)
            log_line(LOG_WARN, "too many sources to know them all", "most=%u", SOURCES_MAX);
        s->warned = true;
        return NULL;
    }
    free(s->order);
    s->order = NULL;
    return sources_row_new(s, &c->ip, c->family);
}

static void take(struct sources *s, const struct sources_contact *c)
{
    struct sources_row *r = row_of(s, c);
    if (!r)
        return;
    r->roles |= c->roles & 31;
    take_gap(r, c);
    if (c->roles == SOURCE_UNJUDGED)
        take_words(s, r, c);
    take_latest(r, c, c->roles == SOURCE_UNJUDGED);
    take_day(r, c->time);
    take_times(r, c);
    sources_widen(s, c->time, c->time);
}

/* ---- one event ---- */

static void read_agent(struct sources *s, struct sources_contact *c, struct span agent)
{
    if (!agent.n)
        return;
    uint32_t hash = (uint32_t)XXH3_64bits(agent.p, agent.n) | 1;
    unsigned at = hash >> 24;
    if (s->agents[at].agent != hash) {
        s->agents[at].agent = hash;
        s->agents[at].is = (uint8_t)sources_agent_is(agent);
    }
    c->agent = hash;
    c->agent_is = s->agents[at].is;
}

static void read_words(struct sources *s, struct sources_contact *c, const struct event *ev)
{
    c->shape = sources_shape(ev, &c->path, &c->name);
    if (ev->http.has)
        read_agent(s, c, ev->http.user_agent);
    c->id = sources_identity(ev, c->family);
    c->has_bot = ev->bot_id.n > 0;
    c->matched = ev->family.n && ev->family_source.n && !is_told(ev);
    c->ruled =
        c->matched && !span_is(ev->family_source, "feed") && !span_is(ev->family_source, "asset");
}

static void read_event(struct sources *s, struct sources_contact *c, uint64_t index,
                       const struct event *ev)
{
    struct {
        struct ip ip;
        uint64_t port;
    } at = {ev->dst_ip, ev->dst_port};
    struct span name = ev->family.n && !is_told(ev) ? ev->family : span_str(CENSUS_FAMILY_UNKNOWN);
    *c = (struct sources_contact){.ip = ev->src_ip,
                                  .time = ev->time,
                                  .hash = hash_of(&ev->src_ip),
                                  .index = index,
                                  .asset = ev->asset,
                                  .target = (uint32_t)XXH3_64bits(&at, sizeof at),
                                  .has_target = ip_is_set(&ev->dst_ip) || ev->dst_port,
                                  .family = family_of(s, name),
                                  .attr = attr_of(s, ev),
                                  .src_port = (uint16_t)ev->src_port,
                                  .dst_port = (uint16_t)ev->dst_port,
                                  .kind = (uint8_t)ev->kind,
                                  .roles = (uint8_t)roles_of(ev)};
    if (c->roles == SOURCE_UNJUDGED)
        read_words(s, c, ev);
}

/* First the place in the index, and half a ring later the row that it names. */
static void fetch(const struct sources *s, const struct sources_contact *c)
{
    if (s->size)
        __builtin_prefetch(&s->slots[c->hash & (s->size - 1)]);
    if (s->ids_size && c->id)
        __builtin_prefetch(&s->ids[c->id & (s->ids_size - 1)], 1);
}

static void fetch_row(const struct sources *s, const struct sources_contact *c)
{
    uint64_t slot;
    for (size_t i = 0; s->size && i < FETCH_PROBES; i++) {
        slot = s->slots[(c->hash + i) & (s->size - 1)];
        if (!slot)
            return;
        if ((slot ^ c->hash) >> 32)
            continue;
        const char *row = (const char *)sources_row_at(s, (uint32_t)slot - 1);
        __builtin_prefetch(row, 1);
        __builtin_prefetch(row + 64, 1);
        __builtin_prefetch(row + 128, 1);
        return;
    }
}

void sources_add(struct sources *s, uint64_t index, const struct event *ev)
{
    if (!event_kind_is_event((uint8_t)ev->kind) || !ip_is_set(&ev->src_ip) || ev->time < 0 ||
        ev->time >= UTC_EVENT_MAX)
        return;
    if (s->came - s->taken == SOURCES_AHEAD)
        take(s, &s->coming[s->taken++ % SOURCES_AHEAD]);
    struct sources_contact *c = &s->coming[s->came++ % SOURCES_AHEAD];
    read_event(s, c, index, ev);
    fetch(s, c);
    if (s->came - s->taken > SOURCES_AHEAD / 2)
        fetch_row(s, &s->coming[(s->came - SOURCES_AHEAD / 2) % SOURCES_AHEAD]);
}

void sources_settle(struct sources *s)
{
    while (s->taken != s->came)
        take(s, &s->coming[s->taken++ % SOURCES_AHEAD]);
}

/* ---- the view ---- */

uint64_t sources_position(const struct sources *s)
{
    return s->position;
}

void sources_advance(struct sources *s, uint64_t position)
{
    s->position = position;
}

uint64_t sources_count(struct sources *s)
{
    sources_settle(s);
    return s->n;
}

int sources_snapshot(struct sources *s, struct err *err)
{
    sources_settle(s);
    return sources_write(s, err);
}

void sources_clear(struct sources *s)
{
    for (size_t i = 0; i < s->chunks_n; i++)
        sources_pages_free(s->chunks[i], SOURCES_CHUNK * sizeof **s->chunks);
    free(s->chunks);
    sources_pages_free(s->slots, s->size * sizeof *s->slots);
    sources_pages_free(s->ids, s->ids_size * sizeof *s->ids);
    free(s->order);
    dict_free(&s->dict);
    s->chunks = NULL;
    s->slots = s->ids = NULL;
    s->order = NULL;
    s->n = s->chunks_n = s->chunks_cap = s->size = s->ids_n = s->ids_size = 0;
    s->position = 0;
    s->spans = false;
    s->family_name.n = 0;
    s->came = s->taken = 0;
}

void sources_close(struct sources *s)
{
    if (!s)
        return;
    sources_clear(s);
    buf_free(&s->family_name);
    free(s);
}

static int cmp_by_family(const void *x, const void *y, void *ctx)
{
    const struct sources *s = ctx;
    const struct sources_row *const *a = x, *const *b = y;
    return span_cmp(dict_family_name(&s->dict, (*a)->family),
                    dict_family_name(&s->dict, (*b)->family));
}

int sources_of(struct sources *s, const struct ip *ip,
               int (*row)(void *ctx, const struct source *row), void *ctx)
{
    const struct sources_row **rows = NULL;
    struct source out;
    size_t n = 0, cap = 0;
    uint64_t hash = hash_of(ip), slot;
    int rc = 0;
    sources_settle(s);
    if (!s->size)
        return 0;
    for (size_t i = hash & (s->size - 1); (slot = s->slots[i]); i = (i + 1) & (s->size - 1)) {
        const struct sources_row *r = sources_row_at(s, (uint32_t)slot - 1);
        if ((slot ^ hash) >> 32 || memcmp(&r->ip, ip, sizeof *ip) != 0)
            continue;
        rows = mem_room(rows, n, &cap, sizeof *rows);
        rows[n++] = r;
    }
    if (n > 1)
        qsort_r(rows, n, sizeof *rows, cmp_by_family, s);
    for (size_t i = 0; i < n && rc == 0; i++) {
        sources_show(s, rows[i], &out);
        rc = row(ctx, &out);
    }
    free(rows);
    return rc;
}

bool sources_span(struct sources *s, int64_t *first, int64_t *last)
{
    sources_settle(s);
    *first = s->first;
    *last = s->last;
    return s->spans;
}

size_t sources_addresses(struct sources *s, size_t from, size_t most,
                         void (*address)(void *ctx, const struct ip *ip), void *ctx)
{
    sources_settle(s);
    size_t end = s->n > from && s->n - from > most ? from + most : s->n;
    for (size_t i = from; i < end; i++)
        address(ctx, &sources_row_at(s, i)->ip);
    return end > from ? end : from;
}
