/* Leads: what informants gave, and what was written to and fro. Tables of the pursuit (pursuit.h):
 *
 * leads(entry INTEGER PRIMARY KEY, time INTEGER, locator BLOB, work INTEGER, size INTEGER,
 *       files INTEGER, content BLOB, wraps BLOB, public BLOB, verify BLOB, salt BLOB,
 *       commitment BLOB, withdrawn INTEGER)        withdrawn: entry of the withdrawal, 0 none
 * lead_messages(entry INTEGER PRIMARY KEY, lead INTEGER, time INTEGER, account TEXT, what TEXT,
 *       offer INTEGER, size INTEGER, files INTEGER, content BLOB, wraps BLOB)
 *       account: "" the informant; content, wraps: empty where nothing was said
 * sealed(entry INTEGER PRIMARY KEY, lead INTEGER, kind INTEGER, content BLOB, wraps BLOB)
 *       all that is sealed about a lead: itself, messages, notes of reviewers
 * wraps(entry INTEGER PRIMARY KEY, time INTEGER, account TEXT, receiver TEXT, rows INTEGER,
 *       blob BLOB, handover INTEGER)               keys wrapped once more (KEYS_WRAPPED)
 * lead_deletions(entry INTEGER PRIMARY KEY, lead INTEGER, time INTEGER, account TEXT, why TEXT)
 *
 * Times of what informants send are days. A message of the informant's is taken in only when its
 * proof holds under the lead's key: who has the case's disk cannot claim, or withdraw, in their
 * name.
 */
#pragma once

#include "base/digest.h"
#include "state/pursuit.h"

#define LEAD_LOCATOR_LEN  6
#define LEAD_SALT_LEN     16
#define LEAD_PUBLIC_LEN   32
#define LEAD_PROOF_LEN    64
#define LEAD_MESSAGES_MAX 1000 /* of one lead, both ways */

struct lead {
    uint64_t entry, work, size, files;
    uint64_t withdrawn; /* the withdrawal's entry; 0: it is not */
    int64_t time;       /* the day */
    uint8_t locator[LEAD_LOCATOR_LEN], salt[LEAD_SALT_LEN];
    uint8_t public_key[LEAD_PUBLIC_LEN], verify[LEAD_PUBLIC_LEN];
    uint8_t content[SHA256_LEN], wraps[SHA256_LEN], commitment[SHA256_LEN];
};
/* 1 found, 0 no such lead (or deleted), negative. */
int leads_get(struct pursuit *p, uint64_t entry, struct lead *out, struct err *err);
/* By the receipt's first words; the oldest when two have the same. */
int leads_find(struct pursuit *p, const uint8_t locator[LEAD_LOCATOR_LEN], struct lead *out,
               struct err *err);
uint64_t leads_count(struct pursuit *p);

/* Both ways, in the log's order. Spans are valid within the callback, which returns 0 to go on. */
struct lead_message {
    uint64_t entry, lead, offer, size, files;
    int64_t time;
    struct span account, what;
    struct span content, wraps; /* digests, or empty */
};
int leads_messages(struct pursuit *p, uint64_t lead,
                   int (*each)(void *ctx, const struct lead_message *m), void *ctx,
                   struct err *err);
uint64_t leads_messages_count(struct pursuit *p, uint64_t lead);

/* All that is sealed about a lead (0: about every lead), in the log's order. */
struct lead_sealed_entry {
    uint64_t entry, lead;
    uint8_t kind; /* KIND_LEAD, KIND_LEAD_MESSAGE, KIND_LEAD_REVIEW */
    uint8_t content[SHA256_LEN], wraps[SHA256_LEN];
};
int leads_sealed(struct pursuit *p, uint64_t lead,
                 int (*each)(void *ctx, const struct lead_sealed_entry *s), void *ctx,
                 struct err *err);
/* One of them: 1 found, 0 not. */
int leads_sealed_get(struct pursuit *p, uint64_t entry, struct lead_sealed_entry *out,
                     struct err *err);
/* The blobs of keys that were wrapped for that account, the newest first. */
int leads_wraps(struct pursuit *p, struct span receiver,
                int (*each)(void *ctx, const uint8_t blob[SHA256_LEN]), void *ctx, struct err *err);

/* Requests to delete; approvals are pursuit_approvals()'s. */
struct lead_deletion {
    uint64_t entry, lead;
    int64_t time;
    struct span account, why;
};
int leads_deletions(struct pursuit *p, int (*each)(void *ctx, const struct lead_deletion *d),
                    void *ctx, struct err *err);

/* What an informant's message is signed over: the text below and the payload without its proof.
 * The key is this lead's own, so that it says which lead and which case it is of. */
#define LEAD_MESSAGE_SIGNED_AS "ebb lead message v1\n"
void leads_message_signed(const struct act_lead_message *m, struct buf *out);
/* Whether the words of `what` are the informant's (message addition claim withdrawal), or ours
 * (answer payment). */
bool leads_what_is_theirs(struct span what);
bool leads_what_is_ours(struct span what);
