#include "mail/grammar.h"

#define XXH_INLINE_ALL /* short inputs */
#include <xxhash.h>

#include "mail/grammar_impl.h"
#include "wire/text.h"

/* ---- text ---- */

void note_begin(struct note *n, struct arena *arena)
{
    n->p = arena_alloc(arena, GRAMMAR_TEXT_MAX);
    n->n = 0;
}

void note_bytes(struct note *n, struct span s)
{
    size_t room = GRAMMAR_TEXT_MAX - n->n;
    size_t m = s.n < room ? s.n : room;
    if (m)
        memcpy(n->p + n->n, s.p, m);
    n->n += m;
}

void note_number(struct note *n, size_t v)
{
    char digits[24];
    unsigned at = sizeof digits;
    do
        digits[--at] = (char)('0' + v % 10);
    while (v /= 10);
    note_bytes(n, span_of(digits + at, sizeof digits - at));
}

void note_end(const struct note *n, struct grammar *out)
{
    out->text = span_of(n->p, n->n);
    out->hash = n->n ? XXH3_64bits(n->p, n->n) : 0;
}

/* ---- values: runs of classes ----
 *
 *   #       up to 6 digits or hex digits: counters, process ids; their lengths vary
 *   x8 X12  hex digits; digits alone where their number is a multiple of 4
 *   d14     digits; from 11 on in steps, as random numbers of 64 bits vary
 *   a5 A20  letters in one case; m7 in both
 *   w14     letters and digits
 *
 * Other characters stand for themselves, and so do words that programs put into all their
 * boundaries. */

#define VALUE_READ_MAX 256 /* bytes of a value; what is behind says no more */
#define SHORT_RUN      6

enum { C_OTHER, C_DIGIT, C_HEX_SMALL, C_HEX_CAPITAL, C_SMALL, C_CAPITAL };

static const uint8_t classes[256] = {
    ['0' ... '9'] = C_DIGIT, ['a' ... 'f'] = C_HEX_SMALL, ['A' ... 'F'] = C_HEX_CAPITAL,
    ['g' ... 'z'] = C_SMALL, ['G' ... 'Z'] = C_CAPITAL,
};

/* How many characters of each class. */
struct run {
    size_t n;
    unsigned of[6];
};

static struct run run_at(struct span s)
{
    struct run r = {0};
    while (r.n < s.n && classes[s.p[r.n]])
        r.of[classes[s.p[r.n++]]]++;
    return r;
}

static bool is_fixed_word(struct span word)
{
#define FIXED(text)                                                                                \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
    static const struct {
        const char *text;
        size_t n;
    } fixed[] = {
        FIXED("nextpart"),  FIXED("part"),        FIXED("boundary"), FIXED("apple"),
        FIXED("mail"),      FIXED("mime"),        FIXED("outlook"),  FIXED("related"),
        FIXED("multipart"), FIXED("alternative"), FIXED("mixed"),    FIXED("javamail"),
        FIXED("phpmailer"), FIXED("qmail"),       FIXED("mimepart"), FIXED("localhost"),
    };
#undef FIXED
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (word.n == fixed[i].n && text_starts(word, fixed[i].text))
            return true;
    return false;
}

static size_t step_of(size_t digits)
{
    return digits <= 10 || digits == 14 ? digits
           : digits <= 13               ? 12
           : digits <= 17               ? 16
           : digits <= 20               ? 19
                                        : 32;
}

/* hex: how the value writes hex digits, 'x' or 'X'. */
static void note_run(struct note *n, struct span word, const struct run *r, uint8_t hex)
{
    unsigned small = r->of[C_HEX_SMALL] + r->of[C_SMALL];
    unsigned capital = r->of[C_HEX_CAPITAL] + r->of[C_CAPITAL], digits = r->of[C_DIGIT];
    bool is_hex = digits && !r->of[C_SMALL] && !r->of[C_CAPITAL];
    if (is_hex && r->n <= SHORT_RUN) {
        note_byte(n, '#');
    } else if (is_hex && (small || capital || r->n % 4 == 0)) {
        note_byte(n, hex);
        note_number(n, r->n);
    } else if (digits == r->n) {
        note_byte(n, 'd');
        note_number(n, step_of(r->n));
    } else if (!digits && is_fixed_word(word)) {
        note_bytes(n, word);
    } else {
        note_byte(n, digits ? 'w' : small && capital ? 'm' : capital ? 'A' : 'a');
        note_number(n, r->n);
    }
}

