#include "sim/mail_campaign.h"

#include <stdio.h>
#include <stdlib.h>

#include "sim/mail_encode.h"

#define PICK(r, list) ((list)[rng_below((r), sizeof(list) / sizeof *(list))])
#define DAY_SECONDS   86400u

const char *const mail_form_name[] = {"text", "html", "alternative", "image", "attachment"};
const char *const mail_disguise_name[] = {"none",       "leet",      "spaced", "dotted",
                                          "zero-width", "homoglyph", "tags",   "doubled"};
const char *const mail_charset_name[] = {"us-ascii", "iso-8859-1", "windows-1252", "utf-8"};
const char *const mail_salad_name[] = {"none", "words", "sentences", "strings"};
const char *const mail_subject_name[] = {"plain",           "recipient", "words",
                                         "recipient-words", "re",        "random"};

static bool chance(struct rng *r, double p)
{
    return rng_chance(r, p);
}

/* ---- when ---- */

/* Begins somewhere, lasts some days (exponential, a third of the time on average), in bursts. */
void mail_campaign_plan(uint64_t seed, struct mail_campaign *c, uint32_t days)
{
    struct rng r = rng_stream(seed, RNG_MAIL_PLAN, c->number, 0);
    uint32_t all = days * DAY_SECONDS - 1;
    uint32_t begin = rng_below(&r, all - all / 20);
    double long_for = rng_exponential(&r, all / 3.0) + 3600;
    uint32_t length = long_for < all - begin ? (uint32_t)long_for : all - begin;
    uint32_t most = c->mails < MAIL_BURSTS_MAX ? (uint32_t)c->mails : MAIL_BURSTS_MAX;
    c->bursts = 1 + rng_below(&r, most);
    double weight[MAIL_BURSTS_MAX], sum = 0;
    for (unsigned i = 0; i < c->bursts; i++)
        sum += weight[i] = rng_exponential(&r, 1) + 0.05;
    uint64_t given = 0;
    uint32_t slot = length / c->bursts + 1;
    for (unsigned i = 0; i < c->bursts; i++) {
        struct mail_burst *b = &c->burst[i];
        b->length = 1 + (uint32_t)(slot * (0.1 + 0.8 * rng_unit(&r)));
        b->begin = begin + i * slot + rng_below(&r, slot > b->length ? slot - b->length : 1);
        b->mails = (uint64_t)((double)c->mails * weight[i] / sum);
        given += b->mails;
    }
    c->burst[rng_below(&r, c->bursts)].mails += c->mails - given;
    mail_campaign_step(seed, c);
}

/* The k-th of n mails falls into the k-th of n equal parts of its burst. */
void mail_campaign_step(uint64_t seed, struct mail_campaign *c)
{
    while (c->at_burst < c->bursts && c->in_burst >= c->burst[c->at_burst].mails) {
        c->at_burst++;
        c->in_burst = 0;
    }
    if (c->at_burst == c->bursts)
        return;
    const struct mail_burst *b = &c->burst[c->at_burst];
    struct rng r = rng_stream(seed, RNG_MAIL_PLAN, c->number, 1 + c->sent);
    c->next = b->begin +
              (uint32_t)(b->length * (((double)c->in_burst + rng_unit(&r)) / (double)b->mails));
}

/* ---- looks ---- */

/* Which topics come in which form, in percent: text, HTML, alternative, image, attachment. */
static const uint8_t forms[MAIL_HAM][MAIL_FORMS] = {
    [MAIL_PHARMACY] = {25, 25, 35, 15, 0}, [MAIL_REPLICA] = {30, 25, 35, 10, 0},
    [MAIL_CASINO] = {30, 30, 35, 5, 0},    [MAIL_DATING] = {50, 20, 25, 5, 0},
    [MAIL_STOCK] = {50, 15, 15, 20, 0},    [MAIL_MALWARE] = {15, 20, 10, 0, 55},
    [MAIL_PHISHING] = {5, 65, 30, 0, 0},   [MAIL_419] = {95, 0, 5, 0, 0},
    [MAIL_SOFTWARE] = {25, 30, 40, 5, 0},  [MAIL_LOAN] = {45, 20, 35, 0, 0},
};

static unsigned weighted(struct rng *r, const uint8_t *percent, unsigned n)
{
    unsigned at = rng_below(r, 100), i = 0;
    while (i + 1 < n && at >= percent[i])
        at -= percent[i++];
    return i;
}

