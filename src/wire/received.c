#include "wire/received.h"

#include "base/utc.h"
#include "wire/text.h"

static bool is_digit(uint8_t c)
{
    return (uint8_t)(c - '0') < 10;
}

static bool is_letter(uint8_t c)
{
    return (uint8_t)((c | 0x20) - 'a') < 26;
}

/* ---- dates ---- */

struct date {
    bool has_day, has_month, has_year, has_time, has_zone;
    unsigned day, month, hour, minute, second;
    int64_t year;
    int zone; /* minutes east */
};

static unsigned month_of(struct span s)
{
    static const char names[12][4] = {"jan", "feb", "mar", "apr", "may", "jun",
                                      "jul", "aug", "sep", "oct", "nov", "dec"};
    for (unsigned i = 0; s.n >= 3 && i < 12; i++)
        if (text_starts(s, names[i]))
            return i + 1;
    return 0;
}

/* RFC 5322, 4.3: the zones that have a meaning; all others, the military ones among them, are taken
 * as -0000, which says nothing of a zone. */
static int zone_of(struct span s)
{
    static const struct {
        char name[4];
        int8_t hours;
    } zones[] = {{"edt", -4}, {"est", -5}, {"cdt", -5}, {"cst", -6}, {"mdt", -6},
                 {"mst", -7}, {"pdt", -7}, {"pst", -8}, {"cet", 1},  {"bst", 1},
                 {"eet", 2},  {"msk", 3},  {"jst", 9},  {"kst", 9},  {"hst", -10}};
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++)
        if (text_is(s, zones[i].name))
            return zones[i].hours * 60;
    return text_is(s, "cest") ? 120 : text_is(s, "aest") ? 600 : 0;
}

/* "13:07" "13:07:32" "13:07:32.5" "13.07.32" */
static bool take_time(struct date *d, struct span s)
{
    unsigned part[3] = {0, 0, 0}, n = 0;
    size_t i = 0;
    while (n < 3 && i < s.n && is_digit(s.p[i])) {
        size_t from = i;
        while (i < s.n && is_digit(s.p[i]) && i - from < 2)
            part[n] = part[n] * 10 + (s.p[i++] - '0');
        n++;
        if (n == 3 || i == s.n || s.p[i] != ':')
            break;
        i++;
    }
    if (n < 2 || (i < s.n && s.p[i] != '.') || part[0] > 23 || part[1] > 59 || part[2] > 60)
        return false;
    d->hour = part[0];
    d->minute = part[1];
    d->second = part[2];
    return d->has_time = true;
}

static bool take_number(struct date *d, struct span s)
{
    uint64_t v;
    if (s.n > 4 || !text_number(s, &v))
        return false;
    if (s.n <= 2 && !d->has_day) {
        d->day = (unsigned)v;
        return d->has_day = true;
    }
    if (d->has_year || s.n < 2)
        return false;
    d->year = (int64_t)v + (s.n == 4 ? 0 : s.n == 3 ? 1900 : v < 50 ? 2000 : 1900);
    return d->has_year = true;
}

/* "+0200", "-0930". */
static bool take_offset(struct date *d, struct span s)
{
    uint64_t v;
    if (s.n != 5 || !text_number(text_behind(s, 1), &v) || v % 100 > 59 || v > 2400)
        return false;
    d->zone = (int)(v / 100 * 60 + v % 100) * (s.p[0] == '-' ? -1 : 1);
    return d->has_zone = true;
}

static bool take_word(struct date *d, struct span s)
{
    unsigned month = d->has_month ? 0 : month_of(s);
    if (month) {
        d->month = month;
        return d->has_month = true;
    }
    if (d->has_time && !d->has_zone) {
        d->zone = zone_of(s);
        d->has_zone = true;
    }
    return true; /* a weekday, which the date does not need, or a zone */
}

/* The next piece: digits with colons and dots, letters, or a sign with digits. */
static bool next_piece(struct cur *c, const struct date *d, struct span *out)
{
    unsigned depth = 0;
    for (; c->p < c->end; c->p++) {
        if (*c->p == '\\' && depth && c->p + 1 < c->end)
            c->p++;
        else if (*c->p == '(')
            depth++;
        else if (*c->p == ')' && depth)
            depth--;
        else if (depth || text_is_space_or_end(*c->p) || *c->p == ',')
            continue;
        else if (*c->p != '-' || (d->has_time && c->p + 1 < c->end && is_digit(c->p[1])))
            break; /* a hyphen within the date ("08-Apr-2007") is no sign */
    }
    const uint8_t *from = c->p;
    if (from == c->end)
        return false;
    bool word = is_letter(*from);
    for (c->p++; c->p < c->end; c->p++)
        if (word ? !is_letter(*c->p) : !is_digit(*c->p) && *c->p != ':' && *c->p != '.')
            break;
    *out = span_of(from, (size_t)(c->p - from));
    return true;
}

