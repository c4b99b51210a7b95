/* Topics: what a mail sells, by rules that anybody can read (rules/topics.rules). A rule is a word or
 * phrase with a weight for a topic; a topic is given when its weights reach its threshold. */
#pragma once

#include "base/err.h"
#include "mail/words.h"

enum topic { TOPIC_NONE, TOPIC_PHARMACY, TOPIC_REPLICA, TOPIC_CASINO, TOPIC_DATING, TOPIC_STOCK,
             TOPIC_MALWARE, TOPIC_PHISHING, TOPIC_419, TOPIC_SOFTWARE, TOPIC_LOAN, TOPIC_OTHER, TOPICS };

#define TOPIC_EVIDENCE_MAX 8

struct topics;
struct topics_found {
    enum topic topic;  /* the strongest; TOPIC_OTHER when none reaches its threshold; TOPIC_NONE: nothing to judge */
    uint16_t score[TOPICS];
    uint32_t rule[TOPIC_EVIDENCE_MAX]; /* lines of the rules that spoke for it, heaviest first */
    unsigned rules;
};

/* Reads `path`; an error names the line. */
int topics_open(const char *path, struct words_reader *words, struct topics **out, struct err *err);
void topics_close(struct topics *t);
const char *topic_name(enum topic t);
enum topic topic_named(struct span name); /* TOPICS: there is none */
struct mail;
/* Reads words, subject, URLs, files and flags of the mail; fills in mail->topics' shape. */
void topics_judge(const struct topics *t, const struct mail *mail, struct topics_found *out);
/* The rule's text, for explaining. */
struct span topics_rule(const struct topics *t, uint32_t line);