static void make_disguise(struct rng *r, struct mail_campaign *c)
{
    static const uint8_t methods[MAIL_DISGUISES] = {0, 30, 12, 10, 12, 16, 14, 6};
    bool html = c->form == MAIL_HTML;
    c->disguise = chance(r, c->topic == MAIL_419 || c->topic == MAIL_PHISHING ? 0.05 : 0.4)
                      ? (uint8_t)weighted(r, methods, MAIL_DISGUISES)
                      : MAIL_PLAIN;
    if (c->disguise == MAIL_TAGS && !html)
        c->disguise = MAIL_LEET;
    c->disguised = 0.4 + 0.6 * rng_unit(r);
    c->entities = chance(r, 0.5);
    static const uint8_t charsets[MAIL_CHARSETS] = {25, 35, 20, 20};
    c->charset = (uint8_t)weighted(r, charsets, MAIL_CHARSETS);
    if ((c->disguise == MAIL_ZERO_WIDTH || c->disguise == MAIL_HOMOGLYPH) && !(html && c->entities))
        c->charset = MAIL_UTF8;
}

static void make_salad(struct rng *r, struct mail_campaign *c)
{
    static const uint8_t kinds[MAIL_SALADS] = {62, 14, 16, 8};
    c->salad = (uint8_t)weighted(r, kinds, MAIL_SALADS);
    if (c->form == MAIL_IMAGE && !c->salad && chance(r, 0.6))
        c->salad = MAIL_SENTENCES;
    if (c->form == MAIL_HTML && c->salad)
        c->hide = (uint8_t)rng_below(r, MAIL_HIDES);
    c->salad_least = (uint8_t)(c->salad == MAIL_STRINGS ? 1 + rng_below(r, 4)
                                                        : 5 + rng_below(r, c->hide ? 40 : 15));
    c->salad_most = (uint8_t)(c->salad_least + rng_below(r, c->salad_least + 1u));
    c->salad_first = chance(r, 0.3);
}

static void make_page(struct rng *r, struct mail_campaign *c)
{
    static const char *const fonts[] = {"Arial",           "Verdana",     "Tahoma",
                                        "Times New Roman", "Courier New", "Helvetica"};
    static const char *const heads[] = {
        "<html><body>\r\n",
        "<HTML><HEAD></HEAD>\r\n<BODY bgColor=#ffffff>\r\n",
        "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.0 "
        "Transitional//EN\">\r\n<html><head><title></title></head>\r\n<body>\r\n",
        "<html>\r\n<body bgcolor=\"#%06x\" text=\"#000000\">\r\n",
        "<div>\r\n",
        "<html><head><style>p { font-family: sans-serif; }</style></head><body>\r\n"};
    static const char *const tails[] = {"</body></html>\r\n", "</BODY></HTML>\r\n",
                                        "</body></html>\r\n", "</body>\r\n</html>\r\n",
                                        "</div>\r\n",         "</body></html>\r\n"};
    static const char *const opens[] = {"<p>",
                                        "<div>",
                                        "<p align=\"center\">",
                                        "<DIV><FONT face=%s size=2>",
                                        "<tr><td><font face=\"%s\">",
                                        "<b>",
                                        ""};
    static const char *const closes[] = {"</p>\r\n",
                                         "</div><br>\r\n",
                                         "</p>\r\n",
                                         "</FONT></DIV>\r\n<DIV>&nbsp;</DIV>\r\n",
                                         "</font></td></tr>\r\n",
                                         "</b><br><br>\r\n",
                                         "<br>\r\n<br>\r\n"};
    unsigned h = rng_below(r, 6), p = rng_below(r, 7);
    const char *font = PICK(r, fonts);
    bool table = p == 4;
    int n = snprintf(c->page[0], MAIL_STYLE_MAX, heads[h], 0xc0c0c0u | rng_below(r, 0x1000000));
    if (table)
        snprintf(c->page[0] + n, MAIL_STYLE_MAX - (size_t)n, "<table width=\"%u\">\r\n",
                 400 + 20 * rng_below(r, 15));
    snprintf(c->page[1], MAIL_STYLE_MAX, "%s%s", table ? "</table>\r\n" : "", tails[h]);
    snprintf(c->paragraph[0], MAIL_STYLE_MAX, opens[p], font);
    snprintf(c->paragraph[1], MAIL_STYLE_MAX, "%s", closes[p]);
}

/* ---- links ---- */

