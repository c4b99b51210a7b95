/* Doctor: who may act, and whether the rules of two persons can be met. */
#include <stdio.h>
#include <string.h>

#include "app/care/doctor.h"
#include "state/accounts.h"

#define SECOND_PERSON (ROLE_REVIEWER | ROLE_CUSTODIAN | ROLE_COUNSEL) /* who may approve */

struct people {
    struct doctor *d;
    unsigned all, open, custodians, reviewers, approvers, sealed;
};

static int one(void *ctx, const struct account *a)
{
    struct people *p = ctx;
    p->all++;
    if (!account_is_open(a, p->d->now))
        return 0;
    p->open++;
    p->custodians += (a->roles & ROLE_CUSTODIAN) != 0;
    p->reviewers += (a->roles & ROLE_REVIEWER) != 0;
    p->approvers += (a->roles & SECOND_PERSON) != 0;
    p->sealed += a->has_box && (a->roles & (ROLE_REVIEWER | ROLE_CUSTODIAN));
    if (a->until != CASEBOOK_FOREVER &&
        doctor_ends(a->until, p->d->now, DOCTOR_ENDS_DAYS) != DOCTOR_OK)
        doctor_say(p->d, DOCTOR_WARN, a->name, "ebb account add with a later --until",
                   "this account ends within %d days", DOCTOR_ENDS_DAYS);
    return 0;
}

static void accounts(struct doctor *d)
{
    struct people p = {.d = d};
    if (!d->views) {
        doctor_say(d, DOCTOR_SKIPPED, "", "", "the casebook cannot be read");
        return;
    }
    casebook_accounts(d->c.casebook, one, &p, NULL);
    if (!p.all) {
        doctor_say(d, DOCTOR_WARN, "", "ebb account key, ebb account add: the first is a custodian",
                   "there are none: nobody can sign, and who writes the files may do everything");
        return;
    }
    if (!p.custodians)
        doctor_say(
            d, DOCTOR_WRONG, "custodian", "only a custodian could add one: see doc/keys.md",
            "no account in force is a custodian: accounts, keys and erasing are out of reach");
    else if (p.custodians == 1)
        doctor_say(d, DOCTOR_WARN, "custodian", "ebb account add --roles custodian",
                   "one custodian: with that key lost nobody can add accounts");
    if (p.approvers < 2)
        doctor_say(d, DOCTOR_WARN, "two persons", "a second reviewer, custodian or counsel",
                   "%u account can approve: what needs two persons cannot be done", p.approvers);
    if (p.reviewers && !p.sealed)
        doctor_say(d, DOCTOR_WARN, "leads", "ebb account add with a key that has a box",
                   "no account can open leads");
    if (!d->rows)
        doctor_say(d, DOCTOR_OK, "", "", "%u in force, %u custodians, %u who can approve", p.open,
                   p.custodians, p.approvers);
}

const struct doctor_check doctor_people_checks[] = {{"accounts", accounts}, {0}};
