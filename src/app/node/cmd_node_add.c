/* ebb node add, ebb node remove */
#include <errno.h>
#include <stdio.h>

#include "app/case_act.h"
#include "app/node/node_key.h"
#include "event/event.h"
#include "state/nodes.h"

/* Who has a log, and what a name has. */
struct known {
    struct span name, origin;
    int64_t now;
    char owner[NODE_NAME_LEN_MAX + 1], vkey[512];
    bool found, gone;
};

static int look(void *ctx, const struct node_entry *n)
{
    struct known *k = ctx;
    if (span_eq(n->name, k->name)) {
        k->found = true;
        k->gone = node_is_gone(n, k->now);
        snprintf(k->vkey, sizeof k->vkey, "%.*s", (int)n->vkey.n, (const char *)n->vkey.p);
    } else if (span_eq(n->origin, k->origin) && !node_is_gone(n, k->now)) {
        snprintf(k->owner, sizeof k->owner, "%.*s", (int)n->name.n, (const char *)n->name.p);
    }
    return 0;
}

static int look_up(const struct cli *cli, struct known *k, char own[NOTE_NAME_MAX + 1],
                   struct err *err)
{
    struct casedir c;
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, err);
    if (rc == 0)
        rc = nodes_list(c.pursuit, look, k, err);
    if (rc == 0)
        snprintf(own, NOTE_NAME_MAX + 1, "%s", journal_origin(c.journal));
    casedir_close(&c, NULL);
    return rc;
}

static int record(const struct cli *cli, const struct act_node *a, uint64_t *entry, struct err *err)
{
    struct buf payload = {0};
    act_node(&payload, a);
    struct case_act act = {.kind = KIND_NODE, .payload = buf_as_span(&payload)};
    int rc = case_acts(cli, &act, 1, err);
    *entry = act.index;
    buf_free(&payload);
    return rc;
}

static int check_new(const struct known *k, const char *name, const char *own,
                     const struct note_key *key, struct err *err)
{
    if (strcmp(key->name, own) == 0)
        return err_set(err, -EINVAL, "node add: %s is this case's own log", own);
    if (k->owner[0])
        return err_set(err, -EEXIST, "node add: %s is the log of node %s already (%s)", key->name,
                       k->owner, name);
    return 0;
}

int cmd_node_add(const struct cli *cli)
{
    char own[NOTE_NAME_MAX + 1];
    struct known k = {.now = utc_now()};
    struct note_key key, witness;
    struct buf vkey = {0};
    struct err err;
    uint64_t entry = 0;
    int64_t until;
    if (cli->n_args != 2)
        return cli_fail(EXIT_USAGE, "node add: wants a name and the verifier key of its log");
    k.name = span_str(cli->args[0]);
    if (!node_name_is(k.name))
        return cli_fail(EXIT_USAGE,
                        "node add: a name has 1 to %d letters, digits, '-', '_' and '.' (%s)",
                        NODE_NAME_LEN_MAX, cli->args[0]);
    if (note_key_parse_verifier(span_str(cli->args[1]), &key, &err) < 0)
        return cli_fail(EXIT_USAGE, "node add: %s", err.text);
    int rc = case_time(cli, "until", ACT_FOREVER, &until);
    if (rc)
        return rc;
    k.origin = span_str(key.name);
    rc = look_up(cli, &k, own, &err);
    if (rc == 0)
        rc = check_new(&k, cli->args[0], own, &key, &err);
    if (rc == 0)
        rc = record(cli,
                    &(struct act_node){.why = case_text(cli, "why"),
                                       .name = k.name,
                                       .vkey = span_str(cli->args[1]),
                                       .until = until},
                    &entry, &err);
    if (rc == 0 && !cli->quiet && !cli_has(cli, "json")) {
        printf("node %s is known, entry %llu\n", cli->args[0], (unsigned long long)entry);
        if (node_key_load(cli->case_dir, own, &witness, &err) == 0 &&
            node_key_public(cli->case_dir, &vkey, &err) == 0)
            printf("for its ebb.yaml, nodes.centre_vkey: %.*s\n", (int)vkey.n,
                   (const char *)vkey.p);
        explicit_bzero(&witness, sizeof witness);
    }
    buf_free(&vkey);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}

int cmd_node_remove(const struct cli *cli)
{
    char own[NOTE_NAME_MAX + 1];
    struct known k = {.now = utc_now()};
    struct err err;
    uint64_t entry = 0;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "node remove: wants a node's name");
    k.name = span_str(cli->args[0]);
    int rc = look_up(cli, &k, own, &err);
    if (rc == 0 && !k.found)
        rc = err_set(&err, -ENOENT, "node remove: no such node: see `ebb node` (%s)", cli->args[0]);
    if (rc == 0 && k.gone)
        rc = err_set(&err, -EALREADY, "node remove: it is gone already (%s)", cli->args[0]);
    if (rc == 0)
        rc = record(cli,
                    &(struct act_node){.why = case_text(cli, "why"),
                                       .name = k.name,
                                       .vkey = span_str(k.vkey),
                                       .until = k.now},
                    &entry, &err);
    if (rc == 0 && !cli->quiet)
        printf("node %s is gone, entry %llu\n", cli->args[0], (unsigned long long)entry);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}
