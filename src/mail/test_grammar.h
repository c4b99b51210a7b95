/* Tests: mails of made-up campaigns. A template's source is text with fields in braces:
 *   {w} a common word   {t20} so many words of text   {n4-6} digits   {x8} hex   {r5-9} small
 * letters {N} a first name    {D} a rotating domain         {a|b|c} one of these
 *   {?85|...} text that is there in 85 % of the mails {o|word} the word, disguised anew each time
 * \n ends a line. Nothing nests. The same seed gives the same mails. */
#pragma once

#include <stdlib.h>

#include "mail/template.h"

struct grammar_random {
    uint64_t s;
};

static inline uint32_t grammar_next(struct grammar_random *r)
{
    r->s += 0x9e3779b97f4a7c15; /* splitmix64 */
    uint64_t z = r->s;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (uint32_t)((z ^ z >> 31) >> 16);
}
static inline uint32_t grammar_below(struct grammar_random *r, uint32_t n)
{
    return grammar_next(r) % n;
}

static const char *const grammar_words[] = {
    "the",       "a",         "of",        "and",           "window",
    "river",     "stone",     "morning",   "letter",        "quiet",
    "garden",    "because",   "never",     "evening",       "travel",
    "horse",     "committee", "report",    "meeting",       "schedule",
    "attached",  "please",    "regarding", "university",    "thermal",
    "carbon",    "glacier",   "spectrum",  "encyclopaedia", "province",
    "dynasty",   "castle",    "regiment",  "theorem",       "peninsula",
    "orchestra", "velocity",  "harvest",   "lantern",       "mirror",
    "to",        "in",        "is",        "was",           "for",
    "with",      "on",        "it",
};
static const char *const grammar_names[] = {
    "Alice",  "Bob",   "Carol",    "Dmitri", "Eve",      "Fatima", "Georg",
    "Hiroko", "Ivan",  "Jean-Luc", "Karin",  "Lucia",    "Mehmet", "Nadia",
    "Oscar",  "Priya", "Quentin",  "Rosa",   "Svetlana", "Tom",
};

static inline void grammar_run(struct grammar_random *r, const char *letters, const char *range,
                               struct buf *out)
{
    unsigned least = (unsigned)strtoul(range, (char **)&range, 10);
    unsigned most = *range == '-' ? (unsigned)strtoul(range + 1, NULL, 10) : least;
    unsigned n = least + grammar_below(r, most - least + 1);
    for (uint32_t k = (uint32_t)strlen(letters); n; n--)
        buf_byte(out, (uint8_t)letters[grammar_below(r, k)]);
}

static inline void grammar_text(struct grammar_random *r, unsigned words, struct buf *out)
{
    for (unsigned i = 0; i < words; i++) {
        uint32_t k = grammar_below(r, sizeof grammar_words / sizeof *grammar_words);
        if (i)
            buf_str(out, grammar_below(r, 9) == 0 ? ", " : " ");
        buf_str(out, grammar_words[k]);
    }
}

static inline void grammar_disguise(struct grammar_random *r, struct span word, struct buf *out)
{
    for (size_t i = 0; i < word.n; i++) {
        const char *other = word.p[i] == 'i'   ? "1!"
                            : word.p[i] == 'a' ? "@4"
                            : word.p[i] == 'o' ? "0"
                                               : "";
        if (*other && grammar_below(r, 2))
            buf_byte(out, (uint8_t)other[grammar_below(r, (uint32_t)strlen(other))]);
        else
            buf_byte(out, word.p[i]);
        if (grammar_below(r, 8) == 0)
            buf_byte(out, ".-_"[grammar_below(r, 3)]);
    }
}

static inline void grammar_expand(struct grammar_random *r, const char *source, struct buf *out);

