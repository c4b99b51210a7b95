#include "journal/rotation.h"

#include <errno.h>

#include "base/cbor.h"
#include "journal/note_text.h"
#include "journal/proof.h"
#include "journal/segment.h"

#define EXTRA_FIXED (JOURNAL_LEAF_LEN + JOURNAL_SALT_LEN)

static bool keys_fit(const struct note_key *from, const struct note_key *to)
{
    return strcmp(from->name, to->name) == 0 && from->id != to->id &&
           memcmp(from->public_key, to->public_key, NOTE_PUBLIC_LEN) != 0;
}

int rotation_put(uint64_t index, const struct note_key *from, const struct note_key *to,
                 struct buf *out, struct err *err)
{
    struct buf text = {0};
    if (!keys_fit(from, to))
        return err_set(err, -EINVAL, "rotation: not two keys of one log");
    buf_printf(&text, ROTATION_FIRST_LINE "\n%s\n%llu\n", from->name, (unsigned long long)index);
    note_key_put_verifier(from, &text);
    buf_byte(&text, '\n');
    note_key_put_verifier(to, &text);
    buf_byte(&text, '\n');
    int rc = note_sign(from, buf_as_span(&text), out, err);
    if (rc == 0)
        rc = note_sign_again(to, buf_as_span(&text), out, err);
    buf_free(&text);
    return rc;
}

/* The lines of the statement; the signatures are checked by the keys that it names. */
static int take_text(struct span note, struct rotation *out, struct err *err)
{
    struct cur c = cur_of(note);
    if (note.n > NOTE_MAX || !span_is(cur_line(&c), ROTATION_FIRST_LINE))
        return err_set(err, -EBADMSG, "rotation: does not begin with " ROTATION_FIRST_LINE);
    struct span origin = cur_line(&c), index = cur_line(&c), from = cur_line(&c), to = cur_line(&c);
    if (!note_decimal(index, &out->index))
        return err_set(err, -EBADMSG, "rotation: the third line is not an entry's index");
    int rc = note_key_parse_verifier(from, &out->from, err);
    if (rc == 0)
        rc = note_key_parse_verifier(to, &out->to, err);
    if (rc < 0)
        return -EBADMSG;
    if (!span_is(origin, out->from.name) || !keys_fit(&out->from, &out->to))
        return err_set(err, -EBADMSG, "rotation: not two keys of one log");
    return 0;
}

int rotation_parse(struct span note, struct rotation *out, struct err *err)
{
    struct rotation r;
    struct span text, again;
    struct buf want = {0};
    memset(&r, 0, sizeof r);
    int rc = take_text(note, &r, err);
    if (rc == 0)
        rc = note_open(note, &r.from, &text, err);
    if (rc == 0)
        rc = note_open(note, &r.to, &again, err);
    if (rc < 0)
        return -EBADMSG;
    /* nothing behind the fifth line, and all in the form that we write */
    buf_printf(&want, ROTATION_FIRST_LINE "\n%s\n%llu\n", r.from.name, (unsigned long long)r.index);
    note_key_put_verifier(&r.from, &want);
    buf_byte(&want, '\n');
    note_key_put_verifier(&r.to, &want);
    buf_byte(&want, '\n');
    if (!span_eq(buf_as_span(&want), text))
        rc = err_set(err, -EBADMSG, "rotation: not in its canonical form");
    buf_free(&want);
    if (rc == 0)
        *out = r;
    return rc;
}

int rotation_of_entry(uint8_t kind, struct span payload, struct span *note)
{
    struct cur at;
    struct cbor_item it;
    if (kind != JOURNAL_KIND_KEY_ROTATED || cbor_find(cur_of(payload), "what", &at) != 1 ||
        cbor_get(&at, &it) != 1 || it.type != CBOR_TEXT || !span_is(it.s, "log"))
        return 0;
    if (!cbor_valid(payload) || cbor_find(cur_of(payload), "proof", &at) != 1 ||
        cbor_get(&at, &it) != 1 || it.type != CBOR_BYTES)
        return -1;
    *note = it.s;
    return 1;
}

