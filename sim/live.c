#include "sim/live.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "sim/live_socket.h"
#include "sim/options.h"
#include "sim/progress.h"
#include "sim/sink.h"

#define TEND_US 20000 /* between two looks at answers */

#define FIRST_LOOPBACK                                                                             \
    0x7f010000u /* 127.1.0.0: the ones below are left to others on the machine                     \
                 */
#define LOOPBACKS (0x7fffffffu - FIRST_LOOPBACK)

static const char *const kinds[] = {"http", "dns", "raw", "smtp"};

/* What an observer should find. */
struct tally {
    uint64_t contacts, addresses;
    uint64_t *ever;
};

struct live {
    const struct options *o;
    const struct model *m;
    struct live_target target;
    struct live_udp *udp;
    struct live_tcp *tcp;
    uint64_t sent, by_kind[4];
    struct tally *tallies; /* families, then the scanners, then all */
    unsigned n_tallies;
    int64_t begun;
};

int live_check(const struct live_target *t, const struct model *m, struct err *err)
{
    char text[IP_TEXT_MAX];
    ip_format(&t->to, text);
    if (!live_is_loopback(&t->to))
        return err_set(err, -EINVAL, "--to: only loopback addresses are spoken to (%s)", text);
    if (!t->proxy && !ip_is_v4(&t->to))
        return err_set(err, -EINVAL, "--to: ::1 is one source address only; with it, give --proxy");
    if (!t->proxy && m->pool->n > LOOPBACKS)
        return err_set(err, -EINVAL, "--proxy: the scenario has more addresses than 127.0.0.0/8");
    return 0;
}

struct ip live_source(const struct live_target *t, const struct live_contact *c)
{
    return t->proxy ? pool_ip(c->m->pool, c->c->net, c->c->address)
                    : ip_from_v4(FIRST_LOOPBACK + c->c->address);
}

struct ip live_destination(const struct live_target *t, const struct live_contact *c)
{
    struct ip ip = t->to;
    if (t->proxy)
        ip_parse(span_str(c->m->s->sensors[c->c->sensor]), &ip);
    return ip;
}

/* ---- the truth ---- */

static int tallies_new(struct live *l, struct err *err)
{
    l->n_tallies = l->m->s->families_count + 2;
    l->tallies = calloc(l->n_tallies, sizeof *l->tallies);
    for (unsigned i = 0; l->tallies && i < l->n_tallies; i++)
        if (!(l->tallies[i].ever = calloc(l->m->pool->n / 64 + 1, sizeof(uint64_t))))
            return err_set(err, -ENOMEM, "truth: no memory");
    return l->tallies ? 0 : err_set(err, -ENOMEM, "truth: no memory");
}

static void tally(struct tally *t, uint32_t address)
{
    uint64_t bit = 1ull << (address % 64), *word = &t->ever[address / 64];
    t->contacts++;
    t->addresses += !(*word & bit);
    *word |= bit;
}

static void count(struct live *l, const struct model_checkin *c)
{
    unsigned of = c->role == MODEL_SCANNER ? l->n_tallies - 2 : c->family;
    tally(&l->tallies[of], c->address);
    tally(&l->tallies[l->n_tallies - 1], c->address);
    l->by_kind[l->m->s->families[c->family].kind]++;
    l->sent++;
}

static void put_tally(struct json *j, const struct tally *t)
{
    json_key(j, "contacts");
    json_uint(j, t->contacts);
    json_key(j, "addresses");
    json_uint(j, t->addresses);
}

static void put_truth(struct live *l, const struct live_counts *n, double seconds, struct buf *out)
{
    struct json j = json_to(out);
    json_object(&j);
    json_key(&j, "scenario");
    json_str(&j, l->o->scenario);
    put_tally(&j, &l->tallies[l->n_tallies - 1]);
    json_key(&j, "answered");
    json_uint(&j, n->answered);
    json_key(&j, "failed");
    json_uint(&j, n->failed);
    json_key(&j, "resent");
    json_uint(&j, n->resent);
    json_key(&j, "seconds");
    json_double(&j, seconds, 3);
    json_key(&j, "protocols");
    json_object(&j);
    for (unsigned i = 0; i < 4; i++) {
        json_key(&j, kinds[i]);
        json_uint(&j, l->by_kind[i]);
    }
    json_object_end(&j);
    json_key(&j, "families");
    json_array(&j);
    for (unsigned i = 0; i < l->m->s->families_count; i++) {
        json_object(&j);
        json_key(&j, "family");
        json_str(&j, l->m->s->families[i].name);
        put_tally(&j, &l->tallies[i]);
        json_object_end(&j);
    }
    json_array_end(&j);
    json_key(&j, "scanners");
    json_object(&j);
    put_tally(&j, &l->tallies[l->n_tallies - 2]);
    json_object_end(&j);
    json_object_end(&j);
    json_newline(&j);
}

