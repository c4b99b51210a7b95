#include "web/web.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "web/web_impl.h"

#define CONNECTION_MEMORY (16u << 10) /* a request's headers, and those of its answer */
#define SLACK             256         /* connections that were cut and are not closed yet */
#define PEM_MAX           (1u << 20)
#define EVENTS            128
#define PANIC_EXIT        70
#define TLS_PRIORITIES    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* ---- libmicrohttpd's callbacks ---- */

static enum MHD_Result queue(struct web_request *r)
{
    struct web *w = r->web;
    enum MHD_Result rc = MHD_queue_response(r->mhd, r->status, r->response);
    w->figures.requests++;
    w->figures.bytes += r->reply_n;
    r->conn->reply_n = r->reply_n;
    web_conn_phase(w, r->conn, WEB_REPLYING);
    return rc;
}

static enum MHD_Result refuse(struct web_request *r, unsigned status)
{
    struct web_reply reply = {0};
    web_refusal(&reply, status);
    r->web->figures.refused++;
    return web_reply_make(r->web, r, &reply) ? queue(r) : MHD_NO;
}

/* While the handler thinks, libmicrohttpd does not look at the socket: whether the client is still
 * there is seen here. */
static void watch(struct web *w, struct web_conn *c, bool on)
{
    struct epoll_event e = {.events = EPOLLRDHUP, .data.u64 = (uint64_t)c->fd};
    epoll_ctl(w->epoll, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, c->fd, &e);
}

static enum MHD_Result serve(struct web_request *r)
{
    struct web *w = r->web;
    struct web_reply reply = {0};
    unsigned problem = web_request_end(r);
    if (problem)
        return refuse(r, problem);
    if (w->setup.handle(w->setup.ctx, r, &reply) == WEB_LATER) {
        r->later = true;
        web_conn_phase(w, r->conn, WEB_THINKING);
        watch(w, r->conn, true);
        MHD_suspend_connection(r->mhd);
        buf_free(&reply.body);
        return MHD_YES;
    }
    return web_reply_make(w, r, &reply) ? queue(r) : MHD_NO;
}

/* Called when a request's headers are there, with each piece of its body, and at its end. What
 * answers at the first call closes the connection behind a body. */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_n, void **request)
{
    struct web_request *r = *request;
    if (!r || r->gone)
        return MHD_NO;
    if (!r->begun) {
        r->begun = true;
        unsigned status = web_request_begin(r, method, version);
        return status ? refuse(r, status) : MHD_YES;
    }
    if (*upload_n) {
        size_t n = *upload_n;
        *upload_n = 0;
        return web_request_take(r, upload, n) ? MHD_YES : MHD_NO;
    }
    return r->response ? queue(r) : serve(r);
}

static struct web_conn *conn_of(struct web *w, struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? web_conn_of(w, info->connect_fd) : NULL;
}

/* A request line is there, as it came. On a connection that waited since its last request, the time
 * to be whole begins now. */
static void *on_uri(void *ctx, const char *uri, struct MHD_Connection *mhd)
{
    struct web *w = ctx;
    struct web_conn *c = conn_of(w, mhd);
    if (!c)
        return NULL;
    if (c->used && c->phase == WEB_WAITING)
        web_conn_phase(w, c, WEB_WAITING);
    web_request_free(c->request);
    return c->request = web_request_new(w, c, mhd, uri);
}

static void leave(struct web *w, struct web_conn *c)
{
    struct web_request *r = c->request;
    if (!r)
        return;
    if (r->later && !r->response) {
        watch(w, c, false);
        if (w->setup.gone && !r->gone)
            w->setup.gone(w->setup.ctx, r);
    }
    web_request_free(r);
    c->request = NULL;
}

static void on_completed(void *ctx, struct MHD_Connection *mhd, void **request,
                         enum MHD_RequestTerminationCode why)
{
    struct web *w = ctx;
    struct web_conn *c = conn_of(w, mhd);
    *request = NULL;
    if (!c)
        return;
    leave(w, c);
    c->used = true;
    web_conn_phase(w, c, WEB_WAITING);
}

static void on_connection(void *ctx, struct MHD_Connection *mhd, void **own,
                          enum MHD_ConnectionNotificationCode what)
{
    struct web *w = ctx;
    struct web_conn *c = conn_of(w, mhd);
    if (!c)
        return;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        c->mhd = mhd;
    } else {
        leave(w, c);
        web_conn_drop(w, c);
    }
}

/* The library would abort. */
static void panic(void *ctx, const char *file, unsigned line, const char *reason)
{
    log_line(LOG_ERROR, "web: libmicrohttpd cannot go on", "line=%u", line);
    _exit(PANIC_EXIT);
}

/* ---- start and end ---- */

static int load_pem(const char *path, struct buf *out, struct err *err)
{
    int rc = file_read(path, PEM_MAX, out, err);
    buf_byte(out, 0);
    return rc;
}

