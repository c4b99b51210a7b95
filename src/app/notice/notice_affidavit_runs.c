/* The affidavit's runs in print, day by day, and what was not done. */
#include <stdio.h>
#include <string.h>

#include "app/notice/notice_affidavit.h"

/* ---- runs ---- */

static void say_run(struct affidavit *a, struct notice_case *n, const struct notice_run *run,
                    const struct notice_run_sum *sum)
{
    static const char kind[] = "publication";
    uint64_t e = run->at.entry;
    char days[32];
    const struct notice_words *words = notice_words_at(&n->book, run->act.template);
    affidavit_say(a, "At ");
    affidavit_tell_time(a, e, kind, "time", run->at.time);
    affidavit_say(a, " a run in ");
    affidavit_tell(a, e, kind, "outlet", run->act.outlet);
    affidavit_say(a, ", ");
    affidavit_tell(a, e, kind, "place", run->act.place);
    affidavit_say(a, ", was put on record");
    if (run->at.account.n) {
        affidavit_say(a, " by the account ");
        affidavit_tell(a, e, kind, "account", run->at.account);
    }
    affidavit_say(a, ": ");
    affidavit_tell(a, e, kind, "size", run->act.size);
    affidavit_say(a, ", language ");
    affidavit_tell(a, e, kind, "language", run->act.language);
    snprintf(days, sizeof days, ", planned for %zu day%s", run->n_days,
             run->n_days == 1 ? "" : "s");
    affidavit_say(a, days);
    affidavit_say(a, " from ");
    affidavit_tell_day(a, e, kind, "dates", run->days[0]);
    affidavit_say(a, " to ");
    affidavit_tell_day(a, e, kind, "dates", run->days[run->n_days - 1]);
    affidavit_say(a, ". The SHA-256 of the page that the paper was given is ");
    affidavit_tell_hex(a, e, kind, "sha256", run->act.sha256);
    affidavit_say(a, ".");
    if (words && words->act.translator.n) {
        affidavit_say(a, " Its words were translated by ");
        affidavit_tell(a, words->at.entry, "notice_template", "translator", words->act.translator);
        affidavit_say(a, ".");
    }
    affidavit_note_entry(a, e, kind, "order", run->act.order);
    if (run->act.party)
        affidavit_note_entry(a, e, kind, "party", run->act.party);
    affidavit_note_entry(a, e, kind, "template", run->act.template);
    char text[160];
    snprintf(
        text, sizeof text,
        " By the log: published %zu (%zu of them beyond the plan), missed %zu, no word %zu, to "
        "come %zu.",
        sum->published, sum->extra, sum->missed, sum->unknown, sum->ahead);
    affidavit_say(a, text);
    affidavit_end(a, AFFIDAVIT_PRINT, false);
}

/* What was said of that day before. */
static void cite_earlier(struct affidavit *a, struct notice_case *n, const struct notice_run *run,
                         const struct notice_day *d)
{
    for (size_t i = 0; i < n->book.n_insertions; i++) {
        const struct notice_insertion *s = &n->book.insertions[i];
        if (s->act.publication == run->at.entry && s->act.planned == d->planned &&
            d->planned != ACT_FOREVER && s != d->insertion)
            affidavit_cite(a, s->at.entry, "insertion");
    }
}

static void say_word(struct affidavit *a, const struct notice_insertion *s)
{
    static const char kind[] = "insertion";
    uint64_t e = s->at.entry;
    affidavit_tell(a, e, kind, "what", s->act.what);
    if (s->act.when != ACT_FOREVER) {
        affidavit_say(a, span_is(s->act.what, "moved") ? " to " : " on ");
        affidavit_tell_time(a, e, kind, "when", s->act.when);
        if (s->act.when + UTC_DAY <= a->order.recorded)
            affidavit_say(a, " (which is before the order was put on the log)");
    }
    if (s->act.page.n) {
        affidavit_say(a, ", page ");
        affidavit_tell(a, e, kind, "page", s->act.page);
    }
    if (s->act.note.n) {
        affidavit_say(a, "; ");
        affidavit_tell(a, e, kind, "note", s->act.note);
    }
    if (s->act.sha256.n) {
        affidavit_say(a, "; clipping ");
        affidavit_tell(a, e, kind, "document", s->act.document);
        affidavit_say(a, ", SHA-256 ");
        affidavit_tell_hex(a, e, kind, "sha256", s->act.sha256);
    }
    affidavit_say(a, "; recorded at ");
    affidavit_tell_time(a, e, kind, "time", s->at.time);
    affidavit_note_entry(a, e, kind, "publication", s->act.publication);
}