static inline void grammar_field(struct grammar_random *r, struct span f, struct buf *out)
{
    char text[2048];
    if (f.n >= sizeof text)
        abort();
    memcpy(text, f.p, f.n);
    text[f.n] = 0;
    char *bar = strchr(text, '|');
    if (*text == '?') {
        if (grammar_below(r, 100) < strtoul(text + 1, NULL, 10))
            buf_str(out, bar + 1);
    } else if (*text == 'o' && bar) {
        grammar_disguise(r, span_str(bar + 1), out);
    } else if (bar) {
        unsigned n = 1;
        for (char *p = text; *p; p++)
            n += *p == '|';
        char *p = text;
        for (unsigned skip = grammar_below(r, n); skip; skip--)
            p = strchr(p, '|') + 1;
        buf_put(out, p, strcspn(p, "|"));
    } else if (*text == 'w') {
        grammar_text(r, 1, out);
    } else if (*text == 't') {
        grammar_text(r, (unsigned)strtoul(text + 1, NULL, 10) / 2 + grammar_below(r, 20), out);
    } else if (*text == 'n') {
        grammar_run(r, "0123456789", text + 1, out);
    } else if (*text == 'x') {
        grammar_run(r, "0123456789abcdef", text + 1, out);
    } else if (*text == 'r') {
        grammar_run(r, "abcdefghijklmnopqrstuvwxyz", text + 1, out);
    } else if (*text == 'N') {
        buf_str(out, grammar_names[grammar_below(r, sizeof grammar_names / sizeof *grammar_names)]);
    } else if (*text == 'D') {
        grammar_run(r, "abcdefghijklmnopqrstuvwxyz", "4-11", out);
        static const char *const top[] = {".com", ".hk", ".info", ".co.uk", ".cn"};
        buf_str(out, top[grammar_below(r, 5)]);
    } else {
        abort();
    }
}

static inline void grammar_expand(struct grammar_random *r, const char *source, struct buf *out)
{
    while (*source) {
        if (*source != '{') {
            buf_byte(out, (uint8_t)*source++);
            continue;
        }
        const char *end = strchr(source, '}');
        grammar_field(r, span_of(source + 1, (size_t)(end - source - 1)), out);
        source = end + 1;
    }
}

struct grammar_source {
    const char *subject, *from, *body, *url, *message_id;
};

static inline struct span grammar_keep(struct arena *arena, struct buf *b)
{
    struct span s = span_of(arena_copy(arena, b->p, b->n), b->n);
    b->n = 0;
    return s;
}

/* A mail; its raw bytes are plain headers and the body with the URL behind it, CRLF as sent. */
static inline void grammar_mail(struct grammar_random *r, const struct grammar_source *g,
                                struct arena *arena, struct template_text *out)
{
    struct buf b = {0};
    *out = (struct template_text){.url = arena_alloc(arena, sizeof *out->url)};
    grammar_expand(r, g->subject, &b);
    out->subject = grammar_keep(arena, &b);
    grammar_expand(r, g->from, &b);
    out->from = grammar_keep(arena, &b);
    grammar_expand(r, g->body, &b);
    out->body = grammar_keep(arena, &b);
    grammar_expand(r, g->message_id, &b);
    out->message_id = grammar_keep(arena, &b);
    if (*g->url) {
        grammar_expand(r, g->url, &b);
        out->url[out->urls++] = grammar_keep(arena, &b);
    }
    buf_str(&b, "Received: from x (y [192.0.2.1])\r\nSubject: ");
    buf_span(&b, out->subject);
    buf_str(&b, "\r\nMIME-Version: 1.0\r\n\r\n");
    for (size_t i = 0; i < out->body.n; i++) {
        if (out->body.p[i] == '\n')
            buf_byte(&b, '\r');
        buf_byte(&b, out->body.p[i]);
    }
    if (out->urls) {
        buf_str(&b, "\r\n");
        buf_span(&b, out->url[0]);
    }
    buf_str(&b, "\r\n");
    out->raw = grammar_keep(arena, &b);
    buf_free(&b);
}

