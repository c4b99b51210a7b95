#include "report/message.h"

#include <stdio.h>

#include "base/digest.h"
#include "base/utc.h"

#define LINE_MAX_BYTES 998 /* RFC 5322, 2.1.1 */
#define HEADER_SHORT   76
#define WORD_BYTES     39 /* within an encoded word, */
#define WORD_COLUMNS   64 /* which then is at most "=?UTF-8?B?" + 52 + "?=" */
#define QP_COLUMNS     75 /* and a "=" */
#define BASE64_BYTES   57 /* 76 columns */

static void strings(struct buf *out, const char *a, const char *b, const char *c)
{
    buf_str(out, a);
    buf_str(out, b);
    buf_str(out, c);
}

/* RFC 5322, 3.2.3 */
static bool is_atext(uint8_t c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
           (c > ' ' && c < 0x7f && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static bool is_dot_atom(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        bool dot = s.p[i] == '.';
        if (!dot && !is_atext(s.p[i]))
            return false;
        if (dot && (i == 0 || i + 1 == s.n || s.p[i - 1] == '.'))
            return false;
    }
    return s.n > 0;
}

bool message_is_domain(struct span s)
{
    size_t label = 0;
    for (size_t i = 0; i <= s.n; i++) {
        if (i == s.n || s.p[i] == '.') {
            if (label == 0 || label > 63 || s.p[i - 1] == '-')
                return false;
            label = 0;
            continue;
        }
        uint8_t c = s.p[i];
        bool letter = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!letter && (c != '-' || label == 0))
            return false;
        label++;
    }
    return s.n <= 253;
}

bool message_is_address(struct span s)
{
    const uint8_t *at = s.n ? memchr(s.p, '@', s.n) : NULL;
    if (!at || s.n > MESSAGE_ADDRESS_MAX || at - s.p > 64)
        return false;
    return is_dot_atom(span_of(s.p, (size_t)(at - s.p))) &&
           message_is_domain(span_of(at + 1, (size_t)(s.p + s.n - at - 1)));
}

bool message_is_id(struct span s)
{
    return s.n <= MESSAGE_ADDRESS_MAX && is_dot_atom(s);
}

bool message_is_line(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    return true;
}

void message_header(struct buf *out, const char *name, struct span value)
{
    buf_str(out, name);
    buf_put(out, ": ", 2);
    buf_span(out, value);
    buf_put(out, "\r\n", 2);
}

/* Printable ASCII that nobody takes for an encoded word, with single blanks only, between words. */
static bool is_plain_words(struct span s)
{
    if (s.n == 0 || s.p[0] == ' ' || s.p[s.n - 1] == ' ')
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < 0x20 || s.p[i] > 0x7e)
            return false;
        if (i + 1 < s.n &&
            ((s.p[i] == '=' && s.p[i + 1] == '?') || (s.p[i] == ' ' && s.p[i + 1] == ' ')))
            return false;
    }
    return true;
}

/* The same, and no word is longer than a line. */
static bool can_be_folded(struct span s)
{
    size_t run = 0;
    for (size_t i = 0; i < s.n; i++) {
        run = s.p[i] == ' ' ? 0 : run + 1;
        if (run > WORD_COLUMNS)
            return false;
    }
    return is_plain_words(s);
}

/* Lines end before blanks, which then begin the next (RFC 5322, 2.2.3). */
static void folded(struct buf *out, size_t column, struct span s)
{
    for (size_t i = 0; i < s.n;) {
        size_t end = i + 1;
        while (end < s.n && s.p[end] != ' ')
            end++;
        if (i && column + (end - i) > HEADER_SHORT) {
            buf_put(out, "\r\n", 2);
            column = 0;
        }
        buf_put(out, s.p + i, end - i);
        column += end - i;
        i = end;
    }
}

/* How many bytes of s go into one encoded word: whole characters (RFC 2047, 5). */
static size_t word_bytes(struct span s)
{
    if (s.n <= WORD_BYTES)
        return s.n;
    size_t n = WORD_BYTES;
    while (n > WORD_BYTES - 4 && (s.p[n] & 0xc0) == 0x80)
        n--;
    return n;
}

static void encoded_words(struct buf *out, struct span s)
{
    do {
        size_t n = word_bytes(s);
        buf_str(out, "=?UTF-8?B?");
        base64_encode(out, span_of(s.p, n));
        buf_put(out, "?=", 2);
        s = span_of(s.p + n, s.n - n);
        if (s.n)
            buf_put(out, "\r\n ", 3);
    } while (s.n);
}

void message_text(struct buf *out, const char *name, struct span value)
{
    size_t begun = strlen(name) + 2;
    buf_str(out, name);
    if (can_be_folded(value)) {
        buf_put(out, ": ", 2);
        folded(out, begun, value);
    } else {
        buf_str(out, begun + WORD_COLUMNS > HEADER_SHORT ? ":\r\n " : ": ");
        encoded_words(out, value);
    }
    buf_put(out, "\r\n", 2);
}

static void quoted_string(struct buf *out, struct span s)
{
    buf_byte(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\')
            buf_byte(out, '\\');
        buf_byte(out, s.p[i]);
    }
    buf_byte(out, '"');
}

void message_mailbox(struct buf *out, const char *name, struct span display, struct span address)
{
    buf_str(out, name);
    buf_put(out, ": ", 2);
    if (display.n) {
        if (display.n <= WORD_COLUMNS && is_plain_words(display))
            quoted_string(out, display);
        else
            encoded_words(out, display);
        buf_str(out, "\r\n ");
    }
    buf_byte(out, '<');
    buf_span(out, address);
    buf_put(out, ">\r\n", 3);
}

