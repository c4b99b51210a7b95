#include "sim/capture.h"

#include <errno.h>
#include <stdlib.h>

#include "base/utc.h"
#include "sim/message.h"
#include "sim/packet.h"

#define FLOWS_MAX (1u << 24) /* connections at one time */

/* The packets of a connection, in order. The sniffer stands beside the sinkhole: its answers follow
 * at once, the client's after a round trip. */
enum step {
    SYN,
    SYN_ACK,
    ACK,
    REQUEST,
    REQUEST_ACK,
    RESPONSE,
    FIN,
    FIN_ACK,
    CLIENT_FIN,
    LAST_ACK,
    DONE
};

struct flow {
    int64_t time;   /* of its next packet, microseconds */
    uint64_t order; /* keeps packets of one microsecond in a fixed order */
    struct model_checkin of;
    uint32_t day, round_trip, client_seq, sensor_seq;
    uint16_t request_len, response_len, id;
    uint8_t ttl, step;
};

struct capture {
    const struct model *m;
    struct sink *to;
    uint64_t packets_max, started;
    struct truth_capture counts;
    uint32_t days_max;
    struct flow *flows; /* a heap, the earliest next packet first */
    size_t n, cap;
    struct buf request, response;
    struct ip *sensors;
};

int capture_new(const struct model *m, struct sink *to, uint32_t days, uint64_t packets_max,
                struct capture **out, struct err *err)
{
    struct capture *c = calloc(1, sizeof *c);
    *out = NULL;
    if (c)
        c->sensors = calloc(m->s->sensors_count, sizeof *c->sensors);
    if (!c || !c->sensors) {
        free(c);
        return err_set(err, -ENOMEM, "capture: no memory");
    }
    c->m = m;
    c->to = to;
    c->days_max = days ? days : UINT32_MAX;
    c->packets_max = packets_max ? packets_max : UINT64_MAX;
    c->counts.written = true;
    for (unsigned i = 0; i < m->s->sensors_count; i++)
        ip_parse(span_str(m->s->sensors[i]), &c->sensors[i]);
    packet_file_header(sink_buf(to));
    *out = c;
    return 0;
}

void capture_free(struct capture *c)
{
    if (!c)
        return;
    buf_free(&c->request);
    buf_free(&c->response);
    free(c->flows);
    free(c->sensors);
    free(c);
}

struct truth_capture capture_counts(const struct capture *c)
{
    return c->counts;
}

static bool before(const struct flow *a, const struct flow *b)
{
    return a->time != b->time ? a->time < b->time : a->order < b->order;
}

static void sift_down(struct capture *c)
{
    size_t i = 0;
    struct flow moving = c->flows[0];
    for (;;) {
        size_t k = 2 * i + 1;
        if (k + 1 < c->n && before(&c->flows[k + 1], &c->flows[k]))
            k++;
        if (k >= c->n || !before(&c->flows[k], &moving))
            break;
        c->flows[i] = c->flows[k];
        i = k;
    }
    c->flows[i] = moving;
}

static int push(struct capture *c, const struct flow *f, struct err *err)
{
    if (c->n == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 1024;
        struct flow *grown = cap <= FLOWS_MAX ? realloc(c->flows, cap * sizeof *grown) : NULL;
        if (!grown)
            return err_set(err, -ENOMEM, "capture: too many connections at one time");
        c->flows = grown;
        c->cap = cap;
    }
    size_t i = c->n++;
    for (; i && before(f, &c->flows[(i - 1) / 2]); i = (i - 1) / 2)
        c->flows[i] = c->flows[(i - 1) / 2];
    c->flows[i] = *f;
    return 0;
}

static enum scenario_kind kind_of(const struct capture *c, const struct flow *f)
{
    return c->m->s->families[f->of.family].kind;
}

/* Which packet follows, and how long after. */
static void advance(const struct capture *c, struct flow *f)
{
    static const uint16_t wait[] = {
        [SYN_ACK] = 30, [ACK] = 0,     [REQUEST] = 200,    [REQUEST_ACK] = 40, [RESPONSE] = 300,
        [FIN] = 20,     [FIN_ACK] = 0, [CLIENT_FIN] = 100, [LAST_ACK] = 30,    [DONE] = 0};
    if (kind_of(c, f) == SCENARIO_DNS) {
        f->step = f->step == REQUEST ? RESPONSE : DONE;
        f->time += 60;
        return;
    }
    f->step++;
    if (f->step == REQUEST && !f->request_len)
        f->step = FIN;
    if (f->step == RESPONSE && !f->response_len)
        f->step = FIN;
    f->time += wait[f->step];
    if (f->step == ACK || f->step == FIN_ACK)
        f->time += f->round_trip;
}

static void make_messages(struct capture *c, const struct flow *f)
{
    c->request.n = c->response.n = 0;
    message_request(c->m, &f->of, f->day, &c->request);
    message_response(c->m, &f->of, buf_as_span(&c->request), &c->response);
}

