/* A campaign's text for one mail. */
#include "sim/mail_campaign.h"

#include "sim/mail_encode.h"

#define LINE_HARD 900 /* HTML is broken here: RFC 5322 allows 998 */

/* ---- disguises ---- */

static void put_char(struct buf *out, uint32_t code, bool entity)
{
    if (entity) {
        buf_put(out, "&#", 2);
        mail_put_number(out, code, 1);
        buf_byte(out, ';');
    } else if (code < 0x80) {
        buf_byte(out, (uint8_t)code);
    } else if (code < 0x800) {
        buf_byte(out, (uint8_t)(0xc0 | code >> 6));
        buf_byte(out, (uint8_t)(0x80 | (code & 63)));
    } else {
        buf_byte(out, (uint8_t)(0xe0 | code >> 12));
        buf_byte(out, (uint8_t)(0x80 | (code >> 6 & 63)));
        buf_byte(out, (uint8_t)(0x80 | (code & 63)));
    }
}

static uint8_t leet(uint8_t c)
{
    switch (c) {
    case 'a':
    case 'A':
        return '@';
    case 'i':
    case 'I':
        return '1';
    case 'l':
        return '|';
    case 'o':
    case 'O':
        return '0';
    case 'e':
    case 'E':
        return '3';
    case 's':
        return '5';
    case 'S':
        return '$';
    default:
        return c;
    }
}

/* Cyrillic and Greek letters that look alike; 0: there is none. */
static uint32_t alike(uint8_t c)
{
    static const uint16_t small[26] = {
        ['a' - 'a'] = 0x430, ['c' - 'a'] = 0x441, ['e' - 'a'] = 0x435, ['i' - 'a'] = 0x456,
        ['j' - 'a'] = 0x458, ['o' - 'a'] = 0x43e, ['p' - 'a'] = 0x440, ['s' - 'a'] = 0x455,
        ['x' - 'a'] = 0x445, ['y' - 'a'] = 0x443, ['v' - 'a'] = 0x3bd};
    static const uint16_t capital[26] = {
        ['A' - 'A'] = 0x410, ['B' - 'A'] = 0x412, ['C' - 'A'] = 0x421, ['E' - 'A'] = 0x415,
        ['H' - 'A'] = 0x41d, ['K' - 'A'] = 0x39a, ['M' - 'A'] = 0x41c, ['O' - 'A'] = 0x41e,
        ['P' - 'A'] = 0x420, ['T' - 'A'] = 0x422, ['X' - 'A'] = 0x425, ['Z' - 'A'] = 0x396};
    return c >= 'a' && c <= 'z' ? small[c - 'a'] : c >= 'A' && c <= 'Z' ? capital[c - 'A'] : 0;
}

/* The letters of a word with something between them, or in place of some. */
static void put_disguised(const struct mail_campaign *c, struct span word, struct mail_filling *f,
                          struct buf *out)
{
    static const uint16_t invisible[] = {0x200b, 0x200c, 0xad, 0x2060};
    bool entity = f->html && (c->entities || c->charset != MAIL_UTF8);
    uint64_t bits = rng_next(f->r);
    for (size_t i = 0; i < word.n; i++, bits = bits >> 2 | bits << 62) {
        uint8_t ch = word.p[i];
        bool now = bits & 1, inside = i > 0 && ch != ' ' && word.p[i - 1] != ' ';
        if (inside && c->disguise == MAIL_SPACED)
            buf_byte(out, ' ');
        else if (inside && c->disguise == MAIL_DOTTED)
            buf_byte(out, bits & 2 ? '.' : '-');
        else if (inside && now && c->disguise == MAIL_ZERO_WIDTH)
            put_char(out, invisible[bits >> 8 & 3], entity);
        else if (inside && now && c->disguise == MAIL_TAGS && f->html)
            buf_str(out, bits & 2 ? "<b></b>" : "<!-- -->");
        else if (inside && now && c->disguise == MAIL_DOUBLED)
            buf_byte(out, ch);
        uint32_t other = c->disguise == MAIL_HOMOGLYPH && now ? alike(ch) : 0;
        if (other)
            put_char(out, other, entity);
        else
            buf_byte(out, c->disguise == MAIL_LEET && now ? leet(ch) : ch);
    }
}

