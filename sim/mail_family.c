#include "sim/mail_family.h"

#include <stdio.h>
#include <stdlib.h>

#define PICK(r, list) ((list)[rng_below((r), sizeof(list) / sizeof *(list))])

/* Parts of the rustock scenario's networks. */
const struct mail_network mail_networks[] = {
    {"59.88.0.0/16", 9829, "IN", 5},    {"117.192.0.0/16", 9829, "IN", 5},
    {"122.162.0.0/16", 24560, "IN", 5}, {"177.94.0.0/17", 27699, "BR", -3},
    {"177.32.0.0/18", 28573, "BR", -3}, {"37.20.0.0/16", 12389, "RU", 3},
    {"92.124.0.0/16", 12389, "RU", 3},  {"78.162.0.0/15", 9121, "TR", 2},
    {"73.0.0.0/18", 7922, "US", -6},    {"99.32.0.0/18", 7018, "US", -6},
    {"14.160.0.0/16", 45899, "VN", 7},  {"178.92.0.0/16", 6849, "UA", 2},
    {"86.192.0.0/18", 3215, "FR", 1},   {"36.64.0.0/16", 7713, "ID", 7},
};

unsigned mail_networks_count(void)
{
    return sizeof mail_networks / sizeof *mail_networks;
}

struct ip mail_client_address(uint64_t seed, unsigned family, unsigned of, uint32_t client,
                              unsigned *net)
{
    static struct net nets[sizeof mail_networks / sizeof *mail_networks];
    if (!nets[0].set)
        for (unsigned i = mail_networks_count(); i-- > 0;)
            net_parse(span_str(mail_networks[i].net), &nets[i]);
    struct rng r = rng_stream(seed, RNG_MAIL_CLIENT, family, client);
    *net = rng_below(&r, mail_networks_count());
    uint32_t last, base = ip_v4(&nets[*net].ip), slots = (1u << (32 - nets[*net].bits)) / of;
    do
        last = rng_below(&r, slots) * of + family;
    while ((last & 255) == 0 || (last & 255) == 255);
    return ip_from_v4(base + last);
}

/* ---- mailers ---- */

static const char *const message_ids[] = {
    "<%12x$%8x$%8x@%h>",
    "<%D.%5d.qmail@%h>",
    "<%8X.%7d@%h>",
    "<%32x@%h>",
    "<%10d.%D@%h>",
    "<%7a.%6d@%h>",
    "<%8X-%4X-%4X-%12X@%h>",
    "<%t.%6m@%h>",
    "<%18m@%s.%h>",
    "<%4d%6a%5d@%h>",
    "<%11u@%h>",
    "<%s-%8d@%h>",
    "<%6A$%6A@%h>",
    "<%3d.%3d.%10d@%h>",
    "<%24m@localhost>",
    "<%16X@%s>",
};
static const char *const boundaries[] = {
    "----=_NextPart_%3d_%4X_%8X.%8X",
    "--------------%24d",
    "%20m",
    "=_%32x",
    "----------%14d%6X",
    "b%1d_%32x",
    "Boundary_%10u=",
    "==%16u==",
    "----%6A%12d",
    "_----------=_%10d%5d",
    "%8a-%8a-%4d",
};
static const char *const mailers[] = {
    "X-Mailer: Microsoft Outlook Express 6.00.2900.%4d",
    "X-Mailer: Microsoft Outlook, Build 10.0.%4d",
    "X-Mailer: The Bat! (v%1d.%2d) Business",
    "User-Agent: Mozilla Thunderbird 2.0.0.%2d (Windows/2008%4d)",
    "X-Mailer: PHPMailer [version 1.%2d]",
    "X-Mailer: Internet Mail Service (5.5.%4d.%2d)",
    "X-Mailer: QUALCOMM Windows Eudora Version %1d.%1d",
    "X-Mailer: Apple Mail (2.%3d)",
    "User-Agent: Mutt/1.4.%1di",
    "X-mailer: Foxmail %1d.%1d [cn]",
    "X-Mailer: AOL %1d.0 for Windows US sub %3d",
    "X-Mailer: MailSend %1d.%2d",
    "",
};
static const char *const locals[] = {
    "%6-9a%4d",   "%5-11a",   "%4-8a.%4-9a", "%3-7a_%2d", "%1a%6-9a",  "%8m",
    "%2-4a%2-5d", "info-%4a", "bounce-%8d",  "%5-8A",     "%4-6a-%3d", "news%3d",
};
static const char *const organizations[] = {"%5-9A Ltd", "%4-8a", "Home", "%3A"};

