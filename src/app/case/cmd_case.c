/* ebb case order add|list|close */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/case_act.h"
#include "base/file.h"
#include "event/act.h"
#include "net/authority.h"

/* ---- order add ---- */

static const struct table_column done_columns[] = {
    {"order", "order", TABLE_WORDS}, {"index", "entry", TABLE_ID}, {0}};

static int print_order(const struct cli *cli, struct span id, uint64_t index)
{
    struct table *t = table_open(cli_shape(cli), done_columns, stdout);
    table_text(t, id);
    table_uint(t, index);
    table_row_end(t);
    return table_close(t) < 0 ? cli_fail(EXIT_FAILED, "output could not be written") : EXIT_DONE;
}

/* Texts go to web pages and DNS answers: one line each, of a length that fits. */
static int check_texts(const struct cli *cli)
{
    static const char *const names[] = {"id",    "court",   "docket", "jurisdiction",
                                        "scope", "contact", "note"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct span s = case_text(cli, names[i]);
        if (s.n > AUTHORITY_TEXT_MAX)
            return cli_fail(EXIT_USAGE, "--%s: more than %d bytes", names[i], AUTHORITY_TEXT_MAX);
        if (!span_is_utf8(s))
            return cli_fail(EXIT_USAGE, "--%s: not UTF-8", names[i]);
        for (size_t k = 0; k < s.n; k++)
            if (s.p[k] < ' ' || s.p[k] == 0x7f)
                return cli_fail(EXIT_USAGE, "--%s: control characters", names[i]);
    }
    return 0;
}

static int read_document(struct casedir *c, const char *path, struct buf *out, struct err *err)
{
    int rc = file_read(path, (size_t)c->config->blob_max_mib << 20, out, err);
    return rc == 0 && !out->n ? err_set(err, -ENODATA, "%s: empty file", path) : rc;
}

/* An id says one order at a time. */
static int check_id(struct casedir *c, const char *id, int64_t now, struct err *err)
{
    struct case_order there;
    uint64_t number;
    if (cli_parse_u64(id, &number))
        return err_set(err, -EINVAL, "--id: digits alone are an entry's index (%s)", id);
    int rc = case_find_order(c, id, now, &there, err);
    if (rc == -ENOENT)
        return 0;
    if (rc == 0 && there.state != CASEBOOK_CLOSED)
        rc = err_set(err, -EEXIST, "order %s is there already (entry %llu)", id,
                     (unsigned long long)there.entry);
    return rc;
}

static int add_order(const struct cli *cli, struct act_order *a, struct buf *payload,
                     struct case_act *act, struct buf *document, struct err *err)
{
    struct casedir c = {0};
    const char *path = cli_get(cli, "document");
    uint8_t digest[SHA256_LEN];
    int rc = case_open(cli, &c, err);
    if (rc == 0)
        rc = check_id(&c, cli_get(cli, "id"), utc_now(), err);
    if (rc == 0 && path)
        rc = read_document(&c, path, document, err);
    casedir_close(&c, NULL);
    if (rc < 0)
        return rc;
    if (path) {
        const char *slash = strrchr(path, '/');
        sha256(document->p, document->n, digest);
        a->document = span_str(slash ? slash + 1 : path);
        a->sha256 = span_of(digest, SHA256_LEN);
    }
    act_order(payload, a);
    *act = (struct case_act){
        .kind = KIND_ORDER, .payload = buf_as_span(payload), .blob = buf_as_span(document)};
    return case_acts(cli, act, 1, err);
}

int cmd_case_order_add(const struct cli *cli)
{
    struct act_order a = {
        .id = case_text(cli, "id"),
        .court = case_text(cli, "court"),
        .docket = case_text(cli, "docket"),
        .jurisdiction = case_text(cli, "jurisdiction"),
        .scope = case_text(cli, "scope"),
        .contact = case_text(cli, "contact"),
        .note = case_text(cli, "note"),
    };
    struct buf payload = {0}, document = {0};
    struct case_act act;
    struct err err;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "case order add: takes no argument (%s)", cli->args[0]);
    if (!a.id.n)
        return cli_fail(EXIT_USAGE, "case order add: wants --id");
    int rc = check_texts(cli);
    if (rc == 0)
        rc = case_time(cli, "from", utc_now(), &a.from);
    if (rc == 0)
        rc = case_time(cli, "until", ACT_FOREVER, &a.until);
    if (rc)
        return rc;
    if (a.until <= a.from)
        return cli_fail(EXIT_USAGE, "the order ends before it begins (--from, --until)");
    rc = add_order(cli, &a, &payload, &act, &document, &err);
    buf_free(&payload);
    buf_free(&document);
    return rc < 0 ? cli_err(&err) : print_order(cli, a.id, act.index);
}

