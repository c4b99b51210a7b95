/* POST /api/acts/prepare and /api/acts/commit, in the desk. */
#include "app/desk/act.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli.h"
#include "app/desk/act_request.h"
#include "app/desk/act_store.h"
#include "app/desk/api_impl.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "event/event.h"

/* A request as it is taken apart; in the job until it ends. */
struct asked {
    struct act_request request;
    struct act_made made;
    unsigned roles; /* that the command wants */
};

static void free_asked(void *own)
{
    struct asked *q = own;
    act_request_free(&q->request);
    free(q);
}

/* NULL: the reply says what is wrong. */
static struct asked *read_request(struct web_request *r, struct web_reply *reply)
{
    struct err err;
    struct span body = web_body(r);
    if (body.n > ACT_BODY_MAX) {
        api_refuse(reply, 413, "more than %u MiB", ACT_BODY_MAX >> 20);
        return NULL;
    }
    struct asked *q = mem_zeroed(1, sizeof *q);
    int rc = act_request_read(body, &q->request, &err);
    if (body.n)
        sodium_memzero((void *)(uintptr_t)body.p, body.n); /* a note's words */
    if (rc == 0)
        return q;
    api_refuse(reply, 400, "%s", err.text);
    free_asked(q);
    return NULL;
}

/* ---- prepare ---- */

static bool word(struct job *j, const char *before, const char *name, const char *between,
                 const char *value)
{
    return api_word(j, before, name, between, span_str(value));
}

static bool take_options(struct job *j, const struct act_request *q, struct web_reply *reply)
{
    const char *arg;
    for (unsigned i = 0; i < q->options; i++) {
        const char *name = q->option[i].name;
        enum act_request_type type = q->option[i].type;
        bool flag = cli_option(j->command, name, &arg) && !arg;
        bool typed = type == ACT_REQUEST_FALSE || flag == (type == ACT_REQUEST_TRUE);
        bool ours = !act_passkey_is(j->command) && /* whose "key" is the browser's */
                    api_option_is_refused(j->command, name) && strcmp(name, "commit") != 0;
        if (ours || !typed) {
            api_refuse(reply, 400, "options: not at the desk, or not of its type (%.64s)", name);
            return false;
        }
        if (type != ACT_REQUEST_FALSE && !word(j, "--", name, flag ? "" : "=", q->option[i].value))
            return false;
    }
    return true;
}

/* Options that name a file to read; none that name one to write. */
static bool option_reads_file(const char *command, const char *name)
{
    const char *arg;
    return cli_option(command, name, &arg) && arg && strcmp(arg, "FILE") == 0 &&
           strcmp(name, "output") != 0 && strcmp(name, "rejects") != 0;
}

static bool take_files(struct job *j, struct asked *q, struct web_reply *reply)
{
    struct act_made *m = &q->made;
    for (unsigned i = 0; i < q->request.files; i++) {
        const char *option = q->request.file[i].option;
        m->file[m->files].path = q->request.file[i].path;
        m->file[m->files++].data = buf_as_span(&q->request.file[i].data);
        if (option && (!option_reads_file(j->command, option) ||
                       !word(j, "--", option, "=", q->request.file[i].path))) {
            api_refuse(reply, 400, "files: no option that reads a file (%.64s)", option);
            return false;
        }
    }
    return true;
}

static bool take_words(struct job *j, struct asked *q, struct web_reply *reply)
{
    const char *arg;
    if (cli_option(j->command, "json", &arg))
        word(j, "--json", "", "", "");
    bool good =
        take_options(j, &q->request, reply) && take_files(j, q, reply) && word(j, "--", "", "", "");
    for (unsigned i = 0; good && i < q->request.args; i++)
        good = word(j, "", "", "", q->request.arg[i]);
    return good;
}

/* Whether there is such an act, and whether this account may do it. */
static bool may(struct job *j, struct asked *q, struct web_reply *reply)
{
    q->roles = q->request.command ? api_act_roles(span_str(q->request.command), &j->command) : 0;
    if (!q->roles)
        api_refuse(reply, 400, "command: not an act of the desk");
    else if (!(q->roles & j->session.roles))
        api_refuse(reply, 403, "account %s may not do this: %s", j->session.account, j->command);
    return q->roles & j->session.roles;
}

static int run_make(void *ctx)
{
    struct job *j = ctx;
    struct asked *q = j->own;
    return act_make(&q->made);
}

static void put_act(struct json *o, const struct act_prepared_act *a)
{
    char text[SHA256_HEX_MAX];
    uint8_t digest[SHA256_LEN];
    json_object(o);
    view_uint(o, "kind", a->kind);
    view_str(o, "kind_name", event_kind_name(a->kind));
    json_key(o, "words");
    buf_span(o->out, a->words); /* JSON of its own */
    o->comma = true;
    view_base64(o, "sign", a->sign);
    if (a->file.n) {
        sha256(a->file.p, a->file.n, digest);
        hex_encode(digest, SHA256_LEN, text);
    }
    view_text(o, "file", a->file.n ? span_of(text, 2 * SHA256_LEN) : span_of(NULL, 0));
    json_object_end(o);
}

