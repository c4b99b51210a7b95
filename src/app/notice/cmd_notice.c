/* ebb notice party add | contact add | template add */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/notice/notice.h"
#include "base/file.h"
#include "event/event.h"
#include "report/message.h"
#include "report/notice_layout.h"
#include "report/notice_message.h"
#include "state/subjects.h"

#define ENTRIES_MAX 2000 /* bytes of a list of entries */

/* ---- lists of entries ---- */

/* "12 80-84": each() gets first and last. 0, or what is wrong. */
static const char *entries_each(const char *text, const char *(*each)(void *, uint64_t, uint64_t),
                                void *ctx)
{
    const char *fault = NULL;
    for (const char *p = text; !fault && *p;) {
        uint64_t first, last;
        int used = 0, more = 0;
        if (sscanf(p, "%19[0-9]%n", (char[20]){0}, &used) != 1)
            return "entries are numbers with blanks between: \"12 80-84\"";
        first = last = strtoull(p, NULL, 10);
        p += used;
        if (*p == '-' && sscanf(p + 1, "%19[0-9]%n", (char[20]){0}, &more) == 1) {
            last = strtoull(p + 1, NULL, 10);
            p += 1 + more;
        }
        if (last < first)
            return "a range that ends before it begins";
        fault = each(ctx, first, last);
        if (*p == ' ')
            p++;
        else if (*p)
            return "entries are numbers with blanks between: \"12 80-84\"";
    }
    return fault;
}

static const char *is_on_log(void *ctx, uint64_t first, uint64_t last)
{
    const struct notice_case *n = ctx;
    return last < journal_committed(n->c.journal) ? NULL : "an entry that is not on the log";
}

static int check_entries(struct notice_case *n, const char *option,
                         const char *(*each)(void *, uint64_t, uint64_t), void *ctx,
                         struct err *err)
{
    const char *text = cli_get(n->cli, option);
    const char *fault = !text                        ? NULL
                        : strlen(text) > ENTRIES_MAX ? "too long"
                                                     : entries_each(text, each, ctx);
    return fault ? err_set(err, -EINVAL, "--%s: %s (%.80s)", option, fault, text) : 0;
}

/* ---- party add ---- */

struct owned {
    struct notice_case *n;
    uint64_t order;
    bool found;
};

static int see_asset(void *ctx, const struct casebook_asset *a)
{
    *(bool *)ctx = a->state != CASEBOOK_RELEASED;
    return 0;
}

static const char *is_asset(void *ctx, uint64_t first, uint64_t last)
{
    struct owned *o = ctx;
    struct casebook_clock clock = {o->n->now, 0};
    struct casebook_asset_query q = {.entry = first, .order = o->order};
    bool there = false;
    struct err err;
    if (first != last)
        return "assets are named one by one";
    if (casebook_assets(o->n->c.casebook, &q, &clock, see_asset, &there, &err) < 0 || !there)
        return "no asset of that order, or it was released: see `ebb case asset list`";
    return NULL;
}

static int check_party(struct notice_case *n, struct act_party *a, struct err *err)
{
    const char *subject = cli_get(n->cli, "subject");
    struct notice_order order;
    int rc = notice_order_named(n, cli_get(n->cli, "order"), &order, err);
    if (rc == 0)
        rc = notice_may(n, &order, n->now > order.from ? n->now : order.from, err);
    if (rc < 0)
        return rc;
    a->order = order.entry;
    const struct notice_party *there = notice_find_party(&n->book, a->name);
    if (there && span_eq(there->act.name, a->name))
        return err_set(err, -EEXIST, "party %.*s is there already (entry %llu)", (int)a->name.n,
                       (const char *)a->name.p, (unsigned long long)there->at.entry);
    a->subject = subject ? subjects_entry(n->c.pursuit, span_str(subject)) : 0;
    if (subject && !a->subject)
        return err_set(err, -ENOENT, "no such subject: see `ebb case subject list` (%.80s)",
                       subject);
    return check_entries(n, "assets", is_asset, &(struct owned){n, order.entry, false}, err);
}

static int check_name(const char *what, const char *name)
{
    uint64_t number;
    const char *fault = notice_text_fault(span_str(name), NOTICE_NAME_MAX);
    if (!fault && !span_trim(span_str(name)).n)
        fault = "empty";
    if (!fault && cli_parse_u64(name, &number))
        fault = "digits alone are an entry's index";
    return fault ? cli_fail(EXIT_USAGE, "%s: %s (%s)", what, fault,
                            notice_text_fault(span_str(name), NOTICE_NAME_MAX) ? "the name" : name)
                 : 0;
}

