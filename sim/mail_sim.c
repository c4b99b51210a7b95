#include "sim/mail_sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/utc.h"
#include "sim/mail_campaign.h"
#include "sim/mail_encode.h"
#include "sim/mail_ham.h"
#include "sim/mail_headers.h"

#define TAIL_SHARE  5 /* one campaign in so many is tiny: 1 to TAIL_MAX mails */
#define TAIL_MAX    10
#define ZIPF        1.05 /* exponent of the sizes */
#define PER_CLIENT  15   /* mails, about */
#define CLIENTS_MIN 40
#define CLIENTS_MAX 200000
#define RECIPIENTS  20000 /* mailboxes that get mail, of each campaign the same ones */

struct mail_sim {
    struct mail_sim_options o;
    struct mail_grammars *g;
    struct mail_words words;
    struct mail_family family[MAIL_FAMILIES_MAX];
    struct mail_campaign *campaign;
    uint32_t *heap, heaped; /* campaigns by the time of their next mail */
    struct mail_ham *ham;
    uint64_t hams;     /* sent */
    uint32_t ham_next; /* seconds */
    uint64_t number;
    struct span brand[MAIL_TOPICS][MAIL_BRANDS_MAX];
    char *brand_text;
    struct buf text, html, scratch, subject, url, host, me, mailbox, name, to_name, local, file;
};

const char *const mail_domains_isp[] = {
    "speednet.example",  "broadline.test",      "mail.example.net",  "dsl.example.org",
    "cable.example.com", "freemail.example",    "telenor.invalid",   "webpost.example",
    "quicklink.test",    "citynet.example",     "dial.example.net",  "postbox.test",
    "southtel.example",  "northcable.example",  "fibre.example.org", "inbox.invalid",
    "homeline.example",  "webmail.example.com", "airwave.test",      "global.example.net"};
static const char *const sinks[] = {"trap.example", "sink.example", "inbox.example.org",
                                    "users.example.net", "staff.example.com"};

/* ---- setting up ---- */

static int check(const struct mail_sim_options *o, struct err *err)
{
    if (o->campaigns > MAIL_SIM_CAMPAIGNS_MAX)
        return err_set(err, -EINVAL, "--campaigns: more than %u", MAIL_SIM_CAMPAIGNS_MAX);
    if (o->campaigns > o->mails)
        return err_set(err, -EINVAL, "--campaigns: more than there are mails");
    if (o->mails && !o->campaigns)
        return err_set(err, -EINVAL, "--campaigns: none, but mails of them");
    if (o->mails > MAIL_SIM_MAILS_MAX || o->ham > MAIL_SIM_MAILS_MAX)
        return err_set(err, -EINVAL, "--mails: too many");
    if (o->families < 1 || o->families > MAIL_FAMILIES_MAX)
        return err_set(err, -EINVAL, "--families: not 1 to %u", MAIL_FAMILIES_MAX);
    if (o->days < 1 || o->days > MAIL_SIM_DAYS_MAX)
        return err_set(err, -EINVAL, "--days: not 1 to %u", MAIL_SIM_DAYS_MAX);
    if (o->start % UTC_DAY || o->start < UTC_EVENT_MIN ||
        o->start + o->days * UTC_DAY > UTC_EVENT_MAX)
        return err_set(err, -EINVAL, "--start: not a day between 1990 and 2100");
    return 0;
}

/* Sizes: most mails are of a few campaigns (Zipf), some campaigns are tiny. */
static void size_campaigns(struct mail_sim *s)
{
    uint32_t n = s->o.campaigns, tiny = n / TAIL_SHARE;
    uint64_t left = s->o.mails;
    struct rng r = rng_stream(s->o.seed, RNG_MAIL_PLAN, UINT64_MAX, 0);
    double sum = 0;
    for (uint32_t i = 0; i < n - tiny; i++)
        sum += rng_exp(-ZIPF * rng_ln(i + 1.0));
    for (uint32_t i = 0; i < n; i++) {
        s->campaign[i].mails = 1;
        left--;
    }
    uint64_t give = left;
    for (uint32_t i = n - tiny; i < n && left; i++) {
        uint64_t more = rng_below(&r, TAIL_MAX);
        more = more < left / 2 ? more : 0;
        s->campaign[i].mails += more;
        left -= more;
    }
    give = left;
    for (uint32_t i = 0; i < n - tiny; i++) {
        uint64_t more = (uint64_t)((double)give * rng_exp(-ZIPF * rng_ln(i + 1.0)) / sum);
        more = more < left ? more : left;
        s->campaign[i].mails += more;
        left -= more;
    }
    s->campaign[0].mails += left;
}