static void finish_prepare(struct job *j, struct web_reply *reply)
{
    struct asked *q = j->own;
    struct act_frames *f;
    if (j->query.code != EXIT_DONE) {
        api_refuse_child(j, reply);
        return;
    }
    f = mem_zeroed(1, sizeof *f);
    struct act_prepared *p = NULL;
    bool good = act_frames_take(&j->query.text, f) == 0;
    if (good)
        p = act_store_put(j->api->acts, &j->session, q->roles, &j->query.text, f);
    if (!p) {
        free(f);
        api_refuse(reply, good ? 503 : 500, "%s",
                   good ? "too many acts wait for signatures"
                        : "what was to make the act has died");
        return;
    }
    struct json o = json_to(&reply->body);
    json_object(&o);
    view_str(&o, "id", p->id);
    view_when(&o, "expires", utc_now() + ACT_PREPARED_MS * 1000ll);
    view_str(&o, "account", p->account);
    json_key(&o, "acts");
    json_array(&o);
    for (unsigned i = 0; i < f->acts; i++)
        put_act(&o, &f->act[i]);
    json_array_end(&o);
    api_put_warnings(j, &o);
    json_object_end(&o);
    json_newline(&o);
}

static const struct api_route *route_of(const char *path)
{
    for (size_t i = 0; i < api_routes_count; i++)
        if (strcmp(api_routes[i].path, path) == 0)
            return &api_routes[i];
    return NULL;
}

int now_prepare(struct desk_api *a, const struct desk_session *s, struct web_request *r,
                struct web_reply *reply)
{
    struct asked *q = read_request(r, reply);
    if (!q)
        return WEB_NOW;
    struct job *j = api_job(a, s, r, route_of("/api/acts/prepare"));
    j->own = q;
    j->free_own = free_asked;
    api_refuse(reply, 400, "too many words");
    if (!may(j, q, reply) || !take_words(j, q, reply)) {
        api_job_free(j);
        return WEB_NOW;
    }
    buf_free(&reply->body);
    q->made.case_dir = api_case_dir(a);
    q->made.account = j->session.account;
    q->made.command = j->command;
    q->made.argc = j->argc;
    q->made.argv = j->argv;
    j->child = run_make;
    j->finish = finish_prepare;
    return api_submit(j, reply);
}

/* ---- commit ---- */

struct committed {
    struct act_request request;
    struct act_prepared *prepared;
};

static void free_committed(void *own)
{
    struct committed *q = own;
    if (q->prepared)
        act_prepared_free(q->prepared);
    act_request_free(&q->request);
    free(q);
}

static int run_commit(void *ctx)
{
    struct job *j = ctx;
    struct committed *q = j->own;
    return act_commit_run(
        &(struct act_commit){api_case_dir(j->api), q->prepared->frames, q->request.signature});
}

static void finish_commit(struct job *j, struct web_reply *reply)
{
    api_kept_clear(j->api->kept);
    if (j->query.code != EXIT_DONE) {
        api_refuse_child(j, reply);
        return;
    }
    reply->body = j->query.text;
    j->query.text = (struct buf){0};
}

static bool take_prepared(struct desk_api *a, const struct desk_session *s, struct committed *q,
                          struct web_reply *reply)
{
    q->prepared = act_store_take(a->acts, s, span_str(q->request.id));
    if (!q->prepared)
        api_refuse(reply, 404, "nothing of that id is prepared in this session, or it is too late");
    else if (!(q->prepared->roles_wanted & s->roles))
        api_refuse(reply, 403, "account %s may not do this any more", s->account);
    else if (q->request.signatures != q->prepared->frames->acts)
        api_refuse(reply, 400, "signatures: one for each act (%u)", q->prepared->frames->acts);
    else
        return true;
    return false;
}

int now_commit(struct desk_api *a, const struct desk_session *s, struct web_request *r,
               struct web_reply *reply)
{
    struct asked *asked = read_request(r, reply);
    if (!asked)
        return WEB_NOW;
    struct committed *q = mem_zeroed(1, sizeof *q);
    q->request = asked->request;
    free(asked);
    if (!take_prepared(a, s, q, reply)) {
        free_committed(q);
        return WEB_NOW;
    }
    struct job *j = api_job(a, s, r, route_of("/api/acts/commit"));
    j->own = q;
    j->free_own = free_committed;
    j->finishes = true;
    j->child = run_commit;
    j->finish = finish_commit;
    return api_submit(j, reply);
}
