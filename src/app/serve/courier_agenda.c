/* What is due: queued reports, deferred ones whose pause is over, and no more a contact and day
 * than is allowed. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "app/serve/courier_clerk_impl.h"
#include "base/mem.h"
#include "base/utc.h"

#define DOUBLINGS_MAX 16
#define PAUSE_MAX     UTC_DAY /* between two attempts */

struct agenda {
    struct clerk *k;
    int64_t now;
};

int64_t clerk_due(const struct config_cleanup *c, int64_t tried, unsigned attempts)
{
    unsigned doublings = attempts > 1 ? attempts - 1 : 0;
    int64_t pause = (int64_t)c->retry_minutes * 60 * UTC_SECOND;
    for (unsigned i = 0; i < doublings && i < DOUBLINGS_MAX && pause < PAUSE_MAX; i++)
        pause *= 2;
    return tried ? tried + (pause < PAUSE_MAX ? pause : PAUSE_MAX) : 0;
}

static uint32_t contact_number(struct clerk *k, struct span contact)
{
    uint32_t number = texts_number(&k->contacts, contact);
    size_t before = k->cap_today;
    while (number >= k->cap_today)
        k->today = mem_room(k->today, k->cap_today, &k->cap_today, sizeof *k->today);
    memset(k->today + before, 0, (k->cap_today - before) * sizeof *k->today);
    return number;
}

static bool is_wanted(const struct agenda *a, const struct cleanup_report *r)
{
    const char *only = a->k->options.contact, *channel = a->k->options.channel;
    if (channel && !span_is(r->channel, channel))
        return false;
    return !only || (strlen(only) == r->contact.n &&
                     strncasecmp(only, (const char *)r->contact.p, r->contact.n) == 0);
}

static bool is_due(const struct agenda *a, const struct cleanup_report *r)
{
    return r->state == CLEANUP_QUEUED || clerk_due(a->k->config, r->tried, r->attempts) <= a->now;
}

static int look_at(void *ctx, const struct cleanup_report *r)
{
    struct agenda *a = ctx;
    struct clerk *k = a->k;
    if (!is_wanted(a, r))
        return 0;
    if (r->state == CLEANUP_QUEUED || r->state == CLEANUP_DEFERRED) {
        if (!is_due(a, r)) {
            k->sum.waiting++;
            return 0;
        }
        k->due = mem_room(k->due, k->n_due, &k->cap_due, sizeof *k->due);
        k->due[k->n_due++] = (struct clerk_due){r->report, contact_number(k, r->contact)};
    } else if (r->state != CLEANUP_CANCELLED && r->tried > a->now - UTC_DAY) {
        uint32_t number = contact_number(k, r->contact); /* moves k->today */
        k->today[number]++;
    }
    return 0;
}

void clerk_agenda_make(struct clerk *k)
{
    struct agenda a = {k, utc_now() + k->options.ahead};
    clerk_agenda_free(k);
    k->n_due = 0;
    k->sum.waiting = 0;
    cleanup_reports(k->c->cleanup, look_at, &a);
}

bool clerk_agenda_is_full(const struct clerk *k, const struct clerk_due *d)
{
    return k->today[d->contact] >= k->config->per_contact_day;
}

void clerk_agenda_sent(struct clerk *k, const struct clerk_due *d)
{
    k->today[d->contact]++;
}

void clerk_agenda_free(struct clerk *k)
{
    texts_free(&k->contacts);
    memset(&k->contacts, 0, sizeof k->contacts);
    free(k->today);
    k->today = NULL;
    k->cap_today = 0;
}
