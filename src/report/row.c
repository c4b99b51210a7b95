#include "report/row.h"

#include "base/domain.h"
#include "base/utc.h"
#include "report/message.h"

struct range {
    uint32_t from, to;
};

/* Controls, and format characters that hide or reorder text. */
static bool is_unfit(uint32_t c)
{
    static const struct range bad[] = {{0x00, 0x1f},     {0x7f, 0x9f},      {0xad, 0xad},
                                       {0x61c, 0x61c},   {0x180e, 0x180e},  {0x200b, 0x200f},
                                       {0x2028, 0x202e}, {0x2060, 0x206f},  {0xfeff, 0xfeff},
                                       {0xfff9, 0xfffb}, {0xe0000, 0xe007f}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (c >= bad[i].from && c <= bad[i].to)
            return true;
    return false;
}

/* Reads a character; n is its length, 0 when the bytes are no UTF-8. */
static uint32_t next_char(struct span s, size_t *n)
{
    uint8_t c = s.p[0];
    *n = 1;
    if (c < 0x80)
        return c;
    size_t k = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    *n = k <= s.n && span_is_utf8(span_of(s.p, k)) ? k : 0;
    if (*n == 0)
        return 0;
    uint32_t v = c & (0x7fu >> k);
    for (size_t i = 1; i < k; i++)
        v = v << 6 | (s.p[i] & 0x3f);
    return v;
}

static bool is_clean(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 0x20 || s.p[i] > 0x7e)
            return false;
    return true;
}

struct span words_clean(struct arena *arena, struct span s, size_t max)
{
    if (s.n <= max && is_clean(s))
        return s;
    size_t take = s.n < max ? s.n : max, n = 0;
    uint8_t *out = arena_alloc(arena, 3 * take + 1); /* U+FFFD for each byte at worst */
    while (s.n && n < max) {
        size_t k;
        uint32_t c = next_char(s, &k);
        struct span put = k == 0        ? span_str("\xef\xbf\xbd")
                          : is_unfit(c) ? span_str(" ")
                                        : span_of(s.p, k);
        if (n + put.n > max)
            break;
        memcpy(out + n, put.p, put.n);
        n += put.n;
        k += k == 0;
        s = span_of(s.p + k, s.n - k);
    }
    return span_of(out, n);
}

struct span row_family(struct arena *arena, const struct report_row *row)
{
    if (span_is(row->family, "unknown"))
        return span_of(NULL, 0);
    return words_clean(arena, row->family, ROW_FAMILY_MAX);
}

const char *row_what(const struct report_row *row)
{
    static const char *const names[] = {"new", "returning", "gone"};
    return names[row->what];
}

bool row_is_spam(const struct report_row *row)
{
    return span_is(row->protocol, "smtp") && (row->helo.n || row->mail_from.n || row->subject.n);
}

struct span row_path(struct arena *arena, const struct report_row *row)
{
    struct span s = row->target;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '?' || s.p[i] == '#')
            s.n = i;
    return words_clean(arena, s, ROW_WORDS_MAX);
}

struct span row_domain(struct arena *arena, const struct report_row *row)
{
    uint8_t text[DOMAIN_TEXT_MAX];
    struct span s = row->host;
    struct ip ip;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == ':')
            s.n = i;
    size_t n = domain_text(s, text);
    if (n == 0 || !memchr(text, '.', n) || ip_parse(span_of(text, n), &ip))
        return span_of(NULL, 0);
    return span_of(arena_copy(arena, text, n), n);
}

/* Senders made for one recipient have it within (VERP): "bounce-user=domain@...". */
struct span row_sender(struct arena *arena, const struct report_row *row)
{
    struct span s = row->mail_from;
    if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
        s = span_of(s.p + 1, s.n - 2);
    if (!message_is_address(s) || s.n > ROW_WORDS_MAX)
        return span_of(NULL, 0);
    const uint8_t *at = memchr(s.p, '@', s.n);
    if (!memchr(at, '.', (size_t)(s.p + s.n - at)))
        return span_of(NULL, 0);
    if (!memchr(s.p, '=', (size_t)(at - s.p)))
        return s;
    struct buf b = {0};
    buf_str(&b, "redacted");
    buf_put(&b, at, (size_t)(s.p + s.n - at));
    struct span out = span_of(arena_copy(arena, b.p, b.n), b.n);
    buf_free(&b);
    return out;
}

/* What may be within an address, or beside its "@". */
static bool is_of_address(uint8_t c)
{
    return c > ' ' && c != '<' && c != '>' && c != '(' && c != ')' && c != '"' && c != ',' &&
           c != ';' && c != ':' && c != '[' && c != ']';
}

