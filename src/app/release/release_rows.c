/* Rows of a release's tables. */
#include <stdlib.h>

#include "app/release/release_doc.h"
#include "base/mem.h"

void release_doc_free(struct release_doc *d)
{
    free(d->days.v);
    free(d->countries.v);
    free(d->families.v);
    free(d->spam.v);
    memset(d, 0, sizeof *d);
}

struct release_row *release_rows_add(struct release_rows *r, struct span key)
{
    r->v = mem_room(r->v, r->n, &r->cap, sizeof *r->v);
    struct release_row *row = &r->v[r->n++];
    memset(row, 0, sizeof *row);
    if (key.n >= RELEASE_KEY_MAX)
        key.n = RELEASE_KEY_MAX - 1;
    while (key.n && !span_is_utf8(key)) /* cut within a character, or never one */
        key.n--;
    memcpy(row->key, key.n ? (const char *)key.p : "", key.n);
    return row;
}

const struct release_row *release_rows_find(const struct release_rows *r, const char *key)
{
    for (size_t i = 0; i < r->n; i++)
        if (strcmp(r->v[i].key, key) == 0)
            return &r->v[i];
    return NULL;
}
