#include "wire/html_entity.h"

#include "wire/text.h"

#define LEGACY_MAX 6 /* letters of the longest name that needs no semicolon */

static const struct entity {
    const char *name;
    uint32_t code : 24, legacy : 8;
} entities[] = {
#define E(name, code) {name, code, 0},
#define L(name, code) {name, code, 1},
#include "wire/html_entities.def"
#undef E
#undef L
};

static const struct entity *entity_find(const uint8_t *p, size_t n)
{
    size_t low = 0, high = sizeof entities / sizeof *entities;
    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = strncmp((const char *)p, entities[mid].name, n);
        if (order == 0 && entities[mid].name[n] == 0)
            return &entities[mid];
        if (order <= 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

/* Numbers 0x80 to 0x9f are meant as Windows-1252 (WHATWG HTML, 13.2.5.80). */
static uint32_t number_meant(uint32_t code, bool *bad)
{
    static const uint16_t cp1252[32] = {
        0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021, 0x2c6,  0x2030, 0x160,
        0x2039, 0x152,  0x8d,   0x17d,  0x8f,   0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
        0x2013, 0x2014, 0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};
    if (code >= 0x80 && code < 0xa0)
        return cp1252[code - 0x80];
    if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
        *bad = true;
        return 0xfffd;
    }
    return code;
}

static size_t numeric(struct span s, uint32_t *code, bool *bad)
{
    size_t i = 2, start;
    bool hex = s.n > 2 && (s.p[2] | 0x20) == 'x';
    uint32_t v = 0;
    i += hex;
    start = i;
    for (; i < s.n; i++) {
        uint8_t c = s.p[i];
        uint32_t digit;
        if (c >= '0' && c <= '9')
            digit = c - '0';
        else if (hex && (c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            digit = (uint32_t)(c | 0x20) - 'a' + 10;
        else
            break;
        v = v > 0x10ffff ? v : v * (hex ? 16 : 10) + digit;
    }
    if (i == start) {
        *bad = true;
        return 0;
    }
    *code = number_meant(v, bad);
    if (i < s.n && s.p[i] == ';')
        return i + 1;
    *bad = true;
    return i;
}

static bool is_alnum(uint8_t c)
{
    return (uint8_t)((c | 0x20) - 'a') < 26 || (uint8_t)(c - '0') < 10;
}

/* The ones that are nearly all there is; 0 for others. */
static uint32_t usual(const uint8_t *name, size_t n)
{
    if (n == 4)
        return memcmp(name, "nbsp", 4) == 0 ? 0xa0 : memcmp(name, "quot", 4) == 0 ? '"' : 0;
    if (n == 3)
        return memcmp(name, "amp", 3) == 0 ? '&' : 0;
    return n == 2 && name[1] == 't' ? (name[0] == 'l' ? '<' : name[0] == 'g' ? '>' : 0) : 0;
}

static size_t named(struct span s, bool attribute, uint32_t *code, bool *bad)
{
    size_t n = 0;
    const struct entity *e;
    const uint8_t *name = s.p + 1;
    while (n < HTML_ENTITY_MAX && 1 + n < s.n && is_alnum(name[n]))
        n++;
    bool closed = n && 1 + n < s.n && name[n] == ';';
    if (closed) {
        if ((*code = usual(name, n)) || ((e = entity_find(name, n)) && (*code = e->code)))
            return n + 2;
    } else if (attribute) { /* the name is all of the letters, or none */
        e = n <= LEGACY_MAX && !(1 + n < s.n && name[n] == '=') ? entity_find(name, n) : NULL;
        if (!e || !e->legacy)
            return 0;
        *code = e->code;
        *bad = true;
        return n + 1;
    }
    for (size_t k = n < LEGACY_MAX ? n : LEGACY_MAX; k >= 2; k--) {
        e = entity_find(name, k);
        if (!e || !e->legacy)
            continue;
        if (attribute)
            return 0;
        *code = e->code;
        *bad = true;
        return k + 1;
    }
    *bad = closed && !attribute;
    return 0;
}

size_t html_entity(struct span s, bool attribute, uint32_t *code, bool *bad)
{
    *bad = false;
    if (s.n < 3)
        return 0;
    return s.p[1] == '#' ? numeric(s, code, bad) : named(s, attribute, code, bad);
}

size_t html_utf8(uint32_t code, uint8_t *out)
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (uint8_t)(0xc0 | code >> 6);
        out[1] = (uint8_t)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (uint8_t)(0xe0 | code >> 12);
        out[1] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | code >> 18);
    out[1] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (code & 0x3f));
    return 4;
}