/* Small or capital hex digits: as the runs that have digits, too, write them. */
static uint8_t hex_case(struct span s)
{
    unsigned small = 0, capital = 0;
    for (size_t i = 0; i < s.n;) {
        struct run r = run_at(text_behind(s, i));
        if (r.of[C_DIGIT] && !r.of[C_SMALL] && !r.of[C_CAPITAL]) {
            small += r.of[C_HEX_SMALL];
            capital += r.of[C_HEX_CAPITAL];
        }
        i += r.n ? r.n : 1;
    }
    return capital && !small ? 'X' : 'x';
}

void note_value(struct note *n, struct span s)
{
    if (s.n > VALUE_READ_MAX)
        s.n = VALUE_READ_MAX;
    uint8_t hex = hex_case(s);
    for (size_t i = 0; i < s.n;) {
        struct run r = run_at(text_behind(s, i));
        if (r.n)
            note_run(n, span_of(s.p + i, r.n), &r, hex);
        else
            note_byte(n, s.p[i]);
        i += r.n ? r.n : 1;
    }
}

void grammar_value(struct span value, struct arena *arena, struct grammar *out)
{
    struct note n;
    note_begin(&n, arena);
    note_value(&n, value);
    note_end(&n, out);
}

/* ---- Message-ID ---- */

/* Which name it is says whose machine it was; how it is written is the program's. */
void note_host(struct note *n, struct span host)
{
    struct ip ip;
    struct span inside = host;
    if (text_is(host, "localhost") || text_is(host, "localhost.localdomain")) {
        note_bytes(n, host);
        return;
    }
    if (host.n > 2 && *host.p == '[' && host.p[host.n - 1] == ']')
        inside = span_of(host.p + 1, host.n - 2);
    bool literal = inside.n != host.n;
    if (text_starts(inside, "ipv6:")) {
        note_str(n, "[ipv6]");
    } else if (inside.n && classes[*inside.p] == C_DIGIT && ip_parse(inside, &ip)) {
        note_str(n, literal ? "[ip]" : "ip");
    } else if (literal) {
        note_str(n, "[name]");
    } else if (host.n) {
        note_str(n, memchr(host.p, '.', host.n) ? "host" : "name");
    }
}

void grammar_message_id(struct span value, struct arena *arena, struct grammar *out)
{
    struct note n;
    note_begin(&n, arena);
    if (value.n > VALUE_READ_MAX)
        value.n = VALUE_READ_MAX;
    const uint8_t *at = value.n ? memrchr(value.p, '@', value.n) : NULL;
    size_t local = at ? (size_t)(at - value.p) : value.n;
    note_value(&n, span_of(value.p, local));
    if (at) {
        struct span host = text_behind(value, local + 1);
        bool closed = host.n && host.p[host.n - 1] == '>';
        host.n -= closed;
        note_byte(&n, '@');
        note_host(&n, host);
        if (closed)
            note_byte(&n, '>');
    }
    note_end(&n, out);
}

/* ---- headers ---- */

/* "Sun, 08 Apr 2007 21:00:48 +0300 (EDT)" -> "w, d M y d:d:d +z (Z)". A day's leading zero shows
 * only on nine days of a month, so one and two digits are the same, and so are one space and two.
 */
static uint8_t date_word(struct span s, size_t *n)
{
    static const char names[] = "montuewedthufrisatsunjanfebmaraprmayjunjulaugsepoctnovdec";
    enum { NAME = 3, DAYS = 7 };
    uint8_t start[NAME] = {0};
    for (*n = 0; *n < s.n && (uint8_t)((s.p[*n] | 0x20) - 'a') < 26; ++*n)
        if (*n < NAME)
            start[*n] = s.p[*n] | 0x20;
    for (unsigned i = 0; i + NAME < sizeof names; i += NAME)
        if (memcmp(names + i, start, NAME) == 0)
            return i < DAYS * NAME ? (*n == NAME ? 'w' : 'W') : *n == NAME ? 'M' : 'N';
    return 'Z';
}

static void note_date(struct note *n, struct span s)
{
    if (s.n > VALUE_READ_MAX)
        s.n = VALUE_READ_MAX;
    uint8_t last = 0;
    for (size_t i = 0; i < s.n;) {
        uint8_t c = s.p[i];
        size_t m = 1;
        if ((uint8_t)((c | 0x20) - 'a') < 26) {
            c = date_word(text_behind(s, i), &m);
        } else if (classes[c] == C_DIGIT) {
            while (i + m < s.n && classes[s.p[i + m]] == C_DIGIT)
                m++;
            c = last == '+' ? 'z' : m <= 2 ? 'd' : m == 4 ? 'y' : '9';
        } else if (c == '-' && last == ' ') {
            c = '+';
        } else if (text_is_space_or_end(c)) {
            c = ' ';
        }
        i += m;
        bool again = (c == ' ' && last == ' ') ||
                     (c == 'Z' && n->n > 1 && last == ' ' && n->p[n->n - 2] == 'Z');
        if (again && c == 'Z')
            n->n--; /* a zone's name of several words */
        else if (!again)
            note_byte(n, c);
        last = c;
    }
}