/* Larger campaigns are not of earlier numbers, nor of one topic or family. */
static void deal_campaigns(struct mail_sim *s)
{
    struct rng r = rng_stream(s->o.seed, RNG_MAIL_PLAN, UINT64_MAX, 1);
    for (uint32_t i = s->o.campaigns; i > 1; i--) {
        uint32_t with = rng_below(&r, i);
        uint64_t t = s->campaign[i - 1].mails;
        s->campaign[i - 1].mails = s->campaign[with].mails;
        s->campaign[with].mails = t;
    }
    for (uint32_t i = 0; i < s->o.campaigns; i++) {
        struct mail_campaign *c = &s->campaign[i];
        c->number = i + 1;
        c->topic = (enum mail_topic)rng_below(&r, MAIL_HAM);
        c->family[0] = rng_below(&r, s->o.families);
        c->families = 1;
        if (s->o.families > 1 && rng_chance(&r, 0.15)) { /* rented by two */
            c->family[1] = (c->family[0] + 1 + rng_below(&r, s->o.families - 1)) % s->o.families;
            c->families = 2;
        }
    }
}

static void make_families(struct mail_sim *s)
{
    for (unsigned f = 0; f < s->o.families; f++) {
        uint64_t mails = 0;
        for (uint32_t i = 0; i < s->o.campaigns; i++)
            for (uint32_t k = 0; k < s->campaign[i].families; k++)
                if (s->campaign[i].family[k] == f)
                    mails += s->campaign[i].mails / s->campaign[i].families;
        uint64_t clients = CLIENTS_MIN + mails / PER_CLIENT;
        mail_family_make(s->o.seed, f, (uint32_t)(clients < CLIENTS_MAX ? clients : CLIENTS_MAX),
                         &s->family[f]);
    }
}

/* Brands' names in small letters. */
static void name_brands(struct mail_sim *s)
{
    struct buf text = {0};
    for (int pass = 0; pass < 2; pass++) {
        size_t at = 0;
        for (unsigned t = 0; t < MAIL_HAM; t++) {
            const struct mail_rule *r = mail_rule(s->g, t, "brand");
            for (unsigned i = 0; r && i < r->n && i < MAIL_BRANDS_MAX; i++) {
                if (pass == 0)
                    buf_span(&text, r->alternative[i]);
                else
                    s->brand[t][i] = span_of(s->brand_text + at, r->alternative[i].n);
                at += r->alternative[i].n;
            }
        }
        if (pass == 0) {
            for (size_t i = 0; i < text.n; i++)
                text.p[i] |= text.p[i] >= 'A' && text.p[i] <= 'Z' ? 0x20 : 0;
            s->brand_text = (char *)text.p;
        }
    }
}

/* ---- the order of time ---- */

static bool before(const struct mail_sim *s, uint32_t a, uint32_t b)
{
    uint32_t x = s->campaign[a].next, y = s->campaign[b].next;
    return x != y ? x < y : a < b;
}

static void sink_down(struct mail_sim *s, uint32_t at)
{
    for (;;) {
        uint32_t child = 2 * at + 1, t = s->heap[at];
        if (child + 1 < s->heaped && before(s, s->heap[child + 1], s->heap[child]))
            child++;
        if (child >= s->heaped || !before(s, s->heap[child], t))
            return;
        s->heap[at] = s->heap[child];
        s->heap[child] = t;
        at = child;
    }
}

static void ham_step(struct mail_sim *s)
{
    struct rng r = rng_stream(s->o.seed, RNG_MAIL_PLAN, 0, 1 + s->hams);
    if (s->hams < s->o.ham)
        s->ham_next =
            (uint32_t)(((double)s->hams + rng_unit(&r)) / (double)s->o.ham * s->o.days * 86400.0);
}

