#include "state/census.h"

#include <errno.h>

#include "base/file.h"
#include "base/log.h"
#include "base/utc.h"
#include "state/census_impl.h"
#include "base/mem.h"

/* So many runs of one level are merged into one of the next: each sighting is packed again once a
 * level, and a query reads at most this many runs a level. */
#define CENSUS_FANIN 32

static int load(struct census *c, struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = file_path(path, err, "%s/census", c->dir);
    if (rc < 0)
        return rc;
    rc = snapshot_load(path, &c->snapshot, &c->dict, &c->base, err);
    c->position = c->snapshot.position;
    return rc;
}

static struct census *new_census(const char *dir)
{
    struct census *c = mem_zeroed(1, sizeof *c);
    c->dir = mem_resize(NULL, strlen(dir) + 1, 1);
    strcpy(c->dir, dir);
    return c;
}

int census_open(const char *dir, struct census **out, struct err *err)
{
    struct err why = {0};
    *out = new_census(dir);
    int rc = load(*out, &why);
    if (rc == -EBADMSG) {
        log_line(LOG_WARN, "census snapshot dropped, it can be rebuilt",
                 "file=\"%s/census\" why=\"%s\"", dir, why.text);
        return 0;
    }
    if (rc >= 0)
        return 0;
    census_close(*out);
    *out = NULL;
    return err_set(err, rc, "census: %s", why.text);
}

/* Everything taken in is forgotten, buffers stay. */
static void clear(struct census *c)
{
    for (size_t i = 0; i < c->nruns; i++)
        run_free(&c->runs[i]);
    c->nruns = 0;
    run_free(&c->base);
    dict_free(&c->dict);
    snapshot_unmap(&c->snapshot);
    pending_clear(&c->pending);
    c->came = c->taken = 0;
    c->family_name.n = 0;
}

void census_close(struct census *c)
{
    if (!c)
        return;
    clear(c);
    pending_free(&c->pending);
    buf_free(&c->family_name);
    free(c->runs);
    free(c->dir);
    free(c);
}

uint64_t census_position(const struct census *c)
{
    return c->position;
}

void census_advance(struct census *c, uint64_t position)
{
    c->position = position;
}

size_t census_pending_bytes(const struct census *c)
{
    size_t n = c->pending.cap4 * sizeof *c->pending.v4 + c->pending.cap6 * sizeof *c->pending.v6 +
               c->pending.scratch_size;
    for (size_t i = 0; i < c->nruns; i++)
        n += c->runs[i].bytes.cap + c->runs[i].cap * sizeof *c->runs[i].parts;
    return n;
}

/* Merges the newest runs while there are CENSUS_FANIN of one level. */
static void compact(struct census *c)
{
    while (c->nruns >= CENSUS_FANIN) {
        struct run *first = &c->runs[c->nruns - CENSUS_FANIN], merged;
        unsigned level = c->runs[c->nruns - 1].level;
        if (first->level != level)
            return;
        if (run_merge(first, CENSUS_FANIN, (uint32_t)c->dict.nattrs, &merged) < 0)
            abort(); /* runs in memory are our own */
        merged.level = level + 1;
        for (size_t i = 0; i < CENSUS_FANIN; i++)
            run_free(&first[i]);
        *first = merged;
        c->nruns -= CENSUS_FANIN - 1;
    }
}

/* What is pending becomes a run. */
static void settle(struct census *c)
{
    if (c->pending.n4 == 0 && c->pending.n6 == 0)
        return;
    c->runs = mem_room(c->runs, c->nruns, &c->runs_cap, sizeof *c->runs);
    run_from_pending(&c->pending, &c->runs[c->nruns++]);
    compact(c);
}

size_t census_all_runs(const struct census *c, const struct run **out)
{
    out[0] = &c->base;
    for (size_t i = 0; i < c->nruns; i++)
        out[i + 1] = &c->runs[i];
    return c->nruns + 1;
}

/* A mail whose family was told from its address or its signs is no check-in: or an address, once
 * seen, would speak for itself for ever. */
static bool is_told(const struct event *ev)
{
    return ev->kind == KIND_SMTP &&
           (span_is(ev->family_source, "dialect") || span_is(ev->family_source, "address"));
}

bool census_counts(const struct event *ev)
{
    return event_kind_is_event((uint8_t)ev->kind) && ip_is_set(&ev->src_ip) &&
           !event_is_of_others(ev);
}

struct span census_family(const struct event *ev)
{
    return ev->family.n && !is_told(ev) ? ev->family : span_str(CENSUS_FAMILY_UNKNOWN);
}

bool census_day(const struct event *ev, uint16_t *day)
{
    int32_t d = utc_day(ev->time);
    *day = (uint16_t)d;
    return d >= 0 && d < ADDRSET_DAY_END;
}

