#include "journal/blob.h"

#include <errno.h>
#include <stdlib.h>

#include "base/file.h"
#include "journal/blob_file.h"
#include "journal/packs.h"

_Static_assert(BLOB_PACKED_MAX == PACK_RAW_MAX, "what is small enough fits");

struct blob_store {
    char *dir;
    uint64_t max_one, max_total;
    struct packs *packs;
    struct blob_files *files;
};

int blob_open_reader(const char *dir, struct blob_store **out, struct err *err)
{
    *out = NULL;
    struct blob_store *s = calloc(1, sizeof *s);
    if (!s || !(s->dir = strdup(dir)))
        abort();
    int rc = blob_files_open(dir, &s->files, err);
    if (rc == 0)
        rc = packs_open(dir, &s->packs, err);
    if (rc < 0) {
        blob_close(s);
        return rc;
    }
    *out = s;
    return 0;
}

int blob_open(const char *dir, uint64_t max_one, uint64_t max_total, struct blob_store **out,
              struct err *err)
{
    *out = NULL;
    int rc = file_mkdirs(dir, 0700, err);
    if (rc == 0)
        rc = blob_open_reader(dir, out, err);
    if (rc < 0)
        return rc;
    (*out)->max_one = max_one;
    (*out)->max_total = max_total;
    rc = blob_files_lock((*out)->files, err);
    if (rc == 0)
        rc = packs_refresh((*out)->packs, err); /* a writer may have added until a moment ago */
    rc = rc < 0 ? rc : packs_writer_open((*out)->packs, err);
    if (rc < 0) {
        blob_close(*out);
        *out = NULL;
    }
    return rc;
}

void blob_close(struct blob_store *s)
{
    if (!s)
        return;
    packs_close(s->packs);
    blob_files_close(s->files);
    free(s->dir);
    free(s);
}

static uint64_t total(const struct blob_store *s)
{
    return s->packs->total + blob_files_total(s->files);
}

int blob_put(struct blob_store *s, struct span data, uint8_t sha[SHA256_LEN], struct err *err)
{
    bool small = data.n <= BLOB_PACKED_MAX;
    sha256(data.p ? data.p : (const uint8_t *)"", data.n, sha);
    if (s->max_one && data.n > s->max_one)
        return 1;
    if (small ? packs_held(s->packs, sha) : blob_files_held(s->files, sha, data))
        return 0;
    if (s->max_total && (data.n > s->max_total || total(s) > s->max_total - data.n))
        return 1;
    return small ? packs_add(s->packs, sha, data, err) : blob_files_add(s->files, sha, data, err);
}

int blob_sync(struct blob_store *s, struct err *err)
{
    int rc = packs_sync(s->packs, err);
    return rc < 0 ? rc : blob_files_sync(s->files, err);
}

void blob_drop(struct blob_store *s)
{
    packs_drop(s->packs);
}

int blob_get(struct blob_store *s, const uint8_t sha[SHA256_LEN], struct buf *out, struct err *err)
{
    char hex[SHA256_HEX_MAX];
    int packed = packs_get(s->packs, sha, out, err);
    if (packed != -ENOENT && packed != -EBADMSG)
        return packed;
    int rc = blob_files_get(s->files, sha, out, err);
    if (rc == -ENOENT && packed == -EBADMSG) {
        hex_encode(sha, SHA256_LEN, hex);
        return err_set(err, -EBADMSG, "%s: the blob %s is damaged", s->dir, hex);
    }
    return rc;
}

int blob_remove(struct blob_store *s, const uint8_t sha[SHA256_LEN], struct err *err)
{
    int rc = packs_remove(s->packs, sha, err);
    return rc < 0 ? rc : blob_files_remove(s->files, sha, err);
}

int blob_remove_many(struct blob_store *s, const uint8_t *sorted, size_t n, struct err *err)
{
    int rc = packs_remove_many(s->packs, sorted, n, err);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = blob_files_remove(s->files, sorted + i * SHA256_LEN, err);
    return rc;
}

int blob_walk(struct blob_store *s,
              int (*each)(void *ctx, const uint8_t sha256[SHA256_LEN], uint64_t size, int rc),
              void *ctx, struct err *err)
{
    int rc = packs_walk(s->packs, each, ctx, err);
    return rc ? rc : blob_files_walk(s->files, each, ctx, err);
}

void blob_info(const struct blob_store *s, struct blob_info *out)
{
    *out = (struct blob_info){.total = total(s), .damaged = s->packs->damaged};
    if (s->packs->writer)
        out->cut = packs_writer_cut(s->packs);
}

void blob_set_pack_limit(struct blob_store *s, uint64_t bytes)
{
    packs_writer_set_limit(s->packs, bytes);
}
