#include "sim/mail_ham.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/utc.h"
#include "sim/mail_encode.h"

#define SOURCES_MAX 256 /* of newsletters and notices each */
#define PER_SOURCE  60  /* mails, about */
#define MAILERS     12

enum kind { NEWSLETTER, NOTICE, LETTER, KINDS };
static const char *const rules[KINDS][3] = {{"newsletter-subject", "newsletter", "unsubscribe"},
                                            {"notification-subject", "notification", ""},
                                            {"personal-subject", "personal", "personal-close"}};
static const char *const kind_names[KINDS] = {"newsletter", "notification", "personal"};

struct mail_ham {
    const struct mail_grammars *g;
    uint64_t seed;
    unsigned sources;
    struct mail_words words;
    struct mail_family family[MAILERS];
    struct mail_program text;
    struct mail_campaign look; /* nothing disguised, nothing added */
    struct buf subject, body, wrapped, name, local, url, host;
};

struct mail_ham *mail_ham_new(const struct mail_grammars *g, uint64_t seed, uint64_t mails)
{
    struct mail_ham *h = mem_zeroed(1, sizeof *h);
    h->g = g;
    h->seed = seed;
    h->sources =
        4 + (unsigned)(mails / PER_SOURCE < SOURCES_MAX - 4 ? mails / PER_SOURCE : SOURCES_MAX - 4);
    h->words = (struct mail_words){mail_rule(g, MAIL_HAM, "noun"), mail_rule(g, MAIL_HAM, "adj"),
                                   mail_rule(g, MAIL_HAM, "verbed"),
                                   mail_rule(g, MAIL_HAM, "first"), mail_rule(g, MAIL_HAM, "last")};
    for (unsigned i = 0; i < MAILERS; i++) {
        struct mail_mailer *m = &h->family[i].mailer;
        mail_family_make(seed, 1000 + i, 1, &h->family[i]);
        m->one_from = true;
        if (m->encoding == MAIL_BASE64)
            m->encoding = MAIL_8BIT;
    }
    return h;
}

void mail_ham_free(struct mail_ham *h)
{
    if (!h)
        return;
    struct buf *const bufs[] = {&h->subject, &h->body, &h->wrapped, &h->name,
                                &h->local,   &h->url,  &h->host};
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
        buf_free(bufs[i]);
    mail_program_free(&h->text);
    free(h);
}

static void put_rule(struct mail_ham *h, struct mail_maker *m, const char *rule,
                     struct mail_filling *f, struct buf *out)
{
    size_t from = mail_make(m, rule, &h->text);
    mail_put_items(&h->look, &h->text, (uint32_t)from, (uint32_t)h->text.n, f, out);
}

static void put_body(struct mail_ham *h, enum kind kind, struct mail_maker *m,
                     struct mail_filling *f)
{
    const struct mail_rule *rule = mail_rule(h->g, MAIL_HAM, rules[kind][1]);
    unsigned lines = kind == NEWSLETTER ? 3 + rng_below(f->r, 6) : 2 + rng_below(f->r, 4);
    unsigned first = rng_below(f->r, rule->n);
    if (kind != NOTICE)
        put_rule(h, m, "greeting", f, &h->body);
    buf_str(&h->body, kind == NOTICE ? "" : ",\r\n\r\n");
    for (unsigned i = 0; i < lines; i++) {
        size_t from = mail_make_nth(m, rules[kind][1], first + i, &h->text);
        mail_put_items(&h->look, &h->text, (uint32_t)from, (uint32_t)h->text.n, f, &h->body);
        buf_str(&h->body, kind == NOTICE || i % 3 == 2 ? "\r\n" : " ");
        if (i % 3 == 2)
            buf_str(&h->body, "\r\n");
    }
    buf_str(&h->body, "\r\n\r\n");
    put_rule(h, m, rules[kind][2], f, &h->body);
    buf_str(&h->body, "\r\n");
}

