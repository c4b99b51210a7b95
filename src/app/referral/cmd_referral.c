/* ebb referral export */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/case_act.h"
#include "app/referral/referral.h"
#include "base/file.h"
#include "event/event.h"

/* ---- what is asked for ---- */

/* It becomes the name of a folder, at the agency too. */
static bool name_is_good(const char *name)
{
    size_t n = strlen(name);
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    return n > 0 && n <= REFERRAL_NAME_MAX && name[0] != '.' && name[0] != '-' &&
           strspn(name, good) == n;
}

static int read_without(const struct cli *cli, unsigned *out)
{
    struct span s = case_text(cli, "without");
    *out = 0;
    for (size_t i = 0; i < s.n;) {
        size_t from = i;
        unsigned k = 0;
        while (i < s.n && s.p[i] != ' ' && s.p[i] != ',')
            i++;
        struct span word = span_of(s.p + from, i - from);
        i++;
        if (!word.n)
            continue;
        while (referral_without_name(k) && !span_is(word, referral_without_name(k)))
            k++;
        if (!referral_without_name(k))
            return cli_fail(EXIT_USAGE,
                            "referral export: --without: leads confidence names notes victims "
                            "(%.*s)",
                            (int)word.n, (const char *)word.p);
        *out |= 1u << k;
    }
    return 0;
}

static int read_options(const struct cli *cli, struct referral_request *r)
{
    static const char *const wanted[] = {"agency", "recipient", "output"};
    if (cli->n_args != 1 || !name_is_good(cli->args[0]))
        return cli_fail(EXIT_USAGE,
                        "referral export: wants one name: letters, digits, \".\", \"_\", \"-\", %d "
                        "at most",
                        REFERRAL_NAME_MAX);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!cli_has(cli, wanted[i]) || !cli_get(cli, wanted[i])[0])
            return cli_fail(EXIT_USAGE, "referral export: wants --%s", wanted[i]);
    *r = (struct referral_request){.name = cli->args[0],
                                   .output = cli_get(cli, "output"),
                                   .subjects = cli_get(cli, "subject"),
                                   .leads = cli_get(cli, "lead"),
                                   .summary = cli_get(cli, "summary"),
                                   .losses = cli_get(cli, "losses"),
                                   .exhibits = cli_get(cli, "exhibit"),
                                   .recipient = cli_get(cli, "recipient")};
    int code = subject_cli_text(cli, "agency", REFERRAL_TEXT_MAX, &r->agency);
    if (code == 0)
        code = subject_cli_text(cli, "limits", REFERRAL_TEXT_MAX, &r->limits);
    if (code == 0)
        code = read_without(cli, &r->without);
    if (code == 0 && r->leads && (r->without & REFERRAL_LEADS))
        code = cli_fail(EXIT_USAGE, "referral export: --lead with --without leads");
    if (code == 0 && !account_named(cli))
        code = cli_fail(EXIT_USAGE, "referral export: wants an account: it is signed (--account)");
    if (code == 0 && file_exists(r->output))
        code = cli_fail(EXIT_FAILED, "--output: is there already (%s)", r->output);
    return code;
}

/* The account is in force and may do it: said before the work, not behind it. */
static int check_right(struct casedir *c, const struct account_key *key, struct err *err)
{
    struct account a;
    const unsigned may = ROLE_OPERATOR | ROLE_COUNSEL | ROLE_CUSTODIAN;
    int rc = casebook_account(c->casebook, span_str(key->name), &a, err);
    if (rc < 0)
        return rc;
    if (rc == 0 || !account_is_open(&a, utc_now()) || !(a.roles & may))
        return err_set(err, -EPERM,
                       "%s: may not hand over: an operator, counsel or a custodian may", key->name);
    if (memcmp(a.sign, key->sign, sizeof a.sign) != 0)
        return err_set(err, -EPERM, "%s: the key file is not the one that the case has", key->name);
    return 0;
}

/* ---- the act ---- */

static void put_list(struct buf *out, uint64_t entry)
{
    buf_printf(out, "%s%" PRIu64, out->n ? " " : "", entry);
}

