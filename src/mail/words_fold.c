/* Folding of characters beyond ASCII, by ICU once per character: compatibility forms and case (NFKC
 * case folding), letters that look alike (UTS 39 skeletons), marks off. */
#include "mail/words_impl.h"

#include <unicode/uchar.h>
#include <unicode/udata.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/uspoof.h>
#include <unicode/ustring.h>

#include "base/mem.h"

#define FOLD_PAGE  256
#define FOLD_PAGES (0x110000 / FOLD_PAGE)
#define FOLD_UNITS 64 /* UTF-16 units of a folding on its way */

struct folds {
    USpoofChecker *spoof;
    const UNormalizer2 *nfkc_cf, *nfd;
    struct fold *page[FOLD_PAGES];
};

struct folds *folds_open(void)
{
    UErrorCode bad = U_ZERO_ERROR;
    struct folds *f = mem_zeroed(1, sizeof *f);
    udata_setFileAccess(UDATA_NO_FILES, &bad); /* its tables are in the library */
    f->spoof = uspoof_open(&bad);
    f->nfkc_cf = unorm2_getNFKCCasefoldInstance(&bad);
    f->nfd = unorm2_getNFDInstance(&bad);
    if (U_FAILURE(bad)) {
        folds_close(f);
        return NULL;
    }
    return f;
}

void folds_close(struct folds *f)
{
    if (!f)
        return;
    for (unsigned i = 0; i < FOLD_PAGES; i++)
        free(f->page[i]);
    if (f->spoof)
        uspoof_close(f->spoof);
    free(f);
}

static bool is_chain(uint32_t cp)
{
    UErrorCode bad = U_ZERO_ERROR;
    switch (uscript_getScript((UChar32)cp, &bad)) {
    case USCRIPT_HAN:
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
    case USCRIPT_BOPOMOFO:
    case USCRIPT_THAI:
    case USCRIPT_LAO:
    case USCRIPT_KHMER:
    case USCRIPT_MYANMAR:
    case USCRIPT_TIBETAN:
        return true;
    default:
        return cp == 0x30fc; /* lengthens a vowel: of both kana */
    }
}

static enum fold_class class_of(uint32_t cp)
{
    if (cp == 0x2019 || cp == 0x2018 || cp == 0x02bc || cp == 0xb4)
        return FOLD_APOSTROPHE;
    if (u_hasBinaryProperty((UChar32)cp, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) || cp == 0x200b)
        return FOLD_DROP;
    uint32_t mask = U_GET_GC_MASK((UChar32)cp);
    if (mask & U_GC_Z_MASK || cp == 0x85)
        return FOLD_SPACE;
    if (mask & (U_GC_L_MASK | U_GC_NL_MASK | U_GC_M_MASK))
        return is_chain(cp) ? FOLD_CHAIN : FOLD_LETTER;
    return mask & U_GC_ND_MASK ? FOLD_DIGIT : FOLD_SEPARATOR;
}

/* The skeleton when it is one ASCII letter, in small; else 0. */
static uint8_t ascii_skeleton(const struct folds *f, UChar32 cp)
{
    UErrorCode bad = U_ZERO_ERROR;
    UChar in[2], out[FOLD_UNITS];
    int32_t n = 0;
    U16_APPEND_UNSAFE(in, n, cp);
    n = uspoof_getSkeleton(f->spoof, 0, in, n, out, FOLD_UNITS, &bad);
    if (U_FAILURE(bad) || n < 1 || (n > 1 && !(u_charType(out[1]) == U_NON_SPACING_MARK && n == 2)))
        return 0;
    uint8_t c = out[0] < 0x80 ? (uint8_t)(out[0] | 0x20) : 0;
    return (uint8_t)(c - 'a') < 26 ? c : 0;
}

/* The ASCII letter that a letter looks like, 0: none. What a small and a capital letter look like
 * may differ; both are tried, so that case matters as little as it can. A capital I is no l. */
static uint8_t look_alike(const struct folds *f, UChar32 cp)
{
    UChar32 small = u_tolower(cp), capital = u_toupper(cp);
    UChar32 first = cp == small ? small : capital, second = cp == small ? capital : small;
    uint8_t c = ascii_skeleton(f, first);
    if (c == 'l' && first == capital && capital != small)
        c = 0;
    return c ? c : ascii_skeleton(f, second);
}

