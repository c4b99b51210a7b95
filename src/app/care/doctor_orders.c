/* Doctor: what may be done, and until when. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/care/doctor.h"

#define WITHIN_DAYS 14

struct tally {
    struct doctor *d;
    unsigned orders, in_force, over;
};

static int one_order(void *ctx, const struct casebook_order *o)
{
    struct tally *t = ctx;
    char id[128];
    snprintf(id, sizeof id, "%.*s", (int)o->act.id.n, (const char *)o->act.id.p);
    t->orders++;
    bool open = o->state == CASEBOOK_OPEN || o->state == CASEBOOK_EXPIRING;
    t->in_force += open;
    bool over = o->state == CASEBOOK_EXPIRED || o->state == CASEBOOK_CLOSED;
    if (over && (o->assets || o->lists)) {
        t->over++;
        doctor_say(
            t->d, DOCTOR_WRONG, id,
            "a new order for them, or `ebb case asset release`: they are not answered any more",
            "the order is %s, and %" PRIu64 " assets and %" PRIu64 " lists are still under it",
            casebook_state_name(o->state), o->assets, o->lists);
    } else if (open && !o->assets && !o->lists) {
        doctor_say(t->d, DOCTOR_WARN, id, "ebb case asset add",
                   "in force, and nothing is seized under it");
    }
    return 0;
}

static void orders(struct doctor *d)
{
    struct tally t = {.d = d};
    struct casebook_clock clock = {d->now, WITHIN_DAYS * UTC_DAY};
    if (!d->views) {
        doctor_say(d, DOCTOR_SKIPPED, "", "", "the casebook cannot be read");
        return;
    }
    casebook_orders(d->c.casebook, &clock, one_order, &t, NULL);
    bool serves = d->c.config && d->c.config->serve.listen_count;
    if (!t.in_force && serves)
        doctor_say(d, DOCTOR_WARN, "", "ebb case order add",
                   "there are listeners and no order in force: nothing is answered as seized");
    else if (!d->rows)
        doctor_say(d, t.orders ? DOCTOR_OK : DOCTOR_SKIPPED, "", "",
                   t.orders ? "%u of %u in force" : "there are none", t.in_force, t.orders);
}

/* Orders, assets, registrations that end within WITHIN_DAYS. */
static void endings(struct doctor *d)
{
    struct buf text = {0};
    if (!d->views) {
        doctor_say(d, DOCTOR_SKIPPED, "", "", "the casebook cannot be read");
        return;
    }
    casebook_warnings(d->c.casebook, d->now, WITHIN_DAYS, &text);
    for (struct cur at = cur_of(buf_as_span(&text)); cur_left(&at);) {
        struct span line = cur_line(&at);
        doctor_say(d, DOCTOR_WARN, "", "prolong it, or prepare for its end", "%.*s", (int)line.n,
                   (const char *)line.p);
    }
    buf_free(&text);
    if (!d->rows)
        doctor_say(d, DOCTOR_OK, "", "", "nothing ends within %d days", WITHIN_DAYS);
}

const struct doctor_check doctor_order_checks[] = {{"orders", orders}, {"ends soon", endings}, {0}};
