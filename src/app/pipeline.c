#include "app/pipeline.h"

#include <errno.h>
#include <stdlib.h>

#include "app/datadir.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/utc.h"
#include "event/act.h"
#include "state/checkins.h"
#include "event/act_pursuit.h"

#define CLOCK_EVERY       256           /* events between looks at the clock */
#define PUBLISH_EVERY_MS  1000          /* a checkpoint costs a flush of the tiles */
#define SNAPSHOT_EVERY_MS 60000         /* how much a restart has to read again, at most */
#define PENDING_MAX       (32ull << 20) /* bytes of payload between commits */
#define VIEW_PENDING_MAX  (64u << 20)   /* bytes that a view keeps until it is saved */
#define MAIL_KEEP         (1u << 20)    /* a larger mail is read from its blob again */

struct pipeline {
    struct casedir *c;
    struct enrich *enrich;
    struct enrich_result found; /* of the event in hand, whose spans point here */
    struct classify *classify;
    struct blob_store *blobs;
    bool blobs_pending;
    uint64_t ruleset, enrichment; /* log indexes that headers refer to */
    /* of the mail whose event is to come next */
    struct buf raw;
    uint8_t raw_digest[SHA256_LEN];
    struct arena arena;
    struct checkins *checkins; /* NULL until the first mail */
    struct dialect_verdict verdict;
    struct buf payload;
    uint64_t events, pending;
    int64_t committed_at, published_at, saved_at; /* monotonic, ms */
};

/* ---- the way of one observation ---- */

static void enrich_event(struct pipeline *p, struct event *ev)
{
    if (!ip_is_set(&ev->src_ip))
        return;
    enrich_lookup(p->enrich, &ev->src_ip, &p->found);
    ev->asn = p->found.asn;
    ev->as_name = p->found.as_name;
    ev->plain = ev->plain && span_is_plain(ev->as_name);
    ev->network = p->found.network;
    ev->country = span_of(p->found.country, p->found.country[0] ? 2 : 0);
}

/* The name asked for says all that a query can say: where the seized name has a family, no rule
 * needs to look. */
static void classify(struct pipeline *p, struct event *ev)
{
    if (ev->kind != KIND_DNS || !ev->family.n)
        classify_event(p->classify, ev);
}

/* A query without "recursion desired" comes from a resolver that asks for somebody else; who
 * that is, it does not say. A feed's DNS report has set the role already. What looks like a
 * person's browser and yet says what only a bot says is a bot. */
static void judge_event(struct event *ev)
{
    if (!ev->role.n && ev->kind == KIND_DNS && !(ev->dns.flags & 0x0100))
        ev->role = span_str("resolver");
    else if (span_is(ev->role, "visitor") && ev->family.n && !span_is(ev->family_source, "asset"))
        ev->role = span_of(NULL, 0);
}

/* The mail of an event: from the blob that was just stored, else from the store. 1 when it is gone.
 */
static int read_mail(struct pipeline *p, const struct event *ev, struct mail *out, struct err *err)
{
    arena_reset(&p->arena);
    if (ev->smtp.blob.n != SHA256_LEN)
        return 1;
    if (!p->raw.n || memcmp(p->raw_digest, ev->smtp.blob.p, SHA256_LEN) != 0) {
        p->raw.n = 0;
        if (casedir_blob(p->c, ev->smtp.blob.p, &p->raw, err) < 0)
            return 1;
        memcpy(p->raw_digest, ev->smtp.blob.p, SHA256_LEN);
    }
    return spam_read(p->c->spam, buf_as_span(&p->raw), ev, &p->arena, out, err);
}

/* Whose a mail is, where no rule and no asset says it: a known bot's address, else its signs. */
static int attribute(struct pipeline *p, struct event *ev, const struct mail *mail, struct err *err)
{
    unsigned confidence = 0;
    if (ev->family.n)
        return 0;
    if (!p->checkins) {
        int rc = checkins_new(p->c->census, &p->checkins, err);
        if (rc < 0)
            return rc;
    }
    ev->family = checkins_find(p->checkins, &ev->src_ip, ev->time, &confidence);
    ev->family_source = span_str(ev->family.n ? SPAM_FAMILY_ADDRESS : "");
    if (!ev->family.n && mail) {
        spam_judge(p->c->spam, mail, &p->verdict);
        ev->family = span_str(p->verdict.family);
        ev->family_source = span_str(ev->family.n ? SPAM_FAMILY_LEARNED : "");
        confidence = ev->family.n ? p->verdict.confidence : 0;
    }
    ev->confidence = confidence;
    return 0;
}

/* A mail that was handed over came from a server or a bot, wanted or not: nothing saw how it spoke.
 * Only what a rule or an asset says makes a check-in of it. */
