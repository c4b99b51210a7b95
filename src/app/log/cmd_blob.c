/* ebb blob get, verify */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "app/casedir.h"
#include "app/cli.h"
#include "app/progress.h"
#include "base/file.h"
#include "base/json.h"
#include "view/display.h"

#define DAMAGED_LISTED_MAX 1000

static int print_blob(const struct buf *blob)
{
    struct buf safe = {0};
    bool terminal = isatty(STDOUT_FILENO); /* it is outside text */
    if (terminal)
        display_put(&safe, buf_as_span(blob));
    const struct buf *out = terminal ? &safe : blob;
    bool good = fwrite(out->p, 1, out->n, stdout) == out->n;
    buf_free(&safe);
    return good ? EXIT_DONE : EXIT_FAILED;
}

int cmd_blob_get(const struct cli *cli)
{
    struct casedir c = {.quiet = cli->quiet};
    struct buf blob = {0};
    struct err err;
    uint8_t sha[SHA256_LEN];
    const char *output = cli_get(cli, "output");
    if (cli->n_args != 1 || !hex_decode(span_str(cli->args[0]), sha, sizeof sha))
        return cli_fail(EXIT_USAGE, "blob get: wants one SHA-256, 64 hexadecimal digits");
    int rc = casedir_open(&c, cli->case_dir, JOURNAL_READ, &err);
    if (rc == 0)
        rc = casedir_blob(&c, sha, &blob, &err);
    if (rc == -ENOENT)
        err_set(&err, rc, "blob get: the case has no such blob (%s)", cli->args[0]);
    if (rc == 0 && output)
        rc = file_replace(output, buf_as_span(&blob), 0600, &err);
    int code = rc < 0 ? cli_err(&err) : output ? EXIT_DONE : print_blob(&blob);
    buf_free(&blob);
    casedir_close(&c, NULL);
    return code;
}

/* ---- verify ---- */

struct verdict {
    struct progress progress;
    uint64_t blobs, bytes, damaged;
    struct buf digests; /* of damaged ones, the first DAMAGED_LISTED_MAX */
};

static int judge(void *ctx, const uint8_t *sha, uint64_t size, int rc)
{
    struct verdict *v = ctx;
    v->blobs++;
    v->bytes += size;
    if (rc < 0 && v->damaged++ < DAMAGED_LISTED_MAX)
        buf_put(&v->digests, sha, SHA256_LEN);
    progress_at(&v->progress, v->bytes, v->blobs, "blobs");
    return 0;
}

static void print_json(const struct verdict *v, uint64_t lost, bool holds)
{
    struct buf b = {0};
    struct json j = json_to(&b);
    json_object(&j);
    json_key(&j, "holds");
    json_bool(&j, holds);
    json_key(&j, "blobs");
    json_uint(&j, v->blobs);
    json_key(&j, "bytes");
    json_uint(&j, v->bytes);
    json_key(&j, "damaged_blocks");
    json_uint(&j, lost);
    json_key(&j, "damaged");
    json_array(&j);
    for (size_t i = 0; i < v->digests.n; i += SHA256_LEN)
        json_hex(&j, v->digests.p + i, SHA256_LEN);
    json_array_end(&j);
    json_object_end(&j);
    json_newline(&j);
    fwrite(b.p, 1, b.n, stdout);
    buf_free(&b);
}

static void print_words(const struct verdict *v, uint64_t lost, bool holds)
{
    char hex[SHA256_HEX_MAX];
    printf("%llu blobs, %llu bytes: %s\n", (unsigned long long)v->blobs,
           (unsigned long long)v->bytes, holds ? "all hold" : "damaged");
    for (size_t i = 0; i < v->digests.n; i += SHA256_LEN) {
        hex_encode(v->digests.p + i, SHA256_LEN, hex);
        printf("damaged: %s\n", hex);
    }
    if (v->damaged > DAMAGED_LISTED_MAX)
        printf("and %llu more\n", (unsigned long long)(v->damaged - DAMAGED_LISTED_MAX));
    if (lost)
        printf("damaged blocks in packs: %llu\n", (unsigned long long)lost);
}

/* A store that was never made holds nothing: -ENOENT is no failure. */
static int verify(struct casedir *c, struct verdict *v, uint64_t *lost, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct blob_store *s;
    struct blob_info info;
    int rc = file_path(path, err, "%s/blobs", c->dir);
    if (rc == 0)
        rc = blob_open_reader(path, &s, err);
    if (rc < 0)
        return rc == -ENOENT ? 0 : rc;
    blob_info(s, &info);
    progress_begin(&v->progress, "verify", info.total, c->quiet);
    rc = blob_walk(s, judge, v, err);
    progress_end(&v->progress);
    blob_info(s, &info);
    *lost = info.damaged;
    blob_close(s);
    return rc;
}

int cmd_blob_verify(const struct cli *cli)
{
    struct casedir c = {.quiet = cli->quiet};
    struct verdict v = {0};
    struct err err;
    uint64_t lost = 0;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "blob verify: takes no argument (%s)", cli->args[0]);
    int rc = casedir_open(&c, cli->case_dir, JOURNAL_READ, &err);
    if (rc == 0)
        rc = verify(&c, &v, &lost, &err);
    bool holds = !v.damaged && !lost;
    if (rc == 0 && cli_shape(cli) == TABLE_JSON)
        print_json(&v, lost, holds);
    else if (rc == 0)
        print_words(&v, lost, holds);
    buf_free(&v.digests);
    casedir_close(&c, NULL);
    return rc < 0 ? cli_err(&err) : holds ? EXIT_DONE : EXIT_FAILED;
}
