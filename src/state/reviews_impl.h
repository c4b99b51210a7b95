/* What the reviews' files share. */
#pragma once

#include "state/reviews.h"

#define REVIEW_WORD_MAX  40  /* bytes of a word that is searched for */
#define REVIEW_WORDS_MAX 256 /* of one act */

/* The next word of `*text`, ASCII letters folded, cut at REVIEW_WORD_MAX; false at the end.
 * Letters, digits and what is beyond ASCII make words. */
bool review_word(struct span *text, uint8_t out[REVIEW_WORD_MAX], size_t *n);
/* The words of an act's text, to be found by. */
int review_words_put(const struct sql *db, uint64_t lead, uint64_t entry, struct span text,
                     struct err *err);

/* An APPROVAL: -EPERM, -EALREADY: one that does not count; nothing else has it then, either. */
int review_take_approval(const struct sql *db, const struct pursuit_act *act, struct err *err);
/* A decision takes effect: -EINVAL: it may not follow what is in force. */
int review_apply_status(const struct sql *db, uint64_t lead, struct span status, uint64_t of,
                        struct err *err);
int review_apply_four_eyes(const struct sql *db, uint64_t lead, bool on, struct err *err);
bool review_has_conflict(const struct sql *db, uint64_t lead, struct span account);
/* False when the account is known and has none of these roles. */
bool review_has_role(const struct sql *db, struct span account, unsigned roles);
