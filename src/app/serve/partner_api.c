#include "app/serve/partner_api.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <microhttpd.h>

#include "app/serve/partner_feed.h"
#include "app/serve/sandbox.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/link.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utc.h"

#define CONNECTIONS_MAX    256
#define CONNECTIONS_PER_IP 64 /* a reverse proxy is one address */
#define CONNECTION_MEMORY  (32u << 10)
#define TIMEOUT_S          30
#define PEM_MAX            (1u << 20)
#define PART_BYTES         (64u << 10) /* of an answer at once */
#define READ_ENTRIES       20000       /* of the log between two looks at the network */
#define WAKE_MS            500         /* to see what is new on the log */
#define TABLE_MS           2000        /* between two tables, at least */
#define TABLE_SHARE        20          /* of the time at most one part goes into making tables */
#define BUCKETS_MAX        65536
#define PANIC_EXIT         70

/* What PARTNER_API_BURST leaves, in thousandths of a request. */
struct bucket {
    uint64_t entry; /* the partner's */
    int64_t at, left;
};

struct api {
    const struct role_setup *setup;
    struct MHD_Daemon *daemon;
    int epoll;
    struct buf certificate, key; /* terminated */
    struct partner_feed *feed;
    bool table;
    int64_t table_due;
    struct bucket *buckets;
    size_t n_buckets, buckets_cap;
    struct buf page; /* short text that is being answered */
};

static const char help[] =
    "ebb: infections seen in your networks.\n"
    "\n"
    "Authorization: Bearer TOKEN\n"
    "\n"
    "GET /v1/infections    addresses with their latest contact, in the order of the log\n"
    "  since=, until=      seen in this time (RFC 3339 date or time, UTC)\n"
    "  family=             of this kind of malware\n"
    "  format=             csv (Shadowserver's columns), json (a line each), stix (2.1)\n"
    "  limit=              rows: 10000 unless told, 1000000 at most (stix: 10000)\n"
    "  after=              only what is new since the answer whose Ebb-After this is\n"
    "GET /v1/files/YYYY-MM-DD.csv    all that was seen on a day\n";

/* ---- answering ---- */

#define TEXT_CONTENT_TYPE "text/plain; charset=utf-8"

static bool add_header(struct MHD_Response *r, const char *name, const char *value)
{
    return MHD_add_response_header(r, name, value) == MHD_YES;
}

static enum MHD_Result queue(struct MHD_Connection *connection, unsigned status,
                             struct MHD_Response *r, bool good)
{
    static const char *const headers[][2] = {
        {MHD_HTTP_HEADER_CACHE_CONTROL, "no-store"},
        {"Content-Security-Policy",
         "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        good &= add_header(r, headers[i][0], headers[i][1]);
    enum MHD_Result rc = good ? MHD_queue_response(connection, status, r) : MHD_NO;
    MHD_destroy_response(r);
    return rc;
}

/* Short text, with one header more where `name` is not NULL. */
static enum MHD_Result say(struct api *api, struct MHD_Connection *connection, unsigned status,
                           const char *text, const char *name, const char *value)
{
    api->page.n = 0;
    buf_str(&api->page, text);
    buf_str(&api->page, status == MHD_HTTP_OK ? "" : "\n");
    struct MHD_Response *r =
        MHD_create_response_from_buffer(api->page.n, api->page.p, MHD_RESPMEM_MUST_COPY);
    if (!r)
        return MHD_NO;
    bool good = add_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, TEXT_CONTENT_TYPE);
    if (name)
        good &= add_header(r, name, value);
    return queue(connection, status, r, good);
}

/* An answer's text, part by part. */
struct stream {
    struct partner_answer *answer;
    struct buf part;
    size_t at;
    int more;
};

static ssize_t next_bytes(void *ctx, uint64_t pos, char *out, size_t max)
{
    struct stream *s = ctx;
    struct err err;
    while (s->at == s->part.n && s->more == 1) {
        s->part.n = s->at = 0;
        s->more = partner_answer_put(s->answer, PART_BYTES, &s->part, &err);
        if (s->more < 0) {
            log_line(LOG_ERROR, "partners: an answer breaks off", "why=\"%s\"", err.text);
            return MHD_CONTENT_READER_END_WITH_ERROR;
        }
    }
    size_t n = s->part.n - s->at < max ? s->part.n - s->at : max;
    if (!n)
        return MHD_CONTENT_READER_END_OF_STREAM;
    memcpy(out, s->part.p + s->at, n);
    s->at += n;
    return (ssize_t)n;
}

static void stream_free(void *ctx)
{
    struct stream *s = ctx;
    partner_answer_free(s->answer);
    buf_free(&s->part);
    free(s);
}

static bool has_etag(struct MHD_Connection *connection, const char *etag)
{
    const char *have =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_NONE_MATCH);
    return have && strstr(have, etag);
}

