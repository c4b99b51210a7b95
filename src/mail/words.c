#include "mail/words.h"

#include "base/mem.h"
#include "mail/words_block.h"
#include "wire/text.h"

#define RECIPIENT_MIN   3    /* characters of a local part that is looked for */
#define CHUNK_MAX       4096 /* bytes without white space that are searched for a URL at once */
#define SPACED_MIN      4    /* letters that stand apart and make a word */
#define SPACED_GAP_MAX  3    /* bytes between two of them */
#define TOKEN_RUN_MIN   2    /* bytes of one look-alike letter: "\/" */
#define PIECE_MAX       3    /* letters of the piece beside a sign that stands for a letter */
#define FOREIGN_MIN     4    /* letters of a word that is taken for a disguise as a whole */
#define LEET_MIN        4    /* characters of a disguised word that no rule knows */
#define HEX_MIN         8
#define HEX_PIECE_MIN   4 /* with letters between digits */
#define MIXED_MIN       6
#define SWITCHES_RANDOM 3 /* from letters to digits or back */

/* ---- bytes ---- */

enum {
    LETTER = 1,
    DIGIT = 2,
    HIGH = 4,
    SIGN = 8,
    QUOTE = 16,
    TRIGGER = 32,
    SPACE = 64,
    LINE = 128
};

static const uint8_t types[256] = {
    ['a' ... 'z'] = LETTER, ['A' ... 'Z'] = LETTER, ['0' ... '9'] = DIGIT, [0x80 ... 0xff] = HIGH,
    ['@'] = SIGN | TRIGGER, ['$'] = SIGN,           ['|'] = SIGN,          ['!'] = SIGN,
    ['\\'] = SIGN,          ['/'] = SIGN,           ['\''] = QUOTE,        ['`'] = QUOTE,
    ['.'] = TRIGGER,        [':'] = TRIGGER,        [' '] = SPACE,         ['\t'] = SPACE,
    ['\r'] = SPACE,         ['\f'] = SPACE,         ['\v'] = SPACE,        ['\n'] = SPACE | LINE,
};

/* ---- hash ---- */

static inline uint64_t load(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    memcpy(&v, p, n);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

/* The first n bytes, 8 at most; from more than one place, so that nothing behind them is read. */
static inline uint64_t load_some(const uint8_t *p, size_t n)
{
    if (n >= 8)
        return load(p, 8);
    if (n >= 4)
        return load(p, 4) | load(p + n - 4, 4) << 8 * (n - 4);
    if (n == 0)
        return 0;
    return load(p, 1) | load(p + n / 2, 1) << n / 2 * 8 | load(p + n - 1, 1) << 8 * (n - 1);
}

uint64_t words_hash(struct span folded)
{
    uint64_t h = 0;
    size_t at = 0;
    do {
        const uint8_t *p = folded.p + at;
        size_t n = folded.n - at;
        h = words_hash_block(h, load_some(p, n), n > 8 ? load_some(p + 8, n - 8) : 0,
                             (unsigned)folded.n);
        at += WORDS_BLOCK;
    } while (at < folded.n);
    return h;
}

/* A class has one hash: that of a text which no word has. */
static uint64_t class_hash(enum word_kind kind)
{
    static const char *const text[WORD_KINDS] = {"",      "<number>", "<address>",
                                                 "<url>", "<random>", "<recipient>"};
    return words_hash(span_str(text[kind]));
}

/* ---- reading ---- */

struct reading {
    struct words_reader *r;
    const uint8_t *p, *end;
    const uint8_t *text;                      /* of the reading */
    const uint8_t *searched_to;               /* there is no URL before it that was not taken */
    const uint8_t *chunk;                     /* the first byte behind white space */
    uint8_t *base, *to;                       /* folded words; where the next goes */
    struct span recipient;                    /* local part, small letters */
    uint64_t recipient_start, recipient_mask; /* its first letters, as fold16 has them */
    struct words *out;
    uint32_t max;
    uint32_t spaced;           /* single letters in a row, the last words of out */
    const uint8_t *spaced_end; /* behind the last of them, in the text */
    struct span spaced_gap;
    uint32_t latin, other; /* words so far in ASCII letters, and in others */
    bool line;
};

static void spaced_join(struct reading *r);

/* A word that is not a single letter; NULL: there is no room. */
static inline struct word *push(struct reading *r, const uint8_t *source, size_t source_n,
                                enum word_kind kind)
{
    if (r->spaced)
        spaced_join(r);
    if (r->out->n >= r->max)
        return NULL;
    struct word *w = &r->out->v[r->out->n++];
    w->source = (uint32_t)(source - r->text);
    w->source_n = (uint32_t)source_n;
    w->at = (uint32_t)(r->to - r->base);
    w->kind = (uint8_t)kind;
    w->flags = r->line ? WORD_LINE : 0;
    r->line = false;
    return w;
}

static void push_class(struct reading *r, const uint8_t *source, size_t source_n,
                       enum word_kind kind)
{
    struct word *w = push(r, source, source_n, kind);
    if (!w)
        return;
    w->hash = r->r->class_hash[kind];
    w->n = w->source_n;
    r->out->random += kind == WORD_RANDOM;
    memcpy(r->to, source, source_n);
    r->to += source_n;
}

static void push_plain(struct reading *r, const uint8_t *source, size_t source_n,
                       const uint8_t *folded, unsigned n, unsigned flags)
{
    struct word *w = push(r, source, source_n, WORD_PLAIN);
    if (!w)
        return;
    w->hash = words_hash(span_of(folded, n));
    w->n = n;
    w->flags |= (uint8_t)flags;
    r->out->disguised += (flags & WORD_DISGUISED) != 0;
    memcpy(r->to, folded, n);
    r->to += n;
}

/* ---- letters that stand apart ---- */

/* What the letters are together; a 1 among them is an i or an l. */
static unsigned spaced_text(const struct reading *r, const struct word *first, uint8_t *out)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < r->spaced && n < WORDS_WORD_MAX; i++)
        out[n++] = r->base[first[i].at];
    for (unsigned i = 0; i < n; i++)
        if (out[i] == '1' || out[i] == '|' || out[i] == '!')
            out[i] = words_i_or_l(i ? out[i - 1] : 0, i + 1 < n ? out[i + 1] : 0);
        else if (out[i] == '0')
            out[i] = 'o';
    const struct known_word *known = known_find(&r->r->known, out, n);
    if (known)
        memcpy(out, known->text, n);
    return n;
}

