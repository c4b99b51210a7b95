/* Approvals of what reviewers decide, and whose approval does not count. */
#include <errno.h>

#include "event/event.h"
#include "state/reviews_impl.h"

/* What is approved. */
struct target {
    uint64_t entry, lead, other;
    uint8_t kind;
    struct buf what, value, state;
};

static void free_target(struct target *t)
{
    buf_free(&t->what);
    buf_free(&t->value);
    buf_free(&t->state);
}

/* 1 found, 0 not. */
static int find_target(const struct sql *db, uint64_t entry, struct target *out, struct err *err)
{
    *out = (struct target){.entry = entry};
    sqlite3_stmt *s = sql_prepare(
        db, err, "SELECT lead, other, kind, what, value, state FROM reviews WHERE entry=?", "i",
        (int64_t)entry);
    int rc = s ? sql_step(db, s, err) : -EIO;
    if (rc == 1) {
        out->lead = (uint64_t)sqlite3_column_int64(s, 0);
        out->other = (uint64_t)sqlite3_column_int64(s, 1);
        out->kind = (uint8_t)sqlite3_column_int(s, 2);
        buf_span(&out->what, sql_text(s, 3));
        buf_span(&out->value, sql_text(s, 4));
        buf_span(&out->state, sql_text(s, 5));
    }
    sqlite3_finalize(s);
    return rc;
}

/* What was approved takes effect; 1: it cannot any more. */
static int apply(const struct sql *db, const struct target *t, struct err *err)
{
    struct span what = buf_as_span(&t->what), value = buf_as_span(&t->value);
    int rc = 0;
    if (t->kind != KIND_LEAD_REVIEW)
        return 0; /* novelty: counts by its state; awards, deletions: others' business */
    if (span_is(what, "status"))
        rc = review_apply_status(db, t->lead, value, t->other, err);
    else if (span_is(what, "two-eyes"))
        rc = review_apply_four_eyes(db, t->lead, false, err);
    return rc == -EINVAL ? 1 : rc;
}

static int settle(const struct sql *db, const struct pursuit_act *act, const struct target *t,
                  bool yes, struct err *err)
{
    int rc = yes ? apply(db, t, err) : 0;
    if (rc < 0)
        return rc;
    rc = sql_run(db, err, "UPDATE reviews SET state=?, settled=? WHERE entry=?", "tii",
                 span_str(!yes      ? "refused"
                          : rc == 1 ? "overtaken"
                                    : "approved"),
                 (int64_t)act->index, (int64_t)t->entry);
    if (rc == 0 && (t->kind == KIND_LEAD_REVIEW || t->kind == KIND_NOVELTY))
        rc = sql_run(db, err, "UPDATE review_leads SET pending=pending-1 WHERE lead=?", "i",
                     (int64_t)t->lead);
    if (rc == 0)
        rc = sql_run(db, err, "UPDATE review_leads SET acted=? WHERE lead=?", "ii",
                     (int64_t)act->index, (int64_t)t->lead);
    return rc;
}

int review_take_approval(const struct sql *db, const struct pursuit_act *act, struct err *err)
{
    struct act_approval a;
    struct target t;
    if (act_approval_read(act->payload, &a) < 0)
        return err_set(err, -EBADMSG, "not an approval");
    int rc = find_target(db, a.entry, &t, err);
    if (rc == 1) {
        bool yes = span_is(a.what, "approved");
        if (!yes && !span_is(a.what, "refused"))
            rc = err_set(err, -EBADMSG, "neither approved nor refused");
        else if (!review_has_role(db, act->account, review_approvers(t.kind)))
            rc = err_set(err, -EPERM, "an approval by an account without the role for it");
        else if (review_has_conflict(db, t.lead, act->account))
            rc = err_set(err, -EPERM, "an approval by who has a conflict of interest");
        else if (!span_is(buf_as_span(&t.state), "pending"))
            rc = err_set(err, -EALREADY, "an approval of what is settled, or wants none");
        else
            rc = settle(db, act, &t, yes, err);
    }
    free_target(&t);
    return rc;
}
