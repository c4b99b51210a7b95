#include "state/reviews.h"

#include <errno.h>

#include "event/event.h"
#include "state/accounts.h"
#include "state/reviews_impl.h"

/* place: where lists have a lead: its status, or REVIEW_WITHDRAWN. class: less for a higher price.
 */
static const char schema[] =
    "CREATE TABLE review_leads(lead INTEGER PRIMARY KEY, time INTEGER, class INTEGER,"
    " rank INTEGER, place INTEGER, status INTEGER, withdrawn INTEGER, of INTEGER, assigned TEXT,"
    " four_eyes INTEGER, pending INTEGER, heard INTEGER, acted INTEGER, claims INTEGER);"
    "CREATE INDEX review_order ON review_leads(place, rank, class, lead);"
    "CREATE INDEX review_class ON review_leads(place, class, rank);"
    "CREATE INDEX review_assigned ON review_leads(assigned, place, rank, class, lead)"
    " WHERE assigned<>'';"
    "CREATE TABLE reviews(entry INTEGER PRIMARY KEY, lead INTEGER, kind INTEGER, time INTEGER,"
    " what TEXT, value TEXT, other INTEGER, why TEXT, account TEXT, state TEXT, settled INTEGER,"
    " content BLOB, wraps BLOB, size INTEGER, known TEXT);"
    "CREATE INDEX reviews_of ON reviews(lead, entry);"
    "CREATE INDEX reviews_facts ON reviews(other, entry) WHERE what='novelty';"
    "CREATE TABLE review_tags(tag TEXT, lead INTEGER, PRIMARY KEY(tag, lead)) WITHOUT ROWID;"
    "CREATE INDEX review_tags_of ON review_tags(lead, tag);"
    "CREATE TABLE review_conflicts(lead INTEGER, account TEXT, entry INTEGER,"
    " PRIMARY KEY(lead, account)) WITHOUT ROWID;"
    "CREATE TABLE review_links(lead INTEGER, to_entry INTEGER, kind INTEGER, entry INTEGER,"
    " PRIMARY KEY(lead, to_entry)) WITHOUT ROWID;"
    "CREATE TABLE review_words(word BLOB, entry INTEGER, lead INTEGER,"
    " PRIMARY KEY(word, entry)) WITHOUT ROWID;"
    "CREATE TABLE review_people(account TEXT PRIMARY KEY, roles INTEGER) WITHOUT ROWID;";

/* ---- vocabulary ---- */

static const struct {
    const char *name;
    bool decides;
    const char *next;
} statuses[REVIEW_STATUSES] = {
#define STATUS(symbol, name_, decides_, next_) [REVIEW_##symbol] = {name_, decides_, next_},
#include "state/review_status.def"
};

const char *review_status_name(enum review_status s)
{
    return (unsigned)s < REVIEW_STATUSES ? statuses[s].name : NULL;
}

bool review_status_parse(struct span name, enum review_status *out)
{
    for (unsigned i = 0; i < REVIEW_STATUSES; i++)
        if (span_is(name, statuses[i].name)) {
            *out = (enum review_status)i;
            return true;
        }
    return false;
}

bool review_status_decides(enum review_status s)
{
    return (unsigned)s < REVIEW_STATUSES && statuses[s].decides;
}

const char *review_status_next(enum review_status from)
{
    return (unsigned)from < REVIEW_STATUSES ? statuses[from].next : "";
}

bool review_status_may(enum review_status from, enum review_status to)
{
    const char *name = review_status_name(to), *at = review_status_next(from);
    for (size_t n; name && *at; at += n + (at[n] == ' ')) {
        n = strcspn(at, " ");
        if (span_is(span_of(at, n), name))
            return true;
    }
    return false;
}

