/* What the commands of the review and the reward share: the lead that is meant, who acts, checks of
 * what was typed before anything is written. */
#pragma once

#include "app/case_act.h"
#include "state/accounts.h"
#include "state/reviews.h"

#define REVIEW_WHY_MAX  4096 /* bytes of a reason */
#define REVIEW_NAME_MAX 200  /* of a name, method, reference, note */

/* An option's text: UTF-8, of at most so many bytes, without controls and marks that reorder or
 * hide text. 0, or EXIT_USAGE. */
int review_text(const struct cli *cli, const char *name, size_t max, struct span *out);
/* --why, which must be given. 0, or EXIT_USAGE. */
int review_why(const struct cli *cli, struct span *out);
/* One text that no option has, called `what` in errors. 0, or EXIT_USAGE. */
int review_text_check(const char *what, struct span text, size_t max);
/* An entry's index from an argument or option. 0, or EXIT_USAGE with what is wanted. */
int review_entry(const struct cli *cli, const char *text, const char *what, uint64_t *out);

/* A lead in an open case, and who acts. */
struct review_case {
    struct casedir c;
    struct review_lead lead;
    char assigned[PURSUIT_NAME_MAX];
    struct account actor; /* in force when it was opened */
};
/* Opens the case with the pursuit and finds the actor: somebody is named, is an account, and in
 * force. -EPERM. roles: has one of these (0: any). */
int review_open_as(const struct cli *cli, struct review_case *r, unsigned roles, struct err *err);
/* The same and the lead: there, with no conflict of interest of the actor's. review_close() also
 * after a failure. */
int review_open_lead(const struct cli *cli, struct review_case *r, uint64_t lead, unsigned roles,
                     struct err *err);
int review_find_lead(struct review_case *r, uint64_t lead, struct err *err);
void review_close(struct review_case *r);

/* A document that an option names, where it was given: its bytes, digest and name without folders.
 * Empty files are refused. */
struct review_document {
    struct buf bytes;
    uint8_t digest[SHA256_LEN];
    struct span name, sha256; /* empty: none was given */
};
int review_document(const struct cli *cli, struct casedir *c, const char *option,
                    struct review_document *out, struct err *err);

/* Journals one act, signed; the entry's index. */
int review_act(const struct cli *cli, uint8_t kind, const struct buf *payload, struct span blob,
               uint64_t *index, struct err *err);
/* What became of an act in the view, by now: "done", "pending" ..., "void" where it does not count
 * (another one came first). */
int review_state(const struct cli *cli, uint64_t entry, struct buf *state, struct err *err);
/* Prints what was done: a row with the lead, what, value, state and entry. 0, or EXIT_FAILED when
 * it does not count. */
int review_print(const struct cli *cli, uint64_t lead, const char *what, struct span value,
                 uint64_t index);
