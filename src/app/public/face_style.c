/* The public pages' styles as they are in web/src/public.css: for a program that was built without
 * the front end (web/assets.h). Nothing else of it is needed to read the pages. */
#include <stdio.h>

#include "app/public/face_style.h"
#include "base/digest.h"

#define PATH       "/assets/public-plain.css"
#define ETAG_BYTES 16

static const char *etag(void)
{
    static char hex[SHA256_HEX_MAX];
    uint8_t digest[SHA256_LEN];
    if (!hex[0]) {
        sha256(face_styles[0].data, face_styles[0].n, digest);
        hex_encode(digest, ETAG_BYTES, hex);
    }
    return hex;
}

void face_style_url(struct buf *out)
{
    buf_printf(out, "%s?v=%s", PATH, etag());
}

bool face_style_answer(const char *path, struct web_reply *reply)
{
    if (strcmp(path, PATH) != 0)
        return false;
    reply->type = "text/css; charset=utf-8";
    reply->borrowed = span_of(face_styles[0].data, face_styles[0].n);
    reply->max_age_s = 31536000;
    reply->immutable = true;
    snprintf(reply->etag, sizeof reply->etag, "%s", etag());
    return true;
}
