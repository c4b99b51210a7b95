#include "sim/truth_count.h"

#include <stdlib.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/utc.h"

static const char *const role_names[MODEL_ROLES] = {"infected", "scanner", "sandbox"};
static const char *const curve_names[] = {"weibull", "exponential", "never"};
static const char *const kind_names[] = {"http", "dns", "raw", "smtp"};
static const char *const bot_id_names[] = {"none", "hex16", "guid"};

static void member_uint(struct json *j, const char *key, uint64_t v)
{
    json_key(j, key);
    json_uint(j, v);
}

static void member_double(struct json *j, const char *key, double v)
{
    json_key(j, key);
    json_double(j, v, 6);
}

static void member_str(struct json *j, const char *key, const char *v)
{
    json_key(j, key);
    json_str(j, v);
}

static void member_date(struct json *j, const char *key, const struct truth *t, uint32_t day)
{
    char text[UTC_TEXT_MAX];
    unsigned n = utc_format_date(t->m->s->start_time + (int64_t)day * UTC_DAY, text);
    json_key(j, key);
    json_span(j, span_of(text, n));
}

static struct truth_addresses all_roles(const struct truth_set_day *d)
{
    struct truth_addresses sum = d->by[0];
    for (int r = 1; r < MODEL_ROLES; r++) {
        sum.seen += d->by[r].seen;
        sum.fresh += d->by[r].fresh;
        sum.gone += d->by[r].gone;
        sum.ipv6 += d->by[r].ipv6;
        sum.checkins += d->by[r].checkins;
    }
    return sum;
}

static void put_day_addresses(struct json *j, const struct truth_set_day *d)
{
    struct truth_addresses inf = d->by[MODEL_INFECTED], all = all_roles(d);
    member_uint(j, "addresses", inf.seen);
    member_uint(j, "new", inf.fresh);
    member_uint(j, "returning", inf.seen - inf.fresh);
    member_uint(j, "gone", inf.gone);
    member_uint(j, "addresses_ipv6", inf.ipv6);
    member_uint(j, "addresses_all", all.seen);
    member_uint(j, "new_all", all.fresh);
    member_uint(j, "gone_all", all.gone);
    member_uint(j, "checkins", all.checkins);
}

static void put_roles(struct json *j, const struct truth_set_day *d)
{
    json_key(j, "by_role");
    json_object(j);
    for (int r = 0; r < MODEL_ROLES; r++) {
        json_key(j, role_names[r]);
        json_object(j);
        member_uint(j, "addresses", d->by[r].seen);
        member_uint(j, "checkins", d->by[r].checkins);
        json_object_end(j);
    }
    json_object_end(j);
}

static const struct truth_set_day *set_of_family(const struct truth *t,
                                                 const struct truth_set_day *sets, unsigned family)
{
    return &sets[t->n_sets > 1 ? 1 + family : 0];
}

static void put_days(struct json *j, const struct truth *t)
{
    json_key(j, "days");
    json_array(j);
    for (uint32_t d = 0; d < t->done; d++) {
        const struct truth_day_row *row = &t->days[d];
        const struct truth_set_day *sets = &t->set_days[(size_t)d * t->n_sets];
        json_object(j);
        member_date(j, "date", t, d);
        member_uint(j, "hosts_alive", row->model.alive);
        member_uint(j, "hosts_seen", row->model.seen);
        member_uint(j, "cleaned", row->model.cleaned);
        member_uint(j, "reinfected", row->model.reinfected);
        if (t->m->told.day <= d) {
            member_uint(j, "hosts_alive_told", row->model.alive_told);
            member_uint(j, "cleaned_told", row->model.cleaned_told);
        }
        put_day_addresses(j, &sets[0]);
        member_uint(j, "rows", row->rows);
        member_uint(j, "rows_ipv6", row->rows6);
        put_roles(j, &sets[0]);
        json_key(j, "by_family");
        json_object(j);
        for (unsigned f = 0; f < t->m->s->families_count; f++) {
            json_key_span(j, span_str(t->m->s->families[f].name));
            json_object(j);
            put_day_addresses(j, set_of_family(t, sets, f));
            json_object_end(j);
        }
        json_object_end(j);
        json_object_end(j);
    }
    json_array_end(j);
}