static void judge_sender(struct event *ev, bool known)
{
    if (!ev->role.n && !ev->smtp.dialogue.n && !known)
        ev->role = span_str("sender");
}

static int journal_event(struct pipeline *p, const struct event *ev, uint64_t *index,
                         struct err *err)
{
    struct entry_header header = {.kind = (uint8_t)ev->kind,
                                  .time = ev->time,
                                  .sensor = ev->sensor,
                                  .ruleset = p->ruleset,
                                  .enrichment = p->enrichment};
    p->payload.n = 0;
    event_encode(ev, &p->payload);
    p->pending += p->payload.n;
    return journal_append(p->c->journal, &header, buf_as_span(&p->payload), index, err);
}

static int count_event(struct pipeline *p, const struct event *ev, uint64_t index,
                       const struct mail *mail, struct err *err)
{
    census_add(p->c->census, ev);
    registry_event(p->c->registry, ev);
    if (p->checkins)
        checkins_add(p->checkins, ev);
    return spam_event(p->c->spam, index, ev, mail, err);
}

/* A mail is read before it is journalled, because what it says about whose it is goes on the log.
 */
static int take_mail(struct pipeline *p, struct event *ev, struct err *err)
{
    struct mail mail;
    uint64_t index;
    bool known = ev->family.n > 0;
    int rc = read_mail(p, ev, &mail, err);
    const struct mail *there = rc == 0 ? &mail : NULL;
    if (rc >= 0)
        rc = attribute(p, ev, there, err);
    judge_sender(ev, known);
    if (rc == 0)
        rc = journal_event(p, ev, &index, err);
    return rc == 0 ? count_event(p, ev, index, there, err) : rc;
}

static int keep_pace(struct pipeline *p, struct err *err)
{
    if (++p->events % CLOCK_EVERY && p->pending < PENDING_MAX)
        return 0;
    bool due = clock_ms() - p->committed_at >= p->c->config->commit_interval_ms;
    return due || p->pending >= PENDING_MAX ? pipeline_commit(p, err) : 0;
}

int pipeline_take(struct pipeline *p, struct event *ev, struct err *err)
{
    enrich_event(p, ev);
    classify(p, ev);
    judge_event(ev);
    if (spam_is_mail(ev))
        return take_mail(p, ev, err);
    uint64_t index;
    int rc = journal_event(p, ev, &index, err);
    return rc == 0 ? count_event(p, ev, index, NULL, err) : rc;
}

int pipeline_event(struct pipeline *p, struct event *ev, struct err *err)
{
    int rc = pipeline_take(p, ev, err);
    return rc == 0 ? keep_pace(p, err) : rc;
}

uint64_t pipeline_pending(const struct pipeline *p)
{
    return p->pending;
}

/* Campaigns that turned out to be one. Not among the events that brought it out: whoever counts
 * entries to find out which events are on the log counts on finding those alone. */
static int journal_merges(struct pipeline *p, struct err *err)
{
    struct campaigns_proposal m;
    uint64_t index;
    int rc = 0;
    while (rc == 0 && spam_proposal(p->c->spam, &m)) {
        const struct act_campaigns a = {m.into, m.from, span_str("ebb"), span_str(m.why)};
        p->payload.n = 0;
        act_campaigns(&p->payload, &a);
        rc = pipeline_act(p, KIND_CAMPAIGN_MERGED, buf_as_span(&p->payload), &index, err);
    }
    return rc;
}

static bool views_are_due(const struct pipeline *p)
{
    return p->committed_at - p->saved_at >= SNAPSHOT_EVERY_MS ||
           spam_pending_bytes(p->c->spam) > VIEW_PENDING_MAX;
}

int pipeline_commit(struct pipeline *p, struct err *err)
{
    int rc = journal_merges(p, err);
    if (rc < 0)
        return rc;
    if (p->blobs_pending) /* an entry never points at a blob that a crash could take */
        rc = blob_sync(p->blobs, err);
    if (rc == 0)
        rc = journal_commit(p->c->journal, err);
    if (rc < 0)
        return rc;
    p->blobs_pending = false;
    p->pending = 0;
    p->committed_at = clock_ms();
    casedir_advance(p->c, journal_committed(p->c->journal));
    if (p->committed_at - p->published_at >= PUBLISH_EVERY_MS) {
        rc = journal_publish(p->c->journal, err);
        p->published_at = clock_ms();
    }
    if (rc == 0 && views_are_due(p)) {
        rc = casedir_save_views(p->c, err);
        p->saved_at = clock_ms();
    }
    return rc;
}

/* ---- acts, blobs and what headers refer to ---- */

int pipeline_act(struct pipeline *p, uint8_t kind, struct span payload, uint64_t *index,
                 struct err *err)
{
    struct entry_header header = {.kind = kind, .time = act_time_kept(kind, utc_now())};
    int rc = journal_append(p->c->journal, &header, payload, index, err);
    if (rc == 0)
        casedir_act(p->c, kind, *index, header.time, payload);
    return rc;
}

