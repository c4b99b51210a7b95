/* Networks that were told, whose hosts are cleaned faster from then on. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "sim/model_population.h"

/* ---- the list ---- */

static bool read_asn(struct span s, uint32_t *out)
{
    uint64_t n = 0;
    if (s.n < 3 || s.n > 12 || !span_ieq(span_of(s.p, 2), span_str("as")))
        return false;
    for (size_t i = 2; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(s.p[i] - '0');
    }
    *out = (uint32_t)n;
    return n && n <= UINT32_MAX;
}

/* What a line says, without what is behind #. */
static struct span words_of(struct span line)
{
    const uint8_t *note = line.n ? memchr(line.p, '#', line.n) : NULL;
    return span_trim(span_of(line.p, note ? (size_t)(note - line.p) : line.n));
}

static int cmp_asn(const void *x, const void *y)
{
    const uint32_t *a = x, *b = y;
    return (*a > *b) - (*a < *b);
}

static void order(struct model_told *t)
{
    qsort(t->ases, t->n_ases, sizeof *t->ases, cmp_asn);
    t->n_nets = nets_order(t->nets, t->n_nets);
}

static size_t count_lines(struct span list)
{
    size_t n = 1;
    for (size_t i = 0; i < list.n; i++)
        n += list.p[i] == '\n';
    return n;
}

int model_tell(struct model *m, struct span list, const char *where, uint32_t day, double hazard,
               struct err *err)
{
    struct model_told *t = &m->told;
    struct cur c = cur_of(list);
    size_t lines = count_lines(list);
    t->nets = calloc(lines, sizeof *t->nets);
    t->ases = calloc(lines, sizeof *t->ases);
    if (!t->nets || !t->ases)
        return err_set(err, -ENOMEM, "simulation: no memory for a list (%s)", where);
    for (size_t number = 1; cur_left(&c); number++) {
        struct span s = words_of(cur_line(&c));
        if (!s.n)
            continue;
        if (read_asn(s, &t->ases[t->n_ases]))
            t->n_ases++;
        else if (net_parse_any(s, &t->nets[t->n_nets]))
            t->n_nets++;
        else
            return err_set(err, -EINVAL, "line %zu: no prefix, address or AS number (%s)", number,
                           where);
    }
    order(t);
    t->day = day;
    t->hazard = hazard;
    return 0;
}

/* ---- the day ---- */

static bool is_told(const struct model *m, const struct model_line *line)
{
    const struct model_told *t = &m->told;
    uint32_t asn = m->s->ases[line->as].asn;
    if (t->n_ases && bsearch(&asn, t->ases, t->n_ases, sizeof asn, cmp_asn))
        return true;
    struct ip ip = pool_ip(m->pool, line->last_net, line->last_address);
    return nets_have(t->nets, t->n_nets, &ip);
}

void model_tell_now(struct model *m)
{
    for (uint32_t i = 0; i < m->n_lines; i++) {
        struct model_line *line = &m->lines[i];
        line->told = line->leases && line->last_address != POOL_NONE && is_told(m, line);
        if (!line->told)
            continue;
        m->told.lines++;
        m->told.hosts += line->hosts;
        for (uint32_t k = 0; k < line->hosts; k++)
            model_hasten(m, line->first_host + k, line->as, m->told.day * MODEL_DAY_SECONDS);
    }
}

/* ---- the hosts ---- */

static double power(double x, double y)
{
    return x > 0 ? rng_exp(y * rng_ln(x)) : 0;
}

/* The cumulative hazard H rises `hazard` times as fast from `now` on: the host is cleaned when it
 * is where it would have been at the end, so H(new) = H(age) + (H(old) - H(age)) / hazard. So the
 * rest of a life has the law that it should have, and no random number is drawn for it. */
void model_hasten(struct model *m, uint32_t host, uint16_t as, uint32_t now)
{
    struct model_host *h = &m->hosts[host];
    const struct scenario_survival *s = model_survival(m, as);
    double begun = (double)h->since_day * MODEL_DAY_SECONDS, ratio = m->told.hazard;
    double shape = s->curve == SCENARIO_WEIBULL ? s->shape : 1;
    double scale = s->scale_days * MODEL_DAY_SECONDS;
    if (h->clean_at <= now || h->clean_at == MODEL_NEVER || ratio == 1 ||
        s->curve == SCENARIO_NEVER)
        return;
    double at_age = power((now - begun) / scale, shape);
    double at_end = power((h->clean_at - begun) / scale, shape);
    double until = ceil(begun + scale * power(at_age + (at_end - at_age) / ratio, 1 / shape));
    h->clean_at = until < MODEL_NEVER ? (uint32_t)until : MODEL_NEVER;
    if (h->clean_at <= now)
        h->clean_at = now + 1;
}