static void put_weeks(struct json *j, const struct truth *t)
{
    double first = t->set_weeks[0].by[MODEL_INFECTED].seen;
    json_key(j, "weeks");
    json_array(j);
    for (uint32_t w = 0; w < t->n_weeks && w * 7 < t->done; w++) {
        const struct truth_set_day *sets = &t->set_weeks[(size_t)w * t->n_sets];
        uint32_t until = w * 7 + 7 < t->done ? w * 7 + 7 : t->done;
        uint32_t n = sets[0].by[MODEL_INFECTED].seen;
        json_object(j);
        member_uint(j, "week", w + 1);
        member_date(j, "since", t, w * 7);
        member_date(j, "until", t, until);
        member_uint(j, "days", until - w * 7);
        member_uint(j, "hosts_alive", t->days[w * 7].model.alive);
        member_uint(j, "hosts_seen", t->week_hosts[w]);
        member_uint(j, "addresses", n);
        member_uint(j, "addresses_ipv6", sets[0].by[MODEL_INFECTED].ipv6);
        member_uint(j, "addresses_all", all_roles(&sets[0]).seen);
        member_double(j, "change_percent", first > 0 ? 100 * (n / first - 1) : 0);
        put_roles(j, &sets[0]);
        json_object_end(j);
    }
    json_array_end(j);
}

static void put_totals(struct json *j, const struct truth *t)
{
    uint64_t cleaned = 0, again = 0, rows = 0, rows6 = 0;
    for (uint32_t d = 0; d < t->done; d++) {
        cleaned += t->days[d].model.cleaned;
        again += t->days[d].model.reinfected;
        rows += t->days[d].rows;
        rows6 += t->days[d].rows6;
    }
    json_key(j, "totals");
    json_object(j);
    member_date(j, "since", t, 0);
    member_date(j, "until", t, t->done);
    member_uint(j, "hosts", t->m->n_hosts);
    member_uint(j, "lines", t->m->n_lines);
    member_uint(j, "hosts_seen", t->hosts_seen);
    member_uint(j, "cleaned", cleaned);
    member_uint(j, "reinfected", again);
    member_uint(j, "hosts_alive_after", t->m->n_hosts - cleaned + again);
    member_uint(j, "addresses", t->set_all[0].by[MODEL_INFECTED].seen);
    member_uint(j, "addresses_ipv6", t->set_all[0].by[MODEL_INFECTED].ipv6);
    member_uint(j, "addresses_all", all_roles(&t->set_all[0]).seen);
    member_uint(j, "checkins", all_roles(&t->set_all[0]).checkins);
    member_uint(j, "rows", rows);
    member_uint(j, "rows_ipv6", rows6);
    put_roles(j, &t->set_all[0]);
    json_object_end(j);
}

static void put_families(struct json *j, const struct truth *t)
{
    const struct scenario *s = t->m->s;
    json_key(j, "families");
    json_array(j);
    for (unsigned f = 0; f < s->families_count; f++) {
        const struct truth_set_day *d = set_of_family(t, t->set_all, f);
        uint64_t hosts = 0;
        for (uint32_t h = 0; h < t->m->n_hosts; h++)
            hosts += t->m->hosts[h].family == f;
        json_object(j);
        member_str(j, "family", s->families[f].name);
        member_str(j, "kind", kind_names[s->families[f].kind]);
        member_str(j, "bot_id", bot_id_names[s->families[f].bot_id]);
        member_uint(j, "hosts", hosts);
        member_uint(j, "addresses", d->by[MODEL_INFECTED].seen);
        member_uint(j, "addresses_all", all_roles(d).seen);
        member_uint(j, "checkins", all_roles(d).checkins);
        json_object_end(j);
    }
    json_array_end(j);
}

/* Sums over ASes: of one AS, or of a country's. */
struct group {
    const char *country;
    uint32_t as; /* the AS; the country's first AS */
    uint64_t hosts, lines, addresses;
};