/* Ends a row of single letters; four or more become one word. */
static void spaced_join(struct reading *r)
{
    uint32_t letters = r->spaced, digits = 0;
    struct word *first = &r->out->v[r->out->n - letters];
    for (uint32_t i = 0; i < letters; i++)
        digits += first[i].kind == WORD_NUMBER;
    if (letters < SPACED_MIN || digits * 3 > letters) {
        r->spaced = 0;
        return;
    }
    uint8_t text[WORDS_WORD_MAX];
    const struct word *last = &r->out->v[r->out->n - 1];
    unsigned n = spaced_text(r, first, text);
    r->spaced = 0;
    first->source_n = last->source + last->source_n - first->source;
    first->hash = words_hash(span_of(text, n));
    first->n = n;
    first->kind = WORD_PLAIN;
    first->flags = (uint8_t)((first->flags & WORD_LINE) | WORD_SPACED | WORD_DISGUISED);
    memcpy(r->base + first->at, text, n);
    r->to = r->base + first->at + n;
    r->out->n -= letters - 1;
    r->out->disguised++;
}

/* A single letter came: it goes on with the row, or begins another. */
static void push_single(struct reading *r, const uint8_t *source, size_t source_n, uint8_t letter)
{
    struct span gap = {NULL, 0};
    if (r->spaced) {
        gap = span_of(r->spaced_end, (size_t)(source - r->spaced_end));
        bool fits = !r->line && gap.n > 0 && gap.n <= SPACED_GAP_MAX &&
                    r->spaced < WORDS_WORD_MAX &&
                    (r->spaced == 1 ? gap.n == 1 || gap.p[0] >= 0x80 || gap.p[0] == gap.p[gap.n - 1]
                                    : span_eq(gap, r->spaced_gap));
        if (!fits)
            spaced_join(r);
    }
    uint32_t row = r->spaced;
    bool digit =
        letter >= '0' && letter <= '9'; /* a number, unless it stands in a row of letters */
    r->spaced = 0;
    struct word *w = push(r, source, source_n, digit ? WORD_NUMBER : WORD_PLAIN);
    if (!w)
        return;
    *r->to++ = letter;
    w->n = 1;
    w->hash = digit ? r->r->class_hash[WORD_NUMBER] : words_hash(span_of(&letter, 1));
    r->spaced = row + 1;
    r->spaced_gap = gap;
    r->spaced_end = source + source_n;
}

/* ---- URLs and addresses ---- */

static void pop(struct reading *r)
{
    const struct word *w = &r->out->v[--r->out->n];
    r->out->random -= w->kind == WORD_RANDOM;
    r->out->disguised -= (w->flags & WORD_DISGUISED) != 0;
    r->line |= (w->flags & WORD_LINE) != 0;
    r->to = r->base + w->at;
}

static void read_all(struct reading *r);

/* What stands before a URL; there is none in it. */
static void read_until(struct reading *r, const uint8_t *end)
{
    const uint8_t *chunk = r->chunk, *all = r->end;
    r->end = r->searched_to = end;
    read_all(r);
    r->end = all;
    r->chunk = chunk;
}

/* At a byte that stands in those: looks for one in the text around, and takes it with the words of
 * it that have been read. True: r->p is behind it. */
static bool take_class(struct reading *r)
{
    if (r->p < r->searched_to)
        return false;
    const uint8_t *e = r->p;
    size_t left = (size_t)(r->end - r->chunk);
    const uint8_t *limit = left > CHUNK_MAX ? r->chunk + CHUNK_MAX : r->end;
    while (e < limit && !(types[*e] & SPACE) && *e != '<' && *e != '>' && *e != '"')
        e++;
    size_t start, end;
    enum word_kind kind;
    if (e <= r->chunk ||
        !words_find_class(span_of(r->chunk, (size_t)(e - r->chunk)), &start, &end, &kind)) {
        r->searched_to = e > r->p ? e : r->p + 1;
        return false;
    }
    const uint8_t *from = r->chunk + start, *behind = r->chunk + end;
    if (behind <= r->p) { /* that was before us */
        r->searched_to = e;
        return false;
    }
    if (from > r->p)
        read_until(r, from);
    r->spaced = 0;
    while (r->out->n && r->out->v[r->out->n - 1].source >= (size_t)(from - r->text))
        pop(r);
    push_class(r, from, (size_t)(behind - from), kind);
    r->p = r->chunk = behind;
    return true;
}

