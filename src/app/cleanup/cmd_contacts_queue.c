/* ebb contacts queue */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/case_act.h"
#include "app/cleanup/cmd_contacts.h"
#include "base/mem.h"

#define GROUP_BITS_4 24 /* of an address whose network is not known */
#define GROUP_BITS_6 48

/* ---- the networks ---- */

struct looking {
    struct casedir *c;
    struct contacts_needs *out;
    bool weak;
};

/* The row that was seen last says whose the address is. */
static const struct source *latest(const struct source *rows, size_t n)
{
    const struct source *last = rows;
    for (size_t i = 1; i < n; i++)
        if (rows[i].last_time > last->last_time)
            last = &rows[i];
    return last;
}

/* Told by its own network, or by the operator. */
static bool is_enough(const struct contact *k)
{
    return k->network.set || span_is(k->source, "operator");
}

static struct net group_of(const struct source *row)
{
    return row->network.set ? row->network
                            : net_of(&row->ip, ip_is_v4(&row->ip) ? GROUP_BITS_4 : GROUP_BITS_6);
}

static bool same_group(const struct contacts_need *a, const struct contacts_need *b)
{
    return a->asn == b->asn && a->network.bits == b->network.bits &&
           memcmp(&a->network.ip, &b->network.ip, sizeof a->network.ip) == 0;
}

/* Adds b to a, of the same group. */
static void merge(struct contacts_need *a, const struct contacts_need *b)
{
    uint64_t addresses = a->addresses + b->addresses;
    if (b->last > a->last)
        *a = *b;
    a->addresses = addresses;
}

static int take_address(void *ctx, const struct source *rows, size_t n,
                        const struct judgement *judgement)
{
    struct looking *l = ctx;
    struct contacts_needs *out = l->out;
    struct contact k;
    if (!judged_counts(judgement->role) || !n)
        return 0;
    const struct source *row = latest(rows, n);
    if (contacts_find(l->c->contacts, &row->ip, row->asn, row->country, &k) &&
        (!l->weak || is_enough(&k)))
        return 0;
    struct contacts_need need = {.network = group_of(row),
                                 .asn = row->asn,
                                 .address = row->ip,
                                 .last = row->last_time,
                                 .addresses = 1};
    memcpy(need.country, row->country, 2);
    snprintf(need.as_name, sizeof need.as_name, "%.*s", (int)row->as_name.n,
             row->as_name.n ? (const char *)row->as_name.p : "");
    if (out->n && same_group(&out->v[out->n - 1], &need)) { /* addresses come in order */
        merge(&out->v[out->n - 1], &need);
        return 0;
    }
    out->v = mem_room(out->v, out->n, &out->cap, sizeof *out->v);
    out->v[out->n++] = need;
    return 0;
}

static int cmp_group(const void *x, const void *y)
{
    const struct contacts_need *a = x, *b = y;
    int by = memcmp(&a->network.ip, &b->network.ip, sizeof a->network.ip);
    if (by == 0)
        by = a->network.bits - b->network.bits;
    return by ? by : (a->asn > b->asn) - (a->asn < b->asn);
}

static int cmp_addresses(const void *x, const void *y)
{
    const struct contacts_need *a = x, *b = y;
    if (a->addresses != b->addresses)
        return a->addresses > b->addresses ? -1 : 1;
    return cmp_group(x, y);
}

static void put_together(struct contacts_needs *needs)
{
    size_t kept = 0;
    if (!needs->n)
        return;
    qsort(needs->v, needs->n, sizeof *needs->v, cmp_group);
    for (size_t i = 0; i < needs->n; i++) {
        if (kept && same_group(&needs->v[kept - 1], &needs->v[i]))
            merge(&needs->v[kept - 1], &needs->v[i]);
        else
            needs->v[kept++] = needs->v[i];
    }
    needs->n = kept;
    qsort(needs->v, needs->n, sizeof *needs->v, cmp_addresses);
}

int contacts_needs(struct casedir *c, bool weak, struct contacts_needs *out, struct err *err)
{
    const struct config_cleanup *config = &c->config->cleanup;
    struct looking looking = {c, out, weak};
    struct judge *judge;
    *out = (struct contacts_needs){0};
    int rc = judge_new(config->judged, config->known_count, c->judgements, &judge);
    if (rc == 0) {
        rc = judge_all(judge, c->sources, take_address, &looking);
        judge_free(judge);
    }
    if (rc < 0)
        return err_set(err, rc, "the sources of the case cannot be read");
    put_together(out);
    return 0;
}

/* ---- the command ---- */

static void put_need(struct table *t, struct casedir *c, const struct contacts_need *need)
{
    char text[NET_TEXT_MAX], country[2];
    int64_t asked;
    struct span registry = contacts_registry(c->contacts, &need->address, country);
    if (need->country[0])
        memcpy(country, need->country, 2);
    if (need->asn)
        table_uint(t, need->asn);
    else
        table_empty(t);
    table_str(t, need->as_name);
    if (country[0])
        table_text(t, span_of(country, 2));
    else
        table_empty(t);
    table_text(t, span_of(text, net_format(&need->network, text)));
    table_uint(t, need->addresses);
    contacts_put_time(t, need->last);
    if (registry.n)
        table_text(t, registry);
    else
        table_empty(t);
    contacts_put_time(t, contacts_asked(c->contacts, &need->address, &asked) ? asked : 0);
    table_row_end(t);
}

int cmd_contacts_queue(const struct cli *cli)
{
    static const struct table_column columns[] = {
        {"asn", "AS", TABLE_ID},
        {"as_name", "name", TABLE_WORDS},
        {"country", "country", TABLE_WORDS},
        {"network", "network", TABLE_WORDS},
        {"addresses", "addresses", TABLE_COUNT},
        {"last_seen", "last seen", TABLE_WORDS},
        {"registry", "registry", TABLE_WORDS},
        {"asked", "asked", TABLE_WORDS},
        {0},
    };
    struct casedir c = {0};
    struct contacts_needs needs = {0};
    struct table *t = NULL;
    struct err err;
    uint64_t limit;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "contacts queue: takes no argument (%s)", cli->args[0]);
    int rc = cli_number(cli, "limit", UINT64_MAX, &limit);
    if (rc)
        return rc;
    rc = contacts_open_case(cli, &c, CONTACTS_NEEDS_VIEWS, &err);
    if (rc == 0)
        rc = contacts_needs(&c, false, &needs, &err);
    if (rc == 0) {
        t = table_open(cli_shape(cli), columns, stdout);
        for (size_t i = 0; i < needs.n && i < limit; i++)
            put_need(t, &c, &needs.v[i]);
    }
    free(needs.v);
    return contacts_end(&c, t, rc, &err);
}
