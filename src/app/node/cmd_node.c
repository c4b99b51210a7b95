/* ebb node, ebb node check */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/case_act.h"
#include "app/node/node_census.h"
#include "app/node/node_key.h"
#include "app/node/node_store.h"
#include "state/nodes.h"

/* What is said of a node in one word, the worst first. */
static const char *state_of(const struct casedir *c, const struct node_entry *n, int64_t now)
{
    int64_t silent = (int64_t)c->config->nodes.silent_minutes * 60 * UTC_SECOND;
    int64_t since = n->seen > n->recorded ? n->seen : n->recorded;
    if (n->alarms)
        return "alarm";
    if (node_is_gone(n, now))
        return "gone";
    if (n->silent || (n->size && now - since > silent))
        return "silent";
    return n->size ? "holds" : now - since > silent ? "silent" : "new";
}

/* ---- list ---- */

static const struct table_column columns[] = {
    {"node", "node", TABLE_WORDS},
    {"state", "state", TABLE_WORDS},
    {"log_size", "entries", TABLE_COUNT},
    {"seen", "seen", TABLE_WORDS},
    {"census_position", "census", TABLE_COUNT},
    {"census_time", "of", TABLE_WORDS},
    {"alarms", "alarms", TABLE_COUNT},
    {"origin", "log", TABLE_WORDS},
    {"since", NULL, TABLE_WORDS},
    {"until", NULL, TABLE_WORDS},
    {"vkey", NULL, TABLE_WORDS},
    {"root", NULL, TABLE_WORDS},
    {"entry", NULL, TABLE_ID},
    {"why", NULL, TABLE_WORDS},
    {0},
};

struct listing {
    struct casedir *c;
    struct table *t;
    int64_t now;
};

static void put_time_or_none(struct table *t, int64_t time)
{
    if (time)
        case_put_time(t, time);
    else
        table_empty(t);
}

static void put_census(struct listing *l, const struct node_entry *n)
{
    static struct node_statement s;
    char path[FILE_PATH_MAX], origin[NOTE_NAME_MAX + 1];
    struct note_key key;
    struct err err;
    snprintf(origin, sizeof origin, "%.*s", (int)n->origin.n, (const char *)n->origin.p);
    if (note_key_parse_verifier(n->vkey, &key, &err) == 0 &&
        node_store_census(l->c->dir, origin, &key, 1, &s, path, &err) == 1) {
        table_uint(l->t, s.position);
        case_put_time(l->t, (int64_t)s.time * UTC_SECOND);
    } else {
        table_empty(l->t);
        table_empty(l->t);
    }
}

static int put_node(void *ctx, const struct node_entry *n)
{
    struct listing *l = ctx;
    table_text(l->t, n->name);
    table_str(l->t, state_of(l->c, n, l->now));
    table_uint(l->t, n->size);
    put_time_or_none(l->t, n->seen);
    put_census(l, n);
    table_uint(l->t, n->alarms + n->silent);
    table_text(l->t, n->origin);
    case_put_time(l->t, n->recorded);
    case_put_time(l->t, n->until);
    table_text(l->t, n->vkey);
    table_digest(l->t, n->root);
    table_uint(l->t, n->entry);
    table_words(l->t, n->why);
    table_row_end(l->t);
    return 0;
}

/* The key that nodes put into their ebb.yaml; made now where there is none yet. */
static int print_vkey(const struct cli *cli)
{
    struct buf text = {0};
    struct note_key log, key;
    struct err err;
    int rc = node_key_public(cli->case_dir, &text, &err);
    if (rc == -ENOENT) {
        rc = case_log_key(cli->case_dir, &log, &err);
        if (rc == 0)
            rc = node_key_load(cli->case_dir, log.name, &key, &err);
        explicit_bzero(&key, sizeof key);
        if (rc == 0)
            rc = node_key_public(cli->case_dir, &text, &err);
    }
    if (rc == 0)
        printf("%.*s\n", (int)text.n, (const char *)text.p);
    buf_free(&text);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}

int cmd_node(const struct cli *cli)
{
    struct casedir c;
    struct listing l = {.c = &c, .now = utc_now()};
    struct buf vkey = {0};
    struct err err, none;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "node: takes no argument (%s)", cli->args[0]);
    if (cli_has(cli, "vkey"))
        return print_vkey(cli);
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, &err);
    if (rc == 0 && cli_shape(cli) == TABLE_TEXT && !cli->quiet &&
        node_key_public(cli->case_dir, &vkey, &none) == 0)
        printf("as a witness: %.*s\n\n", (int)vkey.n, (const char *)vkey.p);
    if (rc == 0) {
        l.t = table_open(cli_shape(cli), columns, stdout);
        rc = nodes_list(c.pursuit, put_node, &l, &err);
    }
    if (l.t && table_close(l.t) < 0 && rc == 0)
        rc = err_set(&err, -EIO, "output could not be written");
    casedir_close(&c, NULL);
    buf_free(&vkey);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}

