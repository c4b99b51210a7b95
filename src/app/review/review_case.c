#include "app/review/review_case.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/account/account.h"
#include "base/file.h"
#include "event/event.h"
#include "view/display.h"

/* NULL: nothing is wrong with it. */
static const char *what_is_bad(struct span text, size_t max)
{
    struct buf shown = {0};
    if (text.n > max)
        return "too long";
    if (!span_is_utf8(text))
        return "not UTF-8";
    display_put(&shown, text);
    bool good = span_eq(buf_as_span(&shown), text);
    buf_free(&shown);
    return good ? NULL : "control characters, or marks that reorder or hide text";
}

int review_text_check(const char *what, struct span text, size_t max)
{
    const char *bad = what_is_bad(text, max);
    return bad ? cli_fail(EXIT_USAGE, "%s: %s (%zu bytes at most)", what, bad, max) : 0;
}

int review_text(const struct cli *cli, const char *name, size_t max, struct span *out)
{
    char what[64];
    snprintf(what, sizeof what, "--%s", name);
    *out = case_text(cli, name);
    return review_text_check(what, *out, max);
}

int review_why(const struct cli *cli, struct span *out)
{
    int code = review_text(cli, "why", REVIEW_WHY_MAX, out);
    if (code == 0 && !span_trim(*out).n)
        code = cli_fail(EXIT_USAGE, "%s: wants --why", cli->command);
    return code;
}

int review_entry(const struct cli *cli, const char *text, const char *what, uint64_t *out)
{
    if (text && cli_parse_u64(text, out) && *out && *out <= INT64_MAX)
        return 0;
    return text ? cli_fail(EXIT_USAGE, "%s: %s is an entry's index (%s)", cli->command, what, text)
                : cli_fail(EXIT_USAGE, "%s: wants %s", cli->command, what);
}

static int find_actor(const struct cli *cli, struct review_case *r, unsigned roles, struct err *err)
{
    const char *name = account_named(cli);
    if (!name)
        return err_set(err, -EPERM, "%s: say who you are (--account, or EBB_ACCOUNT)",
                       cli->command);
    int rc = casebook_account(r->c.casebook, span_str(name), &r->actor, err);
    if (rc == 0)
        return err_set(err, -EPERM, "no such account: see `ebb account list` (%s)", name);
    if (rc == 1 && !account_is_open(&r->actor, utc_now()))
        return err_set(err, -EPERM, "account %s is %s", name, r->actor.roles ? "over" : "closed");
    if (rc == 1 && roles && !(r->actor.roles & roles)) {
        struct buf words = {0};
        for (unsigned i = 0; i < ROLES_COUNT; i++)
            if (roles & 1u << i)
                buf_printf(&words, "%s%s", words.n ? " or " : "", account_role_name(i));
        rc = err_set(err, -EPERM, "account %s may not do this: it wants a role: %.*s", name,
                     (int)words.n, (const char *)words.p);
        buf_free(&words);
    }
    return rc < 0 ? rc : 0;
}

int review_open_as(const struct cli *cli, struct review_case *r, unsigned roles, struct err *err)
{
    *r = (struct review_case){0};
    int rc = case_open_views(cli, &r->c, VIEW_PURSUIT, err);
    return rc == 0 ? find_actor(cli, r, roles, err) : rc;
}

int review_find_lead(struct review_case *r, uint64_t lead, struct err *err)
{
    int rc = reviews_lead(r->c.pursuit, lead, &r->lead, r->assigned, err);
    return rc == 0  ? err_set(err, -ENOENT, "no such lead: see `ebb lead list` (%llu)",
                              (unsigned long long)lead)
           : rc < 0 ? rc
                    : 0;
}

int review_open_lead(const struct cli *cli, struct review_case *r, uint64_t lead, unsigned roles,
                     struct err *err)
{
    int rc = review_open_as(cli, r, roles, err);
    if (rc == 0)
        rc = review_find_lead(r, lead, err);
    if (rc == 0 && reviews_conflict(r->c.pursuit, lead, span_str(r->actor.name)))
        rc = err_set(err, -EPERM, "account %s has a conflict of interest on lead %llu",
                     r->actor.name, (unsigned long long)lead);
    return rc;
}

void review_close(struct review_case *r)
{
    casedir_close(&r->c, NULL);
}

int review_document(const struct cli *cli, struct casedir *c, const char *option,
                    struct review_document *out, struct err *err)
{
    const char *path = cli_get(cli, option);
    *out = (struct review_document){0};
    if (!path)
        return 0;
    int rc = file_read(path, (size_t)c->config->blob_max_mib << 20, &out->bytes, err);
    if (rc < 0)
        return rc;
    const char *slash = strrchr(path, '/');
    out->name = span_str(slash ? slash + 1 : path);
    if (!out->bytes.n)
        return err_set(err, -ENODATA, "%s: empty file", path);
    if (what_is_bad(out->name, REVIEW_NAME_MAX))
        return err_set(err, -EINVAL, "--%s: the file's name: %s", option,
                       what_is_bad(out->name, REVIEW_NAME_MAX));
    sha256(out->bytes.p, out->bytes.n, out->digest);
    out->sha256 = span_of(out->digest, SHA256_LEN);
    return 0;
}

int review_act(const struct cli *cli, uint8_t kind, const struct buf *payload, struct span blob,
               uint64_t *index, struct err *err)
{
    struct case_act act = {.kind = kind, .payload = buf_as_span(payload), .blob = blob};
    int rc = case_acts(cli, &act, 1, err);
    *index = act.index;
    return rc;
}

static int keep_state(void *ctx, const struct review_act *a)
{
    buf_span(ctx, a->state);
    return 0;
}

int review_state(const struct cli *cli, uint64_t entry, struct buf *state, struct err *err)
{
    struct casedir c;
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, err);
    if (rc == 0)
        rc = reviews_act(c.pursuit, entry, keep_state, state, err);
    casedir_close(&c, NULL);
    if (rc == 0)
        buf_str(state, "void");
    return rc < 0 ? rc : 0;
}

static const struct table_column done_columns[] = {
    {"lead", "lead", TABLE_ID},      {"what", "what", TABLE_WORDS}, {"value", "value", TABLE_WORDS},
    {"state", "state", TABLE_WORDS}, {"index", "entry", TABLE_ID},  {0}};

int review_print(const struct cli *cli, uint64_t lead, const char *what, struct span value,
                 uint64_t index)
{
    struct buf state = {0};
    struct err err;
    int rc = review_state(cli, index, &state, &err);
    if (rc < 0)
        return cli_err(&err);
    bool counts = !span_is(buf_as_span(&state), "void");
    struct table *t = table_open(cli_shape(cli), done_columns, stdout);
    table_uint(t, lead);
    table_str(t, what);
    table_text(t, value.n ? value : span_of(NULL, 0));
    table_text(t, buf_as_span(&state));
    table_uint(t, index);
    table_row_end(t);
    buf_free(&state);
    if (table_close(t) < 0)
        return cli_fail(EXIT_FAILED, "output could not be written");
    return counts ? EXIT_DONE
                  : cli_fail(EXIT_FAILED,
                             "%s: entry %llu is on the log and does not count: something else came "
                             "first (see `ebb lead show %llu`)",
                             cli->command, (unsigned long long)index, (unsigned long long)lead);
}