/* ---- items ---- */

static void put_url(const struct mail_campaign *c, const struct mail_program *p,
                    struct mail_filling *f, struct buf *out)
{
    struct span url = f->url;
    f->has_url = true;
    if (f->html) {
        buf_str(out, "<a href=\"");
        buf_span(out, url);
        buf_str(out, "\">");
        if (c->click_end > c->click_at && c->entities) {
            struct mail_filling plain = *f;
            plain.html = false;
            mail_put_items(c, p, c->click_at, c->click_end, &plain, out);
        } else {
            buf_span(out, url);
        }
        buf_str(out, "</a>");
        return;
    }
    if (c->url_kind && url.n > 7)
        url = span_of(url.p + 7, url.n - 7); /* without http:// */
    const uint8_t *dot = c->url_kind == 2 ? memchr(url.p, '.', url.n) : NULL;
    if (dot) { /* "remove the space" */
        buf_put(out, url.p, (size_t)(dot - url.p));
        buf_byte(out, ' ');
        url = span_of(dot, url.n - (size_t)(dot - url.p));
    } else if (c->url_kind == 1 && c->host_kind != 3) {
        buf_str(out, "www.");
    }
    buf_span(out, url);
}

static void put_item(const struct mail_campaign *c, const struct mail_program *p,
                     const struct mail_item *i, struct mail_filling *f, struct buf *out)
{
    struct span text = span_of(p->text.p + i->at, i->n);
    switch ((enum mail_item_kind)i->kind) {
    case MAIL_LITERAL:
        buf_span(out, text);
        break;
    case MAIL_BRAND:
        f->brands |= (uint16_t)(1u << i->of);
        __attribute__((fallthrough));
    case MAIL_MARKED:
        if (c->disguise != MAIL_PLAIN && rng_chance(f->r, c->disguised))
            put_disguised(c, text, f, out);
        else
            buf_span(out, text);
        break;
    case MAIL_ME:
        buf_span(out, f->me);
        break;
    case MAIL_URL:
        put_url(c, p, f, out);
        break;
    case MAIL_MAILBOX:
        buf_span(out, f->mailbox);
        break;
    case MAIL_DIGITS: {
        struct rng *r = f->r;
        for (unsigned k = 0; k < i->n; k++)
            buf_byte(out, (uint8_t)('0' + (k ? rng_below(r, 10) : 1 + rng_below(r, 9))));
        break;
    }
    case MAIL_NOUN:
        buf_span(out, f->words->noun->alternative[rng_below(f->r, f->words->noun->n)]);
        break;
    case MAIL_CHOICE:
    case MAIL_OPTION:
        break;
    }
}

void mail_put_items(const struct mail_campaign *c, const struct mail_program *p, uint32_t from,
                    uint32_t to, struct mail_filling *f, struct buf *out)
{
    for (uint32_t i = from; i < to; i++) {
        const struct mail_item *item = &p->item[i];
        if (item->kind != MAIL_CHOICE) {
            put_item(c, p, item, f, out);
            continue;
        }
        uint32_t option = i + 1;
        for (unsigned pass = rng_below(f->r, item->n); pass > 0; pass--)
            option += 1 + p->item[option].at;
        mail_put_items(c, p, option + 1, option + 1 + p->item[option].at, f, out);
        i += item->at;
    }
}

/* ---- salad ---- */

static void put_word(const struct mail_rule *rule, struct mail_filling *f, struct buf *out)
{
    buf_span(out, rule->alternative[rng_below(f->r, rule->n)]);
    buf_byte(out, ' ');
}

