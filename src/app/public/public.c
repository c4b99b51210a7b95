/* The public process: the listener, the case as it grows, and pages. */
#include "app/public/face.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/ctl.h"
#include "app/public/tips.h"
#include "app/serve/sandbox.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "app/public/wipe.h"
#include "web/assets.h"

#define LOOK_MS            500 /* between two looks at what is new */
#define CONNECTIONS        4096
#define CONNECTIONS_PER_IP 128 /* an office is one address, and Tor's exits are few */
#define BODY_MAX           (1u << 20)
#define FILES_MAX          (64u << 20)
#define BODY_SMALL         (320u << 10) /* a message in words alone always has room */
#define LARGE_MAX          (256u << 20) /* of all that is uploaded at once */
#define REQUEST_S          20
#define IDLE_S             20
#define RECORDER_WAIT_MS   3000     /* for a lead to be kept: pages wait meanwhile */
#define ASSET_AGE_S        31536000 /* a year */
#define STALE_AGE_S        60

struct public
{
    struct face face;
    struct web *web;
    struct face_cache *cache;
    int64_t looked;           /* ms */
    bool behind;              /* there is more of the log to read */
    struct stat pursuit_file; /* as it was opened */
    uint64_t acts;            /* of the casebook */
};

/* ---- requests ---- */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* The front end's files that are the public's: nothing of the desk. */
static bool is_public_asset(const char *path)
{
    static const char *const names[] = {"public.", "map.", "tips.", "icon."};
    if (!begins(path, "/assets/"))
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (begins(path + strlen("/assets/"), names[i]))
            return true;
    return false;
}

/* For good under the address that names its version; another's is asked for again. */
static bool answer_asset(const struct web_request *r, const char *path, struct web_reply *reply)
{
    const struct web_asset *a = is_public_asset(path) ? web_asset(path) : NULL;
    if (!a)
        return false;
    bool gzip = a->gzip.n && web_takes_gzip(r);
    reply->type = a->type;
    reply->borrowed = gzip ? a->gzip : a->data;
    reply->forever = true;
    reply->gzipped = gzip;
    reply->immutable = span_is(web_query(r, "v"), a->etag);
    reply->max_age_s = reply->immutable ? ASSET_AGE_S : STALE_AGE_S;
    snprintf(reply->etag, sizeof reply->etag, "%s", a->etag);
    return true;
}

/* By "?lang=", else as the browser prefers, among the site's. */
static const struct words *language_of(const struct public *p, const struct web_request *r,
                                       bool *chosen)
{
    struct span asked = web_query(r, "lang");
    const struct words *w = asked.n ? words_in(asked) : NULL;
    char *const *languages = p->face.config->web.language_list;
    *chosen = false;
    for (char *const *l = languages; w && *l && !*chosen; l++)
        *chosen = words_in(span_str(*l)) == w;
    return *chosen ? w : words_negotiated(web_header(r, "Accept-Language"), languages);
}

/* Files come where informants send them, and nowhere else. */
static bool may_be_large(void *ctx, const struct web_request *r)
{
    const char *path = web_path(r);
    return span_is(web_method(r), "POST") &&
           (strcmp(path, "/tips/new") == 0 || strcmp(path, "/tips/say") == 0);
}

static int handle(void *ctx, struct web_request *r, struct web_reply *reply)
{
    struct public *p = ctx;
    struct face_route route;
    bool chosen, get = span_is(web_method(r), "GET") || span_is(web_method(r), "HEAD");
    const char *path = web_path(r);
    if (get && answer_asset(r, path, reply))
        return WEB_NOW;
    const struct words *words = language_of(p, r, &chosen);
    unsigned status = face_route(web_method(r), path, &route);
    reply->status = status;
    reply->allow = status == 405 ? route.allow : NULL;
    if (status == 200 && route.cached)
        face_cache_answer(p->cache, &p->face, &route, path, words, chosen, web_takes_gzip(r),
                          reply);
    else
        face_make(&p->face, &route, path, words, chosen, r, reply);
    return WEB_NOW;
}

/* ---- the case ---- */

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The keeper's file, opened anew where it is another one: before the keeper made it there was none,
 * and one that is rebuilt is a new one. 1 something is new. */
