/* Spam: the view of mails: campaigns, volumes, dialects. Files in the case's views/: `spam` (the
 * snapshot), `spam.facts` (a record a mail) and `spam.retired` (campaigns that were quiet too long to
 * stay in memory); the last two only grow, and the snapshot says how much of them counts. doc/gauge.md
 * has the definitions, doc/format.md the bytes. One thread.
 *
 * A mail counts when its event has a blob. It is read again from the blob when the view is rebuilt; one
 * whose blob is gone counts in the volume and is in no campaign. */
#pragma once

#include "base/digest.h"
#include "state/campaigns.h"
#include "state/dialects.h"
#include "state/volume.h"

struct spam;
struct spam_source {
    int (*blob)(void *ctx, const uint8_t sha256[SHA256_LEN], struct buf *out, struct err *err);
    /* Made when the first mail has to be read: rules cost time to compile. */
    int (*reader)(void *ctx, struct mail_reader **out, struct err *err);
    void *ctx;
};

int spam_open(const char *dir, const struct spam_source *source, struct spam **out, struct err *err);
void spam_close(struct spam *s);
uint64_t spam_position(const struct spam *s);
void spam_advance(struct spam *s, uint64_t position);
int spam_snapshot(struct spam *s, struct err *err);

/* Takes one event in; others than mails are passed over. `mail` is what mail_read gave for it, NULL:
 * the view reads it. */
void spam_event(struct spam *s, uint64_t index, const struct event *ev, const struct mail *mail);
void spam_act(struct spam *s, uint8_t kind, uint64_t index, int64_t time, struct span payload);

/* Merges that were found and are not on the log yet; the caller journals them. False: no more. */
bool spam_proposal(struct spam *s, struct campaigns_proposal *out);

const struct campaigns *spam_campaigns(const struct spam *s);
const struct dialects *spam_dialects(const struct spam *s);
const struct volume *spam_volume(const struct spam *s);

/* One mail. */
struct spam_fact {
    uint64_t index;
    int64_t time;
    uint64_t campaign;    /* that it was put in; campaigns_root() gives the one it counts for.
                           * SPAM_NO_CAMPAIGN: its bytes were gone */
    uint32_t bytes, asn, dialect; /* dialect: number in spam_dialects, 0 none */
    uint16_t family, sensor;      /* numbers of spam_name; 0 none */
    char country[2];
    uint8_t topic, why;
    uint16_t brand[4]; /* numbers in the register + 1, 0 none */
};
#define SPAM_NO_CAMPAIGN UINT64_MAX

/* Calls fact() for each, in log order; it returns 0 to go on. */
int spam_facts(struct spam *s, int (*fact)(void *ctx, const struct spam_fact *f), void *ctx,
               struct err *err);
/* A family's or brand's name by number; the view numbers names as they come. */
struct span spam_name(const struct spam *s, unsigned number);

/* Every campaign, live and retired, merged ones folded into their root, most mails first. The list is
 * the caller's (free). */
int spam_list(struct spam *s, struct campaign **out, size_t *n, struct err *err);