/* Orders that people's mail programs have, then pulled about. */
static const uint8_t orders[][12] = {
    {MAIL_H_MESSAGE_ID, MAIL_H_FROM, MAIL_H_TO, MAIL_H_SUBJECT, MAIL_H_DATE, MAIL_H_MIME_VERSION,
     MAIL_H_CONTENT, MAIL_H_PRIORITY, MAIL_H_MS_PRIORITY, MAIL_H_MAILER, MAIL_H_MIMEOLE,
     MAIL_HEADERS},
    {MAIL_H_DATE, MAIL_H_FROM, MAIL_H_MAILER, MAIL_H_PRIORITY, MAIL_H_MESSAGE_ID, MAIL_H_TO,
     MAIL_H_SUBJECT, MAIL_H_MIME_VERSION, MAIL_H_CONTENT, MAIL_HEADERS},
    {MAIL_H_FROM, MAIL_H_TO, MAIL_H_DATE, MAIL_H_SUBJECT, MAIL_H_MESSAGE_ID, MAIL_H_MIME_VERSION,
     MAIL_H_CONTENT, MAIL_HEADERS},
    {MAIL_H_TO, MAIL_H_SUBJECT, MAIL_H_FROM, MAIL_H_REPLY_TO, MAIL_H_MIME_VERSION, MAIL_H_CONTENT,
     MAIL_H_MAILER, MAIL_H_MESSAGE_ID, MAIL_H_DATE, MAIL_HEADERS},
    {MAIL_H_MIME_VERSION, MAIL_H_DATE, MAIL_H_MESSAGE_ID, MAIL_H_SUBJECT, MAIL_H_FROM, MAIL_H_TO,
     MAIL_H_CONTENT, MAIL_HEADERS},
    {MAIL_H_SUBJECT, MAIL_H_FROM, MAIL_H_TO, MAIL_H_CONTENT, MAIL_H_DATE, MAIL_H_MIME_VERSION,
     MAIL_H_MAILER, MAIL_H_MESSAGE_ID, MAIL_HEADERS},
};

static void make_order(struct rng *r, struct mail_mailer *m)
{
    static const uint8_t extra[] = {MAIL_H_IMPORTANCE, MAIL_H_ORGANIZATION, MAIL_H_ORIGINATING,
                                    MAIL_H_THREAD,     MAIL_H_SENDER,       MAIL_H_REPLY_TO};
    const uint8_t *from = orders[rng_below(r, sizeof orders / sizeof *orders)];
    while (from[m->headers] != MAIL_HEADERS) {
        m->header[m->headers] = from[m->headers];
        m->headers++;
    }
    if (rng_chance(r, 0.5)) { /* one that others do not have */
        uint8_t add = PICK(r, extra), at = (uint8_t)rng_below(r, m->headers + 1u);
        if (!memchr(m->header, add, m->headers)) {
            memmove(m->header + at + 1, m->header + at, m->headers - at);
            m->header[at] = add;
            m->headers++;
        }
    }
    for (unsigned swaps = rng_below(r, 3); swaps > 0; swaps--) {
        unsigned at = rng_below(r, m->headers - 1u);
        uint8_t t = m->header[at];
        m->header[at] = m->header[at + 1];
        m->header[at + 1] = t;
    }
}

static void make_mailer(struct rng *r, struct mail_mailer *m)
{
    make_order(r, m);
    m->case_of_names = (uint8_t)(rng_chance(r, 0.5) ? 0 : rng_below(r, 3));
    m->zone = (uint8_t)rng_below(r, 6);
    m->weekday = rng_chance(r, 0.85);
    m->pad = rng_chance(r, 0.6);
    m->name_style = (uint8_t)rng_below(r, 5);
    m->to_name = rng_chance(r, 0.3);
    m->one_from = rng_chance(r, 0.75);
    m->fold_tab = rng_chance(r, 0.5);
    m->quoted = rng_chance(r, 0.7);
    m->encoding_first = rng_chance(r, 0.25);
    m->prologue = rng_chance(r, 0.5);
    m->lower_encoding = rng_chance(r, 0.85);
    m->encoding = (uint8_t)(rng_chance(r, 0.4)   ? MAIL_8BIT
                            : rng_chance(r, 0.7) ? MAIL_QUOTED_PRINTABLE
                                                 : MAIL_BASE64);
    mail_shape_vary(PICK(r, message_ids), r, m->message_id, sizeof m->message_id);
    mail_shape_vary(PICK(r, boundaries), r, m->boundary, sizeof m->boundary);
    snprintf(m->local, sizeof m->local, "%s", PICK(r, locals));
    struct buf text = {0};
    struct mail_shape_words none = {0};
    const char *mailer = PICK(r, mailers);
    if (rng_chance(r, 0.6)) { /* always the same version */
        mail_shape_put(mailer, &none, r, &text);
        buf_byte(&text, 0);
        mailer = (const char *)text.p;
    }
    snprintf(m->mailer, sizeof m->mailer, "%s", mailer);
    snprintf(m->mime_ole, sizeof m->mime_ole, "Produced By Microsoft MimeOLE V6.00.2900.%04u",
             rng_below(r, 10000));
    snprintf(m->organization, sizeof m->organization, "%s", PICK(r, organizations));
    buf_free(&text);
}