static void put_sentence(struct mail_filling *f, struct buf *out)
{
    const struct mail_words *w = f->words;
    unsigned shape = rng_below(f->r, 4);
    if (shape & 1) {
        put_word(w->first, f, out);
    } else {
        buf_str(out, "The ");
        put_word(w->adj, f, out);
        put_word(w->noun, f, out);
    }
    put_word(w->verbed, f, out);
    buf_str(out, shape & 2 ? "the " : "every ");
    put_word(w->adj, f, out);
    put_word(w->noun, f, out);
    out->p[out->n - 1] = '.';
    buf_byte(out, ' ');
}

void mail_put_salad(const struct mail_campaign *c, struct mail_filling *f, unsigned words,
                    struct buf *out)
{
    static const struct mail_shape_words none;
    for (unsigned done = 0; done < words;) {
        if (c->salad == MAIL_SENTENCES) {
            put_sentence(f, out);
            done += 7;
        } else if (c->salad == MAIL_STRINGS) {
            mail_shape_put("%5-12m", &none, f->r, out);
            buf_byte(out, ' ');
            done++;
        } else {
            put_word(rng_chance(f->r, 0.7) ? f->words->noun : f->words->adj, f, out);
            done++;
        }
    }
    if (out->n && out->p[out->n - 1] == ' ')
        out->n--;
}

/* ---- the whole ---- */

static void put_block(const struct mail_campaign *c, const struct mail_block *b,
                      struct mail_filling *f, struct buf *out)
{
    if (b->salad)
        mail_put_salad(c, f, c->salad_least + rng_below(f->r, c->salad_most - c->salad_least + 1u),
                       out);
    else
        mail_put_items(c, &c->text, b->from, b->to, f, out);
}

static void put_html_block(const struct mail_campaign *c, const struct mail_block *b,
                           struct mail_filling *f, struct buf *out)
{
    static const char *const open[MAIL_HIDES] = {"", "<font color=\"#ffffff\">",
                                                 "<span style=\"font-size:1px\">",
                                                 "<div style=\"display:none\">"};
    static const char *const close[MAIL_HIDES] = {"", "</font>", "</span>", "</div>"};
    unsigned hide = b->salad ? c->hide : MAIL_SEEN;
    buf_str(out, c->paragraph[0]);
    buf_str(out, open[hide]);
    put_block(c, b, f, out);
    buf_str(out, close[hide]);
    buf_str(out, c->paragraph[1]);
}

void mail_put_text(const struct mail_campaign *c, struct mail_filling *f, bool html,
                   struct buf *scratch, struct buf *out)
{
    scratch->n = 0;
    f->html = html;
    if (html)
        buf_str(scratch, c->page[0]);
    for (unsigned i = 0; i < c->blocks; i++) {
        if (html) {
            put_html_block(c, &c->block[i], f, scratch);
            continue;
        }
        put_block(c, &c->block[i], f, scratch);
        buf_str(scratch, "\r\n\r\n");
    }
    if (html && c->form == MAIL_IMAGE)
        buf_printf(scratch, "<img src=\"cid:%s\">\r\n", c->file_name);
    if (html)
        buf_str(scratch, c->page[1]);
    else if (scratch->n >= 2)
        scratch->n -= 2; /* no empty line at its end */
    mail_wrap(buf_as_span(scratch), html ? (c->width & 1 ? LINE_HARD : c->width) : c->width, out);
}

