/* Where mails go: a mailbox file, single files, a Maildir, a tar of single files. */
#pragma once

#include "sim/mail_sim.h"

enum mail_store { MAIL_MBOX, MAIL_EML, MAIL_MAILDIR, MAIL_TAR, MAIL_STORES };

struct mail_writer;
/* A mailbox file and a tar are compressed by the name's end; folders are made. `crlf`: lines end as
 * on the wire; otherwise in LF. */
int mail_writer_open(enum mail_store kind, const char *path, bool crlf, struct mail_writer **out,
                     struct err *err);
int mail_writer_add(struct mail_writer *w, struct span mail, const struct mail_label *label,
                    struct err *err);
/* The name that the last mail got, within the folder or tar; in a mailbox file its number. */
const char *mail_writer_name(const struct mail_writer *w);
/* Frees in any case. */
int mail_writer_close(struct mail_writer *w, struct err *err);
void mail_writer_abandon(struct mail_writer *w);
