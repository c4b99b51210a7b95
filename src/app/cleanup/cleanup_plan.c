#include "app/cleanup/cleanup_plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utc.h"
#include "state/texts.h"

#define RECENT_DAYS 64 /* that a source remembers */

struct plan {
    struct casedir *c;
    const struct plan_options *o;
    int64_t gone_after; /* microseconds without contact */
    struct texts mails, families;
    struct plan_contact *contacts;
    size_t n_contacts, cap_contacts;
    struct plan_row *rows;
    size_t n_rows, cap_rows;
    uint64_t unresolved, allowed;
};

const char *cleanup_plan_state_name(enum plan_state state)
{
    static const char *const names[PLAN_STATES] = {[PLAN_DUE] = "due",
                                                   [PLAN_NOT_DUE] = "not due",
                                                   [PLAN_CONTROL] = "control",
                                                   [PLAN_DEAD] = "dead",
                                                   [PLAN_NOTHING] = "nothing new"};
    return names[state];
}

/* ---- one address ---- */

/* Whether some contact lies on a day in (from, until], as far as the days are remembered. */
static bool was_seen(const struct source *s, int64_t from, int64_t until)
{
    int32_t last = utc_day(s->last_time), low = utc_day(from) + 1, high = utc_day(until);
    for (int32_t day = low; day <= high; day++) {
        int32_t back = last - day;
        if (back >= 0 && back < RECENT_DAYS && s->recent >> back & 1)
            return true;
    }
    return false;
}

enum verdict { TELL_NEW, TELL_RETURNING, TELL_GONE, TELL_STILL, TELL_NOTHING };

static enum verdict verdict_of(const struct plan *p, const struct source *s, int64_t told)
{
    int64_t now = p->o->now, gone_at = s->last_time + p->gone_after;
    if (s->last_time > told) {
        if (gone_at <= now)
            return TELL_NOTHING; /* it came and went between two reports */
        if (s->first_time > told || told == 0)
            return TELL_NEW;
        return was_seen(s, told - p->gone_after, told) ? TELL_STILL : TELL_RETURNING;
    }
    return gone_at > told && gone_at <= now ? TELL_GONE : TELL_NOTHING;
}

static struct plan_contact *contact_of(struct plan *p, struct span mail,
                                       const struct config_network *own)
{
    uint32_t number = texts_number(&p->mails, mail);
    if (number == p->n_contacts) {
        p->contacts = mem_room(p->contacts, p->n_contacts, &p->cap_contacts, sizeof *p->contacts);
        struct plan_contact *k = &p->contacts[p->n_contacts++];
        memset(k, 0, sizeof *k);
        k->own = own;
        k->told = cleanup_told(p->c->cleanup, mail, &k->reports);
        k->arm = cleanup_arm(p->c->cleanup, mail, p->o->now);
    }
    return &p->contacts[number];
}

static void count(struct plan_contact *k, enum verdict v)
{
    k->fresh += v == TELL_NEW;
    k->returning += v == TELL_RETURNING;
    k->gone += v == TELL_GONE;
    k->still += v == TELL_STILL;
}

static void take(struct plan *p, const struct source *s, struct span mail,
                 const struct config_network *own)
{
    struct plan_contact *k = contact_of(p, mail, own);
    enum verdict v = verdict_of(p, s, k->told);
    count(k, v);
    if (v > TELL_GONE)
        return;
    static const enum report_what what[] = {REPORT_NEW, REPORT_RETURNING, REPORT_GONE};
    p->rows = mem_room(p->rows, p->n_rows, &p->cap_rows, sizeof *p->rows);
    struct plan_row *r = &p->rows[p->n_rows++];
    *r = (struct plan_row){.ip = s->ip,
                           .index = s->index,
                           .first_time = s->first_time,
                           .last_time = s->last_time,
                           .contacts = s->contacts,
                           .contact = (uint32_t)(k - p->contacts),
                           .family = texts_number(&p->families, s->family),
                           .asn = s->asn,
                           .country = {s->country[0], s->country[1]},
                           .what = (uint8_t)what[v]};
}

enum whom cleanup_whom(struct casedir *c, const struct source *s, struct span *mail,
                       const struct config_network **own)
{
    struct contact who;
    contacts_find(c->contacts, &s->ip, s->asn, s->country, &who);
    *own = config_cleanup_network(&c->config->cleanup, who.mail, s->asn, &s->ip);
    *mail = *own && (*own)->contact[0] ? span_str((*own)->contact) : who.mail;
    if (*own && ((*own)->silent || config_network_allows(*own, &s->ip)))
        return WHOM_UNWANTED;
    return mail->n ? WHOM_CONTACT : WHOM_NOBODY;
}