/* ---- dialects ---- */

static void make_dialect(struct rng *r, struct mail_dialect *d)
{
    static const char *const helos[] = {"HELO ", "EHLO ", "helo ", "ehlo ", "Helo ", "EHLO  "};
    static const char *const names[] = {"%h",       "[%i]",    "localhost", "%6a",
                                        "user-%6m", "mail.%h", "PC%6d",     "%I.dyn.%h",
                                        "%8X",      "friend",  "%s.%h"};
    static const char *const froms[] = {
        "MAIL FROM:<", "MAIL FROM: <", "mail from:<", "Mail From: <",
        "MAIL From:<", "MAIL FROM:",   "mail FROM:<"};
    static const char *const tos[] = {"RCPT TO:<", "RCPT TO: <", "rcpt to:<", "Rcpt To: <",
                                      "RCPT To:<", "RCPT TO:",   "rcpt TO:<"};
    static const char *const datas[] = {"DATA", "DATA", "data", "Data", "DATA "};
    static const char *const quits[] = {"QUIT", "QUIT", "quit", "Quit", "", ""};
    unsigned verb = rng_below(r, 6), style = rng_below(r, 7);
    snprintf(d->helo, sizeof d->helo, "%s", helos[verb]);
    d->extended = (d->helo[0] | 0x20) == 'e';
    snprintf(d->helo_name, sizeof d->helo_name, "%s", PICK(r, names));
    snprintf(d->from, sizeof d->from, "%s", froms[style]);
    snprintf(d->to, sizeof d->to, "%s", tos[rng_chance(r, 0.8) ? style : rng_below(r, 7)]);
    if (d->extended && rng_chance(r, 0.4))
        snprintf(d->parameters, sizeof d->parameters, "%s",
                 rng_chance(r, 0.5) ? " BODY=8BITMIME" : " SIZE=%");
    snprintf(d->data, sizeof d->data, "%s", PICK(r, datas));
    snprintf(d->quit, sizeof d->quit, "%s", PICK(r, quits));
    d->noop = rng_chance(r, 0.1);
    d->rset = rng_chance(r, 0.25);
    d->rset_before_quit = d->quit[0] && rng_chance(r, 0.1);
    d->pipelining = d->extended && rng_chance(r, 0.3);
    d->bare_lf = rng_chance(r, 0.12);
}

void mail_dialect_put(const struct mail_dialect *d, struct buf *out)
{
    buf_printf(out, "%s%s|", d->helo, d->helo_name);
    buf_printf(out, "%s%s%s%s%s|%s|%s|%s", d->noop ? "NOOP|" : "", d->rset ? "RSET|" : "", d->from,
               strchr(d->from, '<') ? ">" : "", d->parameters, d->to, d->data,
               d->rset_before_quit ? "RSET|" : "");
    buf_printf(out, "%s%s%s", d->quit[0] ? d->quit : "(drop)", d->pipelining ? "|pipelined" : "",
               d->bare_lf ? "|LF" : "");
}

/* ---- all of it ---- */

void mail_family_make(uint64_t seed, unsigned number, uint32_t clients, struct mail_family *out)
{
    static const char *const names[] = {
        "rustock-like", "alder",    "birch",    "cedar",   "dogwood", "elm",    "fir",
        "ginkgo",       "hazel",    "ironwood", "juniper", "katsura", "larch",  "maple",
        "nettle",       "osier",    "poplar",   "quince",  "rowan",   "spruce", "teak",
        "upas",         "viburnum", "willow",   "yew",     "zelkova"};
    struct rng r = rng_stream(seed, RNG_MAIL_FAMILY, number, 0);
    *out = (struct mail_family){.clients = clients};
    if (number < sizeof names / sizeof *names)
        snprintf(out->name, sizeof out->name, "%s", names[number]);
    else
        snprintf(out->name, sizeof out->name, "family-%u", number + 1);
    make_mailer(&r, &out->mailer);
    make_dialect(&r, &out->dialect);
    if (number == 0)
        snprintf(out->mailer.local, sizeof out->mailer.local, "%%6-9a%%4d");
}