int mail_sim_new(const struct mail_sim_options *o, struct mail_sim **out, struct err *err)
{
    int rc = check(o, err);
    *out = NULL;
    if (rc < 0)
        return rc;
    struct mail_sim *s = mem_zeroed(1, sizeof *s);
    s->o = *o;
    s->g = mail_grammars_new();
    s->words =
        (struct mail_words){mail_rule(s->g, MAIL_HAM, "noun"), mail_rule(s->g, MAIL_HAM, "adj"),
                            mail_rule(s->g, MAIL_HAM, "verbed"), mail_rule(s->g, MAIL_HAM, "first"),
                            mail_rule(s->g, MAIL_HAM, "last")};
    name_brands(s);
    s->campaign = mem_zeroed(o->campaigns, sizeof *s->campaign);
    s->heap = mem_zeroed(o->campaigns, sizeof *s->heap);
    if (o->campaigns) {
        size_campaigns(s);
        deal_campaigns(s);
    }
    make_families(s);
    for (uint32_t i = 0; i < o->campaigns; i++) {
        mail_campaign_plan(o->seed, &s->campaign[i], o->days);
        mail_campaign_make(s->g, o->seed, i + 1, &s->campaign[i]);
        s->heap[s->heaped++] = i;
    }
    for (uint32_t i = s->heaped / 2; i-- > 0;)
        sink_down(s, i);
    s->ham = mail_ham_new(s->g, o->seed, o->ham);
    ham_step(s);
    *out = s;
    return 0;
}

void mail_sim_free(struct mail_sim *s)
{
    if (!s)
        return;
    struct buf *const bufs[] = {&s->text, &s->html,    &s->scratch, &s->subject,
                                &s->url,  &s->host,    &s->me,      &s->mailbox,
                                &s->name, &s->to_name, &s->local,   &s->file};
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
        buf_free(bufs[i]);
    for (uint32_t i = 0; i < s->o.campaigns; i++)
        mail_campaign_free(&s->campaign[i]);
    free(s->campaign);
    free(s->heap);
    free(s->brand_text);
    mail_ham_free(s->ham);
    mail_grammars_free(s->g);
    free(s);
}

/* ---- one mail ---- */

static void put_name(const struct mail_sim *s, struct rng *r, struct buf *out)
{
    out->n = 0;
    buf_span(out, s->words.first->alternative[rng_below(r, s->words.first->n)]);
    buf_byte(out, ' ');
    buf_span(out, s->words.last->alternative[rng_below(r, s->words.last->n)]);
}

/* A mailbox that gets mail: "mary.cook", "mcook", "mary17", "cook_m" at one of the sink's domains.
 */
static void put_recipient(struct mail_sim *s, struct rng *r, struct mail_label *label)
{
    struct rng who = rng_stream(s->o.seed, RNG_MAIL, UINT64_MAX, rng_below(r, RECIPIENTS));
    put_name(s, &who, &s->to_name);
    uint8_t *space = memchr(s->to_name.p, ' ', s->to_name.n);
    size_t first = (size_t)(space - s->to_name.p), last = s->to_name.n - first - 1;
    unsigned shape = rng_below(&who, 4);
    s->me.n = 0;
    buf_put(&s->me, s->to_name.p, shape == 1 ? 1 : first);
    if (shape == 0)
        buf_byte(&s->me, '.');
    if (shape != 2)
        buf_put(&s->me, space + 1, last);
    else
        mail_put_number(&s->me, 10 + rng_below(&who, 90), 2);
    for (size_t i = 0; i < s->me.n; i++)
        s->me.p[i] |= s->me.p[i] >= 'A' && s->me.p[i] <= 'Z' ? 0x20 : 0;
    snprintf(label->to, sizeof label->to, "%.*s@%s", (int)s->me.n, (const char *)s->me.p,
             sinks[rng_below(&who, sizeof sinks / sizeof *sinks)]);
}

static void cut_text(const struct buf *from, char out[MAIL_NAME_MAX])
{
    size_t n = from->n < MAIL_NAME_MAX - 1 ? from->n : MAIL_NAME_MAX - 1;
    memcpy(out, from->p, n);
    out[n] = 0;
}

/* Who sends: a machine of the family, under a made-up address. */
static void choose_sender(struct mail_sim *s, const struct mail_family *f, struct mail_parts *p,
                          struct mail_label *label)
{
    unsigned net;
    uint32_t client = rng_below(p->r, f->clients);
    label->address = mail_client_address(s->o.seed, label->family, s->o.families, client, &net);
    label->port = (uint16_t)(1025 + rng_below(p->r, 64000));
    label->dialect = &f->dialect;
    p->mailer = &f->mailer;
    p->zone = mail_networks[net].zone;
    const char *domain = mail_domains_isp[rng_below(p->r, MAIL_ISPS)];
    p->words = (struct mail_shape_words){.time = label->time - rng_below(p->r, 90) * UTC_SECOND,
                                         .domain = span_str(domain),
                                         .address = label->address};
    s->local.n = 0;
    mail_shape_put(f->mailer.local, &p->words, p->r, &s->local);
    p->words.local = buf_as_span(&s->local);
    snprintf(label->from, sizeof label->from, "%.*s@%s", (int)s->local.n, (const char *)s->local.p,
             domain);
    s->scratch.n = 0;
    mail_shape_put(f->dialect.helo_name, &p->words, p->r, &s->scratch);
    cut_text(&s->scratch, label->helo);
}

