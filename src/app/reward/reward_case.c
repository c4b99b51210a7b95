#include "app/reward/reward_case.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int keep(void *ctx, const struct reward_offer *o)
{
    struct reward_case *r = ctx;
    r->offer = *o;
    snprintf(r->name, sizeof r->name, "%.*s", (int)o->name.n, (const char *)o->name.p);
    snprintf(r->currency, sizeof r->currency, "%.*s", (int)o->currency.n,
             (const char *)o->currency.p);
    r->offer.name = span_str(r->name);
    r->offer.currency = span_str(r->currency);
    r->offer.document = r->offer.note = r->offer.sha256 = r->offer.account = span_of(NULL, 0);
    return 0;
}

int reward_find(struct casedir *c, const char *name, struct reward_case *out, struct err *err)
{
    int rc = rewards_offer(c->pursuit, span_str(name ? name : ""), keep, out, err);
    if (rc == 0)
        rc = name ? err_set(err, -ENOENT, "no such offer: see `ebb reward ledger` (%s)", name)
                  : err_set(err, -ENOENT, "there is no offer: `ebb reward offer` makes one");
    if (rc == 1 && out->offer.withdrawn)
        rc = err_set(err, -EPERM, "offer %s was taken back", out->name);
    return rc < 0 ? rc : 0;
}

void reward_put(struct table *t, int64_t amount, struct span currency)
{
    char text[MONEY_TEXT_MAX];
    table_text(t, span_of(text, money_format(amount, currency, text)));
}

int reward_amount(const struct cli *cli, const struct reward_offer *offer, bool percent,
                  int64_t *out, struct err *err)
{
    const char *amount = cli_get(cli, "amount"), *part = percent ? cli_get(cli, "percent") : NULL;
    struct err why;
    *out = 0;
    if (amount && part)
        return err_set(err, -EINVAL, "--amount or --percent, not both");
    int rc = amount ? money_parse(span_str(amount), offer->currency, out, &why)
             : part ? money_percent(offer->amount, span_str(part), out, &why)
                    : 0;
    return rc < 0 ? err_set(err, rc, "--%s: %s", amount ? "amount" : "percent", why.text) : 0;
}

int reward_when(const struct cli *cli, int64_t now, int64_t *out)
{
    int code = case_time(cli, "when", now, out);
    if (code == 0 && *out > now)
        code = cli_fail(EXIT_USAGE, "--when: is in the future (%s)", cli_get(cli, "when"));
    return code;
}