/* ---- tokens: everything that is not just ASCII letters ---- */

enum piece { P_LETTER, P_DIGIT, P_SIGN };

struct token {
    uint8_t text[WORDS_WORD_MAX]; /* folded, but digits and signs as they are */
    uint8_t piece[WORDS_WORD_MAX];
    const uint8_t *source[WORDS_WORD_MAX + 1];
    unsigned n, letters, digits, signs;
    unsigned ascii, confused, accents, dropped; /* letters that were ASCII, ... */
    bool cut, utf8;                             /* utf8: text has bytes beyond ASCII */
};

static void token_put(struct token *t, const uint8_t *source, const uint8_t *text, unsigned n,
                      enum piece piece)
{
    if (t->n + n > WORDS_WORD_MAX) {
        t->cut = true;
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        t->text[t->n] = text[i];
        t->piece[t->n] = (uint8_t)piece;
        t->source[t->n++] = source;
        t->utf8 |= text[i] >= 0x80;
    }
    if (piece == P_LETTER)
        t->letters++;
    else if (piece == P_DIGIT)
        t->digits++;
    else
        t->signs++;
}

static const struct fold *fold_at(const struct reading *r, const uint8_t *q, unsigned *n)
{
    uint32_t cp;
    unsigned bytes = utf8_next(q, (size_t)(r->end - q), &cp);
    if (n)
        *n = bytes;
    return folds_get(r->r->folds, cp < 0x80 ? 0xfffd : cp);
}

/* True when a word goes on at q, or when a sign or quote is there and something of a word follows.
 */
static bool goes_on(const struct reading *r, const uint8_t *q)
{
    if (q >= r->end)
        return false;
    uint8_t t = types[*q];
    if (t & (LETTER | DIGIT))
        return true;
    if (t & HIGH) {
        unsigned class = fold_at(r, q, NULL)->class;
        return class != FOLD_SPACE && class != FOLD_SEPARATOR && class != FOLD_CHAIN;
    }
    if (q + 1 >= r->end)
        return false;
    if (*q == '/' || *q == '\\')
        return q[1] == ('/' ^ '\\' ^ *q);
    if (t & QUOTE)
        return types[q[1]] & (LETTER | HIGH);
    return (t & SIGN) && (types[q[1]] & (LETTER | DIGIT | HIGH) || q[1] == '|' || q[1] == '\\' ||
                          (q[1] == '/' && q + 2 < r->end && q[2] == '\\'));
}

/* One character beyond ASCII; false when the token ends before it. */
static bool token_high(struct reading *r, struct token *t, const uint8_t **q)
{
    unsigned n;
    const struct fold *f = fold_at(r, *q, &n);
    switch (f->class) {
    case FOLD_LETTER:
        t->confused += (f->flags & FOLD_CONFUSED) != 0;
        t->accents += (f->flags & FOLD_ACCENT) != 0;
        token_put(t, *q, f->text, f->n, P_LETTER);
        break;
    case FOLD_DIGIT:
        token_put(t, *q, f->text, f->n, P_DIGIT);
        break;
    case FOLD_DROP:
        t->dropped += t->n > 0 && !(f->flags & FOLD_ACCENT);
        t->accents += (f->flags & FOLD_ACCENT) != 0;
        break;
    case FOLD_APOSTROPHE:
        if (!t->n)
            return false;
        break;
    default:
        return false;
    }
    *q += n;
    return true;
}

/* Collects a token at r->p; where it ends. */
static const uint8_t *token_read(struct reading *r, struct token *t)
{
    const uint8_t *q = r->p;
    while (q < r->end) {
        uint8_t c = *q, type = types[c];
        if (type & LETTER) {
            c |= 0x20;
            t->ascii++;
            token_put(t, q++, &c, 1, P_LETTER);
        } else if (type & DIGIT) {
            token_put(t, q++, &c, 1, P_DIGIT);
        } else if (type & HIGH) {
            if (!token_high(r, t, &q))
                break;
        } else if (!(type & (SIGN | QUOTE)) || !goes_on(r, q)) {
            break;
        } else if (c == '/' || c == '\\') {
            uint8_t letter = c == '/' ? 'A' : 'V'; /* capital: a sign, not a letter */
            token_put(t, q, &letter, 1, P_SIGN);
            q += TOKEN_RUN_MIN;
        } else if (type & SIGN) {
            token_put(t, q++, &c, 1, P_SIGN);
        } else {
            q++;
        }
    }
    t->source[t->n] = q;
    return q;
}

/* The letter that a digit or sign stands for; 0. '?': i or l. */
static uint8_t leet_letter(uint8_t c)
{
    switch (c) {
    case '0':
        return 'o';
    case '1':
    case '|':
    case '!':
        return '?';
    case '3':
        return 'e';
    case '4':
    case '@':
    case 'A':
        return 'a';
    case '5':
    case '$':
        return 's';
    case '7':
        return 't';
    case 'V':
        return 'v';
    default:
        return 0;
    }
}

/* The token with letters for its digits and signs; false when one of them stands for none. */
static bool leet_text(const struct token *t, uint8_t *out)
{
    for (unsigned i = 0; i < t->n; i++) {
        out[i] = t->piece[i] == P_LETTER ? t->text[i] : leet_letter(t->text[i]);
        if (!out[i])
            return false;
    }
    for (unsigned i = 0; i < t->n; i++)
        if (out[i] == '?')
            out[i] = words_i_or_l(i ? out[i - 1] : 0, i + 1 < t->n ? out[i + 1] : 0);
    return true;
}

