/* Whether a mail fits a campaign: what is compared, what it weighs, and why. */
#include "state/campaigns_impl.h"

#define BEHIND(kind) (AT_##kind + SIGN_##kind##_MAX)
enum {
    AT_EXACT = 0,
    AT_DOMAIN = BEHIND(EXACT),
    AT_FILE = BEHIND(DOMAIN),
    AT_LOOK = BEHIND(FILE),
    AT_HAND = BEHIND(LOOK),
    AT_SUBJECT = BEHIND(HAND),
    AT_SHAPE = BEHIND(SUBJECT),
    AT_HEADERS = BEHIND(SHAPE),
    AT_MESSAGE_ID = BEHIND(HEADERS),
    AT_DIALECT = BEHIND(MESSAGE_ID),
    AT_END = BEHIND(DIALECT),
};
_Static_assert(AT_END == SIGN_VALUES && SIGN_VALUES <= 64, "a bit a value");
const uint8_t sign_at[SIGNS + 1] = {AT_EXACT,      AT_DOMAIN,  AT_FILE,  AT_LOOK,
                                    AT_HAND,       AT_SUBJECT, AT_SHAPE, AT_HEADERS,
                                    AT_MESSAGE_ID, AT_DIALECT, AT_END};

/* Likeness of the sketches, in thousandths: from LIKE_HIGH on the text decides alone; below
 * LIKE_LOW it forbids, unless there is hardly a text. */
#define LIKE_HIGH 500
#define LIKE_LOW  150
/* Likeness to any of the members is asked for when that much of the signs agrees: a short text that
 * ends with a long disclaimer is half like any other of that sort. */
#define ANY_SIGNS_MIN 100
#define SCANT_POINTS  400 /* what an equal text of SCANT shingles is worth */
/* What each sign in common is worth. Together (without FILE) less than FIT_POINTS: they never join
 * texts that are not alike. */
static const uint16_t worth[SIGNS] = {
    [SIGN_EXACT] = 1,     [SIGN_DOMAIN] = 350,     [SIGN_FILE] = 450,
    [SIGN_SUBJECT] = 200, [SIGN_LOOK] = 280,       [SIGN_SHAPE] = 80,
    [SIGN_HEADERS] = 120, [SIGN_MESSAGE_ID] = 100, [SIGN_DIALECT] = 80,
};
#define SCANT_TIMES 2 /* signs weigh more where there is no text to weigh */

#define SUBJECT_WORDS_MIN 2   /* plain words of a subject that says something */
#define FILE_BYTES_MIN    256 /* smaller files are spacers */
/* Spammers change a picture's size a little each time. Its look is the cell of a grid, of two
 * grids, so that what is nearly the same has one of the two in common. Lines and dots are no
 * pictures. */
#define LOOK_PIXELS_MIN 1000
#define LOOK_ASPECT_MAX 5
#define LOOK_SIDE_MAX   4096

static void add(struct signs *s, enum sign kind, uint64_t value)
{
    unsigned max = sign_at[kind + 1] - sign_at[kind];
    if (value && s->n[kind] < max && !signs_has(s, kind, value))
        s->v[sign_at[kind] + s->n[kind]++] = value;
}

bool signs_has(const struct signs *s, enum sign kind, uint64_t value)
{
    for (unsigned i = 0; i < s->n[kind]; i++)
        if (s->v[sign_at[kind] + i] == value)
            return true;
    return false;
}

static uint64_t subject_hash(const struct words *w)
{
    uint64_t hash = 0;
    unsigned plain = 0;
    for (uint32_t i = 0; i < w->n; i++) {
        if (w->v[i].kind != WORD_PLAIN)
            continue;
        hash = (hash ^ w->v[i].hash) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
        plain++;
    }
    return plain >= SUBJECT_WORDS_MIN ? hash : 0;
}

/* Of a mail with too few words for an exact hash of its own: all of them, and the hand that wrote
 * it. "hello" from one program is not "hello" from another. */
static uint64_t small_hash(const struct mail *m)
{
    uint64_t hash = sign_key(SIGN_HEADERS, m->headers.hash) ^ m->message_id.hash;
    const struct words *text[2] = {&m->subject_words, &m->words};
    if (m->files || !(m->subject_words.n + m->words.n))
        return 0;
    for (unsigned t = 0; t < 2; t++)
        for (uint32_t i = 0; i < text[t]->n; i++)
            hash = sign_key(SIGN_EXACT, hash ^ text[t]->v[i].hash);
    return hash;
}

