#include "journal/merkle.h"

#include <errno.h>

#include "journal/hash.h"

void merkle_leaf(const void *data, size_t n, uint8_t out[SHA256_LEN])
{
    static const uint8_t prefix = 0;
    sha256_ctx c;
    sha256_begin(&c);
    sha256_add(&c, &prefix, 1);
    sha256_add(&c, data, n);
    sha256_end(&c, out);
}

void merkle_node(const uint8_t left[SHA256_LEN], const uint8_t right[SHA256_LEN],
                 uint8_t out[SHA256_LEN])
{
    uint8_t in[1 + 2 * SHA256_LEN];
    in[0] = 1;
    memcpy(in + 1, left, SHA256_LEN);
    memcpy(in + 1 + SHA256_LEN, right, SHA256_LEN);
    sha256(in, sizeof in, out);
}

void merkle_empty(uint8_t out[SHA256_LEN])
{
    sha256("", 0, out);
}

/* The largest power of two below n (n > 1): where RFC 9162 splits a tree. */
static uint64_t split(uint64_t n)
{
    return 1ull << (63 - __builtin_clzll(n - 1));
}

void merkle_fold(const uint8_t *hashes, size_t n, uint8_t out[SHA256_LEN])
{
    uint8_t row[MERKLE_FOLD_MAX / 2][SHA256_LEN];
    struct hash_job jobs[MERKLE_FOLD_MAX / 2];
    const uint8_t *from = hashes;
    while (n > 1) {
        size_t pairs = n / 2;
        for (size_t i = 0; i < pairs; i++)
            jobs[i] =
                (struct hash_job){from + 2 * i * SHA256_LEN, 2 * SHA256_LEN, row[i], HASH_NODE};
        hash_many(jobs, pairs);
        /* A lone hash at the end of a row moves up as it is: that is the RFC's tree, since every
         * split is at a power of two. */
        if (n & 1)
            memmove(row[pairs], from + (n - 1) * SHA256_LEN, SHA256_LEN);
        n = pairs + (n & 1);
        from = row[0];
    }
    memcpy(out, from, SHA256_LEN);
}

/* MTH(D[lo:hi]), lo a multiple of the power of two that is not below hi - lo. */
static int range_hash(const struct merkle_source *src, uint64_t lo, uint64_t hi,
                      uint8_t out[SHA256_LEN], struct err *err)
{
    /* complete subtrees from the right end to the left, joined as they come */
    bool have = false;
    for (uint64_t end = hi; end > lo;) {
        unsigned level = (unsigned)__builtin_ctzll(end);
        while (level && (end - lo) < (1ull << level))
            level--; /* only for lo > 0: the subtree must not reach below lo */
        uint8_t left[SHA256_LEN];
        uint64_t index = (end >> level) - 1;
        int rc = src->node(src->ctx, level, index, left, err);
        if (rc < 0)
            return rc;
        if (have)
            merkle_node(left, out, out);
        else
            memcpy(out, left, SHA256_LEN);
        have = true;
        end = index << level;
    }
    return 0;
}

int merkle_root(const struct merkle_source *src, uint64_t size, uint8_t out[SHA256_LEN],
                struct err *err)
{
    if (size == 0) {
        merkle_empty(out);
        return 0;
    }
    return range_hash(src, 0, size, out, err);
}

/* The ranges of a proof are found from the root down and kept from the leaf up. */
struct range {
    uint64_t lo, hi;
};