static int take_address(void *ctx, const struct source *rows, size_t n, const struct judgement *j)
{
    struct plan *p = ctx;
    const struct config_network *own;
    struct span mail;
    if (!judged_counts(j->role))
        return 0;
    for (size_t i = 0; i < n; i++) {
        if (!judge_is_infection(j, &rows[i]) || rows[i].first_time > p->o->now)
            continue;
        enum whom whom = cleanup_whom(p->c, &rows[i], &mail, &own);
        p->unresolved += whom == WHOM_NOBODY;
        p->allowed += whom == WHOM_UNWANTED;
        if (whom == WHOM_CONTACT && (!p->o->contact.n || span_ieq(mail, p->o->contact)))
            take(p, &rows[i], mail, own);
    }
    return 0;
}

/* ---- the whole ---- */

static int by_contact(const void *a, const void *b)
{
    const struct plan_row *x = a, *y = b;
    if (x->contact != y->contact)
        return x->contact < y->contact ? -1 : 1;
    if (x->what != y->what)
        return x->what < y->what ? -1 : 1;
    int c = memcmp(&x->ip, &y->ip, sizeof x->ip);
    return c ? c : (x->family > y->family) - (x->family < y->family);
}

static enum plan_state state_of(const struct plan *p, const struct plan_contact *k)
{
    const struct config_cleanup *config = &p->c->config->cleanup;
    uint32_t cadence = k->own && k->own->cadence_days ? k->own->cadence_days : config->cadence_days;
    /* a report that is made at the same hour each week is due then, not an hour later */
    int64_t due = k->told + cadence * UTC_DAY - UTC_DAY / 4;
    if (cleanup_is_dead(p->c->cleanup, k->mail))
        return PLAN_DEAD;
    if (k->arm == CLEANUP_CONTROL)
        return PLAN_CONTROL;
    if (k->n == 0 || k->fresh + k->returning + k->gone < config->least_addresses)
        return PLAN_NOTHING;
    return k->told && due > p->o->now && !p->o->all ? PLAN_NOT_DUE : PLAN_DUE;
}

static void finish(struct plan *p)
{
    qsort(p->rows, p->n_rows, sizeof *p->rows, by_contact);
    for (size_t i = 0; i < p->n_rows; i++) {
        struct plan_contact *k = &p->contacts[p->rows[i].contact];
        if (k->n++ == 0)
            k->first = i;
    }
    for (uint32_t i = 0; i < p->n_contacts; i++) {
        p->contacts[i].mail = texts_at(&p->mails, i); /* the pool does not move any more */
        p->contacts[i].state = state_of(p, &p->contacts[i]);
    }
}

int cleanup_plan_new(struct casedir *c, const struct plan_options *o, struct plan **out,
                     struct err *err)
{
    const struct config_cleanup *config = &c->config->cleanup;
    struct judge *judge;
    struct plan *p = mem_zeroed(1, sizeof *p);
    p->c = c;
    p->o = o;
    p->gone_after = config->gone_days * UTC_DAY;
    int rc = judge_new(config->judged, config->known_count, c->judgements, &judge);
    if (rc == 0) {
        rc = judge_all(judge, c->sources, take_address, p);
        judge_free(judge);
    }
    if (rc < 0) {
        cleanup_plan_free(p);
        return err_set(err, rc, "the sources of the case cannot be read");
    }
    finish(p);
    *out = p;
    return 0;
}

void cleanup_plan_free(struct plan *p)
{
    texts_free(&p->mails);
    texts_free(&p->families);
    free(p->contacts);
    free(p->rows);
    free(p);
}

const struct plan_contact *cleanup_plan_contacts(const struct plan *p, size_t *n)
{
    *n = p->n_contacts;
    return p->contacts;
}

const struct plan_row *cleanup_plan_rows(const struct plan *p, const struct plan_contact *k)
{
    return p->rows + k->first;
}

struct span cleanup_plan_family(const struct plan *p, const struct plan_row *row)
{
    return texts_at(&p->families, row->family);
}

uint64_t cleanup_plan_unresolved(const struct plan *p)
{
    return p->unresolved;
}

uint64_t cleanup_plan_allowed(const struct plan *p)
{
    return p->allowed;
}
