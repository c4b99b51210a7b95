/* Recorder: the only process that writes. It takes in what sensors observed and what commands ask
 * for over the control socket, and tells the sensors (through the supervisor) what they may answer
 * for. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "app/serve/authority_table.h"
#include "app/care/retention.h"
#include "app/ctl.h"
#include "app/lead/lead_price.h"
#include "app/lead/lead_seal.h"
#include "app/node/centre.h"
#include "app/node/node_witness.h"
#include "app/serve/desk_rule.h"
#include "app/serve/intake.h"
#include "app/serve/public_rule.h"
#include "app/serve/roles.h"
#include "app/serve/sandbox.h"
#include "app/serve/serve_status.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/link.h"
#include "base/log.h"
#include "base/utc.h"
#include "event/act.h"
#include "state/accounts.h"

#define GATHER_US        1000 /* how long the first mail that waits for the disk waits for others */
#define NAP_MS           10 /* how long observations lie in the rings at most, before they are read */
#define WARN_EVERY_MS    (6 * 3600 * 1000ll) /* of what ends soon */
#define WARN_AHEAD_DAYS  14
#define REFUSED_EVERY_MS 60000 /* a line about what the public process may not */

struct recorder {
    const struct role_setup *setup;
    struct casedir c;
    struct intake *intake;
    struct pipeline *pipeline;
    struct serve_rates rates;
    struct public_rule public;
    struct desk_rule desk;
    struct node_witness *nodes; /* NULL: nodes.listen is not set */
    bool stop, damage_said;
    bool broken; /* a view could not be loaded again */
    bool stale;  /* there were acts since the sensors were told what they may answer for */
    int64_t warned_at, refused_at;
};

/* ---- authority ---- */

/* The table is made anew from the casebook, and handed on. */
static int send_authority(struct recorder *r, struct err *err)
{
    struct link_message m = {.what = ROLE_AUTHORITY};
    int fd;
    uint64_t assets;
    int rc = authority_table_build(r->c.casebook, utc_now(), &fd, &assets, err);
    if (rc < 0)
        return rc;
    r->setup->shared->board->figures.assets = assets;
    rc = link_send(r->setup->link, &m, fd);
    close(fd);
    return rc < 0 ? err_set(err, rc, "the supervisor took no authority table") : 0;
}

static void warn_round(struct recorder *r)
{
    if (r->warned_at && clock_ms() - r->warned_at < WARN_EVERY_MS)
        return;
    r->warned_at = clock_ms();
    struct buf text = {0};
    casebook_warnings(r->c.casebook, utc_now(), WARN_AHEAD_DAYS, &text);
    struct cur c = cur_of(buf_as_span(&text));
    while (cur_left(&c)) {
        struct span line = cur_line(&c);
        log_line(LOG_WARN, "ends soon", "%.*s", (int)line.n, (const char *)line.p);
    }
    buf_free(&text);
}

/* ---- the control socket ---- */

static bool kind_is_authority(uint8_t kind)
{
    return kind == KIND_ORDER || kind == KIND_ORDER_CLOSED || kind == KIND_ASSET ||
           kind == KIND_ASSET_LIST || kind == KIND_ASSET_RELEASED;
}

/* Getting hosts clean: judgements, contacts, reports, partners. */
static bool kind_is_cleanup(uint8_t kind)
{
    return kind >= KIND_ROLES_JUDGED && kind <= KIND_PARTNER;
}

/* Accounts, subjects, notices, leads, rewards, hand-overs, nodes. */
static bool kind_is_pursuit(uint8_t kind)
{
    return kind >= KIND_ACCOUNT && kind <= KIND_KEY_ROTATED;
}

