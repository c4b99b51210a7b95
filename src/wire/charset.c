#include "wire/charset.h"

#include <endian.h>
#include <stdlib.h>
#include <unicode/ucnv.h>
#include <unicode/udata.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "wire/mime_vector.h"
#include "wire/text.h"

enum {
    CONVERTERS_MAX = 256, /* ICU has fewer */
    LABELS = 512,         /* slots; a power of two */
    PIVOT = 1024,         /* UTF-16 units converted at once */
    SLACK = 16,           /* behind what is converted, for whole vectors */
    UTF8_BYTES_MAX = 3,   /* of a UTF-16 unit, and of what one byte becomes */
};

enum kind { KIND_UTF8, KIND_ASCII, KIND_TABLE, KIND_ICU };

/* What of ASCII is not itself in a charset. */
enum escape { ESCAPE_NONE, ESCAPE_ISO2022, ESCAPE_TILDE, ESCAPE_PLUS, ESCAPE_ALL };

struct converter {
    enum kind kind;
    enum escape escape;
    UConverter *icu;
    char *name;
    /* Of KIND_TABLE: each byte in UTF-8, up to three, and in the fourth byte how many. */
    uint8_t table[256][4];
    bool lacks[256]; /* bytes that it does not have */
};

struct label {
    char key[CHARSET_NAME_MAX];
    uint8_t n;
    struct converter *converter;
};

struct charset_set {
    struct converter *converter[CONVERTERS_MAX];
    unsigned n;
    struct converter *utf8, *ascii, *cp1252;
    struct label label[LABELS];
    /* The last label and what it was: mails mostly have one. */
    struct converter *last;
    uint8_t last_n;
    char last_label[CHARSET_NAME_MAX];
};

#define SHIFT_JIS "ibm-943_P15A-2003"

/* --- labels --- */

/* What the labels mean that ICU takes for something else, or does not know. Keys are letters and
 * digits only, small. The right side is ICU's name. */
static const struct {
    const char *key, *name;
} whatwg[] = {
    {"iso88591", "windows-1252"},
    {"latin1", "windows-1252"},
    {"l1", "windows-1252"},
    {"iso885911987", "windows-1252"},
    {"isoir100", "windows-1252"},
    {"cp819", "windows-1252"},
    {"ibm819", "windows-1252"},
    {"cp1252", "windows-1252"},
    {"xcp1252", "windows-1252"},
    {"windows1252", "windows-1252"},
    {"win1252", "windows-1252"},
    {"ansi", "windows-1252"},
    {"iso88599", "windows-1254"},
    {"latin5", "windows-1254"},
    {"l5", "windows-1254"},
    {"iso885911", "windows-874"},
    {"tis620", "windows-874"},
    {"dos874", "windows-874"},
    {"iso88598i", "iso-8859-8"},
    {"iso88598e", "iso-8859-8"},
    {"logical", "iso-8859-8"},
    {"iso88596i", "iso-8859-6"},
    {"iso88596e", "iso-8859-6"},
    {"visual", "iso-8859-8"},
    {"gb2312", "gb18030"},
    {"gb231280", "gb18030"},
    {"csgb2312", "gb18030"},
    {"gbk", "gb18030"},
    {"xgbk", "gb18030"},
    {"chinese", "gb18030"},
    {"euccn", "gb18030"},
    {"cp936", "gb18030"},
    {"ms936", "gb18030"},
    {"windows936", "gb18030"},
    {"csiso58gb231280", "gb18030"},
    {"big5", "windows-950"},
    {"xxbig5", "windows-950"},
    {"cnbig5", "windows-950"},
    {"csbig5", "windows-950"},
    {"big5hkscs", "Big5-HKSCS"},
    {"euckr", "windows-949"},
    {"korean", "windows-949"},
    {"ksc5601", "windows-949"},
    {"ksc56011987", "windows-949"},
    {"ksc56011989", "windows-949"},
    {"cseuckr", "windows-949"},
    {"isoir149", "windows-949"},
    {"windows949", "windows-949"},
    {"cp949", "windows-949"},
    {"uhc", "windows-949"},
    {"shiftjis", SHIFT_JIS},
    {"sjis", SHIFT_JIS},
    {"xsjis", SHIFT_JIS},
    {"mskanji", SHIFT_JIS},
    {"windows31j", SHIFT_JIS},
    {"csshiftjis", SHIFT_JIS},
    {"cp932", SHIFT_JIS},
    {"eucjp", "euc-jp"},
    {"xeucjp", "euc-jp"},
    {"iso2022jp", "ISO-2022-JP-2"},
    {"unicode11utf7", "utf-7"},
    {"unicode20utf7", "utf-7"},
    {"utf7", "utf-7"},
    {"utf16", "utf-16"},
    {"unicode", "utf-16"},
    {"ucs2", "utf-16"},
    {"dos866", "ibm-866"},
    {"866", "ibm-866"},
    {"xmaccyrillic", "x-mac-cyrillic"},
    {"macintosh", "macintosh"},
    {"xmacroman", "macintosh"},
    {"koi8", "koi8-r"},
    {"koi", "koi8-r"},
    {"win1251", "windows-1251"},
    {"xcp1251", "windows-1251"},
    {"xcp1250", "windows-1250"},
    {"win1250", "windows-1250"},
};

