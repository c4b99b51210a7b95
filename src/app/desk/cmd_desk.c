/* ebb desk; ebb desk routes */
#include <stdio.h>

#include "app/cli.h"
#include "app/desk/desk_impl.h"
#include "base/mem.h"
#include "state/passkeys.h"
#include "view/table.h"

/* ---- ebb desk: who can log in, and how ---- */

static const struct table_column columns[] = {{"account", "account", TABLE_WORDS},
                                              {"roles", "roles", TABLE_WORDS},
                                              {"open", "in force", TABLE_WORDS},
                                              {"password", "password and code", TABLE_WORDS},
                                              {"passkeys", "passkeys", TABLE_COUNT},
                                              {"links", "links", TABLE_COUNT},
                                              {NULL, NULL, TABLE_WORDS}};

struct listing {
    struct casedir c;
    struct login_file logins;
    struct login_link *links;
    size_t links_n, links_cap;
    struct table *table;
    struct err *err;
};

static int keep_link(void *ctx, const struct login_link *l)
{
    struct listing *x = ctx;
    x->links = mem_room(x->links, x->links_n, &x->links_cap, sizeof *x->links);
    x->links[x->links_n++] = *l;
    return 0;
}

static int count_passkey(void *ctx, const struct passkey *k)
{
    ++*(uint64_t *)ctx;
    return 0;
}

static int put_account(void *ctx, const struct account *a)
{
    struct listing *x = ctx;
    struct span roles[ROLES_COUNT];
    size_t n = 0;
    uint64_t passkeys = 0, links = 0;
    for (unsigned i = 0; i < ROLES_COUNT; i++)
        if (a->roles >> i & 1)
            roles[n++] = span_str(account_role_name(i));
    for (size_t i = 0; i < x->links_n; i++)
        links += strcmp(x->links[i].account, a->name) == 0;
    int rc = passkeys_of(x->c.pursuit, span_str(a->name), count_passkey, &passkeys, x->err);
    table_str(x->table, a->name);
    table_list(x->table, roles, n);
    table_bool(x->table, account_is_open(a, utc_now()));
    table_bool(x->table, login_file_find(&x->logins, span_str(a->name)));
    table_uint(x->table, passkeys);
    table_uint(x->table, links);
    table_row_end(x->table);
    return rc;
}

int cmd_desk(const struct cli *cli)
{
    struct listing x = {.c.quiet = cli->quiet};
    struct err err;
    x.err = &err;
    int rc = casedir_open(&x.c, cli->case_dir, JOURNAL_READ, &err);
    if (rc == 0)
        rc = casedir_views(&x.c, VIEW_CASEBOOK | VIEW_PURSUIT, &err);
    if (rc == 0)
        rc = login_file_read(cli->case_dir, &x.logins, &err);
    if (rc == 0)
        rc = login_links(cli->case_dir, utc_now(), keep_link, &x, &err);
    if (rc == 0) {
        x.table = table_open(cli_shape(cli), columns, stdout);
        rc = casebook_accounts(x.c.casebook, put_account, &x, &err);
        if (table_close(x.table) < 0 && rc >= 0)
            rc = err_errno(&err, "standard output");
    }
    login_file_free(&x.logins);
    free(x.links);
    casedir_close(&x.c, NULL);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}

/* ---- ebb desk routes ---- */

static const struct table_column route_columns[] = {{"listener", "listener", TABLE_WORDS},
                                                    {"method", "method", TABLE_WORDS},
                                                    {"path", "path", TABLE_WORDS},
                                                    {"roles", "roles", TABLE_WORDS},
                                                    {"session", "session", TABLE_WORDS},
                                                    {"runs", "what it does", TABLE_WORDS},
                                                    {NULL, NULL, TABLE_WORDS}};

static void put_route(struct table *t, const char *listener, const char *method, const char *path,
                      unsigned roles, bool session, const char *runs)
{
    struct span names[ROLES_COUNT];
    size_t n = 0;
    for (unsigned i = 0; i < ROLES_COUNT; i++)
        if (roles >> i & 1)
            names[n++] = span_str(account_role_name(i));
    table_str(t, listener);
    table_str(t, method);
    table_str(t, path);
    table_list(t, names, n);
    table_bool(t, session);
    table_str(t, runs);
    table_row_end(t);
}

static void put_api_route(void *ctx, const struct desk_api_route *r)
{
    put_route(ctx, "desk", r->method, r->path, r->roles, true, r->runs);
}

int cmd_desk_routes(const struct cli *cli)
{
    struct table *t = table_open(cli_shape(cli), route_columns, stdout);
    const unsigned all = (1u << ROLES_COUNT) - 1;
    for (const struct desk_own_route *o = desk_own_routes; o->path; o++)
        put_route(t, "desk", o->method, o->path, o->open ? 0 : all, !o->open, o->about);
    desk_api_routes(put_api_route, t);
    put_route(t, "desk", "GET", "/assets/{name}", 0, false, "the front end's files");
    put_route(t, "desk", "GET", "/{path}", 0, false, "the front end: each of its states");
#define PAGE(method, path, function, cached)                                                       \
    put_route(t, "public", method, path, 0, false, #function);
#include "app/public/routes.def"
    return table_close(t) < 0 ? cli_fail(EXIT_FAILED, "standard output") : EXIT_DONE;
}
