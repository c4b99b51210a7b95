#include "journal/proof.h"

#include <errno.h>

#include "journal/note_text.h"
#include "journal/prover.h"

static const char first_line[] = "c2sp.org/tlog-proof@v1";

void proof_put(uint64_t index, const struct merkle_proof *path, struct span checkpoint,
               struct buf *out)
{
    buf_printf(out, "%s\nindex %llu\n", first_line, (unsigned long long)index);
    for (size_t i = 0; i < path->n; i++) {
        base64_encode(out, span_of(path->hash[i], SHA256_LEN));
        buf_byte(out, '\n');
    }
    buf_byte(out, '\n');
    buf_span(out, checkpoint);
}

int proof_parse(struct span text, struct proof *out, struct err *err)
{
    struct cur c = cur_of(text);
    struct span line, value;
    memset(out, 0, sizeof *out);
    if (text.n > PROOF_MAX || !note_line(&c, &line) || !span_is(line, first_line))
        return err_set(err, -EBADMSG, "proof: does not begin with %s", first_line);
    if (!note_line(&c, &line))
        return err_set(err, -EBADMSG, "proof: ends early");
    if (note_word(line, "extra", &value)) {
        struct buf raw = {0};
        bool good = base64_decode(&raw, value);
        buf_free(&raw);
        if (!good || !note_line(&c, &line))
            return err_set(err, -EBADMSG, "proof: the extra line is not base64");
        out->extra = value;
    }
    if (!note_word(line, "index", &value) || !note_decimal(value, &out->index))
        return err_set(err, -EBADMSG, "proof: no index line");
    for (;;) {
        if (!note_line(&c, &line))
            return err_set(err, -EBADMSG, "proof: no checkpoint");
        if (line.n == 0)
            break;
        if (out->path.n == MERKLE_PROOF_MAX)
            return err_set(err, -EBADMSG, "proof: more than %d hashes", MERKLE_PROOF_MAX);
        if (!note_hash(line, out->path.hash[out->path.n]))
            return err_set(err, -EBADMSG, "proof: hash %zu is not base64 of 32 bytes",
                           out->path.n + 1);
        out->path.n++;
    }
    out->checkpoint = span_of(c.p, cur_left(&c));
    return 0;
}

int proof_check(struct span text, struct span leaf_data, const struct note_key *key,
                struct err *err)
{
    struct proof p;
    struct checkpoint c;
    struct span body;
    uint8_t leaf[SHA256_LEN];
    int rc = proof_parse(text, &p, err);
    if (rc == 0)
        rc = note_open(p.checkpoint, key, &body, err);
    if (rc == 0)
        rc = checkpoint_parse(body, &c, err);
    if (rc < 0)
        return rc == -ENOKEY ? -EBADMSG : rc;
    if (!span_is(c.origin, key->name))
        return err_set(err, -EBADMSG, "proof: the checkpoint's origin is not %s", key->name);
    merkle_leaf(leaf_data.p, leaf_data.n, leaf);
    if (!merkle_inclusion_holds(p.index, c.size, span_of(leaf, sizeof leaf),
                                span_of(p.path.hash, p.path.n * SHA256_LEN),
                                span_of(c.root, SHA256_LEN)))
        return err_set(err, -EBADMSG, "proof: the entry is not in the log at index %llu",
                       (unsigned long long)p.index);
    return 0;
}

int journal_prove(struct journal *j, uint64_t index, struct buf *out, struct err *err)
{
    struct journal_prover *p;
    int rc = journal_prover_open(j, &p, err);
    if (rc < 0)
        return rc;
    rc = journal_prover_entry(p, index, out, err);
    journal_prover_close(p);
    return rc;
}