/* Files come before the entry that names them. digests: CTL_BLOBS_MAX of them. */
static int keep_blobs(struct recorder *r, const struct ctl_request *request,
                      uint8_t (*digests)[SHA256_LEN], struct err *err)
{
    int rc = 0;
    for (unsigned i = 0; rc >= 0 && i < request->n_blobs; i++) {
        struct buf data = {0};
        if (lseek(request->blobs[i], 0, SEEK_SET) < 0)
            rc = err_errno(err, "a file that came along");
        if (rc >= 0)
            rc = file_read_fd(request->blobs[i], "a file that came along",
                              (size_t)r->c.config->blob_max_mib << 20, &data, err);
        if (rc >= 0)
            rc = pipeline_blob(r->pipeline, buf_as_span(&data), digests[i], err);
        if (rc == 1)
            rc = err_set(err, -EFBIG,
                         "a file that came along is over blob_max_mib or blobs_total_gib");
        buf_free(&data);
    }
    return rc;
}

static int act(struct recorder *r, const struct ctl_request *request, uint64_t *index,
               struct err *err)
{
    uint8_t digests[CTL_BLOBS_MAX][SHA256_LEN];
    if (!kind_is_authority(request->kind) && !kind_is_cleanup(request->kind) &&
        !kind_is_pursuit(request->kind))
        return err_set(err, -EINVAL, "kind %u is not an act that commands may add", request->kind);
    int rc = casebook_may(r->c.casebook, journal_origin(r->c.journal), request->kind,
                          request->payload, utc_now(), err);
    if (rc == 0)
        rc = keep_blobs(r, request, digests, err);
    if (rc >= 0)
        rc = pipeline_act(r->pipeline, request->kind, request->payload, index, err);
    if (rc >= 0)
        rc = intake_commit(r->intake, err);
    r->stale |= rc >= 0 && kind_is_authority(request->kind);
    if (rc >= 0)
        node_witness_act(r->nodes, request->kind, *index, utc_now(), request->payload);
    return rc;
}

/* Parts of what is too large to come along with its act. The public process's are of leads, whose
 * hour no file is to tell: commands see to that themselves. */
static int keep(struct recorder *r, const struct ctl_request *request, bool public, struct err *err)
{
    uint8_t digests[CTL_BLOBS_MAX][SHA256_LEN];
    int rc = keep_blobs(r, request, digests, err);
    if (rc >= 0)
        rc = intake_commit(r->intake, err);
    for (unsigned i = 0; public && rc >= 0 && i < request->n_blobs; i++)
        lead_blur_part(r->setup->case_dir, digests[i]);
    return rc;
}

/* A batch that `ebb retention` planned: by the policy that ebb.yaml had when the recorder began.
 * What is saved of the views goes first: should nobody bring new ones, they are made of the log at
 * the next start. */
static int retain(struct recorder *r, const struct ctl_request *request, uint64_t *index,
                  struct err *err)
{
    struct retention_policy policy;
    struct retention_batch batch = {0};
    struct buf text = {0};
    const struct config_retention *config = &r->c.config->retention;
    int rc = request->n_blobs == 1 && config->yes && !config->hold
                 ? 0
                 : err_set(err, -EPERM,
                           "ebb.yaml's `retention:` did not allow it when `ebb serve` began");
    retention_policy_of(config, utc_now(), &policy);
    if (rc == 0 && lseek(request->blobs[0], 0, SEEK_SET) < 0)
        rc = err_errno(err, "a file that came along");
    if (rc == 0)
        rc = file_read_fd(request->blobs[0], "a file that came along", JOURNAL_PAYLOAD_MAX, &text,
                          err);
    if (rc == 0)
        rc = retention_batch_read(buf_as_span(&text), &batch, err);
    if (rc == 0)
        rc = intake_commit(r->intake, err);
    if (rc == 0 && batch.n_ranges) {
        r->c.unsaved = true;
        rc = retention_views_drop(r->setup->case_dir, err);
    }
    if (rc == 0)
        rc = retention_erase(r->c.journal, r->c.blobs, &policy, &batch, index, err);
    if (rc == 0)
        rc = intake_commit(r->intake, err);
    free((void *)(uintptr_t)batch.ranges);
    buf_free(&text);
    return rc;
}