/* ---- playing ---- */

/* Not faster than --rate. Meanwhile the contacts that are under way go on: at a few a second a full
 * window would keep the first of them waiting until the other side has given up. */
static int keep_rate(struct live *l, struct err *err)
{
    int64_t due = l->o->rate <= 0 ? 0 : l->begun + (int64_t)((double)l->sent / l->o->rate * 1e6);
    int rc = 0;
    for (int64_t wait; rc == 0 && (wait = due - clock_us()) > 1000;) {
        rc = live_udp_tend(l->udp, err);
        live_tcp_tend(l->tcp, wait > TEND_US ? TEND_US / 1000 : (int)(wait / 1000));
    }
    return rc;
}

static bool is_over(const struct live *l)
{
    return (l->o->contacts && l->sent >= l->o->contacts) ||
           (l->o->seconds && clock_us() - l->begun >= (int64_t)l->o->seconds * 1000000);
}

static int play_day(struct live *l, uint32_t day, const struct model_checkin *checkins, size_t n,
                    struct err *err)
{
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0 && !is_over(l); i++) {
        struct live_contact c = {l->m, &checkins[i], day};
        enum scenario_kind kind = l->m->s->families[checkins[i].family].kind;
        if (!l->target.port[kind])
            continue;
        rc = keep_rate(l, err);
        if (rc == 0)
            rc = kind == SCENARIO_DNS ? live_udp_contact(l->udp, &c, err)
                                      : live_tcp_contact(l->tcp, &c, err);
        if (rc == 0)
            count(l, &checkins[i]);
    }
    return rc;
}

static int play(struct live *l, struct model *m, uint32_t days, struct err *err)
{
    struct progress progress;
    int rc = 0;
    progress_begin(&progress, l->o->quiet);
    for (uint32_t day = 0; day < days && rc == 0 && !is_over(l); day++) {
        const struct model_checkin *checkins;
        struct model_day facts;
        size_t n;
        rc = model_run_day(m, day, &facts, &checkins, &n, err);
        if (rc == 0)
            rc = play_day(l, day, checkins, n, err);
        progress_show(&progress, day + 1, days, l->sent);
    }
    progress_end(&progress);
    return rc;
}

static int write_truth(struct live *l, const struct live_counts *counts, double seconds,
                       struct err *err)
{
    struct sink *to;
    int rc = sink_open(l->o->truth ? l->o->truth : "-", &to, err);
    if (rc < 0)
        return rc;
    put_truth(l, counts, seconds, sink_buf(to));
    return sink_close(to, err);
}

int live_run(const struct options *o, struct model *m, uint32_t days, struct err *err)
{
    struct live l = {.o = o, .m = m};
    struct live_counts counts = {0};
    l.target = (struct live_target){.port = {o->http_port, o->dns_port, o->raw_port, o->smtp_port},
                                    .proxy = o->proxy,
                                    .window = 256};
    if (!ip_parse(span_str(o->to), &l.target.to))
        return err_set(err, -EINVAL, "--to: not an address (%s)", o->to);
    int rc = live_check(&l.target, m, err);
    if (rc == 0)
        rc = tallies_new(&l, err);
    if (rc == 0)
        rc = live_udp_new(&l.target, &l.udp, err);
    if (rc == 0)
        rc = live_tcp_new(&l.target, &l.tcp, err);
    l.begun = clock_us();
    if (rc == 0)
        rc = play(&l, m, days, err);
    int udp = l.udp ? live_udp_end(l.udp, &counts, rc == 0 ? err : NULL) : 0;
    int tcp = l.tcp ? live_tcp_end(l.tcp, &counts, rc == 0 && udp == 0 ? err : NULL) : 0;
    double seconds = (double)(clock_us() - l.begun) / 1e6;
    rc = rc < 0 ? rc : udp < 0 ? udp : tcp;
    if (rc == 0)
        rc = write_truth(&l, &counts, seconds, err);
    for (unsigned i = 0; l.tallies && i < l.n_tallies; i++)
        free(l.tallies[i].ever);
    free(l.tallies);
    return rc;
}
