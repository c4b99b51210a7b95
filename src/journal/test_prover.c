/* The prover: proofs of one checkpoint, also while the log goes on and its partial tiles are full.
 */
#include "journal/prover.h"

#include <errno.h>

#include "journal/proof.h"
#include "journal/test_scratch.h"

#define FIRST  300
#define SECOND 700

static void grow(struct journal *j, uint64_t to)
{
    struct err err;
    while (journal_size(j) < to) {
        struct entry_header header = {.kind = 1, .time = (int64_t)journal_size(j)};
        uint64_t index;
        if (journal_append(j, &header, span_str("an entry"), &index, &err) < 0)
            abort();
    }
    if (journal_commit(j, &err) < 0 || journal_publish(j, &err) < 0)
        abort();
}

static void test_entries(struct journal *j, struct journal_prover *p, const struct note_key *key)
{
    uint8_t leaf[JOURNAL_LEAF_LEN], salt[JOURNAL_SALT_LEN];
    struct buf proof = {0};
    struct err err;
    unsigned held = 0;
    for (uint64_t i = 0; i < FIRST; i++) {
        proof.n = 0;
        if (journal_prover_entry(p, i, &proof, &err) == 0 &&
            journal_leaf(j, i, leaf, salt, &err) == 0 &&
            proof_check(buf_as_span(&proof), span_of(leaf, sizeof leaf), key, &err) == 0)
            held++;
    }
    is_int(held, FIRST);
    is_int(journal_prover_entry(p, FIRST, &proof, &err), -ENOENT);
    buf_free(&proof);
}

static void test_consistency(struct journal_prover *p, const uint8_t root[SHA256_LEN])
{
    struct merkle_proof proof;
    uint8_t from[SHA256_LEN];
    struct err err;
    unsigned held = 0;
    const struct checkpoint *c = journal_prover_checkpoint(p);
    for (uint64_t size = 0; size <= FIRST; size++)
        held += journal_prover_consistency(p, size, from, &proof, &err) == 0 &&
                merkle_consistency_holds(size, c->size, span_of(from, sizeof from),
                                         span_of(c->root, SHA256_LEN),
                                         span_of(proof.hash, proof.n * SHA256_LEN));
    is_int(held, FIRST + 1);
    ok(memcmp(from, root, SHA256_LEN) == 0, "of the whole: its own root");
    is_int(journal_prover_consistency(p, FIRST + 1, from, &proof, &err), -ERANGE);
}

int main(void)
{
    char *dir = scratch_make();
    struct journal *j;
    struct journal_prover *p, *later;
    struct note_key key;
    struct merkle_proof proof;
    struct err err;
    uint8_t root[SHA256_LEN], from[SHA256_LEN];
    if (journal_create(dir, "prover.example/log", &err) < 0 ||
        journal_open(dir, JOURNAL_WRITE, &j, NULL, &err) < 0)
        return 1;
    struct buf vkey = scratch_read(dir, "log/vkey");
    note_key_parse_verifier(span_of(vkey.p, vkey.n - 1), &key, NULL);
    grow(j, FIRST);
    journal_root(j, root);
    is_int(journal_prover_open(j, &p, &err), 0);
    is_int(journal_prover_checkpoint(p)->size, FIRST);
    grow(j, SECOND);
    test_entries(j, p, &key);
    test_consistency(p, root);
    is_int(journal_prover_open(j, &later, &err), 0);
    is_int(journal_prover_consistency(later, FIRST, from, &proof, &err), 0);
    ok(memcmp(from, root, SHA256_LEN) == 0, "the earlier checkpoint's root");
    ok(!span_eq(journal_prover_note(p), journal_prover_note(later)));
    journal_prover_close(p);
    journal_prover_close(later);
    is_int(journal_close(j, &err), 0);
    buf_free(&vkey);
    scratch_free(dir);
    return tap_done();
}
