/* Values made alike. */
#include <idn2.h>
#include <stdlib.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "base/domain.h"
#include "base/ip.h"
#include "base/mem.h"
#include "state/subjects.h"

#define HOST_MAX 1024 /* bytes of a host name that libidn2 is asked about */
#define IBAN_MIN 15
#define IBAN_MAX 34

static bool is_blank(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(uint8_t c)
{
    return (uint8_t)(c - '0') < 10;
}

static bool is_letter(uint8_t c)
{
    return (uint8_t)((c | 0x20) - 'a') < 26;
}

static uint8_t lower(uint8_t c)
{
    return (uint8_t)(c - 'A') < 26 ? c | 0x20 : c;
}

static uint8_t upper(uint8_t c)
{
    return (uint8_t)(c - 'a') < 26 ? c & ~0x20 : c;
}

/* NFKC case folding by ICU, which also drops what is not seen (zero widths, direction marks). False
 * when it is no UTF-8. */
static bool fold_unicode(struct span s, struct buf *out)
{
    UErrorCode bad = U_ZERO_ERROR;
    const UNormalizer2 *folder = unorm2_getNFKCCasefoldInstance(&bad);
    int32_t units = 0, folded = 0, bytes = 0;
    if (U_FAILURE(bad) || s.n > SUBJECT_TEXT_MAX)
        return false;
    UChar *wide = mem_zeroed(s.n + 1, sizeof *wide);
    u_strFromUTF8(wide, (int32_t)s.n + 1, &units, (const char *)s.p, (int32_t)s.n, &bad);
    size_t room = (size_t)units * 18 + 1; /* U+FDFA, the longest, has 18 */
    UChar *narrow = mem_zeroed(room, sizeof *narrow);
    if (U_SUCCESS(bad))
        folded = unorm2_normalize(folder, wide, units, narrow, (int32_t)room, &bad);
    if (U_SUCCESS(bad)) {
        char *text = (char *)buf_reserve(out, (size_t)folded * 3 + 1);
        u_strToUTF8(text, folded * 3 + 1, &bytes, narrow, folded, &bad);
        out->n += U_SUCCESS(bad) ? (size_t)bytes : 0;
    }
    free(wide);
    free(narrow);
    return U_SUCCESS(bad);
}

static void fold(struct span s, struct buf *out)
{
    if (!span_is_plain(s) && fold_unicode(s, out))
        return;
    uint8_t *to = buf_reserve(out, s.n);
    for (size_t i = 0; i < s.n; i++)
        to[i] = lower(s.p[i]);
    out->n += s.n;
}

/* One blank for several, none at the ends. */
static void put_trimmed(struct span s, struct buf *out)
{
    bool blank = false, any = false;
    for (size_t i = 0; i < s.n; i++) {
        if (is_blank(s.p[i])) {
            blank = any;
            continue;
        }
        if (blank)
            buf_byte(out, ' ');
        buf_byte(out, s.p[i]);
        blank = false;
        any = true;
    }
}

/* False, and nothing appended, when it is no host name. */
static bool put_host(struct span s, struct buf *out)
{
    char text[HOST_MAX + 1];
    uint8_t name[DOMAIN_TEXT_MAX];
    char *ascii = NULL;
    if (!s.n || s.n > HOST_MAX)
        return false;
    if (!span_is_plain(s)) {
        memcpy(text, s.p, s.n);
        text[s.n] = 0;
        if (strlen(text) != s.n ||
            idn2_to_ascii_8z(text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
            return false;
        s = span_str(ascii);
    }
    size_t n = domain_text(s, name);
    buf_put(out, name, n);
    idn2_free(ascii);
    return n != 0;
}

static bool put_mail(struct span s, struct buf *out)
{
    size_t at = s.n, before = out->n;
    while (at && s.p[at - 1] != '@')
        at--;
    if (at < 2)
        return false;
    buf_put(out, s.p, at);
    if (put_host(span_of(s.p + at, s.n - at), out))
        return true;
    out->n = before;
    return false;
}

static bool put_address(struct span s, struct buf *out)
{
    char text[NET_TEXT_MAX];
    struct ip ip;
    struct net net;
    if (ip_parse(s, &ip))
        buf_put(out, text, ip_format(&ip, text));
    else if (net_parse(s, &net))
        buf_put(out, text, net_format(&net, text));
    else
        return false;
    return true;
}

/* Digits with the signs that people set between them; anything else is no phone number. */
static bool put_phone(struct span s, struct buf *out)
{
    size_t before = out->n;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        if (is_digit(c) || (c == '+' && out->n == before))
            buf_byte(out, c);
        else if (!is_blank(c) && !memchr("-()./", c, 5)) {
            out->n = before;
            return false;
        }
    }
    if (out->n - before > 2 && memcmp(out->p + before, "00", 2) == 0) {
        out->p[before] = '+';
        memmove(out->p + before + 1, out->p + before + 2, out->n - before - 2);
        out->n--;
    }
    return out->n > before;
}

/* ISO 13616: two letters, two check digits, letters and digits. */
static bool is_iban(struct span s)
{
    bool good = s.n >= IBAN_MIN && s.n <= IBAN_MAX && is_letter(s.p[0]) && is_letter(s.p[1]) &&
                is_digit(s.p[2]) && is_digit(s.p[3]);
    for (size_t i = 4; good && i < s.n; i++)
        good = is_letter(s.p[i]) || is_digit(s.p[i]);
    return good;
}

static bool begins(struct span s, const char *with)
{
    size_t n = strlen(with);
    return s.n > n && span_ieq(span_of(s.p, n), span_str(with));
}

static bool put_payment(struct span s, struct buf *out)
{
    size_t before = out->n;
    for (size_t i = 0; i < s.n; i++)
        if (!is_blank(s.p[i]))
            buf_byte(out, s.p[i]);
    struct span bare = span_of(out->p + before, out->n - before);
    bool iban = is_iban(bare),
         small = begins(bare, "0x") || begins(bare, "bc1") || begins(bare, "ltc1");
    for (size_t i = before; i < out->n; i++)
        out->p[i] = iban ? upper(out->p[i]) : small ? lower(out->p[i]) : out->p[i];
    return true;
}

void facts_normal(struct span type, struct span value, struct buf *out)
{
    struct buf trimmed = {0};
    bool done = false;
    put_trimmed(value, &trimmed);
    struct span s = buf_as_span(&trimmed);
    bool at = span_is(type, "handle") || span_is(type, "messenger");
    if (span_is(type, "domain"))
        done = put_host(s, out);
    else if (span_is(type, "mail"))
        done = put_mail(s, out);
    else if (span_is(type, "address"))
        done = put_address(s, out);
    else if (span_is(type, "phone"))
        done = put_phone(s, out);
    else if (span_is(type, "payment"))
        done = put_payment(s, out);
    else if (at && s.n > 1 && s.p[0] == '@')
        s = span_of(s.p + 1, s.n - 1);
    if (!done)
        fold(s, out);
    buf_free(&trimmed);
}
