#include "view/clickhouse_native.h"

#include <assert.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/utc.h"
#include "state/census.h"

#define BOT_SHARE 4 /* so many addresses are remembered for one bot */
#define NAMES_CAP 4096

enum { EVENTS, MAILS, SIGHTINGS, BOTS, NAMES, ROOTS, LOGS, TABLES };
static const char *const tables[TABLES] = {"events",   "mails",          "sightings", "bots",
                                           "as_names", "campaign_roots", "logs"};
static_assert(TABLES == CLICKHOUSE_PARTS_MAX, "parts");

/* An AS's name, as the newest event of the batch has it. */
struct as_name {
    uint32_t asn; /* 0: free */
    uint64_t entry;
    int64_t time;
    struct buf name;
};

struct clickhouse_batch {
    uint64_t log;
    bool payloads_off, names_put;
    struct clickhouse_block block[TABLES];
    struct clickhouse_seen sightings, bots;
    struct as_name *names;
    uint32_t names_cap, names_n;
};

/* ---- what an entry says ---- */

uint64_t clickhouse_bot(struct span bot_id)
{
    uint8_t digest[SHA256_LEN];
    uint64_t v;
    sha256(bot_id.p, bot_id.n, digest);
    memcpy(&v, digest, sizeof v);
    return v;
}

static uint16_t day_of(int64_t time)
{
    int32_t day = utc_day(time);
    return day < 0 ? 0 : day > UINT16_MAX ? UINT16_MAX : (uint16_t)day;
}

void clickhouse_row_of(const struct entry *entry, const struct event *ev, struct span sensor,
                       struct clickhouse_row *r)
{
    *r = (struct clickhouse_row){.entry = entry, .ev = ev, .sensor = sensor};
    r->counts = census_counts(ev) && census_day(ev, &r->day);
    if (r->counts)
        r->family = census_family(ev);
    else
        r->day = day_of(ev->time);
    r->asn = ev->asn <= UINT32_MAX ? (uint32_t)ev->asn : 0;
    r->source = fact_source(&ev->src_ip);
    if (ev->network.set) {
        memcpy(r->network, ev->network.ip.b, 16);
        r->bits = (uint8_t)((ev->network.bits <= 128 ? ev->network.bits : 128) + 1);
    }
    r->bot = r->counts && ev->bot_id.n;
    if (r->bot)
        r->bot_key = clickhouse_bot(ev->bot_id);
}

/* ---- a batch ---- */

struct clickhouse_batch *clickhouse_batch_new(uint64_t log, bool payloads_off, uint32_t keys)
{
    struct clickhouse_batch *b = mem_zeroed(1, sizeof *b);
    b->log = log;
    b->payloads_off = payloads_off;
    for (unsigned i = 0; i < TABLES; i++)
        clickhouse_block_init(&b->block[i], tables[i]);
    clickhouse_seen_init(&b->sightings, keys);
    clickhouse_seen_init(&b->bots, keys / BOT_SHARE);
    b->names_cap = NAMES_CAP;
    b->names = mem_zeroed(b->names_cap, sizeof *b->names);
    return b;
}

void clickhouse_batch_free(struct clickhouse_batch *b)
{
    if (!b)
        return;
    for (unsigned i = 0; i < TABLES; i++)
        clickhouse_block_free(&b->block[i]);
    for (uint32_t i = 0; i < b->names_cap; i++)
        buf_free(&b->names[i].name);
    free(b->names);
    clickhouse_seen_free(&b->sightings);
    clickhouse_seen_free(&b->bots);
    free(b);
}

void clickhouse_batch_next(struct clickhouse_batch *b)
{
    for (unsigned i = 0; i < TABLES; i++)
        clickhouse_block_clear(&b->block[i]);
    clickhouse_seen_next(&b->sightings);
    clickhouse_seen_next(&b->bots);
    for (uint32_t i = 0; b->names_n && i < b->names_cap; i++)
        b->names[i].asn = 0;
    b->names_n = 0;
    b->names_put = false;
}

void clickhouse_batch_forget(struct clickhouse_batch *b)
{
    clickhouse_seen_forget(&b->sightings);
    clickhouse_seen_forget(&b->bots);
}

/* ---- rows ---- */

