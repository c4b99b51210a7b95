#include "web/assets.h"

#include <string.h>

#define ASSETS_FOLDER "/assets/"

const struct web_asset *web_asset(const char *path)
{
    for (const struct web_asset *a = web_assets; a->path; a++)
        if (strcmp(a->path, path) == 0)
            return a;
    return NULL;
}

void web_asset_url(struct buf *out, const char *name)
{
    for (const struct web_asset *a = web_assets; a->path; a++)
        if (strcmp(a->path + strlen(ASSETS_FOLDER), name) == 0) {
            buf_printf(out, "%s?v=%s", a->path, a->etag);
            return;
        }
}
