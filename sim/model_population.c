/* The botnet as it is on its first day. */
#include "sim/model_population.h"

#include <errno.h>
#include <stdlib.h>

static uint32_t scaled(uint32_t n, double scale)
{
    uint32_t k = (uint32_t)(n * scale + 0.5);
    return n && !k ? 1 : k;
}

struct part {
    double rest;
    uint32_t index;
};

static int by_rest(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    if (x->rest != y->rest)
        return x->rest < y->rest ? 1 : -1;
    return (x->index > y->index) - (x->index < y->index);
}

/* Hosts by AS in proportion to the weights, by largest remainder. */
static bool apportion(struct model *m)
{
    const struct scenario *s = m->s;
    struct part *parts = calloc(s->ases_count, sizeof *parts);
    double total = 0;
    uint32_t given = 0;
    if (!parts)
        return false;
    for (unsigned i = 0; i < s->ases_count; i++)
        total += s->ases[i].weight;
    for (unsigned i = 0; i < s->ases_count; i++) {
        double want = m->n_hosts * (s->ases[i].weight / total);
        m->as_hosts[i] = (uint32_t)want;
        parts[i] = (struct part){want - m->as_hosts[i], i};
        given += m->as_hosts[i];
    }
    qsort(parts, s->ases_count, sizeof *parts, by_rest);
    for (unsigned i = 0; given < m->n_hosts; i = (i + 1) % s->ases_count, given++)
        m->as_hosts[parts[i].index]++;
    free(parts);
    return true;
}

struct as_plan {
    uint32_t behind_nat; /* hosts */
    uint32_t nat_lines, lines, lines6;
};

static struct as_plan plan_as(const struct scenario_as *as, uint32_t hosts)
{
    struct as_plan p = {0};
    p.behind_nat = (uint32_t)(hosts * as->nat.share + 0.5);
    if (p.behind_nat)
        p.nat_lines = (p.behind_nat + as->nat.hosts - 1) / as->nat.hosts;
    p.lines = p.nat_lines + hosts - p.behind_nat;
    p.lines6 = (uint32_t)(p.lines * as->ipv6 + 0.5);
    return p;
}

/* On one day a line uses one address and one more at each renewal; a quarter to spare lets it find
 * a free one by chance. */
static int check_pool(const struct model *m, unsigned as, const struct as_plan *p,
                      const char *where, struct err *err)
{
    const struct pool_group *g = &m->pool->groups[as];
    double mean = m->s->ases[as].dhcp.mean_days;
    double each = 1.25 * (mean > 0 ? 1 + 1 / mean : 1);
    double want4 = each * (p->lines - p->lines6), want6 = each * p->lines6;
    bool short4 = want4 > g->count4;
    if (!short4 && want6 <= g->count6)
        return 0;
    return err_set(err, -EINVAL,
                   "scenario: ases[%u].networks: AS%u has too few IPv%d addresses for its lines: "
                   "%.0f wanted, %u there (%s)",
                   as, m->s->ases[as].asn, short4 ? 4 : 6, short4 ? want4 : want6,
                   short4 ? g->count4 : g->count6, where);
}

static uint16_t first_port(const struct model *m, uint64_t whom)
{
    struct rng r = rng_stream(m->seed, RNG_PORT, whom, 0);
    return (uint16_t)(1024 + rng_below(&r, 65536 - 1024));
}

static uint8_t family_of(const struct model *m, uint32_t host)
{
    struct rng r = rng_stream(m->seed, RNG_FAMILY, host, 0);
    double u = rng_unit(&r);
    uint8_t f = 0;
    while (f + 1u < m->s->families_count && u >= m->family_upto[f])
        f++;
    return f;
}

/* Lines and hosts of one AS: lines with NAT first. IPv6 lines are spread evenly among them. */
static void populate_as(struct model *m, uint16_t as, const struct as_plan *p, uint32_t line,
                        uint32_t host)
{
    uint32_t end = host + m->as_hosts[as], nat_end = host + p->behind_nat;
    for (uint32_t i = 0; i < p->lines; i++, line++) {
        struct model_line *l = &m->lines[line];
        uint32_t n = 1;
        if (i < p->nat_lines) {
            n = m->s->ases[as].nat.hosts;
            n = n < nat_end - host ? n : nat_end - host;
        }
        *l = (struct model_line){.address = POOL_NONE, .net = POOL_NONE, .first_host = host};
        l->last_address = l->last_net = POOL_NONE;
        l->hosts = l->infected = (uint16_t)n;
        l->as = as;
        l->v6 = (uint64_t)(i + 1) * p->lines6 / p->lines != (uint64_t)i * p->lines6 / p->lines;
        l->next_port = first_port(m, line);
        for (uint32_t k = 0; k < n && host < end; k++, host++) {
            m->hosts[host].family = family_of(m, host);
            model_infect(m, host, as, 0);
        }
        model_lease(m, l, 0);
    }
}

static int populate(struct model *m, const char *where, struct err *err)
{
    unsigned n = m->s->ases_count;
    struct as_plan *plans = calloc(n, sizeof *plans);
    int rc = plans && apportion(m) ? 0 : -ENOMEM;
    for (unsigned i = 0; i < n && rc == 0; i++) {
        plans[i] = plan_as(&m->s->ases[i], m->as_hosts[i]);
        m->as_lines[i] = plans[i].lines;
        m->n_lines += plans[i].lines;
        rc = check_pool(m, i, &plans[i], where, err);
    }
    if (rc == 0) {
        m->lines = calloc(m->n_lines, sizeof *m->lines);
        rc = m->lines ? 0 : -ENOMEM;
    }
    for (uint32_t i = 0, line = 0, host = 0; i < n && rc == 0; i++) {
        populate_as(m, (uint16_t)i, &plans[i], line, host);
        line += plans[i].lines;
        host += m->as_hosts[i];
    }
    free(plans);
    return rc;
}

