#include "state/dialects.h"

#include <errno.h>
#include <xxhash.h>

#include "base/mem.h"

#define SLOTS        (4 * DIALECT_SIGNS * DIALECTS_MAX)
#define FAMILIES_MAX 64 /* that a verdict looks at */

struct dialects {
    struct dialect *v; /* in the order of their numbers */
    uint32_t n;
    size_t cap;
    uint32_t of_sign[DIALECT_SIGNS];
    uint32_t last;  /* the number given last */
    uint32_t *slot; /* place in v + 1; 0: free */
};

static const char *const sign_names[DIALECT_SIGNS] = {"smtp", "headers", "message-id"};

const char *dialect_sign_name(enum dialect_sign sign)
{
    return sign_names[sign];
}

enum dialect_sign dialect_sign_named(struct span name)
{
    for (unsigned i = 0; i < DIALECT_SIGNS; i++)
        if (span_is(name, sign_names[i]))
            return (enum dialect_sign)i;
    return DIALECT_SIGNS;
}

struct dialects *dialects_new(void)
{
    struct dialects *d = mem_zeroed(1, sizeof *d);
    d->slot = mem_zeroed(SLOTS, sizeof *d->slot);
    return d;
}

void dialects_free(struct dialects *d)
{
    free(d->v);
    free(d->slot);
    free(d);
}

/* ---- the table ---- */

static struct span cut(struct span text)
{
    size_t n = text.n < GRAMMAR_TEXT_MAX ? text.n : GRAMMAR_TEXT_MAX;
    return span_of(text.p, strnlen((const char *)text.p, n));
}

static uint32_t *slot_of(const struct dialects *d, enum dialect_sign sign, struct span text)
{
    uint64_t h = XXH3_64bits_withSeed(text.p, text.n, sign);
    for (uint32_t i = (uint32_t)(h % SLOTS);; i = (i + 1) % SLOTS) {
        uint32_t *slot = &d->slot[i];
        if (!*slot)
            return slot;
        const struct dialect *at = &d->v[*slot - 1];
        if (at->sign == sign && span_eq(span_str(at->text), text))
            return slot;
    }
}

static void rehash(struct dialects *d)
{
    memset(d->slot, 0, SLOTS * sizeof *d->slot);
    for (uint32_t i = 0; i < d->n; i++)
        *slot_of(d, d->v[i].sign, span_str(d->v[i].text)) = i + 1;
}

/* An eighth of the signs of that sort, those seen least and longest ago, that nobody gave a name.
 */
static void make_room(struct dialects *d, enum dialect_sign sign)
{
    for (uint64_t least = 1; d->of_sign[sign] > DIALECTS_MAX - DIALECTS_MAX / 8; least *= 2) {
        uint32_t kept = 0, leave = d->of_sign[sign] - (DIALECTS_MAX - DIALECTS_MAX / 8);
        for (uint32_t i = 0; i < d->n; i++) {
            const struct dialect *x = &d->v[i];
            if (leave && x->sign == sign && x->mails <= least && !x->name[0] && !x->given[0]) {
                leave--;
                d->of_sign[sign]--;
            } else if (kept++ != i) {
                d->v[kept - 1] = *x;
            }
        }
        d->n = kept;
        if (least > UINT64_MAX / 4)
            break; /* all of them have names: then there are more than DIALECTS_MAX */
    }
    rehash(d);
}

static struct dialect *find_or_make(struct dialects *d, enum dialect_sign sign, struct span text)
{
    text = cut(text);
    uint32_t *slot = slot_of(d, sign, text);
    if (*slot)
        return &d->v[*slot - 1];
    if (d->of_sign[sign] >= DIALECTS_MAX) {
        make_room(d, sign);
        slot = slot_of(d, sign, text);
    }
    if (d->n >= SLOTS / 2)
        return NULL; /* named ones beyond all measure */
    d->v = mem_room(d->v, d->n, &d->cap, sizeof *d->v);
    struct dialect *x = &d->v[d->n++];
    memset(x, 0, sizeof *x);
    *slot = d->n;
    d->of_sign[sign]++;
    x->number = ++d->last;
    x->sign = sign;
    memcpy(x->text, text.p, text.n);
    return x;
}

const struct dialect *dialects_find(const struct dialects *d, enum dialect_sign sign,
                                    struct span text)
{
    uint32_t slot = *slot_of(d, sign, cut(text));
    return slot ? &d->v[slot - 1] : NULL;
}

const struct dialect *dialects_numbered(const struct dialects *d, uint32_t number)
{
    uint32_t low = 0, high = d->n;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (d->v[mid].number < number)
            low = mid + 1;
        else
            high = mid;
    }
    return low < d->n && d->v[low].number == number ? &d->v[low] : NULL;
}

uint32_t dialects_count(const struct dialects *d)
{
    return d->n;
}

const struct dialect *dialects_at(const struct dialects *d, uint32_t i)
{
    return &d->v[i];
}

/* ---- lessons ---- */

