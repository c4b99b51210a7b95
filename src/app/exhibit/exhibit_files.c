/* A bundle's folder and files, and the manifest that has them all. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/exhibit/exhibit_impl.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#define MANIFEST_MAX (64u << 20)

static const char *const folders[] = {"entries", "blobs", "rotated", "timestamp", "witness"};

int exhibit_folder(struct exhibit *x, const char *name, struct err *err)
{
    return mkdirat(x->dir, name, 0700) == 0 ? 0 : err_errno(err, "%s/%s", x->r->dir, name);
}

bool exhibit_has(const struct exhibit *x, const char *path)
{
    struct stat st;
    return fstatat(x->dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int write_file(struct exhibit *x, const char *path, struct span data, struct err *err)
{
    int fd = openat(x->dir, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_errno(err, "%s/%s", x->r->dir, path);
    int rc = file_write_all(fd, data.p, data.n);
    if (close(fd) < 0 && rc == 0)
        rc = -errno;
    return rc < 0 ? err_set(err, rc, "%s/%s: %s", x->r->dir, path, strerror(-rc)) : 0;
}

int exhibit_put(struct exhibit *x, const char *path, struct span data, struct err *err)
{
    if (data.n > EXHIBIT_BYTES_MAX - x->bytes)
        return err_set(err, -EFBIG, "the exhibit is over %llu GiB: make several",
                       EXHIBIT_BYTES_MAX >> 30);
    int rc = write_file(x, path, data, err);
    if (rc < 0)
        return rc;
    x->bytes += data.n;
    x->rows = mem_room(x->rows, x->n, &x->cap, sizeof *x->rows);
    struct exhibit_row *row = &x->rows[x->n++];
    snprintf(row->path, sizeof row->path, "%s", path);
    row->size = data.n;
    sha256(data.p, data.n, row->sha256);
    return 0;
}

/* ---- the manifest ---- */

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct exhibit_row *)a)->path, ((const struct exhibit_row *)b)->path);
}

static void put_key(struct json *j, const char *key, struct span value)
{
    json_key(j, key);
    json_span(j, value);
}

static void put_time(struct json *j, const char *key, int64_t t)
{
    char text[UTC_TEXT_MAX];
    put_key(j, key, span_of(text, utc_format(t, text)));
}

static void put_number(struct json *j, const char *key, uint64_t n)
{
    json_key(j, key);
    json_uint(j, n);
}

static void put_anchor(struct json *j, const char *key, const struct exhibit_anchor *a)
{
    if (!a->has)
        return;
    json_key(j, key);
    json_object(j);
    put_key(j, "by", span_str(a->by));
    put_number(j, "entry", a->entry);
    put_number(j, "size", a->size);
    put_number(j, "entries_covered", a->covered);
    if (a->when)
        put_time(j, "time", a->when);
    json_object_end(j);
}

static void put_facts(const struct exhibit *x, struct json *j)
{
    const struct checkpoint *c = journal_prover_checkpoint(x->prover);
    put_key(j, "form", span_str("ebb exhibit v1"));
    put_key(j, "name", span_str(x->r->name));
    put_key(j, "query", x->r->query);
    put_time(j, "made", x->made);
    put_key(j, "made_by", span_str("ebb " EBB_VERSION));
    put_key(j, "log", c->origin);
    put_number(j, "size", c->size);
    json_key(j, "root");
    json_hex(j, c->root, SHA256_LEN);
    put_number(j, "entries", x->n_entries);
    put_number(j, "entries_opened", x->opened);
    put_number(j, "entries_redacted", x->redacted);
    put_number(j, "entries_erased", x->erased);
    put_number(j, "blobs", x->blobs);
    json_key(j, "members_left_out");
    json_array(j);
    for (size_t i = 0; i < x->r->n_redact; i++)
        json_span(j, x->r->redact[i]);
    json_array_end(j);
    put_anchor(j, "timestamp", &x->stamp);
    put_anchor(j, "witnesses", &x->witnesses);
    if (x->r->signer) {
        json_key(j, "signer");
        json_object(j);
        put_key(j, "account", span_str(x->r->signer->name));
        if (x->signer_entry)
            put_number(j, "entry", x->signer_entry);
        json_object_end(j);
    }
}

