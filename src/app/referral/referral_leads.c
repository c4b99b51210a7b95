/* Leads whose contents go along: opened with the account's own key, which stays here. The contact
 * that an informant left never goes along. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/exhibit/exhibit_query.h"
#include "app/lead/lead_content.h"
#include "app/lead/lead_open.h"
#include "app/referral/referral.h"
#include "base/json.h"
#include "base/mem.h"

/* Opens what is sealed under an entry; the caller closes both. */
static int unseal(struct referral *x, struct lead_keyring *ring, uint64_t entry,
                  struct lead_opened *o, struct err *err)
{
    struct err why;
    int rc = lead_open(ring, entry, o, &why);
    if (rc == -EPERM || rc == -EACCES)
        return err_set(err, rc, "--lead: %s (lead %" PRIu64 ")", why.text, entry);
    return rc < 0 ? err_set(err, rc, "--lead: %s", why.text) : 0;
}

static int check_one(struct referral *x, struct lead_keyring *ring, uint64_t entry, struct err *err)
{
    struct lead l;
    struct lead_opened o = {0};
    int rc = leads_get(x->c->pursuit, entry, &l, err);
    if (rc == 0)
        return err_set(err, -ENOENT, "--lead: no such lead, or it was deleted (%" PRIu64 ")",
                       entry);
    if (rc < 0)
        return rc;
    if (l.withdrawn)
        return err_set(err, -EPERM, "--lead: its informant has withdrawn it (%" PRIu64 ")", entry);
    rc = unseal(x, ring, entry, &o, err);
    lead_close(&o);
    if (rc < 0)
        return rc;
    struct referral_lead *row = &x->leads[x->n_leads++];
    *row = (struct referral_lead){.entry = entry, .day = l.time, .files = l.files};
    memcpy(row->commitment, l.commitment, SHA256_LEN);
    return 0;
}

int referral_leads_check(struct referral *x, struct err *err)
{
    uint64_t *entries = NULL;
    size_t n = 0;
    struct lead_keyring *ring = NULL;
    struct err why;
    if (!x->r->leads)
        return 0;
    int rc = exhibit_entries_parse(span_str(x->r->leads), REFERRAL_LEADS_MAX, &entries, &n, &why);
    if (rc < 0)
        err_set(err, rc, "--lead: %s", why.text);
    x->leads = mem_zeroed(n, sizeof *x->leads);
    lead_keep_private();
    if (rc == 0)
        rc = lead_keyring_open(x->c, x->r->signer, &ring, err);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = check_one(x, ring, entries[i], err);
    lead_keyring_close(ring);
    free(entries);
    return rc;
}

/* ---- writing ---- */

/* What is sealed under one entry, as a folder. */
struct opened {
    struct referral *x;
    struct lead_keyring *ring;
    const struct referral_lead *lead;
    char folder[REFERRAL_PATH_MAX - 32];
    uint64_t *additions;
    size_t n, cap;
};

static void put_names(const struct opened *w, const struct seal_manifest *m, struct buf *out)
{
    char path[32];
    struct json j = json_to(out);
    json_object(&j);
    json_key(&j, "lead");
    json_uint(&j, w->lead->entry);
    json_key(&j, "commitment");
    json_hex(&j, w->lead->commitment, SHA256_LEN);
    json_key(&j, "language");
    json_span(&j, m->language);
    json_key(&j, "files");
    json_array(&j);
    for (size_t i = 0; i < m->n_files; i++) {
        snprintf(path, sizeof path, "file-%03zu", i + 1);
        json_object(&j);
        json_key(&j, "path");
        json_str(&j, path);
        json_key(&j, "size");
        json_uint(&j, m->files[i].size);
        json_key(&j, "name");
        json_span(&j, m->files[i].name);
        json_object_end(&j);
    }
    json_array_end(&j);
    json_object_end(&j);
    json_newline(&j);
}

/* Files have no names of the informant's choosing here: those are in lead.json. */
static int write_files(struct opened *w, struct lead_opened *o, size_t n, struct err *err)
{
    struct referral_file f = {.fd = -1};
    struct span data;
    unsigned file;
    size_t at = 0;
    int rc = 0, more = 1;
    while (rc == 0 && more == 1) {
        more = unseal_next(o->reader, &file, &data, err);
        rc = more < 0 ? more : 0;
        size_t until = more == 1 ? (size_t)file + 1 : n; /* empty files give nothing: made here */
        while (rc == 0 && at < until) {
            char path[REFERRAL_PATH_MAX];
            rc = referral_file_close(&f, true, err);
            snprintf(path, sizeof path, "%s/file-%03zu", w->folder, ++at);
            if (rc == 0)
                rc = referral_file_open(w->x, path, &f, err);
        }
        if (rc == 0 && more == 1)
            rc = referral_file_add(&f, data, err);
    }
    int closed = referral_file_close(&f, rc == 0, rc == 0 ? err : NULL);
    return rc < 0 ? rc : closed;
}

static int write_sealed(struct opened *w, uint64_t entry, struct err *err)
{
    struct lead_opened o = {0};
    struct buf names = {0};
    char path[REFERRAL_PATH_MAX];
    int rc = unseal(w->x, w->ring, entry, &o, err);
    if (rc == 0) {
        const struct seal_manifest *m = unseal_manifest(o.reader);
        snprintf(path, sizeof path, "%s/text.txt", w->folder);
        rc = referral_put(w->x, path, m->text, err);
        put_names(w, m, &names);
        snprintf(path, sizeof path, "%s/lead.json", w->folder);
        if (rc == 0)
            rc = referral_put(w->x, path, buf_as_span(&names), err);
        if (rc == 0)
            rc = write_files(w, &o, m->n_files, err);
    }
    buf_free(&names);
    lead_close(&o);
    return rc;
}

/* What the informant said later; not claims, nor what was written to and fro. */
static int add_addition(void *ctx, const struct lead_message *m)
{
    struct opened *w = ctx;
    if (span_is(m->what, "addition") && m->content.n) {
        w->additions = mem_room(w->additions, w->n, &w->cap, sizeof *w->additions);
        w->additions[w->n++] = m->entry;
    }
    return 0;
}

static int write_lead(struct opened *w, struct err *err)
{
    uint64_t lead = w->lead->entry;
    snprintf(w->folder, sizeof w->folder, "leads/%" PRIu64, lead);
    int rc = write_sealed(w, lead, err);
    w->n = 0;
    if (rc == 0)
        rc = leads_messages(w->x->c->pursuit, lead, add_addition, w, err);
    for (size_t i = 0; rc == 0 && i < w->n; i++) {
        snprintf(w->folder, sizeof w->folder, "leads/%" PRIu64 "/addition-%" PRIu64, lead,
                 w->additions[i]);
        rc = write_sealed(w, w->additions[i], err);
    }
    return rc;
}

int referral_leads(struct referral *x, struct err *err)
{
    struct opened w = {.x = x};
    int rc = x->n_leads ? lead_keyring_open(x->c, x->r->signer, &w.ring, err) : 0;
    for (size_t i = 0; rc == 0 && i < x->n_leads; i++) {
        w.lead = &x->leads[i];
        rc = write_lead(&w, err);
    }
    lead_keyring_close(w.ring);
    free(w.additions);
    return rc;
}
