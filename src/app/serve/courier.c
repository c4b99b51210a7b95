/* Courier of `ebb serve`: sends the abuse reports that are queued, when a person has turned sending
 * on. Two processes: the post (courier_post.h) may connect to the smarthost and has no file; this
 * one reads the case, journals over the control socket, and may not connect out. */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "app/serve/courier_clerk.h"
#include "app/ctl.h"
#include "app/serve/roles.h"
#include "app/serve/sandbox.h"
#include "base/clock.h"
#include "base/link.h"
#include "base/log.h"

#define LOOK_MS      3000  /* how often it looks for new reports */
#define AGAIN_MS     60000 /* after what may go away by itself: no address, no password */
#define LOCK_WAIT_MS 2000  /* another sender ends */
#define KNOCKS       11    /* half an hour in vain: end, and look its address up anew */

struct courier {
    const struct role_setup *setup;
    struct casedir c;
    struct courier_marks *marks;
    struct post *post;
    struct clerk *clerk;
    bool stop;
};

/* ---- the supervisor ---- */

static bool heed(void *ctx)
{
    struct courier *k = ctx;
    k->stop = k->stop || !role_goes_on(k->setup->link);
    return k->stop;
}

static void nap(struct courier *k, int ms)
{
    k->stop = k->stop || !role_nap(k->setup->link, ms);
}

/* ---- the recorder ---- */

static int journal(void *ctx, const struct act_report_tried *acts, size_t n, struct err *err)
{
    struct courier *k = ctx;
    struct buf payload = {0};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct ctl_reply reply = {0};
        payload.n = 0;
        act_report_tried(&payload, &acts[i]);
        struct ctl_request request = {
            .verb = CTL_ACT, .kind = KIND_REPORT_TRIED, .payload = buf_as_span(&payload)};
        rc = ctl_call(k->setup->case_dir, &request, &reply, err);
        if (rc == 1)
            rc = err_set(err, -EPIPE, "the recorder does not answer");
        buf_free(&reply.text);
    }
    buf_free(&payload);
    return rc;
}

static void trouble(void *ctx, const char *why)
{
    log_line(LOG_WARN, "the smarthost takes no mail", "why=\"%s\"", why);
}

/* ---- the process ---- */

/* Before the sandbox: the lock, the smarthost's address, and the process that will talk to it. 1:
 * not now. */
static int begin(struct courier *k, struct err *err)
{
    struct smarthost *host;
    int rc = courier_marks_open(k->setup->case_dir, LOCK_WAIT_MS, &k->marks, err);
    if (rc)
        return rc;
    rc = smarthost_open(k->setup->config, &host, err);
    if (rc == 0) {
        rc = post_start(host, k->marks, &k->post, err);
        smarthost_free(host);
    }
    if (rc < 0) {
        courier_marks_close(k->marks);
        k->marks = NULL;
    }
    return rc;
}

static void begin_some_time(struct courier *k)
{
    struct err err;
    for (bool said = false; !k->stop && !k->post;) {
        int rc = begin(k, &err);
        if (rc < 0 && !said)
            log_line(LOG_WARN, "reports cannot be sent", "why=\"%s\"", err.text);
        said = said || rc < 0;
        if (rc)
            nap(k, rc < 0 ? AGAIN_MS : LOOK_MS);
    }
}

static int open_clerk(struct courier *k, struct err *err)
{
    const struct clerk_ways ways = {
        .ctx = k, .journal = journal, .stopped = heed, .wake = k->setup->link, .trouble = trouble};
    const struct clerk_options options = {.knocks = KNOCKS};
    k->c.quiet = true;
    int rc = casedir_open(&k->c, k->setup->case_dir, JOURNAL_READ, err);
    if (rc == 0)
        rc = casedir_views(&k->c, VIEW_CLEANUP, err);
    return rc == 0 ? clerk_open(&k->c, k->marks, k->post, &ways, &options, &k->clerk, err) : rc;
}

static int carry(struct courier *k, struct err *err)
{
    int rc = open_clerk(k, err);
    while (rc == 0 && !heed(k)) {
        rc = clerk_round(k->clerk, err);
        if (rc == 0)
            nap(k, LOOK_MS);
    }
    return rc;
}

static void end(struct courier *k)
{
    if (k->clerk)
        clerk_close(k->clerk);
    casedir_close(&k->c, NULL);
    if (k->post)
        post_stop(k->post);
    if (k->marks)
        courier_marks_close(k->marks);
}

int courier_run(const struct role_setup *setup, struct err *err)
{
    struct courier k = {.setup = setup};
    struct sandbox_paths paths = {.case_dir = setup->case_dir};
    bool sending = setup->config->cleanup.sending;
    if (sending)
        begin_some_time(&k);
    int rc = sandbox_enter(SANDBOX_DESK, &paths, err);
    if (rc == 0) {
        role_say(setup->link, ROLE_READY, 0, NULL);
        if (sending && !k.stop)
            rc = carry(&k, err);
        else
            nap(&k, -1);
    }
    end(&k);
    return rc;
}
