#include "app/cluster/ship_post.h"

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/cluster/ch_http_impl.h"
#include "app/serve/sandbox.h"
#include "base/mem.h"

#define TURN_MS 1000

struct ship_post {
    unsigned shards;
    uint64_t data_max; /* of one slot */
    size_t slot_size, size;
    uint8_t *memory; /* shards * SHIP_SLOTS of: struct ship_job, data */
    int fd;
    pid_t pid;
};

struct word { /* on the socket, both ways */
    uint32_t shard, slot;
};

static uint8_t *slot_of(const struct ship_post *p, unsigned shard, unsigned slot)
{
    return p->memory + (shard * SHIP_SLOTS + slot) * p->slot_size;
}

struct ship_job *ship_post_job(struct ship_post *p, unsigned shard, unsigned slot)
{
    return (struct ship_job *)slot_of(p, shard, slot);
}

#define JOB_ROOM ((sizeof(struct ship_job) + 4095) & ~(size_t)4095)

uint8_t *ship_post_data(struct ship_post *p, unsigned shard, unsigned slot)
{
    return slot_of(p, shard, slot) + JOB_ROOM;
}

/* ---- the process ---- */

struct line {             /* to one shard */
    struct ship_job *job; /* NULL: idle */
    unsigned slot, part;
    uint8_t *data;
    struct ch_http_request request;
    struct ch_http_run run;
};

struct poster {
    struct ship_post *p;
    struct ch_http *http;
    CURLM *multi;
    struct line line[CLICKHOUSE_SHARDS_MAX];
    bool over;
};

static int take_answer(void *ctx, struct span piece)
{
    struct line *l = ctx;
    if (piece.n > SHIP_ANSWER_MAX - l->job->answer_n)
        return -EFBIG;
    memcpy(l->data + l->job->answer_at + l->job->answer_n, piece.p, piece.n);
    l->job->answer_n += piece.n;
    return 0;
}

static void done(struct poster *x, unsigned shard, int code, const char *why)
{
    struct line *l = &x->line[shard];
    struct word w = {shard, l->slot};
    l->job->code = code;
    l->job->failed = l->part;
    snprintf(l->job->why, sizeof l->job->why, "%.390s", why);
    l->job = NULL;
    x->over |= send(x->p->fd, &w, sizeof w, MSG_NOSIGNAL) != sizeof w;
}

/* The next part, or the end. */
static void go_on(struct poster *x, unsigned shard)
{
    struct line *l = &x->line[shard];
    struct err err;
    if (l->part >= l->job->parts) {
        done(x, shard, 0, "");
        return;
    }
    struct ship_part *part = &l->job->part[l->part];
    bool last = l->part + 1 == l->job->parts;
    l->request = (struct ch_http_request){.shard = shard,
                                          .sql = span_of(part->sql, part->sql_n),
                                          .body = span_of(l->data + part->at, part->n),
                                          .query_id = *part->id ? part->id : NULL,
                                          .answer_max = SHIP_ANSWER_MAX,
                                          .take = last ? take_answer : NULL,
                                          .take_ctx = l};
    l->job->answer_n = 0;
    int rc = ch_http_begin(x->http, &l->request, &l->run, &err);
    if (rc < 0) {
        ch_http_finish(&l->run);
        done(x, shard, rc, err.text);
    } else if (curl_multi_add_handle(x->multi, l->run.shard->easy) != CURLM_OK) {
        abort();
    }
}

static void ended(struct poster *x, CURL *easy, CURLcode code)
{
    struct ch_http_run *run = NULL;
    struct err err = {0};
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&run);
    unsigned shard = run->r->shard;
    int rc = ch_http_end(run, code, &err);
    curl_multi_remove_handle(x->multi, easy);
    ch_http_finish(run);
    if (rc < 0) {
        done(x, shard, rc, err.text);
        return;
    }
    x->line[shard].part++;
    go_on(x, shard);
}

static void take_jobs(struct poster *x)
{
    struct word w;
    ssize_t n;
    while ((n = recv(x->p->fd, &w, sizeof w, MSG_DONTWAIT)) == sizeof w) {
        struct line *l = &x->line[w.shard];
        l->slot = w.slot;
        l->part = 0;
        l->job = ship_post_job(x->p, w.shard, w.slot);
        l->data = ship_post_data(x->p, w.shard, w.slot);
        go_on(x, w.shard);
    }
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        x->over = true; /* the parent is gone */
}

static void post(struct poster *x)
{
    int running, left;
    while (!x->over) {
        struct curl_waitfd extra = {.fd = x->p->fd, .events = CURL_WAIT_POLLIN};
        struct CURLMsg *m;
        take_jobs(x);
        curl_multi_perform(x->multi, &running);
        bool any = false;
        while ((m = curl_multi_info_read(x->multi, &left)))
            if (m->msg == CURLMSG_DONE) {
                ended(x, m->easy_handle, m->data.result);
                any = true;
            }
        if (!any && !x->over)
            curl_multi_wait(x->multi, &extra, 1, TURN_MS, NULL);
    }
}

