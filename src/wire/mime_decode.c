#include "wire/mime.h"

#include "wire/mime_vector.h"
#include "wire/text.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { BLOCK = 32, SCRATCH = 4096 };

static bool scalar_only;

void mime_decode_scalar(bool scalar)
{
    scalar_only = scalar;
}

bool vector_is_on(void)
{
#ifdef __x86_64__
    return !scalar_only && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi");
#else
    return false;
#endif
}

/* --- looking at bytes --- */

static unsigned look_scalar(const uint8_t *p, const uint8_t *end)
{
    unsigned seen = 0;
    for (; p < end; p++)
        seen |= (*p & 0x80 ? VECTOR_8BIT : 0) | (*p == 0 ? VECTOR_NUL : 0);
    return seen;
}

static const uint8_t *ascii_scalar(const uint8_t *p, const uint8_t *end)
{
    while (p < end && *p < 0x80)
        p++;
    return p;
}

static const uint8_t *line_scalar(const uint8_t *p, const uint8_t *end, char a, char b)
{
    while (end - p >= 3 && (p = memchr(p, '\n', (size_t)(end - p) - 2))) {
        if (p[1] == (uint8_t)a && p[2] == (uint8_t)b)
            return p;
        p++;
    }
    return NULL;
}

#ifdef __x86_64__

#define LOAD(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))

VECTOR_AVX2 static unsigned look_avx2(const uint8_t *p, const uint8_t *end)
{
    __m256i high = _mm256_setzero_si256(), low = _mm256_set1_epi8(-1);
    for (; end - p >= 2 * BLOCK; p += 2 * BLOCK) {
        __m256i a = LOAD(p), b = LOAD(p + BLOCK);
        high = _mm256_or_si256(high, _mm256_or_si256(a, b));
        low = _mm256_min_epu8(low, _mm256_min_epu8(a, b));
    }
    for (; end - p >= BLOCK; p += BLOCK) {
        high = _mm256_or_si256(high, LOAD(p));
        low = _mm256_min_epu8(low, LOAD(p));
    }
    unsigned seen = look_scalar(p, end);
    if (_mm256_movemask_epi8(high))
        seen |= VECTOR_8BIT;
    if (_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, _mm256_setzero_si256())))
        seen |= VECTOR_NUL;
    return seen;
}

VECTOR_AVX2 static const uint8_t *ascii_avx2(const uint8_t *p, const uint8_t *end)
{
    for (; end - p >= BLOCK; p += BLOCK) {
        uint32_t high = (uint32_t)_mm256_movemask_epi8(LOAD(p));
        if (high)
            return p + _tzcnt_u32(high);
    }
    return ascii_scalar(p, end);
}

/* Where a, b stand is looked for first: there are fewer of them than line ends. */
VECTOR_AVX2 static inline uint32_t pair_avx2(const uint8_t *p, __m256i a, __m256i b)
{
    return (uint32_t)_mm256_movemask_epi8(
        _mm256_and_si256(_mm256_cmpeq_epi8(LOAD(p + 1), a), _mm256_cmpeq_epi8(LOAD(p + 2), b)));
}

VECTOR_AVX2 static const uint8_t *line_avx2(const uint8_t *p, const uint8_t *end, char a, char b)
{
    const __m256i lf = _mm256_set1_epi8('\n'), va = _mm256_set1_epi8(a), vb = _mm256_set1_epi8(b);
    for (; end - p >= BLOCK + 2; p += BLOCK) {
        while (end - p >= 2 * BLOCK + 2) { /* two blocks at once, as long as there is none */
            __m256i first = _mm256_and_si256(_mm256_cmpeq_epi8(LOAD(p + 1), va),
                                             _mm256_cmpeq_epi8(LOAD(p + 2), vb));
            __m256i second = _mm256_and_si256(_mm256_cmpeq_epi8(LOAD(p + BLOCK + 1), va),
                                              _mm256_cmpeq_epi8(LOAD(p + BLOCK + 2), vb));
            __m256i both = _mm256_or_si256(first, second);
            if (!_mm256_testz_si256(both, both))
                break;
            p += 2 * BLOCK;
        }
        if (end - p < BLOCK + 2)
            break;
        uint32_t hits = pair_avx2(p, va, vb);
        if (hits)
            hits &= (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(LOAD(p), lf));
        if (hits)
            return p + _tzcnt_u32(hits);
    }
    return line_scalar(p, end, a, b);
}

#else
#define look_avx2  look_scalar
#define ascii_avx2 ascii_scalar
#define line_avx2  line_scalar
#endif