static struct MHD_Daemon *start_daemon(struct web *w, bool tls)
{
    unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
                     (tls ? MHD_USE_TLS : 0);
    struct MHD_OptionItem secure[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, w->certificate.p},
                                      {MHD_OPTION_HTTPS_MEM_KEY, 0, w->key.p},
                                      {MHD_OPTION_HTTPS_PRIORITIES, 0, TLS_PRIORITIES},
                                      {MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    return MHD_start_daemon(flags, 0, NULL, NULL, on_request, w, MHD_OPTION_CONNECTION_LIMIT,
                            w->setup.connections + SLACK, MHD_OPTION_CONNECTION_TIMEOUT,
                            w->setup.idle_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                            (size_t)CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1,
                            MHD_OPTION_URI_LOG_CALLBACK, on_uri, w, MHD_OPTION_NOTIFY_COMPLETED,
                            on_completed, w, MHD_OPTION_NOTIFY_CONNECTION, on_connection, w,
                            MHD_OPTION_ARRAY, tls ? secure : none, MHD_OPTION_END);
}

static int listen_on(struct web *w, struct err *err)
{
    struct epoll_event e = {.events = EPOLLIN};
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(w->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info || info->epoll_fd < 0)
        return err_set(err, -EIO, "web: libmicrohttpd has no epoll descriptor");
    w->mhd_epoll = info->epoll_fd;
    w->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (w->epoll < 0)
        return err_errno(err, "web: epoll");
    e.data.u64 = (uint64_t)w->mhd_epoll;
    if (epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->mhd_epoll, &e) < 0)
        return err_errno(err, "web: epoll");
    e.data.u64 = (uint64_t)w->setup.listener;
    return epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->setup.listener, &e) < 0
               ? err_errno(err, "web: epoll")
               : 0;
}

int web_start(const struct web_setup *setup, struct web **out, struct err *err)
{
    struct web *w = mem_zeroed(1, sizeof *w);
    bool tls = setup->certificate && setup->certificate[0];
    int rc = 0;
    w->setup = *setup;
    w->epoll = w->mhd_epoll = -1;
    w->now = clock_ms();
    w->crowd = web_crowd_new();
    if (!tls)
        w->setup.certificate = NULL;
    if (tls)
        rc = load_pem(setup->certificate, &w->certificate, err);
    if (tls && rc == 0)
        rc = load_pem(setup->key, &w->key, err);
    if (rc == 0) {
        MHD_set_panic_func(panic, NULL);
        w->daemon = start_daemon(w, tls);
        rc =
            w->daemon ? listen_on(w, err) : err_set(err, -EIO, "web: libmicrohttpd does not start");
    }
    if (rc < 0)
        web_stop(w);
    else
        *out = w;
    return rc;
}

/* libmicrohttpd must not be stopped while a connection is suspended. */
static void end_thinking(struct web *w)
{
    for (struct web_conn *c = w->list[WEB_THINKING].first; c; c = c->next) {
        watch(w, c, false);
        if (w->setup.gone)
            w->setup.gone(w->setup.ctx, c->request);
        c->request->gone = true;
        c->request->later = false;
        MHD_resume_connection(c->mhd);
    }
    if (w->daemon)
        MHD_run(w->daemon);
}

void web_stop(struct web *w)
{
    if (!w)
        return;
    w->stopping = true;
    end_thinking(w);
    while (w->list[WEB_HEADING].first)
        web_conn_cut(w, w->list[WEB_HEADING].first);
    if (w->daemon)
        MHD_stop_daemon(w->daemon);
    if (w->epoll >= 0)
        close(w->epoll);
    for (size_t i = 0; i < w->conn_cap; i++)
        if (w->conn[i])
            web_conn_drop(w, w->conn[i]);
    free(w->conn);
    while (w->spares)
        arena_free(&w->spare[--w->spares]);
    web_crowd_free(w->crowd);
    buf_free(&w->certificate);
    if (w->key.p)
        explicit_bzero(w->key.p, w->key.n);
    buf_free(&w->key);
    free(w);
}

/* ---- the loop ---- */

int web_fd(const struct web *w)
{
    return w->epoll;
}

int web_wait_ms(const struct web *w, int most)
{
    MHD_UNSIGNED_LONG_LONG due;
    int64_t next = web_conn_next_deadline(w);
    int64_t left = next == INT64_MAX ? most : next - clock_ms();
    if (MHD_get_timeout(w->daemon, &due) == MHD_YES && (int64_t)due < left)
        left = (int64_t)due;
    return left < 0 ? 0 : left < most ? (int)left : most;
}

/* A client whose answer is being made has closed its side. */
static void client_left(struct web *w, struct web_conn *c)
{
    struct web_request *r = c->request;
    watch(w, c, false);
    if (!r || !r->later || r->response)
        return;
    if (w->setup.gone)
        w->setup.gone(w->setup.ctx, r);
    r->gone = true;
    web_conn_phase(w, c, WEB_CUT);
    MHD_resume_connection(c->mhd);
}

int web_run(struct web *w, struct err *err)
{
    struct epoll_event events[EVENTS];
    w->now = clock_ms();
    int n = epoll_wait(w->epoll, events, EVENTS, 0);
    for (int i = 0; i < n; i++) {
        int fd = (int)events[i].data.u64;
        struct web_conn *c = fd == w->mhd_epoll ? NULL : web_conn_of(w, fd);
        if (fd == w->setup.listener)
            web_conn_accept(w);
        else if (c && c->phase == WEB_HEADING)
            web_conn_header(w, c);
        else if (c && c->phase == WEB_THINKING)
            client_left(w, c);
    }
    if (MHD_run(w->daemon) != MHD_YES)
        return err_set(err, -EIO, "web: libmicrohttpd does not run");
    web_conn_deadlines(w);
    return 0;
}

void web_answer(struct web *w, struct web_request *r, struct web_reply *reply)
{
    watch(w, r->conn, false);
    if (!web_reply_make(w, r, reply))
        r->gone = true; /* no memory: closed without an answer */
    MHD_resume_connection(r->mhd);
}

void web_figures(const struct web *w, struct web_figures *out)
{
    *out = w->figures;
    out->connections = 0;
    for (unsigned i = 0; i < WEB_CUT; i++)
        out->connections += w->list[i].n;
}

void web_in_child(struct web *w)
{
    for (size_t i = 0; i < w->conn_cap; i++)
        if (w->conn[i])
            close(w->conn[i]->fd);
    close(w->epoll);
    close(w->mhd_epoll);
    if (w->key.p)
        explicit_bzero(w->key.p, w->key.n);
}