bool review_tag_is_good(struct span tag)
{
    if (!tag.n || tag.n > REVIEW_TAG_MAX || tag.p[0] == '-' || !span_is_utf8(tag))
        return false;
    for (size_t i = 0; i < tag.n; i++) {
        uint8_t c = tag.p[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                    c == '.' || c == ':';
        /* Of what is beyond ASCII, no C1 controls, and nothing of the blocks that have bidi
         * controls, zero-width characters (U+2000 to U+206F) or the byte order mark. */
        if (c >= 0x80)
            good = !(c == 0xc2 && tag.p[i + 1] < 0xa0) &&
                   !(c == 0xe2 && (tag.p[i + 1] == 0x80 || tag.p[i + 1] == 0x81)) &&
                   !(c == 0xd8 && tag.p[i + 1] == 0x9c) && c != 0xef;
        if (!good)
            return false;
    }
    return true;
}

unsigned review_approvers(uint8_t kind)
{
    static const struct {
        uint8_t kind;
        unsigned roles;
    } rules[] = {
#define APPROVES(kind_, roles_) {kind_, roles_},
#include "state/review_approvals.def"
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].kind == kind)
            return rules[i].roles;
    return 0;
}

bool review_has_conflict(const struct sql *db, uint64_t lead, struct span account)
{
    return sql_int(db, 0, "SELECT 1 FROM review_conflicts WHERE lead=? AND account=?", "it",
                   (int64_t)lead, account) == 1;
}

bool reviews_conflict(struct pursuit *p, uint64_t lead, struct span account)
{
    return review_has_conflict(pursuit_sql(p), lead, account);
}

bool review_has_role(const struct sql *db, struct span account, unsigned roles)
{
    int64_t has = sql_int(db, -1, "SELECT roles FROM review_people WHERE account=?", "t", account);
    return has >= 0 && (unsigned)has & roles;
}

/* ---- leads come ---- */

static int take_account(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_account a;
    if (act_account_read(act->payload, &a) < 0 || !account_name_is_good(a.name))
        return err_set(err, -EBADMSG, "not an account");
    return sql_run(db, err, "INSERT OR REPLACE INTO review_people VALUES(?,?)", "ti", a.name,
                   (int64_t)account_roles_parse(a.roles));
}

static int take_lead(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_lead a;
    if (act_lead_read(act->payload, &a) < 0)
        return err_set(err, -EBADMSG, "not a lead");
    int64_t class = -(int64_t)(a.work < REVIEW_CLASS_MAX ? a.work : REVIEW_CLASS_MAX);
    int64_t head = sql_int(db, 1, "SELECT min(rank) FROM review_leads WHERE place=0", "");
    int64_t last =
        sql_int(db, 0, "SELECT max(rank) FROM review_leads WHERE place=0 AND class=?", "i", class);
    int64_t rank = (head - 1 > last ? head - 1 : last) + 1;
    return sql_run(db, err, "INSERT INTO review_leads VALUES(?,?,?,?,0,0,0,0,'',0,0,0,0,0)", "iiii",
                   (int64_t)act->index, act->time, class, rank);
}

/* ---- acts about them ---- */

/* A row of the history. */
struct row {
    uint64_t lead, other, size;
    struct span what, value, why, content, wraps, known;
    const char *state;
};

static int put_row(const struct sql *db, const struct pursuit_act *act, const struct row *r,
                   struct err *err)
{
    return sql_run(db, err, "INSERT INTO reviews VALUES(?,?,?,?,?,?,?,?,?,?,0,?,?,?,?)",
                   "iiiittitttbbit", (int64_t)act->index, (int64_t)r->lead, (int64_t)act->kind,
                   act->time, r->what, r->value, (int64_t)r->other, r->why, act->account,
                   span_str(r->state), r->content, r->wraps, (int64_t)r->size, r->known);
}

static int touch(const struct sql *db, const struct pursuit_act *act, uint64_t lead,
                 struct err *err)
{
    return sql_run(db, err, "UPDATE review_leads SET acted=? WHERE lead=?", "ii",
                   (int64_t)act->index, (int64_t)lead);
}