/* One character of the folded form: itself or what it looks like. */
static void put_char(const struct folds *f, UChar32 cp, struct fold *out, bool *changed)
{
    uint8_t text[4];
    int32_t n = 0;
    uint8_t like = cp < 0x80 || out->class == FOLD_CHAIN ? 0 : look_alike(f, cp);
    *changed |= like != 0;
    if (like)
        cp = like;
    U8_APPEND_UNSAFE(text, n, cp);
    if (out->n + n > FOLD_TEXT_MAX)
        return;
    memcpy(out->text + out->n, text, (size_t)n);
    out->n = (uint8_t)(out->n + n);
}

static bool is_ascii(const struct fold *t)
{
    for (unsigned i = 0; i < t->n; i++)
        if (t->text[i] >= 0x80)
            return false;
    return t->n > 0;
}

static void fold_letter(const struct folds *f, uint32_t cp, struct fold *out)
{
    UErrorCode bad = U_ZERO_ERROR;
    UChar in[2], folded[FOLD_UNITS], apart[FOLD_UNITS];
    int32_t n = 0;
    bool marks = false, changed = false;
    U16_APPEND_UNSAFE(in, n, cp);
    n = unorm2_normalize(f->nfkc_cf, in, n, folded, FOLD_UNITS, &bad);
    int32_t m = unorm2_normalize(f->nfd, folded, n, apart, FOLD_UNITS, &bad);
    if (U_FAILURE(bad))
        return; /* nothing but very long forms */
    for (int32_t i = 0; i < m;) {
        UChar32 c;
        U16_NEXT(apart, i, m, c);
        UErrorCode ignored = U_ZERO_ERROR;
        if (out->class == FOLD_LETTER && u_charType(c) == U_NON_SPACING_MARK &&
            uscript_getScript(c, &ignored) == USCRIPT_INHERITED)
            marks = true;
        else if (u_isalnum(c) || u_charType(c) == U_NON_SPACING_MARK ||
                 u_charType(c) == U_COMBINING_SPACING_MARK || c == 0x30fc)
            put_char(f, c, out, &changed);
    }
    if (!out->n) {
        out->class = marks ? FOLD_DROP : FOLD_SEPARATOR;
        out->flags = FOLD_ACCENT;
    }
    if (!is_ascii(out))
        return;
    UErrorCode ignored = U_ZERO_ERROR;
    bool latin = uscript_getScript((UChar32)cp, &ignored) == USCRIPT_LATIN && cp < 0x2c80;
    out->flags = latin && !changed ? (marks ? FOLD_ACCENT : 0) : FOLD_CONFUSED;
}

static void fold_make(const struct folds *f, uint32_t cp, struct fold *out)
{
    *out = (struct fold){.class = class_of(cp)};
    if (out->class == FOLD_DIGIT) {
        out->text[0] = (uint8_t)('0' + u_charDigitValue((UChar32)cp));
        out->n = 1;
    } else if (out->class == FOLD_LETTER || out->class == FOLD_CHAIN) {
        fold_letter(f, cp, out);
    } else if (out->class == FOLD_SEPARATOR && u_isalpha((UChar32)cp)) {
        out->class = FOLD_LETTER; /* circled letters and the like */
        fold_letter(f, cp, out);
    }
}

const struct fold *folds_get(struct folds *f, uint32_t cp)
{
    struct fold **page = &f->page[cp / FOLD_PAGE];
    if (!*page) {
        *page = mem_zeroed(FOLD_PAGE, sizeof **page);
        for (uint32_t i = 0; i < FOLD_PAGE; i++)
            fold_make(f, cp / FOLD_PAGE * FOLD_PAGE + i, *page + i);
    }
    return *page + cp % FOLD_PAGE;
}

unsigned utf8_next(const uint8_t *p, size_t n, uint32_t *cp)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned want = *p < 0x80   ? 1
                    : *p < 0xc2 ? 0
                    : *p < 0xe0 ? 2
                    : *p < 0xf0 ? 3
                    : *p < 0xf5 ? 4
                                : 0;
    *cp = 0xfffd;
    if (want == 1) {
        *cp = *p;
        return 1;
    }
    if (want == 0 || n < want)
        return 1;
    uint32_t v = *p & (0x7fu >> want);
    for (unsigned i = 1; i < want; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 1;
        v = v << 6 | (p[i] & 0x3f);
    }
    if (v < least[want] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
        return 1;
    *cp = v;
    return want;
}
