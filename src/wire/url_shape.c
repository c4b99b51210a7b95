#include "wire/text.h"
#include "wire/url.h"

#define SHAPE_MAX  160 /* bytes of a shape; what follows is left out */
#define CONSONANTS 5   /* in a row: no word */
#define CAPITALS   2   /* in odd places: no word */
#define MARKS_MAX  64  /* bytes of a piece whose consonants are marked */
#define ENDING_MAX 5

enum piece { PIECE_NUMBER = '0', PIECE_WORD = 'a', PIECE_RANDOM = 'x' };

/* What a byte is in a piece; 0 for those that are in none. */
enum byte_kind {
    LETTER = 1 << 0,
    CONSONANT = 1 << 1,
    CAPITAL = 1 << 2,
    DIGIT = 1 << 3,
    ODD = 1 << 4, /* not ASCII, and %-escapes */
};

#define SMALL(c) [c] = LETTER | CONSONANT, [c - 32] = LETTER | CONSONANT | CAPITAL
#define VOWEL(c) [c] = LETTER, [c - 32] = LETTER | CAPITAL
static const uint8_t kinds[256] = {
    ['0' ... '9'] = DIGIT,
    [0x80 ... 0xff] = ODD,
    VOWEL('a'),
    SMALL('b'),
    SMALL('c'),
    SMALL('d'),
    VOWEL('e'),
    SMALL('f'),
    SMALL('g'),
    SMALL('h'),
    VOWEL('i'),
    SMALL('j'),
    SMALL('k'),
    SMALL('l'),
    SMALL('m'),
    SMALL('n'),
    VOWEL('o'),
    SMALL('p'),
    SMALL('q'),
    SMALL('r'),
    SMALL('s'),
    SMALL('t'),
    VOWEL('u'),
    SMALL('v'),
    SMALL('w'),
    SMALL('x'),
    VOWEL('y'),
    SMALL('z'),
};
#undef SMALL
#undef VOWEL

static bool is_escape(struct span s)
{
    return s.n >= 3 && *s.p == '%' && kinds[s.p[1]] && kinds[s.p[2]];
}

/* Capitals within letters: "McDonald" has one. */
static unsigned odd_capitals(struct span s)
{
    unsigned n = 0;
    for (size_t i = 1; i < s.n; i++)
        n += (s.p[i] & 0x20) == 0 && (s.p[i - 1] & 0x20);
    return n;
}

static bool has_consonants(struct span s)
{
    unsigned run = 0;
    for (size_t i = 0; i < s.n && run < CONSONANTS; i++)
        run = kinds[s.p[i]] & CONSONANT ? run + 1 : 0;
    return run == CONSONANTS;
}

/* The piece at the start of `s`, which is one or empty: how long it is, and what. */
static size_t piece_read(struct span s, enum piece *what)
{
    uint64_t marks = 0; /* a bit for each byte: is it a consonant? */
    unsigned all = 0, kind;
    size_t n = 0;
    while (n < s.n) {
        if ((kind = kinds[s.p[n]])) {
            all |= kind;
            marks = marks << 1 | (kind / CONSONANT & 1);
            n++;
        } else if (is_escape(text_behind(s, n))) {
            all |= ODD;
            n += 3;
        } else {
            break;
        }
    }
    struct span piece = span_of(s.p, n);
    *what = PIECE_RANDOM;
    if (all == DIGIT) {
        *what = PIECE_NUMBER;
    } else if (!(all & (DIGIT | ODD))) {
        uint64_t pairs = marks & marks >> 1; /* CONSONANTS in a row: two pairs and one */
        bool run = n > MARKS_MAX ? has_consonants(piece) : (pairs & pairs >> 2 & marks >> 4) != 0;
        if (!(run && n > CONSONANTS) && !(all & CAPITAL && odd_capitals(piece) >= CAPITALS))
            *what = PIECE_WORD;
    }
    return n;
}

/* Endings of files say what runs behind a page: they are kept. */
static bool is_ending(struct span s)
{
    static const char endings[][ENDING_MAX + 1] = {
        "php", "php3", "html", "htm", "shtml", "asp",  "aspx", "cgi", "pl",
        "jsp", "do",   "cfm",  "gif", "jpg",   "jpeg", "png",  "exe", "scr",
        "zip", "rar",  "pdf",  "js",  "css",   "txt",  "swf",  "xml",
    };
    char small[ENDING_MAX + 1] = {0};
    if (s.n < 2 || s.n > ENDING_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++)
        small[i] = (char)text_lower(s.p[i]);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (memcmp(small, endings[i], sizeof small) == 0)
            return true;
    return false;
}

struct shape {
    size_t n;
    uint8_t text[SHAPE_MAX];
};

static inline void put(struct shape *s, uint8_t c)
{
    if (s->n < SHAPE_MAX)
        s->text[s->n++] = c;
}

/* Pieces of text: at most two words in a row stay of any number that the same sign joins. */
static void shape_text(struct shape *s, struct span text, bool endings)
{
    uint8_t joint = 0, before = 0; /* signs before this piece and the one before it */
    unsigned words = 0;
    for (size_t i = 0; i < text.n;) {
        struct span rest = text_behind(text, i);
        enum piece kind;
        size_t n = piece_read(rest, &kind);
        if (n == 0) {
            joint = *rest.p;
            i++;
            rest = text_behind(rest, 1);
            if (rest.n == 0 || (!kinds[*rest.p] && !is_escape(rest))) {
                put(s, joint); /* signs in a row, or the last */
                words = 0;
                joint = before = 0;
            }
            continue;
        }
        i += n;
        if (endings && joint == '.' && i == text.n && is_ending(span_of(rest.p, n))) {
            put(s, '.');
            for (size_t k = 0; k < n; k++)
                put(s, text_lower(rest.p[k]));
            return;
        }
        words =
            kind == PIECE_WORD && (words == 0 || ((joint == '-' || joint == '_' || joint == '+') &&
                                                  (joint == before || words == 1)))
                ? words + 1
                : kind == PIECE_WORD;
        if (words <= 2) {
            if (joint)
                put(s, joint);
            put(s, (uint8_t)kind);
        }
        before = joint;
        joint = 0;
    }
}

void url_shape(const struct url *u, struct buf *out)
{
    struct shape s;
    struct span rest = u->path;
    s.n = 0;
    if (rest.n == 0)
        put(&s, '/');
    while (rest.n) { /* segment by segment */
        put(&s, '/');
        rest = text_behind(rest, *rest.p == '/' || *rest.p == '\\');
        size_t n = 0;
        while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '\\')
            n++;
        shape_text(&s, span_of(rest.p, n), n == rest.n);
        rest = text_behind(rest, n);
    }
    if (u->query.n) {
        put(&s, '?');
        shape_text(&s, u->query, false);
    }
    buf_put(out, s.text, s.n);
}
