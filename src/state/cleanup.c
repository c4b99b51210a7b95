/* The view in memory: reports in the order of their numbers, contacts by number, trials. Everything
 * is an array that is saved as it lies (cleanup_save.c). */
#include "state/cleanup_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

/* Mailboxes are compared without regard to case: a local part that cares is not worth two letters.
 */
static struct span folded(struct span contact, char out[CLEANUP_CONTACT_BYTES])
{
    size_t n = contact.n < CLEANUP_CONTACT_BYTES ? contact.n : CLEANUP_CONTACT_BYTES;
    for (size_t i = 0; i < n; i++)
        out[i] = contact.p[i] >= 'A' && contact.p[i] <= 'Z' ? (char)(contact.p[i] | 0x20)
                                                            : (char)contact.p[i];
    return span_of(out, n);
}

static struct contact_slot *contact_of(struct cleanup *c, struct span contact)
{
    char text[CLEANUP_CONTACT_BYTES];
    uint32_t number = texts_number(&c->contacts, folded(contact, text));
    if (number >= c->n_slots) {
        c->slots = mem_room(c->slots, c->n_slots, &c->cap_slots, sizeof *c->slots);
        c->slots[c->n_slots++] = (struct contact_slot){
            .newest = CLEANUP_NO_REPORT, .by = TEXTS_NONE, .why = TEXTS_NONE, .status = TEXTS_NONE};
    }
    return &c->slots[number];
}

static const struct contact_slot *find_contact(const struct cleanup *c, struct span contact)
{
    char text[CLEANUP_CONTACT_BYTES];
    uint32_t number = texts_find(&c->contacts, folded(contact, text));
    return number < c->n_slots ? &c->slots[number] : NULL;
}

static uint32_t word(struct cleanup *c, struct span text)
{
    return text.n ? texts_number(&c->words, text) : TEXTS_NONE;
}

static struct span word_at(const struct cleanup *c, uint32_t number)
{
    return number == TEXTS_NONE ? span_of(NULL, 0) : texts_at(&c->words, number);
}

static struct report_slot *report_of(const struct cleanup *c, uint64_t report)
{
    size_t lo = 0, hi = c->n_reports;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (c->reports[mid].report < report)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < c->n_reports && c->reports[lo].report == report ? &c->reports[lo] : NULL;
}

/* ---- acts ---- */

static void on_queued(struct cleanup *c, uint64_t index, int64_t time, struct span payload)
{
    struct act_report_queued a;
    if (act_report_queued_read(payload, &a) < 0 || a.sha256.n != SHA256_LEN)
        return;
    struct contact_slot *k = contact_of(c, a.contact);
    c->reports = mem_room(c->reports, c->n_reports, &c->cap_reports, sizeof *c->reports);
    struct report_slot *r = &c->reports[c->n_reports];
    memset(r, 0, sizeof *r);
    r->report = index;
    r->contact = (uint32_t)(k - c->slots);
    r->format = word(c, a.format);
    r->language = word(c, a.language);
    r->channel = word(c, a.channel);
    r->trial = word(c, a.trial);
    r->copy = span_is(a.channel, CLEANUP_ESCALATION);
    r->reply = r->status = TEXTS_NONE;
    /* of two reports with one Message-ID the first keeps it: numbers here are those of reports */
    r->message_id = texts_number(&c->message_ids, a.message_id);
    if (r->message_id == c->n_ids) {
        c->ids = mem_room(c->ids, c->n_ids, &c->cap_ids, sizeof *c->ids);
        c->ids[c->n_ids++] = (uint32_t)c->n_reports;
    }
    memcpy(r->sha256, a.sha256.p, SHA256_LEN);
    r->since = a.since;
    r->until = a.until;
    r->queued = time;
    r->fresh = a.fresh;
    r->returning = a.returning;
    r->still = a.still;
    r->gone = a.gone;
    r->part = a.part;
    r->parts = a.parts;
    r->older = CLEANUP_NO_REPORT;
    c->n_reports++;
    if (span_is(a.channel, CLEANUP_NOTICE))
        return; /* to a party of a lawsuit: nobody's abuse contact was told by it */
    r->older = k->newest;
    k->newest = (uint32_t)c->n_reports - 1;
    k->reports++;
}

