#include "wire/text.h"
#include "wire/url.h"

#define SHAPE_MAX  160 /* bytes of a shape; what follows is left out */
#define CONSONANTS 5   /* in a row: no word */

enum piece { PIECE_NUMBER = '0', PIECE_WORD = 'a', PIECE_RANDOM = 'x' };

static bool is_piece(uint8_t c)
{
    return (uint8_t)((c | 0x20) - 'a') < 26 || (uint8_t)(c - '0') < 10 || c >= 0x80;
}

static bool is_vowel(uint8_t c)
{
    c |= 0x20;
    return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y';
}

/* Letters that are no word: capitals within, too many consonants in a row. */
static bool looks_random(struct span s)
{
    unsigned run = 0, changes = 0;
    for (size_t i = 0; i < s.n; i++) {
        run = is_vowel(s.p[i]) ? 0 : run + 1;
        if (run >= CONSONANTS && s.n > CONSONANTS)
            return true;
        if (i && (s.p[i] & 0x20) == 0 && (s.p[i - 1] & 0x20))
            changes++;
    }
    return changes >= 2;
}

static enum piece piece_of(struct span s)
{
    size_t digits = 0;
    for (size_t i = 0; i < s.n; i++) {
        digits += (uint8_t)(s.p[i] - '0') < 10;
        if (s.p[i] >= 0x80 || s.p[i] == '%')
            return PIECE_RANDOM;
    }
    if (digits == s.n)
        return PIECE_NUMBER;
    return digits || looks_random(s) ? PIECE_RANDOM : PIECE_WORD;
}

static bool is_escape(struct span s)
{
    return s.n >= 3 && *s.p == '%' && is_piece(s.p[1]) && is_piece(s.p[2]);
}

/* Endings of files say what runs behind a page: they are kept. */
static bool is_ending(struct span s)
{
    static const char *const endings[] = {"php",  "php3", "html", "htm", "shtml", "asp", "aspx",
                                          "cgi",  "pl",   "jsp",  "do",  "cfm",   "gif", "jpg",
                                          "jpeg", "png",  "exe",  "scr", "zip",   "rar", "pdf",
                                          "js",   "css",  "txt",  "swf", "xml",   NULL};
    for (const char *const *e = endings; *e; e++)
        if (text_is(s, *e))
            return true;
    return false;
}

struct shape {
    struct buf *out;
    size_t start;
};

static void put(struct shape *s, char c)
{
    if (s->out->n - s->start < SHAPE_MAX)
        buf_byte(s->out, (uint8_t)c);
}

/* Pieces of text: at most two words in a row stay of any number that the same sign joins. */
static void shape_text(struct shape *s, struct span text, bool endings)
{
    char joint = 0, before = 0; /* signs before this piece and the one before it */
    unsigned words = 0;
    for (size_t i = 0; i < text.n;) {
        struct span rest = text_behind(text, i);
        if (!is_piece(*rest.p) && !is_escape(rest)) {
            joint = (char)*rest.p;
            if (i + 1 == text.n || (!is_piece(rest.p[1]) && !is_escape(text_behind(rest, 1)))) {
                put(s, joint); /* signs in a row, or the last */
                words = 0;
                joint = before = 0;
            }
            i++;
            continue;
        }
        size_t n = 0;
        while (n < rest.n && (is_piece(rest.p[n]) || is_escape(text_behind(rest, n))))
            n += is_piece(rest.p[n]) ? 1 : 3;
        struct span piece = span_of(rest.p, n);
        i += n;
        if (endings && joint == '.' && i == text.n && is_ending(piece)) {
            put(s, '.');
            for (size_t k = 0; k < piece.n; k++)
                put(s, (char)text_lower(piece.p[k]));
            return;
        }
        char kind = (char)piece_of(piece);
        words =
            kind == PIECE_WORD && (words == 0 || ((joint == '-' || joint == '_' || joint == '+') &&
                                                  (joint == before || words == 1)))
                ? words + 1
                : kind == PIECE_WORD;
        if (words <= 2) {
            if (joint)
                put(s, joint);
            put(s, kind);
        }
        before = joint;
        joint = 0;
    }
}

void url_shape(const struct url *u, struct buf *out)
{
    struct shape s = {.out = out, .start = out->n};
    struct span rest = u->path;
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
}
