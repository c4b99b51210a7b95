/* Template: what a spammer's program fills in, found from mails of one campaign (Pitsillidis et
 * al., "Botnet Judo", 2010): anchors, which all mails share in the same order, and between them
 * fields with their character class and lengths, or a dictionary of the few values seen.
 *
 * A rule made of it is a count of clauses: short pieces of the template, each in one place and one
 * line, of which a mail must hold so many. doc/gauge/templates.md says what text each engine sees,
 * how fields are widened, how anchors are weighed and how clauses are chosen. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "mail/mail.h"

#define TEMPLATE_SAMPLES_MAX 64
#define TEMPLATE_SAMPLES_MIN 3
#define TEMPLATE_DICT_MAX    32
#define TEMPLATE_ITEMS_MAX   256         /* of a line; what follows is passed over */
#define TEMPLATE_URLS_MAX    8           /* lines of TEMPLATE_URL */
#define TEMPLATE_TEXT_MAX    (64u << 10) /* bytes of each of a sample's texts that are read */

enum template_place {
    TEMPLATE_SUBJECT,
    TEMPLATE_BODY,
    TEMPLATE_URL,
    TEMPLATE_HEADER,
    TEMPLATE_RAW, /* literals of the mail as sent, for YARA: its fields are not described */
    TEMPLATE_PLACES
};

struct template_item {
    bool anchor;
    struct span text;  /* an anchor's: white space is one space, or one LF where lines end */
    const char *class; /* a field's: "digits" "hex" "lower" "upper" "letters" "alnum" "word" "host"
                        * "token" (no white space) "line" "any", "space" (perhaps a space) */
    uint32_t least, most; /* bytes of a field, widened */
    struct span *dict;    /* its values, when they are few and come again; else none */
    unsigned dicts;
    bool closed; /* rules may rely on the dictionary; else they take the class */
};
struct template_line {
    enum template_place place;
    const char *header; /* of TEMPLATE_HEADER: "Message-ID", "From" */
    struct template_item *item;
    unsigned items;
};
struct template
{
    struct template_line *line;
    unsigned lines;
    unsigned samples; /* that it was made from: strays among those given are left out */
    uint64_t used;    /* a bit for each sample given: it is one of them */
    double bits;      /* what a rule asks for at least: its chance in other mail is about 2^-bits */
};

/* A mail's texts that templates are made of and matched on: exactly those that the export formats'
 * engines look at (doc/gauge/templates.md). */
struct template_text {
    struct span subject; /* decoded, white space as one space */
    struct span from;    /* the same: the sender's name, without the address */
    struct span body; /* visible text: white space as one space, LF or two LF (a paragraph's end) */
    struct span raw;  /* the mail as sent */
    struct span *url; /* scheme://host[:port]path?query */
    unsigned urls;
    struct span message_id; /* empty when a server on the way made it */
};
/* Spans of *out are in `raw`, the mail's own or the arena. */
void template_text_of(const struct mail *mail, struct span raw, struct arena *arena,
                      struct template_text *out);

/* Everything in *out is in the arena. -ENODATA when there are too few samples, or they share too
 * little to tell them from other mail. */
int template_infer(const struct template_text *sample, size_t n, struct arena *arena,
                   struct template *out, struct err *err);
/* For reading: a line an item, fields as <digits 4-6> or <"a"|"b"|"c">. Appended. */
void template_print(const struct template *t, struct buf *out);

enum rule_format {
    RULE_REGEX,
    RULE_YARA,
    RULE_RSPAMD,
    RULE_SPAMASSASSIN,
    RULE_HYPERSCAN,
    RULE_FORMATS
};
enum rule_format rule_format_named(const char *name); /* RULE_FORMATS: there is none */
const char *rule_format_name(enum rule_format f);

/* What was measured of a rule, for its comment. */
struct rule_measure {
    uint64_t held_back,
        hits;               /* mails of the campaign that the template was not made from; matched */
    uint64_t ham, ham_hits; /* files of the ham folder; ham is 0 when none was given */
};
/* The rule in that format, with `name` (letters, digits, _; starts with a letter; at most
 * RULE_NAME_MAX) and a comment with the measure (NULL: none). Files of several rules are these, one
 * behind the other. Appended; nothing when it fails: -EINVAL for the name, -ENODATA when what that
 * format's engine sees is too little (YARA and mails in base64). */
#define RULE_NAME_MAX 96
int rule_write(const struct template *t, enum rule_format format, const char *name,
               const struct rule_measure *measure, struct buf *out, struct err *err);

/* The template must last as long as the rule. The rule, compiled as the format's engine would see
 * it (PCRE2, libyara, vectorscan): for measuring. Used by one thread. */
struct rule;
int rule_compile(const struct template *t, enum rule_format format, struct rule **out,
                 struct err *err);
/* 1 it matches, 0 it does not, negative: an engine's failure. */
int rule_match(struct rule *r, const struct template_text *text);
void rule_free(struct rule *r);