static bool date_utc(const struct date *d, int64_t *out)
{
    static const uint8_t length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (!d->has_day || !d->has_month || !d->has_year || !d->has_time || !d->day)
        return false;
    bool leap = (d->year % 4 == 0 && d->year % 100 != 0) || d->year % 400 == 0;
    if (d->day > length[d->month - 1] + (unsigned)(d->month == 2 && leap))
        return false;
    int64_t minutes =
        utc_days_from_civil(d->year, d->month, d->day) * 1440 + d->hour * 60 + d->minute - d->zone;
    *out = (minutes * 60 + d->second) * UTC_SECOND;
    return true;
}

bool received_date(struct span text, int64_t *out)
{
    struct date d = {0};
    struct span piece;
    text = text_trim_lines(text);
    if (utc_parse(text, out))
        return text.n > 10;
    struct cur c = cur_of(text);
    for (unsigned n = 0; n < 16 && next_piece(&c, &d, &piece); n++) {
        uint8_t first = piece.p[0];
        bool good;
        if (is_letter(first))
            good = take_word(&d, piece);
        else if (first == '+' || first == '-')
            good = take_offset(&d, piece);
        else if (!d.has_time && memchr(piece.p, ':', piece.n))
            good = take_time(&d, piece);
        else
            good = take_number(&d, piece);
        if (!good)
            break; /* what follows a whole date is no part of it */
    }
    return date_utc(&d, out);
}

/* ---- words ---- */

enum token_kind { TOKEN_WORD, TOKEN_COMMENT, TOKEN_END };

struct token {
    enum token_kind kind;
    struct span text; /* a comment's without its parentheses */
};

/* Behind the comment that opens at p; `end` when it is never closed. */
static const uint8_t *comment_end(const uint8_t *p, const uint8_t *end)
{
    unsigned depth = 0;
    for (; p < end; p++) {
        if (*p == '\\' && p + 1 < end)
            p++;
        else if (*p == '(')
            depth++;
        else if (*p == ')' && --depth == 0)
            return p + 1;
    }
    return NULL;
}

static const uint8_t *word_end(const uint8_t *p, const uint8_t *end)
{
    bool angle = false;
    for (; p < end; p++) {
        if (*p == '<')
            angle = true;
        else if (*p == '>')
            angle = false;
        else if (*p == '\n' || (!angle && (text_is_space_or_end(*p) || *p == '(' || *p == ';')))
            break;
    }
    return p;
}

/* Cuts the value up to its date; how many. A comment that is not closed ends it. */
static size_t tokens_of(struct span value, struct token *token)
{
    const uint8_t *p = value.p, *end = value.p + value.n;
    size_t n = 0;
    while (n < RECEIVED_TOKENS_MAX) {
        while (p < end && text_is_space_or_end(*p))
            p++;
        if (p >= end || *p == ';')
            break;
        const uint8_t *from = p;
        if (*p == '(') {
            p = comment_end(p, end);
            if (!p)
                break;
            token[n++] = (struct token){TOKEN_COMMENT, span_of(from + 1, (size_t)(p - from - 2))};
        } else {
            p = word_end(p, end);
            token[n++] = (struct token){TOKEN_WORD, span_of(from, (size_t)(p - from))};
        }
    }
    return n;
}

static bool is_word(const struct token *t, const char *word)
{
    return t->kind == TOKEN_WORD && text_is(t->text, word);
}

/* ---- who ---- */

static bool take_address(struct span s, struct ip *out)
{
    if (text_starts(s, "ipv6:"))
        s = text_behind(s, 5);
    return ip_parse(s, out);
}

/* The first or last "[...]" of the text that is an address; `at` is where it opens. */
static bool bracketed(struct span s, bool last, struct ip *out, size_t *at)
{
    bool found = false;
    for (size_t i = 0; i < s.n && !(found && !last); i++) {
        struct span inner = text_behind(s, i + 1);
        struct ip ip;
        inner.n = text_find(inner, ']');
        if (s.p[i] != '[' || i + 1 + inner.n == s.n || !take_address(inner, &ip))
            continue;
        found = true;
        *out = ip;
        *at = i;
    }
    return found;
}