static int by_addresses(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    if (x->addresses != y->addresses)
        return x->addresses < y->addresses ? 1 : -1;
    int c = strcmp(x->country, y->country);
    return c ? c : (x->as > y->as) - (x->as < y->as);
}

static unsigned make_groups(const struct truth *t, bool by_country, struct group *groups)
{
    const struct scenario *s = t->m->s;
    unsigned n = 0;
    for (unsigned i = 0; i < s->ases_count; i++) {
        unsigned k = by_country ? 0 : n;
        while (k < n && strcmp(groups[k].country, s->ases[i].country) != 0)
            k++;
        if (k == n)
            groups[n++] = (struct group){.country = s->ases[i].country, .as = i};
        groups[k].hosts += t->m->as_hosts[i];
        groups[k].lines += t->m->as_lines[i];
        groups[k].addresses += t->as_all[i];
    }
    qsort(groups, n, sizeof *groups, by_addresses);
    return n;
}

static void put_groups(struct json *j, const struct truth *t, bool by_country)
{
    const struct scenario *s = t->m->s;
    struct group *groups = calloc(s->ases_count, sizeof *groups);
    unsigned n = groups ? make_groups(t, by_country, groups) : 0;
    json_key(j, by_country ? "by_country" : "by_asn");
    json_array(j);
    for (unsigned k = 0; k < n; k++) {
        const struct group *g = &groups[k];
        json_object(j);
        if (!by_country)
            member_uint(j, "asn", s->ases[g->as].asn);
        member_str(j, "country", g->country);
        member_uint(j, "hosts", g->hosts);
        member_uint(j, "lines", g->lines);
        member_uint(j, "addresses", g->addresses);
        json_key(j, "weeks");
        json_array(j);
        for (uint32_t w = 0; w < t->n_weeks && w * 7 < t->done; w++) {
            const uint32_t *week = &t->as_weeks[(size_t)w * s->ases_count];
            uint64_t sum = 0;
            for (unsigned i = 0; i < s->ases_count; i++)
                if (by_country ? strcmp(s->ases[i].country, g->country) == 0 : i == g->as)
                    sum += week[i];
            json_uint(j, sum);
        }
        json_array_end(j);
        json_object_end(j);
    }
    json_array_end(j);
    free(groups);
}

static void put_actors(struct json *j, const struct truth *t, const char *key, uint8_t role)
{
    json_key(j, key);
    json_array(j);
    for (uint32_t i = 0; i < t->m->n_actors; i++) {
        const struct model_actor *a = &t->m->actors[i];
        struct ip ip = pool_ip(t->m->pool, a->net, a->address);
        char text[IP_TEXT_MAX];
        size_t n = ip_format(&ip, text);
        if (a->role == role)
            json_span(j, span_of(text, n));
    }
    json_array_end(j);
}

static void put_survival(struct json *j, const struct scenario_survival *s)
{
    json_key(j, "survival");
    json_object(j);
    member_str(j, "curve", curve_names[s->curve]);
    if (s->curve == SCENARIO_WEIBULL)
        member_double(j, "shape", s->shape);
    if (s->curve != SCENARIO_NEVER)
        member_double(j, "scale_days", s->scale_days);
    json_object_end(j);
}

static void put_as_parameters(struct json *j, const struct truth *t, unsigned i)
{
    const struct scenario_as *a = &t->m->s->ases[i];
    const struct pool_group *g = &t->m->pool->groups[i];
    json_object(j);
    member_uint(j, "asn", a->asn);
    member_str(j, "country", a->country);
    member_double(j, "weight", a->weight);
    member_uint(j, "hosts", t->m->as_hosts[i]);
    member_uint(j, "lines", t->m->as_lines[i]);
    member_uint(j, "pool_ipv4", g->count4);
    member_uint(j, "pool_ipv6", g->count6);
    member_double(j, "nat_share", a->nat.share);
    member_uint(j, "nat_hosts", a->nat.hosts);
    member_double(j, "dhcp_mean_days", a->dhcp.mean_days);
    member_double(j, "dhcp_across", a->dhcp.across);
    if (a->dhcp.lease == SCENARIO_LEASE_FIXED)
        member_str(j, "dhcp_lease", "fixed");
    put_survival(j, a->survival ? a->survival : &t->m->s->survival);
    json_object_end(j);
}