struct span row_subject(struct arena *arena, const struct report_row *row)
{
    struct span s = words_clean(arena, row->subject, ROW_WORDS_MAX);
    if (!s.n || !memchr(s.p, '@', s.n))
        return s;
    struct buf b = {0};
    for (size_t i = 0; i < s.n;) {
        size_t end = i;
        bool address = false;
        while (end < s.n && is_of_address(s.p[end]))
            address |= s.p[end++] == '@';
        if (address)
            buf_str(&b, "redacted");
        else
            buf_put(&b, s.p + i, end - i);
        if (end < s.n)
            buf_byte(&b, s.p[end++]);
        i = end;
    }
    struct span out = span_of(arena_copy(arena, b.p, b.n), b.n);
    buf_free(&b);
    return words_clean(arena, out, ROW_WORDS_MAX);
}

/* Nobody but a bot looks for a seized server; when a rule or an asset also names the family, only
 * those who study it are left, and they are judged before. */
unsigned row_confidence(const struct report_row *row)
{
    return row->family.n && !span_is(row->family, "unknown") ? 90 : 70;
}

int64_t row_first(const struct report_row *row)
{
    return row->first_time && row->first_time < row->time ? row->first_time : row->time;
}

/* Its digits end before `end`. */
static char *digits(char *end, uint64_t n)
{
    do
        *--end = (char)('0' + n % 10);
    while (n /= 10);
    return end;
}

void number_put(struct buf *out, uint64_t n)
{
    char text[24], *p = digits(text + sizeof text, n);
    buf_put(out, p, (size_t)(text + sizeof text - p));
}

size_t end_format(const struct ip *ip, uint16_t port, char out[ROW_END_MAX])
{
    bool brackets = port && !ip_is_v4(ip);
    size_t n = brackets;
    char text[8], *p = digits(text + sizeof text, port);
    if (brackets)
        out[0] = '[';
    n += ip_format(ip, out + n);
    if (brackets)
        out[n++] = ']';
    if (port) {
        out[n++] = ':';
        memcpy(out + n, p, (size_t)(text + sizeof text - p));
        n += (size_t)(text + sizeof text - p);
    }
    return n;
}

void time_format(int64_t t, char out[TIME_SECONDS_MAX])
{
    char text[UTC_TEXT_MAX];
    utc_format(t, text);
    text[10] = ' ';
    memcpy(out, text, TIME_SECONDS_MAX - 1);
    out[TIME_SECONDS_MAX - 1] = 0;
}

static void line(struct buf *out, const char *name, struct span value)
{
    if (!value.n)
        return;
    buf_str(out, name);
    buf_put(out, ": ", 2);
    buf_span(out, value);
    buf_byte(out, '\n');
}

static void number_line(struct buf *out, const char *before, uint64_t n, const char *behind)
{
    buf_str(out, before);
    number_put(out, n);
    buf_str(out, behind);
}

static void upper(struct buf *out, struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        buf_byte(out, s.p[i] >= 'a' && s.p[i] <= 'z' ? s.p[i] & 0xdf : s.p[i]);
}

static void evidence_contact(struct arena *arena, const struct report_row *row, struct buf *out)
{
    char text[ROW_END_MAX], when[TIME_SECONDS_MAX];
    time_format(row->time, when);
    buf_str(out, when);
    buf_str(out, " UTC ");
    if (row->transport.n) {
        upper(out, words_clean(arena, row->transport, ROW_FAMILY_MAX));
        buf_byte(out, ' ');
    }
    buf_put(out, text, end_format(&row->ip, row->src_port, text));
    buf_str(out, " -> ");
    if (ip_is_set(&row->dst_ip))
        buf_put(out, text, end_format(&row->dst_ip, row->dst_port, text));
    else
        buf_str(out, "sinkhole");
    if (row->protocol.n) {
        buf_byte(out, ' ');
        upper(out, words_clean(arena, row->protocol, ROW_FAMILY_MAX));
    }
    buf_byte(out, '\n');
}

void row_evidence(struct arena *arena, const struct report *r, const struct report_row *row,
                  struct buf *out)
{
    evidence_contact(arena, row, out);
    if (row->method.n || row->target.n) {
        buf_str(out, "Request: ");
        buf_span(out, words_clean(arena, row->method, ROW_FAMILY_MAX));
        buf_byte(out, ' ');
        buf_span(out, row_path(arena, row));
        buf_byte(out, '\n');
    }
    line(out, "Host", words_clean(arena, row->host, ROW_WORDS_MAX));
    line(out, "User-Agent", words_clean(arena, row->agent, ROW_WORDS_MAX));
    line(out, "HELO", words_clean(arena, row->helo, ROW_WORDS_MAX));
    line(out, "MAIL FROM", row_sender(arena, row));
    line(out, "Subject", row_subject(arena, row));
    if (row->size)
        number_line(out, "Size: ", row->size, "\n");
    if (r->log_origin.n) {
        number_line(out, "Evidence log: entry ", row->index, " of ");
        buf_span(out, words_clean(arena, r->log_origin, ROW_WORDS_MAX));
        buf_byte(out, '\n');
    }
}