/* "ISO_8859-1" -> "iso88591": letters and digits are what counts, as in UTS 22. An RFC 2231
 * language behind '*' is cut off. 0 when nothing is left, or too much. */
static size_t label_key(struct span label, char key[CHARSET_NAME_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < label.n && label.p[i] != '*'; i++) {
        uint8_t c = text_lower(label.p[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')))
            continue;
        if (n == CHARSET_NAME_MAX - 1)
            return 0;
        key[n++] = (char)c;
    }
    key[n] = 0;
    return n;
}

/* --- opening --- */

static enum escape icu_escape(UConverter *icu)
{
    switch (ucnv_getType(icu)) {
    case UCNV_SBCS:
    case UCNV_DBCS:
    case UCNV_MBCS:
    case UCNV_LATIN_1:
    case UCNV_UTF8:
    case UCNV_US_ASCII:
    case UCNV_CESU8:
        return ESCAPE_NONE;
    case UCNV_ISO_2022:
        return ESCAPE_ISO2022;
    case UCNV_HZ:
        return ESCAPE_TILDE;
    case UCNV_UTF7:
        return ESCAPE_PLUS;
    default:
        return ESCAPE_ALL;
    }
}

/* One byte as UTF-16; U+FFFD when it is none alone. */
static uint16_t icu_byte(UConverter *icu, uint8_t byte)
{
    UErrorCode rc = U_ZERO_ERROR;
    UChar unit[4] = {0};
    ucnv_reset(icu);
    int32_t n = ucnv_toUChars(icu, unit, 4, (const char *)&byte, 1, &rc);
    return U_SUCCESS(rc) && n == 1 ? (uint16_t)unit[0] : 0xfffd;
}

/* Letters, digits and signs of ASCII are themselves: not so in EBCDIC. Few charsets have them all.
 */
static bool icu_is_ascii(UConverter *icu)
{
    for (uint8_t c = ' '; c < 0x7f; c++) {
        if (c != '\\' && c != '~' && icu_byte(icu, c) != c)
            return false;
    }
    return true;
}

static uint8_t *put_unit(uint8_t *o, uint32_t c)
{
    if (c < 0x80) {
        *o++ = (uint8_t)c;
    } else if (c < 0x800) {
        *o++ = (uint8_t)(0xc0 | c >> 6);
        *o++ = (uint8_t)(0x80 | (c & 63));
    } else {
        *o++ = (uint8_t)(0xe0 | c >> 12);
        *o++ = (uint8_t)(0x80 | (c >> 6 & 63));
        *o++ = (uint8_t)(0x80 | (c & 63));
    }
    return o;
}

static void table_fill(struct converter *c)
{
    for (unsigned i = 0; i < 256; i++) {
        bool ascii = i < 0x80 && c->escape == ESCAPE_NONE;
        uint16_t unit = ascii ? (uint16_t)i : icu_byte(c->icu, (uint8_t)i);
        if (unit == 0xfffd && i >= 0x80 && i < 0xa0)
            unit = (uint16_t)i; /* WHATWG: a control character */
        c->lacks[i] = unit == 0xfffd;
        c->table[i][3] = (uint8_t)(put_unit(c->table[i], unit) - c->table[i]);
    }
}

/* The converter of ICU's canonical name; NULL when it does not open. */
static struct converter *converter_open(struct charset_set *s, const char *name)
{
    UErrorCode rc = U_ZERO_ERROR;
    for (unsigned i = 0; i < s->n; i++)
        if (strcmp(s->converter[i]->name, name) == 0)
            return s->converter[i];
    UConverter *icu = s->n < CONVERTERS_MAX ? ucnv_open(name, &rc) : NULL;
    if (!icu || U_FAILURE(rc))
        return NULL;
    struct converter *c = calloc(1, sizeof *c);
    if (!c || !(c->name = strdup(name)))
        abort();
    c->icu = icu;
    c->escape = icu_escape(icu);
    if (c->escape == ESCAPE_NONE && !icu_is_ascii(icu))
        c->escape = ESCAPE_ALL;
    UConverterType type = ucnv_getType(icu);
    c->kind = type == UCNV_UTF8       ? KIND_UTF8
              : type == UCNV_US_ASCII ? KIND_ASCII
              : ucnv_getMaxCharSize(icu) == 1 && (type == UCNV_SBCS || type == UCNV_LATIN_1)
                  ? KIND_TABLE
                  : KIND_ICU;
    if (c->kind == KIND_TABLE)
        table_fill(c);
    s->converter[s->n++] = c;
    return c;
}

static struct converter *converter_named(struct charset_set *s, const char *name)
{
    UErrorCode rc = U_ZERO_ERROR;
    const char *canonical = ucnv_getAlias(name, 0, &rc);
    return canonical && U_SUCCESS(rc) ? converter_open(s, canonical) : NULL;
}

static struct converter *key_open(struct charset_set *s, const char *key)
{
    for (size_t i = 0; i < sizeof whatwg / sizeof *whatwg; i++)
        if (strcmp(whatwg[i].key, key) == 0)
            return converter_named(s, whatwg[i].name);
    return converter_named(s, key);
}

struct charset_set *charset_open(void)
{
    UErrorCode rc = U_ZERO_ERROR;
    struct charset_set *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    udata_setFileAccess(UDATA_NO_FILES, &rc);
    s->utf8 = converter_named(s, "utf-8");
    s->ascii = converter_named(s, "us-ascii");
    s->cp1252 = converter_named(s, "windows-1252");
    if (!s->utf8 || !s->ascii || !s->cp1252)
        abort(); /* ICU without its data */
    return s;
}

void charset_close(struct charset_set *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < s->n; i++) {
        ucnv_close(s->converter[i]->icu);
        free(s->converter[i]->name);
        free(s->converter[i]);
    }
    free(s);
}

/* --- which --- */

static uint32_t key_hash(const char *key, size_t n)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < n; i++)
        h = (h ^ (uint8_t)key[i]) * 16777619u;
    return h ^ h >> 16;
}

