/* Assets: the front end's built files (web/), part of the program. */
#pragma once

#include "base/buf.h"

struct web_asset {
    const char *path;       /* "/assets/desk.js" */
    const char *type;       /* Content-Type */
    const char *etag;       /* hex of its SHA-256, 32 digits */
    struct span data, gzip; /* gzip: empty where it saves nothing */
};
/* NULL: there is no such file. */
const struct web_asset *web_asset(const char *path);
/* Every file, ending with one whose path is NULL. */
extern const struct web_asset web_assets[];
/* Appends "/assets/NAME?v=ETAG", so that it may be kept for good; "" where there is none. */
void web_asset_url(struct buf *out, const char *name);
