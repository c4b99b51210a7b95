/* Topics: what a mail sells, by rules that anybody can read (rules/topics.rules,
 * doc/gauge/topics.md). A rule is a word, phrase or sign with a weight for a topic; a topic is
 * given when the weights of the rules that match, each counted once, reach its threshold. Judging
 * allocates nothing; a set of rules may be used by several threads at once. */
#pragma once

#include "base/err.h"
#include "mail/words.h"

enum topic {
    TOPIC_NONE,
    TOPIC_PHARMACY,
    TOPIC_REPLICA,
    TOPIC_CASINO,
    TOPIC_DATING,
    TOPIC_STOCK,
    TOPIC_MALWARE,
    TOPIC_PHISHING,
    TOPIC_419,
    TOPIC_SOFTWARE,
    TOPIC_LOAN,
    TOPIC_OTHER,
    TOPICS
};

#define TOPIC_EVIDENCE_MAX 8
#define TOPIC_RULES_MAX    4096
#define TOPIC_WEIGHT_MAX   1000
#define TOPIC_THRESHOLD    100 /* of a topic whose threshold the file does not say */

struct topics;
struct topics_found {
    enum topic topic; /* the strongest; TOPIC_OTHER when none reaches its threshold; TOPIC_NONE:
                         nothing to judge */
    uint16_t score[TOPICS]; /* not below 0, whatever the rules with negative weights took off */
    uint32_t rule[TOPIC_EVIDENCE_MAX]; /* lines of the rules that spoke for it, heaviest first */
    unsigned rules;
};

/* Reads `path`; an error names file and line. `words` is needed only while it reads, and must read
 * mail as this one does. */
int topics_open(const char *path, struct words_reader *words, struct topics **out, struct err *err);
void topics_close(struct topics *t);
const char *topic_name(enum topic t);
enum topic topic_named(struct span name); /* TOPICS: there is none */
struct mail;
/* Reads words, subject, URLs, files, flags and mail->brands, which brands_judge fills in before. */
void topics_judge(const struct topics *t, const struct mail *mail, struct topics_found *out);
/* The rule's text as it is in the file, for explaining; empty when the line has none. */
struct span topics_rule(const struct topics *t, uint32_t line);
unsigned topics_rules(const struct topics *t);
