#include "app/public/orders.h"

#include "base/log.h"
#include "base/mem.h"

struct public_notices {
    struct notice_book book;
    uint64_t version; /* of the face when it was read; 0: not yet */
};

const struct notice_book *public_book(struct face *f)
{
    struct err err;
    if (!f->notices)
        f->notices = mem_zeroed(1, sizeof *f->notices);
    struct public_notices *p = f->notices;
    if (p->version == f->version)
        return &p->book;
    notice_book_free(&p->book);
    p->book = (struct notice_book){0};
    p->version = 0;
    if (notices_read(f->c.pursuit, &p->book, &err) < 0) {
        log_line(LOG_ERROR, "public: notices cannot be read", "why=\"%s\"", err.text);
        return NULL;
    }
    p->version = f->version;
    return &p->book;
}

void public_notices_free(struct public_notices *p)
{
    if (!p)
        return;
    notice_book_free(&p->book);
    free(p);
}

/* ---- what is public ---- */

static bool puts_up(struct span what)
{
    return span_is(what, "posted") || span_is(what, "served") || span_is(what, "sent") ||
           span_is(what, "delivered");
}

bool public_notice(const struct notice_book *b, const struct notice *n, struct public_posting *out)
{
    bool any = false, standing = false;
    if (!span_is(n->act.channel, "web"))
        return false;
    for (size_t i = 0; i < b->n_results; i++) {
        const struct notice_result *r = &b->results[i];
        if (r->act.notice != n->at.entry || !puts_up(r->act.what))
            continue;
        int64_t when = r->act.when == ACT_FOREVER ? r->at.time : r->act.when;
        if (!any || when < out->since)
            out->since = when;
        any = true;
        standing |= !r->at.withdrawn;
    }
    out->withdrawn = n->at.withdrawn || !standing;
    return any;
}

const struct notice *public_notice_at(const struct notice_book *b, uint64_t entry,
                                      struct public_posting *out)
{
    const struct notice *n = b ? notice_at(b, entry) : NULL;
    return n && public_notice(b, n, out) ? n : NULL;
}

struct walk {
    struct face *f;
    const struct notice_book *b;
    void (*each)(void *ctx, const struct public_order *o);
    void *ctx;
};

static int walk_order(void *ctx, const struct casebook_order *o)
{
    struct walk *w = ctx;
    struct public_order out = {.order = *o};
    struct public_posting posting;
    for (size_t i = 0; i < w->b->n_notices; i++) {
        const struct notice *n = &w->b->notices[i];
        if (n->act.order != o->entry || !public_notice(w->b, n, &posting))
            continue;
        out.notices++;
        if (!posting.withdrawn)
            out.notice = n->at.entry;
    }
    if (out.notices)
        w->each(w->ctx, &out);
    return 0;
}

int public_orders(struct face *f, void (*each)(void *ctx, const struct public_order *o), void *ctx)
{
    struct walk w = {f, public_book(f), each, ctx};
    struct casebook_clock clock = {f->now, 0};
    struct err err = {0};
    if (!w.b)
        return -1;
    int rc = casebook_orders(f->c.casebook, &clock, walk_order, &w, &err);
    if (rc < 0)
        log_line(LOG_ERROR, "public: orders cannot be read", "why=\"%s\"", err.text);
    return rc;
}