int cmd_notice_party_add(const struct cli *cli)
{
    struct act_party a = {.note = case_text(cli, "note"), .assets = case_text(cli, "assets")};
    struct notice_case n;
    struct buf payload = {0};
    uint64_t entry;
    struct err err;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "notice party add: wants one name");
    if (!cli_has(cli, "order"))
        return cli_fail(EXIT_USAGE, "notice party add: wants --order");
    int code = check_name("notice party add", cli->args[0]);
    if (code == 0)
        code = notice_check_option(cli, "note", NOTICE_WORDS_MAX);
    if (code == 0)
        code = notice_language(cli, "en", &a.language);
    if (code)
        return code;
    a.name = span_str(cli->args[0]);
    int rc = notice_case_open(cli, &n, &err);
    if (rc == 0)
        rc = check_party(&n, &a, &err);
    notice_case_close(&n);
    act_party(&payload, &a);
    if (rc == 0)
        rc = notice_record(cli, KIND_PARTY, buf_as_span(&payload), span_of(NULL, 0), &entry, &err);
    buf_free(&payload);
    return rc < 0 ? notice_fail(rc, &err) : notice_print_done(cli, "party", a.name, entry);
}

/* ---- contact add ---- */

static int check_contact(struct notice_case *n, struct act_party_contact *a, struct err *err)
{
    const struct notice_party *p;
    int rc = notice_party_named(n, n->cli->args[0], &p, err);
    if (rc == 0)
        rc = check_entries(n, "entries", is_on_log, n, err);
    if (rc < 0)
        return rc;
    a->party = p->at.entry;
    for (size_t i = 0; i < n->book.n_contacts; i++) {
        const struct notice_contact *k = &n->book.contacts[i];
        if (!k->at.withdrawn && k->act.party == p->at.entry &&
            span_eq(k->act.channel, a->channel) && span_ieq(k->act.address, a->address))
            return err_set(err, -EEXIST, "that contact is there already (entry %llu)",
                           (unsigned long long)k->at.entry);
    }
    return 0;
}

static int contact_options(const struct cli *cli, struct act_party_contact *a)
{
    static const char *const channels[] = {"mail", "post",      "publication",
                                           "web",  "messenger", "court"};
    bool known = false;
    for (size_t i = 0; i < sizeof channels / sizeof *channels; i++)
        known |= span_is(a->channel, channels[i]);
    if (!known)
        return cli_fail(EXIT_USAGE, "--channel: mail post publication web messenger court");
    if (!a->address.n)
        return cli_fail(EXIT_USAGE, "notice contact add: wants --address");
    if (!a->found.n)
        return cli_fail(EXIT_USAGE, "notice contact add: wants --found: how it was found");
    int code = notice_check_option(cli, "address", NOTICE_ADDRESS_MAX);
    if (code == 0)
        code = notice_check_option(cli, "found", NOTICE_WORDS_MAX);
    if (code == 0)
        code = notice_check_option(cli, "note", NOTICE_WORDS_MAX);
    if (code == 0 && span_is(a->channel, "mail") && !message_is_address(a->address))
        code = cli_fail(EXIT_USAGE, "--address: not a mail address (%.*s)", (int)a->address.n,
                        (const char *)a->address.p);
    return code;
}

int cmd_notice_contact_add(const struct cli *cli)
{
    struct act_party_contact a = {.note = case_text(cli, "note"),
                                  .found = case_text(cli, "found"),
                                  .address = case_text(cli, "address"),
                                  .channel = case_text(cli, "channel"),
                                  .entries = case_text(cli, "entries")};
    struct notice_case n;
    struct notice_document document = {0};
    struct buf payload = {0};
    uint64_t entry;
    struct err err;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "notice contact add: wants one party");
    int code = contact_options(cli, &a);
    if (code)
        return code;
    int rc = notice_case_open(cli, &n, &err);
    if (rc == 0)
        rc = check_contact(&n, &a, &err);
    if (rc == 0)
        rc = notice_document_read(&n, &document, &err);
    notice_case_close(&n);
    a.document = document.name;
    a.sha256 = document.sha256;
    act_party_contact(&payload, &a);
    if (rc == 0)
        rc = notice_record(cli, KIND_PARTY_CONTACT, buf_as_span(&payload),
                           buf_as_span(&document.bytes), &entry, &err);
    buf_free(&payload);
    buf_free(&document.bytes);
    return rc < 0 ? notice_fail(rc, &err) : notice_print_done(cli, "contact", a.address, entry);
}

/* ---- template add ---- */

/* The form that a file's name says: notice.en.txt, notice.ru.html, notice.ru.advertisement. */
static enum notice_form form_of_file(const char *path)
{
    const char *dot = strrchr(path, '.');
    struct span end = span_str(dot ? dot + 1 : "");
    return span_is(end, "txt")    ? NOTICE_TEXT
           : span_is(end, "htm")  ? NOTICE_HTML
           : span_is(end, "html") ? NOTICE_HTML
                                  : notice_form_of(end);
}

