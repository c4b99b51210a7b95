/* A campaign: what one template sells, and how its mails differ. Private to mail_campaign.c,
 * mail_body.c and mail_sim.c. */
#pragma once

#include "sim/mail_sim.h"

#define MAIL_BLOCKS_MAX   48
#define MAIL_SUBJECTS_MAX 6
#define MAIL_BURSTS_MAX   12
#define MAIL_STYLE_MAX    160

enum mail_form { MAIL_TEXT, MAIL_HTML, MAIL_ALTERNATIVE, MAIL_IMAGE, MAIL_ATTACHMENT, MAIL_FORMS };
enum mail_disguise {
    MAIL_PLAIN,
    MAIL_LEET,
    MAIL_SPACED,
    MAIL_DOTTED,
    MAIL_ZERO_WIDTH,
    MAIL_HOMOGLYPH,
    MAIL_TAGS,
    MAIL_DOUBLED,
    MAIL_DISGUISES
};
enum mail_charset { MAIL_ASCII, MAIL_LATIN1, MAIL_CP1252, MAIL_UTF8, MAIL_CHARSETS };
enum mail_salad { MAIL_NO_SALAD, MAIL_WORDS, MAIL_SENTENCES, MAIL_STRINGS, MAIL_SALADS };
enum mail_hide { MAIL_SEEN, MAIL_WHITE, MAIL_TINY, MAIL_NO_DISPLAY, MAIL_HIDES };
enum mail_subject {
    MAIL_SUBJECT_PLAIN,
    MAIL_SUBJECT_ME,
    MAIL_SUBJECT_WORDS,
    MAIL_SUBJECT_ME_WORDS,
    MAIL_SUBJECT_RE,
    MAIL_SUBJECT_RANDOM,
    MAIL_SUBJECTS
};
/* Their words. */
extern const char *const mail_form_name[],
    *const mail_disguise_name[], *const mail_charset_name[], *const mail_salad_name[],
                                                                 *const mail_subject_name[];

struct mail_block {
    uint32_t from, to; /* items */
    bool salad;        /* in place of items: words of each mail's own */
    bool shared;       /* a fragment that other campaigns have, too */
};

/* Providers' names for senders. */
#define MAIL_ISPS 20
extern const char *const mail_domains_isp[MAIL_ISPS];

struct mail_burst {
    uint32_t begin, length; /* seconds from the start */
    uint64_t mails;
};

struct mail_campaign {
    uint32_t number;
    enum mail_topic topic;
    uint64_t mails, sent;
    uint32_t family[2], families;
    /* when */
    struct mail_burst burst[MAIL_BURSTS_MAX];
    uint32_t bursts, at_burst;
    uint64_t in_burst; /* sent of it */
    uint32_t next;     /* seconds from the start */
    /* text */
    struct mail_program text;
    struct mail_block block[MAIL_BLOCKS_MAX];
    uint32_t blocks;
    uint32_t subject_at[MAIL_SUBJECTS_MAX + 1], subjects;
    uint32_t click_at, click_end;
    uint16_t brands;
    double spin;
    /* looks */
    uint8_t form, disguise, charset, salad, hide, subject_kind, url_kind;
    uint8_t salad_least, salad_most;
    bool salad_first, entities;
    uint8_t width;
    double disguised;                                           /* share of the marked words */
    char page[2][MAIL_STYLE_MAX], paragraph[2][MAIL_STYLE_MAX]; /* HTML around */
    /* links */
    uint32_t domains, window;
    uint8_t host_kind;
    char path[64], domain_shape[48];
    /* files */
    bool image_same;
    uint16_t width_px, height_px;
    struct buf file; /* encoded, when it is the same in each mail */
    char file_name[48];
};

void mail_campaign_make(const struct mail_grammars *g, uint64_t seed, uint32_t number,
                        struct mail_campaign *c);
void mail_campaign_free(struct mail_campaign *c);
/* When: bursts over some of the days. */
void mail_campaign_plan(uint64_t seed, struct mail_campaign *c, uint32_t days);
/* Makes c->next the time of the next mail. */
void mail_campaign_step(uint64_t seed, struct mail_campaign *c);

/* Words that mails draw from, as spans: quicker than rules. */
struct mail_words {
    const struct mail_rule *noun, *adj, *verbed, *first, *last;
};
/* What is filled in for one mail. */
struct mail_filling {
    const struct mail_words *words;
    struct rng *r;
    struct span me, url, host, mailbox;
    uint16_t brands; /* out: those written */
    bool has_url;    /* out: the link is in it */
    bool html;
};
/* Host and link of a mail; appended to each, the host with a NUL that is not counted. */
void mail_put_link(uint64_t seed, const struct mail_campaign *c, struct rng *r, struct buf *url,
                   struct buf *host);
/* Items of a program, filled in, disguised as the campaign does. */
void mail_put_items(const struct mail_campaign *c, const struct mail_program *p, uint32_t from,
                    uint32_t to, struct mail_filling *f, struct buf *out);
void mail_put_salad(const struct mail_campaign *c, struct mail_filling *f, unsigned words,
                    struct buf *out);
/* The body in one of its two forms, lines not longer than they may be. `scratch` is used. */
void mail_put_text(const struct mail_campaign *c, struct mail_filling *f, bool html,
                   struct buf *scratch, struct buf *out);
/* Subject without header name. */
void mail_put_subject(const struct mail_campaign *c, struct mail_filling *f, struct buf *out);
