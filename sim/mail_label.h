/* What is written down of the truth: a line a mail, and one document of volumes. */
#pragma once

#include "sim/mail_sim.h"
#include "sim/sink.h"

/* Tab-separated with a line of names, or JSON Lines. `name`: the mail's in its store. */
void mail_label_names(struct buf *out);
void mail_label_row(const struct mail_sim *s, const struct mail_label *label, struct span mail,
                    const char *name, bool json, struct buf *out);

struct mail_truth;
struct mail_truth *mail_truth_new(const struct mail_sim *s);
void mail_truth_free(struct mail_truth *t);
void mail_truth_add(struct mail_truth *t, const struct mail_label *label, size_t bytes);
void mail_truth_write(const struct mail_truth *t, struct buf *out);