/* ---- check ---- */

static const struct table_column check_columns[] = {
    {"node", "node", TABLE_WORDS},
    {"state", "state", TABLE_WORDS},
    {"log_size", "entries", TABLE_COUNT},
    {"time", "time", TABLE_WORDS},
    {"why", "why", TABLE_WORDS},
    {"entry", "entry", TABLE_ID},
    {"known", NULL, TABLE_ID},
    {"sha256", NULL, TABLE_WORDS},
    {"origin", NULL, TABLE_WORDS},
    {0},
};

struct checking {
    struct casedir *c;
    struct table *t;
    int64_t now;
    unsigned bad;
    const struct node_entry *node;
};

static void put_verdict(struct checking *k, const char *state, int64_t time, struct span why,
                        uint64_t entry, uint64_t known, struct span sha256)
{
    table_text(k->t, k->node->name);
    table_str(k->t, state);
    table_uint(k->t, k->node->size);
    put_time_or_none(k->t, time);
    table_words(k->t, why);
    table_index(k->t, entry);
    table_index(k->t, known);
    table_digest(k->t, sha256);
    table_text(k->t, k->node->origin);
    table_row_end(k->t);
}

static int put_alarm(void *ctx, const struct node_alarm *a)
{
    struct checking *k = ctx;
    char what[16];
    if (!a->open || !span_eq(a->origin, k->node->origin))
        return 0;
    snprintf(what, sizeof what, "%.*s", (int)a->what.n, (const char *)a->what.p);
    put_verdict(k, what, a->recorded, a->why, a->entry, a->known, a->sha256);
    k->bad++;
    return 0;
}

/* The note that was kept says what the entry says, under the key that the node has. */
static bool note_holds(struct checking *k, const struct node_entry *n)
{
    struct buf note = {0};
    struct note_key key;
    struct checkpoint top;
    struct span text;
    struct err err;
    bool good = n->note.n == SHA256_LEN && casedir_blob(k->c, n->note.p, &note, &err) == 0 &&
                note_key_parse_verifier(n->vkey, &key, &err) == 0 &&
                note_open(buf_as_span(&note), &key, &text, &err) == 0 &&
                checkpoint_parse(text, &top, &err) == 0 && top.size == n->size &&
                span_eq(span_of(top.root, SHA256_LEN), n->root);
    buf_free(&note);
    return good;
}

static int check_node(void *ctx, const struct node_entry *n)
{
    struct checking *k = ctx;
    struct err err;
    const char *state = state_of(k->c, n, k->now);
    unsigned before = k->bad;
    k->node = n;
    int rc = nodes_alarms(k->c->pursuit, span_of(NULL, 0), put_alarm, k, &err);
    if (rc < 0)
        return rc;
    if (n->size && n->seen_entry > n->entry && !note_holds(k, n)) {
        put_verdict(k, "signature", n->seen,
                    span_str("the checkpoint that was kept is not what its entry says"),
                    n->seen_entry, 0, n->note);
        k->bad++;
    }
    if (k->bad == before) {
        k->bad += strcmp(state, "silent") == 0;
        put_verdict(k, state, n->seen ? n->seen : n->recorded, span_of(NULL, 0), n->seen_entry, 0,
                    n->note);
    }
    return 0;
}

int cmd_node_check(const struct cli *cli)
{
    struct casedir c;
    struct checking k = {.c = &c, .now = utc_now()};
    struct err err;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "node check: takes no argument (%s)", cli->args[0]);
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, &err);
    if (rc == 0) {
        k.t = table_open(cli_shape(cli), check_columns, stdout);
        rc = nodes_list(c.pursuit, check_node, &k, &err);
    }
    if (k.t && table_close(k.t) < 0 && rc == 0)
        rc = err_set(&err, -EIO, "output could not be written");
    casedir_close(&c, NULL);
    if (rc < 0)
        return cli_err(&err);
    return k.bad ? cli_fail(EXIT_FAILED, "node check: %u alarm%s", k.bad, k.bad == 1 ? "" : "s")
                 : EXIT_DONE;
}