static const struct grammar_source grammar_campaigns[] = {
    /* pharmacy, prices and rotating domains */
    {"{N}, SPECIAL PHARMACY DISCOUNT for you {n3-5}", "{N} {N}",
     "Dear {N},\n\nExpress Drug Mart has Viagraa at ${n1}.{n2} and Cialiss at ${n1}.{n2} per "
     "D0SE.\n"
     "Established by a reputable Canadian Doctor.\n\n{?70|Order today and shipping costs you "
     "nothing at all.\n\n}"
     "{t40}\n\nSee what meds has special discount\n",
     "http://{D}/rx/{x8}.php?id={n3-6}", "<{n14}.{n4-5}.qmail@{D}>"},
    /* watches: disguised words, random text before and behind */
    {"{Luxury|Exclusive|Designer} timepieces {t3}", "{N}",
     "{t30}\n\nPrestige {o|replica} chronometers at swissbargain prices:\nR0lex, Brietling and "
     "Omegaa from ${n3}\n\n"
     "Order reference {x12}\n\n{t60}\n",
     "http://www.{D}/{r6-10}/", "<000{x9}${x8}${x8}@{r5-9}>"},
    /* almost all of it random: short, a picture behind the link */
    {"RE: MedHelp {n5-16}", "Canadian Doctor {N}", "{t4}", "http://www.{D}/index1.htm",
     "<{n14}.{n4-5}.qmail@{D}>"},
    /* stock, in one long paragraph */
    {"{t4}", "{N} {N}",
     "Hot stock alert! Symbol: CYTV. Projected {7 day|5 day|weekly} trading price: ${n1}.{n2}. "
     "Current ${n1}.{n2}. "
     "CytoGenix Vaccines announces the breakthrough merger with Amerossi Holdings, watch it "
     "explode on {Monday|Tuesday|Friday}!\n{t80}\n",
     "", "<{x8}.{n7}@{D}>"},
    /* French phishing, UTF-8 */
    {"Avis important de {N}: vérifiez votre accès", "Groupe Desjardins",
     "Cher(e) membre,\n\nVotre dernière transaction n'a pas été enregistrée dû à un nombre élevé "
     "de transactions "
     "simultanées.\nNuméro de dossier: {n8}\n\n{?50|Nous vous prions de nous excuser de ce "
     "contretemps.\n}Le département de vérification comptable\n",
     "http://{D}/~{r4-7}/accesd/logon.php", "<E{x6}-000{x3}-{x2}@{D}>"},
    /* 419: long fixed text, optional paragraphs, names */
    {"{URGENT|Urgent} BUSINESS PROPOSAL FROM BARRISTER {N}", "Barrister {N}",
     "ATTN: Sir/Madam,\n\nI am Barrister {N}, solicitor to the late engineer Morris Thompson who "
     "perished with his entire "
     "family in the Kenya Airways crash.\n\n{?80|He deposited a consignment with a security firm "
     "in Accra.\n\n}"
     "The sum involved is US${n2}.{n1} million dollars, and the bank has mandated me to present "
     "the next of kin.\n\n"
     "{?40|Kindly furnish your telephone and fax numbers.\n\n}Reply to my confidential mailbox: "
     "{r6-10}@{D}\n",
     "", "<{x16}@{D}>"},
};
#define GRAMMAR_CAMPAIGNS (sizeof grammar_campaigns / sizeof *grammar_campaigns)

/* Ordinary mail with what ordinary mail has. */
static const struct grammar_source grammar_ham = {
    "{Re: |Fwd: |}{t5}", "{N} {N}",
    "{Hi|Dear|Hello} {N},\n\n{t60}\n\n{t40}\n\n{?40|Click here to unsubscribe from this mailing "
    "list. All rights "
    "reserved.\n\n}On Mon, Apr {n2}, 2007 at {n2}:{n2}, {N} wrote:\n> {t20}\n> {t20}\n\n{Best "
    "regards|Thanks|Cheers},\n{N}\n",
    "http://www.example.org/{r3-6}/{n2}.html", "<{x8}.{n7}@example.org>"};
