#include "app/node/centre.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/ctl.h"
#include "app/node/node_witness.h"
#include "app/serve/sandbox.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "state/census_join.h"
#include "web/throttle.h"
#include "web/web.h"

#define LOOK_MS            500
#define CONNECTIONS        1024
#define CONNECTIONS_PER_IP 32
#define LARGE_MAX          (64u << 20) /* of all parts that lie in memory at once */
#define REQUEST_S          20
#define IDLE_S             60
#define RECORDER_WAIT_MS   5000
#define KEYS_MAX           4096 /* addresses whose tries are counted */
#define RETRY_S            5
#define HEX                (2 * SHA256_LEN)
#define TEXT_TYPE          "text/plain; charset=utf-8"
#define SIZE_TYPE          "text/x.tlog.size"

struct centre {
    const struct role_setup *setup;
    struct web *web;
    struct throttle *each, *all;
};

/* ---- what is asked ---- */

enum asked { ASK_NOTHING, ASK_ADD, ASK_CHECKPOINT, ASK_SAID, ASK_PART };

static bool is_hex(const char *p)
{
    for (size_t i = 0; i < HEX; i++)
        if (!(p[i] >= '0' && p[i] <= '9') && !(p[i] >= 'a' && p[i] <= 'f'))
            return false;
    return true;
}

/* By the path alone; *hex points into it. */
static enum asked route(const char *path, const char **hex)
{
    *hex = NULL;
    if (strcmp(path, "/add-checkpoint") == 0)
        return ASK_ADD;
    if (strcmp(path, "/census") == 0)
        return ASK_SAID;
    if (strncmp(path, "/census/", 8) == 0 && is_hex(path + 8) && path[8 + HEX] == '/' &&
        path[9 + HEX] >= '0' && path[9 + HEX] <= '9') {
        *hex = path + 8;
        return ASK_PART;
    }
    if (path[0] == '/' && is_hex(path + 1) && strcmp(path + 1 + HEX, "/checkpoint") == 0) {
        *hex = path + 1;
        return ASK_CHECKPOINT;
    }
    return ASK_NOTHING;
}

static bool may_be_large(void *ctx, const struct web_request *r)
{
    const char *hex;
    (void)ctx;
    return route(web_path(r), &hex) == ASK_PART;
}

/* ---- answers ---- */

static int say(struct web_reply *reply, unsigned status, const char *text)
{
    reply->status = status;
    reply->type = TEXT_TYPE;
    buf_printf(&reply->body, "%s\n", text);
    return WEB_NOW;
}

static int say_busy(struct web_reply *reply, unsigned status, const char *text, unsigned seconds)
{
    reply->retry_s = seconds;
    return say(reply, status, text);
}

/* The recorder's answer, or that there is none. True: it was 200. */
static bool ask(struct centre *c, const struct ctl_request *request, struct web_reply *reply)
{
    struct ctl_reply answer = {0};
    struct err err = {0};
    int rc = ctl_call(c->setup->case_dir, request, &answer, &err);
    reply->body.n = 0;
    if (rc != 0 || answer.index < 200 || answer.index > 599) {
        if (rc < 0)
            log_line(LOG_WARN, "the recorder does not answer the centre", "why=\"%s\"", err.text);
        say_busy(reply, 503, "not now", RETRY_S);
    } else {
        reply->status = (unsigned)answer.index;
        reply->type =
            request->kind == NODE_ADD_CHECKPOINT && answer.index == 409 ? SIZE_TYPE : TEXT_TYPE;
        buf_span(&reply->body, buf_as_span(&answer.text));
    }
    buf_free(&answer.text);
    return reply->status == 200;
}

static int ask_text(struct centre *c, enum node_verb verb, struct span text,
                    struct web_reply *reply)
{
    struct ctl_request request = {.verb = CTL_NODE, .kind = verb, .payload = text};
    ask(c, &request, reply);
    return WEB_NOW;
}

/* What does not look like a request does not come near the recorder. */
static int add_checkpoint(struct centre *c, struct span body, struct web_reply *reply)
{
    struct node_request q;
    struct err err;
    if (node_request_parse(body, &q, &err) < 0)
        return say(reply, 400, err.text);
    return ask_text(c, NODE_ADD_CHECKPOINT, body, reply);
}

static int take_statement(struct centre *c, struct span body, struct web_reply *reply)
{
    static struct node_statement s;
    struct err err;
    if (body.n > NODE_REQUEST_MAX || node_statement_parse(node_note_text(body), &s, &err) < 0)
        return say(reply, 400, "not a signed statement of a node");
    return ask_text(c, NODE_SAID, body, reply);
}

/* All of it is there: its bytes are an outsider's, and looked at in here. */
static int finish(struct centre *c, const char *hex, struct web_reply *reply)
{
    char path[FILE_PATH_MAX];
    uint64_t position;
    struct err err;
    int rc = file_path(path, &err, "%s/nodes/%.*s/incoming", c->setup->case_dir, (int)HEX, hex);
    if (rc == 0)
        rc = census_check(path, &position, &err);
    if (rc < 0) {
        log_line(LOG_ERROR, "a node's census is none", "why=\"%s\"", err.text);
        reply->body.n = 0;
        return say(reply, 422, "not a census");
    }
    return ask_text(c, NODE_INSTALL, span_of(hex, HEX), reply);
}

