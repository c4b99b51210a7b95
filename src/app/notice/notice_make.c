/* A notice's exact bytes, of a template and what the log says. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "app/case/case_name.h"
#include "app/notice/notice.h"
#include "base/mem.h"
#include "report/message.h"
#include "report/notice_message.h"

#define NONCE_LEN 8

/* ---- words ---- */

int notice_words_for(struct notice_case *n, struct span name, enum notice_form form,
                     struct span language, const struct notice_words **out, struct err *err)
{
    struct span kind = span_str(notice_form_name(form));
    *out = notice_find_words(&n->book, name, kind, language);
    if (*out)
        return 0;
    *out = notice_find_words(&n->book, name, kind, span_of(NULL, 0));
    if (!*out)
        return err_set(err, -ENOENT,
                       "no %s template of that name: see `ebb notice template add` (%.*s)",
                       notice_form_name(form), (int)(name.n < 80 ? name.n : 80),
                       name.n ? (const char *)name.p : "");
    if (!n->cli->quiet)
        fprintf(stderr,
                "ebb: warning: template %.*s has no %s in %.*s: the original in %.*s is taken\n",
                (int)name.n, (const char *)name.p, notice_form_name(form), (int)language.n,
                (const char *)language.p, (int)(*out)->act.language.n,
                (const char *)(*out)->act.language.p);
    return 0;
}

int notice_words_read(struct notice_case *n, const struct notice_words *w, struct buf *out,
                      struct err *err)
{
    return casedir_blob(&n->c, w->act.sha256.p, out, err);
}

/* ---- dates ---- */

struct span notice_date(struct arena *arena, int64_t time, struct span language)
{
    static const char *const english[] = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};
    static const char *const russian[] = {"января",   "февраля", "марта",  "апреля",
                                          "мая",      "июня",    "июля",   "августа",
                                          "сентября", "октября", "ноября", "декабря"};
    char at[UTC_TEXT_MAX], out[96];
    utc_format(time, at);
    unsigned month = (unsigned)(at[5] - '0') * 10 + (unsigned)(at[6] - '0') - 1;
    int day = (at[8] - '0') * 10 + at[9] - '0';
    struct span main = span_of(language.p, language.n < 2 ? language.n : 2);
    bool en = span_ieq(main, span_str("en")), ru = span_ieq(main, span_str("ru"));
    int k = en   ? snprintf(out, sizeof out, "%d %s %.4s", day, english[month], at)
            : ru ? snprintf(out, sizeof out, "%d %s %.4s г.", day, russian[month], at)
                 : snprintf(out, sizeof out, "%.10s", at);
    if (time % UTC_DAY)
        k += snprintf(out + k, sizeof out - (size_t)k, "%s%.5s UTC", ru ? " в " : ", ", at + 11);
    return span_of(arena_copy(arena, out, (size_t)k), (size_t)k);
}

/* ---- values ---- */

struct assets {
    struct arena *arena;
    struct span *items;
    size_t n, cap;
    struct err *err;
};

static int add_asset(void *ctx, const struct casebook_asset *a)
{
    struct assets *l = ctx;
    char text[CASE_NAME_MAX + 16];
    if (a->state == CASEBOOK_RELEASED)
        return 0;
    if (l->n == NOTICE_ITEMS_MAX)
        return err_set(l->err, -EFBIG, "more than %d assets in one notice", NOTICE_ITEMS_MAX);
    case_name_format(&a->act, text, sizeof text);
    size_t k = strlen(text);
    l->items = mem_room(l->items, l->n, &l->cap, sizeof *l->items);
    l->items[l->n++] = span_of(arena_copy(l->arena, text, k), k);
    return 0;
}

/* The party's own, by entry; or all of the order's. */
static int read_assets(struct notice_case *n, const struct notice_order *o,
                       const struct notice_party *p, struct assets *l, struct err *err)
{
    struct casebook_clock clock = {n->now, 0};
    struct casebook_asset_query q = {.order = o->entry, .names = true};
    struct cur c = cur_of(p ? p->act.assets : span_of(NULL, 0));
    int rc = 0;
    if (!cur_left(&c))
        return casebook_assets(n->c.casebook, &q, &clock, add_asset, l, err);
    for (bool more = true; rc == 0 && more;) {
        uint64_t entry = 0;
        for (; cur_left(&c) && *c.p >= '0' && *c.p <= '9'; c.p++)
            entry = entry * 10 + (uint64_t)(*c.p - '0');
        q.entry = entry;
        if (entry)
            rc = casebook_assets(n->c.casebook, &q, &clock, add_asset, l, err);
        more = cur_left(&c) > 0;
        c.p += more;
    }
    return rc;
}

