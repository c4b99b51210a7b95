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

struct face {
    const struct role_setup *setup;
    const struct config *config;
    struct casedir c; /* pursuit, casebook, sources: read on as the log grows */
    struct cli cli;   /* for what commands and pages share: the case's folder, quiet */
    uint64_t version; /* grows when an act changed what pages may show; caches are of one version */
};

/* One page as it is made: where, in which language. */
struct face_view {
    struct face *face;
    struct web_request *request;
    const struct words *words;
    const char *path; /* the page's, without the language: "/notices" */
    struct buf *out;  /* the reply's body */
    struct web_reply *reply;
    uint64_t id;      /* of "/notices/{id}"; 0 without */
    struct span name; /* of "/page/{name}" */
};

/* A page: fills v->out with HTML between face_begin() and face_end(), or with something else and
 * sets v->reply's type. */
typedef void face_page(struct face_view *v);

/* Head, navigation, language choice; the title is a key of the words. Then <main>. */
void face_begin(struct face_view *v, const char *title_key);
void face_end(struct face_view *v);
/* A page that says that something is not there (404) or went wrong, in the page's language. */
void face_problem(struct face_view *v, unsigned status, const char *words_key);
/* The address of a page in the view's language: path and "?lang=xx" where the language was chosen.
 */
void face_href(struct face_view *v, const char *path);
/* The same with the case's permanent public address before it (web.public_url), where there is one.
 */
void face_permalink(struct face_view *v, const char *path);

/* PAGE(method, path, function, cached): every route of the public listener, once. cached: the same
 * for everybody until the case changes. */
#define PAGE(method, path, function, cached) face_page function;
#include "app/public/routes.def"

/* The process. */
int public_run(const struct role_setup *setup, struct err *err);
