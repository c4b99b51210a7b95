/* ebb notice serve | result: what did not go by mail, and what came of it
 *
 * `serve` is two acts: NOTICE (the exact bytes, to whom), then NOTICE_RESULT (that they went out).
 * A crash between them leaves a notice that was made and of which nothing more is known: `notice
 * status` shows it, `notice result` says the rest. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/account/account.h"
#include "app/notice/notice.h"
#include "base/file.h"
#include "event/event.h"

/* ---- serve ---- */

static const struct {
    const char *channel, *result;
} ways[] = {{"post", "posted"}, {"web", "posted"}, {"messenger", "sent"}, {"court", "served"}};
#define WAYS (sizeof ways / sizeof *ways)

struct serving {
    struct notice_case n;
    struct span channel, note;
    const char *result;
    int64_t when;
    struct buf bytes;
    uint8_t sha256[SHA256_LEN];
    struct act_notice act;
    uint64_t entry, outcome;
};

static int serve_options(const struct cli *cli, struct serving *s)
{
    size_t i = 0;
    s->channel = case_text(cli, "channel");
    s->note = case_text(cli, "note");
    while (i < WAYS && !span_is(s->channel, ways[i].channel))
        i++;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "notice serve: wants one party");
    if (i == WAYS)
        return cli_fail(EXIT_USAGE, "--channel: post web messenger court");
    if (cli_has(cli, "template") == cli_has(cli, "file"))
        return cli_fail(EXIT_USAGE, "notice serve: wants --template or --file");
    s->result = ways[i].result;
    int code = notice_check_option(cli, "note", NOTICE_WORDS_MAX);
    return code ? code : case_time(cli, "when", utc_now(), &s->when);
}

static const char *media_of(const char *path)
{
    static const struct {
        const char *ending, *media;
    } known[] = {{".pdf", "application/pdf"}, {".html", "text/html"}, {".txt", "text/plain"},
                 {".png", "image/png"},       {".jpg", "image/jpeg"}, {".eml", "message/rfc822"}};
    size_t n = strlen(path);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t k = strlen(known[i].ending);
        if (n > k && strcmp(path + n - k, known[i].ending) == 0)
            return known[i].media;
    }
    return "application/octet-stream";
}

static int find_contact(struct serving *s, const struct notice_party *p,
                        const struct notice_contact **out, struct err *err)
{
    struct span address = case_text(s->n.cli, "address"), any = {0};
    *out = notice_next_contact(&s->n.book, p, s->channel, case_text(s->n.cli, "template"), address,
                               false);
    if (!*out && !address.n) /* nobody is served at an address of our own making */
        *out = notice_next_contact(&s->n.book, p, s->channel, any, any, false);
    return *out ? 0
                : err_set(err, -ENOENT,
                          "the party has no such contact that is left to try: see `ebb notice "
                          "contact add` (%.*s)",
                          (int)s->channel.n, (const char *)s->channel.p);
}

static int make_bytes(struct serving *s, const struct notice_order *o, const struct notice_party *p,
                      const struct notice_contact *k, struct err *err)
{
    const char *path = cli_get(s->n.cli, "file");
    struct notice_made made = {0};
    int rc;
    if (path) {
        rc = file_read(path, (size_t)s->n.c.config->blob_max_mib << 20, &s->bytes, err);
        if (rc == 0 && !s->bytes.n)
            rc = err_set(err, -ENODATA, "%s: empty file", path);
        s->act.media = span_str(media_of(path));
        s->act.language = p->act.language;
    } else {
        rc = notice_make(&s->n, o, p, k, case_text(s->n.cli, "template"), &made, err);
        s->bytes = made.bytes;
        s->act.media = span_str(made.media ? made.media : "");
        if (rc == 0) {
            s->act.template = made.words->at.entry;
            s->act.language = made.words->act.language;
        }
    }
    sha256(s->bytes.p, s->bytes.n, s->sha256);
    s->act.sha256 = span_of(s->sha256, SHA256_LEN);
    return rc;
}

static int prepare(struct serving *s, struct err *err)
{
    const struct notice_party *p;
    const struct notice_contact *k;
    struct notice_order o;
    int rc = notice_party_named(&s->n, s->n.cli->args[0], &p, err);
    if (rc == 0)
        rc = notice_order_at(&s->n, p->act.order, &o, err);
    if (rc == 0)
        rc = notice_may(&s->n, &o, s->when, err);
    if (rc == 0 && s->when > s->n.now)
        rc = err_set(err, -EINVAL, "--when: is to come");
    if (rc == 0)
        rc = find_contact(s, p, &k, err);
    if (rc < 0)
        return rc;
    if (s->when < o.recorded && !s->n.cli->quiet)
        fprintf(stderr,
                "ebb: warning: --when is before the order was put on record; the affidavit will "
                "say so\n");
    s->act.order = o.entry;
    s->act.party = p->at.entry;
    s->act.contact = k->at.entry;
    s->act.channel = k->act.channel;
    return make_bytes(s, &o, p, k, err);
}