static struct span number(struct arena *arena, size_t v)
{
    char text[24];
    int k = snprintf(text, sizeof text, "%zu", v);
    return span_of(arena_copy(arena, text, (size_t)k), (size_t)k);
}

static void put_court(struct notice_case *n, const struct notice_order *o,
                      const struct notice_party *p, struct span language, struct span *text)
{
    const struct notice_hearing *h = notice_hearing_of(&n->book, o->entry);
    int64_t deadline = p ? notice_deadline(&n->book, p, h) : h ? h->act.deadline : ACT_FOREVER;
    text[NOTICE_COURT] = o->court;
    text[NOTICE_DOCKET] = o->docket;
    text[NOTICE_JURISDICTION] = o->jurisdiction;
    text[NOTICE_ORDER] = o->id;
    text[NOTICE_SCOPE] = o->scope;
    text[NOTICE_ORDER_DATE] = notice_date(&n->arena, o->from - o->from % UTC_DAY, language);
    if (h && h->act.when != ACT_FOREVER)
        text[NOTICE_HEARING] = notice_date(&n->arena, h->act.when, language);
    if (h)
        text[NOTICE_HEARING_PLACE] = h->act.place;
    if (deadline != ACT_FOREVER)
        text[NOTICE_DEADLINE] = notice_date(&n->arena, deadline, language);
}

int notice_values_make(struct notice_case *n, const struct notice_order *o,
                       const struct notice_party *party, const struct notice_contact *contact,
                       const struct notice_words *words, struct notice_values *out, struct err *err)
{
    const struct config_cleanup *config = &n->c.config->cleanup;
    struct assets l = {.arena = &n->arena, .err = err};
    struct span language = words->act.language, *text = out->text;
    *out = (struct notice_values){0};
    int rc = read_assets(n, o, party, &l, err);
    put_court(n, o, party, language, text);
    text[NOTICE_PARTY] = party ? party->act.name : span_of(NULL, 0);
    text[NOTICE_ADDRESS] = contact ? contact->act.address : span_of(NULL, 0);
    text[NOTICE_ASSET_COUNT] = number(&n->arena, l.n);
    text[NOTICE_WEB] = span_str(config->from.page[0] ? config->from.page : config->from.web);
    text[NOTICE_CONTACT] = span_str(config->from.mail);
    text[NOTICE_PHONE] = span_str(config->from.phone);
    text[NOTICE_ORG] = span_str(config->from.org);
    text[NOTICE_SENDER] = span_str(config->from.name[0] ? config->from.name : config->from.org);
    text[NOTICE_CASE] = span_str(n->c.config->name);
    text[NOTICE_DATE] = notice_date(&n->arena, n->now - n->now % UTC_DAY, language);
    text[NOTICE_TRANSLATOR] = words->act.translator;
    if (l.n)
        out->items = (struct span *)(void *)arena_copy(&n->arena, l.items, l.n * sizeof *l.items);
    out->n_items = l.n;
    free(l.items);
    return rc;
}

/* ---- filling ---- */

static int fill(struct notice_case *n, const struct notice_order *o,
                const struct notice_party *party, const struct notice_contact *contact,
                const struct notice_words *w, struct buf *out, struct err *err)
{
    struct notice_values values;
    struct buf words = {0};
    struct err why;
    int rc = notice_words_read(n, w, &words, err);
    if (rc == 0)
        rc = notice_values_make(n, o, party, contact, w, &values, err);
    if (rc == 0) {
        rc = notice_template_fill(buf_as_span(&words), notice_form_of(w->act.form), &values, out,
                                  &why);
        if (rc < 0)
            err_set(err, rc, "template %.*s (%.*s, %.*s), %s", (int)w->act.name.n,
                    (const char *)w->act.name.p, (int)w->act.form.n, (const char *)w->act.form.p,
                    (int)w->act.language.n, (const char *)w->act.language.p, why.text);
    }
    buf_free(&words);
    return rc;
}

/* ---- mail ---- */

