#include "app/desk/desk.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include <microhttpd.h>

#include "app/serve/metrics.h"
#include "app/serve/sandbox.h"
#include "app/serve/serve_status.h"
#include "base/clock.h"
#include "base/link.h"
#include "base/log.h"

#define CONNECTIONS_MAX    64
#define CONNECTIONS_PER_IP 32 /* a reverse proxy is one address */
#define CONNECTION_MEMORY  (16u << 10)
#define TIMEOUT_S          10
#define RATES_EVERY_MS     2000
#define PANIC_EXIT         70

struct desk {
    const struct role_setup *setup;
    struct MHD_Daemon *daemon;
    int epoll;
    struct serve_rates rates;
    struct buf page; /* what is being answered */
};

/* ---- pages ---- */

#define HTML_CONTENT_TYPE "text/html; charset=utf-8"
#define TEXT_CONTENT_TYPE "text/plain; charset=utf-8"

struct page {
    const char *path, *content_type;
    unsigned (*put)(struct desk *d); /* appends to d->page; the status */
};

static unsigned put_metrics(struct desk *d)
{
    metrics_put(&d->page, d->setup->shared);
    return MHD_HTTP_OK;
}

static unsigned put_health(struct desk *d)
{
    buf_str(&d->page, "ok\n");
    return MHD_HTTP_OK;
}

static unsigned put_ready(struct desk *d)
{
    if (metrics_not_ready(&d->page, d->setup->shared))
        return MHD_HTTP_SERVICE_UNAVAILABLE;
    buf_str(&d->page, "ready\n");
    return MHD_HTTP_OK;
}

static void put_escaped(struct buf *out, struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '&')
            buf_str(out, "&amp;");
        else if (s.p[i] == '<')
            buf_str(out, "&lt;");
        else
            buf_byte(out, s.p[i]);
    }
}

/* Lines "what<tab>value" as rows. */
static void put_rows(struct buf *out, struct span lines)
{
    struct cur c = cur_of(lines);
    while (cur_left(&c)) {
        struct span line = cur_line(&c);
        const uint8_t *tab = line.n ? memchr(line.p, '\t', line.n) : NULL;
        size_t left = tab ? (size_t)(tab - line.p) : line.n;
        buf_str(out, "<tr><th scope=\"row\">");
        put_escaped(out, span_of(line.p, left));
        buf_str(out, "</th><td>");
        put_escaped(out, span_of(line.p + left + (tab != NULL), line.n - left - (tab != NULL)));
        buf_str(out, "</td></tr>\n");
    }
}

static unsigned put_status(struct desk *d)
{
    struct buf lines = {0};
    serve_rates_take(&d->rates, d->setup->shared, clock_ms());
    serve_status_lines(d->setup->shared, &d->rates, &lines);
    buf_str(&d->page, "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">"
                      "<meta http-equiv=\"refresh\" content=\"5\">"
                      "<title>ebb: status</title></head>\n<body>\n<h1>ebb</h1>\n"
                      "<table>\n<caption>Status</caption>\n");
    put_rows(&d->page, buf_as_span(&lines));
    buf_str(&d->page, "</table>\n<p><a href=\"/metrics\">Metrics</a></p>\n</body>\n</html>\n");
    buf_free(&lines);
    return MHD_HTTP_OK;
}

static const struct page pages[] = {
    {"/", HTML_CONTENT_TYPE, put_status},
    {"/metrics", METRICS_CONTENT_TYPE, put_metrics},
    {"/healthz", TEXT_CONTENT_TYPE, put_health},
    {"/readyz", TEXT_CONTENT_TYPE, put_ready},
};

/* ---- answering ---- */

