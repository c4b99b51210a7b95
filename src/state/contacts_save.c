#include "state/contacts_impl.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/mem.h"

#define MAGIC     "ebb contacts-1\r\n"
#define MAGIC_LEN 16
#define SUM_LEN   8

static void put_text(struct buf *out, const struct buf *text)
{
    buf_be32(out, (uint32_t)text->n);
    buf_span(out, buf_as_span(text));
}

static bool get_text(struct cur *c, struct buf *out)
{
    uint32_t n;
    struct span s;
    if (!cur_u32(c, &n) || !cur_take(c, n, &s))
        return false;
    out->n = 0;
    buf_span(out, s);
    return true;
}

void contacts_save(const struct contacts *c, struct buf *out)
{
    buf_put(out, MAGIC, MAGIC_LEN);
    buf_be64(out, c->position);
    buf_be64(out, c->written ? c->index.checksum : 0);
    buf_be32(out, c->n_tables);
    for (unsigned i = 0; i < c->n_tables; i++) {
        const struct contacts_table *t = &c->tables[i];
        put_text(out, &t->source);
        put_text(out, &t->file);
        put_text(out, &t->format);
        buf_put(out, t->sha256, SHA256_LEN);
        buf_be64(out, t->entry);
        buf_be64(out, t->rows);
        buf_be64(out, t->rejected);
        buf_be64(out, (uint64_t)t->made);
        buf_be64(out, (uint64_t)t->imported);
    }
    buf_be32(out, (uint32_t)c->n_answers);
    for (size_t i = 0; i < c->n_answers; i++) {
        const struct contacts_answer *k = &c->answers[i];
        buf_put(out, k->network.ip.b, 16);
        buf_byte(out, k->network.bits);
        put_text(out, &k->mail);
        put_text(out, &k->handle);
        put_text(out, &k->server);
        buf_be64(out, k->entry);
        buf_be64(out, (uint64_t)k->time);
    }
    buf_be64(out, XXH3_64bits(out->p, out->n));
}

static bool get_time(struct cur *c, int64_t *out)
{
    uint64_t v;
    bool ok = cur_u64(c, &v);
    *out = ok ? (int64_t)v : 0;
    return ok;
}

static bool get_table(struct cur *c, struct contacts_table *t)
{
    struct span digest;
    bool ok = get_text(c, &t->source) && get_text(c, &t->file) && get_text(c, &t->format) &&
              cur_take(c, SHA256_LEN, &digest) && cur_u64(c, &t->entry) && cur_u64(c, &t->rows) &&
              cur_u64(c, &t->rejected) && get_time(c, &t->made) && get_time(c, &t->imported);
    if (ok)
        memcpy(t->sha256, digest.p, SHA256_LEN);
    return ok;
}

static bool get_answer(struct cur *c, struct contacts_answer *k)
{
    struct span ip;
    uint8_t bits;
    if (!cur_take(c, 16, &ip) || !cur_u8(c, &bits))
        return false;
    memcpy(k->network.ip.b, ip.p, 16);
    if (bits > (ip_is_v4(&k->network.ip) ? 32 : 128))
        return false;
    k->network = net_of(&k->network.ip, bits);
    return get_text(c, &k->mail) && k->mail.n <= CONTACT_MAX && get_text(c, &k->handle) &&
           get_text(c, &k->server) && cur_u64(c, &k->entry) && get_time(c, &k->time);
}

static bool get_all(struct contacts *c, struct cur *cur, uint64_t *checksum)
{
    uint32_t n;
    if (!cur_u64(cur, &c->position) || !cur_u64(cur, checksum) || !cur_u32(cur, &n) ||
        n > CONTACTS_SOURCES_MAX)
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (!get_table(cur, &c->tables[c->n_tables++]))
            return false;
    if (!cur_u32(cur, &n) || n > CONTACTS_ANSWERS_MAX || n > cur_left(cur))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        c->answers = mem_room(c->answers, c->n_answers, &c->cap_answers, sizeof *c->answers);
        c->answers[c->n_answers] = (struct contacts_answer){0};
        if (!get_answer(cur, &c->answers[c->n_answers++]))
            return false;
    }
    return cur_left(cur) == 0;
}

int contacts_load(struct contacts *c, struct span bytes, uint64_t *checksum)
{
    if (bytes.n < MAGIC_LEN + SUM_LEN || memcmp(bytes.p, MAGIC, MAGIC_LEN) != 0)
        return 0;
    size_t covered = bytes.n - SUM_LEN;
    if (XXH3_64bits(bytes.p, covered) != be64_get(bytes.p + covered))
        return 0;
    struct cur cur = cur_of(span_of(bytes.p + MAGIC_LEN, covered - MAGIC_LEN));
    return get_all(c, &cur, checksum);
}
