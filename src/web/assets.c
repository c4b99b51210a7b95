#include "web/assets.h"
const struct web_asset web_assets[] = {{0}};
const struct web_asset *web_asset(const char *path)
{
    (void)path;
    return NULL;
}
void web_asset_url(struct buf *out, const char *name)
{
    (void)out;
    (void)name;
}