static void say_day(struct affidavit *a, struct notice_case *n, const struct notice_run *run,
                    const struct notice_day *d)
{
    struct affidavit_day *day = arena_alloc(&a->arena, sizeof *day);
    bool dated = d->state == NOTICE_DAY_PUBLISHED || d->state == NOTICE_DAY_MOVED;
    *day = (struct affidavit_day){.planned = d->planned,
                                  .when = dated ? d->when : ACT_FOREVER,
                                  .state = notice_day_name(d->state),
                                  .page = d->insertion ? d->insertion->act.page : span_of(NULL, 0),
                                  .note = d->insertion ? d->insertion->act.note : span_of(NULL, 0),
                                  .clipping =
                                      d->insertion ? d->insertion->act.sha256 : span_of(NULL, 0)};
    if (d->planned == ACT_FOREVER) {
        affidavit_say(a, "Beyond the plan: ");
        affidavit_cite(a, run->at.entry, "publication");
    } else {
        affidavit_say(a, "Planned for ");
        affidavit_tell_day(a, run->at.entry, "publication", "dates", d->planned);
        affidavit_say(a, ": ");
    }
    if (d->insertion)
        say_word(a, d->insertion);
    else
        affidavit_say(a, d->state == NOTICE_DAY_PLANNED ? "to come" : "nothing is on the log");
    affidavit_say(a, ".");
    cite_earlier(a, n, run, d);
    affidavit_end(a, AFFIDAVIT_PRINT, true);
    a->lines[a->n_lines - 1].day = day;
}

static bool concerns(const struct affidavit *a, const struct notice_run *run,
                     const struct notice_party *party)
{
    return run->act.order == a->order.entry && !run->at.withdrawn && run->n_days &&
           (!party || !run->act.party || run->act.party == party->at.entry);
}

void affidavit_runs(struct affidavit *a, struct notice_case *n, const struct notice_party *party)
{
    for (size_t i = 0; i < n->book.n_runs; i++) {
        const struct notice_run *run = &n->book.runs[i];
        struct notice_run_sum sum;
        size_t k;
        if (!concerns(a, run, party))
            continue;
        const struct notice_day *days = notice_run_days(&n->book, run, n->now, &n->arena, &k);
        notice_run_add_up(days, k, ACT_FOREVER, &sum);
        say_run(a, n, run, &sum);
        for (size_t d = 0; d < k; d++)
            say_day(a, n, run, &days[d]);
    }
}

/* ---- what was not done ---- */

static void end_gap(struct affidavit *a)
{
    affidavit_end(a, AFFIDAVIT_NOT_DONE, false);
}

static void say_party_gap(struct affidavit *a, struct notice_case *n, const struct notice_party *p)
{
    size_t notices = 0, good = 0;
    uint64_t last = 0;
    for (size_t i = 0; i < n->book.n_notices; i++) {
        const struct notice *w = &n->book.notices[i];
        if (w->act.party != p->at.entry)
            continue;
        notices++;
        good += notice_went_out(w->state);
        last = w->at.entry;
    }
    if (good)
        return;
    affidavit_tell(a, p->at.entry, "party", "name", p->act.name);
    if (!notices)
        affidavit_say(a, ": no notice addressed to this party is on the log.");
    else
        affidavit_say(a, ": no notice addressed to this party is on the log as gone out and not "
                         "come back.");
    if (last)
        affidavit_cite(a, last, "notice");
    end_gap(a);
}

