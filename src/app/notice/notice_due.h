/* Notice due: which parties have not had a template's notice yet, and which of their contacts is
 * next.
 */
#pragma once

#include "app/notice/notice.h"

struct notice_due {
    const struct notice_party *party;
    const struct notice_contact *contact;
    struct notice_order order;
};
struct notice_dues {
    struct notice_due *v;
    size_t n, cap;
    size_t had, unreachable, barred; /* parties: had it; no contact left; no authority */
};
/* By the options --party, --order, --again and --all-contacts. any_channel: who has no mail contact
 * left is due by another way. -EPERM: none of them has an order in force. free(out->v) in any case.
 */
int notice_find_due(struct notice_case *n, struct span name, bool any_channel,
                    struct notice_dues *out, struct err *err);
/* Whom it leaves out, on standard error. */
void notice_say_rest(const struct cli *cli, const struct notice_dues *d);
/* --template, which is wanted, and no argument. 0, or EXIT_USAGE. */
int notice_template_option(const struct cli *cli, struct span *name);
