/* Dialects: the ways of speaking SMTP that were seen, how often, and with which families; and what a
 * mail's signs say about whose it is. A part of the spam view. One thread.
 *
 * Learning: a mail whose family is known from elsewhere (its address is a check-in address, a rule, an
 * asset: never from here) teaches its dialect, header grammar and Message-ID grammar that family. */
#pragma once

#include "base/buf.h"
#include "mail/grammar.h"

#define DIALECTS_MAX         4096 /* of each sign; the rarest give way */
#define DIALECT_FAMILIES_MAX 6
#define DIALECT_TEXT_MAX     GRAMMAR_TEXT_MAX

enum dialect_sign { DIALECT_SMTP, DIALECT_HEADERS, DIALECT_MESSAGE_ID, DIALECT_SIGNS };

struct dialect {
    uint64_t hash;
    uint32_t number; /* from 1, in the order seen; stays */
    enum dialect_sign sign;
    char text[DIALECT_TEXT_MAX]; /* terminated */
    char name[48];               /* given by an act; "" */
    char given[48];              /* the family that the act says; "" */
    uint64_t mails;
    int64_t first_seen, last_seen;
    struct { char name[32]; uint32_t mails; } family[DIALECT_FAMILIES_MAX]; /* known from elsewhere */
    uint64_t exemplar;           /* log index */
};

struct dialects;
struct dialects *dialects_new(void);
void dialects_free(struct dialects *d);

struct dialects_mail {
    uint64_t index;
    int64_t time;
    struct grammar sign[DIALECT_SIGNS];
    struct span family; /* known from elsewhere; empty */
};
/* Takes a mail in; the number of its SMTP dialect, 0 for none. */
uint32_t dialects_add(struct dialects *d, const struct dialects_mail *m);
/* The act: this sign (by hash) is called `name`, and is `family`'s (may be empty). 0, -1 not known. */
int dialects_name(struct dialects *d, uint64_t hash, struct span name, struct span family);

/* Whose: by naive Bayes over the signs, with what each sign says. Abstains (family empty) below
 * `threshold` (0-100), with fewer than DIALECT_SUPPORT_MIN lessons, or when two families are near. */
#define DIALECT_SUPPORT_MIN   5
#define DIALECT_THRESHOLD     80
struct dialect_verdict {
    char family[32]; /* "": abstains */
    unsigned confidence; /* 1-100 */
    struct { enum dialect_sign sign; char family[32]; unsigned confidence; uint32_t lessons; } evidence[DIALECT_SIGNS];
    unsigned n;
};
void dialects_judge(const struct dialects *d, const struct grammar sign[DIALECT_SIGNS], unsigned threshold,
                    struct dialect_verdict *out);

uint32_t dialects_count(const struct dialects *d);
const struct dialect *dialects_at(const struct dialects *d, uint32_t i);
const struct dialect *dialects_find(const struct dialects *d, uint64_t hash);

void dialects_save(const struct dialects *d, struct buf *out);
int dialects_load(struct dialects *d, struct span bytes); /* 0, -EBADMSG */
