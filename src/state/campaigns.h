/* Campaigns: mails that come from one template or sell one thing, found as they come in. A part of
 * the spam view (state/spam.h), which gives it mails in log order and saves what it holds.
 *
 * A mail is put where an equal mail is (the exact hash), else where the candidates of locality-
 * sensitive hashing lead, checked against each candidate's medoid: a member that stays, never the
 * last mail seen, so likeness does not chain. Where text alone does not decide (short, image-only,
 * poisoned mails), other evidence counts along: registered domains, path shapes, pictures, header
 * and Message-ID grammar, dialect. Nothing fits: it founds a campaign of its own.
 *
 * A campaign's id is the log index of the mail that founded it. Deterministic: the same mails in
 * the same order give the same campaigns, whatever the restarts between. Memory: CAMPAIGNS_LIVE_MAX
 * campaigns; beyond it those that were quiet longest are retired (single mails first), and
 * `retired` is told. One thread. */
#pragma once

#include "base/err.h"
#include "mail/mail.h"

#define CAMPAIGNS_LIVE_MAX     65536
#define CAMPAIGN_SUBJECT_MAX   96
#define CAMPAIGN_DOMAINS_MAX   8 /* kept of each: those seen most (Space-Saving) */
#define CAMPAIGN_BRANDS_MAX    8
#define CAMPAIGN_FAMILIES_MAX  4
#define CAMPAIGN_EXEMPLARS_MAX 8  /* log indexes: the first ones, the last of them is replaced */
#define CAMPAIGN_DOMAIN_MAX    40 /* bytes of a domain's name that are kept */

/* Why a mail is where it is; on the facts' records. */
enum campaign_why {
    CAMPAIGN_FOUNDED,
    CAMPAIGN_EXACT,
    CAMPAIGN_LIKE,
    CAMPAIGN_EVIDENCE,
    CAMPAIGN_ACT
};
const char *campaign_why_name(enum campaign_why why);

struct campaign_domain {
    char name[CAMPAIGN_DOMAIN_MAX];
    uint64_t hash;
    uint32_t mails;
};
struct campaign_brand {
    uint16_t brand; /* the caller's numbers */
    uint32_t mails;
};
struct campaign_family {
    char name[32]; /* as on the log */
    uint32_t mails;
};

/* What is known of one. Under 4 KB with all that the index holds of it. */
struct campaign {
    uint64_t id;
    uint64_t mails, bytes;
    int64_t first_seen, last_seen;      /* event times */
    char subject[CAMPAIGN_SUBJECT_MAX]; /* of the medoid: UTF-8, terminated, cut at a character */
    uint64_t medoid;                    /* its log index */
    uint64_t exemplar[CAMPAIGN_EXEMPLARS_MAX];
    uint8_t exemplars;
    uint32_t topic[TOPICS]; /* mails by topic */
    /* Those without mails are free, and stand behind the others; in no order. */
    struct campaign_domain domain[CAMPAIGN_DOMAINS_MAX];
    struct campaign_brand brand[CAMPAIGN_BRANDS_MAX];
    struct campaign_family family[CAMPAIGN_FAMILIES_MAX];
    uint64_t headers, message_id, dialect;       /* grammars of the medoid, hashes */
    uint32_t image_only, hidden_text, disguised; /* mails with that flag */
};

/* One mail to be placed. */
struct campaigns_mail {
    uint64_t index;
    int64_t time;
    uint64_t bytes;
    struct span family; /* empty: not known */
    const struct mail *mail;
};

/* Two campaigns whose medoids are alike: found when a mail fits both. It is for the caller to say
 * so on the log; campaigns_merge() does it then. into is the older one. */
struct campaigns_proposal {
    uint64_t into, from; /* ids; 0, 0: none */
    char why[120];       /* "medoids 0.81 alike, same domain example.com" */
};

struct campaigns;
struct campaigns_hooks {
    void *ctx;
    void (*retired)(void *ctx, const struct campaign *c);
};
struct campaigns *campaigns_new(const struct campaigns_hooks *hooks);
void campaigns_free(struct campaigns *c);
/* For tests: less room. Before the first mail only. */
void campaigns_set_live_max(struct campaigns *c, uint32_t max);

/* Places a mail; the id of the campaign that it was put in, merged away or not: campaigns_root()
 * says for which one it counts. So merges change no placing, and can be taken back. */
uint64_t campaigns_add(struct campaigns *c, const struct campaigns_mail *m, enum campaign_why *why,
                       struct campaigns_proposal *proposal);

/* "The campaign with mail `from` is the one with mail `into`": ids or any founded id. Both keep
 * their medoids, members and figures, which are added where `into` is shown. 0; 1 when that is so
 * already; -1 when one is not known (neither live nor merged before), both are the same, or it was
 * split before. */
int campaigns_merge(struct campaigns *c, uint64_t into, uint64_t from);
/* Takes a merge back, and never proposes it again. 0, -1 when there is none. */
int campaigns_split(struct campaigns *c, uint64_t into, uint64_t from);
/* The campaign that an id stands for after merges. Ids that are not known stand for themselves. */
uint64_t campaigns_root(const struct campaigns *c, uint64_t id);

/* Is it one side of a merge on the log, taken back or not? */
bool campaigns_merged(const struct campaigns *c, uint64_t id);

/* Live campaigns by number, 0 to campaigns_live()-1, in an order that the log determines.
 * Merged-away ones are among them (campaigns_root differs from id). What is pointed at is good
 * until the next mail. */
uint32_t campaigns_live(const struct campaigns *c);
const struct campaign *campaigns_at(const struct campaigns *c, uint32_t i);
/* NULL when it is not live. */
const struct campaign *campaigns_find(const struct campaigns *c, uint64_t id);
size_t campaigns_memory(const struct campaigns *c); /* bytes in all */

/* Everything, as bytes: the same for the same history. Load into a fresh one: 0, -EBADMSG, after
 * which it is good for nothing but campaigns_free(). */
void campaigns_save(const struct campaigns *c, struct buf *out);
int campaigns_load(struct campaigns *c, struct span bytes);

/* One campaign's figures as bytes, appended; and back: false when they are malformed. */
void campaign_encode(const struct campaign *c, struct buf *out);
bool campaign_decode(struct cur *c, struct campaign *out);

/* How a mail stands to a live campaign: numbers for `campaigns explain`, computed anew. */
struct campaign_evidence {
    bool exact;
    double likeness; /* of the sketches: mail to medoid, or to the kept members together where they
                      * were asked */
    bool domain, shape, file, headers, message_id, dialect; /* in common with it */
    char domain_name[CAMPAIGN_DOMAIN_MAX];
    double score, threshold; /* what the decision compares */
};
void campaigns_explain(const struct campaigns *c, const struct campaign *campaign,
                       const struct mail *mail, struct campaign_evidence *out);
