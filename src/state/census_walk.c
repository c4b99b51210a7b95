/* A family's addresses, one after the other, with whom they belonged to. */
#include <errno.h>

#include "state/census_impl.h"
#include "base/mem.h"

struct census_walk {
    const struct census *c;
    const struct run **runs;
    const struct addrset **sets;
    size_t nruns;
    uint32_t family;
    bool v6, open; /* group reads the sets of this IP version */
    struct addrset_group group;
    struct census_part *parts;
    size_t parts_cap;
};

static bool family_number(const struct dict *d, struct span name, uint32_t *out)
{
    for (size_t i = 0; i < d->nfamilies; i++)
        if (span_eq(dict_family_name(d, (uint32_t)i), name)) {
            *out = (uint32_t)i;
            return true;
        }
    return false;
}

static void begin(struct census_walk *w)
{
    size_t n = 0;
    for (size_t i = 0; i < w->nruns; i++) {
        const struct addrset *s = run_find(w->runs[i], w->family, w->v6);
        if (s && s->rows)
            w->sets[n++] = s;
    }
    addrset_group_init(&w->group, w->sets, n, (uint32_t)w->c->dict.nattrs);
    w->open = true;
}

static void end(struct census_walk *w)
{
    if (w->open)
        addrset_group_free(&w->group);
    w->open = false;
}

void census_walk_open(struct census *c, struct span family, struct census_walk **out)
{
    struct census_walk *w = *out = mem_zeroed(1, sizeof *w);
    census_settle(c);
    w->c = c;
    w->runs = mem_zeroed(c->nruns + 1, sizeof *w->runs);
    w->sets = mem_zeroed(c->nruns + 1, sizeof *w->sets);
    w->nruns = census_all_runs(c, w->runs);
    if (family_number(&c->dict, family, &w->family))
        begin(w);
}

void census_walk_close(struct census_walk *w)
{
    end(w);
    free(w->runs);
    free(w->sets);
    free(w->parts);
    free(w);
}

static void fill_parts(struct census_walk *w)
{
    const struct addrset_group *g = &w->group;
    while (w->parts_cap < g->nparts)
        w->parts = mem_room(w->parts, w->parts_cap, &w->parts_cap, sizeof *w->parts);
    for (size_t i = 0; i < g->nparts; i++) {
        const struct dict_attr *a = &w->c->dict.attrs[g->parts[i].attr];
        w->parts[i] = (struct census_part){
            .asn = a->asn, .days = g->days + g->parts[i].at, .n = g->parts[i].n};
        memcpy(w->parts[i].country, a->country, 2);
    }
}

int census_walk_next(struct census_walk *w, struct ip *ip, const struct census_part **parts,
                     size_t *n, struct err *err)
{
    int rc = w->open ? addrset_group_next(&w->group) : 0;
    if (rc == 0 && w->open && !w->v6) {
        end(w);
        w->v6 = true;
        begin(w);
        rc = addrset_group_next(&w->group);
    }
    if (rc < 0)
        return err_set(err, -EBADMSG, "census: the snapshot is damaged, rebuild it (%s/census)",
                       w->c->dir);
    if (rc == 0)
        return 0;
    fill_parts(w);
    *ip = addrset_ip(&w->group.key, w->v6);
    *parts = w->parts;
    *n = w->group.nparts;
    return 1;
}

struct span census_as_name(const struct census *c, uint32_t asn)
{
    for (size_t i = 0; asn && i < c->dict.nas; i++)
        if (c->dict.as[i].asn == asn)
            return buf_as_span(&c->dict.as[i].name);
    return span_of(NULL, 0);
}
