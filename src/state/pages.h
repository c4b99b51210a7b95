/* Pages: what public pages looked like, as the log has it (SNAPSHOT). A noun of the pursuit
 * (pursuit.h): table `page_snapshot`. */
#pragma once

#include "state/pursuit.h"

struct page_snapshot {
    uint64_t entry;
    int64_t time;
    struct span path, language, sha256; /* of the page's bytes, which are kept as a blob */
};
/* Those of a path, the newest first; each() returns 0 to go on. Spans are valid within the call. */
int pages_snapshots(struct pursuit *p, struct span path,
                    int (*each)(void *ctx, const struct page_snapshot *s), void *ctx,
                    struct err *err);
/* The newest of a path and language: 1 (sha256 has it), 0 there is none, negative. */
int pages_newest(struct pursuit *p, struct span path, struct span language, uint64_t *entry,
                 uint8_t sha256[32], struct err *err);
