/* ebb exhibit export */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/case_act.h"
#include "app/exhibit/exhibit.h"
#include "app/exhibit/exhibit_order.h"
#include "app/exhibit/exhibit_query.h"
#include "base/mem.h"
#include "event/event.h"

/* What was asked for, and the entries that it comes to. */
struct asked {
    struct exhibit_query query;
    struct span redact[EXHIBIT_REDACT_MAX];
    size_t n_redact;
    uint64_t *entries;
    size_t n;
    struct buf words; /* as the manifest says it */
};

static void put_words(struct asked *a, const struct cli *cli, const char *option)
{
    if (cli_has(cli, option))
        buf_printf(&a->words, "%s--%s \"%s\"", a->words.n ? " " : "", option, cli_get(cli, option));
}

static int read_redact(struct asked *a, const char *text)
{
    static const char blanks[] = " ,\t";
    for (const char *p = text; p && *(p += strspn(p, blanks));) {
        size_t n = strcspn(p, blanks);
        if (a->n_redact == EXHIBIT_REDACT_MAX)
            return cli_fail(EXIT_USAGE, "--redact: more than %d members", EXHIBIT_REDACT_MAX);
        for (size_t i = 0; i < n; i++)
            if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_-.", p[i]))
                return cli_fail(EXIT_USAGE, "--redact: not a member's name (%.*s)", (int)n, p);
        a->redact[a->n_redact++] = span_of(p, n);
        p += n;
    }
    return 0;
}

/* All options, before anything is done. */
static int read_options(const struct cli *cli, struct asked *a)
{
    struct err err;
    const char *fault;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "exhibit export: wants one name for the exhibit");
    if ((fault = exhibit_name_fault(span_str(cli->args[0]))))
        return cli_fail(EXIT_USAGE, "exhibit export: the name %s", fault);
    if (cli_has(cli, "certification") &&
        (fault = exhibit_name_fault(span_str(cli_get(cli, "certification")))))
        return cli_fail(EXIT_USAGE, "--certification: the name %s", fault);
    if (!cli_has(cli, "output"))
        return cli_fail(EXIT_USAGE, "exhibit export: wants --output, a folder that is not there");
    if (!cli_has(cli, "entries") && !cli_has(cli, "query") && !cli_has(cli, "order"))
        return cli_fail(EXIT_USAGE, "exhibit export: wants --entries, --query or --order");
    if (cli_has(cli, "query") && exhibit_query_parse(case_text(cli, "query"), &a->query, &err) < 0)
        return cli_fail(EXIT_USAGE, "--query: %s", err.text);
    if (exhibit_entries_parse(case_text(cli, "entries"), EXHIBIT_ENTRIES_MAX, &a->entries, &a->n,
                              &err) < 0)
        return cli_fail(EXIT_USAGE, "--entries: %s", err.text);
    put_words(a, cli, "entries");
    put_words(a, cli, "query");
    put_words(a, cli, "order");
    if (!span_is_utf8(buf_as_span(&a->words)))
        return cli_fail(EXIT_USAGE, "exhibit export: an option is not UTF-8");
    return read_redact(a, cli_get(cli, "redact"));
}

static int take_hit(void *ctx, const struct query_hit *h)
{
    struct asked *a = ctx;
    if (a->n == EXHIBIT_ENTRIES_MAX)
        return -E2BIG;
    a->entries = mem_resize(a->entries, a->n + 1, sizeof *a->entries);
    a->entries[a->n++] = h->index;
    return 0;
}

static int find_entries(const struct cli *cli, struct casedir *c, struct asked *a, struct err *err)
{
    struct case_order order;
    int rc = 0;
    if (cli_has(cli, "order"))
        rc = case_find_order(c, cli_get(cli, "order"), utc_now(), &order, err);
    if (rc == 0 && cli_has(cli, "order"))
        rc = exhibit_order_entries(c, order.entry, EXHIBIT_ENTRIES_MAX - a->n, &a->entries, &a->n,
                                   err);
    if (rc == 0 && cli_has(cli, "query")) {
        rc = query_events(c->journal, c->registry, &a->query.q, take_hit, a, err);
        if (rc == -E2BIG)
            return err_set(err, rc, "--query: more than %d entries: give a limit, or make several",
                           EXHIBIT_ENTRIES_MAX);
    }
    return rc == 0 && !a->n ? err_set(err, -ENOENT, "exhibit export: nothing matches") : rc;
}

