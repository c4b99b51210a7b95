/* A table of contacts: whatever it is, rows are about something, have a mailbox that may be written
 * to (or a registry), and what is written of them reads as the same rows. */
#include <stdlib.h>

#include "contact/contact_rows.h"
#include "contact/gather.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct contact_rows *rows;
    bool delegations;
    uint64_t n;
};

static int row(void *ctx, const struct contact_row *r)
{
    struct seen *s = ctx;
    char again[MAILBOX_MAX + 1];
    must(r->mail.n || r->registry.n);
    must(!r->mail.n || mailbox_read(r->mail, again) != MAILBOX_MALFORMED);
    must(!r->mail.n || span_is(r->mail, again));
    must(r->match != CONTACT_NETWORK || contact_network_ok(&r->network));
    must(r->match != CONTACT_AS || r->asn);
    must(r->handle.n <= CONTACT_TEXT_MAX && r->name.n <= CONTACT_TEXT_MAX);
    s->n++;
    if ((r->mail.n > 0) != s->delegations)
        must(contact_rows_add(s->rows, r) == 0);
    return 0;
}

static void reject(void *ctx, uint64_t line, const char *why)
{
    must(line > 0 && why && *why);
}

static uint64_t read_all(struct span text, bool delegations, struct buf *out, uint64_t *written)
{
    struct contact_rows rows = {0};
    struct seen seen = {&rows, delegations, 0};
    struct contact_table *t = calloc(1, sizeof *t);
    must(t != NULL);
    t->row = row;
    t->reject = reject;
    t->ctx = &seen;
    must(contact_table_text(t, text) == 0 && t->rows == seen.n);
    *written = contact_rows_write(&rows, delegations, out);
    contact_rows_free(&rows);
    free(t);
    return seen.n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gather_kind kind;
    gather_recognise(span_of(data, size < 4096 ? size : 4096), &kind);
    for (int i = 0; i < 2; i++) {
        struct buf first = {0}, second = {0};
        uint64_t written, again;
        read_all(span_of(data, size), i, &first, &written);
        must(read_all(buf_as_span(&first), i, &second, &again) == written && again == written);
        must(span_eq(buf_as_span(&first), buf_as_span(&second)));
        buf_free(&first);
        buf_free(&second);
    }
    return 0;
}
