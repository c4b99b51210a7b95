#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/notice/notice.h"
#include "base/file.h"
#include "report/notice_message.h"
#include "view/display.h"

int notice_case_open(const struct cli *cli, struct notice_case *out, struct err *err)
{
    *out = (struct notice_case){.cli = cli, .now = utc_now()};
    arena_init(&out->arena);
    int rc = case_open_views(cli, &out->c, VIEW_PURSUIT, err);
    return rc == 0 ? notices_read(out->c.pursuit, &out->book, err) : rc;
}

void notice_case_close(struct notice_case *n)
{
    notice_book_free(&n->book);
    arena_free(&n->arena);
    casedir_close(&n->c, NULL);
}

/* ---- the command line ---- */

const char *notice_text_fault(struct span words, size_t max)
{
    struct buf shown = {0};
    if (words.n > max)
        return "too long";
    if (!span_is_utf8(words))
        return "not UTF-8";
    display_put(&shown, words); /* writes what does not belong in a text in another way */
    bool good = span_eq(buf_as_span(&shown), words);
    buf_free(&shown);
    return good ? NULL : "control characters, or such as reorder or hide text";
}

int notice_check_option(const struct cli *cli, const char *name, size_t max)
{
    const char *fault = notice_text_fault(case_text(cli, name), max);
    if (fault)
        return cli_fail(EXIT_USAGE, "--%s: %s", name, fault);
    return cli_has(cli, name) && !span_trim(case_text(cli, name)).n
               ? cli_fail(EXIT_USAGE, "--%s: is empty", name)
               : 0;
}

int notice_language(const struct cli *cli, const char *fallback, struct span *out)
{
    const char *tag = cli_get(cli, "language");
    *out = span_str(tag ? tag : fallback);
    if (tag && !notice_language_is_good(*out))
        return cli_fail(EXIT_USAGE, "--language: a tag like \"en\" or \"pt-BR\" (%s)", tag);
    return 0;
}

int notice_document_read(struct notice_case *n, struct notice_document *out, struct err *err)
{
    const char *path = cli_get(n->cli, "document");
    if (!path)
        return 0;
    const char *slash = strrchr(path, '/');
    out->name = span_str(slash ? slash + 1 : path);
    if (notice_text_fault(out->name, NOTICE_NAME_MAX))
        return err_set(err, -EINVAL, "--document: a file name that is %s",
                       notice_text_fault(out->name, NOTICE_NAME_MAX));
    int rc = file_read(path, (size_t)n->c.config->blob_max_mib << 20, &out->bytes, err);
    if (rc == 0 && !out->bytes.n)
        rc = err_set(err, -ENODATA, "%s: empty file", path);
    sha256(out->bytes.p, out->bytes.n, out->digest);
    out->sha256 = span_of(out->digest, SHA256_LEN);
    return rc;
}

int notice_party_named(struct notice_case *n, const char *name, const struct notice_party **out,
                       struct err *err)
{
    *out = notice_find_party(&n->book, span_str(name));
    return *out ? 0 : err_set(err, -ENOENT, "no such party: see `ebb notice status` (%.80s)", name);
}

int notice_record(const struct cli *cli, uint8_t kind, struct span payload, struct span blob,
                  uint64_t *entry, struct err *err)
{
    struct case_act act = {.kind = kind, .payload = payload, .blob = blob};
    int rc = case_acts(cli, &act, 1, err);
    *entry = act.index;
    return rc;
}

int notice_print_done(const struct cli *cli, const char *what, struct span name, uint64_t entry)
{
    const struct table_column columns[] = {
        {what, what, TABLE_WORDS}, {"index", "entry", TABLE_ID}, {0}};
    struct table *t = table_open(cli_shape(cli), columns, stdout);
    table_text(t, name);
    table_uint(t, entry);
    table_row_end(t);
    return table_close(t) < 0 ? cli_fail(EXIT_FAILED, "output could not be written") : EXIT_DONE;
}

int notice_fail(int rc, const struct err *err)
{
    return cli_fail(rc == -EINVAL ? EXIT_USAGE : EXIT_FAILED, "%s", err->text);
}

int notice_write(const char *path, struct span bytes, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, "%s", path);
    int rc = file_write_all(fd, bytes.p, bytes.n);
    close(fd);
    return rc < 0 ? err_set(err, rc, "%s: %s", path, strerror(-rc)) : 0;
}

/* ---- authority ---- */

struct order_reader {
    struct arena *arena;
    struct notice_order *out;
};

static struct span keep(struct arena *arena, struct span s)
{
    return s.n ? span_of(arena_copy(arena, s.p, s.n), s.n) : span_of(NULL, 0);
}

static int keep_order(void *ctx, const struct casebook_order *o)
{
    struct order_reader *r = ctx;
    *r->out = (struct notice_order){
        .entry = o->entry,
        .from = o->act.from,
        .until = o->act.until,
        .closed = o->closed,
        .id = keep(r->arena, o->act.id),
        .court = keep(r->arena, o->act.court),
        .docket = keep(r->arena, o->act.docket),
        .jurisdiction = keep(r->arena, o->act.jurisdiction),
        .scope = keep(r->arena, o->act.scope),
        .document = keep(r->arena, o->act.document),
        .sha256 = keep(r->arena, o->act.sha256),
    };
    return 0;
}

int notice_order_at(struct notice_case *n, uint64_t entry, struct notice_order *out,
                    struct err *err)
{
    struct casebook_clock clock = {n->now, 0};
    struct order_reader r = {&n->arena, out};
    struct entry e;
    int rc = casebook_order(n->c.casebook, entry, span_of(NULL, 0), &clock, keep_order, &r, err);
    if (rc == 0)
        return err_set(err, -ENOENT, "entry %llu is no order", (unsigned long long)entry);
    if (rc > 0)
        rc = journal_get(n->c.journal, entry, &e, err);
    if (rc == 0)
        out->recorded = e.header.time;
    return rc;
}

int notice_order_named(struct notice_case *n, const char *id, struct notice_order *out,
                       struct err *err)
{
    struct case_order found;
    int rc = case_find_order(&n->c, id, n->now, &found, err);
    return rc == 0 ? notice_order_at(n, found.entry, out, err) : rc;
}

static void say_time(int64_t time, char out[UTC_TEXT_MAX])
{
    utc_format(time, out);
    memcpy(out + 19, "Z", 2); /* seconds are enough for an error */
}

int notice_may(struct notice_case *n, const struct notice_order *o, int64_t when, struct err *err)
{
    char a[UTC_TEXT_MAX], b[UTC_TEXT_MAX];
    int id = (int)(o->id.n < 80 ? o->id.n : 80);
    const char *name = o->id.n ? (const char *)o->id.p : "";
    say_time(n->now, a);
    say_time(o->recorded, b);
    if (n->now < o->recorded)
        return err_set(err, -EPERM,
                       "order %.*s: the clock (%s) is before the order was put on record (%s)", id,
                       name, a, b);
    say_time(when, a);
    say_time(o->from, b);
    if (when < o->from)
        return err_set(err, -EPERM, "order %.*s is planned: it holds only from %s on (not at %s)",
                       id, name, b, a);
    if (when >= o->closed)
        return err_set(err, -EPERM, "order %.*s is closed: no notice goes out under it", id, name);
    if (when >= o->until)
        return err_set(err, -EPERM, "order %.*s is expired: no notice goes out under it", id, name);
    return 0;
}
