/* Sealing. */
#include "lead/seal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "lead/seal_impl.h"

struct seal_writer {
    crypto_secretstream_xchacha20poly1305_state state;
    uint8_t key[SEAL_KEY_LEN], header[SEAL_HEADER_LEN];
    seal_part_put *put;
    void *ctx;
    sha256_ctx digest;
    uint64_t files;        /* bytes of files that are still to come */
    uint64_t done, padded; /* bytes of plain text sealed, and to be sealed */
    unsigned messages;     /* in the part */
    struct buf part;
    struct buf digests;
    size_t plain_n; /* of the message that fills */
    uint8_t plain[SEAL_MESSAGE];
};

static int end_part(struct seal_writer *w, struct err *err)
{
    uint8_t sha[SHA256_LEN];
    sha256(w->part.p, w->part.n, sha);
    buf_put(&w->digests, sha, sizeof sha);
    int rc = w->put(w->ctx, buf_as_span(&w->part), err);
    w->part.n = 0;
    w->messages = 0;
    return rc;
}

static int seal_message(struct seal_writer *w, const uint8_t *p, size_t n, struct err *err)
{
    bool last = w->done + n == w->padded;
    uint8_t *out = buf_reserve(&w->part, n + SEAL_OVERHEAD);
    crypto_secretstream_xchacha20poly1305_push(
        &w->state, out, NULL, p, n, NULL, 0,
        last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL
             : crypto_secretstream_xchacha20poly1305_TAG_MESSAGE);
    w->part.n += n + SEAL_OVERHEAD;
    w->done += n;
    return ++w->messages == SEAL_PART_MESSAGES || last ? end_part(w, err) : 0;
}

/* Whole messages are sealed from where they lie. */
static int push(struct seal_writer *w, struct span data, struct err *err)
{
    int rc = 0;
    while (rc == 0 && data.n) {
        size_t n = SEAL_MESSAGE - w->plain_n;
        if (!w->plain_n && data.n >= SEAL_MESSAGE) {
            rc = seal_message(w, data.p, SEAL_MESSAGE, err);
            n = SEAL_MESSAGE;
        } else {
            n = n < data.n ? n : data.n;
            memcpy(w->plain + w->plain_n, data.p, n);
            w->plain_n += n;
            if (w->plain_n == SEAL_MESSAGE) {
                rc = seal_message(w, w->plain, SEAL_MESSAGE, err);
                w->plain_n = 0;
            }
        }
        data = span_of(data.p + n, data.n - n);
    }
    return rc;
}

int seal_begin(const struct seal_manifest *m, seal_part_put *put, void *ctx,
               struct seal_writer **out, struct err *err)
{
    struct buf manifest = {0};
    *out = NULL;
    int rc = seal_manifest_check(m, err);
    if (rc < 0)
        return rc;
    struct seal_writer *w = mem_zeroed(1, sizeof *w);
    w->put = put;
    w->ctx = ctx;
    w->files = seal_files_size(m);
    seal_manifest_put(m, &manifest);
    w->padded = seal_padded(manifest.n + w->files);
    crypto_secretstream_xchacha20poly1305_keygen(w->key);
    crypto_secretstream_xchacha20poly1305_init_push(&w->state, w->header, w->key);
    sha256_begin(&w->digest);
    sha256_add(&w->digest, manifest.p, manifest.n);
    buf_reserve(&w->part, seal_sealed_size(w->padded) < SEAL_PART_MAX
                              ? (size_t)seal_sealed_size(w->padded)
                              : SEAL_PART_MAX);
    rc = push(w, buf_as_span(&manifest), err);
    sodium_memzero(manifest.p, manifest.n);
    buf_free(&manifest);
    *out = w;
    if (rc < 0) {
        seal_free(w);
        *out = NULL;
    }
    return rc;
}

int seal_add(struct seal_writer *w, struct span data, struct err *err)
{
    if (data.n > w->files)
        return err_set(err, -EFBIG, "a file has grown while it was read");
    w->files -= data.n;
    sha256_add(&w->digest, data.p, data.n);
    return push(w, data, err);
}

int seal_end(struct seal_writer *w, struct buf *list, struct seal_done *out, struct err *err)
{
    static const uint8_t zeros[SEAL_MESSAGE];
    int rc = 0;
    if (w->files)
        return err_set(err, -EIO, "a file has shrunk while it was read");
    while (rc == 0 && w->done + w->plain_n < w->padded) {
        uint64_t left = w->padded - w->done - w->plain_n;
        size_t n = SEAL_MESSAGE - w->plain_n;
        rc = push(w, span_of(zeros, left < n ? (size_t)left : n), err);
    }
    if (rc == 0 && w->plain_n) {
        rc = seal_message(w, w->plain, w->plain_n, err);
        w->plain_n = 0;
    }
    if (rc < 0)
        return rc;
    buf_str(list, SEAL_HEADING);
    buf_be64(list, w->padded);
    buf_put(list, w->header, sizeof w->header);
    buf_be32(list, (uint32_t)(w->digests.n / SHA256_LEN));
    buf_span(list, buf_as_span(&w->digests));
    memcpy(out->key, w->key, sizeof out->key);
    sha256_end(&w->digest, out->content);
    out->size = seal_sealed_size(w->padded);
    return 0;
}

void seal_free(struct seal_writer *w)
{
    if (!w)
        return;
    buf_free(&w->part);
    buf_free(&w->digests);
    sodium_memzero(w, sizeof *w);
    free(w);
}
