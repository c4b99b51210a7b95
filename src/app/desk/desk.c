/* The desk process: listener, case, sessions, and the loop. */
#include "app/desk/desk.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "app/datadir.h"
#include "app/desk/desk_impl.h"
#include "app/serve/sandbox.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/utc.h"

#define CONNECTIONS        512
#define CONNECTIONS_PER_IP 64
#define BODY_SMALL         (64u << 10) /* of who is not logged in */
#define BODY_MAX           (32u << 20)
#define FILES_MAX          (64u << 20)  /* papers that go along with an act */
#define LARGE_MAX          (256u << 20) /* of all that is sent at once */
#define REQUEST_S          20
#define IDLE_S             60
#define LOOK_MS            200 /* between two looks at the log: how long a closed account lives */
#define READ_ENTRIES       20000
#define SWEEP_MS           10000
#define SESSION_HOURS      12

/* ---- the case ---- */

/* Accounts as the log has them: 1 there is more to read. */
static int look(struct desk *d, struct err *err)
{
    int64_t now = clock_ms();
    if (!d->behind && now - d->looked < LOOK_MS)
        return 0;
    d->looked = now;
    int rc = casedir_catch_up(&d->c, VIEW_CASEBOOK, READ_ENTRIES, err);
    if (rc >= 0)
        d->behind = rc == 1;
    return rc;
}

static int open_case(struct desk *d, struct err *err)
{
    d->c.quiet = true;
    int rc = casedir_open(&d->c, d->setup->case_dir, JOURNAL_READ, err);
    return rc == 0 ? casedir_load_views(&d->c, VIEW_CASEBOOK, err) : rc;
}

/* ---- sessions ---- */

static void session_ended(void *ctx, const struct session *s)
{
    struct desk *d = ctx;
    if (d->api)
        desk_api_forget(d->api, s->id);
}

static void in_child(void *ctx)
{
    struct desk *d = ctx;
    sessions_wipe(d->sessions);
    login_state_wipe(d->login);
    passkey_state_wipe(d->passkeys);
    web_in_child(d->web);
}

static void gone(void *ctx, struct web_request *r)
{
    struct desk *d = ctx;
    if (d->api)
        desk_api_gone(d->api, r);
}

/* ---- the process ---- */

static int listen_on(struct desk *d, struct err *err)
{
    const struct config_web *w = d->config;
    struct web_setup s = {.listener = d->setup->listener,
                          .certificate = w->desk_certificate,
                          .key = w->desk_key,
                          .proxies = w->proxy_nets,
                          .n_proxies = w->proxies_count,
                          .policy = WEB_DESK,
                          .hsts = strncmp(w->desk_url, "https://", 8) == 0,
                          .connections = CONNECTIONS,
                          .connections_per_ip = CONNECTIONS_PER_IP,
                          .body_max = BODY_MAX,
                          .file_max = FILES_MAX,
                          .may_be_large = desk_may_be_large,
                          .body_small = BODY_SMALL,
                          .large_max = LARGE_MAX,
                          .request_s = REQUEST_S,
                          .idle_s = IDLE_S,
                          .handle = desk_handle,
                          .gone = gone,
                          .ctx = d};
    return d->setup->listener < 0 ? 0 : web_start(&s, &d->web, err);
}

/* For `ebb desk login` later on: what is there when the sandbox closes can be read. */
static void make_folder(const struct desk *d)
{
    char path[FILE_PATH_MAX];
    if (file_path(path, NULL, "%s/desk", d->setup->case_dir) == 0 && mkdir(path, 0700) < 0 &&
        errno != EEXIST)
        log_line(LOG_WARN, "desk: its folder cannot be made", "path=%s errno=%d", path, errno);
}

static int turn(struct desk *d, struct err *err)
{
    struct pollfd p[2 + DESK_API_FDS] = {{.fd = d->setup->link, .events = POLLIN},
                                         {.fd = d->web ? web_fd(d->web) : -1, .events = POLLIN}};
    int rc = look(d, err);
    if (rc < 0)
        return rc;
    int wait = rc == 1 ? 0 : LOOK_MS;
    wait = desk_api_wait_ms(d->api, d->web ? web_wait_ms(d->web, wait) : wait);
    unsigned n = 2 + desk_api_fds(d->api, p + 2, DESK_API_FDS);
    if (poll(p, n, wait) < 0 && errno != EINTR)
        return err_errno(err, "desk: poll");
    rc = d->web ? web_run(d->web, err) : 0;
    if (rc < 0)
        return rc;
    desk_api_turn(d->api);
    if (clock_ms() - d->swept > SWEEP_MS) {
        d->swept = clock_ms();
        sessions_sweep(d->sessions, d->swept);
    }
    return role_goes_on(d->setup->link);
}

static int start(struct desk *d, struct err *err)
{
    const struct serve_board *board = d->setup->shared->board;
    char rules[FILE_PATH_MAX];
    struct sandbox_paths paths = {.case_dir = d->setup->case_dir};
    if (datadir_rules(d->setup->config->rules, rules, NULL) == 0)
        paths.rules = rules; /* commands read mails by them */
    const char *scheme = strstr(d->config->desk_url, "://");
    d->desk_host = scheme ? scheme + 3 : "";
    d->started = utc_now();
    d->restarted = board->desk.restarts || board->reloads;
    if (!webauthn_rp_id(d->config->desk_url, d->rp_id, sizeof d->rp_id))
        d->rp_id[0] = 0;
    if (sodium_init() < 0)
        return err_set(err, -EIO, "libsodium does not start");
    d->sessions = sessions_new((int64_t)d->config->session_minutes * 60000,
                               (int64_t)SESSION_HOURS * 3600000, session_ended, d);
    d->login = login_state_new();
    d->passkeys = passkey_state_new();
    make_folder(d);
    int rc = listen_on(d, err);
    if (rc == 0)
        rc = sandbox_enter(SANDBOX_DESK, &paths, err);
    if (rc == 0)
        rc = open_case(d, err);
    struct desk_api_setup api = {.role = d->setup, .web = d->web, .in_child = in_child, .ctx = d};
    return rc == 0 ? desk_api_open(&api, &d->api, err) : rc;
}

static void stop(struct desk *d)
{
    if (d->web)
        web_stop(d->web); /* requests that wait are gone() */
    if (d->api)
        desk_api_close(d->api);
    d->api = NULL;
    sessions_free(d->sessions);
    login_state_free(d->login);
    passkey_state_free(d->passkeys);
    casedir_close(&d->c, NULL);
}

int desk_run(const struct role_setup *setup, struct err *err)
{
    struct desk d = {.setup = setup, .config = &setup->config->web};
    int rc = start(&d, err);
    if (rc == 0) {
        role_say(setup->link, ROLE_READY, 0, NULL);
        while ((rc = turn(&d, err)) == 1)
            ;
    }
    stop(&d);
    return rc;
}