/* Letters on both sides of a run of signs and digits: the shorter side's. */
static unsigned shorter_side(const struct token *t, unsigned from, unsigned to)
{
    unsigned before = 0, behind = 0;
    while (from > before && t->piece[from - 1 - before] == P_LETTER)
        before++;
    while (to + behind < t->n && t->piece[to + behind] == P_LETTER)
        behind++;
    return before < behind ? before : behind;
}

/* Whether a token looks like a word whose letters were replaced, by its shape alone. */
static bool leet_plausible(const struct token *t, const uint8_t *folded)
{
    if (t->n < LEET_MIN || t->letters * 2 < t->n || t->utf8)
        return false;
    /* a variable ($self), a mention (@home), a price; digraphs (\/) are no such */
    bool odd_first = t->piece[0] == P_DIGIT ? t->text[0] != '0'
                                            : t->piece[0] == P_SIGN && strchr("!|@$", t->text[0]);
    if (odd_first || t->piece[t->n - 1] != P_LETTER)
        return false;
    for (unsigned i = 0; i < t->n; i++) {
        if (t->piece[i] == P_LETTER)
            continue;
        unsigned from = i, signs = 0;
        for (; i < t->n && t->piece[i] != P_LETTER; i++)
            signs += t->piece[i] == P_SIGN;
        if (i - from > 2 || (signs && shorter_side(t, from, i) > PIECE_MAX))
            return false;
    }
    return !words_random(folded, t->n);
}

/* How often letters and digits follow one another. */
static unsigned switches(const struct token *t)
{
    unsigned n = 0;
    for (unsigned i = 1; i < t->n; i++)
        n += t->piece[i] != t->piece[i - 1] && t->piece[i] != P_SIGN && t->piece[i - 1] != P_SIGN;
    return n;
}

static bool is_hex(const struct token *t)
{
    for (unsigned i = 0; i < t->n; i++)
        if (t->piece[i] == P_SIGN || t->text[i] > 'f')
            return false;
    return true;
}

/* A run of letters is one that no word has. */
static bool is_random(const struct token *t, unsigned from, unsigned n)
{
    return !t->utf8 && words_random(t->text + from, n);
}

static bool has_random_piece(const struct token *t)
{
    for (unsigned i = 0, from = 0; i <= t->n; i++) {
        if (i < t->n && t->piece[i] == P_LETTER)
            continue;
        if (is_random(t, from, i - from))
            return true;
        from = i + 1;
    }
    return false;
}

/* Letters and numbers each for themselves. */
static void push_pieces(struct reading *r, const struct token *t)
{
    for (unsigned i = 0; i < t->n;) {
        unsigned from = i;
        while (i < t->n && t->piece[i] == t->piece[from])
            i++;
        const uint8_t *source = t->source[from];
        size_t n = (size_t)(t->source[i] - source);
        if (t->piece[from] == P_LETTER)
            push_plain(r, source, n, t->text + from, i - from, t->dropped ? WORD_DISGUISED : 0);
        else if (t->piece[from] == P_DIGIT)
            push_class(r, source, n, WORD_NUMBER);
    }
}

/* Letters mixed with digits and signs. */
static void push_mixed(struct reading *r, const struct token *t)
{
    uint8_t folded[WORDS_WORD_MAX];
    size_t source_n = (size_t)(t->source[t->n] - r->p);
    if (leet_text(t, folded)) {
        const struct known_word *known = known_find(&r->r->known, folded, t->n);
        if (known || leet_plausible(t, folded)) {
            push_plain(r, r->p, source_n, known ? known->text : folded, t->n, WORD_DISGUISED);
            return;
        }
    }
    unsigned changes = switches(t);
    if ((t->n >= MIXED_MIN && changes >= SWITCHES_RANDOM) ||
        (t->n >= HEX_MIN && changes && is_hex(t)) ||
        (t->n >= HEX_PIECE_MIN && changes >= 2 && is_hex(t)) || (changes && has_random_piece(t)))
        push_class(r, r->p, source_n, WORD_RANDOM);
    else
        push_pieces(r, t);
}

/* Letters only. */
static void push_letters(struct reading *r, const struct token *t)
{
    size_t source_n = (size_t)(t->source[t->n] - r->p);
    const struct known_word *known = t->utf8 ? NULL : known_find(&r->r->known, t->text, t->n);
    bool foreign = t->confused == t->letters && t->letters >= FOREIGN_MIN;
    /* Letters of another script among ASCII ones; or nothing but such, in a text that is in ASCII.
     */
    bool disguised = t->dropped || (t->confused && t->ascii) ||
                     (t->accents && known && !known->accents) ||
                     (foreign && !t->utf8 && (known || r->latin > r->other));
    if (known && (known->n != t->n || memcmp(known->text, t->text, t->n)))
        disguised = true; /* an I for an l */
    t->utf8 || (t->confused && !t->ascii) ? r->other++ : r->latin++;
    if (t->n == 1 && t->letters == 1) {
        push_single(r, r->p, source_n, t->text[0]);
    } else if (known) {
        push_plain(r, r->p, source_n, known->text, known->n, disguised ? WORD_DISGUISED : 0);
    } else if (is_random(t, 0, t->n)) {
        push_class(r, r->p, source_n, WORD_RANDOM);
    } else {
        push_plain(r, r->p, source_n, t->text, t->n, disguised ? WORD_DISGUISED : 0);
    }
}