/* Known labels are remembered, one a slot; NULL when it is unknown. */
static struct converter *label_look(struct charset_set *s, struct span label)
{
    char key[CHARSET_NAME_MAX];
    size_t n = label_key(label, key);
    if (n == 0)
        return NULL;
    struct label *slot = &s->label[key_hash(key, n) & (LABELS - 1)];
    if (slot->n == n && memcmp(slot->key, key, n) == 0)
        return slot->converter;
    struct converter *c = key_open(s, key);
    if (c) {
        memcpy(slot->key, key, n);
        slot->n = (uint8_t)n;
        slot->converter = c;
    }
    return c;
}

static struct converter *converter_of(struct charset_set *s, struct span label)
{
    if (label.n && label.n == s->last_n && memcmp(label.p, s->last_label, label.n) == 0)
        return s->last;
    struct converter *c = label_look(s, label);
    if (c && label.n <= CHARSET_NAME_MAX) {
        memcpy(s->last_label, label.p, label.n);
        s->last_n = (uint8_t)label.n;
        s->last = c;
    }
    return c;
}

/* --- UTF-8 --- */

/* Length of the sequence at p, 0 when it is malformed; *bad: how many bytes are wrong together,
 * what the Unicode standard (3.9, U+FFFD substitution of maximal subparts) replaces by one U+FFFD.
 */
