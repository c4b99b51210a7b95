/* Exhibit listing: what the manifest of an exhibit says of its files. Outside bytes: the folder may
 * come from anybody. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

#define EXHIBIT_LISTING_MAX (64u << 20) /* bytes of a manifest */
#define EXHIBIT_LISTED_MAX  100000      /* files */
#define EXHIBIT_LISTED_PATH 128         /* bytes of a path, with its end */

struct exhibit_listed {
    char path[EXHIBIT_LISTED_PATH];
    uint64_t size;
    uint8_t sha256[SHA256_LEN];
};
struct exhibit_listing {
    struct exhibit_listed *files;
    size_t n;
    bool without_src_ip, without_bot_id; /* these were left out of its entries */
};
/* 0, or -EINVAL: it is none, or has a file that none can have. exhibit_listing_free() also then. */
int exhibit_listing_parse(struct span text, struct exhibit_listing *out, struct err *err);
void exhibit_listing_free(struct exhibit_listing *l);
/* Relative, one folder at most, letters, digits and "._-", no part hidden. */
bool exhibit_listed_path_is_good(const char *path);
