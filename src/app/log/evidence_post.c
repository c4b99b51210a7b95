#include "app/log/evidence_post.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/serve/sandbox.h"
#include "app/web_server.h"
#include "base/clock.h"
#include "base/file.h"

#define WHY_MAX  160
#define GRACE_MS 5000 /* beyond the timeout, until the process is ended */

/* What the process tells its parent, followed by the body. */
struct told {
    int code; /* 0, or negative with `why` */
    long status;
    uint32_t body;
    char type[EVIDENCE_TYPE_MAX], why[WHY_MAX];
};

struct poster {
    const struct evidence_request *r;
    struct web_server server;
    struct buf body;
    bool too_large;
    int out;
};

/* ---- the process ---- */

static size_t take_body(char *p, size_t size, size_t n, void *ctx)
{
    struct poster *x = ctx;
    if (size * n > EVIDENCE_ANSWER_MAX - x->body.n) {
        x->too_large = true;
        return 0; /* ends the transfer */
    }
    buf_put(&x->body, p, size * n);
    return size * n;
}

/* The last door: whatever libcurl was led to, only the server's own addresses are connected to. */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct poster *x = ctx;
    if (purpose != CURLSOCKTYPE_IPCXN || !web_server_is_at(&x->server, &to->addr))
        return CURL_SOCKET_BAD;
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static void set_up(struct poster *x, CURL *c, struct curl_slist *headers,
                   struct curl_slist *resolve)
{
    const struct evidence_request *r = x->r;
    curl_easy_setopt(c, CURLOPT_URL, r->url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)r->timeout_s);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)(r->timeout_s + 1) / 2);
    curl_easy_setopt(c, CURLOPT_MAXFILESIZE, (long)EVIDENCE_ANSWER_MAX);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "ebb/" EBB_VERSION);
    curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, NULL); /* nothing that unpacks to more */
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c, CURLOPT_RESOLVE, resolve);
    if (r->get) {
        curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
    } else {
        curl_easy_setopt(c, CURLOPT_POST, 1L);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, (const char *)r->body.p);
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)r->body.n);
    }
    if (r->ca.n) {
        struct curl_blob ca = {(void *)(uintptr_t)r->ca.p, r->ca.n, CURL_BLOB_NOCOPY};
        curl_easy_setopt(c, CURLOPT_CAINFO_BLOB, &ca);
        curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
    }
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, x);
}

static void transfer(struct poster *x, struct told *t)
{
    CURL *c = curl_easy_init();
    char line[256], *type = NULL;
    struct curl_slist *headers = NULL, *resolve;
    snprintf(line, sizeof line, "Content-Type: %s", x->r->content_type);
    headers = curl_slist_append(headers, line);
    if (x->r->accept) {
        snprintf(line, sizeof line, "Accept: %s", x->r->accept);
        headers = curl_slist_append(headers, line);
    }
    headers = curl_slist_append(headers, "Expect:");
    resolve = curl_slist_append(NULL, (const char *)x->server.resolve.p);
    if (!c || !headers || !resolve)
        abort();
    set_up(x, c, headers, resolve);
    CURLcode code = curl_easy_perform(c);
    if (x->too_large || code == CURLE_FILESIZE_EXCEEDED) {
        t->code = -EFBIG;
        snprintf(t->why, sizeof t->why, "the answer is larger than %u KiB",
                 EVIDENCE_ANSWER_MAX >> 10);
    } else if (code != CURLE_OK) {
        t->code = code == CURLE_OPERATION_TIMEDOUT ? -ETIMEDOUT : -EIO;
        snprintf(t->why, sizeof t->why, "%s", curl_easy_strerror(code));
    } else {
        curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &t->status);
        curl_easy_getinfo(c, CURLINFO_CONTENT_TYPE, &type);
        snprintf(t->type, sizeof t->type, "%s", type ? type : "");
    }
}