static const struct {
    const char *result;
    enum cleanup_state state;
} results[] = {
    {"trying", CLEANUP_TRYING},   {"sent", CLEANUP_SENT},           {"deferred", CLEANUP_DEFERRED},
    {"refused", CLEANUP_REFUSED}, {"cancelled", CLEANUP_CANCELLED}, {"doubtful", CLEANUP_DOUBTFUL},
};

static void on_tried(struct cleanup *c, int64_t time, struct span payload)
{
    struct act_report_tried a;
    if (act_report_tried_read(payload, &a) < 0)
        return;
    struct report_slot *r = report_of(c, a.report);
    for (size_t i = 0; r && i < sizeof results / sizeof *results; i++)
        if (span_is(a.result, results[i].result)) {
            c->slots[r->contact].sent += results[i].state == CLEANUP_SENT &&
                                         !span_is(word_at(c, r->channel), CLEANUP_NOTICE);
            r->state = (uint8_t)results[i].state;
            if (a.attempt > r->attempts)
                r->attempts = (uint32_t)a.attempt;
            /* a person's word is no attempt: what is to be sent again is due at once */
            r->tried = a.by.n ? 0 : time;
            if (a.reply.n)
                r->reply = word(c, a.reply);
            return;
        }
}

static bool is_hard(struct span status)
{
    return status.n && status.p[0] == '5';
}

static void on_returned(struct cleanup *c, struct span payload)
{
    struct act_report_returned a;
    if (act_report_returned_read(payload, &a) < 0)
        return;
    if (a.sha256.n)
        texts_number(&c->returned, a.sha256);
    struct report_slot *r = report_of(c, a.report);
    bool bounce = span_is(a.what, "bounce");
    /* who writes to the mailbox without having been written to is nobody's contact */
    struct contact_slot *k = r                       ? &c->slots[r->contact]
                             : bounce && a.contact.n ? contact_of(c, a.contact)
                                                     : NULL;
    if (!k)
        return;
    if (!bounce) {
        k->replies += !span_is(a.what, "delay");
        return;
    }
    k->status = word(c, a.status);
    if (r && (r->state == CLEANUP_BOUNCED || r->bounced))
        return; /* several bounces of one report are one */
    k->bounces++;
    k->hard += is_hard(a.status);
    if (r) {
        r->bounced = 1;
        r->status = word(c, a.status);
        if (is_hard(a.status))
            r->state = CLEANUP_BOUNCED;
    }
}

static void on_contact(struct cleanup *c, struct span payload)
{
    struct act_contact_state a;
    if (act_contact_state_read(payload, &a) < 0)
        return;
    struct contact_slot *k = contact_of(c, a.contact);
    k->dead = span_is(a.state, "dead");
    k->hard = 0; /* alive again: what bounced before does not count any more */
    k->by = word(c, a.by);
    k->why = word(c, a.why);
}

static void take_arms(struct cleanup *c, struct trial_slot *t, struct span rows)
{
    struct cur cur = cur_of(rows);
    t->first_arm = c->n_arms;
    while (cur_left(&cur)) {
        struct span line = cur_line(&cur);
        const uint8_t *comma = line.n ? memrchr(line.p, ',', line.n) : NULL;
        if (!comma || comma == line.p)
            continue;
        struct span contact = span_of(line.p, (size_t)(comma - line.p));
        struct span arm = span_of(comma + 1, line.n - contact.n - 1);
        if (!span_is(arm, "told") && !span_is(arm, "control"))
            continue; /* the heading */
        struct contact_slot *k = contact_of(c, contact);
        c->arms = mem_room(c->arms, c->n_arms, &c->cap_arms, sizeof *c->arms);
        c->arms[c->n_arms++] = (struct arm_slot){(uint32_t)(k - c->slots), span_is(arm, "control")};
    }
    t->end_arm = c->n_arms;
}

static int by_contact(const void *a, const void *b)
{
    const struct arm_slot *x = a, *y = b;
    return (x->contact > y->contact) - (x->contact < y->contact);
}

