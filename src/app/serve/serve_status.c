#include "app/serve/serve_status.h"

#include "base/json.h"
#include "base/utc.h"

#define RATES_EVERY_MS  2000
#define NODE_NAME_SHOWN 64

void serve_totals(const struct serve_shared *s, struct net_counters *out)
{
    memset(out, 0, sizeof *out);
    for (unsigned i = 0; i < s->n_slots; i++) {
        const struct net_counters *c = s->slot[i].counters;
#define COUNTER(name, help) out->name += __atomic_load_n(&c->name, __ATOMIC_RELAXED);
#define GAUGE(name, help)   out->name += __atomic_load_n(&c->name, __ATOMIC_RELAXED);
#include "net/counters.def"
    }
}

void serve_rates_take(struct serve_rates *r, const struct serve_shared *s, int64_t now_ms)
{
    struct net_counters now;
    if (r->taken && now_ms - r->taken < RATES_EVERY_MS)
        return;
    serve_totals(s, &now);
    r->seconds = r->taken ? (double)(now_ms - r->taken) / 1000 : 0;
#define COUNTER(name, help) r->grown.name = now.name - r->last.name;
#include "net/counters.def"
    r->last = now;
    r->taken = now_ms;
}

static void put_time(struct json *j, const char *key, int64_t t)
{
    char text[UTC_TEXT_MAX];
    json_key(j, key);
    if (t)
        json_span(j, span_of(text, utc_format(t, text)));
    else
        json_null(j);
}

static void put_uint(struct json *j, const char *key, uint64_t v)
{
    json_key(j, key);
    json_uint(j, v);
}

static void put_process(struct json *j, const char *role, const struct serve_process *p)
{
    json_object(j);
    json_key(j, "role");
    json_str(j, role);
    put_uint(j, "pid", (uint64_t)p->pid);
    put_uint(j, "restarts", p->restarts);
    put_time(j, "since", p->pid ? p->since : 0);
    json_object_end(j);
}

static void put_counters(struct json *j, const struct net_counters *c)
{
#define COUNTER(name, help) put_uint(j, #name, __atomic_load_n(&c->name, __ATOMIC_RELAXED));
#define GAUGE(name, help)   put_uint(j, #name, __atomic_load_n(&c->name, __ATOMIC_RELAXED));
#include "net/counters.def"
}

static void put_sensor(struct json *j, const struct serve_shared *s, unsigned slot)
{
    const struct serve_process *p = &s->board->sensor[slot];
    struct ring ring = {.shared = s->slot[slot].ring};
    json_object(j);
    put_uint(j, "slot", slot);
    put_uint(j, "pid", (uint64_t)p->pid);
    put_uint(j, "restarts", p->restarts);
    put_time(j, "since", p->pid ? p->since : 0);
    put_uint(j, "ring_bytes", ring_depth(&ring));
    put_uint(j, "ring_capacity", s->ring_capacity);
    put_counters(j, s->slot[slot].counters);
    json_object_end(j);
}

static void put_recorder(struct json *j, const struct serve_shared *s)
{
    const struct serve_figures *f = &s->board->figures;
    json_object(j);
    put_uint(j, "log_size", f->log_size);
    put_uint(j, "events", f->events);
    put_uint(j, "commits", f->commits);
    put_uint(j, "gaps", f->gaps);
    put_uint(j, "lost", f->lost);
    put_uint(j, "assets", f->assets);
    put_uint(j, "refused_acts", f->refused_acts);
    put_uint(j, "refused_public", f->refused_public);
    json_key(j, "lag_ms");
    json_double(j, (double)f->lag_us / 1000, 1);
    put_time(j, "committed_at", f->committed_at);
    json_key(j, "storage_full");
    json_bool(j, f->storage_full);
    json_object_end(j);
}