void mail_put_subject(const struct mail_campaign *c, struct mail_filling *f, struct buf *out)
{
    unsigned which = rng_below(f->r, c->subjects), kind = c->subject_kind;
    f->html = false;
    if (kind == MAIL_SUBJECT_ME || kind == MAIL_SUBJECT_ME_WORDS) {
        buf_span(out, f->me);
        buf_str(out, kind == MAIL_SUBJECT_ME ? ", " : " ");
    } else if (kind == MAIL_SUBJECT_RE) {
        buf_str(out, rng_chance(f->r, 0.6) ? "Re: " : "Fwd: ");
    }
    if (kind != MAIL_SUBJECT_RANDOM)
        mail_put_items(c, &c->text, c->subject_at[which], c->subject_at[which + 1], f, out);
    if (kind == MAIL_SUBJECT_WORDS || kind == MAIL_SUBJECT_ME_WORDS ||
        kind == MAIL_SUBJECT_RANDOM) {
        if (kind != MAIL_SUBJECT_RANDOM)
            buf_byte(out, ' ');
        for (unsigned n = 1 + rng_below(f->r, 4); n > 0; n--)
            put_word(rng_chance(f->r, 0.6) ? f->words->noun : f->words->adj, f, out);
        out->n--;
    }
}

/* ---- links ---- */

static void put_domain(uint64_t seed, const struct mail_campaign *c, uint32_t number,
                       struct buf *out)
{
    static const char *const zones[] = {".example", ".example", ".test", ".invalid"};
    static const char *const words[MAIL_HAM][6] = {
        [MAIL_PHARMACY] = {"med", "pill", "health", "drug", "care", "rx"},
        [MAIL_REPLICA] = {"watch", "lux", "time", "swiss", "style", "gold"},
        [MAIL_CASINO] = {"win", "spin", "vegas", "bet", "luck", "play"},
        [MAIL_DATING] = {"love", "date", "girl", "heart", "meet", "kiss"},
        [MAIL_STOCK] = {"invest", "trade", "stock", "gain", "market", "fund"},
        [MAIL_MALWARE] = {"card", "update", "photo", "track", "video", "secure"},
        [MAIL_PHISHING] = {"secure", "login", "account", "verify", "bank", "online"},
        [MAIL_419] = {"lotto", "trust", "union", "claim", "world", "agent"},
        [MAIL_SOFTWARE] = {"soft", "oem", "code", "pc", "disk", "byte"},
        [MAIL_LOAN] = {"loan", "rate", "home", "credit", "lend", "cash"}};
    static const struct mail_shape_words none;
    struct rng r = rng_stream(seed, RNG_MAIL_DOMAIN, c->number, number);
    const char *rest = c->domain_shape;
    for (const char *dollar; (dollar = strchr(rest, '$')); rest = dollar + 1) {
        char before[48];
        memcpy(before, rest, (size_t)(dollar - rest));
        before[dollar - rest] = 0;
        mail_shape_put(before, &none, &r, out);
        buf_str(out, words[c->topic][rng_below(&r, 6)]);
    }
    mail_shape_put(rest, &none, &r, out);
    buf_str(out, zones[rng_below(&r, 4)]);
}

void mail_put_link(uint64_t seed, const struct mail_campaign *c, struct rng *r, struct buf *url,
                   struct buf *host)
{
    static const struct mail_shape_words none;
    /* In waves: the window of domains in use moves on as the campaign goes. */
    uint32_t number = (uint32_t)((double)c->domains * (double)c->sent / (double)c->mails);
    number = (number + rng_below(r, c->window)) % c->domains;
    if (c->host_kind == 1)
        mail_shape_put("www.", &none, r, host);
    else if (c->host_kind == 2)
        mail_shape_put("%3-8a.", &none, r, host);
    if (c->host_kind == 3) {
        struct rng at = rng_stream(seed, RNG_MAIL_DOMAIN, c->number, number);
        struct ip ip =
            ip_from_v4(0xc6336400u + 1 + rng_below(&at, 254)); /* 198.51.100.0/24: documentation */
        mail_put_address(host, &ip, '.');
    } else {
        put_domain(seed, c, number, host);
    }
    buf_str(url, "http://");
    buf_span(url, buf_as_span(host));
    mail_shape_put(c->path, &none, r, url);
    buf_byte(host, 0);
    host->n--;
}
