#include "web/base64url.h"

#include <sodium.h>

void base64url_put(struct buf *out, struct span s)
{
    size_t room = sodium_base64_encoded_len(s.n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *to = (char *)buf_reserve(out, room);
    sodium_bin2base64(to, room, s.p, s.n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    out->n += room - 1; /* without its NUL */
}

/* libsodium 1.0.18 takes some bytes from 0x80 on for "-" (a char that is negative). */
static bool is_ascii(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] >= 0x80)
            return false;
    return true;
}

bool base64url_decode(struct buf *out, struct span text)
{
    size_t room = text.n / 4 * 3 + 3, n;
    const char *end;
    uint8_t *to = buf_reserve(out, room);
    if (!is_ascii(text) ||
        sodium_base642bin(to, room, (const char *)text.p, text.n, NULL, &n, &end,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        end != (const char *)text.p + text.n)
        return false;
    out->n += n;
    return true;
}
