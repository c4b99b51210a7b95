/* ebb contacts ask [ADDRESS...]: the questions, and what is made of the answers. Asking itself is
 * done by another process, which may connect to the configured servers and nothing else
 * (cmd_contacts_rdap.h). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/case_act.h"
#include "app/cleanup/cmd_contacts.h"
#include "app/cleanup/cmd_contacts_rdap.h"
#include "base/mem.h"
#include "event/act_cleanup.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX     1000000

struct asking {
    const struct cli *cli;
    struct casedir c;
    struct rdap_question *questions;
    size_t n, cap;
    uint64_t limit;
    int64_t fresh_since; /* answers from then on still count */
    struct table *table;
    unsigned answered, failed;
    struct err err;
};

/* ---- questions ---- */

static void add_question(struct asking *a, const struct ip *ip, const struct net *network)
{
    int64_t when;
    char country[2];
    struct span registry = contacts_registry(a->c.contacts, ip, country);
    if (a->n >= a->limit || (contacts_asked(a->c.contacts, ip, &when) && when >= a->fresh_since))
        return;
    struct rdap_question q = {.address = *ip, .network = *network};
    snprintf(q.registry, sizeof q.registry, "%.*s", (int)registry.n,
             registry.n ? (const char *)registry.p : "");
    a->questions = mem_room(a->questions, a->n, &a->cap, sizeof *a->questions);
    a->questions[a->n++] = q;
}

static int queue_questions(struct asking *a, struct err *err)
{
    struct contacts_needs needs;
    int rc = contacts_needs(&a->c, true, &needs, err);
    for (size_t i = 0; rc == 0 && i < needs.n; i++)
        add_question(a, &needs.v[i].address, &needs.v[i].network);
    free(needs.v);
    return rc;
}

static int take_network(void *ctx, const struct source *row)
{
    if (row->network.set)
        *(struct net *)ctx = row->network;
    return 0;
}

static void named_questions(struct asking *a)
{
    for (unsigned i = 0; i < a->cli->n_args; i++) {
        struct ip ip;
        if (!ip_parse(span_str(a->cli->args[i]), &ip))
            continue; /* the command has checked them */
        struct net network = net_of(&ip, ip_is_v4(&ip) ? 24 : 48);
        sources_of(a->c.sources, &ip, take_network, &network);
        add_question(a, &ip, &network);
    }
}

/* ---- answers ---- */

/* On the log at once: a question that was answered is not asked again, whatever comes after it. */
static int journal_answer(struct asking *a, const struct rdap_reply *r, const struct net *network,
                          uint64_t *index, struct err *err)
{
    struct buf payload = {0};
    char text[NET_TEXT_MAX];
    uint8_t digest[SHA256_LEN];
    sha256(r->body.p, r->body.n, digest);
    struct act_rdap_answered act = {
        .network = span_of(text, net_format(network, text)),
        .contact = span_str(r->answer.mail),
        .handle = span_str(r->answer.handle),
        .server = span_str(r->server),
        .sha256 = span_of(digest, r->body.n ? SHA256_LEN : 0),
    };
    act_rdap_answered(&payload, &act);
    struct case_act one = {
        .kind = KIND_RDAP_ANSWERED, .payload = buf_as_span(&payload), .blob = r->body};
    int rc = case_acts(a->cli, &one, 1, err);
    *index = one.index;
    buf_free(&payload);
    return rc;
}

static void print_answer(struct asking *a, const struct rdap_question *q, const struct net *network,
                         const struct rdap_reply *r, uint64_t index)
{
    char text[NET_TEXT_MAX];
    struct table *t = a->table;
    table_text(t, span_of(text, ip_format(&q->address, text)));
    table_text(t, span_of(text, net_format(network, text)));
    table_str(t, r->answer.mail);
    table_str(t, r->answer.handle);
    table_str(t, r->answer.name);
    table_str(t, r->server);
    table_str(t, r->result);
    if (index)
        table_uint(t, index);
    else
        table_empty(t);
    table_row_end(t);
}

static int take_reply(void *ctx, const struct rdap_question *q, const struct rdap_reply *r)
{
    struct asking *a = ctx;
    uint64_t index = 0;
    const struct net *network = r->answer.network.set ? &r->answer.network : &q->network;
    int rc = r->answered ? journal_answer(a, r, network, &index, &a->err) : 0;
    if (rc < 0)
        return rc;
    a->answered += r->answered;
    a->failed += !r->answered;
    print_answer(a, q, network, r, index);
    return 0;
}

/* ---- the command ---- */

static int check_config(const struct config_cleanup *c, struct err *err)
{
    if (!c->rdap.on)
        return err_set(err, -EPERM,
                       "contacts ask: asking registries is off: nothing leaves this machine until "
                       "cleanup.rdap.on is true in ebb.yaml");
    if (!c->rdap.servers_count)
        return err_set(err, -EINVAL, "contacts ask: cleanup.rdap.servers is empty in ebb.yaml");
    return 0;
}

static int prepare(struct asking *a, struct err *err)
{
    int rc = contacts_open_case(a->cli, &a->c, CONTACTS_NEEDS_VIEWS, err);
    if (rc == 0)
        rc = check_config(&a->c.config->cleanup, err);
    if (rc < 0)
        return rc;
    a->fresh_since = utc_now() - (int64_t)a->c.config->cleanup.rdap.keep_days * UTC_DAY;
    if (a->cli->n_args) {
        named_questions(a);
        return 0;
    }
    return queue_questions(a, err);
}

/* Once, so that the next command need not sort the answers. */
static void save_view(const struct cli *cli)
{
    struct casedir c;
    struct err err;
    if (contacts_open_case(cli, &c, VIEW_CONTACTS, &err) == 0)
        contacts_snapshot(c.contacts, &err);
    casedir_close(&c, NULL);
}

static int ask(struct asking *a, struct err *err)
{
    static const struct table_column columns[] = {
        {"address", "address", TABLE_WORDS},
        {"network", "network", TABLE_WORDS},
        {"contact", "contact", TABLE_WORDS},
        {"handle", "handle", TABLE_WORDS},
        {"name", "name", TABLE_WORDS},
        {"server", "server", TABLE_WORDS},
        {"result", "result", TABLE_WORDS},
        {"entry", "entry", TABLE_ID},
        {0},
    };
    int rc = prepare(a, err);
    if (rc < 0)
        return rc;
    a->table = table_open(cli_shape(a->cli), columns, stdout);
    rc = rdap_ask(&a->c.config->cleanup, a->questions, a->n, take_reply, a, err);
    if (rc < 0 && a->err.code)
        *err = a->err;
    return rc;
}

int cmd_contacts_ask(const struct cli *cli)
{
    struct asking a = {.cli = cli};
    struct ip ip;
    struct err err;
    for (unsigned i = 0; i < cli->n_args; i++)
        if (!ip_parse(span_str(cli->args[i]), &ip))
            return cli_fail(EXIT_USAGE, "contacts ask: no address (%s)", cli->args[i]);
    int rc = cli_number(cli, "limit", LIMIT_DEFAULT, &a.limit);
    if (rc == 0 && (!a.limit || a.limit > LIMIT_MAX))
        rc = cli_fail(EXIT_USAGE, "--limit: 1 to %d", LIMIT_MAX);
    if (rc)
        return rc;
    rc = ask(&a, &err);
    free(a.questions);
    rc = contacts_end(&a.c, a.table, rc, &err);
    if (a.answered)
        save_view(cli);
    return rc ? rc : a.failed ? EXIT_FAILED : EXIT_DONE;
}