static int ranges_hash(const struct merkle_source *src, const struct range *down, size_t n,
                       struct merkle_proof *out, struct err *err)
{
    out->n = 0;
    for (size_t i = n; i-- > 0; out->n++) {
        int rc = range_hash(src, down[i].lo, down[i].hi, out->hash[out->n], err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int merkle_inclusion(const struct merkle_source *src, uint64_t index, uint64_t size,
                     struct merkle_proof *out, struct err *err)
{
    if (index >= size)
        return err_set(err, -ERANGE, "no inclusion proof: entry %llu is not below size %llu",
                       (unsigned long long)index, (unsigned long long)size);
    struct range down[MERKLE_PROOF_MAX];
    size_t n = 0;
    for (uint64_t lo = 0, hi = size; hi - lo > 1;) {
        uint64_t mid = lo + split(hi - lo);
        if (index < mid) {
            down[n++] = (struct range){mid, hi};
            hi = mid;
        } else {
            down[n++] = (struct range){lo, mid};
            lo = mid;
        }
    }
    return ranges_hash(src, down, n, out, err);
}

int merkle_consistency(const struct merkle_source *src, uint64_t from, uint64_t to,
                       struct merkle_proof *out, struct err *err)
{
    out->n = 0;
    if (from > to)
        return err_set(err, -ERANGE, "no consistency proof: size %llu is above %llu",
                       (unsigned long long)from, (unsigned long long)to);
    if (from == 0 || from == to)
        return 0;
    struct range down[MERKLE_PROOF_MAX];
    size_t n = 0;
    uint64_t lo = 0, hi = to;
    while (hi != from) {
        uint64_t mid = lo + split(hi - lo);
        if (from <= mid) {
            down[n++] = (struct range){mid, hi};
            hi = mid;
        } else {
            down[n++] = (struct range){lo, mid};
            lo = mid;
        }
    }
    if (lo > 0) /* the old tree's own right part; left out when it is the whole old tree */
        down[n++] = (struct range){lo, hi};
    return ranges_hash(src, down, n, out, err);
}

bool merkle_inclusion_holds(uint64_t index, uint64_t size, struct span leaf_hash, struct span proof,
                            struct span root)
{
    if (index >= size || leaf_hash.n != SHA256_LEN || root.n != SHA256_LEN ||
        proof.n % SHA256_LEN || proof.n / SHA256_LEN > MERKLE_PROOF_MAX)
        return false;
    uint64_t fn = index, sn = size - 1;
    uint8_t r[SHA256_LEN];
    memcpy(r, leaf_hash.p, SHA256_LEN);
    for (size_t at = 0; at < proof.n; at += SHA256_LEN) {
        const uint8_t *p = proof.p + at;
        if (sn == 0)
            return false;
        if ((fn & 1) || fn == sn) {
            merkle_node(p, r, r);
            while (!(fn & 1) && fn) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            merkle_node(r, p, r);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && memcmp(r, root.p, SHA256_LEN) == 0;
}

bool merkle_consistency_roots(uint64_t from, uint64_t to, struct span proof,
                              uint8_t old_root[SHA256_LEN], uint8_t new_root[SHA256_LEN])
{
    bool whole = (from & (from - 1)) == 0; /* then the old root is the proof's first hash */
    if (!from || from >= to || proof.n % SHA256_LEN || proof.n / SHA256_LEN > MERKLE_PROOF_MAX ||
        (!whole && proof.n == 0))
        return false;
    uint64_t fn = from - 1, sn = to - 1;
    while (fn & 1) {
        fn >>= 1;
        sn >>= 1;
    }
    uint8_t fr[SHA256_LEN], sr[SHA256_LEN];
    memcpy(fr, whole ? old_root : proof.p, SHA256_LEN);
    memcpy(sr, fr, SHA256_LEN);
    for (size_t at = whole ? 0 : SHA256_LEN; at < proof.n; at += SHA256_LEN) {
        const uint8_t *c = proof.p + at;
        if (sn == 0)
            return false;
        if ((fn & 1) || fn == sn) {
            merkle_node(c, fr, fr);
            merkle_node(c, sr, sr);
            while (!(fn & 1) && fn) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            merkle_node(sr, c, sr);
        }
        fn >>= 1;
        sn >>= 1;
    }
    memcpy(old_root, fr, SHA256_LEN);
    memcpy(new_root, sr, SHA256_LEN);
    return sn == 0;
}

bool merkle_consistency_holds(uint64_t from, uint64_t to, struct span from_root,
                              struct span to_root, struct span proof)
{
    if (from > to || from_root.n != SHA256_LEN || to_root.n != SHA256_LEN || proof.n % SHA256_LEN ||
        proof.n / SHA256_LEN > MERKLE_PROOF_MAX)
        return false;
    uint8_t empty[SHA256_LEN];
    merkle_empty(empty);
    if (from == 0)
        return proof.n == 0 && memcmp(from_root.p, empty, SHA256_LEN) == 0 &&
               (to > 0 || memcmp(to_root.p, empty, SHA256_LEN) == 0);
    if (from == to)
        return proof.n == 0 && memcmp(from_root.p, to_root.p, SHA256_LEN) == 0;
    uint8_t fr[SHA256_LEN], sr[SHA256_LEN];
    memcpy(fr, from_root.p, SHA256_LEN);
    return merkle_consistency_roots(from, to, proof, fr, sr) &&
           memcmp(fr, from_root.p, SHA256_LEN) == 0 && memcmp(sr, to_root.p, SHA256_LEN) == 0;
}
