/* ebb account key | passphrase | add | close | list */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "app/account/account.h"
#include "app/case_act.h"
#include "base/file.h"
#include "event/event.h"

#define PUBLIC_FILE_MAX 4096

/* ---- key, passphrase ---- */

static int write_key(const struct cli *cli, const struct account_key *key, const char *path,
                     struct err *err)
{
    struct buf passphrase = {0}, file = {0};
    int rc = account_passphrase(cli, "a new passphrase: ", true, &passphrase, err);
    if (rc == 0)
        rc = account_key_write(key, cli_get(cli, "cost"), buf_as_span(&passphrase), &file, err);
    if (rc == 0)
        rc = file_replace(path, buf_as_span(&file), 0600, err);
    if (passphrase.n)
        sodium_memzero(passphrase.p, passphrase.n);
    buf_free(&passphrase);
    buf_free(&file);
    return rc;
}

int cmd_account_key(const struct cli *cli)
{
    const char *path = cli_get(cli, "output");
    struct account_key key;
    struct buf text = {0};
    struct err err;
    if (cli->n_args != 1 || !account_name_is_good(span_str(cli->args[0])))
        return cli_fail(
            EXIT_USAGE,
            "account key: wants one name of letters, digits, \".\", \"_\", \"-\", \"@\"");
    if (!path)
        return cli_fail(EXIT_USAGE, "account key: wants --output");
    if (file_exists(path))
        return cli_fail(EXIT_FAILED, "account key: there is a file already (%s)", path);
    account_key_make(cli->args[0], &key);
    int rc = write_key(cli, &key, path, &err);
    if (rc == 0) {
        account_public_put(&key, &text);
        fwrite(text.p, 1, text.n, stdout);
    }
    account_wipe(&key);
    buf_free(&text);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}

int cmd_account_passphrase(const struct cli *cli)
{
    struct account_key key;
    struct buf file = {0}, old = {0};
    struct err err;
    const char *from = cli_get(cli, "old-passphrase-file");
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "account passphrase: wants one key file");
    struct cli before = *cli;
    before.passphrase_file = from;
    int rc = file_read(cli->args[0], PUBLIC_FILE_MAX, &file, &err);
    if (rc == 0)
        rc = account_passphrase(&before, "the passphrase until now: ", false, &old, &err);
    if (rc == 0)
        rc = account_key_open(buf_as_span(&file), buf_as_span(&old), &key, &err);
    if (rc == 0) {
        rc = write_key(cli, &key, cli->args[0], &err);
        account_wipe(&key);
    }
    if (old.n)
        sodium_memzero(old.p, old.n);
    buf_free(&old);
    buf_free(&file);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}

/* ---- add, close ---- */

static const struct table_column done_columns[] = {
    {"account", "account", TABLE_WORDS}, {"index", "entry", TABLE_ID}, {0}};

static int record(const struct cli *cli, const struct act_account *a)
{
    struct buf payload = {0};
    struct err err;
    act_account(&payload, a);
    struct case_act act = {.kind = KIND_ACCOUNT, .payload = buf_as_span(&payload)};
    int rc = case_acts(cli, &act, 1, &err);
    buf_free(&payload);
    if (rc < 0)
        return cli_err(&err);
    struct table *t = table_open(cli_shape(cli), done_columns, stdout);
    table_text(t, a->name);
    table_uint(t, act.index);
    table_row_end(t);
    return table_close(t) < 0 ? cli_fail(EXIT_FAILED, "output could not be written") : EXIT_DONE;
}

