#include "app/cluster/ch_http.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "app/cluster/ch_http_impl.h"
#include "base/file.h"
#include "base/mem.h"

#define PASSWORD_MAX 1024
#define CA_MAX       (8u << 20)
#define CONNECT_S    5 /* for a connection to come about */
#define SLOW_BYTES                                                                                 \
    64 /* a second; an answer that trickles for longer than the timeout is given up */
#define RECEIVE_SIZE (256L << 10)
#define SEND_SIZE    (1L << 20)

/* ---- what the config names ---- */

static int read_password(struct ch_http *h, const char *path, struct err *err)
{
    struct stat st;
    if (!*path)
        return 0;
    if (stat(path, &st) < 0)
        return err_errno(err, "cluster.password_file: %s", path);
    if (st.st_mode & 077)
        return err_set(err, -EINVAL, "cluster.password_file: others may read it: chmod 600 (%s)",
                       path);
    int rc = file_read(path, PASSWORD_MAX, &h->password, err);
    if (rc < 0)
        return rc;
    struct span s = buf_as_span(&h->password);
    while (s.n && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r'))
        s.n--;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 0x20 || s.p[i] == 0x7f)
            return err_set(err, -EINVAL, "cluster.password_file: one line (%s)", path);
    h->password.n = s.n;
    buf_byte(&h->password, 0);
    return s.n ? 0 : err_set(err, -EINVAL, "cluster.password_file: no password in it (%s)", path);
}

static int way_ask(void *ctx, unsigned shard, struct span sql, struct span body,
                   int (*take)(void *ctx, struct span piece), void *take_ctx, struct err *err)
{
    struct ch_http_request r = {
        .shard = shard, .sql = sql, .body = body, .take = take, .take_ctx = take_ctx};
    return ch_http_call(ctx, &r, err);
}

static int add_shard(struct ch_http *h, const struct config_shard *s, struct err *err)
{
    struct ch_http_shard *x = &h->shards[h->n++];
    x->name = s->name;
    x->url = s->url;
    if (!web_server_read(s->url, &x->server) || x->server.user || strchr(s->url, '?') ||
        strchr(s->url, '#'))
        return err_set(err, -EINVAL, "cluster.shards: wants a URL with host and port alone (%s)",
                       s->url);
    return 0;
}

int ch_http_open(const struct config *config, struct ch_http **out, struct clickhouse_way *way,
                 struct err *err)
{
    const struct config_cluster *c = &config->cluster;
    int rc = 0;
    *out = NULL;
    if (!c->shards_count)
        return err_set(err, -EINVAL, "cluster.shards: there are none in " CONFIG_FILE);
    struct ch_http *h = mem_zeroed(1, sizeof *h);
    h->c = c;
    for (unsigned i = 0; rc == 0 && i < c->shards_count; i++)
        rc = add_shard(h, &c->shards[i], err);
    if (rc == 0)
        rc = read_password(h, c->password_file, err);
    if (rc == 0 && *c->ca) {
        rc = file_read(c->ca, CA_MAX, &h->ca, err);
        if (rc < 0)
            rc = err_set(err, rc, "cluster.ca: cannot be read (%s)", c->ca);
    }
    if (rc < 0) {
        ch_http_close(h);
        return rc;
    }
    if (way)
        *way = (struct clickhouse_way){
            .ask = way_ask, .shards = h->n, .database = c->database, .ctx = h};
    *out = h;
    return 0;
}

void ch_http_close(struct ch_http *h)
{
    if (!h)
        return;
    for (unsigned i = 0; i < h->n; i++) {
        if (h->shards[i].easy)
            curl_easy_cleanup(h->shards[i].easy);
        curl_slist_free_all(h->shards[i].resolve);
        web_server_free(&h->shards[i].server);
    }
    if (h->password.p)
        explicit_bzero(h->password.p, h->password.n);
    buf_free(&h->password);
    buf_free(&h->ca);
    free(h);
}

