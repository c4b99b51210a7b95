/* Shipper of `ebb serve`: ships what is observed to the cluster, where cluster.ship says so. Two
 * processes, like the courier: the post (cluster/ship_post.h) connects to the shards and has no
 * file; this one reads the case, records positions over the control socket, and may not connect
 * out. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "app/cluster/ship.h"
#include "app/ctl.h"
#include "app/serve/roles.h"
#include "app/serve/sandbox.h"
#include "base/clock.h"
#include "base/log.h"

#define TURN_MS 200
#define AGAIN_MS                                                                                   \
    10000 /* after what may go away by itself: another who ships, a password's file                \
           */

struct shipper {
    const struct role_setup *setup;
    struct casedir c;
    struct ship_post *post;
    struct ship *ship;
    int lock;
    bool stop;
};

static bool heed(void *ctx)
{
    struct shipper *x = ctx;
    x->stop = x->stop || !role_goes_on(x->setup->link);
    return x->stop;
}

static void nap(struct shipper *x, int ms)
{
    x->stop = x->stop || !role_nap(x->setup->link, ms);
}

static int record(void *ctx, const struct act_shipped *shipped, struct err *err)
{
    struct shipper *x = ctx;
    struct buf payload = {0};
    struct ctl_reply reply = {0};
    act_shipped(&payload, shipped);
    struct ctl_request request = {
        .verb = CTL_ACT, .kind = KIND_SHIPPED, .payload = buf_as_span(&payload)};
    int rc = ctl_call(x->setup->case_dir, &request, &reply, err);
    if (rc != 0) /* positions are asked of the shards again: it is no loss, and tried again */
        log_line(LOG_WARN, "a shard's position could not be recorded", "shard=%.*s why=\"%s\"",
                 (int)shipped->shard.n, (const char *)shipped->shard.p,
                 rc == 1 ? "the recorder does not answer" : err->text);
    buf_free(&reply.text);
    buf_free(&payload);
    return 0;
}

/* The process that connects does not see what the roles share. */
static void in_post(void *ctx)
{
    struct shipper *x = ctx;
    close(x->setup->link);
    close(x->lock);
    serve_shared_drop(x->setup->shared);
}

/* Before the sandbox: the lock, the shards' addresses, the process that talks to them. 1: not now.
 */
static int begin(struct shipper *x, struct err *err)
{
    int rc = ship_lock(x->setup->case_dir, &x->lock, err);
    if (rc == 1)
        err_set(err, -EBUSY, "`ebb cluster ship` is at it");
    if (rc)
        return rc;
    rc = ship_post_start(x->setup->config, ship_data_max(x->setup->config), in_post, x, &x->post,
                         err);
    if (rc < 0) {
        close(x->lock);
        x->lock = -1;
    }
    return rc;
}

static void begin_some_time(struct shipper *x)
{
    struct err err;
    for (bool said = false; !x->stop && !x->post;) {
        int rc = begin(x, &err);
        if (rc && !said)
            log_line(LOG_WARN, "nothing can be shipped", "why=\"%s\"", err.text);
        said = said || rc;
        if (rc)
            nap(x, AGAIN_MS);
    }
}

static int open_ship(struct shipper *x, struct err *err)
{
    const struct ship_ways ways = {
        .record = record, .stopped = heed, .ctx = x, .wake = x->setup->link, .limit = UINT64_MAX};
    x->c.quiet = true;
    int rc = casedir_open(&x->c, x->setup->case_dir, JOURNAL_READ, err);
    if (rc == 0)
        rc = casedir_views(&x->c, VIEW_PURSUIT, err);
    if (rc == 0)
        rc = casedir_load_views(&x->c, VIEW_REGISTRY | VIEW_SPAM, err);
    return rc == 0 ? ship_open(&x->c, x->post, &ways, &x->ship, err) : rc;
}

static void show(struct shipper *x)
{
    struct serve_board *b = x->setup->shared->board;
    uint64_t size = journal_committed(x->c.journal);
    for (unsigned i = 0; i < ship_shards(x->ship) && i < SERVE_SHARDS_MAX; i++) {
        struct serve_ship *to = &b->ship[i];
        struct ship_status st;
        ship_status(x->ship, i, &st);
        if (!to->name[0])
            for (unsigned k = 0; k + 1 < sizeof to->name && st.name[k]; k++)
                to->name[k] =
                    st.name[k] == '"' || st.name[k] == '\\' || st.name[k] < 0x20 ? '_' : st.name[k];
        __atomic_store_n(&to->position, st.position, __ATOMIC_RELAXED);
        __atomic_store_n(&to->lag, size > st.position ? size - st.position : 0, __ATOMIC_RELAXED);
        __atomic_store_n(&to->rows, st.rows, __ATOMIC_RELAXED);
        __atomic_store_n(&to->batches, st.batches, __ATOMIC_RELAXED);
        __atomic_store_n(&to->retries, st.retries, __ATOMIC_RELAXED);
        __atomic_store_n(&to->up, st.up, __ATOMIC_RELAXED);
    }
    __atomic_store_n(&b->ships, ship_shards(x->ship), __ATOMIC_RELEASE);
}

static int run(struct shipper *x, struct err *err)
{
    int rc = open_ship(x, err);
    while (rc >= 0 && !heed(x)) {
        rc = ship_turn(x->ship, TURN_MS, err);
        show(x);
    }
    if (rc >= 0)
        rc = ship_record(x->ship, err);
    return rc < 0 ? rc : 0;
}

int shipper_run(const struct role_setup *setup, struct err *err)
{
    struct shipper x = {.setup = setup, .lock = -1};
    struct sandbox_paths paths = {.case_dir = setup->case_dir};
    begin_some_time(&x);
    int rc = sandbox_enter(SANDBOX_DESK, &paths, err);
    if (rc == 0) {
        role_say(setup->link, ROLE_READY, 0, NULL);
        if (!x.stop)
            rc = run(&x, err);
    }
    ship_close(x.ship);
    casedir_close(&x.c, NULL);
    ship_post_stop(x.post);
    return rc;
}