int cmd_account_add(const struct cli *cli)
{
    struct act_account a = {.why = case_text(cli, "why"), .roles = case_text(cli, "roles")};
    struct account_key key;
    struct buf file = {0};
    struct err err;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "account add: wants the file that `ebb account key` printed");
    if (!account_roles_parse(a.roles))
        return cli_fail(EXIT_USAGE,
                        "account add: --roles: operator reviewer custodian counsel auditor (%.*s)",
                        (int)a.roles.n, (const char *)a.roles.p);
    int code = case_time(cli, "until", ACT_FOREVER, &a.until);
    if (code == 0 && a.until <= utc_now())
        code = cli_fail(EXIT_USAGE, "--until: is over already");
    if (code)
        return code;
    int rc = file_read(cli->args[0], PUBLIC_FILE_MAX, &file, &err);
    if (rc == 0)
        rc = account_public_parse(buf_as_span(&file), &key, &err);
    buf_free(&file);
    if (rc < 0)
        return cli_fail(EXIT_FAILED, "%s (%s)", err.text, cli->args[0]);
    a.name = span_str(key.name);
    a.sign = span_of(key.sign, sizeof key.sign);
    if (account_roles_parse(a.roles) & (ROLE_REVIEWER | ROLE_CUSTODIAN)) /* who may read leads */
        a.box = span_of(key.box, sizeof key.box);
    return record(cli, &a);
}

int cmd_account_close(const struct cli *cli)
{
    struct act_account a = {.why = case_text(cli, "why"), .until = ACT_FOREVER};
    struct account there = {0};
    struct casedir c;
    struct err err;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "account close: wants one name");
    if (!a.why.n)
        return cli_fail(EXIT_USAGE, "account close: wants --why");
    int rc = case_open(cli, &c, &err);
    if (rc == 0)
        rc = casebook_account(c.casebook, span_str(cli->args[0]), &there, &err);
    if (rc == 0)
        rc = err_set(&err, -ENOENT, "no such account: see `ebb account list` (%s)", cli->args[0]);
    else if (rc == 1)
        rc = there.roles ? 0 : err_set(&err, -EALREADY, "closed already (%s)", cli->args[0]);
    casedir_close(&c, NULL);
    if (rc < 0)
        return cli_err(&err);
    a.name = span_str(there.name);
    a.sign = span_of(there.sign, sizeof there.sign);
    return record(cli, &a);
}

/* ---- list ---- */

static const struct table_column list_columns[] = {
    {"account", "account", TABLE_WORDS}, {"roles", "roles", TABLE_WORDS},
    {"state", "state", TABLE_WORDS},     {"since", "since", TABLE_WORDS},
    {"until", "until", TABLE_WORDS},     {"reads_leads", "reads leads", TABLE_WORDS},
    {"index", "entry", TABLE_ID},        {"sign", NULL, TABLE_WORDS},
    {"box", NULL, TABLE_WORDS},          {0},
};

static int put_account(void *ctx, const struct account *a)
{
    struct table *t = ctx;
    struct buf roles = {0};
    for (unsigned i = 0; i < ROLES_COUNT; i++)
        if (a->roles & 1u << i)
            buf_printf(&roles, "%s%s", roles.n ? " " : "", account_role_name(i));
    table_str(t, a->name);
    table_text(t, buf_as_span(&roles));
    table_str(t, account_is_open(a, utc_now()) ? "open" : a->roles ? "over" : "closed");
    case_put_time(t, a->recorded);
    case_put_time(t, a->until);
    table_bool(t, a->has_box && a->roles);
    table_uint(t, a->entry);
    table_hex(t, a->sign, sizeof a->sign);
    if (a->has_box)
        table_hex(t, a->box, sizeof a->box);
    else
        table_empty(t);
    table_row_end(t);
    buf_free(&roles);
    return 0;
}

int cmd_account_list(const struct cli *cli)
{
    struct casedir c;
    struct err err;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "account list: takes no argument (%s)", cli->args[0]);
    int rc = case_open(cli, &c, &err);
    struct table *t = rc == 0 ? table_open(cli_shape(cli), list_columns, stdout) : NULL;
    if (rc == 0)
        rc = casebook_accounts(c.casebook, put_account, t, &err);
    if (t && table_close(t) < 0 && rc == 0)
        rc = err_set(&err, -EIO, "output could not be written");
    casedir_close(&c, NULL);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}
