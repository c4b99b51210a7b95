/* Runs in print: what became of each planned day. And what can still be mended. */
#include <string.h>

#include "base/utc.h"
#include "state/notices.h"

bool notice_dates_parse(struct span text, int64_t *days, size_t *n)
{
    *n = 0;
    for (size_t at = 0; at < text.n;) {
        size_t end = at;
        while (end < text.n && text.p[end] != ' ')
            end++;
        int64_t day;
        if (end - at != 10 || *n == NOTICE_DATES_MAX ||
            !utc_parse(span_of(text.p + at, end - at), &day) || day < UTC_EVENT_MIN ||
            day > UTC_EVENT_MAX || (*n && day <= days[*n - 1]))
            return false;
        days[(*n)++] = day;
        at = end + 1;
    }
    return *n > 0 && text.p[text.n - 1] != ' ';
}

const char *notice_day_name(enum notice_day_state state)
{
    static const char *const names[] = {"planned", "published", "missed", "moved", "unknown"};
    return names[state];
}

static int64_t day_of(int64_t time)
{
    return (int64_t)utc_day(time) * UTC_DAY;
}

/* The newest word about that day of the run. */
static const struct notice_insertion *word_about(const struct notice_book *b,
                                                 const struct notice_run *run, int64_t planned)
{
    for (size_t i = b->n_insertions; i-- > 0;) {
        const struct notice_insertion *s = &b->insertions[i];
        if (s->act.publication == run->at.entry && s->act.planned == planned && !s->at.withdrawn)
            return s;
    }
    return NULL;
}

static bool is_over(int64_t day, int64_t now)
{
    return day != ACT_FOREVER && now >= day_of(day) + UTC_DAY;
}

static struct notice_day planned_day(const struct notice_book *b, const struct notice_run *run,
                                     int64_t day, int64_t now)
{
    const struct notice_insertion *s = word_about(b, run, day);
    struct notice_day d = {day, day, is_over(day, now) ? NOTICE_DAY_UNKNOWN : NOTICE_DAY_PLANNED,
                           s};
    if (!s)
        return d;
    if (s->act.when != ACT_FOREVER)
        d.when = s->act.when;
    if (span_is(s->act.what, "published"))
        d.state = NOTICE_DAY_PUBLISHED;
    else if (span_is(s->act.what, "missed"))
        d.state = NOTICE_DAY_MISSED;
    else
        d.state = is_over(d.when, now) ? NOTICE_DAY_UNKNOWN : NOTICE_DAY_MOVED;
    return d;
}

const struct notice_day *notice_run_days(const struct notice_book *b, const struct notice_run *run,
                                         int64_t now, struct arena *arena, size_t *n)
{
    size_t most = run->n_days;
    for (size_t i = 0; i < b->n_insertions; i++)
        most += b->insertions[i].act.publication == run->at.entry;
    struct notice_day *days = arena_alloc(arena, (most + 1) * sizeof *days);
    *n = 0;
    for (size_t i = 0; i < run->n_days; i++)
        days[(*n)++] = planned_day(b, run, run->days[i], now);
    for (size_t i = 0; i < b->n_insertions; i++) {
        const struct notice_insertion *s = &b->insertions[i];
        if (s->act.publication == run->at.entry && s->act.planned == ACT_FOREVER &&
            span_is(s->act.what, "published") && !s->at.withdrawn)
            days[(*n)++] = (struct notice_day){ACT_FOREVER, s->act.when, NOTICE_DAY_PUBLISHED, s};
    }
    return days;
}

void notice_run_add_up(const struct notice_day *days, size_t n, int64_t end,
                       struct notice_run_sum *out)
{
    *out = (struct notice_run_sum){.first = ACT_FOREVER, .last = ACT_FOREVER};
    for (size_t i = 0; i < n; i++) {
        const struct notice_day *d = &days[i];
        bool seen = d->state == NOTICE_DAY_PUBLISHED;
        bool counts = seen || d->state == NOTICE_DAY_PLANNED || d->state == NOTICE_DAY_MOVED;
        out->planned += d->planned != ACT_FOREVER;
        out->published += seen;
        out->extra += seen && d->planned == ACT_FOREVER;
        out->missed += d->state == NOTICE_DAY_MISSED;
        out->unknown += d->state == NOTICE_DAY_UNKNOWN;
        out->ahead += counts && !seen;
        out->in_time += counts && day_of(d->when) < end;
        if (seen && (out->first == ACT_FOREVER || d->when < out->first))
            out->first = d->when;
        if (counts && (out->last == ACT_FOREVER || d->when > out->last))
            out->last = d->when;
    }
}

/* ---- warnings ---- */

struct warning {
    const struct notice_book *b;
    int64_t now, within;
    struct buf *out;
};

static void put_name(struct buf *out, struct span name)
{
    buf_span(out, span_of(name.p, name.n < 80 ? name.n : 80));
}

static void put_date(struct buf *out, int64_t time)
{
    char text[UTC_TEXT_MAX];
    buf_put(out, text, utc_format_date(time, text));
}

/* True when something reached the party, or is on its way, or was printed for it. */
static bool has_notice(const struct notice_book *b, const struct notice_party *p, int64_t now,
                       struct arena *arena)
{
    for (size_t i = 0; i < b->n_notices; i++)
        if (b->notices[i].act.party == p->at.entry && !notice_has_failed(b->notices[i].state) &&
            b->notices[i].state != NOTICE_MADE)
            return true;
    for (size_t i = 0; i < b->n_runs; i++) {
        const struct notice_run *run = &b->runs[i];
        struct notice_run_sum sum;
        size_t n;
        if (run->act.order != p->act.order || (run->act.party && run->act.party != p->at.entry))
            continue;
        arena_reset(arena);
        const struct notice_day *days = notice_run_days(b, run, now, arena, &n);
        notice_run_add_up(days, n, ACT_FOREVER, &sum);
        if (sum.published)
            return true;
    }
    return false;
}