/* Which notice a Message-ID stands for is on the log; the id itself says nothing, and cannot be
 * guessed.
 */
static struct span make_id(struct notice_case *n)
{
    const struct config_cleanup *config = &n->c.config->cleanup;
    const char *at = strrchr(config->from.mail, '@');
    const char *host = config->from.domain[0] ? config->from.domain : at ? at + 1 : "";
    uint8_t nonce[NONCE_LEN];
    char hex[2 * NONCE_LEN + 1], text[MESSAGE_ADDRESS_MAX + 1];
    randombytes_buf(nonce, sizeof nonce);
    hex_encode(nonce, sizeof nonce, hex);
    int k = snprintf(text, sizeof text, "notice-%s@%.200s", hex, host);
    return span_of(arena_copy(&n->arena, text, (size_t)k), (size_t)k);
}

static int make_mail(struct notice_case *n, const struct notice_order *o,
                     const struct notice_party *party, const struct notice_contact *contact,
                     struct notice_made *out, struct err *err)
{
    const struct config_cleanup *config = &n->c.config->cleanup;
    struct buf text = {0}, html = {0};
    char language[NOTICE_LANGUAGE_MAX + 1];
    out->html = notice_find_words(&n->book, out->words->act.name, span_str("html"),
                                  out->words->act.language);
    int rc = fill(n, o, party, contact, out->words, &text, err);
    if (rc == 0 && out->html)
        rc = fill(n, o, party, contact, out->html, &html, err);
    if (rc == 0) {
        struct span subject, body;
        notice_text_split(buf_as_span(&text), &subject, &body);
        out->message_id = make_id(n);
        snprintf(language, sizeof language, "%.*s", (int)out->words->act.language.n,
                 (const char *)out->words->act.language.p);
        rc = notice_message(
            &(struct notice_message){.from_name = span_str(config->from.name),
                                     .from = span_str(config->from.mail),
                                     .to_name = party->act.name,
                                     .to = contact->act.address,
                                     .subject = subject.n ? subject : out->words->act.name,
                                     .message_id = out->message_id,
                                     .date = n->now,
                                     .language = language,
                                     .text = body,
                                     .html = buf_as_span(&html)},
            &out->bytes, err);
    }
    buf_free(&text);
    buf_free(&html);
    return rc;
}

/* ---- any channel ---- */

static int make_paper(struct notice_case *n, const struct notice_order *o,
                      const struct notice_party *party, const struct notice_contact *contact,
                      bool letter, struct notice_made *out, struct err *err)
{
    struct buf text = {0};
    int rc = fill(n, o, party, contact, out->words, &text, err);
    if (rc == 0 && letter)
        rc = notice_letter(n, buf_as_span(&text), out->words->act.language, party, contact,
                           &out->bytes, err);
    else if (rc == 0)
        buf_span(&out->bytes, buf_as_span(&text));
    buf_free(&text);
    return rc;
}

int notice_make(struct notice_case *n, const struct notice_order *o,
                const struct notice_party *party, const struct notice_contact *contact,
                struct span template_name, struct notice_made *out, struct err *err)
{
    struct span channel = contact->act.channel;
    bool mail = span_is(channel, "mail"), web = span_is(channel, "web");
    bool letter = span_is(channel, "post") || span_is(channel, "court");
    struct span language = party->act.language;
    *out = (struct notice_made){.media = mail     ? "message/rfc822"
                                         : web    ? "text/html"
                                         : letter ? "application/pdf"
                                                  : "text/plain"};
    int rc = notice_words_for(n, template_name, web ? NOTICE_HTML : NOTICE_TEXT, language,
                              &out->words, err);
    if (rc == 0)
        rc = mail ? make_mail(n, o, party, contact, out, err)
                  : make_paper(n, o, party, contact, letter, out, err);
    sha256(out->bytes.p, out->bytes.n, out->sha256);
    return rc;
}

int notice_make_advertisement(struct notice_case *n, const struct notice_order *o,
                              const struct notice_party *party, const struct notice_words *words,
                              const char *size, struct buf *out, struct err *err)
{
    struct buf text = {0};
    int rc = fill(n, o, party, NULL, words, &text, err);
    if (rc == 0)
        rc = notice_typeset(n, buf_as_span(&text), words->act.language, size, out, err);
    buf_free(&text);
    return rc;
}
