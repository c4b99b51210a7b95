/* ebb notice status */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/notice/notice.h"

struct status {
    struct notice_case n;
    const struct notice_party *only; /* NULL: all */
    struct table *t;
};

static bool is_wanted(const struct status *s, uint64_t party)
{
    return !s->only || s->only->at.entry == party;
}

static struct span party_name(const struct status *s, uint64_t entry)
{
    const struct notice_party *p = notice_party_at(&s->n.book, entry);
    return p ? p->act.name : span_of(NULL, 0);
}

static void put_day(struct table *t, int64_t time)
{
    char text[UTC_TEXT_MAX];
    if (time == ACT_FOREVER)
        table_empty(t);
    else
        table_text(t, span_of(text, utc_format_date(time, text)));
}

/* ---- a row a party ---- */

static const struct table_column party_columns[] = {{"party", "party", TABLE_WORDS},
                                                    {"language", "language", TABLE_WORDS},
                                                    {"contacts", "contacts", TABLE_COUNT},
                                                    {"notices", "notices", TABLE_COUNT},
                                                    {"state", "state", TABLE_WORDS},
                                                    {"deadline", "deadline", TABLE_WORDS},
                                                    {"answer", "answer", TABLE_WORDS},
                                                    {"index", "entry", TABLE_ID},
                                                    {"order", NULL, TABLE_ID},
                                                    {"hearing", NULL, TABLE_WORDS},
                                                    {"next_channel", NULL, TABLE_WORDS},
                                                    {"next_address", NULL, TABLE_WORDS},
                                                    {0}};

/* How the party's best notice fares; the newest of those that are as good. */
static const struct notice *best_notice(const struct status *s, const struct notice_party *p,
                                        size_t *n)
{
    const struct notice *best = NULL;
    *n = 0;
    for (size_t i = 0; i < s->n.book.n_notices; i++) {
        const struct notice *w = &s->n.book.notices[i];
        if (w->act.party != p->at.entry)
            continue;
        ++*n;
        if (!best || notice_went_out(w->state) || !notice_went_out(best->state))
            best = w;
    }
    return best;
}

static void put_party(const struct status *s, const struct notice_party *p)
{
    const struct notice_hearing *h = notice_hearing_of(&s->n.book, p->act.order);
    struct span any = {0};
    size_t contacts = 0, notices;
    const struct notice *best = best_notice(s, p, &notices);
    const struct notice_contact *next = notice_next_contact(&s->n.book, p, any, any, any, true);
    for (size_t i = 0; i < s->n.book.n_contacts; i++)
        contacts +=
            s->n.book.contacts[i].act.party == p->at.entry && !s->n.book.contacts[i].at.withdrawn;
    table_text(s->t, p->act.name);
    table_text(s->t, p->act.language);
    table_uint(s->t, contacts);
    table_uint(s->t, notices);
    table_str(s->t, best ? notice_state_name(best->state) : "none");
    case_put_time(s->t, notice_deadline(&s->n.book, p, h));
    table_str(s->t, notice_answer_of(&s->n.book, p, h, "response")  ? "response"
                    : notice_answer_of(&s->n.book, p, h, "default") ? "default"
                                                                    : "none");
    table_uint(s->t, p->at.entry);
    table_uint(s->t, p->act.order);
    case_put_time(s->t, h ? h->act.when : ACT_FOREVER);
    table_text(s->t, next ? next->act.channel : any);
    table_text(s->t, next ? next->act.address : any);
    table_row_end(s->t);
}

/* ---- a row a notice ---- */

static const struct table_column notice_columns[] = {
    {"index", "entry", TABLE_ID},          {"party", "party", TABLE_WORDS},
    {"channel", "channel", TABLE_WORDS},   {"address", "address", TABLE_WORDS},
    {"language", "language", TABLE_WORDS}, {"state", "state", TABLE_WORDS},
    {"time", "made", TABLE_WORDS},         {"last", "last word", TABLE_WORDS},
    {"report", "report", TABLE_ID},        {"account", NULL, TABLE_WORDS},
    {"media", NULL, TABLE_WORDS},          {"sha256", NULL, TABLE_WORDS},
    {"template", NULL, TABLE_ID},          {"message_id", NULL, TABLE_WORDS},
    {"contact", NULL, TABLE_ID},           {0}};

/* The newest words about it: a server's, or a person's. */
static struct span last_words(const struct status *s, const struct notice *w)
{
    struct span text = {0};
    uint64_t at = 0;
    for (size_t i = 0; w->report && i < s->n.book.n_mails; i++) {
        const struct notice_mail *m = &s->n.book.mails[i];
        if (m->report == w->report && m->text.n) {
            text = m->text;
            at = m->at.entry;
        }
    }
    for (size_t i = 0; i < s->n.book.n_results; i++) {
        const struct notice_result *r = &s->n.book.results[i];
        if (r->act.notice == w->at.entry && r->at.entry > at && r->act.note.n)
            text = r->act.note;
    }
    return text;
}

