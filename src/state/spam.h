/* Spam: the view of mails: campaigns, dialects, and a fact a mail that volumes are counted from.
 * Files in the case's views/: `spam` (the snapshot), `spam.facts` and `spam.retired` (campaigns
 * that were quiet too long to stay in memory); the last two only grow, and the snapshot says how
 * much of them counts. doc/gauge.md has the definitions, doc/format.md the bytes. One thread.
 *
 * A mail is an SMTP event that has a blob or a size. It is read again from the blob when the view
 * is rebuilt; one whose bytes are gone, or were over a limit, has a fact and no campaign. A
 * redacted entry counts nowhere. */
#pragma once

#include "base/digest.h"
#include "event/event.h"
#include "state/campaigns.h"
#include "state/dialects.h"
#include "state/fact.h"

/* family_source of what is said of a mail: its address checked in; its signs. Neither is a
 * check-in. */
#define SPAM_FAMILY_ADDRESS "address"
#define SPAM_FAMILY_LEARNED "dialect"

struct spam;
struct spam_source {
    int (*blob)(void *ctx, const uint8_t sha256[SHA256_LEN], struct buf *out, struct err *err);
    /* The reader of mails; asked for when the first is to be read, because rules cost time to
     * compile. It stays the callee's, and must outlive the view. */
    int (*reader)(void *ctx, struct mail_reader **out, struct err *err);
    void *ctx;
};

/* Loads the snapshot, or starts empty (also when it is damaged: it can be rebuilt). */
int spam_open(const char *dir, const struct spam_source *source, struct spam **out,
              struct err *err);
void spam_close(struct spam *s);
/* Log entries taken in so far. */
uint64_t spam_position(const struct spam *s);
void spam_advance(struct spam *s, uint64_t position);
int spam_snapshot(struct spam *s, struct err *err);
/* Memory that a snapshot gives back. */
size_t spam_pending_bytes(const struct spam *s);

static inline bool spam_is_mail(const struct event *ev)
{
    return ev->kind == KIND_SMTP && (ev->smtp.blob.n == SHA256_LEN || ev->smtp.size);
}
/* Reads a mail's bytes into the arena, for spam_event and spam_judge. */
int spam_read(struct spam *s, struct span raw, const struct event *ev, struct arena *arena,
              struct mail *out, struct err *err);
/* Whose the mail is by its signs, as far as the log has taught up to here. */
void spam_judge(const struct spam *s, const struct mail *mail, struct dialect_verdict *out);
/* Takes one event in; others than mails are passed over. `mail` is what spam_read gave for it;
 * NULL: the view gets it from the blob. Negative only when mails cannot be read at all (no rules).
 */
int spam_event(struct spam *s, uint64_t index, const struct event *ev, const struct mail *mail,
               struct err *err);
void spam_act(struct spam *s, uint8_t kind, uint64_t index, struct span payload);

/* The next merge that was found and is not on the log yet; the caller journals it. False: no more.
 */
bool spam_proposal(struct spam *s, struct campaigns_proposal *out);

const struct campaigns *spam_campaigns(const struct spam *s);
const struct dialects *spam_dialects(const struct spam *s);
/* Facts in log order; campaigns in them as they were: campaigns_root() says where they count. */
int spam_facts(struct spam *s, int (*fact)(void *ctx, const struct fact *f), void *ctx,
               struct err *err);
/* The same from the first one on whose index is `index` or more. */
int spam_facts_from(struct spam *s, uint64_t index, int (*fact)(void *ctx, const struct fact *f),
                    void *ctx, struct err *err);
uint64_t spam_mails(const struct spam *s);
/* A family, sensor or brand by its number in facts; empty for 0. */
struct span spam_name(const struct spam *s, unsigned number);
/* The number of a name; 0 when no mail has it. */
unsigned spam_named(const struct spam *s, struct span name);

/* Campaigns of two mails and more, live and retired, merged ones folded into the one they count
 * for, most mails first, then by id; their domains, brands and families likewise. Retired single
 * mails are not among them (their facts are), live ones are. The list is the caller's (free). */
int spam_list(struct spam *s, struct campaign **out, size_t *n, struct err *err);
/* One by id (merged ones folded in): 1, 0 when there is none, negative. */
int spam_find(struct spam *s, uint64_t id, struct campaign *out, struct err *err);
