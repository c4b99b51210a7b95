/* What lies between anchors: the least general class that holds all values seen, widened by one
 * step when few bytes were seen of it, lengths widened by their spread, and a dictionary where
 * values come again. doc/gauge/templates.md has the rules. */
#include <stdlib.h>

#include "mail/template_impl.h"

#define EXACT_SAMPLES   10 /* values of one length make it the field's length: so many */
#define EXACT_VALUES    5  /* different ones */
#define TRUST_DIGITS    12 /* bytes of different values that make a class of digits believed */
#define TRUST_BYTES     48 /* of another class */
#define CLOSED_SEEN_MIN 3  /* every value of a dictionary was seen so often: it is all there is */

enum kind {
    DIGIT,
    HEX_LOWER,
    LOWER,
    UPPER,
    UNDERSCORE,
    HYPHEN,
    DOT,
    OTHER,
    SPACE,
    LINE_END,
    KINDS
};
#define BIT(kind) (1u << (kind))

static const struct class
{
    const char *name, *pattern;
    uint32_t holds; /* kinds of bytes */
    uint32_t needs; /* of these, every one */
    unsigned trust; /* bytes that must have been seen */
    int wider;      /* the class that is taken otherwise */
} classes[] = {
    {"digits", "[0-9]", BIT(DIGIT), 0, TRUST_DIGITS, 5},
    {"hex", "[0-9a-f]", BIT(DIGIT) | BIT(HEX_LOWER), BIT(DIGIT) | BIT(HEX_LOWER), TRUST_BYTES, 5},
    {"lower", "[a-z]", BIT(HEX_LOWER) | BIT(LOWER), 0, TRUST_BYTES, 4},
    {"upper", "[A-Z]", BIT(UPPER), 0, TRUST_BYTES, 4},
    {"letters", "[A-Za-z]", BIT(HEX_LOWER) | BIT(LOWER) | BIT(UPPER), 0, TRUST_BYTES, 5},
    {"alnum", "[0-9A-Za-z]", BIT(DIGIT) | BIT(HEX_LOWER) | BIT(LOWER) | BIT(UPPER), 0, TRUST_BYTES,
     6},
    {"word", "[0-9A-Za-z_\\-]",
     BIT(DIGIT) | BIT(HEX_LOWER) | BIT(LOWER) | BIT(UPPER) | BIT(UNDERSCORE) | BIT(HYPHEN), 0,
     TRUST_BYTES, 8},
    {"host", "[0-9A-Za-z.\\-]",
     BIT(DIGIT) | BIT(HEX_LOWER) | BIT(LOWER) | BIT(UPPER) | BIT(HYPHEN) | BIT(DOT), 0, TRUST_BYTES,
     8},
    {"token", "\\S", BIT(SPACE) - 1, 0, 0, 8},
    {"line", "[^\\n]", BIT(LINE_END) - 1, 0, 0, 9},
    {"any", "[\\s\\S]", BIT(KINDS) - 1, 0, 0, 10},
};
#define CLASSES (sizeof classes / sizeof *classes)
enum { CLASS_DIGITS, CLASS_HOST = 7, CLASS_TOKEN };

const char *field_class_pattern(const char *class)
{
    for (size_t i = 0; i < CLASSES; i++) {
        if (strcmp(classes[i].name, class) == 0)
            return classes[i].pattern;
    }
    return "\\s"; /* "space" */
}

static enum kind kind_of(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return DIGIT;
    if (c >= 'a' && c <= 'z')
        return c <= 'f' ? HEX_LOWER : LOWER;
    if (c >= 'A' && c <= 'Z')
        return UPPER;
    if (template_is_space(c))
        return c == '\n' ? LINE_END : SPACE;
    return c == '_' ? UNDERSCORE : c == '-' ? HYPHEN : c == '.' ? DOT : OTHER;
}

/* Values sorted, so that equal ones are beside each other. */
struct count {
    struct span value;
    unsigned seen;
};

static int span_order(const void *a, const void *b)
{
    return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

static unsigned count_values(const struct span *value, unsigned n,
                             struct count out[TEMPLATE_SAMPLES_MAX])
{
    struct span sorted[TEMPLATE_SAMPLES_MAX];
    unsigned different = 0;
    memcpy(sorted, value, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, span_order);
    for (unsigned i = 0; i < n; i++) {
        if (i == 0 || !span_eq(sorted[i], sorted[i - 1]))
            out[different++] = (struct count){sorted[i], 0};
        out[different - 1].seen++;
    }
    return different;
}

static bool beyond_ascii(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] >= 0x80)
            return true;
    }
    return false;
}

