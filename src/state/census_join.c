#include "state/census_join.h"

#include <errno.h>

#include "base/mem.h"
#include "state/census_impl.h"

/* Another log's census: numbers are its own. */
struct other {
    struct snapshot snapshot;
    struct dict dict;
    struct run base;
};

static int open_other(const char *path, struct other *o, struct err *err)
{
    *o = (struct other){0};
    int rc = snapshot_load(path, &o->snapshot, &o->dict, &o->base, err);
    return rc == 0 ? err_set(err, -ENOENT, "%s: there is none", path) : rc < 0 ? rc : 0;
}

static void close_other(struct other *o)
{
    run_free(&o->base);
    dict_free(&o->dict);
    snapshot_unmap(&o->snapshot);
}

/* ---- one set ---- */

static int cmp_part(const void *x, const void *y)
{
    const struct addrset_part *a = x, *b = y;
    return (a->attr > b->attr) - (a->attr < b->attr);
}

/* Rows get this census's numbers, by which they are then in order. `attrs` NULL: only read. */
static int copy_set(const struct addrset *from, uint32_t n_attrs, const uint32_t *attrs,
                    struct addrset_writer *w)
{
    struct addrset_group g;
    int rc;
    addrset_group_init(&g, &from, 1, n_attrs);
    while ((rc = addrset_group_next(&g)) > 0) {
        if (!attrs)
            continue;
        for (size_t i = 0; i < g.nparts; i++)
            g.parts[i].attr = attrs[g.parts[i].attr];
        if (g.nparts > 1)
            qsort(g.parts, g.nparts, sizeof *g.parts, cmp_part);
        for (size_t i = 0; i < g.nparts; i++) {
            struct addrset_key key = {g.key.hi, g.key.lo, g.parts[i].attr};
            addrset_put(w, &key, g.days + g.parts[i].at, g.parts[i].n);
        }
    }
    addrset_group_free(&g);
    return rc;
}

/* What a set says of itself must be so: readers take its days for granted. */
static bool same_figures(const struct addrset *a, const struct addrset *b)
{
    return a->rows == b->rows && a->sightings == b->sightings && a->day_min == b->day_min &&
           a->day_max == b->day_max;
}

/* ---- all of it ---- */

/* The other's attributions in this census's numbers. ASes' names: ours before theirs. */
static uint32_t *number_attrs(struct census *c, const struct dict *d)
{
    uint32_t *out = mem_resize(NULL, d->nattrs + 1, sizeof *out);
    for (size_t i = 0; i < d->nattrs; i++) {
        struct span name = buf_as_span(&d->as[d->attr_as[i]].name);
        uint32_t as = dict_as(&c->dict, d->attrs[i].asn);
        if (c->dict.as[as].name.n)
            name = span_of(NULL, 0);
        out[i] = dict_attr(&c->dict, &d->attrs[i], dict_attr_hash(&d->attrs[i]), name,
                           dict_name_hash(name));
    }
    return out;
}

/* In the order of this census's families, IPv4 first. */
static int cmp_run_part(const void *x, const void *y)
{
    const struct run_part *a = x, *b = y;
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    return (int)a->set.v6 - (int)b->set.v6;
}

static int copy_run(struct census *c, const struct other *o, const uint32_t *attrs, struct run *out)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < o->base.n; i++) {
        const struct run_part *p = &o->base.parts[i];
        if (!p->set.rows)
            continue;
        struct addrset_writer w;
        struct run_part part = {.at = out->bytes.n};
        part.family = dict_family(&c->dict, dict_family_name(&o->dict, p->family));
        addrset_begin(&w, &out->bytes, p->set.v6, p->set.day_min);
        rc = copy_set(&p->set, (uint32_t)o->dict.nattrs, attrs, &w);
        part.set = w.set;
        if (rc == 0 && !same_figures(&part.set, &p->set))
            rc = -1;
        run_add_part(out, part);
    }
    for (size_t i = 0; i < out->n; i++)
        out->parts[i].set.p = out->bytes.p + out->parts[i].at;
    if (out->n)
        qsort(out->parts, out->n, sizeof *out->parts, cmp_run_part);
    return rc;
}

static int damaged(const char *path, struct err *err)
{
    return err_set(err, -EBADMSG, "%s: not a whole census", path);
}

int census_join(struct census *c, const char *path, uint64_t *position, struct err *err)
{
    struct other o;
    struct run run = {0};
    int rc = open_other(path, &o, err);
    if (rc < 0)
        return rc;
    census_settle(c);
    uint32_t *attrs = number_attrs(c, &o.dict);
    rc = copy_run(c, &o, attrs, &run) < 0 ? damaged(path, err) : 0;
    *position = o.snapshot.position;
    free(attrs);
    close_other(&o);
    if (rc < 0) {
        run_free(&run);
        return rc;
    }
    c->runs = mem_room(c->runs, c->nruns, &c->runs_cap, sizeof *c->runs);
    c->runs[c->nruns++] = run;
    return 0;
}

int census_check(const char *path, uint64_t *position, struct err *err)
{
    struct other o;
    int rc = open_other(path, &o, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < o.base.n; i++)
        rc = copy_set(&o.base.parts[i].set, (uint32_t)o.dict.nattrs, NULL, NULL);
    if (rc < 0)
        rc = damaged(path, err);
    *position = o.snapshot.position;
    close_other(&o);
    return rc;
}

int census_write(struct census *c, const char *path, struct err *err)
{
    census_settle(c);
    const struct run **runs = mem_zeroed(c->nruns + 1, sizeof *runs);
    size_t n = census_all_runs(c, runs);
    int rc = snapshot_write(path, c->position, &c->dict, runs, n, err);
    free(runs);
    return rc;
}
