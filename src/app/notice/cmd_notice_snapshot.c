/* ebb notice snapshot: what the public notice pages look like, onto the log
 *
 * The pages are made by the code that serves them, in each language, as everybody gets them who
 * chose that language: GET /notices/17?lang=en has these very bytes. A page that is as its last
 * snapshot has it is passed over, so a timer may call this as often as it likes. */
#include <stdio.h>
#include <string.h>

#include "app/case_act.h"
#include "app/public/orders.h"
#include "event/event.h"
#include "state/pages.h"

static const struct table_column columns[] = {
    {"path", "page", TABLE_WORDS}, {"language", "language", TABLE_WORDS},
    {"index", "entry", TABLE_ID},  {"what", "what", TABLE_WORDS},
    {"sha256", NULL, TABLE_WORDS}, {0}};

struct shooting {
    const struct cli *cli;
    struct face face;
    struct table *table;
    size_t made;
};

static void print_page(struct shooting *s, const char *path, const struct words *w, uint64_t entry,
                       bool fresh, const uint8_t sha256[SHA256_LEN])
{
    table_str(s->table, path);
    table_str(s->table, words_language(w));
    table_index(s->table, entry);
    table_str(s->table, fresh ? "new" : "unchanged");
    table_hex(s->table, sha256, SHA256_LEN);
    table_row_end(s->table);
}

static int put_on_log(struct shooting *s, const char *path, const struct words *w, struct span page,
                      const uint8_t digest[SHA256_LEN], uint64_t *entry, struct err *err)
{
    struct buf payload = {0};
    struct act_snapshot a = {.path = span_str(path),
                             .sha256 = span_of(digest, SHA256_LEN),
                             .language = span_str(words_language(w))};
    act_snapshot(&payload, &a);
    struct case_act act = {.kind = KIND_SNAPSHOT, .payload = buf_as_span(&payload), .blob = page};
    int rc = case_acts(s->cli, &act, 1, err);
    *entry = act.index;
    buf_free(&payload);
    return rc;
}

static int shoot(struct shooting *s, const char *path, const struct words *w, struct err *err)
{
    struct buf page = {0};
    uint8_t digest[SHA256_LEN], last[SHA256_LEN];
    uint64_t entry = 0;
    int rc = 0;
    unsigned status = face_page_bytes(&s->face, path, w, &page);
    if (status != 200)
        rc = err_set(err, -1, "%s: cannot be made (%u)", path, status);
    sha256(page.p, page.n, digest);
    if (rc == 0)
        rc = pages_newest(s->face.c.pursuit, span_str(path), span_str(words_language(w)), &entry,
                          last, err);
    bool fresh = rc == 0 || (rc == 1 && memcmp(last, digest, SHA256_LEN) != 0);
    if (rc >= 0 && fresh)
        rc = put_on_log(s, path, w, buf_as_span(&page), digest, &entry, err);
    if (rc >= 0)
        print_page(s, path, w, entry, fresh, digest);
    s->made += rc >= 0 && fresh;
    buf_free(&page);
    return rc < 0 ? rc : 0;
}

static int shoot_languages(struct shooting *s, const char *path, struct err *err)
{
    int rc = 0;
    for (char *const *l = s->face.config->web.language_list; rc == 0 && *l; l++) {
        const struct words *w = words_in(span_str(*l));
        if (w)
            rc = shoot(s, path, w, err);
    }
    return rc;
}

static int shoot_all(struct shooting *s, struct err *err)
{
    const struct notice_book *b = public_book(&s->face);
    struct public_posting posting;
    char path[48];
    int rc = b ? 0 : err_set(err, -1, "the notices cannot be read");
    bool any = false;
    for (size_t i = 0; rc == 0 && i < b->n_notices; i++) {
        if (!public_notice(b, &b->notices[i], &posting))
            continue;
        any = true;
        snprintf(path, sizeof path, "/notices/%llu", (unsigned long long)b->notices[i].at.entry);
        rc = shoot_languages(s, path, err);
    }
    return rc == 0 && any ? shoot_languages(s, "/notices", err) : rc;
}

int cmd_notice_snapshot(const struct cli *cli)
{
    struct shooting s = {.cli = cli, .face = {.cli = *cli, .version = 1, .now = utc_now()}};
    struct err err;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "notice snapshot: takes no argument (%s)", cli->args[0]);
    int rc = case_open_views(cli, &s.face.c, VIEW_PURSUIT, &err);
    s.face.config = s.face.c.config;
    s.table = table_open(cli_shape(cli), columns, stdout);
    if (rc == 0)
        rc = shoot_all(&s, &err);
    bool printed = table_close(s.table) == 0;
    public_notices_free(s.face.notices);
    casedir_close(&s.face.c, NULL);
    if (rc < 0)
        return cli_err(&err);
    return printed ? EXIT_DONE : cli_fail(EXIT_FAILED, "output could not be written");
}