/* What the relay that took it wrote: whence, by whom, for whom, when. */
static void put_received(const struct mail_sim *s, const struct mail_label *label, struct rng *r,
                         struct buf *out)
{
    struct mail_shape_words w = {.time = label->time, .address = label->address};
    struct mail_date d = mail_date_of(label->time);
    bool named = rng_chance(r, 0.5);
    buf_str(out, "Received: from ");
    buf_str(out, label->helo);
    buf_str(out, named ? " (host-" : " (");
    if (named)
        mail_shape_put("%I.dyn.example.net ", &w, r, out);
    buf_byte(out, '[');
    mail_put_address(out, &label->address, '.');
    buf_str(out, "])\r\n\tby mx1.relay.example (8.14.4/8.14.4) with ");
    buf_str(out, label->dialect && label->dialect->extended ? "ESMTP" : "SMTP");
    mail_shape_put(" id p%7u%6d\r\n\tfor <", &w, r, out);
    buf_str(out, label->to);
    buf_str(out, ">; ");
    mail_put_date(out, &d, true, true);
    buf_str(out, " +0000\r\n");
}

static void put_file(struct mail_sim *s, const struct mail_campaign *c, struct mail_parts *p)
{
    if (c->form != MAIL_IMAGE && c->form != MAIL_ATTACHMENT)
        return;
    p->file_name = c->file_name;
    p->file_type = c->form == MAIL_IMAGE ? "image/gif" : "application/octet-stream";
    p->inline_file = c->form == MAIL_IMAGE;
    p->file = buf_as_span(&c->file);
    if (c->image_same)
        return;
    s->scratch.n = s->file.n = 0;
    if (c->form == MAIL_IMAGE) { /* a few pixels differ */
        uint64_t seed = rng_stream(s->o.seed, RNG_MAIL_PICTURE, c->number, 0).state;
        mail_put_gif(c->width_px, c->height_px, seed, c->width_px * c->height_px / 50u,
                     rng_next(p->r), &s->scratch);
    } else { /* packed anew */
        uint64_t v = rng_next(p->r);
        buf_span(&s->scratch, buf_as_span(&c->file));
        memcpy(s->scratch.p + 16 + v % (s->scratch.n - 24), &v, 8);
    }
    mail_put_base64(buf_as_span(&s->scratch), &s->file);
    p->file = buf_as_span(&s->file);
}

static void put_texts(struct mail_sim *s, struct mail_campaign *c, struct mail_parts *p,
                      struct mail_label *label)
{
    s->url.n = s->host.n = s->mailbox.n = s->subject.n = s->text.n = s->html.n = 0;
    mail_put_link(s->o.seed, c, p->r, &s->url, &s->host);
    mail_shape_put("%4-8a%2d@", &p->words, p->r, &s->mailbox);
    buf_str(&s->mailbox, mail_domains_isp[c->number % MAIL_ISPS]);
    struct mail_filling f = {.words = &s->words,
                             .r = p->r,
                             .me = buf_as_span(&s->me),
                             .url = buf_as_span(&s->url),
                             .host = buf_as_span(&s->host),
                             .mailbox = buf_as_span(&s->mailbox)};
    mail_put_subject(c, &f, &s->subject);
    struct rng same = *p->r; /* both forms say the same */
    if (c->form != MAIL_HTML && c->form != MAIL_IMAGE)
        mail_put_text(c, &f, false, &s->scratch, &s->text);
    if (c->form == MAIL_HTML || c->form == MAIL_ALTERNATIVE || c->form == MAIL_IMAGE) {
        if (c->form == MAIL_ALTERNATIVE)
            *p->r = same;
        mail_put_text(c, &f, true, &s->scratch, &s->html);
    }
    label->brands = f.brands;
    cut_text(&s->host, label->host);
    if (!f.has_url)
        label->host[0] = 0;
}