static void put_parameters(struct json *j, const struct truth *t)
{
    const struct scenario *s = t->m->s;
    json_key(j, "parameters");
    json_object(j);
    member_date(j, "start", t, 0);
    member_uint(j, "days", t->done);
    member_uint(j, "hosts", s->hosts);
    put_survival(j, &s->survival);
    json_key(j, "activity");
    json_object(j);
    member_double(j, "daily", s->activity.daily);
    member_double(j, "checkins", s->activity.checkins);
    member_double(j, "peak", s->activity.peak);
    member_double(j, "depth", s->activity.depth);
    if (s->activity.interval_minutes > 0) {
        member_double(j, "interval_minutes", s->activity.interval_minutes);
        member_double(j, "jitter", s->activity.jitter);
        member_double(j, "on_hours", s->activity.on_hours);
    }
    json_object_end(j);
    json_key(j, "reinfection");
    json_object(j);
    member_double(j, "probability", s->reinfection.probability);
    member_double(j, "mean_days", s->reinfection.mean_days);
    json_object_end(j);
    json_key(j, "ases");
    json_array(j);
    for (unsigned i = 0; i < s->ases_count; i++)
        put_as_parameters(j, t, i);
    json_array_end(j);
    json_object_end(j);
}

/* Who was told, and how much faster their hosts were cleaned. */
static void put_told(struct json *j, const struct truth *t)
{
    const struct model_told *told = &t->m->told;
    char text[NET_TEXT_MAX];
    if (told->day == MODEL_NEVER)
        return;
    json_key(j, "told");
    json_object(j);
    member_date(j, "since", t, told->day);
    member_double(j, "hazard", told->hazard);
    member_uint(j, "lines", told->lines);
    member_uint(j, "hosts", told->hosts);
    json_key(j, "asns");
    json_array(j);
    for (size_t i = 0; i < told->n_ases; i++)
        json_uint(j, told->ases[i]);
    json_array_end(j);
    json_key(j, "networks");
    json_array(j);
    for (size_t i = 0; i < told->n_nets; i++)
        json_span(j, span_of(text, net_format(&told->nets[i], text)));
    json_array_end(j);
    json_object_end(j);
}

static void put_capture(struct json *j, const struct truth_capture *c)
{
    if (!c->written)
        return;
    json_key(j, "pcap");
    json_object(j);
    member_uint(j, "days", c->days);
    member_uint(j, "packets", c->packets);
    member_uint(j, "connections", c->connections);
    member_uint(j, "http_requests", c->requests);
    member_uint(j, "dns_queries", c->queries);
    member_uint(j, "mails", c->mails);
    member_uint(j, "raw_checkins", c->raw);
    member_uint(j, "checkins_left_out", c->cut);
    json_object_end(j);
}

int truth_write(const struct truth *t, const char *scenario, struct span scenario_text,
                double scale, const struct truth_capture *capture, struct sink *to, struct err *err)
{
    struct json j = json_to(sink_buf(to));
    uint8_t digest[SHA256_LEN];
    sha256(scenario_text.p, scenario_text.n, digest);
    json_object(&j);
    member_str(&j, "generator", "ebb-sim " EBB_VERSION);
    member_str(&j, "scenario", scenario);
    json_key(&j, "scenario_sha256");
    json_hex(&j, digest, sizeof digest);
    member_uint(&j, "seed", t->m->seed);
    member_double(&j, "scale", scale);
    put_totals(&j, t);
    put_told(&j, t);
    put_capture(&j, capture);
    put_weeks(&j, t);
    put_families(&j, t);
    put_groups(&j, t, true);
    put_groups(&j, t, false);
    put_actors(&j, t, "scanners", MODEL_SCANNER);
    put_actors(&j, t, "sandboxes", MODEL_SANDBOX);
    put_days(&j, t);
    put_parameters(&j, t);
    json_object_end(&j);
    json_newline(&j);
    return sink_flush(to, err);
}