unsigned vector_look(struct span s)
{
    if (s.n == 0)
        return 0;
    return (vector_is_on() ? look_avx2 : look_scalar)(s.p, s.p + s.n);
}

size_t vector_ascii(struct span s)
{
    if (s.n == 0)
        return 0;
    return (size_t)((vector_is_on() ? ascii_avx2 : ascii_scalar)(s.p, s.p + s.n) - s.p);
}

const uint8_t *vector_line(const uint8_t *p, const uint8_t *end, char a, char b)
{
    return (vector_is_on() ? line_avx2 : line_scalar)(p, end, a, b);
}

/* --- output with a limit: what does not fit is decoded all the same, and counted --- */

struct output {
    uint8_t *p, *end;
    uint64_t before; /* bytes counted that are no longer between base and p */
    uint8_t *base;
    uint8_t *scratch;
};

static void output_open(struct output *o, uint8_t *out, uint64_t max, uint8_t *scratch)
{
    *o = (struct output){out, out ? out + max : out, 0, out, scratch};
}

static uint64_t output_count(const struct output *o)
{
    return o->before + (uint64_t)(o->p - o->base);
}

static inline void output_byte(struct output *o, uint8_t c)
{
    if (o->p == o->end) { /* of the caller's room, then of the scratch, over and over */
        o->before += (uint64_t)(o->p - o->base);
        o->base = o->p = o->scratch;
        o->end = o->scratch + SCRATCH;
    }
    *o->p++ = c;
}

/* --- base64 (RFC 4648) --- */

/* One more than a character's value; 0 for what does not belong. */
enum { B64_BAD = 0, B64_PAD = 65, B64_SPACE = 66 };
#define RANK2(c, v) [c] = v + 1, [c + 1] = v + 2
#define RANK8(c, v) RANK2(c, v), RANK2(c + 2, v + 2), RANK2(c + 4, v + 4), RANK2(c + 6, v + 6)
static const uint8_t base64_rank[256] = {
    RANK8('A', 0),      RANK8('I', 8),      RANK8('Q', 16),  RANK2('Y', 24),    RANK8('a', 26),
    RANK8('i', 34),     RANK8('q', 42),     RANK2('y', 50),  RANK8('0', 52),    RANK2('8', 60),
    ['+'] = 63,         ['/'] = 64,         ['='] = B64_PAD, [' '] = B64_SPACE, ['\t'] = B64_SPACE,
    ['\r'] = B64_SPACE, ['\n'] = B64_SPACE,
};
#undef RANK2
#undef RANK8

struct base64 {
    uint32_t bits; /* of the characters of a group so far */
    unsigned n;
    unsigned pads; /* '=' that are still to come */
    bool ended;    /* there was padding: nothing should follow */
    bool bad;
};

/* A group that ends early, at padding or at the end: n characters hold n - 1 bytes. */
static void base64_flush(struct base64 *s, struct output *o)
{
    if (s->n >= 2)
        output_byte(o, (uint8_t)(s->n == 2 ? s->bits >> 4 : s->bits >> 10));
    if (s->n == 3)
        output_byte(o, (uint8_t)(s->bits >> 2));
    if (s->n == 1)
        s->bad = true;
    s->n = 0;
    s->bits = 0;
}

static void base64_pad(struct base64 *s, struct output *o)
{
    if (s->n == 0) {
        s->bad = s->bad || s->pads == 0;
        s->pads -= s->pads > 0;
        return;
    }
    s->pads = s->n == 2;
    s->ended = true;
    base64_flush(s, o);
}

/* One character; true when it ended a group. */
static bool base64_char(struct base64 *s, uint8_t rank, struct output *o)
{
    if (rank == B64_SPACE)
        return false;
    if (rank == B64_PAD) {
        base64_pad(s, o);
        return false;
    }
    if (rank == B64_BAD) {
        s->bad = true;
        return false;
    }
    if (s->ended) { /* text behind padding goes on as a text of its own: so they read it who join
                       two */
        s->bad = true;
        s->ended = false;
        s->pads = 0;
    }
    s->bits = s->bits << 6 | (uint32_t)(rank - 1);
    if (++s->n < 4)
        return false;
    output_byte(o, (uint8_t)(s->bits >> 16));
    output_byte(o, (uint8_t)(s->bits >> 8));
    output_byte(o, (uint8_t)s->bits);
    s->n = 0;
    s->bits = 0;
    return true;
}

#ifdef __x86_64__

/* 32 characters at once, after W. Mula, D. Lemire, "Faster Base64 Encoding and Decoding using AVX2
 * Instructions" (2018): two look-ups by the halves of a byte say whether it belongs, a third what
 * to add to it, and two multiplications put the six bits together. Line ends between whole groups
 * are passed over; stops before anything else. */