static void on_trial(struct cleanup *c, uint64_t index, struct span payload)
{
    struct act_trial_begun a;
    struct buf rows = {0};
    struct err err;
    if (act_trial_begun_read(payload, &a) < 0 || a.sha256.n != SHA256_LEN || !c->blob)
        return;
    if (c->blob(c->blob_ctx, a.sha256.p, &rows, &err) < 0) {
        log_line(LOG_WARN, "a trial's arms cannot be read", "entry=%llu why=%s",
                 (unsigned long long)index, err.text);
        buf_free(&rows);
        return;
    }
    c->trials = mem_room(c->trials, c->n_trials, &c->cap_trials, sizeof *c->trials);
    struct trial_slot *t = &c->trials[c->n_trials++];
    memset(t, 0, sizeof *t);
    t->entry = index;
    t->name = word(c, a.name);
    t->seed = word(c, a.seed);
    t->percent = a.percent;
    t->from = a.from;
    t->until = a.until;
    t->contacts = a.contacts;
    t->controls = a.controls;
    take_arms(c, t, buf_as_span(&rows));
    qsort(c->arms + t->first_arm, t->end_arm - t->first_arm, sizeof *c->arms, by_contact);
    buf_free(&rows);
}

void cleanup_act(struct cleanup *c, uint8_t kind, uint64_t index, int64_t time, struct span payload)
{
    switch (kind) {
    case KIND_REPORT_QUEUED:
        on_queued(c, index, time, payload);
        break;
    case KIND_REPORT_TRIED:
        on_tried(c, time, payload);
        break;
    case KIND_REPORT_RETURNED:
        on_returned(c, payload);
        break;
    case KIND_CONTACT_STATE:
        on_contact(c, payload);
        break;
    case KIND_TRIAL_BEGUN:
        on_trial(c, index, payload);
        break;
    }
}

void cleanup_blobs(struct cleanup *c,
                   int (*blob)(void *ctx, const uint8_t sha256[SHA256_LEN], struct buf *out,
                               struct err *err),
                   void *ctx)
{
    c->blob = blob;
    c->blob_ctx = ctx;
}

/* ---- queries ---- */

const char *cleanup_state_name(enum cleanup_state state)
{
    static const char *const names[CLEANUP_STATES] = {
        [CLEANUP_QUEUED] = "queued",       [CLEANUP_TRYING] = "trying",
        [CLEANUP_DEFERRED] = "deferred",   [CLEANUP_DOUBTFUL] = "doubtful",
        [CLEANUP_SENT] = "sent",           [CLEANUP_REFUSED] = "refused",
        [CLEANUP_CANCELLED] = "cancelled", [CLEANUP_BOUNCED] = "bounced",
    };
    return state < CLEANUP_STATES ? names[state] : "";
}

static void show(const struct cleanup *c, const struct report_slot *r, struct cleanup_report *out)
{
    *out = (struct cleanup_report){
        .report = r->report,
        .contact = texts_at(&c->contacts, r->contact),
        .format = word_at(c, r->format),
        .language = word_at(c, r->language),
        .channel = word_at(c, r->channel),
        .trial = word_at(c, r->trial),
        .message_id = texts_at(&c->message_ids, r->message_id),
        .since = r->since,
        .until = r->until,
        .queued = r->queued,
        .fresh = r->fresh,
        .returning = r->returning,
        .still = r->still,
        .gone = r->gone,
        .part = r->part,
        .parts = r->parts,
        .state = (enum cleanup_state)r->state,
        .attempts = r->attempts,
        .tried = r->tried,
        .reply = word_at(c, r->reply),
        .status = word_at(c, r->status),
    };
    memcpy(out->sha256, r->sha256, SHA256_LEN);
}

int cleanup_reports(struct cleanup *c, int (*each)(void *ctx, const struct cleanup_report *r),
                    void *ctx)
{
    struct cleanup_report r;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < c->n_reports; i++) {
        show(c, &c->reports[i], &r);
        rc = each(ctx, &r);
    }
    return rc;
}

bool cleanup_report(struct cleanup *c, uint64_t report, struct cleanup_report *out)
{
    const struct report_slot *r = report_of(c, report);
    if (r)
        show(c, r, out);
    return r != NULL;
}

bool cleanup_by_message_id(struct cleanup *c, struct span message_id, struct cleanup_report *out)
{
    uint32_t number = texts_find(&c->message_ids, message_id);
    if (number >= c->n_ids)
        return false;
    show(c, &c->reports[c->ids[number]], out);
    return true;
}

bool cleanup_has_returned(struct cleanup *c, const uint8_t sha256[SHA256_LEN])
{
    return texts_find(&c->returned, span_of(sha256, SHA256_LEN)) != TEXTS_NONE;
}

static bool did_tell(const struct report_slot *r)
{
    return !r->copy && r->part == r->parts && r->state != CLEANUP_REFUSED &&
           r->state != CLEANUP_CANCELLED && r->state != CLEANUP_BOUNCED;
}