static int look_up(struct ch_http_shard *s, struct err *err)
{
    if (s->looked_up)
        return s->server.n
                   ? 0
                   : err_set(err, -EHOSTUNREACH, "shard %s: no address (%s)", s->name, s->url);
    int rc = web_server_look_up(&s->server, s->name, err);
    if (rc < 0) {
        s->server.n = 0;
        s->server.resolve.n = 0;
        return rc; /* and asked again next time, while that can be done */
    }
    s->looked_up = true;
    s->resolve = curl_slist_append(NULL, (const char *)s->server.resolve.p);
    if (!s->resolve)
        abort();
    return 0;
}

void ch_http_look_up(struct ch_http *h)
{
    struct err err;
    for (unsigned i = 0; i < h->n; i++) {
        look_up(&h->shards[i], &err);
        h->shards[i].looked_up = true;
    }
}

/* ---- a call ---- */

/* The last door: whatever libcurl was led to, only the shard's own addresses are connected to. */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
    const struct ch_http_shard *s = ctx;
    if (purpose != CURLSOCKTYPE_IPCXN || !web_server_is_at(&s->server, &to->addr))
        return CURL_SOCKET_BAD;
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static size_t take_body(char *p, size_t size, size_t n, void *ctx)
{
    struct ch_http_run *x = ctx;
    uint64_t max = x->r->answer_max ? x->r->answer_max : CH_HTTP_ANSWER_MAX;
    n *= size;
    if (!x->status)
        curl_easy_getinfo(x->shard->easy, CURLINFO_RESPONSE_CODE, &x->status);
    if (x->status != 200) { /* its words: the beginning is enough */
        size_t keep = n < sizeof x->words - x->words_n ? n : sizeof x->words - x->words_n;
        memcpy(x->words + x->words_n, p, keep);
        x->words_n += keep;
        return keep || !n ? n : 0;
    }
    if (n > max - x->got) {
        x->too_large = true;
        return 0;
    }
    x->got += n;
    x->took = x->r->take ? x->r->take(x->r->take_ctx, span_of(p, n)) : 0;
    return x->took ? 0 : n;
}

static void put_escaped(struct buf *url, struct span s)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '_' || c == '.' || c == '~';
        if (!plain) {
            buf_byte(url, '%');
            buf_byte(url, (uint8_t)digits[c >> 4]);
            c = (uint8_t)digits[c & 15];
        }
        buf_byte(url, c);
    }
}

/* Answers come when they are whole (wait_end_of_query): one that breaks off has an error's status.
 */
static void put_url(struct ch_http_run *x)
{
    const struct ch_http_request *r = x->r;
    size_t n = strlen(x->shard->url);
    while (n && x->shard->url[n - 1] == '/')
        n--;
    buf_put(&x->url, x->shard->url, n);
    buf_str(&x->url, r->stream ? "/?enable_http_compression=0"
                               : "/?enable_http_compression=1&wait_end_of_query=1&buffer_size=4194304");
    if (r->query_id) {
        buf_str(&x->url, "&query_id=");
        put_escaped(&x->url, span_str(r->query_id));
    }
    if (r->body.n) {
        buf_str(&x->url, "&decompress=1&http_native_compression_disable_checksumming_on_decompress="
                         "1&query=");
        put_escaped(&x->url, r->sql);
    } else {
        buf_printf(&x->url, "&max_execution_time=%u",
                   r->timeout_s ? r->timeout_s : x->h->c->timeout_s);
    }
    buf_byte(&x->url, 0);
}

static void add_header(struct ch_http_run *x, const char *name, const char *value)
{
    struct buf line = {0};
    buf_printf(&line, "%s: %s", name, value);
    buf_byte(&line, 0);
    struct curl_slist *more = curl_slist_append(x->headers, (const char *)line.p);
    if (!more)
        abort();
    x->headers = more;
    explicit_bzero(line.p, line.n);
    buf_free(&line);
}

static void set_headers(struct ch_http_run *x)
{
    struct ch_http *h = x->h;
    add_header(x, "Content-Type", "application/octet-stream");
    if (*h->c->user)
        add_header(x, "X-ClickHouse-User", h->c->user);
    if (h->password.n)
        add_header(x, "X-ClickHouse-Key", (const char *)h->password.p);
    x->headers = curl_slist_append(x->headers, "Expect:");
    if (!x->headers)
        abort();
    curl_easy_setopt(x->shard->easy, CURLOPT_HTTPHEADER, x->headers);
}

