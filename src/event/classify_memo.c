#include "event/classify_memo.h"

#include <stdlib.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

struct entry {
    XXH128_hash_t key;
    struct span rule, family;
    uint8_t confidence, said, bot_id_n;
    bool used;
    uint8_t bot_id[MEMO_BOT_ID_MAX];
};

struct memo {
    uint8_t secret[XXH3_SECRET_SIZE_MIN];
    bool with_src_port;
    struct buf variables;
    XXH128_hash_t key; /* of the view asked for last */
    struct entry entry[MEMO_VERDICTS];
};

struct memo *memo_new(bool with_src_port)
{
    struct memo *m = calloc(1, sizeof *m);
    if (!m || getrandom(m->secret, sizeof m->secret, 0) != (ssize_t)sizeof m->secret)
        abort();
    m->with_src_port = with_src_port;
    return m;
}

void memo_free(struct memo *m)
{
    if (m)
        buf_free(&m->variables);
    free(m);
}

/* Bytes and variables, each with its length, so that no two views run together to the same. */
static XXH128_hash_t key_of(struct memo *m, const struct view *v)
{
    uint64_t numbers[VIEW_NUMBERS + VIEW_TEXTS];
    memcpy(numbers, v->number, sizeof v->number);
    if (!m->with_src_port)
        numbers[VIEW_src_port] = 0;
    m->variables.n = 0;
    for (int i = 0; i < VIEW_TEXTS; i++) {
        numbers[VIEW_NUMBERS + i] = v->text[i].n;
        buf_span(&m->variables, v->text[i]);
    }
    buf_put(&m->variables, numbers, sizeof numbers);
    buf_span(&m->variables, buf_as_span(&v->bytes));
    return XXH3_128bits_withSecret(m->variables.p, m->variables.n, m->secret, sizeof m->secret);
}

static struct entry *place(struct memo *m)
{
    return &m->entry[m->key.low64 % MEMO_VERDICTS];
}

int memo_get(struct memo *m, const struct view *v, struct verdict *out)
{
    m->key = key_of(m, v);
    const struct entry *e = place(m);
    if (!e->used || !XXH128_isEqual(e->key, m->key))
        return -1;
    *out = (struct verdict){.rule = e->rule,
                            .family = e->family,
                            .bot_id = span_of(e->bot_id, e->bot_id_n),
                            .confidence = e->confidence};
    return e->said;
}

void memo_put(struct memo *m, int said, const struct verdict *v)
{
    struct entry *e = place(m);
    size_t n = said == 1 ? v->bot_id.n : 0;
    if (said < 0 || n > MEMO_BOT_ID_MAX)
        return;
    *e = (struct entry){.key = m->key, .said = (uint8_t)said, .used = true};
    if (said == 0)
        return;
    e->rule = v->rule;
    e->family = v->family;
    e->confidence = v->confidence;
    e->bot_id_n = (uint8_t)n;
    if (n)
        memcpy(e->bot_id, v->bot_id.p, n);
}