/* The facts on one line; then a line a file, in a form that a shell script reads. */
static void put_manifest(struct exhibit *x, struct buf *out)
{
    char hex[SHA256_HEX_MAX];
    struct json j = json_to(out);
    qsort(x->rows, x->n, sizeof *x->rows, by_path);
    json_object(&j);
    put_facts(x, &j);
    buf_str(out, ",\"files\": [\n");
    for (size_t i = 0; i < x->n; i++) {
        hex_encode(x->rows[i].sha256, SHA256_LEN, hex);
        buf_printf(out, "  {\"sha256\": \"%s\", \"size\": %llu, \"path\": \"%s\"}%s\n", hex,
                   (unsigned long long)x->rows[i].size, x->rows[i].path, i + 1 < x->n ? "," : "");
    }
    buf_str(out, "]}\n");
}

int exhibit_seal(struct exhibit *x, struct err *err)
{
    struct buf manifest = {0}, sum = {0};
    char hex[SHA256_HEX_MAX];
    uint8_t signature[crypto_sign_BYTES];
    put_manifest(x, &manifest);
    sha256(manifest.p, manifest.n, x->manifest);
    hex_encode(x->manifest, SHA256_LEN, hex);
    buf_printf(&sum, "%s  manifest.json\n", hex);
    int rc = write_file(x, "manifest.json", buf_as_span(&manifest), err);
    if (rc == 0)
        rc = write_file(x, "manifest.sha256", buf_as_span(&sum), err);
    if (rc == 0 && x->r->signer) {
        crypto_sign_detached(signature, NULL, manifest.p, manifest.n, x->r->signer->sign_secret);
        rc = write_file(x, "manifest.sig", span_of(signature, sizeof signature), err);
    }
    buf_free(&manifest);
    buf_free(&sum);
    if (rc == 0 && syncfs(x->dir) < 0)
        rc = err_errno(err, "%s", x->r->dir);
    return rc;
}

/* ---- removing ---- */

static void remove_path(int dir, struct span path)
{
    char text[EXHIBIT_PATH_MAX];
    if (path.n < sizeof text && snprintf(text, sizeof text, "%.*s", (int)path.n, path.p) > 0)
        unlinkat(dir, text, 0);
}

static void remove_folder(int dir, const char *path)
{
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        unlinkat(dir, folders[i], AT_REMOVEDIR);
    rmdir(path);
}

static void remove_seals(int dir)
{
    unlinkat(dir, "manifest.json", 0);
    unlinkat(dir, "manifest.sha256", 0);
    unlinkat(dir, "manifest.sig", 0);
}

/* What this bundle has written so far. */
void exhibit_undo(struct exhibit *x)
{
    if (x->dir < 0)
        return;
    for (size_t i = 0; i < x->n; i++)
        remove_path(x->dir, span_str(x->rows[i].path));
    remove_seals(x->dir);
    remove_folder(x->dir, x->r->dir);
}

/* Only what the manifest names, each below the folder. */
void exhibit_remove(const char *path)
{
    static const char row[] = "  {\"sha256\": \"", name[] = "\"path\": \"";
    struct buf manifest = {0};
    char file[FILE_PATH_MAX];
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return;
    if (file_path(file, NULL, "%s/manifest.json", path) == 0)
        file_read(file, MANIFEST_MAX, &manifest, NULL);
    for (struct cur c = cur_of(buf_as_span(&manifest)); cur_left(&c);) {
        struct span line = cur_line(&c);
        const uint8_t *at = line.n > sizeof row && memcmp(line.p, row, sizeof row - 1) == 0
                                ? memmem(line.p, line.n, name, sizeof name - 1)
                                : NULL;
        const uint8_t *from = at ? at + sizeof name - 1 : NULL;
        const uint8_t *end = at ? memchr(from, '"', (size_t)(line.p + line.n - from)) : NULL;
        struct span found = end ? span_of(from, (size_t)(end - from)) : span_of(NULL, 0);
        if (found.n && found.p[0] != '/' && !memmem(found.p, found.n, "..", 2))
            remove_path(dir, found);
    }
    buf_free(&manifest);
    remove_seals(dir);
    remove_folder(dir, path);
    close(dir);
    exhibit_certification_remove(path);
}
