/* Merkle trees against the published vectors and against a second, naive construction. */
#include <errno.h>

#include "base/tap.h"
#include "journal/merkle.h"
#include "journal/tree.h"

/* The eight leaves, roots and proofs of Certificate Transparency's own tests
 * (google/certificate-transparency, merkle_tree_test; transparency-dev/merkle testonly has the
 * same), which every implementation of RFC 6962 and 9162 uses. */
static const char *const leaf_hex[8] = {"",
                                        "00",
                                        "10",
                                        "2021",
                                        "3031",
                                        "40414243",
                                        "5051525354555657",
                                        "606162636465666768696a6b6c6d6e6f"};
static const char *const root_hex[9] = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

struct proof_vector {
    uint64_t a, b; /* index and size, or the two sizes */
    size_t n;
    const char *hash[4];
};
static const struct proof_vector inclusion[] = {
    {0,
     8,
     3,
     {"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}},
    {5,
     8,
     3,
     {"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
    {2, 3, 1, {"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"}},
    {1,
     5,
     3,
     {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}},
    {0, 1, 0, {0}},
};
static const struct proof_vector consistency[] = {
    {1, 1, 0, {0}},
    {1,
     8,
     3,
     {"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}},
    {6,
     8,
     3,
     {"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
    {2,
     5,
     2,
     {"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}},
};

struct hash {
    uint8_t b[SHA256_LEN];
};

static struct hash from_hex(const char *hex)
{
    struct hash h;
    if (!hex_decode(span_str(hex), h.b, SHA256_LEN))
        abort();
    return h;
}

static struct span span_hash(const struct hash *h)
{
    return span_of(h->b, SHA256_LEN);
}

/* MTH as the RFC defines it, by recursion. */
static struct hash naive_root(const struct hash *leaf, size_t n)
{
    struct hash h, l, r;
    size_t k = 1;
    if (n == 0) {
        merkle_empty(h.b);
        return h;
    }
    if (n == 1)
        return leaf[0];
    while (2 * k < n)
        k *= 2;
    l = naive_root(leaf, k);
    r = naive_root(leaf + k, n - k);
    merkle_node(l.b, r.b, h.b);
    return h;
}

static int leaves_node(void *ctx, unsigned level, uint64_t index, uint8_t out[SHA256_LEN],
                       struct err *err)
{
    (void)err;
    const struct hash *leaf = ctx;
    struct hash h = naive_root(leaf + (index << level), 1ull << level);
    memcpy(out, h.b, SHA256_LEN);
    return 0;
}

static void vector_leaves(struct hash leaf[8])
{
    for (size_t i = 0; i < 8; i++) {
        uint8_t data[16];
        size_t n = strlen(leaf_hex[i]) / 2;
        hex_decode(span_str(leaf_hex[i]), data, n);
        merkle_leaf(data, n, leaf[i].b);
    }
}

static void test_roots(void)
{
    struct hash leaf[8], root, want;
    vector_leaves(leaf);
    struct merkle_source src = {leaves_node, leaf};
    struct tree t = {0};
    for (size_t n = 0; n <= 8; n++) {
        want = from_hex(root_hex[n]);
        merkle_root(&src, n, root.b, NULL);
        ok(memcmp(root.b, want.b, SHA256_LEN) == 0, "root of a CT tree");
        tree_fold(&t, n);
        tree_root(&t, n, root.b);
        ok(memcmp(root.b, want.b, SHA256_LEN) == 0, "root of a CT tree, grown");
        if (n)
            merkle_fold(leaf[0].b, n, root.b);
        ok(memcmp(root.b, want.b, SHA256_LEN) == 0, "root of a CT tree, folded");
        if (n < 8)
            tree_add(&t, leaf[n].b);
    }
    tree_free(&t);
}

static bool proof_is(const struct merkle_proof *p, const struct proof_vector *v)
{
    if (p->n != v->n)
        return false;
    for (size_t i = 0; i < v->n; i++) {
        struct hash want = from_hex(v->hash[i]);
        if (memcmp(p->hash[i], want.b, SHA256_LEN) != 0)
            return false;
    }
    return true;
}

static void test_proofs(void)
{
    struct hash leaf[8];
    struct merkle_proof p;
    vector_leaves(leaf);
    struct merkle_source src = {leaves_node, leaf};
    for (size_t i = 0; i < sizeof inclusion / sizeof *inclusion; i++) {
        const struct proof_vector *v = &inclusion[i];
        struct hash root = from_hex(root_hex[v->b]);
        merkle_inclusion(&src, v->a, v->b, &p, NULL);
        ok(proof_is(&p, v), "inclusion proof as published");
        ok(merkle_inclusion_holds(v->a, v->b, span_hash(&leaf[v->a]),
                                  span_of(p.hash, p.n * SHA256_LEN), span_hash(&root)));
    }
    for (size_t i = 0; i < sizeof consistency / sizeof *consistency; i++) {
        const struct proof_vector *v = &consistency[i];
        struct hash from = from_hex(root_hex[v->a]), to = from_hex(root_hex[v->b]);
        merkle_consistency(&src, v->a, v->b, &p, NULL);
        ok(proof_is(&p, v), "consistency proof as published");
        ok(merkle_consistency_holds(v->a, v->b, span_hash(&from), span_hash(&to),
                                    span_of(p.hash, p.n * SHA256_LEN)));
        struct hash old = merkle_consistency_tells(v->a, v->b) ? (struct hash){{0}} : from, new;
        if (v->a && v->a < v->b) /* the proof alone says what both roots are */
            ok(merkle_consistency_roots(v->a, v->b, span_of(p.hash, p.n * SHA256_LEN), old.b,
                                        new.b) &&
               memcmp(old.b, from.b, SHA256_LEN) == 0 && memcmp(new.b, to.b, SHA256_LEN) == 0);
    }
}

static void test_edges(void)
{
    struct hash leaf[8], empty, one, eight = from_hex(root_hex[8]), six = from_hex(root_hex[6]);
    struct merkle_proof p;
    struct err err;
    vector_leaves(leaf);
    struct merkle_source src = {leaves_node, leaf};
    struct span none = {NULL, 0};
    merkle_empty(empty.b);
    one = leaf[0];
    is_int(merkle_inclusion(&src, 0, 0, &p, &err), -ERANGE);
    is_int(merkle_inclusion(&src, 8, 8, &p, &err), -ERANGE);
    is_int(merkle_consistency(&src, 8, 7, &p, &err), -ERANGE);
    ok(merkle_consistency(&src, 0, 8, &p, &err) == 0 && p.n == 0);
    ok(merkle_inclusion_holds(0, 1, span_hash(&one), none, span_hash(&one)), "size 1: no path");
    ok(!merkle_inclusion_holds(0, 0, span_hash(&one), none, span_hash(&one)), "size 0: nothing in");
    ok(!merkle_inclusion_holds(1, 1, span_hash(&one), none, span_hash(&one)), "index past the end");
    ok(merkle_consistency_holds(0, 0, span_hash(&empty), span_hash(&empty), none));
    ok(!merkle_consistency_holds(0, 0, span_hash(&empty), span_hash(&one), none));
    ok(merkle_consistency_holds(0, 8, span_hash(&empty), span_hash(&eight), none));
    ok(!merkle_consistency_holds(0, 8, span_hash(&one), span_hash(&eight), none));
    ok(!merkle_consistency_holds(0, 8, span_hash(&empty), span_hash(&eight), span_hash(&one)));
    ok(merkle_consistency_holds(8, 8, span_hash(&eight), span_hash(&eight), none));
    ok(!merkle_consistency_holds(8, 8, span_hash(&eight), span_hash(&six), none));
    ok(!merkle_consistency_holds(8, 8, span_hash(&eight), span_hash(&eight), span_hash(&one)));
    ok(!merkle_consistency_holds(6, 8, span_hash(&six), span_hash(&eight), none), "no proof");
    ok(!merkle_consistency_holds(8, 6, span_hash(&eight), span_hash(&six), none), "sizes turned");

    merkle_inclusion(&src, 5, 8, &p, NULL);
    struct span path = span_of(p.hash, p.n * SHA256_LEN), shorter = path, odd = path;
    struct span l = span_hash(&leaf[5]), r = span_hash(&eight);
    ok(merkle_inclusion_holds(5, 8, l, path, r));
    for (uint64_t i = 0; i < 9; i++)
        if (i != 5)
            ok(!merkle_inclusion_holds(i, 8, l, path, r), "another index");
    shorter.n -= SHA256_LEN;
    ok(!merkle_inclusion_holds(5, 8, l, shorter, r), "a hash is missing");
    odd.n -= 1;
    ok(!merkle_inclusion_holds(5, 8, l, odd, r), "a hash of 31 bytes");
    l.n = 31;
    ok(!merkle_inclusion_holds(5, 8, l, path, r), "a leaf hash of 31 bytes");
    l.n = 32;
    r.n = 31;
    ok(!merkle_inclusion_holds(5, 8, l, path, r), "a root of 31 bytes");
    r.n = 33;
    ok(!merkle_inclusion_holds(5, 8, l, path, r), "a root of 33 bytes");
    ok(!merkle_inclusion_holds(5, 1ull << 63, l, path, span_hash(&eight)), "a much larger tree");
}

#define MANY 300

/* Every proof of every size up to MANY holds, and with one bit turned it does not. */
static void test_all_sizes(void)
{
    static struct hash leaf[MANY], root[MANY + 1];
    struct merkle_proof p;
    struct tree t = {0};
    struct merkle_source src = {leaves_node, leaf};
    for (size_t i = 0; i < MANY; i++)
        merkle_leaf(&i, sizeof i, leaf[i].b);
    unsigned bad_roots = 0, bad = 0, wrong = 0;
    for (size_t n = 0; n <= MANY; n++) {
        uint8_t grown[SHA256_LEN];
        root[n] = naive_root(leaf, n);
        tree_fold(&t, n);
        tree_root(&t, n, grown);
        bad_roots += memcmp(grown, root[n].b, SHA256_LEN) != 0;
        for (unsigned level = 0; level < TREE_LEVELS && n % 7 == 0; level++)
            tree_drop_full(&t, level, n);
        if (n < MANY)
            tree_add(&t, leaf[n].b);
    }
    tree_free(&t);
    for (size_t n = 1; n <= MANY; n += n < 70 ? 1 : 23) {
        for (size_t i = 0; i < n; i++) {
            merkle_inclusion(&src, i, n, &p, NULL);
            struct span path = span_of(p.hash, p.n * SHA256_LEN);
            bad += !merkle_inclusion_holds(i, n, span_hash(&leaf[i]), path, span_hash(&root[n]));
            wrong += merkle_inclusion_holds(i, n, span_hash(&leaf[(i + 1) % MANY]), path,
                                            span_hash(&root[n]));
            if (p.n)
                p.hash[i % p.n][i % SHA256_LEN] ^= 1;
            wrong +=
                p.n && merkle_inclusion_holds(i, n, span_hash(&leaf[i]), path, span_hash(&root[n]));
        }
        for (size_t m = 0; m <= n; m++) {
            merkle_consistency(&src, m, n, &p, NULL);
            struct span path = span_of(p.hash, p.n * SHA256_LEN);
            bad += !merkle_consistency_holds(m, n, span_hash(&root[m]), span_hash(&root[n]), path);
            if (p.n)
                p.hash[m % p.n][m % SHA256_LEN] ^= 0x80;
            wrong += p.n &&
                     merkle_consistency_holds(m, n, span_hash(&root[m]), span_hash(&root[n]), path);
        }
    }
    is_int(bad_roots, 0);
    is_int(bad, 0);
    is_int(wrong, 0);
}

int main(void)
{
    test_roots();
    test_proofs();
    test_edges();
    test_all_sizes();
    return tap_done();
}