/* A path that is nothing but "/" has no shape worth the name. */
static bool has_path(const struct url *u)
{
    return u->path.n > 1 || u->query.n;
}

static bool is_picture(const struct mail_file *f)
{
    uint64_t w = f->width, h = f->height;
    return f->kind == MAIL_FILE_IMAGE && w * h >= LOOK_PIXELS_MIN && w <= LOOK_ASPECT_MAX * h &&
           h <= LOOK_ASPECT_MAX * w && w <= LOOK_SIDE_MAX && h <= LOOK_SIDE_MAX;
}

/* Eight cells from one power of two to the next: 7 to 12 % wide. The second grid is half a cell on.
 */
static uint64_t cell(uint32_t side, bool second)
{
    uint32_t v = 16 * side + (second ? side : 0);
    unsigned log = 31u - (unsigned)__builtin_clz(v);
    return log * 8 + (v >> (log - 3) & 7);
}

static void add_look(struct signs *out, const struct mail *m)
{
    unsigned at = 0;
    while (at < m->files && !is_picture(&m->file[at]))
        at++;
    if (at == m->files || !m->headers.hash || !m->message_id.hash)
        return;
    const struct mail_file *f = &m->file[at];
    uint64_t hand =
        sign_key(SIGN_HEADERS, m->headers.hash) ^ sign_key(SIGN_MESSAGE_ID, m->message_id.hash);
    for (unsigned second = 0; second < SIGN_LOOK_MAX; second++)
        add(out, SIGN_LOOK,
            sign_key(SIGN_LOOK, hand ^ (cell(f->width, second) << 32 |
                                        cell(f->height, second) << 8 | second)));
}

void signs_of(const struct mail *m, struct signs *out)
{
    memset(out->n, 0, sizeof out->n);
    memset(out->next, 0, sizeof out->next);
    add(out, SIGN_EXACT, m->exact ? m->exact : small_hash(m));
    uint64_t shape = 0;
    for (unsigned i = 0; i < m->urls; i++) {
        const struct mail_url *u = &m->url[i];
        add(out, SIGN_DOMAIN, u->domain_hash);
        if (!has_path(&u->url))
            continue;
        add(out, SIGN_SHAPE, u->shape_hash);
        shape = shape ? shape : u->shape_hash;
    }
    for (unsigned i = 0; i < m->files; i++)
        if (m->file[i].size >= FILE_BYTES_MIN)
            add(out, SIGN_FILE, m->file[i].hash[0]);
    add_look(out, m);
    add(out, SIGN_SUBJECT, subject_hash(&m->subject_words));
    add(out, SIGN_HEADERS, m->headers.hash);
    add(out, SIGN_MESSAGE_ID, m->message_id.hash);
    add(out, SIGN_DIALECT, m->dialect.hash);
    if (m->sketch.shingles < SCANT && m->headers.hash && (shape || m->files))
        add(out, SIGN_HAND,
            sign_key(SIGN_HAND, m->headers.hash) ^ sign_key(SIGN_SHAPE, m->message_id.hash) ^
                shape);
}

/* In thousandths. Chance agreement of 16-bit values is below what is resolved. */
static unsigned likeness(const struct sketch *a, const struct sketch *b)
{
    return sketch_bins_same(a, b) * 1000 / SKETCH_BINS;
}

uint64_t signs_common(const struct campaigns *c, const struct signs *s)
{
    uint64_t common = 0;
    uint16_t slot[INDEX_SAME];
    bool is_common;
    for (enum sign kind = SIGN_DOMAIN; kind < SIGNS_INDEXED; kind++)
        for (unsigned i = 0; i < s->n[kind]; i++)
            if (index_get(&c->index, sign_key(kind, s->v[sign_at[kind] + i]), slot, &is_common) &&
                is_common)
                common |= 1ull << (sign_at[kind] + i);
    return common;
}

/* What the signs of a kind are worth: of a mail with several domains, of which one is the
 * campaign's, only a part, because the others speak against it. */
static unsigned sign_points(const struct signs *mail, uint64_t common, const struct signs *slot,
                            enum sign kind)
{
    unsigned n = 0, same = 0;
    for (unsigned i = 0; i < mail->n[kind]; i++) {
        unsigned at = sign_at[kind] + i;
        if (common >> at & 1)
            continue;
        n++;
        same += signs_has(slot, kind, mail->v[at]);
    }
    if (!same)
        return 0;
    return kind == SIGN_DOMAIN || kind == SIGN_FILE ? worth[kind] * same / n : worth[kind];
}