static size_t sequence(const uint8_t *p, size_t left, size_t *bad)
{
    uint8_t c = p[0], low = 0x80, high = 0xbf;
    size_t n = c < 0x80                 ? 1
               : c >= 0xc2 && c <= 0xdf ? 2
               : c >= 0xe0 && c <= 0xef ? 3
               : c >= 0xf0 && c <= 0xf4 ? 4
                                        : 0;
    *bad = 1;
    if (n < 2)
        return n;
    if (c == 0xe0)
        low = 0xa0;
    if (c == 0xed)
        high = 0x9f;
    if (c == 0xf0)
        low = 0x90;
    if (c == 0xf4)
        high = 0x8f;
    for (size_t i = 1; i < n; i++, low = 0x80, high = 0xbf) {
        *bad = i;
        if (i >= left || p[i] < low || p[i] > high)
            return 0;
    }
    return n;
}

/* Bytes at the start that are well-formed. */
static size_t utf8_good(struct span s)
{
    size_t at = vector_ascii(s), bad;
    while (at < s.n) {
        size_t n = sequence(s.p + at, s.n - at, &bad);
        if (n == 0)
            return at;
        at += n;
        if (at < s.n && s.p[at] < 0x80)
            at += vector_ascii(text_behind(s, at));
    }
    return at;
}

bool charset_is_utf8(struct span s)
{
    return utf8_good(s) == s.n;
}

/* `in` with what is malformed replaced. */
static void utf8_mend(struct span in, struct arena *arena, struct span *out)
{
    uint8_t *start = arena_alloc(arena, in.n * UTF8_BYTES_MAX), *o = start;
    while (in.n) {
        size_t good = utf8_good(in), bad = 0;
        memcpy(o, in.p, good);
        o += good;
        in = text_behind(in, good);
        if (in.n == 0)
            break;
        sequence(in.p, in.n, &bad);
        o = put_unit(o, 0xfffd);
        in = text_behind(in, bad);
    }
    *out = span_of(start, (size_t)(o - start));
}

/* --- converting --- */

/* Bytes of ASCII are copied eight at a time, others by the table: four bytes are written, of which
 * the table says how many count. */
static int from_table(const struct converter *c, struct span in, struct arena *arena,
                      struct span *out)
{
    bool plain = c->escape == ESCAPE_NONE, lacks = false;
    size_t at = plain ? vector_ascii(in) : 0;
    if (at == in.n)
        return 0;
    uint8_t *start = arena_alloc(arena, at + (in.n - at) * UTF8_BYTES_MAX + SLACK), *o = start;
    memcpy(o, in.p, at);
    o += at;
    while (at < in.n) {
        uint64_t eight;
#ifdef __SSE2__
        for (; plain && in.n - at >= 16; at += 16, o += 16) { /* lines of ASCII alone */
            __m128i piece = _mm_loadu_si128((const __m128i *)(const void *)(in.p + at));
            if (_mm_movemask_epi8(piece))
                break;
            _mm_storeu_si128((__m128i *)(void *)o, piece);
        }
        if (at == in.n)
            break;
#endif
        if (plain && in.n - at >= 8) {
            memcpy(&eight, in.p + at, 8);
            memcpy(o, &eight, 8);
            eight = le64toh(eight) & 0x8080808080808080u;
            unsigned ascii = eight ? (unsigned)__builtin_ctzll(eight) / 8 : 8;
            o += ascii;
            at += ascii;
            if (!eight)
                continue;
        }
        do {
            const uint8_t *entry = c->table[in.p[at]];
            lacks |= c->lacks[in.p[at++]];
            memcpy(o, entry, 4);
            o += entry[3];
        } while (at < in.n && in.p[at] >= 0x80);
    }
    *out = span_of(start, (size_t)(o - start));
    return lacks ? 2 : 0;
}