static enum MHD_Result stream(struct MHD_Connection *connection, struct partner_answer *answer,
                              enum partner_format format)
{
    struct stream *s = mem_zeroed(1, sizeof *s);
    char etag[PARTNER_ETAG_LEN + 3], after[24];
    bool known = has_etag(connection, partner_answer_etag(answer));
    s->answer = answer;
    s->more = 1;
    snprintf(etag, sizeof etag, "\"%.*s\"", PARTNER_ETAG_LEN, partner_answer_etag(answer));
    snprintf(after, sizeof after, "%llu", (unsigned long long)partner_answer_after(answer));
    struct MHD_Response *r = known
                                 ? MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT)
                                 : MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, PART_BYTES,
                                                                     next_bytes, s, stream_free);
    bool good = r && add_header(r, MHD_HTTP_HEADER_ETAG, etag) &&
                add_header(r, "Ebb-After", after) &&
                add_header(r, "Ebb-More", partner_answer_more(answer) ? "true" : "false");
    if (good && !known)
        good = add_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, partner_content_type(format));
    if (known || !r)
        stream_free(s);
    return r ? queue(connection, known ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK, r, good) : MHD_NO;
}

/* ---- who asks ---- */

static bool may_ask(struct api *api, uint64_t entry)
{
    int64_t now = clock_ms();
    size_t i = 0;
    while (i < api->n_buckets && api->buckets[i].entry != entry)
        i++;
    if (i == api->n_buckets) {
        if (api->n_buckets == BUCKETS_MAX) /* all of them were replaced since */
            i = api->n_buckets = 0;
        api->buckets =
            mem_room(api->buckets, api->n_buckets, &api->buckets_cap, sizeof *api->buckets);
        api->buckets[api->n_buckets++] = (struct bucket){entry, now, PARTNER_API_BURST * 1000};
    }
    struct bucket *b = &api->buckets[i];
    b->left += now - b->at;
    b->at = now;
    if (b->left > PARTNER_API_BURST * 1000)
        b->left = PARTNER_API_BURST * 1000;
    if (b->left < 1000)
        return false;
    b->left -= 1000;
    return true;
}

/* MHD_HTTP_OK, or the status that refuses. */
static unsigned authorize(struct api *api, struct MHD_Connection *connection,
                          struct partner *partner)
{
    uint8_t digest[SHA256_LEN];
    const char *header =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    if (!api->table)
        return MHD_HTTP_SERVICE_UNAVAILABLE; /* the log is being read: nobody is known yet */
    if (!header || !partner_request_token(span_str(header), digest))
        return MHD_HTTP_UNAUTHORIZED;
    if (!partners_by_token(partner_feed_partners(api->feed), digest, utc_now(), partner))
        return partner->entry ? MHD_HTTP_FORBIDDEN : MHD_HTTP_UNAUTHORIZED;
    return may_ask(api, partner->entry) ? MHD_HTTP_OK : MHD_HTTP_TOO_MANY_REQUESTS;
}

