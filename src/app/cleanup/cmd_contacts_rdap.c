#include "app/cleanup/cmd_contacts_rdap.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/serve/sandbox.h"
#include "app/web_server.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

#define RDAP_KEY  "cleanup.rdap.servers"
#define URL_MAX   512
#define TRIES_MAX 2 /* of one question at one server */

struct server {
    char base[URL_MAX]; /* with a slash at its end */
    struct web_server at;
    unsigned failures;
    bool left; /* alone, for this run */
};

/* The process that asks. */
struct asker {
    struct server *servers;
    unsigned n_servers;
    uint32_t per_minute;
    int64_t next; /* ms: when the next request may go out */
    CURL *curl;
    struct curl_slist *resolve, *headers;
    struct buf body;
    bool too_large;
    long retry_after;
    struct net *answered; /* networks that need not be asked about any more */
    size_t n_answered, cap_answered;
    int out;
};

/* What the asker tells its parent, followed by the body. */
struct told {
    uint64_t question;
    uint32_t server, body;
    bool answered;
    struct rdap_answer answer;
    char result[96];
};

/* ---- servers ---- */

/* Its base has a slash at its end. */
static int read_url(const char *text, struct server *s, struct err *err)
{
    bool fits = snprintf(s->base, sizeof s->base, "%s%s", text,
                         text[0] && text[strlen(text) - 1] == '/' ? "" : "/") < (int)sizeof s->base;
    return fits && web_server_read(s->base, &s->at)
               ? 0
               : err_set(err, -EINVAL, RDAP_KEY ": no URL of a server (%s)", text);
}

static int open_servers(struct asker *a, const struct config_cleanup *config, struct err *err)
{
    unsigned n = config->rdap.servers_count;
    if (n > RDAP_SERVERS_MAX)
        return err_set(err, -EINVAL, RDAP_KEY ": more than %d", RDAP_SERVERS_MAX);
    a->servers = mem_zeroed(n, sizeof *a->servers);
    a->per_minute = config->rdap.per_minute ? config->rdap.per_minute : 1;
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < n; i++) {
        struct server *s = &a->servers[a->n_servers++];
        rc = read_url(config->rdap.servers[i], s, err);
        if (rc == 0)
            rc = web_server_look_up(&s->at, RDAP_KEY, err);
        if (rc == 0 && !s->at.https && !s->at.loopback)
            rc = err_set(err, -EINVAL, RDAP_KEY ": must be https (%s)", s->base);
    }
    return rc;
}

static void close_servers(struct asker *a)
{
    for (unsigned i = 0; i < a->n_servers; i++)
        web_server_free(&a->servers[i].at);
    free(a->servers);
}

/* ---- one request ---- */

static size_t take_body(char *p, size_t size, size_t n, void *ctx)
{
    struct asker *a = ctx;
    if (size * n > RDAP_ANSWER_MAX - a->body.n) {
        a->too_large = true;
        return 0; /* ends the transfer */
    }
    buf_put(&a->body, p, size * n);
    return size * n;
}

static size_t take_header(char *p, size_t size, size_t n, void *ctx)
{
    static const char name[] = "retry-after:";
    struct asker *a = ctx;
    char value[16];
    if (n > sizeof name && strncasecmp(p, name, sizeof name - 1) == 0) {
        snprintf(value, sizeof value, "%.*s", (int)(n - sizeof name + 1), p + sizeof name - 1);
        a->retry_after = strtol(value, NULL, 10); /* a date reads as 0: the default */
    }
    return size * n;
}

/* The last door: whatever libcurl was led to, only the servers' own addresses are connected to. */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct asker *a = ctx;
    if (purpose != CURLSOCKTYPE_IPCXN || (to->family != AF_INET && to->family != AF_INET6))
        return CURL_SOCKET_BAD;
    for (unsigned i = 0; i < a->n_servers; i++)
        if (web_server_is_at(&a->servers[i].at, &to->addr))
            return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
    return CURL_SOCKET_BAD;
}