/* Whether the account may record an exhibit: asked before the folder is made. */
static int may_record(struct casedir *c, const struct account_key *key, struct err *err)
{
    const uint8_t none[SHA256_LEN] = {0};
    struct act_exhibit a = {.name = span_str("-"), .sha256 = span_of(none, sizeof none)};
    struct buf payload = {0}, with = {0};
    act_exhibit(&payload, &a);
    int rc = act_sign(buf_as_span(&payload), KIND_EXHIBIT, journal_origin(c->journal),
                      span_str(key->name), key->sign_secret, &with);
    rc = rc < 0 ? err_set(err, -EINVAL, "an act that cannot be signed")
                : casebook_may(c->casebook, journal_origin(c->journal), KIND_EXHIBIT,
                               buf_as_span(&with), utc_now(), err);
    buf_free(&payload);
    buf_free(&with);
    return rc;
}

static int record(const struct cli *cli, const struct account_key *key, const struct asked *a,
                  const struct exhibit_done *done, uint64_t *index, struct err *err)
{
    struct act_exhibit x = {.name = span_str(cli->args[0]),
                            .size = done->size,
                            .files = done->files,
                            .query = buf_as_span(&a->words),
                            .sha256 = span_of(done->manifest, SHA256_LEN),
                            .entries = done->entries};
    struct buf payload = {0};
    act_exhibit(&payload, &x);
    struct case_act act = {.kind = KIND_EXHIBIT, .payload = buf_as_span(&payload)};
    int rc = case_acts_as(cli, key, &act, 1, err);
    *index = act.index;
    buf_free(&payload);
    return rc;
}

static const struct table_column columns[] = {
    {"name", "exhibit", TABLE_WORDS},   {"entries", "entries", TABLE_COUNT},
    {"opened", "in full", TABLE_COUNT}, {"redacted", "redacted", TABLE_COUNT},
    {"erased", "erased", TABLE_COUNT},  {"blobs", "files named", TABLE_COUNT},
    {"files", NULL, TABLE_COUNT},       {"size", "log size", TABLE_COUNT},
    {"manifest", NULL, TABLE_WORDS},    {"directory", "directory", TABLE_WORDS},
    {"index", "entry", TABLE_ID},       {0},
};

static int print(const struct cli *cli, const struct exhibit_done *done, uint64_t index)
{
    struct table *t = table_open(cli_shape(cli), columns, stdout);
    table_str(t, cli->args[0]);
    table_uint(t, done->entries);
    table_uint(t, done->opened);
    table_uint(t, done->redacted);
    table_uint(t, done->erased);
    table_uint(t, done->blobs);
    table_uint(t, done->files);
    table_uint(t, done->size);
    table_hex(t, done->manifest, SHA256_LEN);
    table_str(t, cli_get(cli, "output"));
    table_uint(t, index);
    table_row_end(t);
    return table_close(t) < 0 ? cli_fail(EXIT_FAILED, "output could not be written") : EXIT_DONE;
}

static int export(const struct cli *cli, struct asked *a, const struct account_key *key)
{
    struct casedir c;
    struct exhibit_done done;
    struct err err;
    uint64_t index = 0;
    int rc = case_open_views(cli, &c, VIEW_PURSUIT | VIEW_REGISTRY, &err);
    if (rc == 0)
        rc = may_record(&c, key, &err);
    if (rc == 0)
        rc = find_entries(cli, &c, a, &err);
    struct exhibit_request request = {
        .dir = cli_get(cli, "output"),
        .name = cli->args[0],
        .entries = a->entries,
        .n = a->n,
        .query = buf_as_span(&a->words),
        .redact = a->redact,
        .n_redact = a->n_redact,
        .blobs = cli_has(cli, "blobs"),
        .certify = cli_get(cli, "certification"),
        .signer = key,
    };
    if (rc == 0)
        rc = exhibit_write(&c, &request, &done, &err);
    casedir_close(&c, NULL);
    if (rc < 0)
        return cli_err(&err);
    rc = record(cli, key, a, &done, &index, &err);
    if (rc < 0) {
        exhibit_remove(request.dir);
        return cli_err(&err);
    }
    return print(cli, &done, index);
}

int cmd_exhibit_export(const struct cli *cli)
{
    struct asked a = {0};
    struct account_key key;
    struct err err;
    int code = read_options(cli, &a);
    if (code == 0 && !account_named(cli))
        code = cli_fail(EXIT_FAILED, "exhibit export: who acts? give --account, or EBB_ACCOUNT");
    if (code == 0 && account_unlock(cli, &key, &err) < 0)
        code = cli_err(&err);
    else if (code == 0) {
        code = export(cli, &a, &key);
        account_wipe(&key);
    }
    free(a.entries);
    buf_free(&a.words);
    return code;
}