static void say_notice_gap(struct affidavit *a, struct notice_case *n, const struct notice *w)
{
    const struct notice_party *p = notice_party_at(&n->book, w->act.party);
    bool again = false;
    for (size_t i = 0; i < n->book.n_notices; i++)
        again |= n->book.notices[i].act.party == w->act.party &&
                 n->book.notices[i].at.entry > w->at.entry;
    if (notice_went_out(w->state) || (again && notice_has_failed(w->state)))
        return;
    affidavit_say(a, "The notice of ");
    affidavit_tell_time(a, w->at.entry, "notice", "time", w->at.time);
    affidavit_say(a, " to ");
    affidavit_tell(a, p->at.entry, "party", "name", p->act.name);
    affidavit_say(a, " is ");
    affidavit_say(a, w->state == NOTICE_MADE ? "made, and the log does not say that it went out"
                                             : notice_state_name(w->state));
    affidavit_say(a, notice_has_failed(w->state) ? "; there was no other try after it." : ".");
    end_gap(a);
}

static void say_run_gap(struct affidavit *a, struct notice_case *n, const struct notice_run *run)
{
    struct notice_run_sum sum;
    size_t k;
    char text[120];
    const struct notice_day *days = notice_run_days(&n->book, run, n->now, &n->arena, &k);
    notice_run_add_up(days, k, ACT_FOREVER, &sum);
    if (sum.missed > sum.extra || sum.unknown) {
        affidavit_say(a, "The run in ");
        affidavit_tell(a, run->at.entry, "publication", "outlet", run->act.outlet);
        snprintf(text, sizeof text,
                 ": missed %zu, published instead %zu; over, and nothing is on the log: %zu.",
                 sum.missed, sum.extra, sum.unknown);
        affidavit_say(a, text);
        for (size_t i = 0; i < k; i++)
            if (days[i].state == NOTICE_DAY_MISSED && days[i].insertion)
                affidavit_cite(a, days[i].insertion->at.entry, "insertion");
        end_gap(a);
    }
    if (sum.published < NOTICE_RUN_DAYS) {
        affidavit_say(a, "The run in ");
        affidavit_tell(a, run->at.entry, "publication", "outlet", run->act.outlet);
        snprintf(text, sizeof text, ": published so far %zu, which is fewer than %d.",
                 sum.published, NOTICE_RUN_DAYS);
        affidavit_say(a, text);
        end_gap(a);
    }
}

void affidavit_not_done(struct affidavit *a, struct notice_case *n,
                        const struct notice_party *party)
{
    const struct notice_hearing *h = notice_hearing_of(&n->book, a->order.entry);
    size_t before = a->n_lines;
    for (size_t i = 0; i < n->book.n_parties; i++) {
        const struct notice_party *p = &n->book.parties[i];
        if (p->act.order == a->order.entry && !p->at.withdrawn && (!party || p == party))
            say_party_gap(a, n, p);
    }
    for (size_t i = 0; i < n->book.n_notices; i++) {
        const struct notice *w = &n->book.notices[i];
        const struct notice_party *p = notice_party_at(&n->book, w->act.party);
        if (p && p->act.order == a->order.entry && (!party || p == party))
            say_notice_gap(a, n, w);
    }
    for (size_t i = 0; i < n->book.n_runs; i++)
        if (concerns(a, &n->book.runs[i], party))
            say_run_gap(a, n, &n->book.runs[i]);
    if (!h) {
        affidavit_say(a, "No hearing under the order is on the log.");
        affidavit_cite(a, a->order.entry, "order");
        end_gap(a);
    }
    if (a->n_lines == before) {
        affidavit_say(a,
                      "Nothing that the log knows of: every party has had notice, and no day of a "
                      "run was missed without another.");
        affidavit_cite(a, a->order.entry, "order");
        end_gap(a);
    }
}