/* One port for all shards is the only one that it may connect to. */
static uint16_t one_port(const struct ch_http *h)
{
    for (unsigned i = 1; i < h->n; i++)
        if (h->shards[i].server.port != h->shards[0].server.port)
            return 0;
    return h->shards[0].server.port;
}

static _Noreturn void post_main(struct ship_post *p, struct ch_http *http)
{
    struct poster x = {.p = p, .http = http};
    struct sandbox_paths paths = {.port = one_port(http)};
    struct err err;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (p->fd > 3)
        close_range(3, (unsigned)p->fd - 1, 0);
    close_range((unsigned)p->fd + 1, ~0u, 0);
    signal(SIGINT, SIG_IGN);               /* the parent says when */
    curl_global_init(CURL_GLOBAL_DEFAULT); /* libssl reads its configuration while it can */
    x.multi = curl_multi_init();
    if (!x.multi)
        abort();
    int rc = sandbox_drop(NULL, &err);
    if (rc == 0)
        rc = sandbox_enter(SANDBOX_COURIER, &paths, &err);
    if (rc < 0)
        fprintf(stderr, "ebb: the process that ships: %s\n", err.text);
    else
        post(&x);
    _exit(rc < 0);
}

/* ---- the parent ---- */

static int map(struct ship_post *p, struct err *err)
{
    p->slot_size = JOB_ROOM + ((size_t)p->data_max + SHIP_ANSWER_MAX + 4095) / 4096 * 4096;
    p->size = p->slot_size * p->shards * SHIP_SLOTS;
    p->memory = mmap(NULL, p->size, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p->memory == MAP_FAILED) {
        p->memory = NULL;
        return err_errno(err, "memory for what is shipped");
    }
    return 0;
}

static int start(struct ship_post *p, struct ch_http *http, void (*in_child)(void *ctx), void *ctx,
                 struct err *err)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return err_errno(err, "socketpair");
    fflush(NULL); /* what is buffered is written once */
    p->pid = fork();
    if (p->pid == 0) {
        p->fd = ends[1];
        if (in_child)
            in_child(ctx);
        post_main(p, http);
    }
    close(ends[1]);
    p->fd = ends[0];
    return p->pid < 0 ? err_errno(err, "fork") : 0;
}

int ship_post_start(const struct config *config, uint64_t data_max, void (*in_child)(void *ctx),
                    void *ctx, struct ship_post **out, struct err *err)
{
    struct ch_http *http;
    *out = NULL;
    int rc = ch_http_open(config, &http, NULL, err);
    if (rc < 0)
        return rc;
    struct ship_post *p = mem_zeroed(1, sizeof *p);
    p->shards = config->cluster.shards_count;
    p->data_max = data_max;
    p->fd = p->pid = -1;
    ch_http_look_up(http);
    rc = map(p, err);
    if (rc == 0)
        rc = start(p, http, in_child, ctx, err);
    ch_http_close(http);
    if (rc < 0)
        ship_post_stop(p);
    else
        *out = p;
    return rc;
}

void ship_post_stop(struct ship_post *p)
{
    if (!p)
        return;
    if (p->fd >= 0)
        close(p->fd);
    if (p->pid > 0)
        while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    if (p->memory)
        munmap(p->memory, p->size);
    free(p);
}

int ship_post_fd(const struct ship_post *p)
{
    return p->fd;
}

void ship_job_add(struct ship_job *job, struct span sql, const char *id, uint64_t at, uint64_t n)
{
    if (job->parts >= SHIP_PARTS_MAX || sql.n > SHIP_SQL_MAX)
        abort();
    struct ship_part *part = &job->part[job->parts++];
    part->at = at;
    part->n = n;
    part->sql_n = (uint32_t)sql.n;
    memcpy(part->sql, sql.p, sql.n);
    snprintf(part->id, sizeof part->id, "%s", id ? id : "");
}

int ship_post_send(struct ship_post *p, unsigned shard, unsigned slot, struct err *err)
{
    struct word w = {shard, slot};
    if (send(p->fd, &w, sizeof w, MSG_NOSIGNAL) != sizeof w)
        return err_set(err, -EPIPE, "the process that ships is gone");
    return 0;
}

int ship_post_heed(struct ship_post *p, unsigned *shard, unsigned *slot, struct err *err)
{
    struct word w;
    ssize_t n = recv(p->fd, &w, sizeof w, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n != sizeof w || w.shard >= p->shards || w.slot >= SHIP_SLOTS)
        return err_set(err, -EPIPE, "the process that ships is gone");
    *shard = w.shard;
    *slot = w.slot;
    return 1;
}

int ship_job_result(const struct ship_job *job, struct err *err)
{
    if (job->answer_n > SHIP_ANSWER_MAX)
        return err_set(err, -EPROTO, "the process that ships says what cannot be");
    if (!job->code)
        return 0;
    return err_set(err, job->code < 0 ? job->code : -EPROTO, "%.*s",
                   (int)strnlen(job->why, SHIP_WHY_MAX), job->why);
}