static void put_rates(struct json *j, const struct serve_rates *r)
{
    json_object(j);
    json_key(j, "seconds");
    json_double(j, r->seconds, 1);
#define COUNTER(name, help)                                                                        \
    json_key(j, #name);                                                                            \
    json_double(j, r->seconds > 0 ? (double)r->grown.name / r->seconds : 0, 1);
#include "net/counters.def"
    json_object_end(j);
}

static void put_nodes(struct json *j, const struct serve_board *b)
{
    uint32_t n = __atomic_load_n(&b->nodes, __ATOMIC_ACQUIRE);
    json_key(j, "nodes");
    json_array(j);
    for (uint32_t i = 0; i < n && i < SERVE_NODES_MAX; i++) {
        json_object(j);
        json_key(j, "name");
        json_span(j, span_of(b->node[i].name, strnlen(b->node[i].name, NODE_NAME_SHOWN)));
        put_uint(j, "log_size", __atomic_load_n(&b->node[i].size, __ATOMIC_RELAXED));
        put_uint(j, "alarms", __atomic_load_n(&b->node[i].alarms, __ATOMIC_RELAXED));
        put_time(j, "heard", __atomic_load_n(&b->node[i].heard, __ATOMIC_RELAXED));
        json_object_end(j);
    }
    json_array_end(j);
}

static void put_ships(struct json *j, const struct serve_board *b)
{
    uint32_t n = __atomic_load_n(&b->ships, __ATOMIC_ACQUIRE);
    json_key(j, "ship");
    json_array(j);
    for (uint32_t i = 0; i < n && i < SERVE_SHARDS_MAX; i++) {
        const struct serve_ship *s = &b->ship[i];
        json_object(j);
        json_key(j, "shard");
        json_span(j, span_of(s->name, strnlen(s->name, sizeof s->name)));
        json_key(j, "up");
        json_bool(j, __atomic_load_n(&s->up, __ATOMIC_RELAXED) != 0);
        put_uint(j, "position", __atomic_load_n(&s->position, __ATOMIC_RELAXED));
        put_uint(j, "lag", __atomic_load_n(&s->lag, __ATOMIC_RELAXED));
        put_uint(j, "rows", __atomic_load_n(&s->rows, __ATOMIC_RELAXED));
        put_uint(j, "retries", __atomic_load_n(&s->retries, __ATOMIC_RELAXED));
        json_object_end(j);
    }
    json_array_end(j);
}

void serve_status_json(const struct serve_shared *s, const struct serve_rates *rates,
                       struct buf *out)
{
    struct json j = json_to(out);
    struct net_counters totals;
    const struct serve_board *b = s->board;
    serve_totals(s, &totals);
    json_object(&j);
    json_key(&j, "running");
    json_bool(&j, true);
    put_time(&j, "since", b->supervisor.since);
    put_uint(&j, "reloads", b->reloads);
    json_key(&j, "processes");
    json_array(&j);
    put_process(&j, "supervisor", &b->supervisor);
    put_process(&j, "recorder", &b->recorder);
    put_process(&j, "desk", &b->desk);
    put_process(&j, "courier", &b->courier);
    put_process(&j, "partners", &b->partners);
    put_process(&j, "public", &b->public);
    put_process(&j, "keeper", &b->keeper);
    put_process(&j, "centre", &b->centre);
    put_process(&j, "shipper", &b->shipper);
    json_array_end(&j);
    json_key(&j, "recorder");
    put_recorder(&j, s);
    json_key(&j, "sensors");
    json_array(&j);
    for (unsigned i = 0; i < s->n_slots; i++)
        if (b->sensor[i].pid || s->slot[i].counters->recorded)
            put_sensor(&j, s, i);
    json_array_end(&j);
    json_key(&j, "rates");
    put_rates(&j, rates);
    put_nodes(&j, b);
    put_ships(&j, b);
    put_uint(&j, "drops", totals.dropped);
    json_object_end(&j);
}

/* ---- for people ---- */

static void line_process(struct buf *out, const char *role, const struct serve_process *p)
{
    char since[UTC_TEXT_MAX];
    if (!p->pid) {
        buf_printf(out, "%s\tnot running, %u restarts\n", role, p->restarts);
        return;
    }
    utc_format(p->since, since);
    buf_printf(out, "%s\tpid %d since %.19sZ, %u restarts\n", role, p->pid, since, p->restarts);
}

static void line_rate(struct buf *out, const char *what, uint64_t total, uint64_t grown,
                      double seconds)
{
    buf_printf(out, "%s\t%llu, %.0f/s\n", what, (unsigned long long)total,
               seconds > 0 ? (double)grown / seconds : 0);
}

static void line_rings(struct buf *out, const struct serve_shared *s)
{
    uint64_t deepest = 0;
    for (unsigned i = 0; i < s->n_slots; i++) {
        struct ring ring = {.shared = s->slot[i].ring};
        uint64_t depth = ring_depth(&ring);
        deepest = depth > deepest ? depth : deepest;
    }
    buf_printf(out, "fullest ring\t%.1f %%\n", 100.0 * (double)deepest / (double)s->ring_capacity);
}

void serve_status_lines(const struct serve_shared *s, const struct serve_rates *rates,
                        struct buf *out)
{
    const struct serve_board *b = s->board;
    struct net_counters t;
    serve_totals(s, &t);
    line_process(out, "supervisor", &b->supervisor);
    line_process(out, "recorder", &b->recorder);
    line_process(out, "desk", &b->desk);
    line_process(out, "courier", &b->courier);
    if (b->partners.pid || b->partners.restarts)
        line_process(out, "partners", &b->partners);
    if (b->public.pid || b->public.restarts)
        line_process(out, "public", &b->public);
    if (b->keeper.pid || b->keeper.restarts)
        line_process(out, "keeper", &b->keeper);
    if (b->centre.pid || b->centre.restarts)
        line_process(out, "centre", &b->centre);
    if (b->shipper.pid || b->shipper.restarts)
        line_process(out, "shipper", &b->shipper);
    for (uint32_t i = 0; i < b->ships && i < SERVE_SHARDS_MAX; i++)
        buf_printf(out, "shard %.64s\t%s, at entry %llu, %llu behind\n", b->ship[i].name,
                   b->ship[i].up ? "up" : "takes nothing",
                   (unsigned long long)b->ship[i].position, (unsigned long long)b->ship[i].lag);
    for (uint32_t i = 0; i < b->nodes && i < SERVE_NODES_MAX; i++)
        if (b->node[i].alarms)
            buf_printf(out, "node %.64s\t%u alarm%s, see `ebb node check`\n", b->node[i].name,
                       b->node[i].alarms, b->node[i].alarms == 1 ? "" : "s");
    for (unsigned i = 0; i < s->n_slots; i++)
        if (b->sensor[i].pid || b->sensor[i].restarts)
            line_process(out, "sensor", &b->sensor[i]);
    line_rate(out, "recorded", t.recorded, rates->grown.recorded, rates->seconds);
    line_rate(out, "DNS queries", t.dns_queries, rates->grown.dns_queries, rates->seconds);
    line_rate(out, "HTTP requests", t.http_requests, rates->grown.http_requests, rates->seconds);
    line_rate(out, "mails", t.smtp_mails, rates->grown.smtp_mails, rates->seconds);
    line_rate(out, "raw", t.raw_connections + t.raw_datagrams,
              rates->grown.raw_connections + rates->grown.raw_datagrams, rates->seconds);
    uint64_t refused =
        t.dns_refused + t.http_refused + t.tls_refused + t.smtp_refused + t.raw_refused;
    buf_printf(out, "outside authority\t%llu\n", (unsigned long long)refused);
    buf_printf(out, "connections\t%llu open, %llu accepted\n", (unsigned long long)t.connections,
               (unsigned long long)t.accepted);
    buf_printf(out, "dropped\t%llu\n", (unsigned long long)t.dropped);
    line_rings(out, s);
    buf_printf(out, "assets in force\t%llu\n", (unsigned long long)b->figures.assets);
    buf_printf(out, "lag\t%.1f ms\n", (double)b->figures.lag_us / 1000);
    if (b->figures.storage_full)
        buf_str(out, "disk\tFULL: recording has stopped until there is room\n");
}