static void put_spam(struct mail_sim *s, struct mail_campaign *c, struct buf *mail,
                     struct mail_label *label)
{
    struct rng r = rng_stream(s->o.seed, RNG_MAIL, c->number, c->sent);
    struct mail_parts p = {.r = &r};
    *label = (struct mail_label){.campaign = c->number,
                                 .topic = c->topic,
                                 .family = c->family[c->families > 1 ? rng_below(&r, 2) : 0],
                                 .time = s->o.start + c->next * UTC_SECOND};
    snprintf(label->campaign_name, sizeof label->campaign_name, "c%u", c->number);
    choose_sender(s, &s->family[label->family], &p, label);
    put_recipient(s, &r, label);
    put_name(s, &r, &s->name);
    put_texts(s, c, &p, label);
    put_file(s, c, &p);
    p.from = span_str(label->from);
    char other[MAIL_NAME_MAX]; /* From may be another address */
    if (!p.mailer->one_from) {
        snprintf(other, sizeof other, "%.*s%u@%s", (int)s->local.n, (const char *)s->local.p,
                 rng_below(&r, 100), mail_domains_isp[rng_below(&r, MAIL_ISPS)]);
        p.from = span_str(other);
    }
    p.to = span_str(label->to);
    p.subject = buf_as_span(&s->subject);
    p.name = buf_as_span(&s->name);
    p.to_name = buf_as_span(&s->to_name);
    p.charset = mail_charset_name[c->charset];
    p.text = buf_as_span(&s->text);
    p.html = buf_as_span(&s->html);
    if (s->o.received)
        put_received(s, label, &r, mail);
    mail_put_parts(&p, &s->scratch, mail);
}

static void put_ham(struct mail_sim *s, struct buf *mail, struct mail_label *label)
{
    struct rng r = rng_stream(s->o.seed, RNG_MAIL_HAM, 0, s->hams);
    struct mail_parts p = {.r = &r};
    *label = (struct mail_label){.ham = true,
                                 .topic = MAIL_HAM,
                                 .family = MAIL_FAMILIES_MAX,
                                 .time = s->o.start + s->ham_next * UTC_SECOND};
    put_recipient(s, &r, label);
    mail_ham_write(s->ham, s->hams, &r, buf_as_span(&s->me), &p, label);
    p.to = span_str(label->to);
    p.to_name = buf_as_span(&s->to_name);
    if (s->o.received)
        put_received(s, label, &r, mail);
    mail_put_parts(&p, &s->scratch, mail);
}

int mail_sim_next(struct mail_sim *s, struct buf *mail, struct mail_label *label)
{
    bool ham = s->hams < s->o.ham;
    mail->n = 0;
    if (!s->heaped && !ham)
        return 0;
    if (ham && (!s->heaped || s->ham_next < s->campaign[s->heap[0]].next)) {
        put_ham(s, mail, label);
        s->hams++;
        ham_step(s);
    } else {
        struct mail_campaign *c = &s->campaign[s->heap[0]];
        put_spam(s, c, mail, label);
        c->sent++;
        c->in_burst++;
        if (c->sent < c->mails)
            mail_campaign_step(s->o.seed, c);
        else
            s->heap[0] = s->heap[--s->heaped];
        sink_down(s, 0);
    }
    label->number = ++s->number;
    return 1;
}

/* ---- what is known ---- */

const struct mail_sim_options *mail_sim_options(const struct mail_sim *s)
{
    return &s->o;
}

const struct mail_family *mail_sim_family(const struct mail_sim *s, unsigned number)
{
    return &s->family[number];
}

struct span mail_sim_brand(const struct mail_sim *s, enum mail_topic topic, unsigned number)
{
    return number < MAIL_BRANDS_MAX ? s->brand[topic][number] : (struct span){0};
}

void mail_sim_campaign(const struct mail_sim *s, uint32_t number, struct mail_campaign_facts *out)
{
    const struct mail_campaign *c = &s->campaign[number - 1];
    const struct mail_burst *last = &c->burst[c->bursts - 1];
    *out = (struct mail_campaign_facts){
        .topic = c->topic,
        .mails = c->mails,
        .domains = c->domains,
        .first_day = c->burst[0].begin / 86400,
        .last_day = (last->begin + last->length) / 86400,
        .family = {c->family[0], c->families > 1 ? c->family[1] : MAIL_FAMILIES_MAX},
        .form = mail_form_name[c->form],
        .disguise = mail_disguise_name[c->disguise],
        .salad = mail_salad_name[c->salad],
        .charset = mail_charset_name[c->charset],
        .subject = mail_subject_name[c->subject_kind],
        .hidden = c->salad && c->hide,
        .image_same = c->image_same,
        .spin = c->spin};
    for (unsigned i = 0; i < c->blocks; i++)
        out->fragment |= c->block[i].shared;
}
