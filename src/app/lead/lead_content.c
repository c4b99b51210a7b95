#include "app/lead/lead_content.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define READ_PIECE (256u << 10)

void lead_keep_private(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__ /* whose leak check looks into its own process */
    prctl(PR_SET_DUMPABLE, 0);
#endif
}

void lead_wipe(struct buf *b)
{
    if (b->p)
        sodium_memzero(b->p, b->cap);
    buf_free(b);
}

int lead_read_text(const char *path, size_t max, struct buf *out, struct err *err)
{
    buf_reserve(out, max < READ_PIECE ? max : READ_PIECE); /* fewer copies are left behind */
    return strcmp(path, "-") == 0 ? file_read_fd(STDIN_FILENO, "standard input", max, out, err)
                                  : file_read(path, max, out, err);
}

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int open_file(struct lead_content *c, const char *path, struct err *err)
{
    struct seal_manifest *m = &c->manifest;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_errno(err, "%s", path);
    c->paths[m->n_files] = path;
    c->fds[m->n_files] = fd;
    m->files[m->n_files++] = (struct seal_file){.name = span_str(file_name(path))};
    if (fstat(fd, &st) < 0)
        return err_errno(err, "%s", path);
    if (!S_ISREG(st.st_mode))
        return err_set(err, -EINVAL, "%s: not a file", path);
    m->files[m->n_files - 1].size = (uint64_t)st.st_size;
    if ((uint64_t)st.st_size > SEAL_TOTAL_MAX || (c->size += (uint64_t)st.st_size) > SEAL_TOTAL_MAX)
        return err_set(err, -EFBIG,
                       "%s: too large: the files of one lead or message have %llu GiB at most "
                       "together",
                       path, SEAL_TOTAL_MAX >> 30);
    return 0;
}

static int walk_file(const struct lead_content *c, size_t i, uint8_t *piece,
                     int (*each)(void *ctx, struct span data, struct err *err), void *ctx,
                     struct err *err)
{
    uint64_t at = 0, size = c->manifest.files[i].size;
    int rc = 0;
    while (rc == 0 && at < size) {
        ssize_t n =
            pread(c->fds[i], piece, size - at < READ_PIECE ? size - at : READ_PIECE, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? err_errno(err, "%s", c->paths[i])
                         : err_set(err, -EIO, "%s: it has shrunk meanwhile", c->paths[i]);
        rc = each(ctx, span_of(piece, (size_t)n), err);
        at += (uint64_t)n;
    }
    return rc;
}

int lead_content_walk(const struct lead_content *c,
                      int (*each)(void *ctx, struct span data, struct err *err), void *ctx,
                      struct err *err)
{
    struct buf piece = {0};
    int rc = 0;
    buf_reserve(&piece, READ_PIECE);
    for (size_t i = 0; rc == 0 && i < c->manifest.n_files; i++)
        rc = c->fds[i] < 0 ? each(ctx, c->data[i], err) : walk_file(c, i, piece.p, each, ctx, err);
    lead_wipe(&piece);
    return rc;
}

static int add_digest(void *ctx, struct span data, struct err *err)
{
    sha256_add(ctx, data.p, data.n);
    return 0;
}

static int digest(struct lead_content *c, struct err *err)
{
    sha256_ctx sum;
    c->manifest.text = buf_as_span(&c->text);
    c->manifest.contact = buf_as_span(&c->contact);
    int rc = seal_manifest_check(&c->manifest, err);
    if (rc < 0)
        return rc;
    seal_digest_begin(&c->manifest, &sum);
    rc = lead_content_walk(c, add_digest, &sum, err);
    sha256_end(&sum, c->digest);
    return rc;
}

static bool is_given(const char *path)
{
    return path && *path;
}

/* What the option of that name gives; errors say which. */
static int read_option(const char *option, const char *path, size_t max, struct buf *out,
                       struct err *err)
{
    struct err why;
    int rc = is_given(path) ? lead_read_text(path, max, out, &why) : 0;
    if (rc == 0 && is_given(path) && !span_is_utf8(buf_as_span(out)))
        rc = err_set(&why, -EINVAL, "%s: not UTF-8, or there is a NUL in it", path);
    return rc < 0 ? err_set(err, rc, "--%s: %s", option, why.text) : 0;
}

int lead_content_read(const struct lead_input *in, struct lead_content *out, struct err *err)
{
    *out = (struct lead_content){0};
    if (in->n > SEAL_FILES_MAX)
        return err_set(err, -EFBIG, "%u files: %d at most", in->n, SEAL_FILES_MAX);
    if (is_given(in->text) && is_given(in->contact) && strcmp(in->text, "-") == 0 &&
        strcmp(in->contact, "-") == 0)
        return err_set(err, -EINVAL, "--contact: standard input is the text's already");
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < in->n; i++)
        rc = open_file(out, in->paths[i], err);
    if (rc == 0)
        rc = read_option("text", in->text, SEAL_TEXT_MAX, &out->text, err);
    if (rc == 0)
        rc = read_option("contact", in->contact, SEAL_CONTACT_MAX, &out->contact, err);
    out->manifest.language = span_str(in->language);
    if (rc == 0 && !out->text.n && !out->manifest.n_files)
        rc = err_set(err, -EINVAL, "nothing is given: wants a text or files");
    return rc == 0 ? digest(out, err) : rc;
}

int lead_content_words(struct span text, struct lead_content *out, struct err *err)
{
    *out = (struct lead_content){0};
    buf_span(&out->text, text);
    return digest(out, err);
}

static int check_given(const struct lead_given *in, struct err *err)
{
    if (in->n > SEAL_FILES_MAX)
        return err_set(err, -EFBIG, "%u files: %d at most", in->n, SEAL_FILES_MAX);
    if (in->text.n > SEAL_TEXT_MAX || in->contact.n > SEAL_CONTACT_MAX)
        return err_set(err, -EFBIG, "the text or the contact is too long");
    if (!in->text.n && !in->n)
        return err_set(err, -EINVAL, "nothing is given: wants a text or files");
    return 0;
}

int lead_content_given(const struct lead_given *in, struct lead_content *out, struct err *err)
{
    int rc = check_given(in, err);
    *out = (struct lead_content){0};
    if (rc < 0)
        return rc;
    buf_span(&out->text, in->text);
    buf_span(&out->contact, in->contact);
    out->manifest.language = in->language;
    for (unsigned i = 0; i < in->n; i++) {
        out->fds[i] = -1;
        out->data[i] = in->files[i].data;
        out->manifest.files[i] =
            (struct seal_file){.name = in->files[i].name, .size = in->files[i].data.n};
        out->size += in->files[i].data.n;
    }
    out->manifest.n_files = in->n;
    return digest(out, err);
}

void lead_content_free(struct lead_content *c)
{
    for (size_t i = 0; i < c->manifest.n_files; i++)
        if (c->fds[i] >= 0)
            close(c->fds[i]);
    lead_wipe(&c->text);
    lead_wipe(&c->contact);
    *c = (struct lead_content){0};
}