/* The event's day; false when it is none that can be counted. */
static bool day_of(struct census *c, const struct event *ev, uint16_t *day)
{
    if (!c->day_known || ev->time < c->day_from || ev->time - c->day_from >= UTC_DAY) {
        if (!census_day(ev, day))
            return false;
        c->day = *day;
        c->day_from = *day * UTC_DAY;
        c->day_known = true;
    }
    *day = c->day;
    return true;
}

static uint32_t family_of(struct census *c, struct span name)
{
    if (c->family_name.n && span_eq(name, buf_as_span(&c->family_name)))
        return c->family;
    c->family = dict_family(&c->dict, name);
    c->family_name.n = 0;
    buf_span(&c->family_name, name);
    return c->family;
}

static void attr_of(const struct event *ev, struct dict_attr *a)
{
    *a = (struct dict_attr){.asn = ev->asn <= UINT32_MAX ? (uint32_t)ev->asn : 0};
    if (ev->network.set) {
        memcpy(a->network, ev->network.ip.b, 16);
        a->bits = ev->network.bits <= 128 ? ev->network.bits : 128;
        a->set = 1;
    }
    if (ev->country.n == 2)
        memcpy(a->country, ev->country.p, 2);
}

/* The second half of taking an event in. */
static void take(struct census *c, const struct incoming *in, struct span as_name)
{
    uint32_t attr = dict_attr(&c->dict, &in->attr, in->hash, as_name, in->name_hash);
    if (in->v6)
        pending_add6(&c->pending, in->family, &(struct addrset_key){in->key.hi, in->key.lo, attr},
                     in->day);
    else
        pending_add4(&c->pending, in->family, (uint32_t)in->key.lo, attr, in->day);
    if (pending_full(&c->pending))
        settle(c);
}

static void take_oldest(struct census *c)
{
    const struct incoming *in = &c->incoming[c->taken++ % CENSUS_AHEAD];
    take(c, in, span_of(in->name, in->name_n));
}

static void take_all(struct census *c)
{
    while (c->taken != c->came)
        take_oldest(c);
}

void census_settle(struct census *c)
{
    take_all(c);
    settle(c);
}

void census_add(struct census *c, const struct event *ev)
{
    uint16_t day;
    if (!census_counts(ev))
        return;
    if (!day_of(c, ev, &day)) {
        if (!c->warned)
            log_line(LOG_WARN, "census passes over events before 1970 or after 2149",
                     "time_us=%lld", (long long)ev->time);
        c->warned = true;
        return;
    }
    if (c->came - c->taken == CENSUS_AHEAD)
        take_oldest(c);
    struct incoming *in = &c->incoming[c->came % CENSUS_AHEAD];
    attr_of(ev, &in->attr);
    in->hash = dict_attr_hash(&in->attr);
    dict_prefetch(&c->dict, in->hash);
    in->name_hash = dict_name_hash(ev->as_name);
    in->v6 = !ip_is_v4(&ev->src_ip);
    in->key = addrset_key(&ev->src_ip, in->v6, 0);
    in->family = family_of(c, census_family(ev));
    in->day = day;
    if (ev->as_name.n > CENSUS_NAME_KEEP) {
        take_all(c);
        take(c, in, ev->as_name);
        return;
    }
    in->name_n = (uint8_t)ev->as_name.n;
    if (ev->as_name.n)
        memcpy(in->name, ev->as_name.p, ev->as_name.n);
    c->came++;
}

/* Lets go of what is in the snapshot now, once that is known to be readable. */
static int go_on_from_snapshot(struct census *c, struct err *err)
{
    struct census *fresh = new_census(c->dir);
    int rc = load(fresh, err);
    if (rc == 0 || (rc == 1 && fresh->position != c->position))
        rc = err_set(err, -EIO, "%s/census: somebody else changed it", c->dir);
    if (rc == 1) {
        clear(c);
        c->dict = fresh->dict;
        c->base = fresh->base;
        c->snapshot = fresh->snapshot;
        fresh->dict = (struct dict){0};
        fresh->base = (struct run){0};
        fresh->snapshot = (struct snapshot){0};
    }
    census_close(fresh);
    return rc < 0 ? rc : 0;
}

int census_snapshot(struct census *c, struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = file_path(path, err, "%s/census", c->dir);
    if (rc == 0)
        rc = file_mkdirs(c->dir, 0700, err);
    if (rc < 0)
        return rc;
    census_settle(c);
    const struct run **runs = mem_zeroed(c->nruns + 1, sizeof *runs);
    size_t n = census_all_runs(c, runs);
    rc = snapshot_write(path, c->position, &c->dict, runs, n, err);
    free(runs);
    return rc < 0 ? rc : go_on_from_snapshot(c, err);
}