static int set_up(struct asker *a)
{
    CURL *c = a->curl = curl_easy_init();
    a->headers = curl_slist_append(NULL, "Accept: application/rdap+json, application/json");
    for (unsigned i = 0; i < a->n_servers; i++)
        a->resolve = curl_slist_append(a->resolve, (const char *)a->servers[i].at.resolve.p);
    if (!c || !a->headers || !a->resolve)
        return -ENOMEM;
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)RDAP_TIMEOUT_S);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)RDAP_TIMEOUT_S / 2);
    curl_easy_setopt(c, CURLOPT_MAXFILESIZE, (long)RDAP_ANSWER_MAX);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "ebb/" EBB_VERSION);
    curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, NULL); /* nothing that unpacks to more */
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, a->headers);
    curl_easy_setopt(c, CURLOPT_RESOLVE, a->resolve);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, a);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, a);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, a);
    return 0;
}

static void sleep_ms(int64_t ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    if (ms > 0)
        nanosleep(&t, NULL);
}

/* The rate counts requests, redirects and repetitions included. */
static void wait_turn(struct asker *a)
{
    int64_t now = clock_ms();
    if (a->next > now)
        sleep_ms(a->next - now);
    a->next = clock_ms() + 60000 / a->per_minute;
}

static struct server *server_of_url(struct asker *a, const char *url)
{
    for (unsigned i = 0; i < a->n_servers; i++)
        if (strncmp(url, a->servers[i].base, strlen(a->servers[i].base)) == 0)
            return &a->servers[i];
    return NULL;
}

/* The status of the last answer; 0: none came, with the reason. Redirects are followed to
 * configured servers; *s is then the one that answered. */