void clickhouse_batch_event(struct clickhouse_batch *b, const struct clickhouse_row *r)
{
    static const uint8_t none[JOURNAL_HEADER_LEN];
    struct clickhouse_block *t = &b->block[EVENTS];
    const struct event *ev = r->ev;
    struct buf *c = t->column;
    clickhouse_u64(c++, b->log);
    clickhouse_u64(c++, r->entry->index);
    clickhouse_u16(c++, r->day);
    clickhouse_u64(c++, (uint64_t)ev->time);
    clickhouse_u8(c++, (uint8_t)ev->kind);
    clickhouse_string(c++, r->sensor);
    clickhouse_string(c++, ev->protocol);
    buf_put(c++, ev->src_ip.b, 16);
    clickhouse_u16(c++, ev->src_port <= UINT16_MAX ? (uint16_t)ev->src_port : 0);
    buf_put(c++, ev->dst_ip.b, 16);
    clickhouse_u16(c++, ev->dst_port <= UINT16_MAX ? (uint16_t)ev->dst_port : 0);
    clickhouse_u32(c++, r->asn);
    clickhouse_string(c++, ev->country);
    clickhouse_string(c++, ev->family);
    clickhouse_string(c++, ev->bot_id);
    clickhouse_string(c++, event_role(ev));
    clickhouse_string(c++, r->family);
    buf_put(c++, r->network, 16);
    clickhouse_u8(c++, r->bits);
    buf_put(c++, b->payloads_off ? none : r->entry->leaf, JOURNAL_HEADER_LEN);
    buf_put(c++, b->payloads_off ? none : r->entry->salt, JOURNAL_SALT_LEN);
    clickhouse_string(c++, b->payloads_off ? span_of(NULL, 0) : r->entry->payload);
    t->rows++;
}

/* Widens the table of names and puts those that are there in their new places. */
static void names_grow(struct clickhouse_batch *b)
{
    struct as_name *old = b->names;
    uint32_t cap = b->names_cap;
    b->names_cap = cap * 2;
    b->names = mem_zeroed(b->names_cap, sizeof *b->names);
    for (uint32_t i = 0; i < cap; i++) {
        uint32_t at = old[i].asn * 2654435761u & (b->names_cap - 1);
        if (!old[i].asn) {
            buf_free(&old[i].name);
            continue;
        }
        while (b->names[at].asn)
            at = (at + 1) & (b->names_cap - 1);
        b->names[at] = old[i];
    }
    free(old);
}

/* As dict_attr() does: an event without a name leaves the one that is there. */
static void put_name(struct clickhouse_batch *b, const struct clickhouse_row *r)
{
    struct span name = r->ev->as_name;
    if (!name.n || !r->asn)
        return;
    if (b->names_n >= b->names_cap / 2)
        names_grow(b);
    uint32_t at = r->asn * 2654435761u & (b->names_cap - 1);
    while (b->names[at].asn && b->names[at].asn != r->asn)
        at = (at + 1) & (b->names_cap - 1);
    struct as_name *n = &b->names[at];
    if (!n->asn) {
        n->asn = r->asn;
        n->name.n = 0;
        b->names_n++;
    }
    n->entry = r->entry->index;
    n->time = r->ev->time;
    if (!span_eq(buf_as_span(&n->name), name)) {
        n->name.n = 0;
        buf_span(&n->name, name);
    }
}

/* A key as bytes: the fixed part first, then the name. */
#define KEY_NAME_MAX 256
struct sighting_key {
    uint8_t address[16], network[16];
    uint32_t asn;
    uint16_t chunk;
    uint8_t country[2], bits, pad[7];
    uint8_t family[KEY_NAME_MAX];
};
#define SIGHTING_FIXED offsetof(struct sighting_key, family)

void clickhouse_batch_sighting(struct clickhouse_batch *b, const struct clickhouse_row *r)
{
    struct clickhouse_block *t = &b->block[SIGHTINGS];
    const struct event *ev = r->ev;
    struct sighting_key key;
    uint32_t row = (uint32_t)t->rows;
    uint64_t bit = 1ull << (r->day % 64);
    memset(&key, 0, SIGHTING_FIXED);
    memcpy(key.address, ev->src_ip.b, 16);
    memcpy(key.network, r->network, 16);
    key.asn = r->asn;
    key.chunk = r->day / 64;
    key.bits = r->bits;
    if (ev->country.n == 2)
        memcpy(key.country, ev->country.p, 2);
    put_name(b, r);
    enum clickhouse_seen_what what = CLICKHOUSE_NEW_ROW;
    if (r->family.n <= KEY_NAME_MAX) { /* longer ones are sent each time */
        memcpy(key.family, r->family.p, r->family.n);
        what = clickhouse_seen_bit(&b->sightings, span_of(&key, SIGHTING_FIXED + r->family.n), bit,
                                   &row);
    }
    struct buf *c = t->column;
    if (what == CLICKHOUSE_OLD_ROW) {
        uint64_t days;
        memcpy(&days, c[8].p + (size_t)row * 8, 8);
        days |= bit;
        memcpy(c[8].p + (size_t)row * 8, &days, 8);
    }
    if (what != CLICKHOUSE_NEW_ROW)
        return;
    clickhouse_string(c++, r->family);
    clickhouse_u32(c++, ip_is_v4(&ev->src_ip) ? ip_v4(&ev->src_ip) : 0);
    buf_put(c++, key.address, 16);
    clickhouse_u32(c++, key.asn);
    buf_put(c++, key.country, 2);
    buf_put(c++, key.network, 16);
    clickhouse_u8(c++, key.bits);
    clickhouse_u16(c++, key.chunk);
    clickhouse_u64(c++, bit);
    t->rows++;
}

