/* Brands: whose name a mail uses (rules/brands.rules): a company, its marks, its legitimate domains.
 * Matched on folded words, so that v1agra, V I A G R A and Cyrillic letters are found, and in URLs. */
#pragma once

#include "base/err.h"
#include "mail/words.h"

#define BRANDS_MAX       4096
#define BRANDS_FOUND_MAX 8

enum brand_sign {
    BRAND_PLAIN = 1 << 0,     /* the mark as it is written */
    BRAND_DISGUISED = 1 << 1, /* v1agra */
    BRAND_SUBJECT = 1 << 2,
    BRAND_SENDER = 1 << 3,    /* in From */
    BRAND_URL = 1 << 4,       /* in a host name or path that is not the brand's own */
    BRAND_HIDDEN = 1 << 5,
    BRAND_OWN_LINKS = 1 << 6, /* links to the brand's own domains (phishing does, too) */
    BRAND_OWN_SENDER = 1 << 7, /* From says one of the brand's own domains; nobody checked it */
};

struct brands;
struct brand_found {
    uint16_t brand; /* number in the register */
    uint16_t mark;  /* which of its marks was found first */
    uint32_t signs, count;
};
struct brands_found {
    struct brand_found v[BRANDS_FOUND_MAX];
    unsigned n;
    bool more;
};

int brands_open(const char *path, struct words_reader *words, struct brands **out, struct err *err);
void brands_close(struct brands *b);
unsigned brands_count(const struct brands *b);
struct span brand_name(const struct brands *b, unsigned brand);    /* short: "viagra" */
struct span brand_owner(const struct brands *b, unsigned brand);   /* "Pfizer" */
int brand_named(const struct brands *b, struct span name);         /* any case; -1: there is none */
struct mail;
void brands_judge(const struct brands *b, const struct mail *mail, struct brands_found *out);