static void make_links(struct rng *r, struct mail_campaign *c)
{
    static const char *const paths[] = {"/",
                                        "/?%6d",
                                        "/%4-7a/",
                                        "/%3a.php?id=%8x",
                                        "/shop/%3d.html",
                                        "/%2a%4d",
                                        "/index.php?aff=#&uid=%5x",
                                        "/p/#/%6m",
                                        "/?a=#",
                                        "/i.php?u=%12x&m=#",
                                        "/track/%8d/%4d",
                                        "/~%5a/index.html",
                                        "",
                                        "/cgi-bin/go?%4a=%4d",
                                        "/#/%3-8a.htm"};
    static const char *const shapes[] = {"%6-9a",   "$%2-4a", "%2-4a$", "$%2d",
                                         "$-%3-5a", "%5-7m",  "$$"};
    char affiliate[12];
    snprintf(affiliate, sizeof affiliate, "%u", 100 + rng_below(r, 9900));
    const char *path = PICK(r, paths), *mark = strchr(path, '#');
    snprintf(c->path, sizeof c->path, "%.*s%s%s", mark ? (int)(mark - path) : 60, path,
             mark ? affiliate : "", mark ? mark + 1 : "");
    snprintf(c->domain_shape, sizeof c->domain_shape, "%s", PICK(r, shapes));
    double most = (double)c->mails < 400 ? (double)c->mails / 2 + 1 : 200;
    c->domains = (uint32_t)rng_exp(rng_ln(most) * rng_unit(r) * (chance(r, 0.7) ? 1 : 0));
    c->domains = c->domains ? c->domains : 1;
    c->window = chance(r, 0.2) ? c->domains : 1 + rng_below(r, c->domains > 8 ? 4 : 2);
    c->host_kind = (uint8_t)(chance(r, 0.75) ? 0 : chance(r, 0.5) ? 1 : chance(r, 0.6) ? 2 : 3);
    if (c->host_kind == 3 && c->topic != MAIL_PHISHING && c->topic != MAIL_MALWARE)
        c->host_kind = 1;
    c->url_kind = (uint8_t)(chance(r, 0.86) ? 0 : chance(r, 0.6) ? 1 : 2);
}

/* ---- text ---- */

static void begin_block(struct mail_campaign *c)
{
    c->block[c->blocks] = (struct mail_block){.from = (uint32_t)c->text.n};
}

static void end_block(struct mail_campaign *c)
{
    struct mail_block *b = &c->block[c->blocks];
    b->to = (uint32_t)c->text.n;
    if (b->to > b->from && c->blocks + 1 < MAIL_BLOCKS_MAX)
        c->blocks++;
}

static void one_block(struct mail_maker *m, struct mail_campaign *c, const char *rule)
{
    begin_block(c);
    mail_make(m, rule, &c->text);
    end_block(c);
}

/* Sentences, each alternative of the rule at most once, some to a paragraph. */
static void make_sentences(struct mail_maker *m, struct mail_campaign *c, unsigned n)
{
    const struct mail_rule *rule = mail_rule(m->g, m->topic, "sentence");
    uint8_t order[256];
    unsigned all = rule->n < 256 ? rule->n : 255, in_block = 0, per = 1 + rng_below(&m->rng, 4);
    for (unsigned i = 0; i < all; i++)
        order[i] = (uint8_t)i;
    for (unsigned i = 0; i < n; i++) {
        unsigned k = i % all, with = k + rng_below(&m->rng, all - k);
        uint8_t t = order[k];
        order[k] = order[with];
        order[with] = t;
        if (in_block == 0)
            begin_block(c);
        else
            mail_make_text(&c->text, " ");
        mail_make_nth(m, "sentence", order[k], &c->text);
        if (++in_block == per || i + 1 == n) {
            end_block(c);
            in_block = 0;
        }
    }
}

/* The same text for all campaigns of the topic that have it. */
static void shared_block(const struct mail_maker *m, uint64_t seed, struct mail_campaign *c,
                         const char *rule)
{
    struct mail_maker shared = *m;
    const struct mail_rule *r = mail_rule(m->g, m->topic, rule);
    struct rng pick = rng_stream(seed, RNG_MAIL_FRAGMENT, c->number, r ? r->n : 0);
    unsigned which = rng_below(&pick, r->n);
    bool common = mail_rule(m->g, MAIL_HAM, rule) == r;
    shared.rng = rng_stream(seed, RNG_MAIL_FRAGMENT, 1000 + (common ? MAIL_HAM : m->topic), which);
    shared.spin = 0;
    shared.brands = 0;
    begin_block(c);
    c->block[c->blocks].shared = true;
    mail_make_nth(&shared, rule, which, &c->text);
    end_block(c);
}

static void salad_block(struct mail_campaign *c)
{
    if (c->salad && c->blocks < MAIL_BLOCKS_MAX)
        c->block[c->blocks++] = (struct mail_block){.salad = true};
}

