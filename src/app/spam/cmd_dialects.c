/* ebb dialects, dialects name, dialects export, dialects import */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/case_act.h"
#include "app/spam/spam_case.h"
#include "event/act.h"

/* ---- the list, and the export, which is its JSON ---- */

static const struct table_column columns[] = {
    {"number", "number", TABLE_ID},
    {"sign", "sign", TABLE_WORDS},
    {"name", "name", TABLE_WORDS},
    {"mails", "mails", TABLE_COUNT},
    {"first_seen", NULL, TABLE_WORDS},
    {"last_seen", "last seen", TABLE_WORDS},
    {"family", "given to", TABLE_WORDS},
    {"lessons", "lessons", TABLE_WORDS},
    {"exemplar", "exemplar", TABLE_ID},
    {"text", "how", TABLE_WORDS},
    {0},
};

static void put_lessons(struct table *t, const struct dialect *x)
{
    char text[DIALECT_FAMILIES_MAX][DIALECT_FAMILY_MAX + 16];
    struct span v[DIALECT_FAMILIES_MAX];
    size_t n = 0;
    for (; n < DIALECT_FAMILIES_MAX && x->lesson[n].family[0]; n++)
        v[n] = span_of(text[n], (size_t)snprintf(text[n], sizeof text[n], "%s %u",
                                                 x->lesson[n].family, x->lesson[n].mails));
    table_list(t, v, n);
}

static void put_dialect(struct table *t, const struct dialect *x)
{
    table_uint(t, x->number);
    table_str(t, dialect_sign_name(x->sign));
    table_str(t, x->name);
    table_uint(t, x->mails);
    if (x->mails) {
        spam_case_put_time(t, x->first_seen);
        spam_case_put_time(t, x->last_seen);
    } else {
        table_empty(t);
        table_empty(t);
    }
    table_str(t, x->given);
    put_lessons(t, x);
    if (x->mails)
        table_uint(t, x->exemplar);
    else
        table_empty(t);
    table_str(t, x->text);
    table_row_end(t);
}

static int by_mails(const void *a, const void *b)
{
    const struct dialect *x = *(const struct dialect *const *)a;
    const struct dialect *y = *(const struct dialect *const *)b;
    if (x->sign != y->sign)
        return (x->sign > y->sign) - (x->sign < y->sign);
    if (x->mails != y->mails)
        return (x->mails < y->mails) - (x->mails > y->mails);
    return (x->number > y->number) - (x->number < y->number);
}

struct listing {
    enum dialect_sign sign; /* DIALECT_SIGNS: all */
    bool named;             /* only those with a name, a family or lessons */
    uint64_t limit;
};

static void print_dialects(const struct dialects *d, const struct listing *l, struct table *t)
{
    const struct dialect **v = calloc(dialects_count(d) + 1, sizeof *v);
    uint32_t n = 0;
    if (!v)
        abort();
    for (uint32_t i = 0; i < dialects_count(d); i++) {
        const struct dialect *x = dialects_at(d, i);
        if ((l->sign == DIALECT_SIGNS || x->sign == l->sign) &&
            (!l->named || x->name[0] || x->given[0] || x->lesson[0].family[0]))
            v[n++] = x;
    }
    qsort(v, n, sizeof *v, by_mails);
    for (uint32_t i = 0; i < n && (!l->limit || i < l->limit); i++)
        put_dialect(t, v[i]);
    free(v);
}

static int list(const struct cli *cli, enum table_shape shape, bool named)
{
    struct listing l = {.sign = DIALECT_SIGNS, .named = named};
    const char *sign = cli_get(cli, "sign");
    struct casedir c = {0};
    struct table *t = NULL;
    struct err err;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "%s: takes no argument (%s)", cli->command, cli->args[0]);
    if (sign && (l.sign = dialect_sign_named(span_str(sign))) == DIALECT_SIGNS)
        return cli_fail(EXIT_USAGE, "--sign: smtp, headers or message-id (%s)", sign);
    int rc = cli_number(cli, "limit", 0, &l.limit);
    if (rc)
        return rc;
    rc = spam_case_open(cli, &c, &err);
    if (rc == 0) {
        t = table_open(shape, columns, stdout);
        print_dialects(spam_dialects(c.spam), &l, t);
    }
    return spam_case_end(&c, t, rc, &err);
}

int cmd_dialects(const struct cli *cli)
{
    return list(cli, cli_shape(cli), false);
}

int cmd_dialects_export(const struct cli *cli)
{
    return list(cli, TABLE_JSON, true);
}

/* ---- names ---- */

static int check_names(const struct cli *cli)
{
    if (!cli_has(cli, "name") && !cli_has(cli, "family"))
        return cli_fail(EXIT_USAGE, "%s: wants --name or --family", cli->command);
    if (case_text(cli, "name").n >= DIALECT_NAME_MAX ||
        case_text(cli, "family").n >= DIALECT_FAMILY_MAX)
        return cli_fail(EXIT_USAGE, "%s: a name has less than %d bytes, a family less than %d",
                        cli->command, DIALECT_NAME_MAX, DIALECT_FAMILY_MAX);
    return 0;
}

static int record(const struct cli *cli, const struct dialect *x, struct span name,
                  struct span family, struct err *err)
{
    struct act_dialect a = {.sign = span_str(dialect_sign_name(x->sign)),
                            .text = span_str(x->text),
                            .name = name,
                            .family = family,
                            .why = case_text(cli, "why")};
    struct buf payload = {0};
    act_dialect(&payload, &a);
    struct case_act act = {.kind = KIND_DIALECT_NAMED, .payload = buf_as_span(&payload)};
    int rc = case_acts(cli, &act, 1, err);
    buf_free(&payload);
    return rc;
}

/* The one that the number is of, or that --sign and --text describe, whether it was seen or not. */
static int find(const struct cli *cli, struct dialect *out, struct err *err)
{
    struct casedir c = {0};
    uint64_t number;
    if (!cli->n_args) {
        struct span text = case_text(cli, "text");
        out->sign = dialect_sign_named(case_text(cli, "sign"));
        memcpy(out->text, text.p, text.n); /* its length was checked */
        return 0;
    }
    cli_parse_u64(cli->args[0], &number);
    int rc = spam_case_open(cli, &c, err);
    if (rc == 0) {
        const struct dialect *x =
            number > UINT32_MAX ? NULL : dialects_numbered(spam_dialects(c.spam), (uint32_t)number);
        if (x)
            *out = *x;
        else
            rc = err_set(err, -ENOENT, "no such dialect: see `ebb dialects` (%s)", cli->args[0]);
    }
    casedir_close(&c, NULL);
    return rc;
}

int cmd_dialects_name(const struct cli *cli)
{
    struct dialect found = {0};
    struct err err;
    uint64_t number;
    struct span text = case_text(cli, "text");
    bool described = !cli->n_args && text.n && text.n <= GRAMMAR_TEXT_MAX &&
                     dialect_sign_named(case_text(cli, "sign")) != DIALECT_SIGNS;
    if (!described && (cli->n_args != 1 || !cli_parse_u64(cli->args[0], &number)))
        return cli_fail(EXIT_USAGE, "dialects name: wants a number (see `ebb dialects`), or --sign "
                                    "and --text");
    int rc = check_names(cli);
    if (rc)
        return rc;
    rc = find(cli, &found, &err);
    if (rc == 0)
        rc = record(cli, &found, case_text(cli, "name"), case_text(cli, "family"), &err);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}
