/* ebb desk login | link */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>

#include "app/account/account.h"
#include "app/desk/login_file.h"
#include "base/file.h"

#define LINK_MINUTES 10
#define SITE_MAX     256

/* Where the desk is, and how an authenticator app calls it. */
struct site {
    char name[SITE_MAX], url[SITE_MAX];
};

/* An account in force, by its name. */
static int find_account(const struct cli *cli, struct site *site, struct err *err)
{
    struct casedir c = {.quiet = cli->quiet};
    struct account a;
    int rc = casedir_open(&c, cli->case_dir, JOURNAL_READ, err);
    if (rc == 0)
        rc = casedir_views(&c, VIEW_CASEBOOK, err);
    if (rc == 0 && (rc = casebook_account(c.casebook, span_str(cli->args[0]), &a, err)) == 0)
        rc = err_set(err, -ENOENT, "there is no account %s (`ebb account list`)", cli->args[0]);
    if (rc == 1 && !account_is_open(&a, utc_now()))
        rc = err_set(err, -EPERM, "account %s is not in force", cli->args[0]);
    if (rc == 1) {
        const struct config *config = c.config;
        bool own = config->web.desk_url[0];
        snprintf(site->name, SITE_MAX, "%s", config->name);
        snprintf(site->url, SITE_MAX, "%s%s",
                 own                               ? ""
                 : config->web.desk_certificate[0] ? "https://"
                                                   : "http://",
                 own ? config->web.desk_url : config->serve.desk);
    }
    casedir_close(&c, NULL);
    return rc < 0 ? rc : 0;
}

/* The password, from the file's first line or the terminal. */
static int ask_password(const struct cli *cli, struct buf *out, struct err *err)
{
    struct cli asking = *cli;
    const char *path = cli_get(cli, "password-file");
    asking.passphrase_file = path ? path : ""; /* not the one of the account's key */
    int rc = account_passphrase(&asking, "a password for the desk: ", true, out, err);
    const uint8_t *end = out->n ? memchr(out->p, '\n', out->n) : NULL;
    if (end)
        out->n = (size_t)(end - out->p);
    if (rc == 0 && (out->n < PASSWORD_MIN || out->n > PASSWORD_MAX))
        rc = err_set(err, -EINVAL, "a password has %d to %d bytes", PASSWORD_MIN, PASSWORD_MAX);
    return rc;
}

static int make_login(const struct cli *cli, const struct site *site, struct login *l,
                      struct err *err)
{
    struct buf password = {0}, uri = {0};
    int rc = ask_password(cli, &password, err);
    if (rc == 0 && !password_hash(buf_as_span(&password), l->hash))
        rc = err_set(err, -ENOMEM, "Argon2id has no memory");
    if (password.p)
        sodium_memzero(password.p, password.cap);
    buf_free(&password);
    totp_secret(l->secret);
    if (rc == 0)
        rc = login_file_put(cli->case_dir, l, false, err);
    if (rc < 0)
        return rc;
    totp_uri(&uri, site->name, l->account, span_of(l->secret, TOTP_SECRET_LEN));
    printf("%.*s\n", (int)uri.n, (const char *)uri.p);
    if (!cli->quiet)
        fprintf(stderr, "ebb: put this into an authenticator app now: it is not shown again\n");
    sodium_memzero(uri.p, uri.cap);
    buf_free(&uri);
    return 0;
}

int cmd_desk_login(const struct cli *cli)
{
    struct login l = {0};
    struct site site;
    struct err err;
    if (cli->n_args != 1 || !account_name_is_good(span_str(cli->args[0])))
        return cli_fail(EXIT_USAGE, "desk login: wants one account");
    if (sodium_init() < 0)
        return cli_fail(EXIT_FAILED, "libsodium does not start");
    snprintf(l.account, sizeof l.account, "%s", cli->args[0]);
    int rc = 0;
    if (cli_has(cli, "remove")) {
        rc = login_file_put(cli->case_dir, &l, true, &err);
    } else {
        rc = find_account(cli, &site, &err);
        if (rc == 0)
            rc = make_login(cli, &site, &l, &err);
    }
    sodium_memzero(&l, sizeof l);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}

int cmd_desk_link(const struct cli *cli)
{
    char token[SESSION_TOKEN_LEN + 1];
    struct site site;
    struct err err;
    uint64_t minutes;
    if (cli->n_args != 1 || !account_name_is_good(span_str(cli->args[0])))
        return cli_fail(EXIT_USAGE, "desk link: wants one account");
    if (cli_number(cli, "minutes", LINK_MINUTES, &minutes) != 0)
        return EXIT_USAGE;
    if (!minutes || minutes > LINK_MINUTES_MAX)
        return cli_fail(EXIT_USAGE, "desk link: --minutes wants 1 to %d", LINK_MINUTES_MAX);
    if (sodium_init() < 0)
        return cli_fail(EXIT_FAILED, "libsodium does not start");
    int rc = find_account(cli, &site, &err);
    if (rc == 0)
        rc =
            login_link_make(cli->case_dir, cli->args[0], utc_now(), (unsigned)minutes, token, &err);
    if (rc < 0)
        return cli_err(&err);
    printf("%s/#link=%s\n", site.url, token);
    sodium_memzero(token, sizeof token);
    return EXIT_DONE;
}
