/* tar of mails. A header's checksum is put right where its first byte is odd, or nothing would get
 * past it. */
#include <stdio.h>

#include "mail_events.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BLOCK = 512, SUM = 148, MAGIC = 257 };

static void mend(uint8_t *h)
{
    unsigned sum = 0;
    if (memcmp(h + MAGIC, "ustar", 5) != 0 || !(h[0] & 1))
        return;
    memset(h + SUM, ' ', 8);
    for (unsigned i = 0; i < BLOCK; i++)
        sum += h[i];
    snprintf((char *)h + SUM, 8, "%06o", sum);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf copy = {0};
    buf_put(&copy, data, size);
    for (size_t at = 1; at + BLOCK <= copy.n; at += BLOCK)
        mend(copy.p + at);
    if (copy.n)
        mail_events(&import_tar, copy.p, copy.n);
    buf_free(&copy);
    return 0;
}