VECTOR_AVX2 static const uint8_t *base64_avx2(const uint8_t *p, const uint8_t *end,
                                              struct output *o)
{
    const __m256i low_bits =
        _mm256_setr_epi8(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13, 0x1a,
                         0x1b, 0x1b, 0x1b, 0x1a, 0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
                         0x11, 0x11, 0x13, 0x1a, 0x1b, 0x1b, 0x1b, 0x1a);
    const __m256i high_bits =
        _mm256_setr_epi8(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10, 0x10,
                         0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08,
                         0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10);
    const __m256i add = _mm256_setr_epi8(0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0,
                                         0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m256i bytes = _mm256_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1,
                                           2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7);
    const __m256i half = _mm256_set1_epi8(0x0f), slash = _mm256_set1_epi8('/');
    while (end - p >= BLOCK && o->end - o->p >= BLOCK) {
        __m256i c = LOAD(p), high = _mm256_and_si256(_mm256_srli_epi32(c, 4), half);
        __m256i wrong = _mm256_and_si256(_mm256_shuffle_epi8(low_bits, _mm256_and_si256(c, half)),
                                         _mm256_shuffle_epi8(high_bits, high));
        uint32_t good =
            (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(wrong, _mm256_setzero_si256()));
        __m256i six = _mm256_add_epi8(
            c, _mm256_shuffle_epi8(add, _mm256_add_epi8(high, _mm256_cmpeq_epi8(c, slash))));
        __m256i pairs = _mm256_maddubs_epi16(six, _mm256_set1_epi32(0x01400140));
        __m256i groups = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000));
        groups = _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(groups, bytes), lanes);
        _mm256_storeu_si256((__m256i *)(void *)o->p, groups);
        if (good == UINT32_MAX) {
            p += BLOCK;
            o->p += BLOCK / 4 * 3;
            continue;
        }
        unsigned n = _tzcnt_u32(~good), whole = n & ~3u;
        p += whole;
        o->p += whole / 4 * 3;
        if (whole != n)
            return p;
        if (*p == '\n')
            p++;
        else if (*p == '\r' && p + 1 < end && p[1] == '\n')
            p += 2;
        else
            return p;
    }
    return p;
}

#else
#define base64_avx2(p, end, o) (p)
#endif

uint64_t mime_base64(struct span in, uint8_t *out, uint64_t max, uint32_t *anomalies)
{
    uint8_t scratch[SCRATCH];
    struct base64 s = {0};
    struct output o;
    const uint8_t *p = in.p, *end = in.n ? in.p + in.n : in.p;
    bool vector = vector_is_on();
    output_open(&o, out, max, scratch);
    while (p < end) {
        if (vector && end - p >= BLOCK)
            p = base64_avx2(p, end, &o);
        while (p < end && !(base64_char(&s, base64_rank[*p++], &o) && s.pads == 0))
            ;
    }
    s.bad = s.bad || s.n || s.pads;
    base64_flush(&s, &o);
    if (s.bad)
        *anomalies |= MIME_BAD_BASE64;
    return output_count(&o);
}

/* --- quoted-printable (RFC 2045, 6.7) --- */

/* The digit's value with HEX; 0 for others. */
enum { HEX = 16 };
static const uint8_t hex_value[256] = {
    ['0'] = HEX,      ['1'] = HEX + 1,  ['2'] = HEX + 2,  ['3'] = HEX + 3,  ['4'] = HEX + 4,
    ['5'] = HEX + 5,  ['6'] = HEX + 6,  ['7'] = HEX + 7,  ['8'] = HEX + 8,  ['9'] = HEX + 9,
    ['A'] = HEX + 10, ['B'] = HEX + 11, ['C'] = HEX + 12, ['D'] = HEX + 13, ['E'] = HEX + 14,
    ['F'] = HEX + 15, ['a'] = HEX + 10, ['b'] = HEX + 11, ['c'] = HEX + 12, ['d'] = HEX + 13,
    ['e'] = HEX + 14, ['f'] = HEX + 15,
};

static inline bool is_hex_pair(const uint8_t *p)
{
    return hex_value[p[0]] & hex_value[p[1]] & HEX;
}

static inline uint8_t hex_pair(const uint8_t *p)
{
    return (uint8_t)(hex_value[p[0]] << 4 | (hex_value[p[1]] & (HEX - 1)));
}

