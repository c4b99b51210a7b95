#include "app/serve_status.h"

#include "base/json.h"
#include "base/utc.h"

#define RATES_EVERY_MS 2000

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

void serve_status_json(const struct serve_shared *s, const struct serve_rates *rates, struct buf *out)
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
    put_uint(&j, "drops", totals.dropped);
    json_object_end(&j);
}