/* A number goes on over points, commas and the like between digits: dates, times, prices. */
static const uint8_t *number_end(const struct reading *r, const uint8_t *q)
{
    while (r->end - q >= 2 && (*q == '.' || *q == ',' || *q == ':' || *q == '/' || *q == '-') &&
           types[q[1]] & DIGIT) {
        const uint8_t *e = q + 1;
        while (e < r->end && types[*e] & DIGIT)
            e++;
        q = e;
    }
    return q;
}

/* Scripts without spaces: each two characters that stand together are a word. */
static bool take_chain(struct reading *r)
{
    const struct fold *last = NULL;
    const uint8_t *last_at = NULL, *q = r->p;
    unsigned pairs = 0;
    while (q < r->end) {
        uint32_t cp;
        unsigned n = *q < 0x80 ? 0 : utf8_next(q, (size_t)(r->end - q), &cp);
        const struct fold *f = n ? folds_get(r->r->folds, cp) : NULL;
        if (f && f->class == FOLD_DROP && last) {
            q += n;
            continue;
        }
        bool chain = f && f->class == FOLD_CHAIN;
        if (last && (chain || !pairs)) {
            uint8_t two[2 * FOLD_TEXT_MAX];
            unsigned m = last->n;
            memcpy(two, last->text, m);
            if (chain) {
                memcpy(two + m, f->text, f->n);
                m += f->n;
            }
            r->other++;
            push_plain(r, last_at, (size_t)((chain ? q + n : q) - last_at), two, m, 0);
            pairs++;
        }
        if (!chain)
            break;
        last = f;
        last_at = q;
        q += n;
    }
    bool any = q > r->p && last;
    if (any && q == r->end && !pairs)
        push_plain(r, last_at, (size_t)(q - last_at), last->text, last->n, 0);
    if (any)
        r->p = q;
    return any;
}

static void take_number(struct reading *r, const struct token *t, const uint8_t *q)
{
    if (t->n == 1 && (*r->p == '0' || *r->p == '1')) {
        const uint8_t *e = number_end(r, q);
        if (e == q) {
            push_single(r, r->p, 1, *r->p);
            r->p = q;
            return;
        }
        q = e;
    }
    q = number_end(r, q);
    push_class(r, r->p, (size_t)(q - r->p), WORD_NUMBER);
    r->p = q;
}

static void take_token(struct reading *r)
{
    struct token t;
    t.n = t.letters = t.digits = t.signs = t.ascii = t.confused = t.accents = t.dropped = 0;
    t.cut = t.utf8 = false;
    if (types[*r->p] & SIGN && (!goes_on(r, r->p) || types[r->p[1]] & DIGIT)) {
        r->p++;
        return;
    }
    const uint8_t *q = token_read(r, &t);
    if (t.n == 0 && !t.cut) {
        r->p = q > r->p ? q : r->p + 1;
        return;
    }
    if (t.signs && memchr(r->p, '@', (size_t)(q - r->p)) && take_class(r))
        return;
    if (t.cut)
        push_class(r, r->p, (size_t)(q - r->p), WORD_RANDOM);
    else if (!t.digits && !t.signs)
        push_letters(r, &t);
    else if (t.letters)
        push_mixed(r, &t);
    else if (t.digits && !t.signs && q - r->p == (ptrdiff_t)t.n) {
        take_number(r, &t, q);
        return;
    } else
        push_pieces(r, &t);
    r->p = q;
}

/* ---- one thing after another ---- */

/* At a letter: the recipient's local part, as a word of its own. */
static bool take_recipient(struct reading *r)
{
    size_t n = r->recipient.n;
    if ((size_t)(r->end - r->p) < n ||
        (r->p > r->text && types[r->p[-1]] & (LETTER | DIGIT | HIGH)))
        return false;
    for (size_t i = 0; i < n; i++)
        if (text_lower(r->p[i]) != r->recipient.p[i])
            return false;
    const uint8_t *q = r->p + n;
    if (q < r->end && (types[*q] & (LETTER | DIGIT | HIGH) || *q == '@'))
        return false;
    push_class(r, r->p, n, WORD_RECIPIENT);
    r->p = q;
    return true;
}

/* Of a letter in either case. */
static inline bool is_vowel(uint8_t c)
{
    const uint32_t vowels = 1u << 1 | 1u << 5 | 1u << 9 | 1u << 15 | 1u << 21; /* a e i o u */
    return vowels >> (c & 31) & 1;
}

/* 16 bytes in small letters, of them n, behind which there are zeros; into `out`, too. The hash. */
static inline uint64_t fold16(const uint8_t *p, unsigned n, uint8_t *out, uint64_t *first)
{
    static const uint64_t masks[2 * WORDS_BLOCK / 8] = {~0ull, ~0ull, 0, 0};
    uint64_t part[2], mask[2];
    memcpy(part, p, sizeof part);
    memcpy(mask, (const uint8_t *)masks + WORDS_BLOCK - n, sizeof mask);
    part[0] = (part[0] | 0x2020202020202020ull) & mask[0];
    part[1] = (part[1] | 0x2020202020202020ull) & mask[1];
    memcpy(out, part, sizeof part);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    part[0] = __builtin_bswap64(part[0]);
    part[1] = __builtin_bswap64(part[1]);
#endif
    *first = part[0];
    return words_hash_block(0, part[0], part[1], n);
}

/* A word of a few letters, which may have accents and apostrophes, but no digits, signs or letters
 * of other scripts. */
