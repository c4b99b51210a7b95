/* Grammars of mail texts (sim/grammars): rules with alternatives, from which a seeded choice makes
 * the text of a campaign. A text is kept as items, so that what differs from mail to mail (the
 * recipient, links, numbers, words that are disguised, choices that stay open) is filled in when a
 * mail is written. */
#pragma once

#include "base/buf.h"
#include "sim/rng.h"

#define MAIL_BRANDS_MAX 16 /* of one topic */

/* Topics, then what is no spam. */
enum mail_topic {
    MAIL_PHARMACY,
    MAIL_REPLICA,
    MAIL_CASINO,
    MAIL_DATING,
    MAIL_STOCK,
    MAIL_MALWARE,
    MAIL_PHISHING,
    MAIL_419,
    MAIL_SOFTWARE,
    MAIL_LOAN,
    MAIL_HAM,
    MAIL_TOPICS
};
const char *mail_topic_name(enum mail_topic t);

struct mail_rule {
    struct span name;
    struct span *alternative;
    unsigned n;
};

/* All grammars, read once. */
struct mail_grammars;
struct mail_grammars *mail_grammars_new(void);
void mail_grammars_free(struct mail_grammars *g);
/* The rule of that topic, else of the common words; NULL: there is none. */
const struct mail_rule *mail_rule(const struct mail_grammars *g, enum mail_topic t,
                                  const char *name);
/* The first rule that is named somewhere and is nowhere, for tests; empty: none. */
struct span mail_grammars_missing(const struct mail_grammars *g);

enum mail_item_kind {
    MAIL_LITERAL, /* n bytes at `at` of the text */
    MAIL_CHOICE,  /* n options follow, each a MAIL_OPTION and its items; at: items to pass over */
    MAIL_OPTION,  /* at: its items */
    MAIL_MARKED,  /* as MAIL_LITERAL: a word that filters look for */
    MAIL_BRAND,   /* the same, brand `of` of the topic */
    MAIL_ME,      /* the recipient's local part */
    MAIL_URL,
    MAIL_MAILBOX,
    MAIL_DIGITS, /* n of them, other ones in each mail */
    MAIL_NOUN,   /* another word in each mail */
};

struct mail_item {
    uint8_t kind, of;
    uint16_t n;
    uint32_t at;
};

/* A text or several in one buffer. */
struct mail_program {
    struct buf text;
    struct mail_item *item;
    size_t n, cap;
};
void mail_program_free(struct mail_program *p);

/* How to make a text of a grammar. */
struct mail_maker {
    const struct mail_grammars *g;
    enum mail_topic topic;
    uint64_t whose; /* <@rule> gives the same for the same one */
    struct rng rng;
    double spin;     /* probability that a choice stays open */
    uint16_t brands; /* those to choose from, a bit each; 0: all of the topic */
    bool has_url;    /* a MAIL_URL was made */
};
/* Appends the expansion of a rule to the program, with a capital letter in front; where its items
 * begin. Nothing when there is no such rule. */
size_t mail_make(struct mail_maker *m, const char *rule, struct mail_program *out);
/* The same of one of its alternatives. */
size_t mail_make_nth(struct mail_maker *m, const char *rule, unsigned alternative,
                     struct mail_program *out);
/* A literal behind it: a space, a line's end. */
void mail_make_text(struct mail_program *out, const char *text);