/* files: those of the manifest. */
static int journal(const struct cli *cli, struct referral *x, uint64_t files, uint64_t *entry,
                   struct err *err)
{
    struct buf leads = {0}, subjects = {0}, payload = {0};
    for (size_t i = 0; i < x->n_leads; i++)
        put_list(&leads, x->leads[i].entry);
    for (size_t i = 0; i < x->n_subjects; i++)
        put_list(&subjects, x->subjects[i].entry);
    act_referral(&payload, &(struct act_referral){
                               .name = span_str(x->r->name),
                               .files = files,
                               .leads = buf_as_span(&leads),
                               .agency = x->r->agency,
                               .limits = x->r->limits,
                               .sha256 = span_of(x->manifest, SHA256_LEN),
                               .subjects = buf_as_span(&subjects),
                               .recipient = span_str(openpgp_fingerprint(x->to)),
                           });
    struct case_act act = {.kind = KIND_REFERRAL, .payload = buf_as_span(&payload)};
    int rc = case_acts_as(cli, x->r->signer, &act, 1, err);
    *entry = act.index;
    buf_free(&leads);
    buf_free(&subjects);
    buf_free(&payload);
    return rc;
}

/* ---- the work ---- */

static int open_recipient(struct referral *x, struct err *err)
{
    struct buf key = {0};
    int rc = file_read(x->r->recipient, OPENPGP_KEY_MAX, &key, err);
    if (rc == 0)
        rc = openpgp_open(buf_as_span(&key), &x->to, err);
    buf_free(&key);
    return rc;
}

static int write_all(struct referral *x, uint64_t *files, struct err *err)
{
    int rc = referral_folder_make(x, err);
    if (rc == 0)
        rc = referral_words(x, err);
    if (rc == 0)
        rc = referral_pdf(x, err);
    if (rc == 0)
        rc = referral_leads(x, err);
    if (rc == 0)
        rc = referral_exhibits(x, err);
    *files = x->n_rows;
    if (rc == 0)
        rc = referral_seal(x, err);
    return rc < 0 ? rc : referral_encrypt(x, err);
}

struct made {
    uint64_t entry, files, bytes;
    char manifest[SHA256_HEX_MAX], recipient[128];
};

static int export(const struct cli *cli, const struct referral_request *r, struct made *out,
                  struct err *err)
{
    struct casedir c = {0};
    struct referral x = {.r = r, .c = &c, .now = utc_now(), .top = -1, .dir = -1};
    int rc = open_recipient(&x, err);
    if (rc == 0)
        rc = case_open_views(cli, &c, VIEW_PURSUIT, err);
    if (rc == 0)
        rc = check_right(&c, r->signer, err);
    if (rc == 0)
        rc = referral_gather(&x, err);
    if (rc == 0)
        rc = write_all(&x, &out->files, err);
    casedir_close(&c, NULL);
    if (rc == 0)
        rc = journal(cli, &x, out->files, &out->entry, err);
    if (rc < 0)
        referral_folder_undo(&x);
    if (rc == 0) {
        out->bytes = x.bytes;
        hex_encode(x.manifest, SHA256_LEN, out->manifest);
        snprintf(out->recipient, sizeof out->recipient, "%s", openpgp_fingerprint(x.to));
    }
    if (x.dir >= 0)
        close(x.dir);
    if (x.top >= 0)
        close(x.top);
    openpgp_close(x.to);
    referral_free(&x);
    return rc;
}

/* Signals that would end it wait: it looks for them, and cleans up (referral_folder.c). */
static void hold_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static int print(const struct cli *cli, const struct made *m)
{
    static const struct table_column columns[] = {{"referral", "referral", TABLE_WORDS},
                                                  {"index", "entry", TABLE_ID},
                                                  {"files", "files", TABLE_COUNT},
                                                  {"bytes", "bytes", TABLE_COUNT},
                                                  {"sha256", "manifest", TABLE_WORDS},
                                                  {"recipient", "recipient", TABLE_WORDS},
                                                  {0}};
    struct table *t = table_open(cli_shape(cli), columns, stdout);
    table_str(t, cli->args[0]);
    table_uint(t, m->entry);
    table_uint(t, m->files);
    table_uint(t, m->bytes);
    table_str(t, m->manifest);
    table_str(t, m->recipient);
    table_row_end(t);
    return table_close(t) < 0 ? cli_fail(EXIT_FAILED, "output could not be written") : EXIT_DONE;
}

int cmd_referral_export(const struct cli *cli)
{
    struct referral_request r;
    struct account_key key;
    struct made made = {0};
    struct err err;
    int code = read_options(cli, &r);
    if (code)
        return code;
    int rc = account_unlock(cli, &key, &err);
    if (rc < 0)
        return cli_err(&err);
    r.signer = &key;
    hold_signals();
    rc = export(cli, &r, &made, &err);
    account_wipe(&key);
    return rc < 0 ? cli_err(&err) : print(cli, &made);
}