static int take_message(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_lead_message a;
    if (act_lead_message_read(act->payload, &a) < 0)
        return err_set(err, -EBADMSG, "not a message");
    struct row row = {.lead = a.lead, .other = a.offer, .what = a.what, .state = "done"};
    int rc = put_row(db, act, &row, err);
    if (rc == 0 && (span_is(a.what, "answer") || span_is(a.what, "payment")))
        return touch(db, act, a.lead, err);
    if (rc == 0)
        rc =
            sql_run(db, err, "UPDATE review_leads SET heard=?, claims=claims+? WHERE lead=?", "iii",
                    (int64_t)act->index, (int64_t)span_is(a.what, "claim"), (int64_t)a.lead);
    if (rc == 0 && span_is(a.what, "withdrawal"))
        rc = sql_run(db, err, "UPDATE review_leads SET withdrawn=?, place=? WHERE lead=?", "iii",
                     (int64_t)act->index, (int64_t)REVIEW_WITHDRAWN, (int64_t)a.lead);
    return rc;
}

int review_apply_status(const struct sql *db, uint64_t lead, struct span name, uint64_t of,
                        struct err *err)
{
    enum review_status to;
    int64_t from =
        sql_int(db, -1, "SELECT status FROM review_leads WHERE lead=?", "i", (int64_t)lead);
    if (!review_status_parse(name, &to))
        return err_set(err, -EINVAL, "no such status");
    if (from >= 0 && !review_status_may((enum review_status)from, to))
        return err_set(err, -EINVAL, "%s does not follow %s", review_status_name(to),
                       review_status_name((enum review_status)from));
    if (to == REVIEW_DUPLICATE &&
        (of == lead || sql_int(db, -1, "SELECT status FROM review_leads WHERE lead=?", "i",
                               (int64_t)of) == REVIEW_DUPLICATE))
        return err_set(err, -EINVAL, "a duplicate of itself, or of a duplicate");
    return sql_run(db, err,
                   "UPDATE review_leads SET status=?1, of=?2,"
                   " place=CASE WHEN withdrawn THEN place ELSE ?1 END WHERE lead=?3",
                   "iii", (int64_t)to, (int64_t)(to == REVIEW_DUPLICATE ? of : 0), (int64_t)lead);
}

int review_apply_four_eyes(const struct sql *db, uint64_t lead, bool on, struct err *err)
{
    return sql_run(db, err, "UPDATE review_leads SET four_eyes=? WHERE lead=?", "ii", (int64_t)on,
                   (int64_t)lead);
}

static bool wants_two(const struct sql *db, uint64_t lead)
{
    return sql_int(db, 0, "SELECT four_eyes FROM review_leads WHERE lead=?", "i", (int64_t)lead) ==
           1;
}

/* A decision: at once, or pending. */
static int decide(const struct sql *db, const struct pursuit_act *act, const struct row *row,
                  bool pending, struct err *err)
{
    struct row r = *row;
    r.state = pending ? "pending" : "done";
    int rc = put_row(db, act, &r, err);
    return rc == 0 && pending
               ? sql_run(db, err, "UPDATE review_leads SET pending=pending+1 WHERE lead=?", "i",
                         (int64_t)r.lead)
               : rc;
}

static int take_status(const struct sql *db, const struct pursuit_act *act, const struct row *row,
                       struct err *err)
{
    enum review_status to;
    bool pending = review_status_parse(row->value, &to) && review_status_decides(to) &&
                   wants_two(db, row->lead);
    /* Tried also when it is pending: what could not be now is refused now. */
    sqlite3_exec(db->db, "SAVEPOINT try", NULL, NULL, NULL);
    int rc = review_apply_status(db, row->lead, row->value, row->other, err);
    if (pending || rc < 0)
        sqlite3_exec(db->db, "ROLLBACK TO try", NULL, NULL, NULL);
    sqlite3_exec(db->db, "RELEASE try", NULL, NULL, NULL);
    return rc < 0 ? rc : decide(db, act, row, pending, err);
}

