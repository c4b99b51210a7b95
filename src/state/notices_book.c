/* The campaign read whole, and what is looked up in it. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "state/notices.h"

/* ---- rows ---- */

static struct span kept(struct arena *arena, sqlite3_stmt *s, int column)
{
    struct span v = sql_text(s, column);
    return v.n ? span_of(arena_copy(arena, v.p, v.n), v.n) : span_of(NULL, 0);
}

static void read_at(struct arena *arena, sqlite3_stmt *s, struct notice_at *at)
{
    at->entry = (uint64_t)sqlite3_column_int64(s, 0);
    at->time = sqlite3_column_int64(s, 1);
    at->account = kept(arena, s, 2);
    at->withdrawn = sqlite3_column_int(s, 3) != 0;
}

/* Behind entry, time, account and withdrawn come the act's members, in the order of the table. */
#define ACT(name)                                                                                  \
    static void read_##name(struct arena *arena, sqlite3_stmt *s, struct act_##name *a)            \
    {                                                                                              \
        int i = 7;
#define TEXT(key)   a->key = kept(arena, s, i++);
#define BYTES(key)  a->key = kept(arena, s, i++);
#define DIGEST(key) a->key = kept(arena, s, i++);
#define UINT(key)   a->key = (uint64_t)sqlite3_column_int64(s, i++);
#define TIME(key)   a->key = sqlite3_column_int64(s, i++);
#define TRUE(key)   a->key = sqlite3_column_int(s, i++) != 0;
#define END         }
#include "event/act_notice.def"
#undef ACT
#undef TEXT
#undef BYTES
#undef DIGEST
#undef UINT
#undef TIME
#undef TRUE
#undef END

/* 0..3 as read_at() wants them, then the whole row. */
#define ROWS_OF(table)                                                                             \
    "SELECT t.entry, t.time, t.account, EXISTS(SELECT 1 FROM withdrawn w WHERE w.of=t.entry), t.*" \
    " FROM " table " t ORDER BY t.entry"

static void read_mail(struct arena *arena, sqlite3_stmt *s, struct notice_mail *m)
{
    m->kind = kept(arena, s, 7);
    m->report = (uint64_t)sqlite3_column_int64(s, 8);
    m->attempt = (uint64_t)sqlite3_column_int64(s, 9);
    struct span *const texts[] = {&m->what, &m->text,    &m->status,     &m->by,
                                  &m->why,  &m->contact, &m->message_id, &m->sha256};
    for (int i = 0; i < 8; i++)
        *texts[i] = kept(arena, s, 10 + i);
}

/* Reads a table into an array of the book. */
#define READ_ALL(table, type, array, count, read)                                                  \
    static int all_##array(const struct sql *db, struct notice_book *b, struct err *err)           \
    {                                                                                              \
        sqlite3_stmt *s = sql_prepare(db, err, ROWS_OF(table), "");                                \
        size_t cap = 0;                                                                            \
        int rc = s ? 0 : -EIO;                                                                     \
        while (rc == 0 && (rc = sql_step(db, s, err)) == 1) {                                      \
            b->array = mem_room(b->array, b->count, &cap, sizeof *b->array);                       \
            type *row = &b->array[b->count++];                                                     \
            memset(row, 0, sizeof *row);                                                           \
            read_at(&b->arena, s, &row->at);                                                       \
            read;                                                                                  \
            rc = 0;                                                                                \
        }                                                                                          \
        sqlite3_finalize(s);                                                                       \
        return rc;                                                                                 \
    }
#define READ_ACTS(act_name, type, array, count)                                                    \
    READ_ALL(#act_name, type, array, count, read_##act_name(&b->arena, s, &row->act))
READ_ACTS(party, struct notice_party, parties, n_parties)
READ_ACTS(party_contact, struct notice_contact, contacts, n_contacts)
READ_ACTS(notice_template, struct notice_words, words, n_words)
READ_ACTS(notice, struct notice, notices, n_notices)
READ_ACTS(notice_result, struct notice_result, results, n_results)
READ_ACTS(publication, struct notice_run, runs, n_runs)
READ_ACTS(insertion, struct notice_insertion, insertions, n_insertions)
READ_ACTS(hearing, struct notice_hearing, hearings, n_hearings)
READ_ACTS(answer, struct notice_answer, answers, n_answers)
READ_ALL("notice_mail", struct notice_mail, mails, n_mails, read_mail(&b->arena, s, row))

/* ---- how each notice fares ---- */

/* A report and the notice that it carries. */
struct carrier {
    uint64_t report;
    struct notice *notice;
};

/* Rows are in the order of their entries, which stand at the same place in each. */
static void *find(void *rows, size_t n, size_t size, uint64_t entry)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        uint64_t at = *(const uint64_t *)((const char *)rows + mid * size);
        if (at == entry)
            return (char *)rows + mid * size;
        if (at < entry)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}
#define FIND(array, count, entry) find(array, count, sizeof *(array), entry)
_Static_assert(offsetof(struct notice_at, entry) == 0 && offsetof(struct notice, at) == 0 &&
                   offsetof(struct notice_party, at) == 0 && offsetof(struct carrier, report) == 0,
               "find()");

static int read_carriers(const struct sql *db, struct notice_book *b, struct carrier **out,
                         size_t *n, struct err *err)
{
    sqlite3_stmt *s = sql_prepare(db, err,
                                  "SELECT m.entry, n.entry FROM notice_mail m JOIN notice n"
                                  " ON n.message_id=m.message_id AND n.sha256=m.sha256"
                                  " WHERE m.what='queued' AND m.message_id<>'' ORDER BY m.entry",
                                  "");
    size_t cap = 0;
    int rc = s ? 0 : -EIO;
    while (rc == 0 && (rc = sql_step(db, s, err)) == 1) {
        struct notice *notice =
            FIND(b->notices, b->n_notices, (uint64_t)sqlite3_column_int64(s, 1));
        uint64_t report = (uint64_t)sqlite3_column_int64(s, 0);
        *out = mem_room(*out, *n, &cap, sizeof **out);
        (*out)[(*n)++] = (struct carrier){report, notice};
        if (notice && !notice->report)
            notice->report = report;
        rc = 0;
    }
    sqlite3_finalize(s);
    return rc;
}

struct word_state {
    const char *word;
    enum notice_state state;
};

static enum notice_state state_of(const struct word_state *words, size_t n, struct span word,
                                  enum notice_state otherwise)
{
    for (size_t i = 0; i < n; i++)
        if (span_is(word, words[i].word))
            return words[i].state;
    return otherwise;
}

/* What came back is the last word about a mail, whatever the courier says of it later. */
static void after_mail(struct notice *n, const struct notice_mail *m)
{
    static const struct word_state words[] = {
        {"queued", NOTICE_QUEUED},     {"trying", NOTICE_TRYING},   {"sent", NOTICE_SENT},
        {"deferred", NOTICE_DEFERRED}, {"refused", NOTICE_REFUSED}, {"cancelled", NOTICE_CANCELLED},
        {"doubtful", NOTICE_DOUBTFUL}, {"bounce", NOTICE_BOUNCED},  {"reply", NOTICE_REPLIED},
    };
    bool came_back = n->state == NOTICE_BOUNCED || n->state == NOTICE_REPLIED;
    bool comes_back = span_is(m->kind, "report_returned");
    bool soft = span_is(m->what, "bounce") && m->status.n && m->status.p[0] != '5';
    if ((came_back && !comes_back) || soft)
        return;
    n->state = state_of(words, sizeof words / sizeof *words, m->what, n->state);
}

static void after_result(struct notice *n, const struct notice_result *r)
{
    static const struct word_state words[] = {
        {"sent", NOTICE_SENT},        {"posted", NOTICE_SENT},     {"delivered", NOTICE_DELIVERED},
        {"served", NOTICE_DELIVERED}, {"reply", NOTICE_REPLIED},   {"answered", NOTICE_REPLIED},
        {"bounced", NOTICE_BOUNCED},  {"refused", NOTICE_REFUSED},
    };
    n->state = state_of(words, sizeof words / sizeof *words, r->act.what, n->state);
}

/* Mails and results in the log's order. */
static void follow(struct notice_book *b, struct carrier *carriers, size_t n)
{
    size_t m = 0, r = 0;
    while (m < b->n_mails || r < b->n_results) {
        bool mail =
            r == b->n_results || (m < b->n_mails && b->mails[m].at.entry < b->results[r].at.entry);
        if (mail) {
            struct carrier *c = FIND(carriers, n, b->mails[m].report);
            if (c && c->notice)
                after_mail(c->notice, &b->mails[m]);
            m++;
        } else {
            struct notice *notice = FIND(b->notices, b->n_notices, b->results[r].act.notice);
            if (notice)
                after_result(notice, &b->results[r]);
            r++;
        }
    }
}

static void read_days(struct notice_book *b)
{
    for (size_t i = 0; i < b->n_runs; i++) {
        struct notice_run *run = &b->runs[i];
        run->days = arena_alloc(&b->arena, NOTICE_DATES_MAX * sizeof *run->days);
        if (!notice_dates_parse(run->act.dates, run->days, &run->n_days))
            run->n_days = 0;
    }
}

int notices_read(struct pursuit *p, struct notice_book *out, struct err *err)
{
    static int (*const all[])(const struct sql *, struct notice_book *, struct err *) = {
        all_parties, all_contacts,   all_words,    all_notices, all_results,
        all_runs,    all_insertions, all_hearings, all_answers, all_mails};
    struct carrier *carriers = NULL;
    size_t n = 0;
    int rc = 0;
    arena_init(&out->arena);
    for (size_t i = 0; rc == 0 && i < sizeof all / sizeof *all; i++)
        rc = all[i](pursuit_sql(p), out, err);
    if (rc == 0)
        rc = read_carriers(pursuit_sql(p), out, &carriers, &n, err);
    if (rc == 0) {
        follow(out, carriers, n);
        read_days(out);
    }
    free(carriers);
    return rc;
}

void notice_book_free(struct notice_book *b)
{
    void *const arrays[] = {b->parties, b->contacts, b->words,      b->notices,  b->results,
                            b->mails,   b->runs,     b->insertions, b->hearings, b->answers};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
    arena_free(&b->arena);
    *b = (struct notice_book){0};
}

/* ---- looking up ---- */

const char *notice_state_name(enum notice_state state)
{
    static const char *const names[NOTICE_STATES] = {"made",     "queued",  "trying",    "deferred",
                                                     "doubtful", "sent",    "delivered", "replied",
                                                     "bounced",  "refused", "cancelled"};
    return state < NOTICE_STATES ? names[state] : "";
}

const struct notice_party *notice_party_at(const struct notice_book *b, uint64_t entry)
{
    return FIND(b->parties, b->n_parties, entry);
}

const struct notice_contact *notice_contact_at(const struct notice_book *b, uint64_t entry)
{
    return FIND(b->contacts, b->n_contacts, entry);
}

const struct notice *notice_at(const struct notice_book *b, uint64_t entry)
{
    return FIND(b->notices, b->n_notices, entry);
}

const struct notice_run *notice_run_at(const struct notice_book *b, uint64_t entry)
{
    return FIND(b->runs, b->n_runs, entry);
}

const struct notice_words *notice_words_at(const struct notice_book *b, uint64_t entry)
{
    return FIND(b->words, b->n_words, entry);
}

/* Digits alone, as an entry's index; 0: it is not that. */
static uint64_t entry_of(struct span s)
{
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9' || v > UINT64_MAX / 100)
            return 0;
        v = v * 10 + (s.p[i] - '0');
    }
    return v;
}

