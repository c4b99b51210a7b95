#include "lead/wrap.h"

#include <errno.h>
#include <sodium.h>

_Static_assert(WRAP_LEN == crypto_box_SEALBYTES + SEAL_KEY_LEN + SHA256_LEN, "");

int wrap_put(uint64_t entry, struct span account, const uint8_t box[32],
             const uint8_t key[SEAL_KEY_LEN], const uint8_t list[SHA256_LEN], struct buf *out,
             struct err *err)
{
    uint8_t plain[SEAL_KEY_LEN + SHA256_LEN], sealed[WRAP_LEN];
    memcpy(plain, key, SEAL_KEY_LEN);
    memcpy(plain + SEAL_KEY_LEN, list, SHA256_LEN);
    int rc = crypto_box_seal(sealed, plain, sizeof plain, box);
    sodium_memzero(plain, sizeof plain);
    if (rc < 0)
        return err_set(err, -EINVAL, "account %.*s: nothing can be sealed to its key",
                       (int)account.n, (const char *)account.p);
    if (entry != UINT64_MAX)
        buf_printf(out, "%llu,", (unsigned long long)entry);
    buf_span(out, account);
    buf_byte(out, ',');
    base64_encode(out, span_of(sealed, sizeof sealed));
    buf_byte(out, '\n');
    return 0;
}

/* The bytes before the next comma, which is passed over. */
static bool take_cell(struct cur *c, struct span *out)
{
    const uint8_t *comma = cur_left(c) ? memchr(c->p, ',', cur_left(c)) : NULL;
    if (!comma)
        return false;
    *out = span_of(c->p, (size_t)(comma - c->p));
    c->p = comma + 1;
    return true;
}

static bool parse_entry(struct span text, uint64_t *out)
{
    uint64_t v = 0;
    if (!text.n || text.n > 19 || (text.n > 1 && text.p[0] == '0'))
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        v = v * 10 + (uint64_t)(text.p[i] - '0');
    }
    *out = v;
    return true;
}

int wrap_next(struct cur *c, bool entries, struct wrap_row *out, struct err *err)
{
    struct span entry, line;
    struct buf raw = {0};
    if (!cur_left(c))
        return 0;
    line = cur_line(c);
    struct cur at = cur_of(line);
    out->entry = UINT64_MAX;
    bool good = (!entries || (take_cell(&at, &entry) && parse_entry(entry, &out->entry))) &&
                take_cell(&at, &out->account) && out->account.n &&
                out->account.n <= WRAP_ACCOUNT_MAX &&
                base64_decode(&raw, span_of(at.p, cur_left(&at))) && raw.n == WRAP_LEN;
    if (good)
        memcpy(out->wrap, raw.p, WRAP_LEN);
    buf_free(&raw);
    return good ? 1 : err_set(err, -EBADMSG, "a row of wrapped keys is none");
}

int wrap_open(const struct wrap_row *row, const uint8_t box[32], const uint8_t box_secret[32],
              const uint8_t list[SHA256_LEN], uint8_t key[SEAL_KEY_LEN], struct err *err)
{
    uint8_t plain[SEAL_KEY_LEN + SHA256_LEN];
    int rc = crypto_box_seal_open(plain, row->wrap, WRAP_LEN, box, box_secret);
    if (rc == 0 && sodium_memcmp(plain + SEAL_KEY_LEN, list, SHA256_LEN) != 0)
        rc = -1;
    if (rc == 0)
        memcpy(key, plain, SEAL_KEY_LEN);
    sodium_memzero(plain, sizeof plain);
    return rc == 0 ? 0 : err_set(err, -EACCES, "a wrapped key that is not for this account");
}