/* ---- order close ---- */

int cmd_case_order_close(const struct cli *cli)
{
    struct act_order_closed a = {.why = case_text(cli, "why"), .when = utc_now()};
    struct casedir c = {0};
    struct case_order order;
    struct buf payload = {0};
    struct err err;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "case order close: wants one order");
    if (!a.why.n)
        return cli_fail(EXIT_USAGE, "case order close: wants --why");
    int rc = case_open(cli, &c, &err);
    if (rc == 0)
        rc = case_find_order(&c, cli->args[0], a.when, &order, &err);
    if (rc == 0 && order.state == CASEBOOK_CLOSED)
        rc = err_set(&err, -EALREADY, "order %s is closed already", cli->args[0]);
    casedir_close(&c, NULL);
    if (rc < 0)
        return cli_err(&err);
    a.order = order.entry;
    a.id = span_str(cli->args[0]);
    act_order_closed(&payload, &a);
    struct case_act act = {.kind = KIND_ORDER_CLOSED, .payload = buf_as_span(&payload)};
    rc = case_acts(cli, &act, 1, &err);
    buf_free(&payload);
    return rc < 0 ? cli_err(&err) : print_order(cli, a.id, act.index);
}

/* ---- order list ---- */

static const struct table_column list_columns[] = {
    {"id", "order", TABLE_WORDS},
    {"state", "state", TABLE_WORDS},
    {"court", "court", TABLE_WORDS},
    {"docket", "docket", TABLE_WORDS},
    {"jurisdiction", "jurisdiction", TABLE_WORDS},
    {"from", "from", TABLE_WORDS},
    {"until", "until", TABLE_WORDS},
    {"assets", "assets", TABLE_COUNT},
    {"lists", "lists", TABLE_COUNT},
    {"index", "entry", TABLE_ID},
    {"document", NULL, TABLE_WORDS},
    {"sha256", NULL, TABLE_WORDS},
    {"scope", NULL, TABLE_WORDS},
    {"contact", NULL, TABLE_WORDS},
    {"note", NULL, TABLE_WORDS},
    {"closed", NULL, TABLE_WORDS},
    {"closed_why", NULL, TABLE_WORDS},
    {0},
};

struct order_list {
    struct table *t;
    const char *state;
};

static int put_order(void *ctx, const struct casebook_order *o)
{
    struct order_list *l = ctx;
    if (l->state && strcmp(l->state, casebook_state_name(o->state)) != 0)
        return 0;
    table_text(l->t, o->act.id);
    table_str(l->t, casebook_state_name(o->state));
    table_text(l->t, o->act.court);
    table_text(l->t, o->act.docket);
    table_text(l->t, o->act.jurisdiction);
    case_put_time(l->t, o->act.from);
    case_put_time(l->t, o->act.until);
    table_uint(l->t, o->assets);
    table_uint(l->t, o->lists);
    table_uint(l->t, o->entry);
    table_text(l->t, o->act.document);
    if (o->act.sha256.n)
        table_hex(l->t, o->act.sha256.p, o->act.sha256.n);
    else
        table_empty(l->t);
    table_text(l->t, o->act.scope);
    table_text(l->t, o->act.contact);
    table_text(l->t, o->act.note);
    case_put_time(l->t, o->closed);
    table_text(l->t, o->closed_why);
    table_row_end(l->t);
    return 0;
}

int cmd_case_order_list(const struct cli *cli)
{
    struct casedir c = {0};
    struct casebook_clock clock;
    struct order_list l = {.state = cli_get(cli, "state")};
    struct err err;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "case order list: takes no argument (%s)", cli->args[0]);
    int rc = case_clock(cli, &clock);
    if (rc)
        return rc;
    rc = case_open(cli, &c, &err);
    if (rc == 0) {
        l.t = table_open(cli_shape(cli), list_columns, stdout);
        rc = casebook_orders(c.casebook, &clock, put_order, &l, &err);
    }
    return case_listed(&c, &clock, l.t, rc, &err);
}