static bool take_letters(struct reading *r)
{
    uint8_t text[WORDS_BLOCK] = {0};
    unsigned n = 0, letters = 0, capitals = 0, row = 0;
    bool accents = false, tight = false;
    const uint8_t *q = r->p, *const end = r->end;
    for (; q < end; q++) {
        const uint8_t c = *q, t = types[c];
        if (n > WORDS_BLOCK - 3)
            return false;
        if (t & LETTER) {
            text[n++] = c | 0x20;
            capitals += c < 'a';
            row = is_vowel(c) ? 0 : row + 1;
            tight |= row == 3;
            letters++;
        } else if (t & HIGH) {
            unsigned bytes;
            const struct fold *f = fold_at(r, q, &bytes);
            if (f->class == FOLD_LETTER) {
                if (f->flags & FOLD_CONFUSED || f->n > 2 || f->text[0] >= 0x80)
                    return false;
                accents |= (f->flags & FOLD_ACCENT) != 0;
                memcpy(text + n, f->text, 2);
                n += f->n;
                row = 0;
                tight |= f->n > 1 || !is_vowel(f->text[0]); /* or it may be: words_random sees */
                letters++;
            } else if (f->class == FOLD_DROP || f->class == FOLD_DIGIT || !letters) {
                return false;
            } else if (f->class != FOLD_APOSTROPHE) {
                break;
            }
            q += bytes - 1;
        } else if (t & (DIGIT | SIGN | QUOTE) && goes_on(r, q)) {
            if (!(t & QUOTE))
                return false;
        } else {
            break;
        }
    }
    if (letters < 2)
        return false;
    const bool odd = capitals != letters && capitals > (*r->p >= 'A' && *r->p <= 'Z');
    const struct known_word *known = accents || odd ? known_find(&r->r->known, text, n) : NULL;
    if (!known && tight && words_random(text, n))
        return false;
    r->latin++;
    if (known) {
        bool disguised = (accents && !known->accents) || memcmp(known->text, text, n) != 0;
        push_plain(r, r->p, (size_t)(q - r->p), known->text, n, disguised ? WORD_DISGUISED : 0);
    } else {
        struct word *w = push(r, r->p, (size_t)(q - r->p), WORD_PLAIN);
        uint64_t first;
        if (w) {
            w->hash = fold16(text, n, r->to, &first);
            w->n = n;
            r->to += n;
        }
    }
    r->p = q;
    return true;
}

/* One that stands for itself, behind or before others that do. */
static bool take_single(struct reading *r)
{
    const uint8_t *q = r->p + 1;
    if (q < r->end &&
        (types[*q] & LETTER || (types[*q] & (DIGIT | HIGH | SIGN | QUOTE) && goes_on(r, q))))
        return false;
    r->latin++;
    push_single(r, r->p, 1, *r->p | 0x20);
    r->p = q;
    return true;
}

/* Digits with nothing else to them. */
static bool take_digits(struct reading *r)
{
    const uint8_t *q = r->p;
    while (q < r->end && types[*q] & DIGIT)
        q++;
    if ((q == r->p + 1 && *r->p <= '1') ||
        (q < r->end && types[*q] & (LETTER | HIGH | SIGN | QUOTE) && goes_on(r, q)))
        return false;
    q = number_end(r, q);
    push_class(r, r->p, (size_t)(q - r->p), WORD_NUMBER);
    r->p = q;
    return true;
}

/* Something in whose middle a URL or address could be, at a byte that stands in those. */
static inline bool could_be_class(const struct reading *r)
{
    const uint8_t *p = r->p;
    if (r->end - p < 2 || p == r->text)
        return false;
    if (*p == ':')
        return p[1] == '/';
    return types[p[1]] & (LETTER | DIGIT | HIGH) && !(types[p[-1]] & SPACE);
}

/* A character beyond ASCII that begins something, or is passed over. */
static void take_high(struct reading *r)
{
    unsigned n;
    const struct fold *f = fold_at(r, r->p, &n);
    if (f->class == FOLD_LETTER || f->class == FOLD_DIGIT) {
        if (f->class == FOLD_DIGIT || !take_letters(r))
            take_token(r);
    } else if (f->class != FOLD_CHAIN || !take_chain(r)) {
        r->p += n;
        if (f->class == FOLD_SPACE)
            r->chunk = r->p;
    }
}

/* Takes or passes over at least a byte. */
static void step(struct reading *r)
{
    uint8_t c = *r->p, t = types[c];
    if (t & (LETTER | DIGIT)) {
        if (r->recipient.n && text_lower(c) == *r->recipient.p && take_recipient(r))
            return;
        if (t & LETTER ? !take_letters(r) && !take_single(r) : !take_digits(r))
            take_token(r);
        return;
    }
    if (t & TRIGGER && could_be_class(r) && take_class(r))
        return;
    if (t & HIGH) {
        take_high(r);
    } else if (t & SIGN && goes_on(r, r->p)) {
        take_token(r);
    } else {
        r->p++;
        r->line |= (t & LINE) != 0;
        if (t & SPACE)
            r->chunk = r->p;
    }
}

/* ---- the way through ASCII: 64 bytes at once ---- */

#define LOOK_AHEAD  3  /* bytes of a block that are only looked at */
#define BLOCK_WORDS 32 /* that a block can have */
#define BLOCK_LEAST 16 /* bytes of a block that are worth going on with */

