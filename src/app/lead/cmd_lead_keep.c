/* ebb lead rewrap: who else may read leads. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/case_act.h"
#include "app/lead/lead_content.h"
#include "app/lead/lead_open.h"
#include "base/mem.h"
#include "event/event.h"
#include "lead/wrap.h"

#define ROWS_MAX 40000 /* of one blob: about 7 MB */
_Static_assert(ROWS_MAX *(20 + ACT_ACCOUNT_MAX + 1 + 4 * ((WRAP_LEN + 2) / 3) + 2) < 12u << 20, "");

/* Rows of one KEYS_WRAPPED. */
struct rewrap_blob {
    struct buf text;
    uint64_t rows;
    uint8_t digest[SHA256_LEN];
};

struct rewrap {
    const struct cli *cli;
    struct casedir c;
    struct account_key key;
    struct lead_keyring *ring;
    struct account to;
    uint64_t lead; /* 0: all */
    uint64_t *had; /* entries that the account reads already, in order */
    size_t n_had, had_cap;
    struct rewrap_blob *blobs;
    size_t n_blobs, blobs_cap;
    uint64_t wrapped, there, closed; /* done; not needed; that we cannot read ourselves */
    struct err *err;
};

/* ---- what the account reads already ---- */

static int compare_entries(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static int add_had(void *ctx, const uint8_t blob[SHA256_LEN])
{
    struct rewrap *r = ctx;
    struct buf text = {0};
    struct wrap_row row;
    struct cur c = {0};
    if (casedir_blob(&r->c, blob, &text, NULL) == 0)
        c = cur_of(buf_as_span(&text));
    while (wrap_next(&c, true, &row, NULL) == 1)
        if (span_is(row.account, r->to.name)) {
            r->had = mem_room(r->had, r->n_had, &r->had_cap, sizeof *r->had);
            r->had[r->n_had++] = row.entry;
        }
    buf_free(&text);
    return 0;
}

static int load_had(struct rewrap *r)
{
    int rc = leads_wraps(r->c.pursuit, span_str(r->to.name), add_had, r, r->err);
    if (r->n_had)
        qsort(r->had, r->n_had, sizeof *r->had, compare_entries);
    return rc;
}

/* Under the key that the account has now: an older key's rows are of no use to it. */
static int reads_already(struct rewrap *r, const struct lead_sealed_entry *s)
{
    struct buf text = {0};
    struct wrap_row row;
    bool found = r->n_had && bsearch(&s->entry, r->had, r->n_had, sizeof *r->had, compare_entries);
    int rc = found ? 0 : casedir_blob(&r->c, s->wraps, &text, r->err);
    struct cur c = cur_of(buf_as_span(&text));
    while (rc >= 0 && !found && (rc = wrap_next(&c, false, &row, r->err)) == 1)
        found = span_is(row.account, r->to.name);
    buf_free(&text);
    return rc < 0 ? rc : found;
}

/* ---- wrapping ---- */

static struct rewrap_blob *blob_with_room(struct rewrap *r)
{
    if (!r->n_blobs || r->blobs[r->n_blobs - 1].rows == ROWS_MAX) {
        r->blobs = mem_room(r->blobs, r->n_blobs, &r->blobs_cap, sizeof *r->blobs);
        r->blobs[r->n_blobs++] = (struct rewrap_blob){0};
    }
    return &r->blobs[r->n_blobs - 1];
}

/* What cannot be opened (a conflict of interest, damage) is counted, and the rest goes on. */
static int wrap_one(void *ctx, const struct lead_sealed_entry *s)
{
    struct rewrap *r = ctx;
    uint8_t key[SEAL_KEY_LEN];
    struct err why;
    int rc = reads_already(r, s);
    if (rc == 1) {
        r->there++;
        return 0;
    }
    if (rc < 0 || lead_open_key(r->ring, s, key, &why) < 0) {
        r->closed++;
        return 0;
    }
    struct rewrap_blob *b = blob_with_room(r);
    rc = wrap_put(s->entry, span_str(r->to.name), r->to.box, key, s->content, &b->text, r->err);
    sodium_memzero(key, sizeof key);
    b->rows += rc == 0;
    r->wrapped += rc == 0;
    return rc;
}

static int find_receiver(struct rewrap *r)
{
    const char *name = r->cli->args[0];
    int rc = casebook_account(r->c.casebook, span_str(name), &r->to, r->err);
    if (rc == 0)
        rc = err_set(r->err, -ENOENT, "no such account: see `ebb account list` (%s)", name);
    if (rc == 1 && !account_is_open(&r->to, utc_now()))
        rc = err_set(r->err, -EPERM, "account %s is not in force", name);
    if (rc == 1 && (!r->to.has_box || !(r->to.roles & (ROLE_REVIEWER | ROLE_CUSTODIAN))))
        rc = err_set(r->err, -EPERM, "account %s reads no leads: it is no reviewer or custodian",
                     name);
    if (rc == 1 && cli_has(r->cli, "handover") && !(r->to.roles & ROLE_CUSTODIAN))
        rc = err_set(r->err, -EPERM, "--handover: account %s is not a custodian", name);
    return rc < 0 ? rc : 0;
}

static int find_named_lead(struct rewrap *r)
{
    const char *text = cli_get(r->cli, "lead");
    struct lead lead;
    if (!text)
        return 0;
    int rc = cli_parse_u64(text, &r->lead) && r->lead
                 ? leads_get(r->c.pursuit, r->lead, &lead, r->err)
                 : 0;
    return rc == 0 ? err_set(r->err, -ENOENT, "--lead: no such lead (%s)", text) : rc < 0 ? rc : 0;
}

static int prepare(struct rewrap *r)
{
    struct account own;
    int rc = case_open_views(r->cli, &r->c, VIEW_PURSUIT, r->err);
    if (rc == 0)
        rc = find_receiver(r);
    if (rc == 0)
        rc = find_named_lead(r);
    if (rc == 0)
        rc = account_unlock(r->cli, &r->key, r->err);
    if (rc == 0)
        rc = lead_keyring_open(&r->c, &r->key, &r->ring, r->err);
    if (rc == 0)
        rc = casebook_account(r->c.casebook, span_str(r->key.name), &own, r->err);
    if (rc == 1 && cli_has(r->cli, "handover") && !(own.roles & ROLE_CUSTODIAN))
        return err_set(r->err, -EPERM, "--handover: account %s is not a custodian", own.name);
    if (rc >= 0)
        rc = load_had(r);
    return rc == 0 ? leads_sealed(r->c.pursuit, r->lead, wrap_one, r, r->err) : rc;
}

/* ---- the record ---- */

static int keep_blobs(struct rewrap *r)
{
    struct case_keeper *keeper;
    int rc = case_keeper_open(r->cli, &keeper, r->err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < r->n_blobs; i++)
        rc = case_keeper_put(keeper, buf_as_span(&r->blobs[i].text), r->blobs[i].digest, r->err);
    int closed = case_keeper_close(keeper, rc == 0 ? r->err : NULL);
    return rc < 0 ? rc : closed;
}

/* A handover is one even if there is nothing to wrap: the last of the acts says so. */
static int record(struct rewrap *r)
{
    bool handover = cli_has(r->cli, "handover");
    size_t n = r->n_blobs ? r->n_blobs : handover ? 1 : 0;
    struct case_act *acts = mem_zeroed(n, sizeof *acts);
    struct buf *payloads = mem_zeroed(n, sizeof *payloads);
    for (size_t i = 0; i < n; i++) {
        struct act_keys_wrapped a = {.to = span_str(r->to.name),
                                     .why = case_text(r->cli, "why"),
                                     .handover = handover && i + 1 == n};
        if (i < r->n_blobs) {
            a.rows = r->blobs[i].rows;
            a.sha256 = span_of(r->blobs[i].digest, SHA256_LEN);
        }
        act_keys_wrapped(&payloads[i], &a);
        acts[i] =
            (struct case_act){.kind = KIND_KEYS_WRAPPED, .payload = buf_as_span(&payloads[i])};
    }
    int rc = n ? case_acts_as(r->cli, &r->key, acts, n, r->err) : 0;
    for (size_t i = 0; i < n; i++)
        buf_free(&payloads[i]);
    free(payloads);
    free(acts);
    return rc;
}

static const struct table_column columns[] = {
    {"account", "account", TABLE_WORDS},     {"wrapped", "wrapped", TABLE_COUNT},
    {"already", "had already", TABLE_COUNT}, {"unread", "cannot be read", TABLE_COUNT},
    {"handover", "handover", TABLE_WORDS},   {0}};

static int print(const struct rewrap *r)
{
    struct table *t = table_open(cli_shape(r->cli), columns, stdout);
    table_str(t, r->to.name);
    table_uint(t, r->wrapped);
    table_uint(t, r->there);
    table_uint(t, r->closed);
    table_bool(t, cli_has(r->cli, "handover"));
    table_row_end(t);
    return table_close(t) < 0 ? cli_fail(EXIT_FAILED, "output could not be written") : EXIT_DONE;
}

static void release(struct rewrap *r)
{
    for (size_t i = 0; i < r->n_blobs; i++)
        buf_free(&r->blobs[i].text);
    free(r->blobs);
    free(r->had);
    lead_keyring_close(r->ring);
    account_wipe(&r->key);
    casedir_close(&r->c, NULL);
}

int cmd_lead_rewrap(const struct cli *cli)
{
    struct err err = {0};
    struct rewrap r = {.cli = cli, .err = &err};
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "lead rewrap: wants one account");
    if (cli_has(cli, "handover") && cli_has(cli, "lead"))
        return cli_fail(EXIT_USAGE, "--handover: is of all leads, not of one (--lead)");
    lead_keep_private();
    int rc = prepare(&r);
    if (rc == 0 && r.n_blobs)
        rc = keep_blobs(&r);
    if (rc == 0)
        rc = record(&r);
    int code = rc < 0 ? cli_fail(EXIT_FAILED, "lead rewrap: %s", err.text) : print(&r);
    if (rc == 0 && r.closed) /* said, because a handover is to be of everything */
        code = cli_fail(EXIT_FAILED,
                        "lead rewrap: %llu of what is sealed cannot be read by account "
                        "%s, and was not wrapped",
                        (unsigned long long)r.closed, r.key.name);
    release(&r);
    return code;
}