void message_date(struct buf *out, const char *name, int64_t time)
{
    static const char days[] = "ThuFriSatSunMonTueWed"; /* 1970-01-01 was a Thursday */
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char t[UTC_TEXT_MAX];
    utc_format(time, t);
    unsigned month = (unsigned)(t[5] - '0') * 10 + (unsigned)(t[6] - '0') - 1;
    int day = utc_day(time) % 7;
    strings(out, name, ": ", "");
    buf_put(out, days + 3 * (day < 0 ? day + 7 : day), 3);
    buf_put(out, ", ", 2);
    buf_put(out, t + 8, 2);
    buf_byte(out, ' ');
    buf_put(out, months + 3 * month, 3);
    buf_byte(out, ' ');
    buf_put(out, t, 4);
    buf_byte(out, ' ');
    buf_put(out, t + 11, 8);
    buf_str(out, " +0000\r\n");
}

/* "=_" is in no line of quoted-printable or base64 (RFC 2045, 6.7), and 7bit is not taken for text
 * that has it. */
void message_boundary(struct span id, unsigned n, char out[MESSAGE_BOUNDARY_MAX])
{
    uint8_t digest[SHA256_LEN];
    char hex[2 * 12 + 1];
    sha256(id.p, id.n, digest);
    hex_encode(digest, 12, hex);
    snprintf(out, MESSAGE_BOUNDARY_MAX, "=_%s_%u", hex, n);
}

void message_multipart(struct buf *out, const char *subtype, const char *boundary)
{
    strings(out, "Content-Type: multipart/", subtype, ";\r\n boundary=\"");
    strings(out, boundary, "\"\r\n\r\n", "");
}

void message_part(struct buf *out, const char *boundary)
{
    strings(out, "--", boundary, "\r\n");
}

void message_end(struct buf *out, const char *boundary)
{
    strings(out, "--", boundary, "--\r\n");
}

/* Can be sent as it is: ASCII, short lines, and no "From " that mailboxes would change. */
static bool is_7bit(struct span text)
{
    size_t line = 0; /* where it begins */
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        if (c > ' ' && c < 0x7f && c != '=')
            continue;
        uint8_t before = i > line ? text.p[i - 1] : 0, behind = i + 1 < text.n ? text.p[i + 1] : 0;
        if (c == '\n') {
            if (i - line > LINE_MAX_BYTES || before == ' ')
                return false;
            line = i + 1;
        } else if (c == '='
                       ? behind == '_'
                       : c != ' ' || (i - line == 4 && memcmp(text.p + line, "From", 4) == 0)) {
            return false;
        }
    }
    return text.n - line <= LINE_MAX_BYTES && (text.n == line || text.p[text.n - 1] != ' ');
}

static void crlf_text(struct buf *out, struct span text)
{
    struct cur c = cur_of(text);
    while (cur_left(&c)) {
        buf_span(out, cur_line(&c));
        buf_put(out, "\r\n", 2);
    }
}

/* May stand as it is; a line's last blank may not, nor what mailboxes change. */
static bool qp_is_plain(struct span line, size_t i)
{
    uint8_t c = line.p[i];
    if (c == ' ')
        return i + 1 < line.n && !(i == 4 && memcmp(line.p, "From", 4) == 0);
    return c > ' ' && c < 0x7f && c != '=';
}

static void qp_line(struct buf *out, struct span line)
{
    static const char digits[] = "0123456789ABCDEF";
    uint8_t *p =
        buf_reserve(out, 3 * line.n + line.n / 25 * 3 + 8); /* soft ends: 25 codes a line */
    size_t column = 0;
    for (size_t i = 0; i < line.n; i++) {
        bool plain = qp_is_plain(line, i);
        if (column + (plain ? 1 : 3) > QP_COLUMNS) {
            memcpy(p, "=\r\n", 3);
            p += 3;
            column = 0;
        }
        uint8_t c = line.p[i];
        if (plain) {
            *p++ = c;
        } else {
            *p++ = '=';
            *p++ = (uint8_t)digits[c >> 4];
            *p++ = (uint8_t)digits[c & 15];
        }
        column += plain ? 1 : 3;
    }
    memcpy(p, "\r\n", 2);
    out->n = (size_t)(p + 2 - out->p);
}

void message_body_text(struct buf *out, const char *type, const char *language, struct span text)
{
    bool plain = is_7bit(text);
    strings(out, "Content-Type: ", type, plain ? "; charset=us-ascii\r\n" : "; charset=utf-8\r\n");
    if (language)
        strings(out, "Content-Language: ", language, "\r\n");
    strings(out, "Content-Transfer-Encoding: ", plain ? "7bit" : "quoted-printable", "\r\n\r\n");
    if (plain) {
        crlf_text(out, text);
        return;
    }
    struct cur c = cur_of(text);
    while (cur_left(&c))
        qp_line(out, cur_line(&c));
}

void message_body_base64(struct buf *out, const char *type, const char *filename, struct span data)
{
    strings(out, "Content-Type: ", type, "; name=\"");
    strings(out, filename, "\"\r\nContent-Transfer-Encoding: base64\r\n", "");
    strings(out, "Content-Disposition: attachment; filename=\"", filename, "\"\r\n\r\n");
    buf_reserve(out, data.n / BASE64_BYTES * 78 + 80);
    for (size_t i = 0; i < data.n; i += BASE64_BYTES) {
        size_t n = data.n - i < BASE64_BYTES ? data.n - i : BASE64_BYTES;
        base64_encode(out, span_of(data.p + i, n));
        buf_put(out, "\r\n", 2);
    }
}