static int renew_views(struct recorder *r, struct err *err)
{
    int rc = intake_commit(r->intake, err);
    pipeline_forget(r->pipeline);
    if (rc == 0)
        rc = casedir_renew(&r->c, err);
    if (rc < 0)
        r->broken = true; /* without views nothing can be taken in: the supervisor starts another */
    return rc;
}

/* Once for all the acts of a turn: a table of a million names takes its time. The casebook is saved
 * with it, so that commands need not read a long list from the log again. */
static int spread_acts(struct recorder *r, struct err *err)
{
    if (!r->stale)
        return 0;
    r->stale = false;
    int rc = send_authority(r, err);
    return rc == 0 ? casebook_snapshot(r->c.casebook, err) : rc;
}

static uint64_t dropped(const struct serve_shared *s)
{
    struct net_counters totals;
    serve_totals(s, &totals);
    return totals.dropped;
}

/* From the public process: what it may ask for. */
static int admit(struct recorder *r, const struct ctl_request *request, uint64_t *lead_bytes,
                 struct err *err)
{
    int rc = public_rule_may(&r->public, request, clock_ms(), lead_bytes, err);
    if (rc == 0)
        return 0;
    r->setup->shared->board->figures.refused_public++;
    if (!r->refused_at || clock_ms() - r->refused_at > REFUSED_EVERY_MS) {
        r->refused_at = clock_ms();
        log_line(LOG_WARN, "refused to the public process", "verb=%d kind=%d why=\"%s\"",
                 (int)request->verb, (int)request->kind, err->text);
    }
    return rc;
}

static int do_request(struct recorder *r, const struct ctl_request *request, bool public,
                      struct ctl_reply *reply, struct err *err)
{
    switch (request->verb) {
    case CTL_STATUS:
        if (request->kind)
            serve_status_lines(r->setup->shared, &r->rates, &reply->text);
        else
            serve_status_json(r->setup->shared, &r->rates, &reply->text);
        reply->index = dropped(r->setup->shared);
        return 0;
    case CTL_RELOAD:
        role_say(r->setup->link, ROLE_RELOAD, 0, NULL);
        return 0;
    case CTL_ACT:
        return act(r, request, &reply->index, err);
    case CTL_KEEP:
        return keep(r, request, public, err);
    case CTL_RETAIN:
        return retain(r, request, &reply->index, err);
    case CTL_VIEWS:
        return renew_views(r, err);
    case CTL_NODE:
        return node_witness_answer(r->nodes, request, reply, err);
    default:
        return err_set(err, -ENOSYS, "verb %d: this version does not know it", (int)request->verb);
    }
}

static void answer(void *ctx, const struct ctl_request *request, struct ctl_reply *reply)
{
    struct recorder *r = ctx;
    struct err err = {0};
    uint64_t lead_bytes = 0;
    const struct serve_board *board = r->setup->shared->board;
    bool public = serve_is(&board->public, &board->public_gone, request->pid);
    reply->status = public ? admit(r, request, &lead_bytes, &err) : 0;
    if (!public && desk_rule_is(r->setup->shared, request->pid))
        reply->status = desk_rule_may(&r->desk, request, clock_ms(), &err);
    else if (serve_is(&board->centre, &board->centre_gone, request->pid) &&
             request->verb != CTL_NODE)
        reply->status = err_set(&err, -EPERM, "not for the centre");
    if (reply->status == 0)
        reply->status = do_request(r, request, public, reply, &err);
    if (reply->status < 0) {
        r->setup->shared->board->figures.refused_acts++;
        buf_str(&reply->text, err.text);
    } else if (lead_bytes && lead_price_took(r->setup->case_dir, lead_bytes, &err) < 0) {
        log_line(LOG_WARN, "a lead is not in its price", "why=\"%s\"", err.text);
    }
}

/* ---- the supervisor's messages ---- */