void rotation_file_put(struct span proof, const uint8_t leaf[JOURNAL_LEAF_LEN],
                       const uint8_t salt[JOURNAL_SALT_LEN], struct span payload, struct buf *out)
{
    struct buf extra = {0};
    struct cur c = cur_of(proof);
    struct span first = cur_line(&c);
    buf_put(&extra, leaf, JOURNAL_LEAF_LEN);
    buf_put(&extra, salt, JOURNAL_SALT_LEN);
    buf_span(&extra, payload);
    buf_span(out, first);
    buf_str(out, "\nextra ");
    base64_encode(out, buf_as_span(&extra));
    buf_byte(out, '\n');
    buf_put(out, c.p, cur_left(&c));
    buf_free(&extra);
}

/* The entry in the extra data is what its leaf commits to, and a rotation at that index. */
static int take_entry(struct span extra, const struct proof *p, struct rotation *out,
                      struct err *err)
{
    uint8_t commitment[SHA256_LEN];
    struct entry_header header;
    struct span note;
    sha256_ctx c;
    if (extra.n < EXTRA_FIXED)
        return err_set(err, -EBADMSG, "rotation: the proof has no entry with it");
    struct span payload = span_of(extra.p + EXTRA_FIXED, extra.n - EXTRA_FIXED);
    sha256_begin(&c);
    sha256_add(&c, extra.p + JOURNAL_LEAF_LEN, JOURNAL_SALT_LEN + payload.n);
    sha256_end(&c, commitment);
    if (memcmp(commitment, extra.p + JOURNAL_HEADER_LEN, SHA256_LEN) != 0)
        return err_set(err, -EBADMSG,
                       "rotation: the entry is not the one that its leaf commits to");
    if (!entry_header_get(extra.p, &header) || rotation_of_entry(header.kind, payload, &note) != 1)
        return err_set(err, -EBADMSG, "rotation: the entry replaces no key of a log");
    int rc = rotation_parse(note, out, err);
    if (rc == 0 && out->index != p->index)
        rc = err_set(err, -EBADMSG, "rotation: the entry is another than its statement says");
    return rc;
}

static int take_checkpoint(const struct proof *p, struct rotation_proof *out, struct err *err)
{
    struct span body;
    struct checkpoint c;
    int rc = note_open(p->checkpoint, &out->rotation.from, &body, err);
    if (rc == 0)
        rc = checkpoint_parse(body, &c, err);
    if (rc == 0) {
        out->size = c.size;
        memcpy(out->root, c.root, SHA256_LEN);
    }
    return rc;
}

int rotation_follow(struct span file, const struct note_key *known, struct rotation_proof *out,
                    struct err *err)
{
    struct buf extra = {0};
    struct proof p;
    memset(out, 0, sizeof *out);
    if (file.n > ROTATION_FILE_MAX)
        return err_set(err, -EBADMSG, "rotation: larger than %u bytes", ROTATION_FILE_MAX);
    int rc = proof_parse(file, &p, err);
    if (rc == 0 && !base64_decode(&extra, p.extra))
        rc = err_set(err, -EBADMSG, "rotation: the extra line is not base64");
    if (rc == 0)
        rc = take_entry(buf_as_span(&extra), &p, &out->rotation, err);
    if (rc == 0 && known &&
        (strcmp(known->name, out->rotation.from.name) != 0 ||
         memcmp(known->public_key, out->rotation.from.public_key, NOTE_PUBLIC_LEN) != 0))
        rc = err_set(err, -EBADMSG, "rotation: of the key %s+%08x, not %s+%08x",
                     out->rotation.from.name, out->rotation.from.id, known->name, known->id);
    if (rc == 0)
        rc = proof_check(file, span_of(extra.p, JOURNAL_LEAF_LEN), &out->rotation.from, err);
    if (rc == 0)
        rc = take_checkpoint(&p, out, err);
    buf_free(&extra);
    return rc < 0 ? -EBADMSG : 0;
}

int rotation_statement(struct span file, struct buf *out, struct err *err)
{
    struct buf extra = {0};
    struct span note;
    struct proof p;
    int rc = proof_parse(file, &p, err);
    if (rc == 0 &&
        (!base64_decode(&extra, p.extra) || extra.n < EXTRA_FIXED ||
         rotation_of_entry(extra.p[1], span_of(extra.p + EXTRA_FIXED, extra.n - EXTRA_FIXED),
                           &note) != 1))
        rc = err_set(err, -EBADMSG, "rotation: the entry replaces no key of a log");
    if (rc == 0)
        buf_span(out, note);
    buf_free(&extra);
    return rc;
}
