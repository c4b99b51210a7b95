#include "app/node/node_census.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/node/node_store.h"
#include "base/mem.h"
#include "base/utc.h"
#include "state/census_join.h"
#include "state/nodes.h"

#define KEYS_MAX 64 /* of one log, the newest */

/* ---- every log's keys ---- */

struct grouping {
    struct node_keys keys;
    size_t cap;
    int (*each)(void *ctx, const struct node_keys *k);
    void *ctx;
};

static int end_group(struct grouping *g)
{
    return g->keys.n ? g->each(g->ctx, &g->keys) : 0;
}

static int take_key(void *ctx, const struct node_key_entry *k)
{
    struct grouping *g = ctx;
    int rc = 0;
    if (k->origin.n > NOTE_NAME_MAX)
        return 0;
    if (!span_is(k->origin, g->keys.origin)) {
        rc = end_group(g);
        g->keys.n = 0;
        snprintf(g->keys.origin, sizeof g->keys.origin, "%.*s", (int)k->origin.n,
                 (const char *)k->origin.p);
        snprintf(g->keys.name, sizeof g->keys.name, "%.*s", (int)k->name.n,
                 (const char *)k->name.p);
    }
    if (rc == 0 && g->keys.n < KEYS_MAX) {
        g->keys.keys = mem_room(g->keys.keys, g->keys.n, &g->cap, sizeof *g->keys.keys);
        if (note_key_parse_verifier(k->vkey, &g->keys.keys[g->keys.n], NULL) == 0)
            g->keys.n++;
    }
    return rc;
}

int node_each_log(struct casedir *c, int (*each)(void *ctx, const struct node_keys *k), void *ctx,
                  struct err *err)
{
    struct grouping g = {.each = each, .ctx = ctx};
    int rc = nodes_keys(c->pursuit, take_key, &g, err);
    if (rc == 0)
        rc = end_group(&g);
    free(g.keys.keys);
    return rc;
}

/* ---- joining ---- */

struct joining {
    struct casedir *c;
    int64_t now;
    unsigned joined;
};

static int take_alarms(void *ctx, const struct node_entry *n)
{
    *(uint64_t *)ctx = n->alarms;
    return 0;
}

static void say_joined(const struct joining *j, const char *name, const struct node_statement *s)
{
    char text[UTC_TEXT_MAX];
    int64_t time = (int64_t)s->time * UTC_SECOND, old = j->c->config->nodes.silent_minutes;
    uint64_t alarms = 0;
    struct err err;
    size_t n = utc_format(time, text);
    if (!j->c->quiet)
        fprintf(stderr, "ebb: census: with %s up to its entry %llu, of %.*s\n", name,
                (unsigned long long)s->position, (int)n, text);
    if (j->now - time > old * 60 * UTC_SECOND)
        fprintf(stderr, "ebb: warning: the census of %s is of %.*s\n", name, (int)n, text);
    if (nodes_named(j->c->pursuit, span_str(name), take_alarms, &alarms, &err) == 1 && alarms)
        fprintf(stderr, "ebb: warning: the log of %s does not hold: see `ebb node check`\n", name);
}

/* A file of others: it is what its node has signed, byte for byte, and a census, or left out. */
static int join_log(void *ctx, const struct node_keys *k)
{
    static struct node_statement s;
    struct joining *j = ctx;
    char path[FILE_PATH_MAX];
    uint64_t position = 0;
    struct err why;
    int rc = node_store_census(j->c->dir, k->origin, k->keys, k->n, &s, path, &why);
    if (rc == 0)
        return 0;
    if (rc == 1)
        rc = node_store_check(path, &s, &why);
    if (rc == 0)
        rc = census_join(j->c->census, path, &position, &why);
    if (rc < 0) {
        fprintf(stderr, "ebb: warning: without %s: %s\n", k->name, why.text);
        return 0;
    }
    j->joined++;
    say_joined(j, k->name, &s);
    return 0;
}

int node_census_join(struct casedir *c, struct err *err)
{
    struct joining j = {.c = c, .now = utc_now()};
    if (!c->quiet)
        fprintf(stderr, "ebb: census: with this case up to entry %llu\n",
                (unsigned long long)census_position(c->census));
    int rc = node_each_log(c, join_log, &j, err);
    if (rc == 0 && !j.joined)
        fprintf(stderr, "ebb: warning: no node has given a census\n");
    return rc;
}