static int heed(struct recorder *r, const struct link_message *m, struct err *err)
{
    switch (m->what) {
    case ROLE_STOP:
        r->stop = true;
        return 0;
    case ROLE_SENSOR_DIED:
        r->damage_said = false;
        return m->number < r->setup->shared->n_slots
                   ? intake_sensor_died(r->intake, m->number, m->time, m->value[0], m->value[1],
                                        err)
                   : 0;
    case ROLE_GAP:
        return intake_gap(r->intake, m->text, m->time, m->value[0], err);
    }
    return 0;
}

static int heed_all(struct recorder *r, struct err *err)
{
    struct link_message m;
    int fd, rc = 0, got;
    while (rc >= 0 && (got = link_receive(r->setup->link, &m, &fd)) == 1) {
        if (fd >= 0)
            close(fd);
        rc = heed(r, &m, err);
    }
    if (rc >= 0 && got < 0)
        r->stop = true; /* the supervisor is gone: end in good order */
    return rc;
}

/* ---- the process ---- */

static int journal_phase(struct recorder *r, const char *phase, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf config = {0}, payload = {0};
    uint64_t index;
    bool ends = strcmp(phase, "stopped") == 0;
    int rc = ends ? 0 : file_path(path, err, "%s/%s", r->setup->case_dir, CONFIG_FILE);
    if (rc == 0 && !ends)
        rc = file_read(path, JOURNAL_PAYLOAD_MAX / 2, &config, err);
    struct act_serve a = {
        .phase = span_str(phase), .config = buf_as_span(&config), .version = span_str(EBB_VERSION)};
    act_serve(&payload, &a);
    if (rc == 0)
        rc = pipeline_act(r->pipeline, KIND_SERVE, buf_as_span(&payload), &index, err);
    buf_free(&config);
    buf_free(&payload);
    return rc;
}

static int node_blob(void *ctx, struct span data, uint8_t sha256[SHA256_LEN], struct err *err)
{
    return pipeline_blob(((struct recorder *)ctx)->pipeline, data, sha256, err);
}

static int node_act(void *ctx, uint8_t kind, struct span payload, uint64_t *index, struct err *err)
{
    return pipeline_act(((struct recorder *)ctx)->pipeline, kind, payload, index, err);
}

static int node_commit(void *ctx, struct err *err)
{
    return intake_commit(((struct recorder *)ctx)->intake, err);
}

static int begin_nodes(struct recorder *r, struct err *err)
{
    const struct role_setup *s = r->setup;
    struct node_writer writer = {node_blob, node_act, node_commit, r};
    return s->config->nodes.listen[0]
               ? node_witness_open(s->case_dir, s->config, &writer, &r->nodes, err)
               : 0;
}

static int begin(struct recorder *r, struct err *err)
{
    const struct role_setup *s = r->setup;
    int rc = casedir_open(&r->c, s->case_dir, JOURNAL_WRITE, err);
    if (rc == 0)
        rc = intake_open(s->shared, &r->c, &r->intake, err);
    if (rc == 0)
        rc = casedir_views(&r->c, VIEW_ALL, err);
    if (rc == 0)
        rc = pipeline_open(&r->c, &r->pipeline, err);
    if (rc == 0)
        rc = intake_start(r->intake, r->pipeline, s->config->serve.sensor,
                          (uint64_t)s->net->limits.free_disk_mib << 20, err);
    if (rc == 0)
        rc = journal_phase(r, s->phase, err);
    if (rc == 0)
        rc = intake_commit(r->intake, err);
    if (rc == 0)
        rc = send_authority(r, err);
    if (rc == 0)
        rc = begin_nodes(r, err);
    struct sandbox_paths paths = {.case_dir = s->case_dir};
    return rc == 0 ? sandbox_enter(SANDBOX_RECORDER, &paths, err) : rc;
}

static int watch(int epoll, int fd, struct err *err)
{
    struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) < 0 ? err_errno(err, "epoll") : 0;
}