/* The value behind "helo=" within Exim's comment. */
static struct span exim_helo(struct span s)
{
    for (size_t i = 0; i + 5 <= s.n; i++) {
        if ((i == 0 || s.p[i - 1] == ' ') && text_starts(text_behind(s, i), "helo=")) {
            s = text_behind(s, i + 5);
            s.n = text_find(s, ' ');
            return s;
        }
    }
    return span_of(NULL, 0);
}

/* A comment of Exim's on the address that stands in front of it. */
static bool exim_remark(struct span s)
{
    return text_starts(s, "helo=") || text_starts(s, "port=");
}

static bool has_text(struct span s, const char *word)
{
    return s.n && memmem(s.p, s.n, word, strlen(word)) != NULL;
}

/* "user@name", "IDENT:user@name", "name": the name, unless the writer doubts it. */
static struct span looked_up(struct span name, struct span comment)
{
    name = text_trim_lines(name);
    for (size_t i = name.n; i-- > 0;) {
        if (name.p[i] == '@' || text_is_space_or_end(name.p[i])) {
            name = text_behind(name, i + 1);
            break;
        }
    }
    if (text_is(name, "unknown") || has_text(comment, "may be forged"))
        return span_of(NULL, 0);
    return name;
}

/* A comment of the "from" part; true when it said the address. */
static bool client_comment(struct span s, struct received *r)
{
    size_t at = 0;
    s = text_trim_lines(s);
    if (exim_remark(s)) {
        r->helo = exim_helo(s);
        return false;
    }
    if (text_starts(s, "helo ") || text_starts(s, "ehlo ")) { /* qmail's */
        r->rdns = text_is(r->helo, "unknown") ? span_of(NULL, 0) : r->helo;
        r->helo = text_trim_lines(text_behind(s, 5));
        return false;
    }
    bool first = s.n && s.p[0] == '['; /* what follows is Exim's, and the client's words */
    if (bracketed(s, !first, &r->ip, &at)) {
        struct span said = first ? exim_helo(s) : span_of(NULL, 0);
        if (said.n) {
            r->rdns = r->helo;
            r->helo = said;
        } else if (!first) {
            r->rdns = looked_up(span_of(s.p, at), s);
        }
        return true;
    }
    size_t ident = text_find(s, '@');
    return take_address(ident < s.n ? text_behind(s, ident + 1) : s, &r->ip);
}

/* Tokens behind "from" up to "by". The first comment with an address counts: those behind it may
 * hold the client's own words (the name in its certificate). */
static void client(const struct token *token, size_t n, struct received *r)
{
    bool found = false, exim = false;
    size_t at, words = 0;
    while (words < n && token[words].kind == TOKEN_WORD)
        words++;
    if (words)
        r->helo = span_of(token[0].text.p, (size_t)(token[words - 1].text.p +
                                                    token[words - 1].text.n - token[0].text.p));
    struct span name = r->helo;
    for (size_t i = words; i < n && !found; i++) {
        if (token[i].kind != TOKEN_COMMENT)
            continue;
        exim |= exim_remark(token[i].text);
        found = client_comment(token[i].text, r);
    }
    if (!found && (words == n || exim) && name.n && name.p[0] == '[')
        bracketed(name, false, &r->ip, &at);
}

/* ---- the header ---- */

/* The "by" in front of the writer's name; n when there is none. The client's name and the recipient
 * may hold a "by" of their own: the last one behind a comment counts, which the writer put there,
 * else the first. */
static size_t find_by(const struct token *token, size_t n)
{
    size_t first = n, found = n;
    for (size_t i = 0; i < n; i++) {
        if (!is_word(&token[i], "by"))
            continue;
        first = first == n ? i : first;
        if (i > 0 && token[i - 1].kind == TOKEN_COMMENT)
            found = i;
    }
    return found < n ? found : first;
}

static void writer(const struct token *token, size_t n, struct received *r)
{
    for (size_t i = 0; i + 1 < n; i++) {
        struct span next = token[i + 1].text;
        if (token[i + 1].kind != TOKEN_WORD)
            continue;
        if (is_word(&token[i], "by") && !r->by.n)
            r->by = next;
        else if ((is_word(&token[i], "with") || is_word(&token[i], "via")) && !r->with.n)
            r->with = next;
        else if (is_word(&token[i], "for") && !r->recipient.n)
            r->recipient = next;
    }
    struct span *to = &r->recipient;
    while (to->n && (to->p[to->n - 1] == ',' || to->p[to->n - 1] == '>'))
        to->n--;
    if (to->n && to->p[0] == '<')
        *to = text_behind(*to, 1);
}