static int take_four_eyes(const struct sql *db, const struct pursuit_act *act,
                          const struct row *row, struct err *err)
{
    bool on = span_is(row->what, "four-eyes"), pending = !on && wants_two(db, row->lead);
    int rc = pending ? 0 : review_apply_four_eyes(db, row->lead, on, err);
    return rc < 0 ? rc : decide(db, act, row, pending, err);
}

static int take_assign(const struct sql *db, const struct pursuit_act *act, const struct row *row,
                       struct err *err)
{
    if (review_has_conflict(db, row->lead, row->value))
        return err_set(err, -EPERM, "assigned to an account with a conflict of interest");
    int rc = sql_run(db, err, "UPDATE review_leads SET assigned=? WHERE lead=?", "ti", row->value,
                     (int64_t)row->lead);
    return rc == 0 ? decide(db, act, row, false, err) : rc;
}

static int take_tag(const struct sql *db, const struct pursuit_act *act, const struct row *row,
                    struct err *err)
{
    if (!review_tag_is_good(row->value))
        return err_set(err, -EBADMSG, "not a tag");
    int rc = sql_run(db, err,
                     span_is(row->what, "tag") ? "INSERT OR IGNORE INTO review_tags VALUES(?,?)"
                                               : "DELETE FROM review_tags WHERE tag=? AND lead=?",
                     "ti", row->value, (int64_t)row->lead);
    return rc == 0 ? decide(db, act, row, false, err) : rc;
}

/* Whose conflict it is cannot say that it is over; a custodian can. */
static int take_conflict(const struct sql *db, const struct pursuit_act *act, const struct row *row,
                         struct err *err)
{
    int rc;
    if (!account_name_is_good(row->value))
        return err_set(err, -EBADMSG, "a conflict of nobody");
    if (span_is(row->what, "conflict")) {
        rc = sql_run(db, err, "INSERT OR IGNORE INTO review_conflicts VALUES(?,?,?)", "iti",
                     (int64_t)row->lead, row->value, (int64_t)act->index);
    } else {
        if (span_eq(row->value, act->account) || !review_has_role(db, act->account, ROLE_CUSTODIAN))
            return err_set(err, -EPERM, "a conflict of interest is lifted by another, a custodian");
        rc = sql_run(db, err, "DELETE FROM review_conflicts WHERE lead=? AND account=?", "it",
                     (int64_t)row->lead, row->value);
    }
    return rc == 0 ? decide(db, act, row, false, err) : rc;
}

static int take_note(const struct sql *db, const struct pursuit_act *act, const struct row *row,
                     struct err *err)
{
    return row->content.n ? decide(db, act, row, false, err)
                          : err_set(err, -EBADMSG, "a note without its text");
}

static int take_link(const struct sql *db, const struct pursuit_act *act, const struct row *row,
                     struct err *err)
{
    int64_t kind = sql_int(db, 0, "SELECT kind FROM acts WHERE entry=?", "i", (int64_t)row->other);
    if (kind != KIND_SUBJECT && kind != KIND_FACT)
        return err_set(err, -EINVAL, "linked to what is no subject and no fact");
    int rc = sql_run(db, err, "INSERT OR IGNORE INTO review_links VALUES(?,?,?,?)", "iiii",
                     (int64_t)row->lead, (int64_t)row->other, kind, (int64_t)act->index);
    return rc == 0 ? decide(db, act, row, false, err) : rc;
}

static const struct {
    const char *what;
    int (*take)(const struct sql *db, const struct pursuit_act *act, const struct row *row,
                struct err *err);
} takers[] = {
    {"status", take_status},
    {"assign", take_assign},
    {"tag", take_tag},
    {"untag", take_tag},
    {"note", take_note},
    {"conflict", take_conflict},
    {"no-conflict", take_conflict},
    {"four-eyes", take_four_eyes},
    {"two-eyes", take_four_eyes},
    {"link", take_link},
};