static long fetch(struct asker *a, const char *first, struct server **s, char why[96])
{
    char url[URL_MAX + 64];
    snprintf(url, sizeof url, "%s", first);
    for (unsigned hop = 0; hop <= RDAP_REDIRECTS; hop++) {
        char *next = NULL;
        long status = 0;
        wait_turn(a);
        a->body.n = 0;
        a->too_large = false;
        a->retry_after = 0;
        curl_easy_setopt(a->curl, CURLOPT_PROTOCOLS_STR,
                         (*s)->at.loopback ? "http,https" : "https");
        curl_easy_setopt(a->curl, CURLOPT_URL, url);
        CURLcode code = curl_easy_perform(a->curl);
        if (code != CURLE_OK) {
            snprintf(why, 96, "%s",
                     a->too_large || code == CURLE_FILESIZE_EXCEEDED ? "the answer is too large"
                                                                     : curl_easy_strerror(code));
            return a->too_large || code == CURLE_FILESIZE_EXCEEDED ? -1 : 0;
        }
        curl_easy_getinfo(a->curl, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(a->curl, CURLINFO_REDIRECT_URL, &next);
        if (status < 300 || status >= 400 || !next)
            return status;
        struct server *to = server_of_url(a, next);
        if (!to || strlen(next) >= sizeof url) {
            snprintf(why, 96, "redirected to a server that is not configured");
            return -1;
        }
        *s = to;
        snprintf(url, sizeof url, "%s", next);
    }
    snprintf(why, 96, "redirected too often");
    return -1;
}

/* ---- one question ---- */

static bool is_answered(const struct asker *a, const struct ip *ip)
{
    for (size_t i = a->n_answered; i-- > 0;)
        if (net_has(&a->answered[i], ip))
            return true;
    return false;
}

static void note_answered(struct asker *a, const struct net *network)
{
    a->answered = mem_room(a->answered, a->n_answered, &a->cap_answered, sizeof *a->answered);
    a->answered[a->n_answered++] = *network;
}

/* What a whole answer says. */
static void read_answer(struct asker *a, const struct rdap_question *q, struct told *t)
{
    struct err err;
    int rc = rdap_read(buf_as_span(&a->body), &q->address, &t->answer, &err);
    t->answered = true;
    if (rc == 0) {
        snprintf(t->result, sizeof t->result, "%s", t->answer.mail[0] ? "found" : "nobody");
        return;
    }
    t->answer = (struct rdap_answer){0};
    snprintf(t->result, sizeof t->result, "%.95s", rc == -ENOENT ? "no network" : err.text);
}

static void leave_alone(struct server *s)
{
    s->failures = RDAP_FAILURES_MAX;
    s->left = true;
}

/* A server that is busy is asked once more after the time that it names, or left alone. */
static bool may_try_again(struct asker *a, struct server *s, unsigned tries)
{
    long wait = a->retry_after > 0 ? a->retry_after : 1;
    if (tries >= TRIES_MAX || wait > RDAP_WAIT_MAX_S) {
        leave_alone(s);
        return false;
    }
    sleep_ms(wait * 1000);
    return true;
}

/* 1: another server may know. */
static int ask_server(struct asker *a, struct server *s, const struct rdap_question *q,
                      struct told *t)
{
    char url[URL_MAX + 64], ip[IP_TEXT_MAX];
    ip_format(&q->address, ip);
    snprintf(url, sizeof url, "%sip/%s", s->base, ip);
    for (unsigned tries = 1;; tries++) {
        struct server *answering = s;
        long status = fetch(a, url, &answering, t->result);
        t->server = (uint32_t)(answering - a->servers);
        if (status == 429 || status == 503) {
            snprintf(t->result, sizeof t->result, "busy (%ld)", status);
            if (may_try_again(a, answering, tries))
                continue;
            return 0;
        }
        if (status > 0)
            answering->failures = 0;
        if (status == 200) {
            read_answer(a, q, t);
            return 0;
        }
        if (status == 404) {
            t->answered = true;
            snprintf(t->result, sizeof t->result, "no network");
            return 1;
        }
        if (status > 0)
            snprintf(t->result, sizeof t->result, "HTTP status %ld", status);
        if (status == 0 && ++answering->failures >= RDAP_FAILURES_MAX)
            leave_alone(answering);
        return 0;
    }
}

static bool is_named(const struct server *s, const char *registry)
{
    return registry[0] && strcasestr(s->base, registry) != NULL;
}

static void ask_one(struct asker *a, const struct rdap_question *q, struct told *t)
{
    bool named = false;
    int rc = 1;
    for (unsigned i = 0; i < a->n_servers; i++)
        named |= is_named(&a->servers[i], q->registry);
    snprintf(t->result, sizeof t->result, "no server is left to ask");
    a->body.n = 0;
    for (unsigned i = 0; rc == 1 && i < a->n_servers; i++)
        if (!a->servers[i].left && (!named || is_named(&a->servers[i], q->registry))) {
            t->answered = false;
            rc = ask_server(a, &a->servers[i], q, t);
        }
}

static int tell(struct asker *a, struct told *t)
{
    if (!t->answered)
        a->body.n = 0;
    t->body = (uint32_t)a->body.n;
    int rc = file_write_all(a->out, t, sizeof *t);
    return rc == 0 ? file_write_all(a->out, a->body.p, a->body.n) : rc;
}

/* ---- the process ---- */

/* The one port of all servers; 0: several. */
static uint16_t port_of_all(const struct asker *a)
{
    for (unsigned i = 1; i < a->n_servers; i++)
        if (a->servers[i].at.port != a->servers[0].at.port)
            return 0;
    return a->servers[0].at.port;
}

static int lock_in(const struct asker *a, struct err *err)
{
    struct sandbox_paths paths = {.port = port_of_all(a)};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (a->out > 3)
        close_range(3, (unsigned)a->out - 1, 0);
    close_range((unsigned)a->out + 1, ~0u, 0);
    curl_global_init(CURL_GLOBAL_DEFAULT); /* libssl reads its configuration while it can */
    int rc = sandbox_drop(NULL, err);
    return rc == 0 ? sandbox_enter(SANDBOX_COURIER, &paths, err) : rc;
}

static _Noreturn void asker_main(struct asker *a, const struct rdap_question *questions, size_t n)
{
    struct err err;
    if (lock_in(a, &err) < 0 || set_up(a) < 0) {
        fprintf(stderr, "ebb: contacts ask: %s\n", err.text);
        _exit(1);
    }
    for (size_t i = 0; i < n; i++) {
        struct told t = {.question = i};
        if (is_answered(a, &questions[i].address))
            continue;
        ask_one(a, &questions[i], &t);
        if (t.answered)
            note_answered(a, t.answer.network.set ? &t.answer.network : &questions[i].network);
        if (tell(a, &t) < 0)
            break; /* nobody wants to know */
    }
    _exit(0);
}

/* ---- the parent ---- */

static int read_whole(int fd, void *p, size_t n)
{
    size_t got = 0;
    while (got < n) {
        ssize_t k = read(fd, (char *)p + got, n - got);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return k < 0 ? -errno : got ? -EPIPE : 1; /* 1: its end */
        got += (size_t)k;
    }
    return 0;
}

/* The asker read bytes of others: what it says is checked again. */
static bool told_ok(struct told *t, const struct asker *a, size_t n)
{
    char mail[MAILBOX_MAX + 1];
    t->result[sizeof t->result - 1] = 0;
    t->answer.mail[MAILBOX_MAX] = t->answer.handle[RDAP_TEXT_MAX] = 0;
    t->answer.name[RDAP_TEXT_MAX] = t->answer.country[2] = 0;
    if (t->question >= n || t->server >= a->n_servers || t->body > RDAP_ANSWER_MAX)
        return false;
    if (t->answer.mail[0] && (mailbox_read(span_str(t->answer.mail), mail) != MAILBOX_GOOD ||
                              strcmp(mail, t->answer.mail) != 0))
        return false;
    return !t->answer.network.set ||
           t->answer.network.bits <= (ip_is_v4(&t->answer.network.ip) ? 32 : 128);
}

static int listen_to(const struct asker *a, int fd, const struct rdap_question *questions, size_t n,
                     int (*reply)(void *ctx, const struct rdap_question *q,
                                  const struct rdap_reply *r),
                     void *ctx, struct err *err)
{
    struct buf body = {0};
    struct told t;
    int rc;
    while ((rc = read_whole(fd, &t, sizeof t)) == 0) {
        if (!told_ok(&t, a, n)) {
            rc = err_set(err, -EPROTO, "contacts ask: the asking process talks nonsense");
            break;
        }
        body.n = 0;
        rc = read_whole(fd, buf_reserve(&body, t.body + 1), t.body);
        body.n = t.body;
        if (rc != 0)
            break;
        struct rdap_reply r = {t.answered, t.answer, a->servers[t.server].base, t.result,
                               buf_as_span(&body)};
        rc = reply(ctx, &questions[t.question], &r);
        if (rc != 0)
            break;
    }
    buf_free(&body);
    return rc == 1 ? 0 : rc;
}

int rdap_ask(const struct config_cleanup *config, const struct rdap_question *questions, size_t n,
             int (*reply)(void *ctx, const struct rdap_question *q, const struct rdap_reply *r),
             void *ctx, struct err *err)
{
    struct asker a = {0};
    int pipe_ends[2], status = 0;
    int rc = open_servers(&a, config, err);
    if (rc == 0 && n && pipe2(pipe_ends, O_CLOEXEC) < 0)
        rc = err_errno(err, "pipe");
    if (rc == 0 && n) {
        fflush(NULL); /* what is buffered is written once */
        pid_t pid = fork();
        if (pid == 0) {
            a.out = pipe_ends[1];
            asker_main(&a, questions, n);
        }
        close(pipe_ends[1]);
        rc = pid < 0 ? err_errno(err, "fork")
                     : listen_to(&a, pipe_ends[0], questions, n, reply, ctx, err);
        close(pipe_ends[0]); /* it notices, should it still be asking */
        if (pid > 0) {
            if (rc < 0)
                kill(pid, SIGKILL);
            while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
            if (rc == 0 && (!WIFEXITED(status) || WEXITSTATUS(status)))
                rc = err_set(err, -EPROTO, "contacts ask: the asking process failed");
        }
    }
    close_servers(&a);
    return rc;
}
