/* View of the cleanup plan: who is due to be told of what; the text of one contact's report. It is
 * what `ebb cleanup draft` would write, without files. */
#include "app/cleanup/cleanup_digest.h"
#include "app/config_cleanup.h"
#include "app/desk/view.h"

#define DRAFT_MAX (4u << 20)

static const char *arm_name(enum cleanup_arm arm)
{
    return arm == CLEANUP_TREATED ? "treated" : arm == CLEANUP_CONTROL ? "control" : NULL;
}

static void put_contact(struct json *j, const struct plan_contact *k)
{
    json_object(j);
    json_key(j, "contact");
    json_span(j, k->mail);
    view_str(j, "state", cleanup_plan_state_name(k->state));
    view_str(j, "arm", arm_name(k->arm));
    view_uint(j, "new", k->fresh);
    view_uint(j, "returning", k->returning);
    view_uint(j, "still", k->still);
    view_uint(j, "gone", k->gone);
    view_uint(j, "addresses", k->n);
    view_when(j, "told", k->told ? k->told : INT64_MAX);
    view_uint(j, "reports", k->reports);
    json_object_end(j);
}

/* The first of a contact's mails. */
static int keep_mail(void *ctx, const struct digest *d)
{
    struct buf *out = ctx;
    if (d->mail.n <= DRAFT_MAX)
        buf_span(out, d->mail);
    return 1;
}

static int put_draft(struct view *v, const struct plan *p, const struct plan_options *o,
                     struct err *err)
{
    struct buf mail = {0};
    int rc = o->contact.n ? digests_write(&v->c, p, o, keep_mail, &mail, err) : 0;
    view_text(&v->j, "draft", buf_as_span(&mail));
    buf_free(&mail);
    return rc < 0 ? rc : 0;
}

int view_cleanup_due(struct view *v, struct err *err)
{
    const char *all = view_get(v, "all");
    struct plan_options o = {.now = utc_now(),
                             .contact = span_str(view_get(v, "contact")),
                             .format = -1,
                             .all = all && all[0] && all[0] != 'f' && all[0] != '0'};
    struct plan *p = NULL;
    size_t n = 0;
    int rc = view_open(v, PLAN_VIEWS, err);
    if (rc == 0)
        rc = cleanup_plan_new(&v->c, &o, &p, err);
    if (rc < 0)
        return rc;
    const struct plan_contact *k = cleanup_plan_contacts(p, &n);
    view_begin_rows(v);
    for (size_t i = 0; i < n; i++)
        if (o.all || k[i].state == PLAN_DUE || k[i].state == PLAN_CONTROL)
            put_contact(&v->j, &k[i]);
    json_array_end(&v->j);
    view_uint(&v->j, "unresolved", cleanup_plan_unresolved(p));
    view_uint(&v->j, "unwanted", cleanup_plan_allowed(p));
    rc = put_draft(v, p, &o, err);
    view_end(v);
    cleanup_plan_free(p);
    return rc;
}