/* What stays the same from call to call. */
static void set_always(struct ch_http *h, struct ch_http_shard *s)
{
    CURL *c = s->easy;
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "ebb/" EBB_VERSION);
    curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(c, CURLOPT_BUFFERSIZE, RECEIVE_SIZE);
    curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, SEND_SIZE);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, s);
    curl_easy_setopt(c, CURLOPT_RESOLVE, s->resolve);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
    if (h->ca.n) {
        struct curl_blob blob = {.data = h->ca.p, .len = h->ca.n, .flags = CURL_BLOB_NOCOPY};
        curl_easy_setopt(c, CURLOPT_CAINFO_BLOB, &blob);
    }
}

int ch_http_begin(struct ch_http *h, const struct ch_http_request *r, struct ch_http_run *x,
                  struct err *err)
{
    *x = (struct ch_http_run){.h = h, .r = r, .shard = &h->shards[r->shard]};
    struct ch_http_shard *s = x->shard;
    int rc = look_up(s, err);
    if (rc < 0)
        return rc;
    if (r->body.n && r->sql.n > CH_HTTP_QUERY_MAX)
        return err_set(err, -EINVAL, "shard %s: the statement is too long", s->name);
    if (!s->easy) {
        s->easy = curl_easy_init();
        if (!s->easy)
            abort();
        set_always(h, s);
    }
    struct span post = r->body.n ? r->body : r->sql;
    put_url(x);
    set_headers(x);
    curl_easy_setopt(s->easy, CURLOPT_URL, (const char *)x->url.p);
    curl_easy_setopt(s->easy, CURLOPT_LOW_SPEED_TIME,
                     (long)(r->timeout_s ? r->timeout_s : h->c->timeout_s));
    curl_easy_setopt(s->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(s->easy, CURLOPT_POSTFIELDS, (const char *)post.p);
    curl_easy_setopt(s->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post.n);
    curl_easy_setopt(s->easy, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(s->easy, CURLOPT_PRIVATE, x);
    return 0;
}

void ch_http_finish(struct ch_http_run *x)
{
    if (x->shard && x->shard->easy) {
        curl_easy_setopt(x->shard->easy, CURLOPT_HTTPHEADER, NULL);
        curl_easy_setopt(x->shard->easy, CURLOPT_POSTFIELDS, NULL);
    }
    curl_slist_free_all(x->headers);
    buf_free(&x->url);
    x->headers = NULL;
}

/* A server's words, one printable line. */
static int refused(struct ch_http_run *x, struct err *err)
{
    struct span words = span_trim(span_of(x->words, x->words_n));
    const uint8_t *end = words.n ? memchr(words.p, '\n', words.n) : NULL;
    if (end)
        words.n = (size_t)(end - words.p);
    if (words.n > 300)
        words.n = 300;
    for (size_t i = 0; i < words.n; i++)
        if (x->words[(size_t)(words.p - x->words) + i] >= 0x7f)
            x->words[(size_t)(words.p - x->words) + i] = '?';
    return err_set(err, -EIO, "shard %s: %.*s (HTTP %ld)", x->shard->name,
                   words.n ? (int)words.n : 9, words.n ? (const char *)words.p : "no reason",
                   x->status);
}

int ch_http_end(struct ch_http_run *x, CURLcode code, struct err *err)
{
    struct ch_http_shard *s = x->shard;
    if (!x->status)
        curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &x->status);
    if (x->too_large)
        return err_set(err, -EFBIG, "shard %s: the answer is too large", s->name);
    if (x->took)
        return x->took;
    if (x->status && x->status != 200 && (code == CURLE_OK || x->words_n))
        return refused(x, err);
    if (code != CURLE_OK)
        return err_set(err, -EHOSTUNREACH, "shard %s: %s (%s)", s->name, curl_easy_strerror(code),
                       s->url);
    return 0;
}

int ch_http_call(struct ch_http *h, const struct ch_http_request *r, struct err *err)
{
    struct ch_http_run x;
    int rc = ch_http_begin(h, r, &x, err);
    if (rc == 0)
        rc = ch_http_end(&x, curl_easy_perform(x.shard->easy), err);
    ch_http_finish(&x);
    return rc;
}
