/* Signed notes, checkpoints, keys, proofs and entry bundles from anywhere. What is accepted must
 * come out again as it went in. */
#include <stdint.h>
#include <stdlib.h>

#include "journal/note.h"
#include "journal/proof.h"
#include "journal/tile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be(const struct buf *got, struct span want)
{
    if (!span_eq(buf_as_span(got), want))
        abort();
}

static void checkpoint(struct span text)
{
    struct checkpoint c;
    struct err err;
    struct buf out = {0};
    if (checkpoint_parse(text, &c, &err) == 0) {
        checkpoint_put(&c, &out);
        must_be(&out, text);
    }
    buf_free(&out);
}

static void proof(struct span text, const struct note_key *key)
{
    struct proof p;
    struct err err;
    struct buf out = {0};
    if (proof_parse(text, &p, &err) == 0 && p.extra.n == 0 &&
        !memmem(text.p, text.n, "\nextra", 6)) {
        proof_put(p.index, &p.path, p.checkpoint, &out);
        must_be(&out, text);
    }
    if (proof_check(text, span_str("leaf"), key, &err) == 0)
        abort(); /* nobody signed such a log */
    buf_free(&out);
}

static void keys(struct span text)
{
    struct note_key key, again;
    struct err err;
    struct buf out = {0};
    if (note_key_parse_verifier(text, &key, &err) == 0) {
        note_key_put_verifier(&key, &out);
        if (note_key_parse_verifier(buf_as_span(&out), &again, &err) < 0 ||
            memcmp(&key, &again, sizeof key) != 0)
            abort();
    }
    note_key_parse_signer(text, &key, &err);
    buf_free(&out);
}

/* Any text that can be signed opens again. */
static void sign(struct span text, const struct note_key *key)
{
    struct buf note = {0};
    struct span back;
    struct err err;
    if (note_sign(key, text, &note, &err) == 0 &&
        (note_open(buf_as_span(&note), key, &back, &err) < 0 || !span_eq(back, text)))
        abort();
    buf_free(&note);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* golang.org/x/mod/sumdb/note's example key */
    static const char signer[] =
        "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    struct note_key key;
    struct err err;
    struct span in = span_of(data, size), text;
    size_t length;
    if (note_key_parse_signer(span_str(signer), &key, &err) < 0)
        abort();
    if (note_open(in, &key, &text, &err) == 0)
        checkpoint(text);
    checkpoint(in);
    proof(in, &key);
    keys(in);
    sign(in, &key);
    if (tile_entries_length(in, TILE_WIDTH, &length) && length > size)
        abort();
    return 0;
}
