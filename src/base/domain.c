#include "base/domain.h"

/* Two tables in one: 0 for what no host name has, else the character in lower case. */
static const uint8_t host_char[256] = {
    ['-'] = '-',      ['_'] = '_',      ['0'] = '0',      ['1'] = '1',      ['2'] = '2',
    ['3'] = '3',      ['4'] = '4',      ['5'] = '5',      ['6'] = '6',      ['7'] = '7',
    ['8'] = '8',      ['9'] = '9',
#define LETTER(upper, lower) [upper] = lower, [lower] = lower
    LETTER('A', 'a'), LETTER('B', 'b'), LETTER('C', 'c'), LETTER('D', 'd'), LETTER('E', 'e'),
    LETTER('F', 'f'), LETTER('G', 'g'), LETTER('H', 'h'), LETTER('I', 'i'), LETTER('J', 'j'),
    LETTER('K', 'k'), LETTER('L', 'l'), LETTER('M', 'm'), LETTER('N', 'n'), LETTER('O', 'o'),
    LETTER('P', 'p'), LETTER('Q', 'q'), LETTER('R', 'r'), LETTER('S', 's'), LETTER('T', 't'),
    LETTER('U', 'u'), LETTER('V', 'v'), LETTER('W', 'w'), LETTER('X', 'x'), LETTER('Y', 'y'),
    LETTER('Z', 'z'),
#undef LETTER
};

/* A last label of digits alone makes it an address, or none (RFC 3696, 2). */
static bool is_number(const uint8_t *label, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (label[i] < '0' || label[i] > '9')
            return false;
    return true;
}

size_t domain_wire(struct span text, uint8_t out[DOMAIN_WIRE_MAX])
{
    if (text.n && text.p[text.n - 1] == '.')
        text.n--;
    if (text.n == 0 || text.n > DOMAIN_TEXT_MAX)
        return 0;
    size_t label = 0; /* where its length byte is */
    for (size_t i = 0; i <= text.n; i++) {
        if (i < text.n && text.p[i] != '.') {
            out[i + 1] = host_char[text.p[i]];
            if (!out[i + 1])
                return 0;
            continue;
        }
        size_t n = i - label;
        if (n == 0 || n > 63 || (i == text.n && is_number(text.p + label, n)))
            return 0;
        out[label] = (uint8_t)n;
        label = i + 1;
    }
    out[label] = 0;
    return label + 1;
}

size_t domain_text(struct span text, uint8_t out[DOMAIN_TEXT_MAX])
{
    uint8_t wire[DOMAIN_WIRE_MAX];
    size_t n = domain_wire(text, wire);
    if (!n)
        return 0;
    memcpy(out, wire + 1, n - 2);
    for (size_t at = wire[0] + 1u; at + 1 < n; at += wire[at] + 1u)
        out[at - 1] = '.';
    return n - 2;
}
