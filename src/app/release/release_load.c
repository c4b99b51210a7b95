/* A release's document by its entry. */
#include <errno.h>

#include "app/release/release_make.h"
#include "state/releases.h"

struct found {
    uint8_t sha256[SHA256_LEN];
};

static int take(void *ctx, const struct release_entry *r)
{
    struct found *f = ctx;
    memcpy(f->sha256, r->sha256.p, SHA256_LEN); /* the view takes in no others */
    return 0;
}

int release_load(struct casedir *c, uint64_t entry, struct release_doc *out, struct buf *bytes,
                 struct err *err)
{
    struct found f;
    struct buf own = {0}, *text = bytes ? bytes : &own;
    memset(out, 0, sizeof *out);
    size_t from = text->n;
    int rc = releases_one(c->pursuit, entry, take, &f, err);
    if (rc == 0)
        return err_set(err, -ENOENT, "entry %llu is no release", (unsigned long long)entry);
    if (rc == 1)
        rc = casedir_blob(c, f.sha256, text, err);
    if (rc == 0)
        rc = release_doc_read(span_of(text->p + from, text->n - from), out, err);
    buf_free(&own);
    return rc;
}