static int take_review(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_lead_review a;
    if (act_lead_review_read(act->payload, &a) < 0)
        return err_set(err, -EBADMSG, "not a review");
    struct row row = {.lead = a.lead,
                      .other = a.other,
                      .what = a.what,
                      .value = a.value,
                      .why = a.why,
                      .content = a.content,
                      .wraps = a.wraps};
    int rc = err_set(err, -EBADMSG, "a review that says nothing we know");
    if (!act->account.n ||
        (review_has_conflict(db, a.lead, act->account) && !span_is(a.what, "conflict")))
        return err_set(err, -EPERM, "a review by nobody, or by who has a conflict of interest");
    for (size_t i = 0; i < sizeof takers / sizeof *takers; i++)
        if (span_is(a.what, takers[i].what))
            rc = takers[i].take(db, act, &row, err);
    if (rc == 0)
        rc = review_words_put(db, a.lead, act->index, a.why, err);
    if (rc == 0 && !span_is(a.what, "conflict"))
        rc = review_words_put(db, a.lead, act->index, a.value, err);
    return rc == 0 ? touch(db, act, a.lead, err) : rc;
}

static int take_novelty(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_novelty a;
    if (act_novelty_read(act->payload, &a) < 0 || !a.fact ||
        !(span_is(a.verdict, "new") || span_is(a.verdict, "known") || span_is(a.verdict, "part")))
        return err_set(err, -EBADMSG, "not a decision about a fact");
    if (!act->account.n || review_has_conflict(db, a.lead, act->account))
        return err_set(err, -EPERM, "a decision by nobody, or by who has a conflict of interest");
    struct row row = {.lead = a.lead,
                      .other = a.fact,
                      .what = span_str("novelty"),
                      .value = a.verdict,
                      .why = a.why,
                      .size = a.size,
                      .known = a.known};
    int rc = decide(db, act, &row, wants_two(db, a.lead), err);
    if (rc == 0)
        rc = review_words_put(db, a.lead, act->index, a.why, err);
    return rc == 0 ? touch(db, act, a.lead, err) : rc;
}

/* What others decide about: for the history alone. */
static int take_history(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_lead_deletion deletion;
    struct act_eligibility check;
    struct act_award award;
    struct row row = {.state = "done"};
    if (act->kind == KIND_LEAD_DELETION && act_lead_deletion_read(act->payload, &deletion) == 0)
        row = (struct row){.lead = deletion.lead,
                           .what = span_str("delete"),
                           .why = deletion.why,
                           .state = "pending"};
    else if (act->kind == KIND_ELIGIBILITY && act_eligibility_read(act->payload, &check) == 0)
        row = (struct row){.lead = check.lead,
                           .what = check.check,
                           .value = check.answer,
                           .other = check.offer,
                           .why = check.why,
                           .state = "done"};
    else if (act->kind == KIND_AWARD && act_award_read(act->payload, &award) == 0)
        row = (struct row){.lead = award.lead,
                           .what = span_str("award"),
                           .other = award.offer,
                           .why = award.why,
                           .state = "pending"};
    else
        return err_set(err, -EBADMSG, "not an act about a lead");
    if (!act->account.n || review_has_conflict(db, row.lead, act->account))
        return err_set(err, -EPERM, "by nobody, or by who has a conflict of interest");
    int rc = put_row(db, act, &row, err);
    if (rc == 0)
        rc = review_words_put(db, row.lead, act->index, row.why, err);
    return rc == 0 ? touch(db, act, row.lead, err) : rc;
}

static int take(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    switch (act->kind) {
    case KIND_ACCOUNT:
        return take_account(db, act, err);
    case KIND_LEAD:
        return take_lead(db, act, err);
    case KIND_LEAD_MESSAGE:
        return take_message(db, act, err);
    case KIND_LEAD_REVIEW:
        return take_review(db, act, err);
    case KIND_NOVELTY:
        return take_novelty(db, act, err);
    case KIND_LEAD_DELETION:
    case KIND_ELIGIBILITY:
    case KIND_AWARD:
        return take_history(db, act, err);
    case KIND_APPROVAL:
        return review_take_approval(db, act, err);
    default:
        return 1;
    }
}

const struct pursuit_noun reviews_noun = {schema, take};