/* The text at r->p as a block; what is behind its end is as if it were 0. At most *limit bytes of
 * it may be taken. */
static const uint8_t *block_bytes(const struct reading *r, uint8_t *room, unsigned *limit)
{
    size_t left = (size_t)(r->end - r->p);
    *limit = BLOCK_BYTES - LOOK_AHEAD;
    if (left >= BLOCK_BYTES + WORDS_BLOCK)
        return r->p;
    if (left < *limit)
        *limit = (unsigned)left + 1;
    size_t n = left < BLOCK_BYTES ? left : BLOCK_BYTES;
    memcpy(room, r->p, n);
    memset(room + n, 0, BLOCK_BYTES + WORDS_BLOCK - n);
    return room;
}

/* Where something begins that is not just a word and no part of one (a bit of it, or behind the
 * letters that belong to it). */
static inline uint64_t block_stops(const struct block *b)
{
    uint64_t letter = b->letter, capital = b->capital, small = letter & ~capital;
    uint64_t any = letter | b->digit | b->high;
    uint64_t joined = (b->joint & (any | b->bar) >> 1) | (b->bar & b->bar >> 1);
    /* capitals behind the first letter, but not all of them: VaIium */
    uint64_t odd = (capital & small << 1) | (small & capital << 1 & capital << 2);
    /* one letter, but for one among words, which begins no row of such */
    uint64_t single = letter & ~(letter << 1) & ~(letter >> 1);
    uint64_t lone = single & b->blank >> 1 & letter >> 2 & letter >> 3;
    return b->digit | b->high | joined | odd | (single & ~lone);
}

/* The words of a block, as far as they are words of a few letters and nothing else, which is nearly
 * all of a text. r->p is behind them; *until: what must be taken another way reaches beyond it.
 * False: nothing is known to be there. */
static inline __attribute__((always_inline)) bool
take_words(struct reading *r, const struct block *b, unsigned limit, const uint8_t **until)
{
    const uint64_t letter = b->letter, consonant = letter & ~b->vowel;
    uint64_t stops = block_stops(b) & ((1ull << limit) - 1);
    unsigned stop = stops ? (unsigned)__builtin_ctzll(stops) : limit;
    uint64_t starts = letter & ~(letter << 1), tight = consonant & consonant << 1 & consonant << 2;
    uint64_t ends = ~letter & letter << 1 & ((1ull << stop) - 1);
    const uint64_t line = (b->line + ~letter + r->line) & letter; /* carried over what is between */
    const uint32_t source = (uint32_t)(r->p - r->text);
    struct word *const before = r->out->v + r->out->n, *v = before;
    uint8_t *to = r->to, *const base = r->base;
    unsigned at = 0;
    bool halted = stop < limit;
    while (ends) {
        const unsigned end = (unsigned)__builtin_ctzll(ends);
        const unsigned start = (unsigned)__builtin_ctzll(starts), n = end - start;
        uint64_t first;
        if (n > WORDS_BLOCK - 1) {
            halted = true;
            break;
        }
        v->hash = fold16(b->p + start, n, to, &first);
        if ((first & r->recipient_mask) == r->recipient_start) {
            halted = true;
            break;
        }
        if (tight & ((1ull << end) - 1)) {
            tight &= ~0ull << end;
            if (words_odd(to, n)) {
                halted = true;
                break;
            }
        }
        v->at = (uint32_t)(to - base);
        v->n = v->source_n = n;
        v->source = source + start;
        v->kind = WORD_PLAIN;
        v->flags = line >> start & 1 ? WORD_LINE : 0;
        v++;
        to += n;
        at = end;
        starts &= starts - 1;
        ends &= ends - 1;
    }
    if (v > before) {
        r->latin += (uint32_t)(v - before);
        r->out->n += (uint32_t)(v - before);
        r->to = to;
        r->line = false;
    }
    unsigned begun = starts ? (unsigned)__builtin_ctzll(starts) : BLOCK_BYTES;
    unsigned next = begun < stop ? begun : stop;
    uint64_t passed = next < BLOCK_BYTES ? (1ull << next) - 1 : ~0ull;
    r->line |= (b->line & passed) >> at != 0;
    if (b->space & passed)
        r->chunk = r->p + BLOCK_BYTES - __builtin_clzll(b->space & passed);
    *until = r->p + (begun < stop ? begun : stop);
    if (halted && stops && stop > next)
        *until = r->p + stop;
    r->p += next;
    return !halted && next > 0;
}

/* Goes on in the block behind `used` bytes of it. */
static inline void block_skip(struct block *b, unsigned used)
{
    b->p += used;
    b->letter >>= used;
    b->capital >>= used;
    b->vowel >>= used;
    b->digit >>= used;
    b->high >>= used;
    b->space >>= used;
    b->blank >>= used;
    b->line >>= used;
    b->joint >>= used;
    b->bar >>= used;
}

static bool is_room(const struct reading *r, unsigned words)
{
    return r->p < r->end && r->max - r->out->n >= words;
}

/* A row of single letters ends with its line, before a wide gap or a longer word. */
static bool row_ends(const struct reading *r)
{
    return r->line || r->p - r->spaced_end > SPACED_GAP_MAX ||
           (r->end - r->p >= 3 && *r->p == ' ' && types[r->p[1]] & LETTER &&
            types[r->p[2]] & LETTER);
}