static int64_t told(const struct cleanup *c, const struct contact_slot *k, uint64_t *reports)
{
    int64_t until = 0;
    *reports = 0;
    for (uint32_t at = k->newest; at != CLEANUP_NO_REPORT; at = c->reports[at].older) {
        const struct report_slot *r = &c->reports[at];
        if (!did_tell(r))
            continue;
        ++*reports;
        until = r->until > until ? r->until : until;
    }
    return until;
}

int64_t cleanup_told(struct cleanup *c, struct span contact, uint64_t *reports)
{
    const struct contact_slot *k = find_contact(c, contact);
    *reports = 0;
    return k ? told(c, k, reports) : 0;
}

static void show_trial(const struct cleanup *c, const struct trial_slot *t,
                       struct cleanup_trial *out)
{
    *out = (struct cleanup_trial){.entry = t->entry,
                                  .name = word_at(c, t->name),
                                  .seed = word_at(c, t->seed),
                                  .percent = (unsigned)t->percent,
                                  .from = t->from,
                                  .until = t->until,
                                  .contacts = t->contacts,
                                  .controls = t->controls};
}

enum cleanup_arm cleanup_arm(struct cleanup *c, struct span contact, int64_t now)
{
    const struct contact_slot *k = find_contact(c, contact);
    for (size_t i = c->n_trials; k && i-- > 0;) {
        const struct trial_slot *t = &c->trials[i];
        if (now < t->from || now >= t->until)
            continue;
        struct arm_slot key = {(uint32_t)(k - c->slots), 0};
        const struct arm_slot *arm = bsearch(&key, c->arms + t->first_arm,
                                             t->end_arm - t->first_arm, sizeof key, by_contact);
        return !arm ? CLEANUP_NO_TRIAL : arm->control ? CLEANUP_CONTROL : CLEANUP_TREATED;
    }
    return CLEANUP_NO_TRIAL;
}

bool cleanup_trial(struct cleanup *c, struct span name, struct cleanup_trial *out)
{
    for (size_t i = c->n_trials; i-- > 0;)
        if (!name.n || span_eq(word_at(c, c->trials[i].name), name)) {
            show_trial(c, &c->trials[i], out);
            return true;
        }
    return false;
}

bool cleanup_trial_at(struct cleanup *c, int64_t now, struct cleanup_trial *out)
{
    for (size_t i = c->n_trials; i-- > 0;)
        if (now >= c->trials[i].from && now < c->trials[i].until) {
            show_trial(c, &c->trials[i], out);
            return true;
        }
    return false;
}

int cleanup_trials(struct cleanup *c, int (*each)(void *ctx, const struct cleanup_trial *t),
                   void *ctx)
{
    struct cleanup_trial t;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < c->n_trials; i++) {
        show_trial(c, &c->trials[i], &t);
        rc = each(ctx, &t);
    }
    return rc;
}

int cleanup_trial_rows(struct cleanup *c, uint64_t entry,
                       int (*each)(void *ctx, struct span contact, enum cleanup_arm arm), void *ctx)
{
    int rc = 0;
    for (size_t i = 0; i < c->n_trials; i++)
        for (uint64_t k = c->trials[i].first_arm;
             c->trials[i].entry == entry && rc == 0 && k < c->trials[i].end_arm; k++)
            rc = each(ctx, texts_at(&c->contacts, c->arms[k].contact),
                      c->arms[k].control ? CLEANUP_CONTROL : CLEANUP_TREATED);
    return rc;
}

static bool is_dead(const struct contact_slot *k)
{
    return k->dead || k->hard >= CLEANUP_BOUNCES_DEAD;
}

bool cleanup_is_dead(struct cleanup *c, struct span contact)
{
    const struct contact_slot *k = find_contact(c, contact);
    return k && is_dead(k);
}

int cleanup_contacts(struct cleanup *c, int (*each)(void *ctx, const struct cleanup_contact *k),
                     void *ctx)
{
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < c->n_slots; i++) {
        const struct contact_slot *k = &c->slots[i];
        uint64_t reports;
        struct cleanup_contact out = {
            .contact = texts_at(&c->contacts, i),
            .dead = is_dead(k),
            .reports = k->reports,
            .sent = k->sent,
            .bounces = k->bounces,
            .replies = k->replies,
            .told = told(c, k, &reports),
            .status = word_at(c, k->status),
            .by = word_at(c, k->by),
            .why = word_at(c, k->why),
        };
        rc = each(ctx, &out);
    }
    return rc;
}