/* Sleeps until something is urgent, or for a nap. */
static int nap(struct recorder *r, int epoll, struct err *err)
{
    const struct role_setup *s = r->setup;
    struct epoll_event events[8];
    uint64_t ticks;
    int rc = 0;
    intake_sleeps(r->intake, true);
    int n = epoll_wait(epoll, events, 8, NAP_MS);
    intake_sleeps(r->intake, false);
    bool urgent = false;
    for (int i = 0; rc >= 0 && i < n; i++) {
        int fd = events[i].data.fd;
        if (fd == s->shared->ring_event)
            urgent = read(fd, &ticks, sizeof ticks) > 0;
        else if (fd == s->link)
            rc = heed_all(r, err);
        else if (fd == s->listener)
            ctl_serve_one(fd, answer, r);
    }
    if (urgent) { /* one commit for many: the next ones are on their way */
        struct timespec gather = {.tv_nsec = GATHER_US * 1000};
        nanosleep(&gather, NULL);
    }
    return rc;
}

/* Of the views that it keeps, for who looks at the board. */
static void say_positions(struct recorder *r)
{
    uint64_t *board = r->setup->shared->board->view;
    for (unsigned i = 0; casedir_view_names[i]; i++)
        if (1u << i & VIEW_ALL && casedir_view_loaded(&r->c, casedir_view_names[i]))
            __atomic_store_n(&board[i], casedir_view_position(&r->c, casedir_view_names[i]),
                             __ATOMIC_RELAXED);
}

static int loop(struct recorder *r, int epoll, struct err *err)
{
    int rc = 0;
    while (rc >= 0 && !r->stop) {
        rc = intake_turn(r->intake, err);
        if (rc == 0)
            rc = nap(r, epoll, err);
        if (rc >= 0 && r->broken)
            rc = err_set(err, -EIO, "the views could not be loaded again");
        if (rc >= 0)
            rc = spread_acts(r, err);
        if (rc < 0)
            break;
        node_witness_round(r->nodes);
        node_witness_board(r->nodes, r->setup->shared->board);
        int damaged = intake_damaged(r->intake);
        if (damaged >= 0 && !r->damage_said) {
            role_say(r->setup->link, ROLE_DAMAGED, (uint32_t)damaged, NULL);
            r->damage_said = true;
        }
        serve_rates_take(&r->rates, r->setup->shared, clock_ms());
        say_positions(r);
        warn_round(r);
    }
    return rc;
}

/* What is still in the rings goes on the log, then the views are saved. */
static int finish(struct recorder *r, int rc, struct err *err)
{
    struct err late = {0};
    if (rc >= 0) {
        do
            rc = intake_turn(r->intake, err);
        while (rc == 1);
    }
    if (rc >= 0)
        rc = journal_phase(r, "stopped", err);
    if (rc >= 0)
        rc = intake_commit(r->intake, err);
    if (r->pipeline) {
        int closed = pipeline_close(r->pipeline, &late);
        if (rc >= 0 && closed < 0) {
            *err = late;
            rc = closed;
        }
        if (rc >= 0)
            rc = casedir_save_views(&r->c, err);
    }
    node_witness_close(r->nodes);
    if (r->intake)
        intake_close(r->intake);
    int closed = casedir_close(&r->c, &late);
    if (rc >= 0 && closed < 0) {
        *err = late;
        rc = closed;
    }
    return rc;
}

int recorder_run(const struct role_setup *setup, struct err *err)
{
    struct recorder r = {.setup = setup, .c.quiet = true};
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int rc = epoll < 0 ? err_errno(err, "epoll") : 0;
    if (rc == 0)
        rc = watch(epoll, setup->shared->ring_event, err);
    if (rc == 0)
        rc = watch(epoll, setup->link, err);
    if (rc == 0)
        rc = watch(epoll, setup->listener, err);
    if (rc == 0)
        rc = begin(&r, err);
    if (rc == 0) {
        role_say(setup->link, ROLE_READY, 0, NULL);
        rc = loop(&r, epoll, err);
    }
    rc = finish(&r, rc, err);
    if (epoll >= 0)
        close(epoll);
    return rc < 0 ? rc : 0;
}
