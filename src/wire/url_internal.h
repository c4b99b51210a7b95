/* Between the files of url. */
#pragma once

#include "wire/url.h"

#define URL_HOST_RAW_MAX 1024 /* bytes of a host with its disguises */

/* A host as it stands (userinfo and port off) to what a resolver is asked; sets host, ip,
 * disguises. -1 when nobody would find it. */
int url_host(struct span raw, struct arena *arena, struct url *out);
/* The length of what stands for a dot between labels at s ("." "[.]" "(dot)" " dot " " . ",
 * ideographic full stops), 0 when there is none; its disguise is added to *bits. */
size_t url_dot(struct span s, uint32_t *bits);
/* Zero-width characters and direction marks at s: their length, 0 for none. */
size_t url_invisible(struct span s);
/* A scheme's name ("http", "hxxps"): *plain is what it stands for, empty when we do not follow it.
 */
bool url_scheme(struct span name, struct span *plain, uint32_t *bits);

enum url_tld {
    URL_TLD_NONE,
    URL_TLD_KNOWN, /* on the public suffix list */
    URL_TLD_BARE,  /* and enough for a link by itself */
    URL_TLD_USUAL, /* the few that are also believed in "example dot com" */
};
/* What the last label of the host (small letters, A-labels) is. */
enum url_tld url_tld_of(struct span host);
