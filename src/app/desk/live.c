#include "app/desk/live.h"

#include <string.h>
#include <sys/statfs.h>

#include "app/casedir.h"
#include "app/desk/api_impl.h"
#include "app/serve/metrics.h"

#define LOAD(place) __atomic_load_n(&(place), __ATOMIC_RELAXED)

/* Check-ins by protocol: whichever counter says that one came. */
static const struct {
    const char *name;
    size_t counter[2]; /* offsets in net_counters; 0: none */
} protocols[] = {
#define AT(field) offsetof(struct net_counters, field)
    {"dns", {AT(dns_queries), 0}},
    {"http", {AT(http_requests), 0}},
    {"smtp", {AT(smtp_mails), 0}},
    {"raw", {AT(raw_connections), AT(raw_datagrams)}},
#undef AT
};

static uint64_t counter(const struct net_counters *c, const size_t at[2])
{
    uint64_t sum = 0, one;
    for (unsigned i = 0; i < 2; i++)
        if (i == 0 || at[i]) {
            memcpy(&one, (const char *)c + at[i], sizeof one);
            sum += one;
        }
    return sum;
}

static double per_second(uint64_t grown, const struct serve_rates *r)
{
    return r->seconds > 0 ? (double)grown / r->seconds : 0;
}

static void put_double(struct json *j, const char *key, double v, int decimals)
{
    json_key(j, key);
    json_double(j, v, decimals);
}

static void put_checkins(struct json *j, const struct serve_shared *s, const struct serve_rates *r)
{
    struct net_counters totals;
    serve_totals(s, &totals);
    put_double(j, "events_per_s", per_second(r->grown.recorded, r), 1);
    json_key(j, "checkins");
    json_object(j);
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++) {
        json_key(j, protocols[i].name);
        json_object(j);
        view_uint(j, "total", counter(&totals, protocols[i].counter));
        put_double(j, "per_s", per_second(counter(&r->grown, protocols[i].counter), r), 1);
        json_object_end(j);
    }
    json_object_end(j);
}

static double ring_fill(const struct serve_shared *s)
{
    uint64_t deepest = 0;
    for (unsigned i = 0; i < s->n_slots; i++) {
        struct ring ring = {.shared = s->slot[i].ring};
        uint64_t depth = ring_depth(&ring);
        deepest = depth > deepest ? depth : deepest;
    }
    if (deepest > s->ring_capacity)
        deepest = s->ring_capacity;
    return s->ring_capacity ? (double)deepest / (double)s->ring_capacity : 0;
}

static void put_views(struct json *j, const struct serve_board *b, uint64_t size)
{
    json_key(j, "views");
    json_array(j);
    for (unsigned i = 0; casedir_view_names[i]; i++) {
        uint64_t at = LOAD(b->view[i]);
        bool keeps = 1u << i & VIEW_ON_DEMAND;
        if (keeps && LOAD(b->keeper.pid) <= 0)
            continue;
        json_object(j);
        view_str(j, "name", casedir_view_names[i]);
        view_str(j, "by", keeps ? "keeper" : "recorder");
        view_uint(j, "position", at);
        view_uint(j, "lag", size > at ? size - at : 0);
        json_object_end(j);
    }
    json_array_end(j);
}

static void put_storage(struct json *j, const struct serve_figures *f, const char *case_dir)
{
    struct statfs fs;
    bool known = statfs(case_dir, &fs) == 0;
    json_key(j, "storage");
    json_object(j);
    view_bool(j, "full", LOAD(f->storage_full) != 0);
    view_index(j, "free_bytes", known ? (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize : 0);
    view_index(j, "total_bytes", known ? (uint64_t)fs.f_blocks * (uint64_t)fs.f_bsize : 0);
    json_object_end(j);
}

static void put_reasons(struct json *j, const struct serve_shared *s)
{
    struct buf text = {0};
    unsigned n = metrics_not_ready(&text, s);
    struct cur c = cur_of(buf_as_span(&text));
    view_bool(j, "ready", n == 0);
    json_key(j, "not_ready");
    json_array(j);
    while (cur_left(&c))
        json_span(j, cur_line(&c));
    json_array_end(j);
    buf_free(&text);
}

void live_put(const struct serve_shared *s, const struct serve_rates *rates, const char *case_dir,
              struct buf *out)
{
    struct json j = json_to(out);
    uint64_t size = LOAD(s->board->figures.log_size);
    json_object(&j);
    view_when(&j, "now", utc_now());
    view_uint(&j, "log_size", size);
    put_reasons(&j, s);
    put_checkins(&j, s, rates);
    put_double(&j, "ring_fill", ring_fill(s), 4);
    put_views(&j, s->board, size);
    put_storage(&j, &s->board->figures, case_dir);
    json_key(&j, "serve");
    serve_status_json(s, rates, out);
    j.comma = true;
    json_object_end(&j);
    json_newline(&j);
}

int now_live(struct desk_api *a, const struct desk_session *s, struct web_request *r,
             struct web_reply *reply)
{
    (void)s;
    (void)r;
    live_put(a->setup.role->shared, &a->rates, api_case_dir(a), &reply->body);
    return WEB_NOW;
}

int now_openapi(struct desk_api *a, const struct desk_session *s, struct web_request *r,
                struct web_reply *reply)
{
    (void)a;
    (void)s;
    (void)r;
    reply->borrowed = desk_openapi;
    return WEB_NOW;
}
