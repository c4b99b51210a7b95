/* What others said of the log: the time stamp and the cosignatures that tell most of the bundle's
 * entries, and the proof that their tree is the beginning of the checkpoint's. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/exhibit/exhibit_impl.h"
#include "base/log.h"
#include "state/handovers.h"
#include "view/display.h"

/* What is kept of an act while its row is read. */
struct anchor {
    bool found;
    uint64_t entry, size;
    int64_t when;
    uint8_t root[SHA256_LEN], sha256[SHA256_LEN], checkpoint[SHA256_LEN], chain[SHA256_LEN];
    struct buf by;
};

static int keep_timestamp(void *ctx, const struct handover_timestamp *t)
{
    struct anchor *a = ctx;
    a->found = true;
    a->entry = t->entry;
    a->size = t->act.size;
    a->when = t->act.when;
    memcpy(a->root, t->act.root.p, SHA256_LEN);
    memcpy(a->sha256, t->act.sha256.p, SHA256_LEN);
    memcpy(a->checkpoint, t->act.checkpoint.p, SHA256_LEN);
    memcpy(a->chain, t->act.chain.p, SHA256_LEN);
    buf_span(&a->by, t->act.authority);
    return 0;
}

static int keep_cosignature(void *ctx, const struct handover_cosignature *c)
{
    struct anchor *a = ctx;
    a->found = true;
    a->entry = c->entry;
    a->size = c->act.size;
    memcpy(a->root, c->act.root.p, SHA256_LEN);
    memcpy(a->sha256, c->act.sha256.p, SHA256_LEN);
    buf_span(&a->by, c->act.witnesses);
    return 0;
}

/* A blob of the case as a file. 1: the case does not have it any more. */
static int put_blob(struct exhibit *x, const char *path, const uint8_t sha[SHA256_LEN],
                    struct err *err)
{
    struct buf bytes = {0};
    int rc = casedir_blob(x->c, sha, &bytes, err);
    if (rc == 0)
        rc = exhibit_put(x, path, buf_as_span(&bytes), err);
    buf_free(&bytes);
    return rc == -ENOENT ? 1 : rc;
}

static int put_text(struct exhibit *x, const char *path, struct buf *text, struct err *err)
{
    int rc = exhibit_put(x, path, buf_as_span(text), err);
    text->n = 0;
    return rc;
}

/* The proof that the log's first entries, so many, are the beginning of the checkpoint's tree. */
static int put_consistency(struct exhibit *x, const char *path, const struct anchor *a,
                           struct err *err)
{
    struct merkle_proof proof;
    struct buf text = {0};
    uint8_t root[SHA256_LEN];
    int rc = journal_prover_consistency(x->prover, a->size, root, &proof, err);
    if (rc == 0 && memcmp(root, a->root, SHA256_LEN) != 0)
        rc = err_set(err, -EBADMSG, "entry %llu: its root is not the log's",
                     (unsigned long long)a->entry);
    for (size_t i = 0; rc == 0 && i < proof.n; i++) {
        base64_encode(&text, span_of(proof.hash[i], SHA256_LEN));
        buf_byte(&text, '\n');
    }
    if (rc == 0)
        rc = put_text(x, path, &text, err);
    buf_free(&text);
    return rc;
}

static void say(const struct exhibit *x, const struct anchor *a, struct exhibit_anchor *out)
{
    struct buf by = {0};
    display_put(&by, buf_as_span(&a->by));
    *out =
        (struct exhibit_anchor){.has = true, .entry = a->entry, .size = a->size, .when = a->when};
    snprintf(out->by, sizeof out->by, "%.*s", (int)by.n, (const char *)by.p);
    for (size_t i = 0; i < x->n_entries; i++)
        out->covered += x->entries[i] < a->size;
    buf_free(&by);
}

/* 1: something of it is lost. */
static int put_stamp(struct exhibit *x, const struct anchor *a, struct err *err)
{
    struct buf text = {0};
    int rc = exhibit_folder(x, "timestamp", err);
    if (rc == 0)
        rc = put_blob(x, "timestamp/token.tsr", a->sha256, err);
    if (rc == 0)
        rc = put_blob(x, "timestamp/checkpoint", a->checkpoint, err);
    if (rc == 0)
        rc = put_blob(x, "timestamp/ca.pem", a->chain, err);
    if (rc == 0)
        rc = put_consistency(x, "timestamp/consistency", a, err);
    say(x, a, &x->stamp);
    buf_printf(&text, "%s\n", x->stamp.by);
    if (rc == 0)
        rc = put_text(x, "timestamp/authority", &text, err);
    buf_printf(&text, "%lld\n", (long long)(a->when / UTC_SECOND));
    if (rc == 0)
        rc = put_text(x, "timestamp/when", &text, err);
    buf_free(&text);
    return rc;
}

static int put_witnesses(struct exhibit *x, const struct anchor *a, struct err *err)
{
    struct buf keys = {0};
    int rc = exhibit_folder(x, "witness", err);
    if (rc == 0)
        rc = put_blob(x, "witness/checkpoint", a->sha256, err);
    if (rc == 0)
        rc = put_consistency(x, "witness/consistency", a, err);
    buf_span(&keys, buf_as_span(&a->by));
    buf_byte(&keys, '\n');
    for (size_t i = 0; i < keys.n; i++)
        keys.p[i] = keys.p[i] == ' ' ? '\n' : keys.p[i];
    if (rc == 0)
        rc = put_text(x, "witness/vkeys", &keys, err);
    say(x, a, &x->witnesses);
    buf_free(&keys);
    return rc;
}

static int lost(struct exhibit_anchor *a, const char *what)
{
    log_line(LOG_WARN, "not in the exhibit: the case has lost its file", "what=\"%s\" entry=%llu",
             what, (unsigned long long)a->entry);
    a->has = false;
    return 0;
}

int exhibit_anchors(struct exhibit *x, struct err *err)
{
    struct anchor stamp = {0}, witnesses = {0};
    uint64_t last = x->entries[x->n_entries - 1];
    int rc = x->c->pursuit ? 0 : casedir_views(x->c, VIEW_PURSUIT, err);
    if (rc == 0)
        rc = handovers_timestamp_for(x->c->pursuit, last, keep_timestamp, &stamp, err);
    if (rc >= 0)
        rc = handovers_cosignature_for(x->c->pursuit, last, keep_cosignature, &witnesses, err);
    if (rc >= 0 && stamp.found)
        rc = put_stamp(x, &stamp, err);
    if (rc == 1 && stamp.found)
        rc = lost(&x->stamp, "time stamp");
    if (rc >= 0 && witnesses.found) {
        rc = put_witnesses(x, &witnesses, err);
        if (rc == 1)
            rc = lost(&x->witnesses, "cosignatures");
    }
    buf_free(&stamp.by);
    buf_free(&witnesses.by);
    return rc < 0 ? rc : 0;
}
