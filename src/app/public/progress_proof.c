/* What shows from outside that a release is on the log: its proof, the newest checkpoint, the log's
 * key. Nothing else of the log can be read through this: releases, notices that were put up on the
 * web, and snapshots of public pages. */
#include <errno.h>

#include "app/public/orders.h"
#include "app/public/progress_page.h"
#include "base/file.h"
#include "base/log.h"
#include "event/event.h"
#include "journal/note.h"
#include "journal/rotation.h"
#include "state/releases.h"

#define PAYLOAD_MAX (16u << 10) /* of a release or snapshot: much less */

static const char FIRST_LINE[] = "c2sp.org/tlog-proof@v1\n";

static bool is_public_notice(struct face *f, uint64_t entry)
{
    struct public_posting posting;
    return public_notice_at(public_book(f), entry, &posting) != NULL;
}

/* As the view has it, and as the log's own header has it. */
static bool may_be_proved(struct face *f, uint64_t entry)
{
    struct pursuit_acted a;
    char name[PURSUIT_NAME_MAX];
    struct entry e;
    struct err err;
    if (!f->c.pursuit || pursuit_acted(f->c.pursuit, entry, &a, name, &err) != 1)
        return false;
    if (a.kind != KIND_SNAPSHOT && !releases_has(f->c.pursuit, entry) &&
        !is_public_notice(f, entry))
        return false;
    return journal_get(f->c.journal, entry, &e, &err) == 0 && e.header.kind == a.kind &&
           !e.redacted && e.payload.n <= PAYLOAD_MAX;
}

/* The entry itself, for the proof's "extra" line: leaf, salt, payload. */
static int put_extra(struct face *f, uint64_t entry, struct buf *out, struct err *err)
{
    uint8_t leaf[JOURNAL_LEAF_LEN], salt[JOURNAL_SALT_LEN];
    struct buf raw = {0};
    struct entry e;
    int rc = journal_leaf(f->c.journal, entry, leaf, salt, err);
    if (rc == 0)
        rc = journal_get(f->c.journal, entry, &e, err);
    if (rc == 0) {
        buf_put(&raw, leaf, sizeof leaf);
        buf_put(&raw, salt, sizeof salt);
        buf_span(&raw, e.payload);
        buf_str(out, "extra ");
        base64_encode(out, buf_as_span(&raw));
        buf_byte(out, '\n');
    }
    buf_free(&raw);
    return rc;
}

/* C2SP tlog-proof: "extra" stands between the first line and the index. */
static int put_proof(struct face *f, uint64_t entry, struct buf *out, struct err *err)
{
    struct buf proof = {0};
    size_t first = sizeof FIRST_LINE - 1;
    int rc = journal_prove(f->c.journal, entry, &proof, err);
    if (rc == 0 && (proof.n < first || memcmp(proof.p, FIRST_LINE, first) != 0))
        rc = err_set(err, -EBADMSG, "not a tlog-proof");
    if (rc == 0) {
        buf_str(out, FIRST_LINE);
        rc = put_extra(f, entry, out, err);
    }
    if (rc == 0)
        buf_put(out, proof.p + first, proof.n - first);
    buf_free(&proof);
    return rc;
}

void face_proof(struct face_view *v)
{
    struct err err;
    int rc = -ENOENT;
    if (may_be_proved(v->face, v->id))
        rc = put_proof(v->face, v->id, v->out, &err);
    else
        err_set(&err, rc, "not to be proved here");
    if (rc == 0) {
        v->reply->type = "text/plain; charset=utf-8";
        return;
    }
    /* A second later the next checkpoint covers it. */
    if (rc != -ENOENT)
        log_line(LOG_WARN, "a proof cannot be given", "entry=%llu why=\"%s\"",
                 (unsigned long long)v->id, err.text);
    face_problem(v, rc == -ENOENT ? 404 : 503,
                 rc == -ENOENT ? "progress.missing" : "progress.unreadable");
}

static void give_text(struct face_view *v, int rc, const struct err *err)
{
    v->reply->type = "text/plain; charset=utf-8";
    if (rc == 0)
        return;
    log_line(LOG_WARN, "the log cannot be shown", "path=%s why=\"%s\"", v->path, err->text);
    v->out->n = 0;
    v->reply->status = 503;
}

void face_checkpoint(struct face_view *v)
{
    struct err err;
    give_text(v, journal_checkpoint(v->face->c.journal, v->out, &err), &err);
}

void face_vkey(struct face_view *v)
{
    char path[FILE_PATH_MAX];
    struct err err;
    int rc = file_path(path, &err, "%s/log/vkey", v->face->c.dir);
    if (rc == 0)
        rc = file_read(path, NOTE_MAX, v->out, &err);
    give_text(v, rc, &err);
}

/* From a key that the log had to the next: doc/keys.md. */
void face_rotated(struct face_view *v)
{
    uint8_t id[4];
    struct err err;
    int rc = hex_decode(v->name, id, sizeof id)
                 ? rotation_file_read(v->face->c.dir, be32_get(id), v->out, &err)
                 : -ENOENT;
    if (rc == -ENOENT)
        face_problem(v, 404, "progress.missing");
    else
        give_text(v, rc, &err);
}