static void put_name(char *to, size_t size, struct span from)
{
    size_t n = from.n < size - 1 ? from.n : size - 1;
    while (n && n < from.n && (from.p[n] & 0xc0) == 0x80)
        n--; /* not within a character */
    memset(to, 0, size);
    if (n)
        memcpy(to, from.p, n);
}

/* The families with most lessons are kept: a new one takes the place, and the count, of the least
 * (Space-Saving: Metwally, Agrawal, El Abbadi, 2005). */
static void learn(struct dialect *x, struct span family)
{
    char name[DIALECT_FAMILY_MAX];
    unsigned i = 0;
    put_name(name, sizeof name, family);
    while (i < DIALECT_FAMILIES_MAX && x->lesson[i].family[0] &&
           strcmp(x->lesson[i].family, name) != 0)
        i++;
    if (i == DIALECT_FAMILIES_MAX)
        i--;
    memcpy(x->lesson[i].family, name, sizeof name);
    x->lesson[i].mails++;
    for (; i > 0 && x->lesson[i].mails > x->lesson[i - 1].mails; i--) {
        struct dialect_lessons t = x->lesson[i];
        x->lesson[i] = x->lesson[i - 1];
        x->lesson[i - 1] = t;
    }
}

uint32_t dialects_add(struct dialects *d, const struct dialects_mail *m)
{
    uint32_t number = 0;
    for (unsigned i = 0; i < DIALECT_SIGNS; i++) {
        struct dialect *x =
            cut(m->sign[i]).n ? find_or_make(d, (enum dialect_sign)i, m->sign[i]) : NULL;
        if (!x)
            continue;
        if (!x->mails++) {
            x->exemplar = m->index;
            x->first_seen = x->last_seen = m->time;
        }
        x->first_seen = m->time < x->first_seen ? m->time : x->first_seen;
        x->last_seen = m->time > x->last_seen ? m->time : x->last_seen;
        if (m->family.n)
            learn(x, m->family);
        if (i == DIALECT_SMTP)
            number = x->number;
    }
    return number;
}

void dialects_name(struct dialects *d, enum dialect_sign sign, struct span text, struct span name,
                   struct span family)
{
    struct dialect *x = cut(text).n ? find_or_make(d, sign, text) : NULL;
    if (!x)
        return;
    put_name(x->name, sizeof x->name, name);
    put_name(x->given, sizeof x->given, family);
}

/* ---- whose ---- */

/* A sign's lessons, the act's among them. */
static unsigned lessons_of(const struct dialect *x,
                           struct dialect_lessons out[DIALECT_FAMILIES_MAX + 1], uint32_t *total)
{
    unsigned n = 0;
    *total = 0;
    for (; n < DIALECT_FAMILIES_MAX && x->lesson[n].family[0]; n++) {
        out[n] = x->lesson[n];
        *total += out[n].mails;
    }
    if (x->given[0]) {
        unsigned i = 0;
        while (i < n && strcmp(out[i].family, x->given) != 0)
            i++;
        if (i == n)
            out[n++] = (struct dialect_lessons){0};
        memcpy(out[i].family, x->given, sizeof out[i].family);
        out[i].mails += DIALECT_GIVEN;
        *total += DIALECT_GIVEN;
    }
    return n;
}

static bool speaks(const struct dialect *x, uint32_t lessons)
{
    return x->given[0] || (lessons >= DIALECT_LESSONS_MIN &&
                           (uint64_t)lessons * DIALECT_LESSONS_SHARE >= x->mails);
}

struct candidates {
    char family[FAMILIES_MAX][DIALECT_FAMILY_MAX];
    unsigned n;
};

static void collect(struct candidates *c, const struct dialect_lessons *l, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        unsigned at = 0;
        while (at < c->n && strcmp(c->family[at], l[i].family) != 0)
            at++;
        if (at == c->n && c->n < FAMILIES_MAX)
            memcpy(c->family[c->n++], l[i].family, DIALECT_FAMILY_MAX);
    }
}

/* The family's share of a sign's lessons; one that is not among them has none. */
static double share(const struct dialect_lessons *l, unsigned n, uint32_t total, const char *family,
                    unsigned families)
{
    uint32_t mails = 0;
    for (unsigned i = 0; i < n; i++)
        if (strcmp(l[i].family, family) == 0)
            mails = l[i].mails;
    return (mails + 0.5) / (total + 0.5 * families);
}

struct speaker {
    const struct dialect *sign;
    struct dialect_lessons lesson[DIALECT_FAMILIES_MAX + 1];
    unsigned n;
    uint32_t total;
};

static double score(const struct speaker *s, unsigned n, const char *family, unsigned families)
{
    double p = 1;
    for (unsigned i = 0; i < n; i++)
        p *= share(s[i].lesson, s[i].n, s[i].total, family, families);
    return p;
}