static void warn_failed(const struct warning *w, const struct notice_party *p)
{
    for (size_t i = 0; i < w->b->n_notices; i++) {
        const struct notice *n = &w->b->notices[i];
        bool again = false;
        if (n->act.party != p->at.entry || !notice_has_failed(n->state))
            continue;
        for (size_t k = i + 1; k < w->b->n_notices; k++)
            again |= w->b->notices[k].act.party == p->at.entry;
        if (again)
            continue;
        buf_str(w->out, "party ");
        put_name(w->out, p->act.name);
        buf_printf(w->out, ": notice %llu %s, and there was no other try since",
                   (unsigned long long)n->at.entry, notice_state_name(n->state));
        const struct notice_contact *next = notice_next_contact(
            w->b, p, span_of(NULL, 0), span_of(NULL, 0), span_of(NULL, 0), true);
        if (next) {
            buf_str(w->out, "; next: ");
            put_name(w->out, next->act.channel);
            buf_byte(w->out, ' ');
            put_name(w->out, next->act.address);
        } else {
            buf_str(w->out, "; no other contact is on record");
        }
        buf_byte(w->out, '\n');
    }
}

static void warn_answer(const struct warning *w, const struct notice_party *p)
{
    const struct notice_hearing *h = notice_hearing_of(w->b, p->act.order);
    int64_t deadline = notice_deadline(w->b, p, h);
    if (deadline == ACT_FOREVER || notice_answer_of(w->b, p, h, "response") ||
        notice_answer_of(w->b, p, h, "default"))
        return;
    if (w->now < deadline && deadline - w->now > w->within)
        return;
    buf_str(w->out, "party ");
    put_name(w->out, p->act.name);
    buf_str(w->out, w->now < deadline
                        ? ": no answer yet; the deadline is on "
                        : ": no answer and no default on record; the deadline was on ");
    put_date(w->out, deadline);
    buf_byte(w->out, '\n');
}

static void warn_party(const struct warning *w, const struct notice_party *p, struct arena *arena)
{
    if (!has_notice(w->b, p, w->now, arena)) {
        buf_str(w->out, "party ");
        put_name(w->out, p->act.name);
        buf_str(w->out, ": has had no notice\n");
    }
    warn_failed(w, p);
    warn_answer(w, p);
}

static void begin_run(const struct warning *w, const struct notice_run *run)
{
    buf_printf(w->out, "run %llu in ", (unsigned long long)run->at.entry);
    put_name(w->out, run->act.outlet);
    buf_str(w->out, ": ");
}

/* Days that need a word; each on its own line, because each is to be asked for. */
static void warn_days(const struct warning *w, const struct notice_run *run,
                      const struct notice_day *days, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (days[i].state != NOTICE_DAY_UNKNOWN)
            continue;
        begin_run(w, run);
        put_date(w->out, days[i].when);
        buf_str(w->out, " is over, and nobody said whether it appeared\n");
    }
}

static void warn_run(const struct warning *w, const struct notice_run *run, struct arena *arena)
{
    const struct notice_hearing *h = notice_hearing_of(w->b, run->act.order);
    const struct notice_party *p = run->act.party ? notice_party_at(w->b, run->act.party) : NULL;
    int64_t end = !h ? ACT_FOREVER : p ? notice_deadline(w->b, p, h) : h->act.deadline;
    if (h && h->act.when < end)
        end = h->act.when;
    struct notice_run_sum sum;
    size_t n, wanted = NOTICE_RUN_DAYS;
    arena_reset(arena);
    const struct notice_day *days = notice_run_days(w->b, run, w->now, arena, &n);
    notice_run_add_up(days, n, end, &sum);
    warn_days(w, run, days, n);
    if (sum.missed > sum.extra) {
        begin_run(w, run);
        buf_printf(w->out, "%zu %s missed without another day instead\n", sum.missed - sum.extra,
                   sum.missed - sum.extra == 1 ? "day was" : "days were");
    }
    if (end == ACT_FOREVER || sum.in_time >= wanted)
        return;
    begin_run(w, run);
    buf_printf(w->out, "%zu of %zu days before ", sum.in_time, wanted);
    put_date(w->out, end);
    buf_printf(w->out, ", the %s: %zu more are needed\n",
               h && end == h->act.when ? "hearing" : "deadline", wanted - sum.in_time);
}

void notice_warnings(const struct notice_book *b, uint64_t order, const struct notice_party *party,
                     int64_t now, int64_t within, struct buf *out)
{
    struct warning w = {b, now, within, out};
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < b->n_parties; i++) {
        const struct notice_party *p = &b->parties[i];
        if (!p->at.withdrawn && (!order || p->act.order == order) && (!party || p == party))
            warn_party(&w, p, &arena);
    }
    for (size_t i = 0; i < b->n_runs; i++) {
        const struct notice_run *run = &b->runs[i];
        if (!run->at.withdrawn && (!order || run->act.order == order) &&
            (!party || !run->act.party || run->act.party == party->at.entry))
            warn_run(&w, run, &arena);
    }
    arena_free(&arena);
}
