/* ebb contacts, contacts find */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/case_act.h"
#include "app/cleanup/cmd_contacts.h"

void contacts_put_time(struct table *t, int64_t time)
{
    case_put_time(t, time ? time : CASEBOOK_FOREVER);
}

int contacts_open_case(const struct cli *cli, struct casedir *c, unsigned views, struct err *err)
{
    *c = (struct casedir){.quiet = cli->quiet};
    int rc = casedir_open(c, cli->case_dir, JOURNAL_READ, err);
    return rc == 0 ? casedir_views(c, views, err) : rc;
}

int contacts_end(struct casedir *c, struct table *t, int rc, struct err *err)
{
    if (t && table_close(t) < 0 && rc >= 0)
        rc = err_set(err, -EIO, "output could not be written");
    casedir_close(c, NULL);
    return rc < 0 ? cli_err(err) : rc;
}

/* ---- the sources ---- */

static int put_source(void *ctx, const struct contacts_source *s)
{
    struct table *t = ctx;
    table_text(t, s->source);
    table_text(t, s->format);
    table_text(t, s->file);
    table_uint(t, s->rows);
    table_uint(t, s->rejected);
    contacts_put_time(t, s->made);
    contacts_put_time(t, s->imported);
    if (s->made)
        table_int(t, (utc_now() - s->made) / UTC_DAY);
    else
        table_empty(t);
    table_uint(t, s->entry);
    table_row_end(t);
    return 0;
}

int cmd_contacts(const struct cli *cli)
{
    static const struct table_column columns[] = {
        {"source", "source", TABLE_WORDS},     {"format", "format", TABLE_WORDS},
        {"file", "file", TABLE_WORDS},         {"rows", "rows", TABLE_COUNT},
        {"rejected", "rejected", TABLE_COUNT}, {"made", "made", TABLE_WORDS},
        {"imported", "imported", TABLE_WORDS}, {"age_days", "age (days)", TABLE_COUNT},
        {"entry", "entry", TABLE_ID},          {0},
    };
    struct casedir c;
    struct table *t = NULL;
    struct err err;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "contacts: takes no argument: see `ebb contacts find` (%s)",
                        cli->args[0]);
    int rc = contacts_open_case(cli, &c, VIEW_CONTACTS, &err);
    if (rc == 0) {
        t = table_open(cli_shape(cli), columns, stdout);
        rc = contacts_sources(c.contacts, put_source, t);
    }
    return contacts_end(&c, t, rc, &err);
}

/* ---- whom to tell of these ---- */

struct attribution {
    uint32_t asn;
    char country[2];
    int64_t last;
};

/* The latest contact says whose the address is. */
static int take_source(void *ctx, const struct source *row)
{
    struct attribution *a = ctx;
    if (row->last_time < a->last)
        return 0;
    a->asn = row->asn;
    memcpy(a->country, row->country, 2);
    a->last = row->last_time;
    return 0;
}

static void put_network(struct table *t, const struct net *network)
{
    char text[NET_TEXT_MAX];
    if (network->set)
        table_text(t, span_of(text, net_format(network, text)));
    else
        table_empty(t);
}

static void put_words(struct table *t, struct span s)
{
    if (s.n)
        table_text(t, s);
    else
        table_empty(t);
}

static bool put_contact(struct table *t, struct casedir *c, const char *address,
                        const struct ip *ip)
{
    struct attribution a = {.last = INT64_MIN};
    struct contact k;
    sources_of(c->sources, ip, take_source, &a);
    bool found = contacts_find(c->contacts, ip, a.asn, a.country, &k);
    table_str(t, address);
    put_words(t, k.mail);
    table_text(t, k.source);
    put_words(t, k.handle);
    put_words(t, k.name);
    put_network(t, &k.network);
    contacts_put_time(t, k.made);
    if (found)
        table_uint(t, k.entry);
    table_row_end(t);
    return found;
}

int cmd_contacts_find(const struct cli *cli)
{
    static const struct table_column columns[] = {
        {"address", "address", TABLE_WORDS},
        {"contact", "contact", TABLE_WORDS},
        {"source", "source", TABLE_WORDS},
        {"handle", "handle", TABLE_WORDS},
        {"name", "name", TABLE_WORDS},
        {"network", "network", TABLE_WORDS},
        {"made", "made", TABLE_WORDS},
        {"entry", "entry", TABLE_ID},
        {0},
    };
    struct casedir c;
    struct table *t = NULL;
    struct ip ip;
    struct err err;
    unsigned found = 0;
    if (!cli->n_args)
        return cli_fail(EXIT_USAGE, "contacts find: wants an address");
    for (unsigned i = 0; i < cli->n_args; i++)
        if (!ip_parse(span_str(cli->args[i]), &ip))
            return cli_fail(EXIT_USAGE, "contacts find: no address (%s)", cli->args[i]);
    int rc = contacts_open_case(cli, &c, VIEW_CONTACTS | VIEW_SOURCES, &err);
    if (rc == 0)
        t = table_open(cli_shape(cli), columns, stdout);
    for (unsigned i = 0; rc == 0 && i < cli->n_args; i++)
        if (ip_parse(span_str(cli->args[i]), &ip))
            found += put_contact(t, &c, cli->args[i], &ip);
    rc = contacts_end(&c, t, rc, &err);
    return rc ? rc : found ? EXIT_DONE : EXIT_FAILED;
}