static void make_body(struct mail_maker *m, uint64_t seed, struct mail_campaign *c)
{
    struct rng *r = &m->rng;
    bool picture = c->form == MAIL_IMAGE;
    if (c->salad_first)
        salad_block(c);
    if (!picture) {
        if (chance(r, 0.4))
            one_block(m, c, "greeting");
        one_block(m, c, "opening");
        double longer = rng_unit(r); /* 20 words to 400: most are short */
        make_sentences(m, c, 2 + (unsigned)(12 * longer * longer) + (c->topic == MAIL_419 ? 4 : 0));
    }
    /* A picture that differs in each mail has a link, or nothing would tell whose mail it is. */
    if (c->form != MAIL_ATTACHMENT && (!picture || chance(r, 0.3) || !c->image_same))
        one_block(m, c, "call");
    if (!picture && chance(r, 0.35))
        shared_block(m, seed, c, "fragment");
    if (!picture && chance(r, 0.4))
        one_block(m, c, "closing");
    if (!picture && chance(r, 0.25))
        shared_block(m, seed, c, "unsubscribe");
    if (!picture && chance(r, 0.12))
        shared_block(m, seed, c, "disclaimer");
    if (!c->salad_first)
        salad_block(c);
    c->click_at = (uint32_t)mail_make(m, "click", &c->text);
    c->click_end = (uint32_t)c->text.n;
}

static void make_subjects(struct mail_maker *m, struct mail_campaign *c)
{
    static const uint8_t kinds[MAIL_SUBJECTS] = {50, 12, 12, 10, 8, 8};
    c->subject_kind = (uint8_t)weighted(&m->rng, kinds, MAIL_SUBJECTS);
    if (c->family[0] == 0 && chance(&m->rng, 0.7))
        c->subject_kind = MAIL_SUBJECT_ME_WORDS; /* as Rustock's are described */
    c->subjects = chance(&m->rng, 0.5) ? 1 : 1 + rng_below(&m->rng, MAIL_SUBJECTS_MAX);
    for (unsigned i = 0; i < c->subjects; i++)
        c->subject_at[i] = (uint32_t)mail_make(m, "subject", &c->text);
    c->subject_at[c->subjects] = (uint32_t)c->text.n;
}

/* ---- files ---- */

static void make_file(uint64_t seed, struct rng *r, struct mail_campaign *c)
{
    c->width_px = (uint16_t)(40 + rng_below(r, 80));
    c->height_px = (uint16_t)(20 + rng_below(r, 60));
    if (c->form == MAIL_IMAGE) {
        struct buf gif = {0};
        mail_put_gif(c->width_px, c->height_px,
                     rng_stream(seed, RNG_MAIL_PICTURE, c->number, 0).state, 0, 0, &gif);
        if (c->image_same)
            mail_put_base64(buf_as_span(&gif), &c->file);
        buf_free(&gif);
        snprintf(c->file_name, sizeof c->file_name, "%s%u.gif", chance(r, 0.5) ? "img" : "pic",
                 rng_below(r, 1000));
    } else if (c->form == MAIL_ATTACHMENT) {
        static const char *const names[] = {"invoice", "document",  "label", "photo",
                                            "card",    "statement", "report"};
        struct buf zip = {0};
        buf_put(&zip, "PK\x03\x04\x14\0\0\0\x08\0",
                10); /* the beginning of an archive; noise behind it */
        for (unsigned words = 60 + rng_below(r, 200); words > 0; words--) {
            uint64_t v = rng_next(r);
            buf_put(&zip, &v, 8);
        }
        if (c->image_same)
            mail_put_base64(buf_as_span(&zip), &c->file);
        else
            c->file = zip;
        if (c->image_same)
            buf_free(&zip);
        snprintf(c->file_name, sizeof c->file_name, "%s_%u.zip", PICK(r, names),
                 1000 + rng_below(r, 9000));
    }
}

void mail_campaign_make(const struct mail_grammars *g, uint64_t seed, uint32_t number,
                        struct mail_campaign *c)
{
    struct mail_maker m = {.g = g, .rng = rng_stream(seed, RNG_MAIL_CAMPAIGN, number, 0)};
    struct rng *r = &m.rng;
    c->form = (uint8_t)weighted(r, forms[c->topic], MAIL_FORMS);
    make_disguise(r, c);
    make_salad(r, c);
    make_page(r, c);
    make_links(r, c);
    c->image_same = chance(r, 0.4);
    c->width = (uint8_t)(60 + rng_below(r, 19));
    c->spin = chance(r, 0.4) ? 0 : chance(r, 0.7) ? 0.05 : chance(r, 0.8) ? 0.12 : 0.25;
    m.topic = c->topic;
    m.whose = rng_next(r);
    m.spin = c->spin;
    for (unsigned i = 1 + rng_below(r, 3); i > 0; i--) {
        const struct mail_rule *brand = mail_rule(g, c->topic, "brand");
        c->brands |= (uint16_t)(1u << rng_below(r, brand && brand->n ? brand->n : 1));
    }
    m.brands = c->brands;
    make_subjects(&m, c);
    make_body(&m, seed, c);
    make_file(seed, r, c);
}

void mail_campaign_free(struct mail_campaign *c)
{
    mail_program_free(&c->text);
    buf_free(&c->file);
}
