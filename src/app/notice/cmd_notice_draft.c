/* ebb notice draft */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/notice/notice_due.h"
#include "base/file.h"

static const struct table_column draft_columns[] = {{"party", "party", TABLE_WORDS},
                                                    {"channel", "channel", TABLE_WORDS},
                                                    {"address", "address", TABLE_WORDS},
                                                    {"language", "language", TABLE_WORDS},
                                                    {"bytes", "bytes", TABLE_COUNT},
                                                    {"file", "file", TABLE_WORDS},
                                                    {"template", NULL, TABLE_ID},
                                                    {"media", NULL, TABLE_WORDS},
                                                    {0}};

/* Drafts of another day beside today's would mislead. Ours are taken away; somebody else's folder
 * has to be empty. */
static int make_room(const char *dir, bool ours, struct err *err)
{
    int rc = file_mkdirs(dir, 0700, err);
    DIR *d = rc == 0 ? opendir(dir) : NULL;
    if (rc == 0 && !d)
        return err_errno(err, "%s", dir);
    for (struct dirent *e; rc == 0 && (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (!ours)
            rc = err_set(err, -ENOTEMPTY, "%s: is not empty", dir);
        else if (strncmp(e->d_name, "notice-", 7) == 0 && unlinkat(dirfd(d), e->d_name, 0) < 0)
            rc = err_errno(err, "%s/%s", dir, e->d_name);
    }
    if (d)
        closedir(d);
    return rc;
}

static const char *ending_of(const char *media)
{
    return strcmp(media, "message/rfc822") == 0    ? "eml"
           : strcmp(media, "application/pdf") == 0 ? "pdf"
           : strcmp(media, "text/html") == 0       ? "html"
                                                   : "txt";
}

static void put_draft(struct table *t, struct span party, struct span channel, struct span address,
                      const struct notice_words *w, const char *media, size_t bytes,
                      const char *path)
{
    table_text(t, party);
    table_text(t, channel);
    table_text(t, address);
    table_text(t, w->act.language);
    table_uint(t, bytes);
    table_str(t, path);
    table_uint(t, w->at.entry);
    table_str(t, media);
    table_row_end(t);
}

static int draft_one(struct notice_case *n, const struct notice_due *d, struct span name,
                     const char *dir, struct table *t, struct err *err)
{
    struct notice_made made = {0};
    char path[FILE_PATH_MAX];
    int rc = notice_make(n, &d->order, d->party, d->contact, name, &made, err);
    if (rc == 0)
        rc = file_path(path, err, "%s/notice-%llu-%llu-%.*s.%s", dir,
                       (unsigned long long)d->party->at.entry,
                       (unsigned long long)d->contact->at.entry, (int)made.words->act.language.n,
                       (const char *)made.words->act.language.p, ending_of(made.media));
    if (rc == 0)
        rc = notice_write(path, buf_as_span(&made.bytes), err);
    if (rc == 0)
        put_draft(t, d->party->act.name, d->contact->act.channel, d->contact->act.address,
                  made.words, made.media, made.bytes.n, path);
    buf_free(&made.bytes);
    return rc;
}

/* The newest advertisement of each language, under that order. */
static int draft_advertisements(struct notice_case *n, const struct notice_order *o,
                                struct span name, const char *dir, struct table *t, struct err *err)
{
    const char *size = cli_has(n->cli, "size") ? cli_get(n->cli, "size") : "quarter-page";
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n->book.n_words; i++) {
        const struct notice_words *w = &n->book.words[i];
        struct buf pdf = {0};
        char path[FILE_PATH_MAX];
        if (notice_find_words(&n->book, name, span_str("advertisement"), w->act.language) != w)
            continue;
        rc = notice_make_advertisement(n, o, NULL, w, size, &pdf, err);
        if (rc == 0)
            rc = file_path(path, err, "%s/notice-advertisement-%.*s.pdf", dir,
                           (int)w->act.language.n, (const char *)w->act.language.p);
        if (rc == 0)
            rc = notice_write(path, buf_as_span(&pdf), err);
        if (rc == 0)
            put_draft(t, span_str(""), span_str("publication"), span_str(size), w,
                      "application/pdf", pdf.n, path);
        buf_free(&pdf);
    }
    return rc;
}

static int draft_all(struct notice_case *n, struct span name, struct table *t, struct err *err)
{
    struct notice_dues d = {0};
    char dir[FILE_PATH_MAX];
    const char *output = cli_get(n->cli, "output");
    int rc = output ? file_path(dir, err, "%s", output)
                    : file_path(dir, err, "%s/notices", n->cli->case_dir);
    if (rc == 0)
        rc = notice_find_due(n, name, true, &d, err);
    if (rc == 0)
        rc = make_room(dir, !output, err);
    /* a template may be an advertisement alone */
    bool letters = notice_find_words(&n->book, name, span_str("text"), span_of(NULL, 0)) ||
                   !notice_find_words(&n->book, name, span_str("advertisement"), span_of(NULL, 0));
    for (size_t i = 0; rc == 0 && letters && i < d.n; i++)
        rc = draft_one(n, &d.v[i], name, dir, t, err);
    for (size_t i = 0; rc == 0 && i < n->book.n_parties; i++) {
        struct notice_order o;
        bool seen = false;
        for (size_t k = 0; k < i; k++)
            seen |= n->book.parties[k].act.order == n->book.parties[i].act.order;
        if (!seen && (rc = notice_order_at(n, n->book.parties[i].act.order, &o, err)) == 0 &&
            notice_may(n, &o, n->now, NULL) == 0)
            rc = draft_advertisements(n, &o, name, dir, t, err);
    }
    if (rc == 0)
        notice_say_rest(n->cli, &d);
    free(d.v);
    return rc;
}

int cmd_notice_draft(const struct cli *cli)
{
    struct notice_case n;
    struct span name;
    struct err err;
    struct table *t = NULL;
    int code = notice_template_option(cli, &name);
    if (code)
        return code;
    int rc = notice_case_open(cli, &n, &err);
    if (rc == 0) {
        t = table_open(cli_shape(cli), draft_columns, stdout);
        rc = draft_all(&n, name, t, &err);
    }
    if (t && table_close(t) < 0 && rc == 0)
        rc = err_set(&err, -EIO, "output could not be written");
    notice_case_close(&n);
    return rc < 0 ? notice_fail(rc, &err) : EXIT_DONE;
}
