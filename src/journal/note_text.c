#include "journal/note_text.h"

bool note_line(struct cur *c, struct span *line)
{
    const uint8_t *nl = cur_left(c) ? memchr(c->p, '\n', cur_left(c)) : NULL;
    if (!nl)
        return false;
    *line = span_of(c->p, (size_t)(nl - c->p));
    c->p = nl + 1;
    return true;
}

bool note_word(struct span line, const char *word, struct span *rest)
{
    size_t n = strlen(word);
    if (line.n <= n || memcmp(line.p, word, n) != 0 || line.p[n] != ' ')
        return false;
    *rest = span_of(line.p + n + 1, line.n - n - 1);
    return true;
}

bool note_decimal(struct span text, uint64_t *out)
{
    uint64_t v = 0;
    if (text.n == 0 || (text.n > 1 && text.p[0] == '0'))
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < '0' || text.p[i] > '9' || __builtin_mul_overflow(v, 10u, &v) ||
            __builtin_add_overflow(v, (uint64_t)(text.p[i] - '0'), &v))
            return false;
    *out = v;
    return true;
}

bool note_hash(struct span text, uint8_t out[SHA256_LEN])
{
    struct buf raw = {0};
    bool good = base64_decode(&raw, text) && raw.n == SHA256_LEN;
    if (good)
        memcpy(out, raw.p, SHA256_LEN);
    buf_free(&raw);
    return good;
}