void pipeline_forget(struct pipeline *p)
{
    if (p->checkins)
        checkins_free(p->checkins);
    p->checkins = NULL;
    p->raw.n = 0;
}

int pipeline_blob(struct pipeline *p, struct span data, uint8_t digest[SHA256_LEN], struct err *err)
{
    int rc = blob_put(p->blobs, data, digest, err);
    p->blobs_pending |= rc == 0;
    p->raw.n = 0;
    if (rc == 0 && data.n <= MAIL_KEEP) {
        buf_span(&p->raw, data);
        memcpy(p->raw_digest, digest, SHA256_LEN);
    }
    return rc;
}

/* The newest entry of that kind with just this payload, or a new one. */
static int reference(struct pipeline *p, uint8_t kind, struct span payload, uint64_t *index,
                     struct err *err)
{
    if (registry_reference(p->c->registry, kind, payload, index))
        return 0;
    return pipeline_act(p, kind, payload, index, err);
}

int pipeline_sensor(struct pipeline *p, const char *name, uint64_t *index, struct err *err)
{
    p->payload.n = 0;
    act_sensor(&p->payload, name);
    return reference(p, KIND_SENSOR, buf_as_span(&p->payload), index, err);
}

static int refer(struct pipeline *p, struct err *err)
{
    const struct enrich_info *info = enrich_info(p->enrich);
    struct act_enrichment a = {span_str(info->name), span_str(info->date),
                               span_of(info->sha256, SHA256_LEN)};
    p->payload.n = 0;
    act_ruleset(&p->payload, classify_rules(p->classify), classify_sha256(p->classify));
    int rc = reference(p, KIND_RULESET, buf_as_span(&p->payload), &p->ruleset, err);
    if (rc < 0)
        return rc;
    p->payload.n = 0;
    act_enrichment(&p->payload, &a);
    return reference(p, KIND_ENRICHMENT, buf_as_span(&p->payload), &p->enrichment, err);
}

static int open_enrich(struct pipeline *p, const char *views, struct err *err)
{
    const struct config *c = p->c->config;
    struct enrich_config config = {
        .libloc = c->enrichment.libloc[0] ? c->enrichment.libloc : NULL,
        .mmdb_asn = c->enrichment.mmdb_asn[0] ? c->enrichment.mmdb_asn : NULL,
        .mmdb_country = c->enrichment.mmdb_country[0] ? c->enrichment.mmdb_country : NULL,
        .cache_dir = views,
    };
    return enrich_open(&config, &p->enrich, err);
}

/* So that views which read blobs find those that wait to be written, too. */
static void lend_blobs(struct pipeline *p)
{
    if (p->c->blobs)
        blob_close(p->c->blobs);
    p->c->blobs = p->blobs;
}

int pipeline_open(struct casedir *c, struct pipeline **out, struct err *err)
{
    char rules[FILE_PATH_MAX], views[FILE_PATH_MAX], blobs[FILE_PATH_MAX];
    struct mail_reader *reader;
    struct pipeline *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    p->c = c;
    p->committed_at = p->published_at = p->saved_at = clock_ms();
    int rc = datadir_rules(c->config->rules, rules, err);
    if (rc == 0)
        rc = file_path(views, err, "%s/views", c->dir);
    if (rc == 0)
        rc = file_path(blobs, err, "%s/blobs", c->dir);
    if (rc == 0)
        rc = open_enrich(p, views, err);
    if (rc == 0)
        rc = classify_open(rules, &p->classify, err);
    if (rc == 0)
        rc = blob_open(blobs, (uint64_t)c->config->blob_max_mib << 20,
                       (uint64_t)c->config->blobs_total_gib << 30, &p->blobs, err);
    if (rc == 0)
        lend_blobs(p);
    if (rc == 0) /* now, because a process that is locked in later cannot read the rules any more */
        rc = casedir_mail_reader(c, &reader, err);
    if (rc == 0)
        rc = refer(p, err);
    if (rc < 0) {
        pipeline_close(p, NULL);
        return rc;
    }
    *out = p;
    return 0;
}

int pipeline_close(struct pipeline *p, struct err *err)
{
    int rc = p->blobs ? pipeline_commit(p, err) : 0;
    if (p->enrich)
        enrich_close(p->enrich);
    if (p->classify)
        classify_close(p->classify);
    if (p->blobs) {
        p->c->blobs = NULL;
        blob_close(p->blobs);
    }
    if (p->checkins)
        checkins_free(p->checkins);
    buf_free(&p->payload);
    buf_free(&p->raw);
    arena_free(&p->arena);
    free(p);
    return rc;
}
