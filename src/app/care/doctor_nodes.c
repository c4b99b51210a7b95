/* Doctor: many sinkholes, as far as this log knows: the centre's nodes, and the cluster. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/care/doctor.h"
#include "event/event.h"
#include "state/nodes.h"

#define SHIP_LAG_WARN 10000000 /* entries that a shard does not have yet */
#define SHIP_LOOK     2000000  /* entries from the log's end in which a SHIPPED is looked for */
#define SHARDS_MAX    64

struct nodes {
    struct doctor *d;
    unsigned n;
};

static int one_node(void *ctx, const struct node_entry *n)
{
    struct nodes *all = ctx;
    char name[NODE_NAME_LEN_MAX + 1];
    snprintf(name, sizeof name, "%.*s", (int)n->name.n, (const char *)n->name.p);
    if (node_is_gone(n, all->d->now))
        return 0;
    all->n++;
    if (n->alarms)
        doctor_say(all->d, DOCTOR_WRONG, name,
                   "doc/nodes.md: its log does not hold, or its key is in "
                   "other hands",
                   "%" PRIu64 " alarms, the newest is entry %" PRIu64, n->alarms, n->alarm_entry);
    else if (n->silent)
        doctor_say(all->d, DOCTOR_WARN, name, "look at the node, and the way to it",
                   "was not heard of since %.1f hours",
                   n->seen ? (double)(all->d->now - n->seen) / 3.6e9 : 0);
    else if (!n->seen_entry)
        doctor_say(all->d, DOCTOR_WARN, name, "ebb node push on the node", "was never heard of");
    return 0;
}

static void nodes(struct doctor *d)
{
    struct nodes all = {.d = d};
    if (d->views)
        nodes_list(d->c.pursuit, one_node, &all, NULL);
    if (!all.n)
        doctor_say(d, DOCTOR_SKIPPED, "", "", "this log is no centre of others");
    else if (!d->rows)
        doctor_say(d, DOCTOR_OK, "", "", "%u nodes, without alarms", all.n);
}

/* ---- cluster ---- */

/* How far each shard is, as the newest SHIPPED near the log's end says. */
static void look_back(struct doctor *d, const struct config_cluster *c, uint64_t *at, uint64_t size)
{
    struct journal_cursor *cursor;
    struct act_shipped a;
    struct entry e;
    uint64_t from = size > SHIP_LOOK ? size - SHIP_LOOK : 0;
    if (journal_cursor_open(d->c.journal, from, &cursor, NULL) < 0)
        return;
    while (journal_cursor_next(cursor, &e, NULL) == 1) {
        if (e.header.kind != KIND_SHIPPED || act_shipped_read(e.payload, &a) < 0)
            continue;
        for (unsigned i = 0; i < c->shards_count && i < SHARDS_MAX; i++)
            if (span_is(a.shard, c->shards[i].name) && a.position > at[i])
                at[i] = a.position;
    }
    journal_cursor_close(cursor);
}

static void cluster(struct doctor *d)
{
    const struct config_cluster *c = d->c.config ? &d->c.config->cluster : NULL;
    uint64_t at[SHARDS_MAX] = {0}, size = d->c.journal ? journal_committed(d->c.journal) : 0;
    if (!c || !c->ship || !c->shards_count || !size) {
        doctor_say(d, DOCTOR_SKIPPED, "", "", "ebb.yaml ships nothing");
        return;
    }
    look_back(d, c, at, size);
    for (unsigned i = 0; i < c->shards_count && i < SHARDS_MAX; i++) {
        uint64_t lag = size > at[i] ? size - at[i] : 0;
        if (!at[i] && size > SHIP_LOOK)
            doctor_say(d, DOCTOR_WARN, c->shards[i].name, "ebb cluster; journalctl: the shipper",
                       "nothing was shipped within the last %d entries", SHIP_LOOK);
        else if (lag > SHIP_LAG_WARN)
            doctor_say(d, DOCTOR_WARN, c->shards[i].name, "ebb cluster; journalctl: the shipper",
                       "%" PRIu64 " entries behind", lag);
        else
            doctor_say(d, DOCTOR_OK, c->shards[i].name, "", "%" PRIu64 " entries behind", lag);
    }
}

const struct doctor_check doctor_node_checks[] = {{"nodes", nodes}, {"cluster", cluster}, {0}};