/* Sequence numbers and flags of a connection's packet. */
static void fill_tcp(const struct flow *f, struct packet *p)
{
    uint32_t client = f->client_seq + (f->step > SYN) + (f->step > REQUEST ? f->request_len : 0) +
                      (f->step > CLIENT_FIN);
    uint32_t sensor = f->sensor_seq + (f->step > SYN_ACK) +
                      (f->step > RESPONSE ? f->response_len : 0) + (f->step > FIN);
    p->flags = f->step == SYN ? PACKET_SYN : PACKET_ACK;
    if (f->step == SYN_ACK)
        p->flags |= PACKET_SYN;
    if (f->step == FIN || f->step == CLIENT_FIN)
        p->flags |= PACKET_FIN;
    if (f->step == REQUEST || f->step == RESPONSE)
        p->flags |= PACKET_PSH;
    p->seq = p->inward ? client : sensor;
    p->ack = f->step == SYN ? 0 : p->inward ? sensor : client;
}

static bool is_inward(const struct flow *f)
{
    return f->step == SYN || f->step == ACK || f->step == REQUEST || f->step == FIN_ACK ||
           f->step == CLIENT_FIN;
}

static void write_packet(struct capture *c, const struct flow *f)
{
    struct ip host = pool_ip(c->m->pool, f->of.net, f->of.address);
    const struct ip *sensor = &c->sensors[f->of.sensor];
    uint16_t port = c->m->s->families[f->of.family].port;
    struct packet p = {.time = f->time, .inward = is_inward(f)};
    p.udp = kind_of(c, f) == SCENARIO_DNS;
    p.src = p.inward ? &host : sensor;
    p.dst = p.inward ? sensor : &host;
    p.src_port = p.inward ? f->of.port : port;
    p.dst_port = p.inward ? port : f->of.port;
    p.ttl = p.inward ? f->ttl : 64;
    p.id = p.inward ? (uint16_t)(f->id + f->step) : 0;
    p.window = 65535;
    fill_tcp(f, &p);
    if (f->step == REQUEST || f->step == RESPONSE) {
        make_messages(c, f);
        p.payload = buf_as_span(f->step == REQUEST ? &c->request : &c->response);
    }
    packet_put(sink_buf(c->to), &p);
    c->counts.packets++;
}

/* Writes what comes before a time. */
static int run_until(struct capture *c, int64_t time, struct err *err)
{
    while (c->n && c->flows[0].time < time) {
        write_packet(c, &c->flows[0]);
        advance(c, &c->flows[0]);
        if (c->flows[0].step == DONE)
            c->flows[0] = c->flows[--c->n];
        if (c->n)
            sift_down(c);
        int rc = sink_flush(c->to, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static void count_flow(struct capture *c, const struct flow *f)
{
    switch (kind_of(c, f)) {
    case SCENARIO_DNS:
        c->counts.queries++;
        return;
    case SCENARIO_HTTP:
        c->counts.requests++;
        break;
    case SCENARIO_RAW:
        c->counts.raw += f->request_len != 0;
        break;
    case SCENARIO_SMTP:
        c->counts.mails++;
        break;
    }
    c->counts.connections++;
}

static int start_flow(struct capture *c, uint32_t day, int64_t second,
                      const struct model_checkin *of, struct err *err)
{
    uint64_t whom = (uint64_t)of->role << 60 | of->whom;
    struct rng r = rng_stream(c->m->seed, RNG_FLOW, whom, (uint64_t)day << 16 | of->nth);
    struct flow f = {.of = *of, .day = day, .order = c->started++};
    f.time = second + rng_below(&r, UTC_SECOND);
    f.round_trip = 15000 + rng_below(&r, 300000);
    f.client_seq = (uint32_t)rng_next(&r);
    f.sensor_seq = (uint32_t)rng_next(&r);
    f.id = (uint16_t)rng_next(&r);
    f.ttl = (uint8_t)(128 - 5 - rng_below(&r, 18));
    make_messages(c, &f);
    f.request_len = (uint16_t)c->request.n;
    f.response_len = (uint16_t)c->response.n;
    f.step = kind_of(c, &f) == SCENARIO_DNS ? REQUEST : SYN;
    count_flow(c, &f);
    return push(c, &f, err);
}

int capture_day(struct capture *c, uint32_t day, const struct model_checkin *checkins, size_t n,
                struct err *err)
{
    if (day >= c->days_max)
        return 0;
    c->counts.days++;
    int64_t start = c->m->s->start_time + (int64_t)day * UTC_DAY;
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        int64_t second = start + checkins[i].second * UTC_SECOND;
        if (c->counts.packets >= c->packets_max) {
            c->counts.cut++;
            continue;
        }
        rc = run_until(c, second, err);
        if (rc == 0)
            rc = start_flow(c, day, second, &checkins[i], err);
    }
    return rc;
}

int capture_end(struct capture *c, struct err *err)
{
    return run_until(c, INT64_MAX, err);
}