/* p is at a '=': what it stands for is put out; returns where it ends. */
static const uint8_t *qp_escape(const uint8_t *p, const uint8_t *end, struct output *o, bool *bad)
{
    const uint8_t *at = p + 1;
    if (end - p >= 3 && is_hex_pair(p + 1)) {
        output_byte(o, hex_pair(p + 1));
        return p + 3;
    }
    while (at < end && text_is_space(*at)) /* added on the way */
        at++;
    if (at == end)
        return at;
    if (*at == '\n')
        return at + 1;
    if (*at == '\r' && at + 1 < end && at[1] == '\n')
        return at + 2;
    *bad = true;
    output_byte(o, '=');
    return p + 1;
}

#ifdef __x86_64__

/* Copies runs; stops before a '=' that is not plain, or near an end. */
VECTOR_AVX2 static const uint8_t *qp_avx2(const uint8_t *p, const uint8_t *end, struct output *o)
{
    const __m256i equals = _mm256_set1_epi8('=');
    while (end - p >= BLOCK + 2 && o->end - o->p >= BLOCK + 1) {
        __m256i c = LOAD(p);
        uint32_t hits = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(c, equals));
        _mm256_storeu_si256((__m256i *)(void *)o->p, c);
        if (!hits) {
            p += BLOCK;
            o->p += BLOCK;
            continue;
        }
        unsigned n = _tzcnt_u32(hits);
        p += n;
        o->p += n;
        if (is_hex_pair(p + 1)) {
            *o->p++ = hex_pair(p + 1);
            p += 3;
        } else if (p[1] == '\n') {
            p += 2;
        } else {
            return p;
        }
    }
    return p;
}

#else
#define qp_avx2(p, end, o) (p)
#endif

uint64_t mime_quoted_printable(struct span in, uint8_t *out, uint64_t max, uint32_t *anomalies)
{
    uint8_t scratch[SCRATCH];
    struct output o;
    const uint8_t *p = in.p, *end = in.n ? in.p + in.n : in.p;
    bool bad = false, vector = vector_is_on();
    output_open(&o, out, max, scratch);
    while (p < end) {
        if (vector)
            p = qp_avx2(p, end, &o);
        while (p < end && *p != '=')
            output_byte(&o, *p++);
        if (p < end)
            p = qp_escape(p, end, &o, &bad);
    }
    if (bad)
        *anomalies |= MIME_BAD_QP;
    return output_count(&o);
}

/* --- uuencode (POSIX uuencode, historical encoding) --- */

/* Bytes that a line says it holds; -1 when it is none. */
static int uu_length(struct span line)
{
    if (line.n == 0 || line.p[0] < ' ' || line.p[0] > '`')
        return -1;
    return (line.p[0] - ' ') & 63;
}

/* What lacks at a line's end are spaces that were taken off. */
static unsigned uu_value(struct span line, size_t at, bool *bad)
{
    if (at >= line.n)
        return 0;
    if (line.p[at] < ' ' || line.p[at] > '`')
        *bad = true;
    return (line.p[at] - ' ') & 63u;
}

static void uu_line(struct span line, unsigned length, struct output *o, bool *bad)
{
    for (size_t at = 1; length; at += 4) {
        uint32_t bits = 0;
        for (size_t i = 0; i < 4; i++)
            bits = bits << 6 | uu_value(line, at + i, bad);
        for (int shift = 16; shift >= 0 && length; shift -= 8, length--)
            output_byte(o, (uint8_t)(bits >> shift));
    }
}

static bool uu_is_begin(struct span line)
{
    return text_starts(line, "begin ");
}

uint64_t mime_uudecode(struct span in, uint8_t *out, uint64_t max, uint32_t *anomalies)
{
    uint8_t scratch[SCRATCH];
    struct output o;
    struct cur c = cur_of(in);
    bool bad = false, ended = false;
    const uint8_t *begin = uu_is_begin(in) ? in.p
                           : in.n          ? vector_line(in.p, in.p + in.n, 'b', 'e')
                                           : NULL;
    output_open(&o, out, max, scratch);
    while (begin && !uu_is_begin(span_of(begin, (size_t)(c.end - begin))))
        begin = uu_is_begin(span_of(begin + 1, (size_t)(c.end - begin - 1)))
                    ? begin + 1
                    : vector_line(begin + 1, c.end, 'b', 'e');
    if (begin) {
        c.p = begin;
        cur_line(&c);
    }
    while (cur_left(&c) && !ended) {
        struct span line = span_trim(cur_line(&c));
        int n = uu_length(line);
        if (text_is(line, "end"))
            ended = true;
        else if (n > 0)
            uu_line(line, (unsigned)n, &o, &bad);
        else if (n < 0 && line.n)
            bad = true;
    }
    if (bad || !ended)
        *anomalies |= MIME_BAD_UU;
    return output_count(&o);
}