static void put_notice(const struct status *s, const struct notice *w)
{
    const struct notice_contact *k = notice_contact_at(&s->n.book, w->act.contact);
    table_uint(s->t, w->at.entry);
    table_text(s->t, party_name(s, w->act.party));
    table_text(s->t, w->act.channel);
    table_text(s->t, k ? k->act.address : span_of(NULL, 0));
    table_text(s->t, w->act.language);
    table_str(s->t, notice_state_name(w->state));
    case_put_time(s->t, w->at.time);
    table_text(s->t, last_words(s, w));
    table_index(s->t, w->report);
    table_text(s->t, w->at.account);
    table_text(s->t, w->act.media);
    table_digest(s->t, w->act.sha256);
    table_index(s->t, w->act.template);
    table_text(s->t, w->act.message_id);
    table_uint(s->t, w->act.contact);
    table_row_end(s->t);
}

/* ---- a row a planned day ---- */

static const struct table_column run_columns[] = {{"run", "run", TABLE_ID},
                                                  {"outlet", "outlet", TABLE_WORDS},
                                                  {"place", "place", TABLE_WORDS},
                                                  {"planned", "planned", TABLE_WORDS},
                                                  {"state", "state", TABLE_WORDS},
                                                  {"when", "when", TABLE_WORDS},
                                                  {"page", "page", TABLE_WORDS},
                                                  {"insertion", "entry", TABLE_ID},
                                                  {"clipping", NULL, TABLE_WORDS},
                                                  {"document", NULL, TABLE_WORDS},
                                                  {"note", NULL, TABLE_WORDS},
                                                  {"language", NULL, TABLE_WORDS},
                                                  {0}};

static void put_run(struct status *s, const struct notice_run *run)
{
    static const struct act_insertion nothing;
    size_t n;
    const struct notice_day *d = notice_run_days(&s->n.book, run, s->n.now, &s->n.arena, &n);
    for (size_t i = 0; i < n; i++) {
        const struct act_insertion *a = d[i].insertion ? &d[i].insertion->act : &nothing;
        table_uint(s->t, run->at.entry);
        table_text(s->t, run->act.outlet);
        table_text(s->t, run->act.place);
        put_day(s->t, d[i].planned);
        table_str(s->t, notice_day_name(d[i].state));
        put_day(s->t, d[i].state == NOTICE_DAY_MISSED ? ACT_FOREVER : d[i].when);
        table_text(s->t, a->page);
        table_index(s->t, d[i].insertion ? d[i].insertion->at.entry : 0);
        table_digest(s->t, a->sha256);
        table_text(s->t, a->document);
        table_text(s->t, a->note);
        table_text(s->t, run->act.language);
        table_row_end(s->t);
    }
}

/* ---- the command ---- */

static void put_rows(struct status *s, bool notices, bool runs)
{
    const struct notice_book *b = &s->n.book;
    for (size_t i = 0; notices && i < b->n_notices; i++)
        if (is_wanted(s, b->notices[i].act.party))
            put_notice(s, &b->notices[i]);
    for (size_t i = 0; runs && i < b->n_runs; i++)
        if (!b->runs[i].at.withdrawn &&
            (!b->runs[i].act.party || is_wanted(s, b->runs[i].act.party)))
            put_run(s, &b->runs[i]);
    for (size_t i = 0; !notices && !runs && i < b->n_parties; i++)
        if (!b->parties[i].at.withdrawn && is_wanted(s, b->parties[i].at.entry))
            put_party(s, &b->parties[i]);
}

static void warn(const struct status *s, int64_t within)
{
    struct buf lines = {0};
    notice_warnings(&s->n.book, 0, s->only, s->n.now, within, &lines);
    for (struct cur c = cur_of(buf_as_span(&lines)); cur_left(&c);) {
        struct span line = cur_line(&c);
        fprintf(stderr, "ebb: warning: %.*s\n", (int)line.n, (const char *)line.p);
    }
    buf_free(&lines);
}

int cmd_notice_status(const struct cli *cli)
{
    struct status s = {0};
    struct casebook_clock clock;
    struct err err;
    const char *party = cli_get(cli, "party");
    bool notices = cli_has(cli, "notices"), runs = cli_has(cli, "runs");
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "notice status: takes no argument (%s)", cli->args[0]);
    if (notices && runs)
        return cli_fail(EXIT_USAGE, "notice status: --notices or --runs");
    int code = case_clock(cli, &clock);
    if (code)
        return code;
    int rc = notice_case_open(cli, &s.n, &err);
    if (rc == 0 && party)
        rc = notice_party_named(&s.n, party, &s.only, &err);
    if (rc == 0) {
        s.t = table_open(cli_shape(cli),
                         notices ? notice_columns
                         : runs  ? run_columns
                                 : party_columns,
                         stdout);
        put_rows(&s, notices, runs);
        if (table_close(s.t) < 0)
            rc = err_set(&err, -EIO, "output could not be written");
        else
            warn(&s, clock.within);
    }
    notice_case_close(&s.n);
    return rc < 0 ? notice_fail(rc, &err) : EXIT_DONE;
}
