#include "app/notice/notice_due.h"

#include <errno.h>
#include <stdio.h>

#include "base/mem.h"

static void add_due(struct notice_dues *d, const struct notice_party *p,
                    const struct notice_contact *k, const struct notice_order *o)
{
    d->v = mem_room(d->v, d->n, &d->cap, sizeof *d->v);
    d->v[d->n++] = (struct notice_due){p, k, *o};
}

/* Every mail contact of the party that did not get it. */
static void add_all(struct notice_case *n, struct notice_dues *d, const struct notice_party *p,
                    struct span name, const struct notice_order *o, bool again)
{
    size_t before = d->n;
    for (size_t i = 0; i < n->book.n_contacts; i++) {
        const struct notice_contact *k = &n->book.contacts[i];
        if (k->at.withdrawn || k->act.party != p->at.entry || !span_is(k->act.channel, "mail"))
            continue;
        if (again || !notice_contact_had(&n->book, k, name))
            add_due(d, p, k, o);
    }
    d->had += d->n == before;
}

static int look_at(struct notice_case *n, struct notice_dues *d, const struct notice_party *p,
                   struct span name, bool any_channel, struct err *err)
{
    struct notice_order o;
    struct err why;
    bool again = cli_has(n->cli, "again");
    int rc = notice_order_at(n, p->act.order, &o, err);
    if (rc < 0)
        return rc;
    if (notice_may(n, &o, n->now, &why) < 0) {
        d->barred++;
        return cli_has(n->cli, "party") || cli_has(n->cli, "order")
                   ? err_set(err, why.code, "%s", why.text)
                   : 0;
    }
    if (cli_has(n->cli, "all-contacts")) {
        add_all(n, d, p, name, &o, again);
        return 0;
    }
    if (!again && notice_has_had(&n->book, p, name)) {
        d->had++;
        return 0;
    }
    const struct notice_contact *k =
        notice_next_contact(&n->book, p, span_str("mail"), name, span_of(NULL, 0), false);
    if (!k && any_channel)
        k = notice_next_contact(&n->book, p, span_of(NULL, 0), name, span_of(NULL, 0), false);
    if (k)
        add_due(d, p, k, &o);
    else
        d->unreachable++;
    return 0;
}

int notice_find_due(struct notice_case *n, struct span name, bool any_channel,
                    struct notice_dues *d, struct err *err)
{
    const struct notice_party *only = NULL;
    struct notice_order order = {0};
    const char *id = cli_get(n->cli, "order"), *party = cli_get(n->cli, "party");
    int rc = id ? notice_order_named(n, id, &order, err) : 0;
    if (rc == 0 && party)
        rc = notice_party_named(n, party, &only, err);
    for (size_t i = 0; rc == 0 && i < n->book.n_parties; i++) {
        const struct notice_party *p = &n->book.parties[i];
        if (!p->at.withdrawn && (!only || p == only) && (!id || p->act.order == order.entry))
            rc = look_at(n, d, p, name, any_channel, err);
    }
    if (rc == 0 && !n->book.n_parties)
        rc = err_set(err, -ENOENT, "no party is on record: see `ebb notice party add`");
    if (rc == 0 && d->barred && !d->n)
        rc = err_set(err, -EPERM,
                     "no party has an order that is in force (planned, closed or expired): see "
                     "`ebb case order list`");
    return rc;
}

void notice_say_rest(const struct cli *cli, const struct notice_dues *d)
{
    if (cli->quiet)
        return;
    if (d->had)
        fprintf(stderr, "ebb: %zu parties had it already (--again)\n", d->had);
    if (d->unreachable)
        fprintf(stderr, "ebb: %zu parties have no contact by mail that is left to try\n",
                d->unreachable);
    if (d->barred)
        fprintf(stderr, "ebb: %zu parties are under an order that is not in force\n", d->barred);
}

int notice_template_option(const struct cli *cli, struct span *name)
{
    *name = case_text(cli, "template");
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "%s: takes no argument (%s)", cli->command, cli->args[0]);
    return name->n ? 0 : cli_fail(EXIT_USAGE, "%s: wants --template", cli->command);
}