static int lock_in(struct poster *x, struct err *err)
{
    struct sandbox_paths paths = {.port = x->server.port};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (x->out > 3)
        close_range(3, (unsigned)x->out - 1, 0);
    close_range((unsigned)x->out + 1, ~0u, 0);
    curl_global_init(CURL_GLOBAL_DEFAULT); /* libssl reads its configuration while it can */
    int rc = sandbox_drop(NULL, err);
    return rc == 0 ? sandbox_enter(SANDBOX_COURIER, &paths, err) : rc;
}

static _Noreturn void poster_main(struct poster *x)
{
    struct told t = {0};
    struct err err;
    t.code = lock_in(x, &err);
    if (t.code < 0)
        snprintf(t.why, sizeof t.why, "%.150s", err.text);
    else
        transfer(x, &t);
    t.body = t.code == 0 ? (uint32_t)x->body.n : 0;
    if (file_write_all(x->out, &t, sizeof t) == 0)
        file_write_all(x->out, x->body.p, t.body);
    _exit(0);
}

/* ---- the parent ---- */

/* n bytes until the deadline. */
static int read_until(int fd, void *p, size_t n, int64_t deadline)
{
    for (size_t got = 0; got < n;) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int64_t left = deadline - clock_ms();
        int rc = left > 0 ? poll(&wait, 1, (int)left) : 0;
        if (rc < 0 && errno == EINTR)
            continue;
        if (rc <= 0)
            return rc < 0 ? -errno : -ETIMEDOUT;
        ssize_t k = read(fd, (char *)p + got, n - got);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return k < 0 ? -errno : -EPIPE;
        got += (size_t)k;
    }
    return 0;
}

/* The process read bytes of others: what it says is checked again. */
static int listen_to(const struct poster *x, int fd, struct evidence_answer *out, struct err *err)
{
    const struct evidence_request *r = x->r;
    int64_t deadline = clock_ms() + (int64_t)r->timeout_s * 1000 + GRACE_MS;
    struct told t;
    int rc = read_until(fd, &t, sizeof t, deadline);
    if (rc == 0 && (t.code > 0 || t.body > EVIDENCE_ANSWER_MAX))
        rc = -EPROTO;
    if (rc == 0 && t.code == 0) {
        rc = read_until(fd, buf_reserve(&out->body, t.body + 1), t.body, deadline);
        out->body.n = rc == 0 ? t.body : 0;
    }
    if (rc < 0)
        return err_set(err, rc, "%s: the process that asks: %s (%s)", r->key, strerror(-rc),
                       r->url);
    t.why[WHY_MAX - 1] = t.type[EVIDENCE_TYPE_MAX - 1] = 0;
    if (t.code < 0)
        return err_set(err, t.code, "%s: %s (%s)", r->key, t.why, r->url);
    out->status = t.status;
    memcpy(out->type, t.type, sizeof out->type);
    return 0;
}

static int ask(struct poster *x, struct evidence_answer *out, struct err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_errno(err, "pipe");
    fflush(NULL); /* what is buffered is written once */
    pid_t pid = fork();
    if (pid == 0) {
        x->out = ends[1];
        poster_main(x);
    }
    close(ends[1]);
    int rc = pid < 0 ? err_errno(err, "fork") : listen_to(x, ends[0], out, err);
    close(ends[0]);
    if (pid > 0) {
        kill(pid, SIGKILL); /* it has said all that it has to say */
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    return rc;
}

int evidence_post(const struct evidence_request *r, struct evidence_answer *out, struct err *err)
{
    struct poster x = {.r = r};
    int rc = web_server_read(r->url, &x.server) && !x.server.user
                 ? web_server_look_up(&x.server, r->key, err)
                 : err_set(err, -EINVAL, "%s: not an http or https URL (%s)", r->key, r->url);
    if (rc == 0)
        rc = ask(&x, out, err);
    web_server_free(&x.server);
    return rc;
}