static int look_at_pursuit(struct public *p, struct err *err)
{
    struct face *f = &p->face;
    struct stat now;
    char path[FILE_PATH_MAX];
    int rc = file_path(path, err, "%s/views/pursuit", f->setup->case_dir);
    if (rc < 0)
        return rc;
    bool there = stat(path, &now) == 0;
    uint64_t before = f->c.pursuit ? pursuit_position(f->c.pursuit) : 0;
    if (f->c.pursuit &&
        (!there || (same_file(&now, &p->pursuit_file) && pursuit_is_kept(f->c.pursuit))))
        return there && pursuit_refresh(f->c.pursuit) != before;
    pursuit_close(f->c.pursuit);
    f->c.pursuit = NULL;
    p->pursuit_file = there ? now : (struct stat){0};
    rc = casedir_load_views(&f->c, VIEW_PURSUIT, err);
    return rc < 0 ? rc : 1;
}

/* 1 there is more to read. */
static int look(struct public *p, struct err *err)
{
    struct face *f = &p->face;
    f->now = utc_now();
    int rc = 0, more = 1;
    if (!p->behind && clock_ms() - p->looked < LOOK_MS)
        return 0;
    more = face_check_read(f->seen, err); /* pointers to its views end here */
    if (more >= 0 && clock_ms() - p->looked >= LOOK_MS) {
        p->looked = clock_ms();
        rc = look_at_pursuit(p, err);
    }
    if (more < 0 || rc < 0)
        return more < 0 ? more : rc;
    f->c.casebook = face_check_casebook(f->seen);
    uint64_t acts = casebook_changes(f->c.casebook);
    f->version += rc > 0 || acts != p->acts;
    p->acts = acts;
    p->behind = more;
    return more;
}

/* ---- the process ---- */

static int listen_on(struct public *p, const struct role_setup *setup, struct err *err)
{
    const struct config_web *web = &setup->config->web;
    struct web_setup s = {.listener = setup->listener,
                          .certificate = web->public_certificate,
                          .key = web->public_key,
                          .proxies = web->proxy_nets,
                          .n_proxies = web->proxies_count,
                          .proxy_header = web->public_proxy,
                          .policy = WEB_PUBLIC,
                          .hsts = begins(web->public_url, "https://"),
                          .onion = web->onion,
                          .connections = CONNECTIONS,
                          .connections_per_ip = CONNECTIONS_PER_IP,
                          .body_max = BODY_MAX,
                          .file_max = FILES_MAX,
                          .may_be_large = may_be_large,
                          .body_small = BODY_SMALL,
                          .large_max = LARGE_MAX,
                          .request_s = REQUEST_S,
                          .idle_s = IDLE_S,
                          .handle = handle,
                          .ctx = p};
    return web_start(&s, &p->web, err);
}

static int turn(struct public *p, struct err *err)
{
    struct pollfd fds[] = {{.fd = p->face.setup->link, .events = POLLIN},
                           {.fd = web_fd(p->web), .events = POLLIN}};
    int more = look(p, err);
    if (more < 0)
        return more;
    if (poll(fds, 2, more ? 0 : web_wait_ms(p->web, LOOK_MS)) < 0 && errno != EINTR)
        return err_errno(err, "public: poll");
    int rc = web_run(p->web, err);
    return rc < 0 ? rc : role_goes_on(p->face.setup->link);
}

static int open_case(struct public *p, const struct role_setup *setup, struct err *err)
{
    struct face *f = &p->face;
    f->setup = setup;
    f->config = setup->config;
    f->cli = (struct cli){.command = "serve", .case_dir = setup->case_dir, .quiet = true};
    f->c.quiet = true;
    f->now = utc_now();
    f->version = 1;
    p->cache = face_cache_new();
    int rc = casedir_open(&f->c, setup->case_dir, JOURNAL_READ, err);
    return rc == 0 ? face_check_open(setup->case_dir, &f->seen, err) : rc;
}

static void stop(struct public *p)
{
    if (p->web)
        web_stop(p->web);
    p->face.c.casebook = NULL; /* the self-check's */
    public_notices_free(p->face.notices);
    face_check_close(p->face.seen);
    tips_close(p->face.tips);
    casedir_close(&p->face.c, NULL);
    face_cache_free(p->cache);
}

int public_run(const struct role_setup *setup, struct err *err)
{
    struct public p = {0};
    struct sandbox_paths paths = {.case_dir = setup->case_dir};
    wipe_what_is_freed(); /* before the first word of an informant comes */
    ctl_wait(RECORDER_WAIT_MS);
    int rc = listen_on(&p, setup, err);
    if (rc == 0)
        rc = tips_open(setup->case_dir, &p.face.tips, err);
    if (rc == 0)
        rc = sandbox_enter(SANDBOX_PUBLIC, &paths, err);
    if (rc == 0)
        rc = open_case(&p, setup, err);
    if (rc == 0) {
        role_say(setup->link, ROLE_READY, 0, NULL);
        while ((rc = turn(&p, err)) == 1)
            ;
    }
    stop(&p);
    return rc;
}