void clickhouse_batch_bot(struct clickhouse_batch *b, const struct clickhouse_row *r)
{
    struct clickhouse_block *t = &b->block[BOTS];
    struct {
        uint64_t bot, chunk;
        uint8_t family[KEY_NAME_MAX];
    } key = {.bot = r->bot_key, .chunk = r->day / 64};
    uint32_t row = (uint32_t)t->rows;
    uint64_t bit = 1ull << (r->day % 64);
    enum clickhouse_seen_what what = CLICKHOUSE_NEW_ROW;
    if (r->family.n <= KEY_NAME_MAX) {
        memcpy(key.family, r->family.p, r->family.n);
        what = clickhouse_seen_bit(&b->bots, span_of(&key, 16 + r->family.n), bit, &row);
    }
    struct buf *c = t->column;
    if (what == CLICKHOUSE_OLD_ROW) {
        uint64_t days;
        memcpy(&days, c[3].p + (size_t)row * 8, 8);
        days |= bit;
        memcpy(c[3].p + (size_t)row * 8, &days, 8);
    }
    if (what != CLICKHOUSE_NEW_ROW)
        return;
    clickhouse_string(c++, r->family);
    clickhouse_u64(c++, r->bot_key);
    clickhouse_u16(c++, (uint16_t)key.chunk);
    clickhouse_u64(c++, bit);
    t->rows++;
}

void clickhouse_batch_mail(struct clickhouse_batch *b, const struct clickhouse_mail *m)
{
    struct clickhouse_block *t = &b->block[MAILS];
    const struct fact *f = m->fact;
    struct buf *c = t->column;
    clickhouse_u64(c++, b->log);
    clickhouse_u64(c++, f->index);
    clickhouse_u16(c++, day_of(f->time));
    clickhouse_u64(c++, (uint64_t)f->time);
    clickhouse_u64(c++, f->campaign);
    clickhouse_u64(c++, f->source);
    clickhouse_u32(c++, f->bytes);
    clickhouse_u32(c++, f->asn);
    clickhouse_u32(c++, f->dialect);
    clickhouse_string(c++, m->family);
    clickhouse_string(c++, m->sensor);
    clickhouse_u16(c++, f->flags);
    clickhouse_u8(c++, f->topic);
    clickhouse_u8(c++, f->why);
    buf_put(c++, f->country, 2);
    /* A column of arrays: where each row's values end, and behind the last column the values. */
    uint64_t end = 0;
    if (t->rows)
        memcpy(&end, c->p + (t->rows - 1) * 8, 8);
    clickhouse_u64(c, end + m->brands);
    for (unsigned i = 0; i < m->brands; i++)
        clickhouse_string(c + 1, m->brand[i]);
    t->rows++;
}

void clickhouse_batch_root(struct clickhouse_batch *b, uint64_t campaign, uint64_t root,
                           uint64_t position)
{
    struct clickhouse_block *t = &b->block[ROOTS];
    struct buf *c = t->column;
    clickhouse_u64(c++, b->log);
    clickhouse_u64(c++, campaign);
    clickhouse_u64(c++, root);
    clickhouse_u64(c++, position);
    t->rows++;
}

void clickhouse_batch_log(struct clickhouse_batch *b, struct span origin, struct span vkey)
{
    struct clickhouse_block *t = &b->block[LOGS];
    struct buf *c = t->column;
    clickhouse_u64(c++, b->log);
    clickhouse_string(c++, origin);
    clickhouse_string(c++, vkey);
    t->rows++;
}

/* ---- out ---- */

uint64_t clickhouse_batch_events(const struct clickhouse_batch *b)
{
    return b->block[EVENTS].rows;
}

uint64_t clickhouse_batch_rows(const struct clickhouse_batch *b)
{
    uint64_t n = b->names_n;
    for (unsigned i = 0; i < TABLES; i++)
        n += b->block[i].rows;
    return n;
}

size_t clickhouse_batch_bytes(const struct clickhouse_batch *b)
{
    size_t n = 0;
    for (unsigned i = 0; i < TABLES; i++)
        n += clickhouse_block_bytes(&b->block[i]);
    return n;
}

static void put_names(struct clickhouse_batch *b)
{
    struct clickhouse_block *t = &b->block[NAMES];
    for (uint32_t i = 0; !b->names_put && i < b->names_cap; i++) {
        const struct as_name *n = &b->names[i];
        struct buf *c = t->column;
        if (!n->asn)
            continue;
        clickhouse_u64(c++, b->log);
        clickhouse_u32(c++, n->asn);
        clickhouse_u64(c++, n->entry);
        clickhouse_u64(c++, (uint64_t)n->time);
        clickhouse_string(c++, buf_as_span(&n->name));
        t->rows++;
    }
    b->names_put = true;
}

const struct clickhouse_block *clickhouse_batch_part(struct clickhouse_batch *b, unsigned i)
{
    put_names(b);
    for (unsigned k = 0; k < TABLES; k++)
        if (b->block[k].rows && i-- == 0)
            return &b->block[k];
    return NULL;
}
