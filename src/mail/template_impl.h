/* Template's own parts: tokens, alignment, fields, clauses, patterns. */
#pragma once

#include "base/buf.h"
#include "base/mem.h"
#include "mail/template.h"

/* --- tokens: runs of letters (and bytes over 127), runs of digits, punctuation --- */

#define TEMPLATE_TOKENS_MAX 4096 /* of one text */
#define TEMPLATE_NONE       UINT32_MAX

enum gap { GAP_NONE, GAP_SPACE, GAP_LINE, GAP_PARAGRAPH };

struct token {
    uint32_t id; /* equal bytes, equal id */
    uint32_t at, n;
    uint8_t gap; /* white space before it */
};
struct tokens {
    struct span text;
    struct token *v;
    uint32_t n;
};

struct vocabulary;
struct vocabulary *vocabulary_open(void);
void vocabulary_close(struct vocabulary *v);
uint32_t vocabulary_count(const struct vocabulary *v);
/* How rare a token is in mail, in bits: 0 for what all mails have. */
float vocabulary_bits(const struct vocabulary *v, uint32_t id);
/* READ_WHOLE: letters and digits together are one token, for ids that hold the time: its first
 * digits are the same for weeks, and no anchor. READ_RAW: the same, and a line of base64 is one
 * token; but a block's first lines are none: pictures of one kind start alike. */
enum reading { READ_TEXT, READ_WHOLE, READ_RAW };
static inline enum reading reading_of(enum template_place place, const char *header)
{
    return place == TEMPLATE_RAW                                           ? READ_RAW
           : place == TEMPLATE_HEADER && strcmp(header, "Message-ID") == 0 ? READ_WHOLE
                                                                           : READ_TEXT;
}
/* In the arena; the text must last as long as the vocabulary. */
void vocabulary_read(struct vocabulary *v, struct span text, enum reading reading,
                     struct arena *arena, struct tokens *out);

static inline bool template_is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}
/* What white space is, by its line ends. */
enum gap template_gap(struct span space);

/* --- alignment --- */

struct aligner;
struct aligner *aligner_open(const struct vocabulary *v);
void aligner_close(struct aligner *a);
/* map[i]: token of `s` that stands for token i of `p`, rising; or TEMPLATE_NONE. */
void aligner_align(struct aligner *a, const struct tokens *p, const struct tokens *s,
                   uint32_t *map);

/* --- fields --- */

/* Of values without white space around them; n at least 1. Dictionary in the arena. */
void field_of(const struct span *value, unsigned n, bool host, struct arena *arena,
              struct template_item *out);
/* What stands for one byte of the class in a pattern. */
const char *field_class_pattern(const char *class);

/* --- clauses --- */

#define RULE_CLAUSES_MAX 8

struct clause {
    enum template_place place;
    const char *header;
    struct template_item *item;
    unsigned items;
    bool whole;  /* is all of the subject */
    double bits; /* a header's count half: programs share them */
};
struct plan {
    struct arena arena;
    struct clause clause[RULE_CLAUSES_MAX];
    unsigned n, need; /* a mail must hold `need` of them */
    double bits;      /* of the weakest `need` */
};
/* Of the places that the format's engine sees. plan_free() also after a failure. */
int plan_make(const struct template *t, enum rule_format format, struct plan *out, struct err *err);
void plan_free(struct plan *p);

/* --- patterns --- */

struct pattern_style {
    const char *space; /* for white space */
    bool utf8; /* for bytes or characters: what is beyond ASCII as it is, not as \xHH; and any
                * such letter where there are few */
};
extern const struct pattern_style pattern_bytes, pattern_rspamd;
/* Perl's syntax, fit between slashes. */
void pattern_write(const struct clause *c, const struct pattern_style *style, struct buf *out);
/* The same for a text of subject, empty line, body, empty line, a URL a line. */
void pattern_write_text(const struct clause *c, struct buf *out);

/* The text that regex and hyperscan rules are for. Appended. */
void rule_text(const struct template_text *t, struct buf *out);
/* The rule of a plan. */
int rule_write_plan(const struct plan *p, enum rule_format format, const char *name,
                    const struct rule_measure *measure, struct buf *out, struct err *err);
