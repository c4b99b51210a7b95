/* ebb cleanup returns: the mail that came back, onto the log, each once. Mails are read and left
 * where they are. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/case_act.h"
#include "app/import/maildir.h"
#include "base/file.h"
#include "base/mem.h"
#include "mail/returned.h"
#include "state/texts.h"

#define MAIL_MAX   (64u << 20) /* bytes of one that is read */
#define BATCH      256         /* mails that are journalled together */
#define BATCH_SIZE (16u << 20) /* and bytes of them */

struct returns {
    const struct cli *cli;
    struct casedir c;
    struct mime_scanner *scanner;
    struct arena arena; /* of a batch: payloads and mails lie in it */
    struct texts seen;  /* digests of this run */
    struct case_act acts[2 * BATCH];
    size_t n_acts, bytes;
    struct table *table;
    uint64_t unread;
};

static const struct table_column columns[] = {
    {"report", "report", TABLE_ID}, {"contact", "contact", TABLE_WORDS},
    {"what", "what", TABLE_WORDS},  {"status", "status", TABLE_WORDS},
    {"text", "text", TABLE_WORDS},  {"sha256", NULL, TABLE_WORDS},
    {"file", NULL, TABLE_WORDS},    {0}};

static int flush(struct returns *r, struct err *err)
{
    int rc = r->n_acts ? case_acts(r->cli, r->acts, r->n_acts, err) : 0;
    r->n_acts = r->bytes = 0;
    arena_reset(&r->arena);
    return rc;
}

static void add(struct returns *r, uint8_t kind, struct buf *payload, struct span blob)
{
    struct case_act *a = &r->acts[r->n_acts++];
    *a = (struct case_act){.kind = kind, .blob = blob};
    a->payload = span_of(arena_copy(&r->arena, payload->p, payload->n), payload->n);
    buf_free(payload);
}

static bool find_report(struct returns *r, const struct returned *back, struct cleanup_report *out)
{
    for (unsigned i = 0; i < back->n_ids; i++)
        if (cleanup_by_message_id(r->c.cleanup, back->ids[i], out))
            return true;
    return false;
}

/* What came back had been sent. */
static void settle(struct returns *r, const struct cleanup_report *report)
{
    struct buf payload = {0};
    struct act_report_tried a = {.report = report->report,
                                 .attempt = report->attempts,
                                 .result = span_str("sent"),
                                 .by = span_str("ebb"),
                                 .why = span_str("mail about it came back")};
    act_report_tried(&payload, &a);
    add(r, KIND_REPORT_TRIED, &payload, span_of(NULL, 0));
}

static void show(struct returns *r, const struct act_report_returned *a, const char *path)
{
    if (a->report)
        table_uint(r->table, a->report);
    else
        table_empty(r->table);
    table_text(r->table, a->contact);
    table_text(r->table, a->what);
    table_text(r->table, a->status);
    table_text(r->table, a->text);
    table_hex(r->table, a->sha256.p, a->sha256.n);
    table_str(r->table, path);
    table_row_end(r->table);
}

static void take_mail(struct returns *r, struct span mail, const uint8_t digest[SHA256_LEN],
                      const char *path)
{
    struct returned back;
    struct cleanup_report report;
    struct buf payload = {0};
    returned_read(r->scanner, mail, &r->arena, &back);
    bool ours = find_report(r, &back, &report);
    struct act_report_returned a = {.report = ours ? report.report : 0,
                                    .what = span_str(returned_what_name(back.what)),
                                    .contact = ours ? report.contact : back.contact,
                                    .status = back.status,
                                    .text = back.text,
                                    .sha256 = span_of(digest, SHA256_LEN)};
    if (ours && report.state == CLEANUP_DOUBTFUL)
        settle(r, &report);
    act_report_returned(&payload, &a);
    bool fits = mail.n <= (size_t)r->c.config->blob_max_mib << 20;
    add(r, KIND_REPORT_RETURNED, &payload, fits ? mail : span_of(NULL, 0));
    show(r, &a, path);
}

static int read_mail(struct returns *r, const char *path, struct err *err)
{
    struct buf mail = {0};
    struct err why;
    uint8_t digest[SHA256_LEN];
    int rc = file_read(path, MAIL_MAX, &mail, &why);
    if (rc < 0 && rc != -ENOENT) { /* one that a mail program moved meanwhile comes next time */
        r->unread++;
        cli_fail(EXIT_FAILED, "%s", why.text);
    }
    if (rc < 0 || !mail.n) {
        buf_free(&mail);
        return 0;
    }
    rc = r->bytes + mail.n > BATCH_SIZE || r->n_acts + 2 > 2 * BATCH ? flush(r, err) : 0;
    sha256(mail.p, mail.n, digest);
    struct span key = span_of(digest, SHA256_LEN);
    if (rc == 0 && !cleanup_has_returned(r->c.cleanup, digest) &&
        texts_find(&r->seen, key) == TEXTS_NONE) {
        texts_number(&r->seen, key);
        struct span kept = span_of(arena_copy(&r->arena, mail.p, mail.n), mail.n);
        r->bytes += mail.n;
        take_mail(r, kept, digest, path);
    }
    buf_free(&mail);
    return rc;
}

static int read_all(struct returns *r, const char *maildir, struct err *err)
{
    struct maildir_files files = {0};
    int rc = maildir_list(maildir, &files, err);
    for (size_t i = 0; rc == 0 && i < files.n; i++)
        rc = read_mail(r, files.path[i], err);
    maildir_files_free(&files);
    return rc == 0 ? flush(r, err) : rc;
}

static int returns(struct returns *r, struct err *err)
{
    int rc = casedir_open(&r->c, r->cli->case_dir, JOURNAL_READ, err);
    const char *maildir = rc               ? NULL
                          : r->cli->n_args ? r->cli->args[0]
                                           : r->c.config->cleanup.returns;
    if (rc == 0 && !*maildir)
        rc = err_set(err, -EINVAL, "cleanup returns: which Maildir? (cleanup.returns in ebb.yaml)");
    if (rc == 0)
        rc = casedir_views(&r->c, VIEW_CLEANUP, err);
    if (rc < 0)
        return rc;
    r->scanner = mime_scanner_new();
    r->table = table_open(cli_shape(r->cli), columns, stdout);
    rc = read_all(r, maildir, err);
    if (table_close(r->table) < 0 && rc == 0)
        rc = err_set(err, -EIO, "output could not be written");
    mime_scanner_free(r->scanner);
    return rc;
}

int cmd_cleanup_returns(const struct cli *cli)
{
    static struct returns r;
    struct err err;
    if (cli->n_args > 1)
        return cli_fail(EXIT_USAGE, "cleanup returns: one Maildir (%s)", cli->args[1]);
    r = (struct returns){.cli = cli, .c.quiet = cli->quiet};
    arena_init(&r.arena);
    int rc = returns(&r, &err);
    texts_free(&r.seen);
    arena_free(&r.arena);
    casedir_close(&r.c, NULL);
    if (rc < 0)
        return cli_fail(rc == -EINVAL ? EXIT_USAGE : EXIT_FAILED, "%s", err.text);
    return r.unread ? EXIT_FAILED : EXIT_DONE;
}