static enum MHD_Result refuse(struct api *api, struct MHD_Connection *connection, unsigned status)
{
    switch (status) {
    case MHD_HTTP_UNAUTHORIZED:
        return say(api, connection, status, "a partner's token is wanted",
                   MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer realm=\"ebb\"");
    case MHD_HTTP_FORBIDDEN:
        return say(api, connection, status, "this token's time is over", NULL, NULL);
    case MHD_HTTP_TOO_MANY_REQUESTS:
        return say(api, connection, status, "too many requests: one a second",
                   MHD_HTTP_HEADER_RETRY_AFTER, "1");
    default:
        return say(api, connection, MHD_HTTP_SERVICE_UNAVAILABLE, "the log is being read",
                   MHD_HTTP_HEADER_RETRY_AFTER, "10");
    }
}

/* ---- what is asked ---- */

struct parameters {
    struct partner_request *request;
    const char *why;
};

static enum MHD_Result take_parameter(void *ctx, enum MHD_ValueKind kind, const char *key,
                                      size_t key_n, const char *value, size_t value_n)
{
    struct parameters *p = ctx;
    p->why = partner_request_put(p->request, span_of(key, key_n), span_of(value, value_n));
    return p->why ? MHD_NO : MHD_YES;
}

/* NULL, or what is wrong. */
static const char *read_request(struct MHD_Connection *connection, struct span path,
                                struct partner_request *r)
{
    struct parameters p = {r, NULL};
    bool file = partner_request_file(path, &r->since);
    MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, take_parameter, &p);
    if (!p.why && file && r->given)
        p.why = "a file takes no parameters";
    if (!p.why)
        p.why = partner_request_check(r);
    if (file) {
        r->until = r->since + UTC_DAY;
        r->limit = UINT32_MAX;
    }
    return p.why;
}

static enum MHD_Result answer_partner(struct api *api, struct MHD_Connection *connection,
                                      const char *path)
{
    struct partner partner;
    struct partner_request request;
    unsigned status = authorize(api, connection, &partner);
    if (status != MHD_HTTP_OK)
        return refuse(api, connection, status);
    partner_request_init(&request);
    const char *why = read_request(connection, span_str(path), &request);
    if (why)
        return say(api, connection, MHD_HTTP_BAD_REQUEST, why, NULL, NULL);
    struct partner_answer *a = partner_feed_answer(api->feed, &partner, &request);
    log_line(LOG_INFO, "a partner fetches", "partner=%.*s path=%s format=%s rows=%zu",
             (int)partner.name.n, (const char *)partner.name.p, path,
             partner_format_name(request.format), partner_answer_rows(a));
    return stream(connection, a, request.format);
}

/* As the desk's: called when a request's headers are there, and again at its end; a body is never
 * waited for. */