/* White space between the colon and the value, where it is not one space; and how folded lines
 * begin. */
static void note_spacing(struct note *n, struct span gap)
{
    if (gap.n && *gap.p == ':')
        gap = text_behind(gap, 1);
    if (gap.n == 1 && *gap.p == ' ')
        return;
    note_str(n, ":");
    for (size_t i = 0; i < gap.n && i < 4; i++)
        note_byte(n, gap.p[i] == ' ' ? 's' : gap.p[i] == '\t' ? 't' : gap.p[i] == '\n' ? 'n' : 'c');
}

static void note_folding(struct note *n, struct span value)
{
    size_t at = text_find(value, '\n');
    if (at == value.n)
        return;
    size_t spaces = 0;
    while (at + 1 + spaces < value.n && value.p[at + 1 + spaces] == ' ')
        spaces++;
    note_str(n, "/");
    if (spaces)
        note_number(n, spaces);
    else
        note_str(n, "t");
}

static struct span boundary_of(struct span type)
{
    for (size_t i = 0; i + 9 < type.n; i++) {
        if ((type.p[i] | 0x20) != 'b' || !text_starts(text_behind(type, i), "boundary"))
            continue;
        struct span s = text_trim_start(text_behind(type, i + 8));
        if (!s.n || *s.p != '=')
            continue;
        s = text_trim_start(text_behind(s, 1));
        if (s.n && *s.p == '"') {
            s = text_behind(s, 1);
            size_t end = text_find(s, '"');
            return span_of(s.p - 1, end + (end < s.n) + 1); /* with its quotes */
        }
        size_t n = 0;
        while (n < s.n && s.p[n] != ';' && !text_is_space_or_end(s.p[n]))
            n++;
        return span_of(s.p, n);
    }
    return span_of(NULL, 0);
}

/* Those that the way here adds. */
static bool is_trace(struct span name)
{
    return name.n && (*name.p | 0x20) == 'r' &&
           (text_is(name, "received") || text_is(name, "return-path"));
}

/* Any byte that cannot be shown, or white space, in eight. */
static inline bool is_odd8(const uint8_t *p)
{
    const uint64_t ones = 0x0101010101010101ull;
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return (((v - ones * 0x21) & ~v) | (v + ones) | v) & ones * 0x80;
}

static void note_name(struct note *n, struct span name)
{
    size_t at = n->n;
    note_bytes(n, name);
    size_t m = n->n - at;
    if (m >= 8) {
        bool odd = is_odd8(n->p + n->n - 8);
        for (size_t i = 0; i + 8 < m; i += 8)
            odd |= is_odd8(n->p + at + i);
        if (!odd)
            return;
    }
    for (; at < n->n; at++)
        if (n->p[at] <= ' ' || n->p[at] >= 0x7f)
            n->p[at] = '?';
}

void grammar_headers(const struct mime *m, const bool *stripped, struct arena *arena,
                     struct grammar *out)
{
    struct note n;
    struct span date = {NULL, 0}, boundary = {NULL, 0};
    note_begin(&n, arena);
    const struct mime_part *mail = m->part;
    for (unsigned i = mail->first_header; m->parts && i < mail->first_header + mail->headers; i++) {
        const struct mime_header *h = &m->header[i];
        if ((stripped && stripped[i]) || is_trace(h->name))
            continue;
        if (n.n)
            note_byte(&n, ' ');
        note_name(&n, h->name);
        const uint8_t *behind = h->name.p + h->name.n;
        if (h->value.n && h->value.p >= behind)
            note_spacing(&n, span_of(behind, (size_t)(h->value.p - behind)));
        const uint8_t first = h->name.n ? *h->name.p | 0x20 : 0;
        if (first == 'd' && text_is(h->name, "date")) {
            date = h->value;
        } else if (first == 'c' && text_is(h->name, "content-type")) {
            note_folding(&n, h->value);
            boundary = boundary_of(h->value);
        }
    }
    if (n.n && date.n) {
        note_str(&n, " | ");
        note_date(&n, date);
    }
    if (n.n && boundary.n) {
        note_str(&n, " | ");
        note_value(&n, boundary);
    }
    note_end(&n, out);
}
