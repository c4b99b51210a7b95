/* What is sealed, as who has the disk could change it: a list and parts, under a known key.
 *
 * The first byte says how: 0 the input is a list (its parts: one, which follows a 32-bit length); 1
 * the input is the plain text of a sealed stream, sealed here as a malicious server cannot, but a
 * malicious sealer can; else the list of a good one with bytes of the input laid over it. */
#include <sodium.h>

#include "lead/seal.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TOTAL_MAX (4u << 20)

static struct span part;
static const uint8_t key[SEAL_KEY_LEN] = {1};

static int get(void *ctx, const uint8_t sha[SHA256_LEN], struct buf *out, struct err *err)
{
    buf_span(out, part);
    return 0;
}

/* Opens to the end: pieces lie in files that the manifest has, no more of each than it says. */
static void open_all(struct span list)
{
    struct seal_reader *r;
    struct err err;
    struct span piece;
    uint64_t got[SEAL_FILES_MAX] = {0};
    unsigned file;
    int rc = unseal_open(list, key, get, NULL, &r, &err);
    if (rc < 0)
        return;
    const struct seal_manifest *m = unseal_manifest(r);
    must(seal_manifest_check(m, NULL) == 0);
    while ((rc = unseal_next(r, &file, &piece, &err)) == 1) {
        must(file < m->n_files && piece.n && piece.n <= SEAL_MESSAGE);
        got[file] += piece.n;
        must(got[file] <= m->files[file].size);
    }
    for (size_t i = 0; rc == 0 && i < m->n_files; i++)
        must(got[i] == m->files[i].size);
    unseal_close(r);
}

static void put_list(struct buf *list, uint64_t padded, const uint8_t header[24], struct span one)
{
    uint8_t sha[SHA256_LEN];
    buf_str(list, "ebb sealed v1\n");
    buf_be64(list, padded);
    buf_put(list, header, 24);
    buf_be32(list, 1);
    sha256(one.p, one.n, sha);
    buf_put(list, sha, sizeof sha);
}

/* Any plain text, sealed as it should be. */
static void sealed_plain(struct span plain)
{
    crypto_secretstream_xchacha20poly1305_state state;
    uint8_t header[24];
    struct buf padded = {0}, out = {0}, list = {0};
    uint64_t n = seal_padded(plain.n);
    buf_span(&padded, plain);
    memset(buf_reserve(&padded, n - plain.n), 0, n - plain.n);
    crypto_secretstream_xchacha20poly1305_init_push(&state, header, key);
    for (uint64_t at = 0; at < n; at += SEAL_MESSAGE) {
        size_t k = n - at < SEAL_MESSAGE ? (size_t)(n - at) : SEAL_MESSAGE;
        crypto_secretstream_xchacha20poly1305_push(&state, buf_reserve(&out, k + SEAL_OVERHEAD),
                                                   NULL, padded.p + at, k, NULL, 0,
                                                   at + k == n ? 3 : 0);
        out.n += k + SEAL_OVERHEAD;
    }
    put_list(&list, n, header, buf_as_span(&out));
    part = buf_as_span(&out);
    open_all(buf_as_span(&list));
    buf_free(&padded);
    buf_free(&out);
    buf_free(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *digests;
    size_t n;
    if (!size || size > TOTAL_MAX || sodium_init() < 0)
        return 0;
    struct span rest = span_of(data + 1, size - 1);
    if (data[0] == 1) {
        sealed_plain(rest);
        return 0;
    }
    struct cur c = cur_of(rest);
    uint32_t len;
    struct span list = rest;
    part = span_of(NULL, 0);
    if (cur_u32(&c, &len) && cur_take(&c, len, &list))
        part = span_of(c.p, cur_left(&c));
    if (seal_parts(list, &digests, &n, NULL) == 0)
        must(n > 0 && digests + n * SHA256_LEN == list.p + list.n);
    open_all(list);
    return 0;
}