const struct notice_party *notice_find_party(const struct notice_book *b, struct span name)
{
    for (size_t i = b->n_parties; i-- > 0;)
        if (!b->parties[i].at.withdrawn && span_eq(b->parties[i].act.name, name))
            return &b->parties[i];
    const struct notice_party *p = notice_party_at(b, entry_of(name));
    return p && !p->at.withdrawn ? p : NULL;
}

const struct notice_words *notice_find_words(const struct notice_book *b, struct span name,
                                             struct span form, struct span language)
{
    const struct notice_words *found = NULL;
    for (size_t i = b->n_words; i-- > 0;) {
        const struct notice_words *w = &b->words[i];
        if (w->at.withdrawn || !span_eq(w->act.name, name) || !span_eq(w->act.form, form))
            continue;
        if (language.n && span_ieq(w->act.language, language))
            return w;
        if (!language.n && !w->act.original)
            return w;
        if (!language.n && !found)
            found = w;
    }
    return found;
}

/* The template's name under which a notice was made; empty: its bytes were given. */
static struct span made_as(const struct notice_book *b, const struct notice *n)
{
    const struct notice_words *w = n->act.template ? notice_words_at(b, n->act.template) : NULL;
    return w ? w->act.name : span_of(NULL, 0);
}

bool notice_has_had(const struct notice_book *b, const struct notice_party *p,
                    struct span template_name)
{
    for (size_t i = 0; i < b->n_notices; i++) {
        const struct notice *n = &b->notices[i];
        if (n->act.party == p->at.entry && span_is(n->act.channel, "mail") &&
            !notice_has_failed(n->state) && span_eq(made_as(b, n), template_name))
            return true;
    }
    return false;
}

