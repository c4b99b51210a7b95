/* Brands: whose name a mail uses (rules/brands.rules, doc/gauge/brands.md): a product or company,
 * its marks in the writings in use, its owner and the domains that are legitimately its own.
 * Matched on folded words, so that v1agra, V I A G R A and Cyrillic letters are found, and in URLs.
 * A brand is found when one of its marks is there; links and sender only add signs to that. Judging
 * allocates nothing; a register may be used by several threads at once. */
#pragma once

#include "base/err.h"
#include "mail/words.h"

#define BRANDS_MAX       4096
#define BRANDS_FOUND_MAX 16
#define BRAND_MARKS_MAX  32768 /* of the register */
#define BRAND_NEAR_MAX   24    /* context words of one mark */
#define BRAND_NEAR_WORDS 10    /* how far from the mark they may stand, either side */

enum brand_sign {
    BRAND_PLAIN = 1 << 0,     /* the mark as it is written */
    BRAND_DISGUISED = 1 << 1, /* v1agra */
    BRAND_SUBJECT = 1 << 2,
    BRAND_SENDER = 1 << 3, /* in From */
    BRAND_URL = 1 << 4,    /* in a host name or path that is not the brand's own */
    BRAND_HIDDEN = 1 << 5,
    BRAND_OWN_LINKS = 1 << 6,  /* links to the brand's own domains (phishing does, too) */
    BRAND_OWN_SENDER = 1 << 7, /* From says one of the brand's own domains; nobody checked it */
    BRAND_LINKS_ELSEWHERE = 1 << 8, /* there are links (no pictures) that lead elsewhere */
};

struct brands;
struct brand_found {
    uint16_t brand;        /* number in the register */
    uint16_t mark;         /* which of its marks was found first: brand_mark() */
    uint32_t signs, count; /* count: how often its marks are there, longest reading */
};
struct brands_found {
    /* As they were met: subject, text, From, URLs, hidden text. */
    struct brand_found v[BRANDS_FOUND_MAX];
    unsigned n;
    bool more; /* there were others */
};

/* The words of the signs set ("plain subject"), appended. */
void brand_sign_words(uint32_t bits, struct buf *out);

/* An error names file and line. `words` is needed only while it reads, and must read mail as this
 * one does. */
int brands_open(const char *path, struct words_reader *words, struct brands **out, struct err *err);
void brands_close(struct brands *b);
unsigned brands_count(const struct brands *b);
struct span brand_name(const struct brands *b, unsigned brand);  /* short: "viagra" */
struct span brand_owner(const struct brands *b, unsigned brand); /* "Pfizer" */
struct span brand_kind(const struct brands *b, unsigned brand);  /* "pharma" */
/* A mark as the register writes it; 0 to brand_marks()-1. */
struct span brand_mark(const struct brands *b, unsigned brand, unsigned mark);
unsigned brand_marks(const struct brands *b, unsigned brand);
/* Is the host (small letters) one of the brand's own, or below one? */
bool brand_owns(const struct brands *b, unsigned brand, struct span host);
int brand_named(const struct brands *b, struct span name); /* any case; -1: there is none */
struct mail;
/* Reads words, From, URLs and hidden words of the mail. */
void brands_judge(const struct brands *b, const struct mail *mail, struct brands_found *out);
