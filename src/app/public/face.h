/* Face: the public process's state and pages. It reads the case's views, writes nothing, and gives
 * the recorder nothing but leads and informants' messages; it is another process than the desk,
 * on another listener. One thread. doc/public.md says what people see. */
#pragma once

#include "app/casedir.h"
#include "app/cli.h"
#include "app/serve/roles.h"
#include "web/html.h"
#include "web/web.h"
#include "web/words.h"

struct face_check;
struct tips;
struct public_notices;
struct face {
    const struct role_setup *setup; /* NULL: a command makes pages */
    const struct config *config;
    /* Pursuit: the file as the keeper has it, read only; never casedir_catch_up() with it.
     * Casebook: read on as the log grows. What a page needs beyond them it reads by the journal and
     * the blobs. */
    struct casedir c;
    struct cli cli;   /* for what commands and pages share: the case's folder, quiet */
    uint64_t version; /* grows when an act changed what pages may show; caches are of one version */
    int64_t now;      /* microseconds UTC, of this turn */
    struct public_notices *notices; /* orders.c: as they were read last */
    struct tips *tips;              /* the informants' pages': tips.h */
    struct face_check *seen;        /* of the self-check; NULL: that does not answer here */
};

/* One page as it is made: where, in which language. */
struct face_view {
    struct face *face;
    struct web_request
        *request; /* NULL where nobody asked: a snapshot. Never of cached pages' use */
    const struct words *words;
    bool chosen;      /* the language was asked for by "?lang=": links keep it */
    const char *path; /* the page's, without the language: "/notices" */
    struct buf *out;  /* the reply's body */
    struct web_reply *reply;
    uint64_t id;      /* of "/notices/{id}"; 0 without */
    struct span name; /* of "/page/{name}" */
};

/* A page: fills v->out with HTML between face_begin() and face_end(), or with something else and
 * sets v->reply's type. */
typedef void face_page(struct face_view *v);

/* Head, navigation, language choice, and <main>; the title is a key of the words, in which %1 is
 * `argument` ("" or NULL: none). The page itself then begins with its one heading. */
void face_begin(struct face_view *v, const char *title_key);
void face_begin_with(struct face_view *v, const char *title_key, const char *argument);
/* <h1> of the same key; face_section: <h2>, with an id to link to ("" none). */
void face_heading(struct face_view *v, const char *key, const char *argument);
void face_section(struct face_view *v, const char *key, const char *id);
/* <p> of a key without arguments. */
void face_paragraph(struct face_view *v, const char *key);
void face_end(struct face_view *v);
/* A page that says that something is not there (404) or went wrong, in the page's language. */
void face_problem(struct face_view *v, unsigned status, const char *words_key);
/* The address of a page in the view's language: path and "?lang=xx" where the language was chosen.
 */
void face_href(struct face_view *v, const char *path);
/* The same with the case's permanent public address before it (web.public_url), where there is one,
 * and without a language. */
void face_permalink(struct face_view *v, const char *path);
/* A day in the page's language: "16 March 2011"; a time with hour and minute, UTC. <time>, with the
 * machine's form beside it. */
void face_day(struct face_view *v, int64_t time);
void face_time(struct face_view *v, int64_t time);
/* Text from elsewhere, whichever way it is written: <bdi>. */
void face_outside(struct face_view *v, struct span text);
/* A telephone number: from left to right in every language. */
void face_phone(struct face_view *v, const char *number);

/* PAGE(method, path, function, cached): every route of the public listener, once. cached: the same
 * for everybody until the case changes. */
#define PAGE(method, path, function, cached) face_page function;
#include "app/public/routes.def"

/* ---- making pages (face_route.c) ---- */

/* What a method and path lead to: 200, 404 or 405. */
struct face_route {
    face_page *page;
    bool cached;
    const char *allow; /* with 405 */
    uint64_t id;
    struct span name; /* of the path */
};
unsigned face_route(struct span method, const char *path, struct face_route *out);
/* Makes the page of that path into the reply, whatever becomes of it. `request` may be NULL where
 * the route is a cached one. */
void face_make(struct face *f, const struct face_route *route, const char *path,
               const struct words *words, bool chosen, struct web_request *request,
               struct web_reply *reply);
/* The page of a path as everybody gets it who chose that language: for snapshots. The status. */
unsigned face_page_bytes(struct face *f, const char *path, const struct words *words,
                         struct buf *out);

/* Frees what pages keep in the face; the case is the caller's. */
void public_notices_free(struct public_notices *p);

/* ---- pages that were made (face_cache.c) ---- */

struct face_cache;
struct face_cache *face_cache_new(void);
void face_cache_free(struct face_cache *c);
/* Gives the page, made anew where it was made of another version or long ago. */
void face_cache_answer(struct face_cache *c, struct face *f, const struct face_route *route,
                       const char *path, const struct words *words, bool chosen, bool gzip,
                       struct web_reply *reply);

/* ---- the self-check's state (check.c) ---- */

int face_check_open(const char *case_dir, struct face_check **out, struct err *err);
void face_check_close(struct face_check *k);
/* Reads on in bounded steps: 1 there is more, 0 that was all for now. */
int face_check_read(struct face_check *k, struct err *err);
/* Its casebook, which is read on with the rest: good until the next face_check_read(). */
struct casebook *face_check_casebook(struct face_check *k);

/* The process. */
int public_run(const struct role_setup *setup, struct err *err);