static int record(struct serving *s, const struct account_key *key, struct err *err)
{
    struct buf payload = {0};
    act_notice(&payload, &s->act);
    struct case_act act = {
        .kind = KIND_NOTICE, .payload = buf_as_span(&payload), .blob = buf_as_span(&s->bytes)};
    int rc = case_acts_as(s->n.cli, key, &act, 1, err);
    s->entry = act.index;
    payload.n = 0;
    act_notice_result(&payload, &(struct act_notice_result){.note = s->note,
                                                            .what = span_str(s->result),
                                                            .when = s->when,
                                                            .notice = s->entry});
    act = (struct case_act){.kind = KIND_NOTICE_RESULT, .payload = buf_as_span(&payload)};
    if (rc == 0)
        rc = case_acts_as(s->n.cli, key, &act, 1, err);
    s->outcome = act.index;
    buf_free(&payload);
    return rc;
}

static const struct table_column serve_columns[] = {{"party", "party", TABLE_WORDS},
                                                    {"channel", "channel", TABLE_WORDS},
                                                    {"index", "entry", TABLE_ID},
                                                    {"result", "result", TABLE_ID},
                                                    {"bytes", "bytes", TABLE_COUNT},
                                                    {"sha256", NULL, TABLE_WORDS},
                                                    {0}};

static int print_served(const struct serving *s)
{
    struct table *t = table_open(cli_shape(s->n.cli), serve_columns, stdout);
    table_str(t, s->n.cli->args[0]);
    table_text(t, s->channel);
    table_uint(t, s->entry);
    table_uint(t, s->outcome);
    table_uint(t, s->bytes.n);
    table_hex(t, s->sha256, SHA256_LEN);
    table_row_end(t);
    return table_close(t) < 0 ? cli_fail(EXIT_FAILED, "output could not be written") : EXIT_DONE;
}

static int serve(struct serving *s, struct err *err)
{
    struct account_key key;
    const char *output = cli_get(s->n.cli, "output");
    bool named = account_named(s->n.cli) != NULL;
    int rc = named ? account_unlock(s->n.cli, &key, err) : 0;
    if (rc < 0)
        return rc;
    if (output) /* before the record: a paper that cannot be written is not served */
        rc = notice_write(output, buf_as_span(&s->bytes), err);
    if (rc == 0)
        rc = record(s, named ? &key : NULL, err);
    if (named)
        account_wipe(&key);
    return rc;
}

int cmd_notice_serve(const struct cli *cli)
{
    struct serving s = {0};
    struct err err;
    int code = serve_options(cli, &s);
    if (code)
        return code;
    int rc = notice_case_open(cli, &s.n, &err);
    if (rc == 0)
        rc = prepare(&s, &err);
    if (rc == 0)
        rc = serve(&s, &err);
    code = rc < 0 ? notice_fail(rc, &err) : print_served(&s);
    buf_free(&s.bytes);
    notice_case_close(&s.n);
    return code;
}

/* ---- result ---- */

static int check_result(struct notice_case *n, struct act_notice_result *a, struct err *err)
{
    uint64_t entry;
    const char *arg = n->cli->args[0];
    const struct notice *notice = cli_parse_u64(arg, &entry) ? notice_at(&n->book, entry) : NULL;
    struct notice_order o;
    if (!notice)
        return err_set(err, -ENOENT, "no such notice: see `ebb notice status --notices` (%.80s)",
                       arg);
    int rc = notice_order_at(n, notice->act.order, &o, err);
    if (rc == 0 && a->when > n->now)
        rc = err_set(err, -EINVAL, "--when: is to come");
    if (rc == 0 && a->when < o.from)
        rc = err_set(err, -EINVAL, "--when: before the order holds");
    a->notice = entry;
    return rc;
}

int cmd_notice_result(const struct cli *cli)
{
    static const char *const words[] = {"sent",   "delivered", "bounced", "refused", "reply",
                                        "posted", "answered",  "served",  "clipping"};
    struct act_notice_result a = {.note = case_text(cli, "note"), .what = case_text(cli, "what")};
    struct notice_case n;
    struct notice_document document = {0};
    struct buf payload = {0};
    bool known = false;
    uint64_t entry;
    struct err err;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        known |= span_is(a.what, words[i]);
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "notice result: wants one notice");
    if (!known)
        return cli_fail(EXIT_USAGE, "--what: sent delivered bounced refused reply posted answered "
                                    "served clipping");
    int code = notice_check_option(cli, "note", NOTICE_WORDS_MAX);
    if (code == 0)
        code = case_time(cli, "when", utc_now(), &a.when);
    if (code)
        return code;
    int rc = notice_case_open(cli, &n, &err);
    if (rc == 0)
        rc = check_result(&n, &a, &err);
    if (rc == 0)
        rc = notice_document_read(&n, &document, &err);
    notice_case_close(&n);
    a.document = document.name;
    a.sha256 = document.sha256;
    act_notice_result(&payload, &a);
    if (rc == 0)
        rc = notice_record(cli, KIND_NOTICE_RESULT, buf_as_span(&payload),
                           buf_as_span(&document.bytes), &entry, &err);
    buf_free(&payload);
    buf_free(&document.bytes);
    return rc < 0 ? notice_fail(rc, &err)
                  : notice_print_done(cli, "notice", span_str(cli->args[0]), entry);
}