/* Gives each scanner and sandbox of one list its address. */
static int add_actors(struct model *m, const struct scenario_actors *list, unsigned n,
                      uint32_t first_group, uint8_t role, double scale, const char *where,
                      struct err *err)
{
    for (unsigned i = 0; i < n; i++) {
        uint32_t count = scaled(list[i].count, scale);
        struct model_actor *grown =
            realloc(m->actors, (m->n_actors + (size_t)count + 1) * sizeof *grown);
        if (!grown)
            return -ENOMEM;
        m->actors = grown;
        for (uint32_t k = 0; k < count; k++) {
            uint32_t net = POOL_NONE;
            struct rng r = rng_stream(m->seed, RNG_ACTOR, m->n_actors, 0);
            uint32_t a = pool_take(m->pool, first_group + i, false, &net, &r);
            if (a == POOL_NONE)
                return err_set(err, -EINVAL,
                               "scenario: %s[%u].networks: fewer addresses than the %u wanted (%s)",
                               role == MODEL_SCANNER ? "scanners" : "sandboxes", i, count, where);
            uint64_t port_of = (uint64_t)1 << 32 | m->n_actors;
            m->actors[m->n_actors++] = (struct model_actor){.of = &list[i],
                                                            .address = a,
                                                            .net = net,
                                                            .next_port = first_port(m, port_of),
                                                            .role = role};
        }
    }
    return 0;
}

/* Contacts by local hour: 1 + depth at the peak, falling evenly to 1 - depth twelve hours away. */
static void lay_out_hours(struct model *m)
{
    const struct scenario_activity *a = &m->s->activity;
    double weight[24], total = 0, upto = 0;
    unsigned slot = 0, slots = sizeof m->hour_of;
    for (int h = 0; h < 24; h++) {
        double away = fabs(h + 0.5 - a->peak);
        away = away > 12 ? 24 - away : away;
        total += weight[h] = 1 + a->depth * (1 - away / 6);
    }
    for (int h = 0; h < 24; h++) {
        upto += weight[h];
        for (unsigned end = (unsigned)(upto / total * slots + 0.5); slot < end && slot < slots;)
            m->hour_of[slot++] = (uint8_t)h;
    }
    while (slot < slots)
        m->hour_of[slot++] = 23;
}

static void lay_out_choices(struct model *m)
{
    const struct scenario *s = m->s;
    double total = 0, upto = 0;
    for (unsigned i = 0; i < s->families_count; i++)
        total += s->families[i].share;
    for (unsigned i = 0; i < s->families_count; i++)
        m->family_upto[i] = (upto += s->families[i].share) / total;
    for (unsigned i = 0; i < s->sensors_count; i++) {
        struct ip ip;
        ip_parse(span_str(s->sensors[i]), &ip);
        if (ip_is_v4(&ip))
            m->sensors4[m->n_sensors4++] = (uint16_t)i;
        else
            m->sensors6[m->n_sensors6++] = (uint16_t)i;
    }
    m->extra_checkins = rng_exp(-(s->activity.checkins - 1));
}

int model_new(const struct scenario *s, uint64_t seed, double scale, const char *where,
              struct model **out, struct err *err)
{
    *out = NULL;
    if (s->hosts * scale > SCENARIO_HOSTS_MAX)
        return err_set(err, -EINVAL, "scenario: hosts: over %u at scale %g (%s)",
                       SCENARIO_HOSTS_MAX, scale, where);
    struct model *m = calloc(1, sizeof *m);
    if (!m)
        return err_set(err, -ENOMEM, "simulation: no memory (%s)", where);
    m->s = s;
    m->seed = seed;
    m->told.day = MODEL_NEVER;
    m->n_hosts = scaled(s->hosts, scale);
    int rc = pool_new(s, seed, scale, where, &m->pool, err);
    if (rc == 0) {
        m->hosts = calloc(m->n_hosts, sizeof *m->hosts);
        m->as_hosts = calloc(s->ases_count, sizeof *m->as_hosts);
        m->as_lines = calloc(s->ases_count, sizeof *m->as_lines);
        rc = m->hosts && m->as_hosts && m->as_lines ? 0 : -ENOMEM;
    }
    if (rc == 0) {
        lay_out_hours(m);
        lay_out_choices(m);
        rc = populate(m, where, err);
    }
    if (rc == 0)
        rc = add_actors(m, s->scanners, s->scanners_count, s->ases_count, MODEL_SCANNER, scale,
                        where, err);
    if (rc == 0)
        rc = add_actors(m, s->sandboxes, s->sandboxes_count, s->ases_count + s->scanners_count,
                        MODEL_SANDBOX, scale, where, err);
    if (rc == -ENOMEM)
        err_set(err, rc, "simulation: no memory for %u hosts (%s)", m->n_hosts, where);
    if (rc < 0) {
        model_free(m);
        return rc;
    }
    *out = m;
    return 0;
}

void model_free(struct model *m)
{
    if (!m)
        return;
    pool_free(m->pool);
    free(m->hosts);
    free(m->lines);
    free(m->actors);
    free(m->as_hosts);
    free(m->as_lines);
    free(m->checkins);
    free(m->sorted);
    free(m->told.nets);
    free(m->told.ases);
    free(m);
}