static enum MHD_Result answer(void *ctx, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **request)
{
    struct api *api = ctx;
    int64_t day;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return say(api, connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET and HEAD only",
                   MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    if (*upload_size)
        return MHD_NO;
    if (!*request) {
        *request = api;
        return MHD_YES;
    }
    if (strcmp(url, "/v1/") == 0 || strcmp(url, "/v1") == 0)
        return say(api, connection, MHD_HTTP_OK, help, NULL, NULL);
    if (strcmp(url, "/v1/infections") != 0 && !partner_request_file(span_str(url), &day))
        return say(api, connection, MHD_HTTP_NOT_FOUND, "there is nothing here: see /v1/", NULL,
                   NULL);
    return answer_partner(api, connection, url);
}

/* ---- the process ---- */

static void panic(void *ctx, const char *file, unsigned line, const char *reason)
{
    log_line(LOG_ERROR, "partners: libmicrohttpd cannot go on", "line=%u", line);
    _exit(PANIC_EXIT);
}

static int load_pem(const char *path, struct buf *out, struct err *err)
{
    int rc = file_read(path, PEM_MAX, out, err);
    buf_byte(out, 0);
    return rc;
}

/* With the library's own names: MHD_OPTION_END ends the options, so those of TLS come last. */
static struct MHD_Daemon *start_daemon(struct api *api, bool tls)
{
    unsigned flags = MHD_USE_EPOLL | (tls ? MHD_USE_TLS : 0);
    struct MHD_OptionItem secure[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, api->certificate.p},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, api->key.p},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
        {MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    return MHD_start_daemon(
        flags, 0, NULL, NULL, answer, api, MHD_OPTION_LISTEN_SOCKET, api->setup->listener,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_PER_IP, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT,
        1, MHD_OPTION_ARRAY, tls ? secure : none, MHD_OPTION_END);
}

static int listen_on(struct api *api, struct err *err)
{
    const struct config_cleanup *config = &api->setup->config->cleanup;
    bool tls = config->partners.certificate[0];
    int rc = 0;
    if (tls)
        rc = load_pem(config->partners.certificate, &api->certificate, err);
    if (tls && rc == 0)
        rc = load_pem(config->partners.key, &api->key, err);
    if (rc < 0)
        return rc;
    MHD_set_panic_func(panic, NULL);
    api->daemon = start_daemon(api, tls);
    if (!api->daemon)
        return err_set(err, -EIO, "partners: libmicrohttpd does not start");
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(api->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info || info->epoll_fd < 0)
        return err_set(err, -EIO, "partners: libmicrohttpd has no epoll descriptor");
    api->epoll = info->epoll_fd;
    return 0;
}

/* Reads on and, when all was read and it is time, makes a new table: 1 there is more to read. */
static int keep_up(struct api *api, struct err *err)
{
    int rc = partner_feed_read(api->feed, READ_ENTRIES, err);
    if (rc != 0)
        return rc;
    bool news =
        !api->table || partner_feed_position(api->feed) != partner_feed_tabulated(api->feed);
    int64_t begun = clock_ms();
    if (!news || begun < api->table_due)
        return 0;
    rc = partner_feed_tabulate(api->feed, err);
    int64_t now = clock_ms(), pause = (now - begun) * TABLE_SHARE;
    api->table = rc == 0;
    api->table_due = now + (pause > TABLE_MS ? pause : TABLE_MS);
    return rc;
}

static int turn(struct api *api, struct err *err)
{
    struct pollfd p[] = {{.fd = api->setup->link, .events = POLLIN},
                         {.fd = api->epoll, .events = POLLIN}};
    MHD_UNSIGNED_LONG_LONG due;
    int more = keep_up(api, err);
    if (more < 0)
        return more;
    int wait = more ? 0 : WAKE_MS;
    if (MHD_get_timeout(api->daemon, &due) == MHD_YES && due < (unsigned)wait)
        wait = (int)due;
    if (poll(p, 2, wait) < 0 && errno != EINTR)
        return err_errno(err, "partners: poll");
    if (MHD_run(api->daemon) != MHD_YES)
        return err_set(err, -EIO, "partners: libmicrohttpd does not run");
    return role_goes_on(api->setup->link);
}

static void stop(struct api *api)
{
    if (api->daemon) {
        MHD_quiesce_daemon(api->daemon); /* the listener is the supervisor's */
        MHD_stop_daemon(api->daemon);
    }
    partner_feed_close(api->feed);
    if (api->key.n)
        explicit_bzero(api->key.p, api->key.n);
    buf_free(&api->key);
    buf_free(&api->certificate);
    buf_free(&api->page);
    free(api->buckets);
}

int partner_api_run(const struct role_setup *setup, struct err *err)
{
    struct api api = {.setup = setup, .epoll = -1};
    struct sandbox_paths paths = {.case_dir = setup->case_dir};
    int rc = listen_on(&api, err);
    if (rc == 0)
        rc = sandbox_enter(SANDBOX_PARTNERS, &paths, err);
    if (rc == 0)
        rc = partner_feed_open(setup->case_dir, true, true, &api.feed, err);
    if (rc == 0) {
        role_say(setup->link, ROLE_READY, 0, NULL);
        while ((rc = turn(&api, err)) == 1)
            ;
    }
    stop(&api);
    return rc;
}
