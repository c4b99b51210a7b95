#include "app/lead/lead_seal.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "lead/wrap.h"

/* ---- to whom ---- */

static int add_reader(void *ctx, const struct account *a)
{
    struct lead_readers *r = ctx;
    if (!a->has_box || !account_is_open(a, utc_now()) ||
        !(a->roles & (ROLE_REVIEWER | ROLE_CUSTODIAN)))
        return 0;
    r->list = mem_resize(r->list, r->n + 1, sizeof *r->list);
    struct lead_reader *one = &r->list[r->n++];
    *one = (struct lead_reader){0};
    snprintf(one->name, sizeof one->name, "%s", a->name);
    memcpy(one->box, a->box, sizeof one->box);
    return r->n == LEAD_READERS_MAX;
}

int lead_readers(struct casebook *cb, struct lead_readers *out, struct err *err)
{
    *out = (struct lead_readers){0};
    int rc = casebook_accounts(cb, add_reader, out, err);
    if (rc > 0)
        return err_set(err, -EFBIG, "more than %d accounts read leads", LEAD_READERS_MAX - 1);
    if (rc == 0 && !out->n)
        rc = err_set(err, -ENOKEY,
                     "nobody could read it: no account in force is a reviewer or custodian (`ebb "
                     "account add`)");
    return rc;
}

void lead_readers_free(struct lead_readers *r)
{
    free(r->list);
    *r = (struct lead_readers){0};
}

/* ---- sealing ---- */

struct keeping {
    const struct cli *cli;
    struct case_keeper *keeper;
    struct seal_writer *writer;
};

void lead_blur_part(const char *case_dir, const uint8_t digest[SHA256_LEN])
{
    char path[FILE_PATH_MAX], hex[SHA256_HEX_MAX];
    int64_t day = utc_now() / UTC_DAY * UTC_DAY / UTC_SECOND;
    struct timespec times[2] = {{.tv_sec = day}, {.tv_sec = day}};
    hex_encode(digest, SHA256_LEN, hex);
    if (file_path(path, NULL, "%s/blobs/%.2s/%s.zst", case_dir, hex, hex + 2) == 0)
        utimensat(AT_FDCWD, path, times, 0);
    if (file_path(path, NULL, "%s/blobs/%.2s", case_dir, hex) == 0)
        utimensat(AT_FDCWD, path, times, 0);
}

static int keep_part(void *ctx, struct span part, struct err *err)
{
    struct keeping *k = ctx;
    uint8_t digest[SHA256_LEN];
    int rc = case_keeper_put(k->keeper, part, digest, err);
    if (rc == 0 && part.n > BLOB_PACKED_MAX)
        lead_blur_part(k->cli->case_dir, digest);
    return rc;
}

static int add_piece(void *ctx, struct span data, struct err *err)
{
    return seal_add(((struct keeping *)ctx)->writer, data, err);
}

static int put_wraps(const struct lead_readers *to, const uint8_t *receipt,
                     const struct seal_done *done, const uint8_t list[SHA256_LEN], struct buf *out,
                     struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < to->n; i++)
        rc = wrap_put(UINT64_MAX, span_str(to->list[i].name), to->list[i].box, done->key, list, out,
                      err);
    if (rc == 0 && receipt)
        rc = wrap_put(UINT64_MAX, span_str(WRAP_RECEIPT), receipt, done->key, list, out, err);
    return rc;
}

/* The files once more: now they must give the digest that they gave before. */
static int seal_all(struct keeping *k, const struct lead_content *c, struct buf *list,
                    struct seal_done *done, struct err *err)
{
    int rc = seal_begin(&c->manifest, keep_part, k, &k->writer, err);
    if (rc == 0)
        rc = lead_content_walk(c, add_piece, k, err);
    if (rc == 0)
        rc = seal_end(k->writer, list, done, err);
    seal_free(k->writer);
    if (rc == 0 && memcmp(done->content, c->digest, SHA256_LEN) != 0)
        rc = err_set(err, -EIO, "a file has changed while it was read: begin again");
    return rc;
}

int lead_seal(const struct cli *cli, const struct lead_content *c, const struct lead_readers *to,
              const uint8_t *receipt, struct lead_sealed *out, struct err *err)
{
    struct keeping k = {.cli = cli};
    struct seal_done done = {0};
    struct buf list = {0}, wraps = {0};
    uint8_t digest[SHA256_LEN];
    int rc = case_keeper_open(cli, &k.keeper, err);
    if (rc < 0)
        return rc;
    rc = seal_all(&k, c, &list, &done, err);
    if (rc == 0) {
        sha256(list.p, list.n, digest);
        rc = put_wraps(to, receipt, &done, digest, &wraps, err);
    }
    if (rc == 0)
        rc = case_keeper_put(k.keeper, buf_as_span(&list), out->content, err);
    if (rc == 0)
        rc = case_keeper_put(k.keeper, buf_as_span(&wraps), out->wraps, err);
    int closed = case_keeper_close(k.keeper, rc == 0 ? err : NULL);
    out->size = done.size;
    out->files = c->manifest.n_files;
    sodium_memzero(&done, sizeof done);
    buf_free(&list);
    buf_free(&wraps);
    return rc < 0 ? rc : closed;
}

int lead_seal_words(const struct cli *cli, struct casebook *cb, struct span text,
                    const uint8_t *receipt, struct lead_sealed *out, struct err *err)
{
    struct lead_content c = {0};
    struct lead_readers to = {0};
    int rc = lead_readers(cb, &to, err);
    if (rc == 0)
        rc = lead_content_words(text, &c, err);
    if (rc == 0)
        rc = lead_seal(cli, &c, &to, receipt, out, err);
    lead_content_free(&c);
    lead_readers_free(&to);
    return rc;
}
