/* Opening what was sealed. */
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "lead/seal_impl.h"

struct seal_reader {
    crypto_secretstream_xchacha20poly1305_state state;
    struct seal_list list;
    seal_part_get *get;
    void *ctx;
    sha256_ctx digest;
    size_t part; /* the next part */
    struct buf sealed;
    size_t at;     /* in sealed */
    uint64_t left; /* bytes of plain text that are still sealed */
    struct buf manifest_bytes;
    struct seal_manifest manifest;
    unsigned file;
    uint64_t file_left;
    size_t plain_at, plain_n;
    uint8_t plain[SEAL_MESSAGE];
};

static int damaged(struct err *err)
{
    return err_set(err, -EBADMSG, "what is sealed is damaged, or the key is another's");
}

static int next_part(struct seal_reader *r, struct err *err)
{
    uint8_t sha[SHA256_LEN];
    if (r->part == r->list.parts)
        return damaged(err);
    r->sealed.n = r->at = 0;
    int rc = r->get(r->ctx, r->list.digests + r->part * SHA256_LEN, &r->sealed, err);
    if (rc < 0)
        return rc;
    sha256(r->sealed.p, r->sealed.n, sha);
    if (memcmp(sha, r->list.digests + r->part * SHA256_LEN, sizeof sha) != 0)
        return err_set(err, -EBADMSG, "a sealed part is not the one that the list names");
    r->part++;
    return r->sealed.n && r->sealed.n <= SEAL_PART_MAX ? 0 : damaged(err);
}

/* The next message into `plain`. */
static int open_message(struct seal_reader *r, struct err *err)
{
    unsigned char tag = 0;
    unsigned long long got = 0;
    size_t n = r->left < SEAL_MESSAGE ? (size_t)r->left : SEAL_MESSAGE;
    int rc = !n ? damaged(err) : r->at == r->sealed.n ? next_part(r, err) : 0;
    if (rc < 0)
        return rc;
    if (r->sealed.n - r->at < n + SEAL_OVERHEAD ||
        crypto_secretstream_xchacha20poly1305_pull(
            &r->state, r->plain, &got, &tag, r->sealed.p + r->at, n + SEAL_OVERHEAD, NULL, 0) < 0)
        return damaged(err);
    r->at += n + SEAL_OVERHEAD;
    r->left -= n;
    r->plain_at = 0;
    r->plain_n = n;
    bool last = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
    bool ends = !r->left && r->at == r->sealed.n && r->part == r->list.parts;
    return last == !r->left && last == ends ? 0 : damaged(err);
}

/* So many bytes more to out. */
static int read_plain(struct seal_reader *r, size_t n, struct buf *out, struct err *err)
{
    int rc = 0;
    while (rc == 0 && n) {
        if (r->plain_at == r->plain_n)
            rc = open_message(r, err);
        size_t k = r->plain_n - r->plain_at < n ? r->plain_n - r->plain_at : n;
        if (rc == 0) {
            buf_put(out, r->plain + r->plain_at, k);
            r->plain_at += k;
            n -= k;
        }
    }
    return rc;
}

static int read_manifest(struct seal_reader *r, struct err *err)
{
    struct buf *m = &r->manifest_bytes;
    buf_reserve(m, SEAL_MESSAGE);
    int rc = read_plain(r, 4, m, err);
    uint32_t n = rc == 0 ? be32_get(m->p) : 0;
    if (rc == 0 && n > SEAL_MANIFEST_MAX)
        rc = damaged(err);
    if (rc == 0)
        rc = read_plain(r, n, m, err);
    if (rc == 0 && (seal_manifest_read(span_of(m->p + 4, n), &r->manifest) < 0 ||
                    seal_padded(m->n + seal_files_size(&r->manifest)) != r->list.padded))
        rc = damaged(err);
    if (rc == 0)
        sha256_add(&r->digest, m->p, m->n);
    return rc;
}

int unseal_open(struct span list, const uint8_t key[SEAL_KEY_LEN], seal_part_get *get, void *ctx,
                struct seal_reader **out, struct err *err)
{
    struct seal_reader *r = mem_zeroed(1, sizeof *r);
    *out = NULL;
    r->get = get;
    r->ctx = ctx;
    sha256_begin(&r->digest);
    int rc = seal_list_parse(list, &r->list, err);
    r->left = r->list.padded;
    if (rc == 0 &&
        crypto_secretstream_xchacha20poly1305_init_pull(&r->state, r->list.header, key) < 0)
        rc = damaged(err);
    if (rc == 0)
        rc = read_manifest(r, err);
    if (rc < 0) {
        unseal_close(r);
        return rc;
    }
    r->file_left = r->manifest.n_files ? r->manifest.files[0].size : 0;
    *out = r;
    return 0;
}

const struct seal_manifest *unseal_manifest(const struct seal_reader *r)
{
    return &r->manifest;
}

/* What is behind the files: zeros, to the end. */
static int read_padding(struct seal_reader *r, struct err *err)
{
    int rc = 0;
    while (rc == 0) {
        if (!sodium_is_zero(r->plain + r->plain_at, r->plain_n - r->plain_at))
            return damaged(err);
        r->plain_at = r->plain_n;
        if (!r->left)
            break;
        rc = open_message(r, err);
    }
    return rc;
}

int unseal_next(struct seal_reader *r, unsigned *file, struct span *data, struct err *err)
{
    while (r->file < r->manifest.n_files && !r->file_left)
        if (++r->file < r->manifest.n_files)
            r->file_left = r->manifest.files[r->file].size;
    if (r->file >= r->manifest.n_files)
        return read_padding(r, err);
    int rc = r->plain_at == r->plain_n ? open_message(r, err) : 0;
    if (rc < 0)
        return rc;
    size_t n = r->plain_n - r->plain_at;
    n = r->file_left < n ? (size_t)r->file_left : n;
    *file = r->file;
    *data = span_of(r->plain + r->plain_at, n);
    sha256_add(&r->digest, data->p, n);
    r->plain_at += n;
    r->file_left -= n;
    return 1;
}

void unseal_content(const struct seal_reader *r, uint8_t out[SHA256_LEN])
{
    sha256_ctx c = r->digest;
    sha256_end(&c, out);
}

void unseal_close(struct seal_reader *r)
{
    if (!r)
        return;
    if (r->manifest_bytes.p)
        sodium_memzero(r->manifest_bytes.p, r->manifest_bytes.cap);
    buf_free(&r->manifest_bytes);
    buf_free(&r->sealed);
    sodium_memzero(r, sizeof *r);
    free(r);
}
