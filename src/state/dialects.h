/* Dialects: the signs of the programs that sent mail (how they spoke SMTP, how they write headers
 * and Message-IDs), how often each was seen and with which families, and what a mail's signs say
 * about whose it is. A part of the spam view. One thread.
 *
 * Learning: a mail whose family is known from elsewhere (its address is a check-in address, a rule,
 * an asset; never from here) is a lesson: its signs are that family's once more. */
#pragma once

#include "mail/grammar.h"

#define DIALECTS_MAX         4096 /* of each sign; the one seen least gives way */
#define DIALECT_FAMILIES_MAX 6    /* kept of one sign: those with most lessons */
#define DIALECT_NAME_MAX     48
#define DIALECT_FAMILY_MAX   32

enum dialect_sign { DIALECT_SMTP, DIALECT_HEADERS, DIALECT_MESSAGE_ID, DIALECT_SIGNS };
const char *dialect_sign_name(enum dialect_sign sign);  /* "smtp" "headers" "message-id" */
enum dialect_sign dialect_sign_named(struct span name); /* DIALECT_SIGNS: there is none */

struct dialect_lessons {
    char family[DIALECT_FAMILY_MAX];
    uint32_t mails;
};

struct dialect {
    uint32_t number; /* from 1, in the order seen; it stays */
    enum dialect_sign sign;
    char text[GRAMMAR_TEXT_MAX + 1];
    char name[DIALECT_NAME_MAX];    /* given by an act; "" */
    char given[DIALECT_FAMILY_MAX]; /* the family that the act says; "" */
    uint64_t mails, exemplar;       /* the log index of the first */
    int64_t first_seen, last_seen;
    struct dialect_lessons lesson[DIALECT_FAMILIES_MAX]; /* most first; "" ends */
};

struct dialects;
struct dialects *dialects_new(void);
void dialects_free(struct dialects *d);

struct dialects_mail {
    uint64_t index;
    int64_t time;
    struct span sign[DIALECT_SIGNS]; /* a grammar's text; empty: not seen */
    struct span family;              /* known from elsewhere; empty */
};
/* Takes a mail in; the number of its SMTP dialect, 0 for none. */
uint32_t dialects_add(struct dialects *d, const struct dialects_mail *m);
/* The act: this sign is called `name` and is `family`'s; either may be empty. A sign that was not
 * seen yet is known from now on. */
void dialects_name(struct dialects *d, enum dialect_sign sign, struct span text, struct span name,
                   struct span family);

/* Whose a mail is. Each sign with enough lessons gives each family a share, (n + 1/2) of (lessons +
 * half of the families, an unknown one among them); the shares of the signs are multiplied (naive
 * Bayes with equal priors). Abstains below `threshold`. A sign says nothing with fewer than
 * DIALECT_LESSONS_MIN lessons, or when less than one in DIALECT_LESSONS_SHARE of its mails is one:
 * then it is a program that others use too. One sign alone, whatever it has taught, gives no more
 * than DIALECT_ALONE, below the threshold: honest programs write some Message-IDs just so. An act's
 * family is worth DIALECT_GIVEN lessons, and may stand alone. */
#define DIALECT_LESSONS_MIN   5
#define DIALECT_LESSONS_SHARE 50
#define DIALECT_GIVEN         40
#define DIALECT_ALONE         70
#define DIALECT_THRESHOLD     80
struct dialect_evidence {
    enum dialect_sign sign;
    uint32_t number;     /* of the sign */
    uint32_t lessons;    /* in all */
    unsigned confidence; /* 1-100: what this sign alone gives the verdict's family */
};
struct dialect_verdict {
    char family[DIALECT_FAMILY_MAX]; /* "": abstains */
    unsigned confidence;             /* 0-100, of the best family, also when abstaining */
    struct dialect_evidence evidence[DIALECT_SIGNS];
    unsigned n;
};
void dialects_judge(const struct dialects *d, const struct span sign[DIALECT_SIGNS],
                    unsigned threshold, struct dialect_verdict *out);

uint32_t dialects_count(const struct dialects *d);
/* In the order of their numbers. */
const struct dialect *dialects_at(const struct dialects *d, uint32_t i);
const struct dialect *dialects_find(const struct dialects *d, enum dialect_sign sign,
                                    struct span text);
const struct dialect *dialects_numbered(const struct dialects *d, uint32_t number);

void dialects_save(const struct dialects *d, struct buf *out);
/* Into a fresh one. 0, -EBADMSG. */
int dialects_load(struct dialects *d, struct span bytes);
