/* Jobs: requests that a child answers, in the order in which they came, so many at once; who asks
 * the very same while it is made waits for that. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/desk/act_store.h"
#include "app/desk/api_impl.h"
#include "base/clock.h"
#include "base/mem.h"

#define JSON_TYPE "application/json"
#define RETRY_S   1
#define ENDING_MS 2 /* how often an exit is looked for when the pipes are at their end */

struct job *api_job(struct desk_api *a, const struct desk_session *s, struct web_request *r,
                    const struct api_route *route)
{
    struct job *j = mem_zeroed(1, sizeof *j);
    j->api = a;
    j->request = r;
    j->route = route;
    j->session = *s;
    j->asked = api_log_size(a);
    j->query.out = j->query.err_fd = -1;
    arena_init(&j->arena);
    j->view = (struct view_ask){.case_dir = api_case_dir(a),
                                .account = j->session.account,
                                .roles = s->roles,
                                .shared = a->setup.role->shared};
    return j;
}

void api_job_free(struct job *j)
{
    if (j->free_own)
        j->free_own(j->own);
    query_free(&j->query);
    arena_free(&j->arena);
    free(j);
}

static unsigned count(const struct desk_api *a, const struct desk_session *s, bool running)
{
    unsigned n = 0;
    for (const struct job *j = a->jobs; j; j = j->next)
        n += (!running || j->running) && (!s || memcmp(j->session.id, s->id, sizeof s->id) == 0);
    return n;
}

int api_submit(struct job *j, struct web_reply *reply)
{
    struct desk_api *a = j->api;
    if (count(a, NULL, false) >= API_CHILDREN_MAX + API_WAITING_MAX ||
        count(a, &j->session, false) >= API_PER_SESSION_MAX) {
        api_job_free(j);
        api_refuse(reply, 503, "too much is asked at once: ask again");
        reply->retry_s = RETRY_S;
        return WEB_NOW;
    }
    struct job **end = &a->jobs;
    while (*end)
        end = &(*end)->next;
    *end = j;
    web_keep(j->request, j);
    return WEB_LATER;
}

static void answer(struct job *j, struct web_reply *reply)
{
    struct web_request *r = j->request;
    j->request = NULL;
    web_keep(r, NULL);
    web_answer(j->api->setup.web, r, reply);
}

/* Whether what this one is making is what the other one wants. */
static bool makes_for(const struct job *j, const struct job *other)
{
    return j != other && j->key && other->key && other->asked <= j->position &&
           strcmp(j->key, other->key) == 0;
}

/* Those that wait for the very same thing get it, too. */
static void answer_others(struct job *j, const struct web_reply *reply)
{
    for (struct job *other = j->api->jobs; other; other = other->next) {
        if (other->running || !other->request || !makes_for(j, other))
            continue;
        struct web_reply copy = *reply;
        copy.body = (struct buf){0};
        buf_span(&copy.body, buf_as_span(&reply->body));
        answer(other, &copy);
    }
}

/* True when there was somebody to answer. */
static bool answer_job(struct job *j)
{
    struct web_reply reply = {.type = JSON_TYPE};
    if (!j->request)
        return false;
    if (j->query.code >= 0 && !j->query.too_large)
        j->finish(j, &reply);
    else
        api_refuse_child(j, &reply);
    if (!reply.status || reply.status == 200)
        answer_others(j, &reply);
    answer(j, &reply);
    return true;
}

static void begin_job(struct job *j)
{
    struct err err;
    struct desk_query_ask ask = {j->api->setup.in_child, j->api->setup.ctx, j->child, j};
    j->position = j->view.position = api_log_size(j->api);
    j->running = true;
    j->since = clock_ms();
    if (query_begin(&j->query, &ask, &err) < 0) {
        fprintf(stderr, "ebb: desk: %s\n", err.text);
        j->query.code = -1;
    }
}

/* By a child that runs already. */
static bool is_being_made(const struct desk_api *a, const struct job *j)
{
    for (const struct job *other = a->jobs; other; other = other->next)
        if (other->running && !other->query.dropped && makes_for(other, j))
            return true;
    return false;
}

static void begin_waiting(struct desk_api *a)
{
    unsigned running = count(a, NULL, true);
    for (struct job *j = a->jobs; j && running < API_CHILDREN_MAX; j = j->next)
        if (!j->running && !is_being_made(a, j)) {
            begin_job(j);
            running++;
        }
}

void desk_api_turn(struct desk_api *a)
{
    serve_rates_take(&a->rates, a->setup.role->shared, clock_ms());
    act_store_turn(a->acts);
    bool answered = false;
    for (struct job **at = &a->jobs; *at;) {
        struct job *j = *at;
        bool over = j->running ? !query_turn(&j->query) : !j->request && !j->finishes;
        if (!over) {
            at = &j->next;
            continue;
        }
        *at = j->next;
        answered |= answer_job(j);
        api_job_free(j);
    }
    if (answered) /* the web waits for sockets: answers that are ready now are none */
        web_run(a->setup.web, NULL);
    begin_waiting(a);
}

unsigned desk_api_fds(const struct desk_api *a, struct pollfd *p, unsigned max)
{
    unsigned n = 0;
    for (const struct job *j = a->jobs; j; j = j->next)
        if (j->running)
            n += query_fds(&j->query, p + n, max - n);
    return n;
}

int desk_api_wait_ms(const struct desk_api *a, int most)
{
    unsigned running = count(a, NULL, true);
    for (const struct job *j = a->jobs; j && running < API_CHILDREN_MAX; j = j->next)
        if (!j->running && !is_being_made(a, j))
            return 0;
    for (const struct job *j = a->jobs; j; j = j->next)
        if (j->running && (query_is_ending(&j->query) || !j->query.pid) && most > ENDING_MS)
            most = ENDING_MS;
        else if (j->running && j->query.dropped && most > QUERY_TICK_MS)
            most = QUERY_TICK_MS;
    return most;
}

void desk_api_gone(struct desk_api *a, struct web_request *r)
{
    for (struct job *j = a->jobs; j; j = j->next)
        if (j->request == r) {
            j->request = NULL;
            if (j->running && !j->finishes)
                query_drop(&j->query);
        }
}

void desk_api_forget(struct desk_api *a, const uint8_t id[DESK_SESSION_ID_LEN])
{
    act_store_forget(a->acts, id);
}