/* One block, with all that begins in it. */
static inline __attribute__((always_inline)) void take_block(struct reading *r, struct block *b,
                                                             unsigned limit)
{
    const uint8_t *until, *at = r->p;
    while (!take_words(r, b, limit, &until)) {
        do {
            step(r);
            if (r->spaced && row_ends(r))
                spaced_join(r);
        } while (is_room(r, 1) && (r->p <= until || r->spaced));
        size_t used = (size_t)(r->p - at);
        if (used + BLOCK_LEAST > limit || !is_room(r, BLOCK_WORDS))
            return;
        block_skip(b, (unsigned)used);
        limit -= (unsigned)used;
        at = r->p;
    }
}

static void read_plain(struct reading *r)
{
    uint8_t room[BLOCK_BYTES + WORDS_BLOCK];
    while (is_room(r, BLOCK_WORDS)) {
        struct block b;
        unsigned limit;
        b.p = block_bytes(r, room, &limit);
        block_look_plain(&b);
        take_block(r, &b, limit);
    }
}

#ifdef WORDS_AVX2
WORDS_AVX2 static void read_avx2(struct reading *r)
{
    uint8_t room[BLOCK_BYTES + WORDS_BLOCK];
    while (is_room(r, BLOCK_WORDS)) {
        struct block b;
        unsigned limit;
        b.p = block_bytes(r, room, &limit);
        block_look_avx2(&b);
        take_block(r, &b, limit);
    }
}
#else
#define read_avx2 read_plain
#endif

static void read_all(struct reading *r)
{
    (r->r->vector ? read_avx2 : read_plain)(r);
    while (is_room(r, 1))
        step(r);
    if (r->spaced)
        spaced_join(r);
}

/* ---- the reader ---- */

struct words_reader *words_open(void)
{
    struct words_reader *r = mem_zeroed(1, sizeof *r);
    r->folds = folds_open();
    if (!r->folds)
        abort(); /* ICU without its own tables: a broken installation */
    for (unsigned k = WORD_NUMBER; k < WORD_KINDS; k++)
        r->class_hash[k] = class_hash(k);
    words_scalar(r, false);
    return r;
}

void words_scalar(struct words_reader *r, bool scalar)
{
#ifdef WORDS_AVX2
    r->vector = !scalar && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                __builtin_cpu_supports("bmi2");
#endif
}

void words_close(struct words_reader *r)
{
    if (!r)
        return;
    folds_close(r->folds);
    free(r->known.v);
    free(r);
}

/* The local part in small letters; empty when it is too short. */
static struct span recipient_of(struct span mailbox, struct arena *arena)
{
    size_t n = text_find(mailbox, '@');
    if (n < RECIPIENT_MIN || n > WORDS_WORD_MAX)
        return span_of(NULL, 0);
    uint8_t *local = arena_alloc(arena, n);
    for (size_t i = 0; i < n; i++)
        local[i] = text_lower(mailbox.p[i]);
    return span_of(local, n);
}

/* What a word must begin with to be looked at again: its letters up to the eighth. */
static void recipient_letters(struct reading *r)
{
    unsigned n = 0;
    for (; n < r->recipient.n && n < 8 && types[r->recipient.p[n]] & LETTER; n++)
        r->recipient_start |= (uint64_t)r->recipient.p[n] << 8 * n;
    r->recipient_mask = n == 8 ? ~0ull : (1ull << 8 * n) - 1;
    if (n == 0)
        r->recipient_start = 1; /* no word has that */
}

/* Bytes that folded words can come to: a character of two bytes may become six, and one of three
 * that stands in a chain is in two words. */
static size_t folded_max(struct span text)
{
    return (span_is_plain(text) ? 1 : 4) * text.n + 2 * WORDS_WORD_MAX;
}

void words_read(struct words_reader *reader, struct span text, struct span recipient,
                struct arena *arena, struct words *out)
{
    *out = (struct words){0};
    if (text.n > UINT32_MAX / 8)
        text.n = UINT32_MAX / 8;
    if (!text.n)
        return;
    size_t max = text.n + BLOCK_WORDS; /* the last block has no fewer than another */
    if (max > WORDS_MAX)
        max = WORDS_MAX;
    out->v = arena_alloc(arena, (max + 1) * sizeof *out->v);
    uint8_t *to = arena_alloc(arena, folded_max(text));
    out->text.p = to;
    struct reading r = {
        .r = reader,
        .p = text.p,
        .end = text.p + text.n,
        .text = text.p,
        .chunk = text.p,
        .base = to,
        .to = to,
        .recipient = recipient_of(recipient, arena),
        .out = out,
        .max = (uint32_t)max,
        .line = true,
    };
    recipient_letters(&r);
    read_all(&r);
    out->text.n = (size_t)(r.to - to);
    out->cut = r.p < r.end;
}

struct span words_fold(struct words_reader *r, struct span text, struct arena *arena)
{
    struct words w;
    words_read(r, text, span_of(NULL, 0), arena, &w);
    uint8_t *out = arena_alloc(arena, w.text.n + w.n + 1), *to = out;
    for (uint32_t i = 0; i < w.n; i++) {
        struct span word = span_of(w.text.p + w.v[i].at, w.v[i].n);
        if (!r->sealed && w.v[i].kind == WORD_PLAIN)
            known_add(&r->known, word, !span_is_plain(text));
        if (i)
            *to++ = ' ';
        memcpy(to, word.p, word.n);
        to += word.n;
    }
    return span_of(out, (size_t)(to - out));
}

void words_seal(struct words_reader *r)
{
    r->sealed = true;
}
