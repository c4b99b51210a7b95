/* Mail that people want: newsletters, notices of machines, letters. */
#pragma once

#include "sim/mail_headers.h"

struct mail_ham;
struct mail_ham *mail_ham_new(const struct mail_grammars *g, uint64_t seed, uint64_t mails);
void mail_ham_free(struct mail_ham *h);
/* Fills in the n-th: sender, subject, text, and the label's address, names and campaign_name. `to`
 * of the label is set; me: its local part. Valid until the next. */
void mail_ham_write(struct mail_ham *h, uint64_t n, struct rng *r, struct span me,
                    struct mail_parts *p, struct mail_label *label);