/* Whether something of the template went to that contact: in vain, or (any) at all. */
static bool was_tried(const struct notice_book *b, uint64_t contact, struct span template_name,
                      bool any)
{
    for (size_t i = 0; i < b->n_notices; i++) {
        const struct notice *n = &b->notices[i];
        if (n->act.contact == contact && (any || notice_has_failed(n->state)) &&
            (!template_name.n || span_eq(made_as(b, n), template_name)))
            return true;
    }
    return false;
}

bool notice_contact_had(const struct notice_book *b, const struct notice_contact *k,
                        struct span template_name)
{
    return was_tried(b, k->at.entry, template_name, true);
}

const struct notice_contact *notice_next_contact(const struct notice_book *b,
                                                 const struct notice_party *p, struct span channel,
                                                 struct span template_name, struct span address,
                                                 bool fresh)
{
    for (size_t i = 0; i < b->n_contacts; i++) {
        const struct notice_contact *k = &b->contacts[i];
        if (k->at.withdrawn || k->act.party != p->at.entry ||
            (channel.n && !span_eq(k->act.channel, channel)) ||
            (address.n && !span_ieq(k->act.address, address)))
            continue;
        if (address.n || !was_tried(b, k->at.entry, template_name, fresh))
            return k;
    }
    return NULL;
}

/* ---- dates in court ---- */

const struct notice_hearing *notice_hearing_of(const struct notice_book *b, uint64_t order)
{
    for (size_t i = b->n_hearings; i-- > 0;)
        if (b->hearings[i].act.order == order && !b->hearings[i].at.withdrawn)
            return &b->hearings[i];
    return NULL;
}

const struct notice_answer *notice_answer_of(const struct notice_book *b,
                                             const struct notice_party *p,
                                             const struct notice_hearing *h, const char *what)
{
    for (size_t i = b->n_answers; h && i-- > 0;) {
        const struct notice_answer *a = &b->answers[i];
        if (!a->at.withdrawn && a->act.party == p->at.entry && a->act.hearing == h->at.entry &&
            span_is(a->act.what, what))
            return a;
    }
    return NULL;
}

int64_t notice_deadline(const struct notice_book *b, const struct notice_party *p,
                        const struct notice_hearing *h)
{
    const struct notice_answer *more = notice_answer_of(b, p, h, "extension");
    return more ? more->act.when : h ? h->act.deadline : ACT_FOREVER;
}