static enum MHD_Result reply(struct desk *d, struct MHD_Connection *connection, unsigned status,
                             const char *content_type)
{
    static const char *const headers[][2] = {
        {MHD_HTTP_HEADER_CACHE_CONTROL, "no-store"},
        {"Content-Security-Policy",
         "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
    };
    struct MHD_Response *r =
        MHD_create_response_from_buffer(d->page.n, d->page.p, MHD_RESPMEM_MUST_COPY);
    if (!r)
        return MHD_NO;
    bool good = MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, content_type) == MHD_YES;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        good &= MHD_add_response_header(r, headers[i][0], headers[i][1]) == MHD_YES;
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        good &= MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD") == MHD_YES;
    enum MHD_Result rc = good ? MHD_queue_response(connection, status, r) : MHD_NO;
    MHD_destroy_response(r);
    return rc;
}

/* Called when a request's headers are there, and again at its end. A body is never waited for: what
 * answers at the first call closes the connection, and so does MHD_NO. */
static enum MHD_Result answer(void *ctx, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **request)
{
    struct desk *d = ctx;
    d->page.n = 0;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        buf_str(&d->page, "GET and HEAD only\n");
        return reply(d, connection, MHD_HTTP_METHOD_NOT_ALLOWED, TEXT_CONTENT_TYPE);
    }
    if (*upload_size)
        return MHD_NO;
    if (!*request) {
        *request = d;
        return MHD_YES;
    }
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        if (strcmp(url, pages[i].path) == 0) {
            unsigned status = pages[i].put(d);
            return reply(d, connection, status, pages[i].content_type);
        }
    buf_str(&d->page, "no such page\n");
    return reply(d, connection, MHD_HTTP_NOT_FOUND, TEXT_CONTENT_TYPE);
}

/* ---- the process ---- */

/* The library would abort; the supervisor starts the desk again either way. */
static void panic(void *ctx, const char *file, unsigned line, const char *reason)
{
    log_line(LOG_ERROR, "desk: libmicrohttpd cannot go on", "line=%u", line);
    _exit(PANIC_EXIT);
}

static int listen_on(struct desk *d, struct err *err)
{
    if (d->setup->listener < 0)
        return 0;
    MHD_set_panic_func(panic, NULL);
    d->daemon = MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, answer, d, MHD_OPTION_LISTEN_SOCKET, d->setup->listener,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_PER_IP, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT,
        1, MHD_OPTION_END);
    if (!d->daemon)
        return err_set(err, -EIO, "desk: libmicrohttpd does not start");
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(d->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info || info->epoll_fd < 0)
        return err_set(err, -EIO, "desk: libmicrohttpd has no epoll descriptor");
    d->epoll = info->epoll_fd;
    return 0;
}

static int turn(struct desk *d, struct err *err)
{
    struct pollfd p[] = {{.fd = d->setup->link, .events = POLLIN},
                         {.fd = d->epoll, .events = POLLIN}};
    MHD_UNSIGNED_LONG_LONG due;
    int wait = RATES_EVERY_MS;
    if (d->daemon && MHD_get_timeout(d->daemon, &due) == MHD_YES && due < RATES_EVERY_MS)
        wait = (int)due;
    if (poll(p, 2, wait) < 0 && errno != EINTR)
        return err_errno(err, "desk: poll");
    if (d->daemon && MHD_run(d->daemon) != MHD_YES)
        return err_set(err, -EIO, "desk: libmicrohttpd does not run");
    serve_rates_take(&d->rates, d->setup->shared,
                     clock_ms()); /* so that a page has the last seconds' */
    return role_goes_on(d->setup->link);
}

static void stop(struct desk *d)
{
    if (d->daemon) {
        MHD_quiesce_daemon(d->daemon); /* the listener is the supervisor's */
        MHD_stop_daemon(d->daemon);
    }
    buf_free(&d->page);
}

int desk_run(const struct role_setup *setup, struct err *err)
{
    struct desk d = {.setup = setup, .epoll = -1};
    int rc = listen_on(&d, err);
    struct sandbox_paths paths = {.case_dir = setup->case_dir};
    if (rc == 0)
        rc = sandbox_enter(SANDBOX_DESK, &paths, err);
    if (rc == 0) {
        role_say(setup->link, ROLE_READY, 0, NULL);
        while ((rc = turn(&d, err)) == 1)
            ;
    }
    stop(&d);
    return rc;
}