/* UTF-16 units to UTF-8; *high is a lead surrogate that awaits its other half. */
static uint8_t *put_units(uint8_t *o, const UChar *unit, size_t n, uint32_t *high, bool *replaced)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t c = unit[i];
        if (*high && c >= 0xdc00 && c <= 0xdfff) {
            c = 0x10000 + ((*high - 0xd800) << 10) + (c - 0xdc00);
            *o++ = (uint8_t)(0xf0 | c >> 18);
            *o++ = (uint8_t)(0x80 | (c >> 12 & 63));
            *o++ = (uint8_t)(0x80 | (c >> 6 & 63));
            *o++ = (uint8_t)(0x80 | (c & 63));
            *high = 0;
            continue;
        }
        if (*high)
            o = put_unit(o, 0xfffd);
        *high = 0;
        if (c >= 0xd800 && c <= 0xdbff) {
            *high = c;
            continue;
        }
        if (c >= 0xdc00 && c <= 0xdfff)
            c = 0xfffd;
        *replaced = *replaced || c == 0xfffd;
        o = put_unit(o, c);
    }
    return o;
}

static int from_icu(struct converter *c, struct span in, struct arena *arena, struct span *out)
{
    const char *p = (const char *)in.p, *end = p + in.n;
    uint8_t *start = NULL, *o = NULL;
    size_t used = 0, cap = 0;
    uint32_t high = 0;
    bool replaced = false;
    UErrorCode rc;
    ucnv_reset(c->icu);
    do {
        UChar unit[PIVOT], *u = unit;
        rc = U_ZERO_ERROR;
        ucnv_toUnicode(c->icu, &u, unit + PIVOT, &p, end, NULL, true, &rc);
        size_t n = (size_t)(u - unit), need = (n + 1) * UTF8_BYTES_MAX;
        if (cap - used < need) { /* seldom: a byte is a unit at most in nearly all charsets */
            cap = (cap ? cap * 2 : in.n * 2) + need + 64;
            uint8_t *more = arena_alloc(arena, cap);
            if (used)
                memcpy(more, start, used);
            start = more;
        }
        o = put_units(start + used, unit, n, &high, &replaced);
        used = (size_t)(o - start);
    } while (rc == U_BUFFER_OVERFLOW_ERROR);
    if (high) {
        used = (size_t)(put_unit(o, 0xfffd) - start);
        replaced = true;
    }
    *out = span_of(start, used);
    return replaced || U_FAILURE(rc) ? 2 : 0;
}

/* ASCII bytes alone that mean themselves. */
static bool is_itself(enum escape e, struct span in)
{
    if (e == ESCAPE_ALL || vector_ascii(in) < in.n)
        return false;
    if (e == ESCAPE_ISO2022)
        return !memchr(in.p, 0x1b, in.n) && !memchr(in.p, 0x0e, in.n);
    return e == ESCAPE_NONE || !memchr(in.p, e == ESCAPE_TILDE ? '~' : '+', in.n);
}

/* Without a charset that is known. 0; 2 when it is not UTF-8. */
static int guess(struct charset_set *s, struct span in, struct arena *arena, struct span *out)
{
    if (charset_is_utf8(in))
        return 0;
    from_table(s->cp1252, in, arena, out);
    return 2;
}

/* Japanese spam says ISO-2022-JP, which has seven bits, and is in Shift_JIS. */
static bool is_shift_jis(const struct converter *c, struct span in)
{
    return c->escape == ESCAPE_ISO2022 && strstr(c->name, "ja") && vector_ascii(in) < in.n &&
           !memchr(in.p, 0x1b, in.n);
}

int charset_to_utf8(struct charset_set *s, struct span label, struct span in, struct arena *arena,
                    struct span *out)
{
    struct converter *c = converter_of(s, label);
    *out = in;
    if (in.n == 0)
        return c || label.n == 0 ? 0 : 1;
    if (!c) {
        guess(s, in, arena, out);
        return label.n ? 1 : 0;
    }
    switch (c->kind) {
    case KIND_UTF8:
        if (charset_is_utf8(in))
            return 0;
        utf8_mend(in, arena, out);
        return 2;
    case KIND_ASCII:
        return vector_ascii(in) == in.n ? 0 : (guess(s, in, arena, out), 2);
    case KIND_TABLE:
        return from_table(c, in, arena, out);
    case KIND_ICU:
        if (is_itself(c->escape, in))
            return 0;
        if (is_shift_jis(c, in) && (c = converter_named(s, SHIFT_JIS)))
            return from_icu(c, in, arena, out), 2;
        return from_icu(c, in, arena, out);
    }
    return 0;
}