static int take_part(struct centre *c, const char *path, const char *hex, struct span body,
                     struct web_reply *reply)
{
    char payload[HEX + 24];
    struct err err;
    snprintf(payload, sizeof payload, "%.*s %.20s", (int)HEX, hex, hex + HEX + 1);
    (void)path;
    struct ctl_request request = {
        .verb = CTL_NODE, .kind = NODE_PART, .payload = span_str(payload), .n_blobs = 1};
    request.blobs[0] = ctl_file(body, &err);
    if (request.blobs[0] < 0)
        return say_busy(reply, 503, "not now", RETRY_S);
    bool good = ask(c, &request, reply);
    close(request.blobs[0]);
    return good && span_is(buf_as_span(&reply->body), "missing 0\n") ? finish(c, hex, reply)
                                                                     : WEB_NOW;
}

/* False: too many, and the answer says so. */
static bool may_ask(struct centre *c, const struct web_request *r, struct web_reply *reply)
{
    const struct ip *ip = web_client(r);
    int64_t now = clock_ms(), wait;
    struct span key = ip_is_v4(ip) ? span_of(ip->b, sizeof ip->b) : span_of(ip->b, 8); /* a /64 */
    wait = throttle_take(c->each, key, now);
    if (!wait)
        wait = throttle_take(c->all, span_str("all"), now);
    if (wait)
        say_busy(reply, 429, "too many requests", (unsigned)(wait / 1000) + 1);
    return !wait;
}

static int handle(void *ctx, struct web_request *r, struct web_reply *reply)
{
    struct centre *c = ctx;
    const char *path = web_path(r), *hex;
    enum asked what = route(path, &hex);
    struct span method = web_method(r);
    bool get = what == ASK_CHECKPOINT;
    if (what == ASK_NOTHING)
        return say(reply, 404, "nothing here");
    if (get ? !span_is(method, "GET") && !span_is(method, "HEAD")
            : !span_is(method, "POST") && !(what == ASK_PART && span_is(method, "PUT"))) {
        reply->allow = get ? "GET, HEAD" : what == ASK_PART ? "POST, PUT" : "POST";
        return say(reply, 405, "not that method");
    }
    if (!may_ask(c, r, reply))
        return WEB_NOW;
    switch (what) {
    case ASK_ADD:
        return add_checkpoint(c, web_body(r), reply);
    case ASK_SAID:
        return take_statement(c, web_body(r), reply);
    case ASK_PART:
        return take_part(c, path, hex, web_body(r), reply);
    default:
        return ask_text(c, NODE_CHECKPOINT, span_of(hex, HEX), reply);
    }
}

/* ---- the process ---- */

static int listen_on(struct centre *c, struct err *err)
{
    const struct config_nodes *n = &c->setup->config->nodes;
    struct web_setup s = {.listener = c->setup->listener,
                          .certificate = n->certificate,
                          .key = n->key,
                          .policy = WEB_PUBLIC,
                          .connections = CONNECTIONS,
                          .connections_per_ip = CONNECTIONS_PER_IP,
                          .body_max = NODE_PART_BYTES,
                          .file_max = NODE_PART_BYTES,
                          .may_be_large = may_be_large,
                          .body_small = NODE_REQUEST_MAX,
                          .large_max = LARGE_MAX,
                          .request_s = REQUEST_S,
                          .idle_s = IDLE_S,
                          .handle = handle,
                          .ctx = c};
    c->each = throttle_new(KEYS_MAX, CENTRE_BURST, CENTRE_EACH_MS);
    c->all = throttle_new(1, CENTRE_ALL, CENTRE_ALL_MS);
    return web_start(&s, &c->web, err);
}

static int turn(struct centre *c, struct err *err)
{
    struct pollfd fds[] = {{.fd = c->setup->link, .events = POLLIN},
                           {.fd = web_fd(c->web), .events = POLLIN}};
    if (poll(fds, 2, web_wait_ms(c->web, LOOK_MS)) < 0 && errno != EINTR)
        return err_errno(err, "centre: poll");
    int rc = web_run(c->web, err);
    return rc < 0 ? rc : role_goes_on(c->setup->link);
}

int centre_run(const struct role_setup *setup, struct err *err)
{
    struct centre c = {.setup = setup};
    struct sandbox_paths paths = {.case_dir = setup->case_dir};
    ctl_wait(RECORDER_WAIT_MS);
    int rc = listen_on(&c, err);
    if (rc == 0)
        rc = sandbox_enter(SANDBOX_CENTRE, &paths, err);
    if (rc == 0) {
        role_say(setup->link, ROLE_READY, 0, NULL);
        while ((rc = turn(&c, err)) == 1)
            ;
    }
    if (c.web)
        web_stop(c.web);
    throttle_free(c.each);
    throttle_free(c.all);
    return rc;
}