/* Behind the last semicolon, where a date belongs. */
static void take_date(struct span value, struct received *r)
{
    const uint8_t *at = value.n ? memrchr(value.p, ';', value.n) : NULL;
    if (at)
        r->dated = received_date(text_behind(value, (size_t)(at + 1 - value.p)), &r->time);
}

/* A parenthesis in the client's words that nothing closes: the address right in front of the last
 * ") by" is what the writer put there. */
static void rescue(struct span value, struct received *r)
{
    size_t at;
    for (size_t i = value.n; i-- > 0;) {
        if (value.p[i] != ')' || !text_starts(text_trim_lines(text_behind(value, i + 1)), "by "))
            continue;
        bracketed(span_of(value.p, i), true, &r->ip, &at);
        struct span by = text_behind(text_trim_lines(text_behind(value, i + 1)), 3);
        r->by = span_of(by.p, (size_t)(word_end(by.p, by.p + by.n) - by.p));
        return;
    }
}

void received_parse(struct span value, struct received *r)
{
    struct token token[RECEIVED_TOKENS_MAX];
    *r = (struct received){0};
    if (value.n > RECEIVED_VALUE_MAX)
        value.n = RECEIVED_VALUE_MAX;
    value = text_trim_lines(value);
    if (!value.n)
        return;
    size_t n = tokens_of(value, token);
    take_date(value, r);
    r->from = n > 0 && is_word(&token[0], "from");
    size_t by = find_by(token, n);
    writer(token + (by < n ? by : 0), by < n ? n - by : r->from ? 0 : n, r);
    if (!r->from)
        return;
    if (by < n)
        client(token + 1, by - 1, r);
    else
        rescue(value, r);
    /* Yahoo's "from 192.0.2.1 by web1.example via HTTP" */
    if (text_is(r->with, "http") && !ip_is_set(&r->ip))
        take_address(r->helo, &r->ip);
    if (text_is(r->with, "local") && !ip_is_set(&r->ip))
        r->from = false; /* Exim's "from user by host with local" */
}

/* ---- the walk ---- */

static bool name_matches(struct span pattern, struct span name)
{
    if (pattern.n > 2 && pattern.p[0] == '*' && pattern.p[1] == '.') {
        pattern = text_behind(pattern, 1);
        return name.n > pattern.n && span_ieq(text_behind(name, name.n - pattern.n), pattern);
    }
    return span_ieq(pattern, name);
}

bool received_is_trusted(const struct received_trust *t, const struct received *r)
{
    if (!t)
        return false;
    for (size_t i = 0; ip_is_set(&r->ip) && i < t->nets; i++) {
        const struct net *n = &t->net[i];
        if (ip_is_v4(&r->ip) != ip_is_v4(&n->ip))
            continue;
        struct net same = net_of(&r->ip, n->bits);
        if (memcmp(&same.ip, &n->ip, sizeof same.ip) == 0)
            return true;
    }
    struct span name = r->rdns;
    if (name.n && name.p[name.n - 1] == '.')
        name.n--;
    for (size_t i = 0; name.n && i < t->hosts; i++)
        if (name_matches(t->host[i], name))
            return true;
    return false;
}

static bool is_within_host(const struct received *r)
{
    static const struct ip loopback6 = {{[15] = 1}};
    bool loopback = ip_is_v4(&r->ip) ? ip_v4(&r->ip) >> 24 == 127
                                     : memcmp(&r->ip, &loopback6, sizeof loopback6) == 0;
    return !r->from || loopback;
}

int received_walk(const struct span *value, size_t n, const struct received_trust *trust,
                  struct received *out)
{
    bool dated = false;
    int64_t time = 0;
    *out = (struct received){0};
    if (n > RECEIVED_WALK_MAX)
        n = RECEIVED_WALK_MAX;
    for (size_t i = 0; i < n; i++) {
        received_parse(value[i], out);
        if (!out->dated && dated) {
            out->dated = true;
            out->time = time;
        }
        dated = out->dated;
        time = out->time;
        if (i + 1 == n || !(is_within_host(out) || received_is_trusted(trust, out)))
            return (int)i;
    }
    return -1;
}