/* The source's own words: its list, its sender, its mailer. */
static void choose_source(struct mail_ham *h, enum kind kind, unsigned source, struct rng *own,
                          struct mail_parts *p, struct mail_label *label)
{
    const struct mail_words *w = &h->words;
    const struct mail_family *family = &h->family[rng_below(own, MAILERS)];
    static const char *const sender[] = {"news", "noreply", ""};
    h->name.n = h->local.n = h->host.n = 0;
    buf_span(&h->name, w->first->alternative[rng_below(own, w->first->n)]);
    if (kind == LETTER) {
        buf_span(&h->local, buf_as_span(&h->name));
        for (size_t i = 0; i < h->local.n; i++)
            h->local.p[i] |= 0x20;
        buf_byte(&h->local, '.');
    }
    buf_byte(&h->name, ' ');
    struct span last = w->last->alternative[rng_below(own, w->last->n)];
    buf_span(&h->name, last);
    if (kind == LETTER)
        for (size_t i = 0; i < last.n; i++)
            buf_byte(&h->local, last.p[i] | 0x20);
    else
        buf_str(&h->local, sender[kind]);
    buf_span(&h->host, w->noun->alternative[rng_below(own, w->noun->n)]);
    buf_str(&h->host, kind == LETTER         ? ".example.org"
                      : rng_chance(own, 0.5) ? ".example.net"
                                             : ".example");
    label->address =
        ip_from_v4(0xcb007101u + rng_below(own, 250)); /* 203.0.113.0/24: documentation */
    label->port = (uint16_t)(1025 + rng_below(own, 64000));
    label->dialect = &family->dialect;
    label->campaign = kind == LETTER ? 0 : source + 1;
    p->mailer = &family->mailer;
}

void mail_ham_write(struct mail_ham *h, uint64_t n, struct rng *r, struct span me,
                    struct mail_parts *p, struct mail_label *label)
{
    enum kind kind = (enum kind)rng_below(r, KINDS);
    unsigned source = rng_below(r, h->sources);
    uint64_t whose = rng_mix(h->seed + (uint64_t)kind * 1000003u +
                             (kind == LETTER ? 7919 * n + 500000000u : source));
    struct rng own = {whose};
    choose_source(h, kind, source, &own, p, label);
    struct mail_maker m = {.g = h->g, .topic = MAIL_HAM, .whose = whose, .rng = {rng_next(r)}};
    h->text.n = h->text.text.n = h->subject.n = h->body.n = h->wrapped.n = h->url.n = 0;
    p->words =
        (struct mail_shape_words){.time = label->time - (int64_t)rng_below(r, 20) * UTC_SECOND,
                                  .domain = buf_as_span(&h->host),
                                  .local = buf_as_span(&h->local),
                                  .address = label->address};
    snprintf(label->from, sizeof label->from, "%.*s@%.*s", (int)h->local.n,
             (const char *)h->local.p, (int)h->host.n, (const char *)h->host.p);
    snprintf(label->helo, sizeof label->helo, "mail.%.*s", (int)h->host.n, (const char *)h->host.p);
    mail_shape_put("http://www.%h/%3-9a/%4d", &p->words, r, &h->url);
    struct mail_filling f = {.words = &h->words,
                             .r = r,
                             .me = me,
                             .url = buf_as_span(&h->url),
                             .host = buf_as_span(&h->host)};
    put_rule(h, &m, rules[kind][0], &f, &h->subject);
    put_body(h, kind, &m, &f);
    mail_wrap(buf_as_span(&h->body), 74, &h->wrapped);
    if (f.has_url)
        snprintf(label->host, sizeof label->host, "www.%.*s", (int)h->host.n,
                 (const char *)h->host.p);
    snprintf(label->campaign_name, sizeof label->campaign_name, "ham-%s-%llu", kind_names[kind],
             (unsigned long long)(kind == LETTER ? n + 1 : source + 1));
    p->from = span_str(label->from);
    p->name = buf_as_span(&h->name);
    p->subject = buf_as_span(&h->subject);
    p->text = buf_as_span(&h->wrapped);
    p->charset = "us-ascii";
}