/* By name, where the original in any language is meant, or by entry. */
static const struct notice_words *original_of(struct notice_case *n, const char *name,
                                              enum notice_form form)
{
    uint64_t entry;
    if (cli_parse_u64(name, &entry)) {
        const struct notice_words *w = notice_words_at(&n->book, entry);
        return w && !w->at.withdrawn ? w : NULL;
    }
    return notice_find_words(&n->book, span_str(name), span_str(notice_form_name(form)),
                             span_of(NULL, 0));
}

static int check_translation(struct notice_case *n, struct act_notice_template *a,
                             enum notice_form form, struct err *err)
{
    const char *of = cli_get(n->cli, "translation-of");
    const struct notice_words *w = of ? original_of(n, of, form) : NULL;
    if (!of)
        return a->translator.n ? err_set(err, -EINVAL, "--translator: wants --translation-of") : 0;
    if (!w)
        return err_set(err, -ENOENT, "--translation-of: no such %s template (%.80s)",
                       notice_form_name(form), of);
    if (!span_is(w->act.form, notice_form_name(form)))
        return err_set(err, -EINVAL, "--translation-of: that is %.*s, not %s", (int)w->act.form.n,
                       (const char *)w->act.form.p, notice_form_name(form));
    if (span_ieq(w->act.language, a->language))
        return err_set(err, -EINVAL, "--translation-of: the original is in that language, too");
    if (!a->translator.n)
        return err_set(err, -EINVAL, "--translation-of: wants --translator: who translated it");
    a->original = w->at.entry;
    if (!a->name.n)
        a->name = span_of(arena_copy(&n->arena, w->act.name.p, w->act.name.n), w->act.name.n);
    return 0;
}

static int read_template(struct notice_case *n, enum notice_form form, struct buf *words,
                         struct err *err)
{
    const char *path = n->cli->args[0];
    struct notice_layout layout;
    struct err why;
    int rc = file_read(path, NOTICE_TEMPLATE_MAX, words, err);
    if (rc < 0)
        return rc;
    rc = notice_template_check(buf_as_span(words), form, NULL, &why);
    if (rc == 0 && form == NOTICE_ADVERTISEMENT)
        rc = notice_layout(buf_as_span(words), &n->arena, &layout, &why);
    return rc < 0 ? err_set(err, -EBADMSG, "%s: %s", path, why.text) : 0;
}

static int add_template(struct notice_case *n, struct act_notice_template *a, enum notice_form form,
                        uint64_t *entry, struct err *err)
{
    struct buf words = {0}, payload = {0};
    uint8_t digest[SHA256_LEN];
    int rc = read_template(n, form, &words, err);
    if (rc == 0)
        rc = check_translation(n, a, form, err);
    if (rc == 0 && !a->name.n)
        rc = err_set(err, -EINVAL, "notice template add: wants --name");
    sha256(words.p, words.n, digest);
    a->sha256 = span_of(digest, SHA256_LEN);
    a->form = span_str(notice_form_name(form));
    act_notice_template(&payload, a);
    if (rc == 0)
        rc = notice_record(n->cli, KIND_NOTICE_TEMPLATE, buf_as_span(&payload), buf_as_span(&words),
                           entry, err);
    buf_free(&words);
    buf_free(&payload);
    return rc;
}

int cmd_notice_template_add(const struct cli *cli)
{
    struct act_notice_template a = {.name = case_text(cli, "name"),
                                    .note = case_text(cli, "note"),
                                    .translator = case_text(cli, "translator")};
    struct notice_case n;
    uint64_t entry;
    struct err err;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "notice template add: wants one file");
    enum notice_form form =
        cli_has(cli, "form") ? notice_form_of(case_text(cli, "form")) : form_of_file(cli->args[0]);
    if (form == NOTICE_FORMS)
        return cli_fail(EXIT_USAGE, "--form: text html advertisement");
    if (!cli_has(cli, "language"))
        return cli_fail(EXIT_USAGE, "notice template add: wants --language");
    int code = cli_has(cli, "name") ? check_name("--name", cli_get(cli, "name")) : 0;
    if (code == 0)
        code = notice_check_option(cli, "note", NOTICE_WORDS_MAX);
    if (code == 0)
        code = notice_check_option(cli, "translator", NOTICE_NAME_MAX);
    if (code == 0)
        code = notice_language(cli, "", &a.language);
    if (code)
        return code;
    int rc = notice_case_open(cli, &n, &err);
    if (rc == 0)
        rc = add_template(&n, &a, form, &entry, &err);
    code = rc < 0 ? notice_fail(rc, &err) : notice_print_done(cli, "template", a.name, entry);
    notice_case_close(&n);
    return code;
}