void dialects_judge(const struct dialects *d, const struct span sign[DIALECT_SIGNS],
                    unsigned threshold, struct dialect_verdict *out)
{
    struct speaker speaker[DIALECT_SIGNS];
    struct candidates known = {.n = 0};
    double best = 0, all = 0;
    unsigned n = 0, winner = 0;
    memset(out, 0, sizeof *out);
    for (unsigned i = 0; i < DIALECT_SIGNS; i++) {
        struct speaker *s = &speaker[n];
        s->sign = sign[i].n ? dialects_find(d, (enum dialect_sign)i, sign[i]) : NULL;
        if (!s->sign)
            continue;
        s->n = lessons_of(s->sign, s->lesson, &s->total);
        if (!speaks(s->sign, s->total))
            continue;
        collect(&known, s->lesson, s->n);
        n++;
    }
    if (!known.n)
        return;
    for (unsigned f = 0; f < known.n; f++) {
        double p = score(speaker, n, known.family[f], known.n + 1);
        all += p;
        if (p > best) {
            best = p;
            winner = f;
        }
    }
    all += score(speaker, n, "", known.n + 1); /* a family that nobody has named yet */
    out->confidence = (unsigned)(100 * best / all);
    if (n == 1 && !speaker[0].sign->given[0] && out->confidence > DIALECT_ALONE)
        out->confidence = DIALECT_ALONE;
    if (out->confidence >= threshold)
        memcpy(out->family, known.family[winner], DIALECT_FAMILY_MAX);
    for (unsigned i = 0; i < n; i++)
        out->evidence[out->n++] = (struct dialect_evidence){
            .sign = speaker[i].sign->sign,
            .number = speaker[i].sign->number,
            .lessons = speaker[i].total,
            .confidence = (unsigned)(100 * share(speaker[i].lesson, speaker[i].n, speaker[i].total,
                                                 known.family[winner], known.n + 1)),
        };
}

/* ---- as bytes ---- */

static void put_string(struct buf *out, const char *s)
{
    buf_put(out, s, strlen(s) + 1);
}

void dialects_save(const struct dialects *d, struct buf *out)
{
    buf_be32(out, d->last);
    buf_be32(out, d->n);
    for (uint32_t i = 0; i < d->n; i++) {
        const struct dialect *x = &d->v[i];
        buf_be32(out, x->number);
        buf_byte(out, (uint8_t)x->sign);
        put_string(out, x->text);
        put_string(out, x->name);
        put_string(out, x->given);
        buf_be64(out, x->mails);
        buf_be64(out, x->exemplar);
        buf_be64(out, (uint64_t)x->first_seen);
        buf_be64(out, (uint64_t)x->last_seen);
        for (unsigned f = 0; f < DIALECT_FAMILIES_MAX; f++) {
            put_string(out, x->lesson[f].family);
            buf_be32(out, x->lesson[f].mails);
        }
    }
}

static bool take_string(struct cur *c, char *to, size_t size)
{
    const uint8_t *end = cur_left(c) ? memchr(c->p, 0, cur_left(c)) : NULL;
    if (!end || (size_t)(end - c->p) >= size)
        return false;
    memcpy(to, c->p, (size_t)(end - c->p) + 1);
    c->p = end + 1;
    return true;
}

static bool take(struct cur *c, struct dialect *x)
{
    uint64_t first, last;
    uint8_t sign;
    memset(x, 0, sizeof *x);
    if (!cur_u32(c, &x->number) || !cur_u8(c, &sign) || sign >= DIALECT_SIGNS ||
        !take_string(c, x->text, sizeof x->text) || !x->text[0] ||
        !take_string(c, x->name, sizeof x->name) || !take_string(c, x->given, sizeof x->given) ||
        !cur_u64(c, &x->mails) || !cur_u64(c, &x->exemplar) || !cur_u64(c, &first) ||
        !cur_u64(c, &last))
        return false;
    x->sign = (enum dialect_sign)sign;
    x->first_seen = (int64_t)first;
    x->last_seen = (int64_t)last;
    for (unsigned f = 0; f < DIALECT_FAMILIES_MAX; f++)
        if (!take_string(c, x->lesson[f].family, sizeof x->lesson[f].family) ||
            !cur_u32(c, &x->lesson[f].mails))
            return false;
    return true;
}

int dialects_load(struct dialects *d, struct span bytes)
{
    struct cur c = cur_of(bytes);
    struct dialect x;
    uint32_t n, before = 0;
    if (!cur_u32(&c, &d->last) || !cur_u32(&c, &n) || n > SLOTS / 2)
        return -EBADMSG;
    while (d->n < n) {
        if (!take(&c, &x) || x.number <= before || x.number > d->last ||
            *slot_of(d, x.sign, span_str(x.text)))
            return -EBADMSG;
        before = x.number;
        d->v = mem_room(d->v, d->n, &d->cap, sizeof *d->v);
        d->v[d->n++] = x;
        d->of_sign[x.sign]++;
        *slot_of(d, x.sign, span_str(x.text)) = d->n;
    }
    return cur_left(&c) ? -EBADMSG : 0;
}