/* Values that come again are a list's, and what is not seen of a list may have other bytes; random
 * strings are all different. Numbers may come again when they are short. */
static bool is_list(const struct count *c, unsigned different)
{
    unsigned seen = 0;
    for (unsigned i = 0; i < different; i++)
        seen += c[i].seen;
    return different * 10 < seen * 9;
}

static void choose_class(const struct count *c, unsigned n, bool host, struct template_item *out)
{
    uint32_t seen = 0;
    size_t bytes = 0;
    for (unsigned i = 0; i < n; i++) {
        bytes += c[i].value.n;
        for (size_t k = 0; k < c[i].value.n; k++)
            seen |= BIT(kind_of(c[i].value.p[k]));
    }
    size_t best = host ? CLASS_HOST : 0;
    while ((seen & ~classes[best].holds) || (classes[best].needs & ~seen))
        best++;
    if (bytes < classes[best].trust && best != CLASS_HOST)
        best = (size_t)classes[best].wider;
    if (best > CLASS_DIGITS && best < CLASS_TOKEN && best != CLASS_HOST && is_list(c, n))
        best = CLASS_TOKEN;
    out->class = classes[best].name;
}

/* Lengths beyond those seen: half their spread below, all of it above, more with few samples. One
 * length alone is kept when it was seen often, with different values: it is what the program makes.
 */
static void choose_lengths(const struct span *value, unsigned n, const struct count *c,
                           unsigned different, struct template_item *out)
{
    size_t least = SIZE_MAX, most = 0;
    bool wide = false;
    for (unsigned i = 0; i < different; i++) {
        least = c[i].value.n < least ? c[i].value.n : least;
        most = c[i].value.n > most ? c[i].value.n : most;
        wide = wide || beyond_ascii(c[i].value);
    }
    const char *class = out->class;
    bool free_text = strcmp(class, "line") == 0 || strcmp(class, "any") == 0;
    bool token = strcmp(class, "token") == 0 || strcmp(class, "host") == 0;
    if (least != most || n < EXACT_SAMPLES || different < EXACT_VALUES || free_text || token) {
        size_t spread = most - least, few = 1 + 8 / n;
        size_t below = (spread + 1) / 2 * few + few;
        least = least == 0 || free_text ? 0 : least > below ? least - below : 1;
        most += spread * few + few + (free_text ? most + 32 : token ? most / 2 + 4 : 2);
    }
    if (wide) /* an engine may count characters of up to four bytes */
        least = (least + 3) / 4;
    out->least = (uint32_t)least;
    out->most = most < TEMPLATE_TEXT_MAX ? (uint32_t)most : TEMPLATE_TEXT_MAX;
}

/* A dictionary is shown when its values come again. Rules rely on it when each was seen so often
 * that no more are to be expected (Good and Turing: the chance of a new one is the part of those
 * seen once). */
static void choose_dictionary(const struct count *c, unsigned different, unsigned n,
                              struct arena *arena, struct template_item *out)
{
    unsigned least_seen = n;
    if (different > TEMPLATE_DICT_MAX || different * 2 > n)
        return;
    for (unsigned i = 0; i < different; i++)
        least_seen = c[i].seen < least_seen ? c[i].seen : least_seen;
    out->dict = arena_alloc(arena, different * sizeof *out->dict);
    out->dicts = different;
    for (unsigned i = 0; i < different; i++)
        out->dict[i] = span_of(arena_copy(arena, c[i].value.p, c[i].value.n), c[i].value.n);
    out->closed = least_seen >= CLOSED_SEEN_MIN;
}

void field_of(const struct span *value, unsigned n, bool host, struct arena *arena,
              struct template_item *out)
{
    struct count count[TEMPLATE_SAMPLES_MAX];
    *out = (struct template_item){.anchor = false};
    unsigned different = count_values(value, n, count);
    choose_class(count, different, host, out);
    choose_lengths(value, n, count, different, out);
    if (strcmp(out->class, "any") != 0)
        choose_dictionary(count, different, n, arena, out);
}