/* The same to the medoid or another member that is kept. A template whose words are chosen anew
 * each time has bins of several values, and four members know most of them, while what is only
 * shared with others (a disclaimer) is the same in all members and gains nothing. The medoid alone
 * has to be like it a little, so that members lead nowhere else. */
static unsigned likeness_to_any(const struct sketch *a, const struct slot *slot,
                                const struct slot_more *more)
{
    uint16_t same = 0;
    uint16_t hit[SKETCH_BINS];
    for (unsigned i = 0; i < SKETCH_BINS; i++)
        hit[i] = a->bin[i] == slot->sketch.bin[i];
    for (unsigned k = 0; k < more->members; k++)
        for (unsigned i = 0; i < SKETCH_BINS && more->member[k].sketch.shingles; i++)
            hit[i] |= a->bin[i] == more->member[k].sketch.bin[i];
    for (unsigned i = 0; i < SKETCH_BINS; i++)
        same += hit[i];
    return same * 1000u / SKETCH_BINS;
}

static unsigned text_points(const struct sketch *a, const struct sketch *b, unsigned like,
                            bool scant)
{
    if (!scant)
        return like * FIT_POINTS / LIKE_HIGH;
    unsigned n = a->shingles < b->shingles ? a->shingles : b->shingles;
    n = n < SCANT ? n : SCANT;
    return like * SCANT_POINTS * n / SCANT / 1000;
}

void fit_judge(const struct sketch *sketch, const struct signs *signs, uint64_t common,
               const struct slot *slot, const struct slot_more *more, struct fit *out)
{
    *out = (struct fit){0};
    bool scant = sketch->shingles < SCANT || slot->sketch.shingles < SCANT;
    bool texts = sketch->shingles && slot->sketch.shingles;
    out->likeness = texts ? likeness(sketch, &slot->sketch) : 0;
    unsigned signed_points = 0;
    for (enum sign kind = SIGN_EXACT; kind < SIGNS; kind++) {
        unsigned points = sign_points(signs, common, &slot->signs, kind);
        out->same[kind] = points > 0;
        signed_points += points;
    }
    if (out->likeness >= LIKE_LOW && out->likeness < LIKE_HIGH && signed_points >= ANY_SIGNS_MIN)
        out->likeness = likeness_to_any(sketch, slot, more);
    out->exact = out->same[SIGN_EXACT];
    if (out->exact)
        out->likeness = 1000;
    /* where both carry a picture, that is the message, and the text may be anything */
    bool pictured = signs->n[SIGN_LOOK] && slot->signs.n[SIGN_LOOK];
    if (!scant && !pictured && out->likeness < LIKE_LOW)
        return;
    if (scant || pictured)
        signed_points = signed_points * SCANT_TIMES;
    out->points = text_points(sketch, &slot->sketch, out->likeness, scant);
    out->by_text = out->points >= FIT_POINTS;
    out->points += signed_points;
}

static void domain_in_common(const struct campaign *campaign, const struct signs *s,
                             uint64_t common, char out[CAMPAIGN_DOMAIN_MAX])
{
    for (unsigned i = 0; i < s->n[SIGN_DOMAIN]; i++) {
        unsigned at = sign_at[SIGN_DOMAIN] + i;
        for (unsigned k = 0; k < CAMPAIGN_DOMAINS_MAX && !(common >> at & 1); k++)
            if (campaign->domain[k].mails && campaign->domain[k].hash == s->v[at]) {
                memcpy(out, campaign->domain[k].name, CAMPAIGN_DOMAIN_MAX);
                return;
            }
    }
}

void campaigns_explain(const struct campaigns *c, const struct campaign *campaign,
                       const struct mail *mail, struct campaign_evidence *out)
{
    *out = (struct campaign_evidence){.threshold = FIT_POINTS / 1000.0};
    uint32_t slot;
    if (!idmap_get(&c->by_id, campaign->id, &slot))
        return;
    struct signs s;
    struct fit fit;
    signs_of(mail, &s);
    uint64_t common = signs_common(c, &s);
    fit_judge(&mail->sketch, &s, common, &c->slot[slot], &c->more[slot], &fit);
    out->exact = fit.exact;
    out->likeness = fit.likeness / 1000.0;
    out->domain = fit.same[SIGN_DOMAIN];
    out->shape = fit.same[SIGN_SHAPE];
    out->file = fit.same[SIGN_FILE];
    out->headers = fit.same[SIGN_HEADERS];
    out->message_id = fit.same[SIGN_MESSAGE_ID];
    out->dialect = fit.same[SIGN_DIALECT];
    out->score = fit.points / 1000.0;
    domain_in_common(campaign, &s, common, out->domain_name);
}
