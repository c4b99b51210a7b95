#include "sim/mail_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/utc.h"
#include "sim/sink.h"

#define TAR_BLOCK 512

struct mail_writer {
    enum mail_store kind;
    bool crlf;
    char path[FILE_PATH_MAX];
    char name[64];
    struct sink *sink; /* of one file */
    struct buf text;   /* the mail with its line ends */
};

int mail_writer_open(enum mail_store kind, const char *path, bool crlf, struct mail_writer **out,
                     struct err *err)
{
    static const char *const folders[] = {"tmp", "cur", "new"};
    struct mail_writer *w = mem_zeroed(1, sizeof *w);
    char folder[FILE_PATH_MAX];
    int rc = file_path(w->path, err, "%s", path);
    w->kind = kind;
    w->crlf = crlf;
    *out = w;
    if (rc == 0 && (kind == MAIL_MBOX || kind == MAIL_TAR))
        rc = sink_open(path, &w->sink, err);
    if (rc == 0 && kind == MAIL_EML)
        rc = file_mkdirs(path, 0777, err);
    for (int i = 0; rc == 0 && kind == MAIL_MAILDIR && i < 3; i++) {
        rc = file_path(folder, err, "%s/%s", path, folders[i]);
        if (rc == 0)
            rc = file_mkdirs(folder, 0777, err);
    }
    return rc;
}

const char *mail_writer_name(const struct mail_writer *w)
{
    return w->name;
}

/* CRLF to LF; mbox: a '>' before lines that begin with any number of '>' and "From " (mboxrd). */
static void put_lines(struct span mail, bool crlf, bool quote, struct buf *out)
{
    struct cur c = cur_of(mail);
    while (cur_left(&c)) {
        struct span line = cur_line(&c);
        size_t at = 0;
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        while (quote && at < line.n && line.p[at] == '>')
            at++;
        if (quote && line.n - at >= 5 && memcmp(line.p + at, "From ", 5) == 0)
            buf_byte(out, '>');
        buf_span(out, line);
        buf_str(out, crlf ? "\r\n" : "\n");
    }
}

static int add_mbox(struct mail_writer *w, struct span mail, const struct mail_label *label,
                    struct err *err)
{
    struct buf *out = sink_buf(w->sink);
    struct mail_date d = mail_date_of(label->time);
    snprintf(w->name, sizeof w->name, "%llu", (unsigned long long)label->number);
    buf_str(out, "From ");
    buf_str(out, label->from);
    buf_byte(out, ' ');
    mail_put_asctime(out, &d);
    buf_str(out, w->crlf ? "\r\n" : "\n");
    put_lines(mail, w->crlf, true, out);
    buf_str(out, w->crlf ? "\r\n" : "\n");
    return sink_flush(w->sink, err);
}

static int add_file(struct mail_writer *w, struct span mail, struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = file_path(path, err, "%s/%s", w->path, w->name);
    if (rc < 0)
        return rc;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_errno(err, "output: cannot open %s", path);
    rc = file_write_all(fd, mail.p, mail.n);
    if (close(fd) < 0 && rc == 0)
        rc = -errno;
    return rc < 0 ? err_set(err, rc, "output: cannot write: %s (%s)", strerror(-rc), path) : 0;
}

/* POSIX ustar. */
static int add_tar(struct mail_writer *w, struct span mail, const struct mail_label *label,
                   struct err *err)
{
    struct buf *out = sink_buf(w->sink);
    char head[TAR_BLOCK] = {0};
    unsigned sum = 0;
    snprintf(head, 100, "%s", w->name);
    snprintf(head + 100, 8, "%07o", 0644u);
    snprintf(head + 108, 8, "%07o", 0u);
    snprintf(head + 116, 8, "%07o", 0u);
    snprintf(head + 124, 12, "%011llo", (unsigned long long)mail.n);
    snprintf(head + 136, 12, "%011llo", (unsigned long long)(label->time / UTC_SECOND));
    memset(head + 148, ' ', 8);
    head[156] = '0';
    memcpy(head + 257, "ustar\00000", 8);
    for (int i = 0; i < TAR_BLOCK; i++)
        sum += (uint8_t)head[i];
    snprintf(head + 148, 7, "%06o", sum);
    buf_put(out, head, sizeof head);
    buf_span(out, mail);
    static const char zeros[TAR_BLOCK];
    buf_put(out, zeros, (TAR_BLOCK - mail.n % TAR_BLOCK) % TAR_BLOCK);
    return sink_flush(w->sink, err);
}

int mail_writer_add(struct mail_writer *w, struct span mail, const struct mail_label *label,
                    struct err *err)
{
    unsigned long long n = label->number, seconds = (unsigned long long)(label->time / UTC_SECOND);
    if (w->kind == MAIL_MBOX)
        return add_mbox(w, mail, label, err);
    if (w->kind == MAIL_MAILDIR)
        snprintf(w->name, sizeof w->name, "new/%llu.M%lluP1.relay", seconds, n);
    else
        snprintf(w->name, sizeof w->name, "%llu.eml", n);
    if (!w->crlf) {
        w->text.n = 0;
        put_lines(mail, false, false, &w->text);
        mail = buf_as_span(&w->text);
    }
    return w->kind == MAIL_TAR ? add_tar(w, mail, label, err) : add_file(w, mail, err);
}

static void writer_free(struct mail_writer *w)
{
    buf_free(&w->text);
    free(w);
}

int mail_writer_close(struct mail_writer *w, struct err *err)
{
    static const char zeros[2 * TAR_BLOCK];
    if (!w)
        return 0;
    if (w->kind == MAIL_TAR)
        buf_put(sink_buf(w->sink), zeros, sizeof zeros);
    int rc = w->sink ? sink_close(w->sink, err) : 0;
    writer_free(w);
    return rc;
}

void mail_writer_abandon(struct mail_writer *w)
{
    if (!w)
        return;
    if (w->sink)
        sink_abandon(w->sink);
    writer_free(w);
}
