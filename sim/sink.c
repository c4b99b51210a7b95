#include "sim/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/file.h"

#define PIECE (1u << 20)

enum packing { PLAIN, GZIP, ZSTD };

struct sink {
    char *path;
    int fd;
    enum packing packing;
    struct buf in, out;
    z_stream gz;
    ZSTD_CCtx *zst;
};

static bool ends(const char *text, const char *with)
{
    size_t n = strlen(text), k = strlen(with);
    return n >= k && strcmp(text + n - k, with) == 0;
}

static int start_packing(struct sink *s, struct err *err)
{
    if (s->packing == GZIP &&
        deflateInit2(&s->gz, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return err_set(err, -ENOMEM, "output: no memory to compress (%s)", s->path);
    if (s->packing == ZSTD) {
        s->zst = ZSTD_createCCtx();
        if (!s->zst)
            return err_set(err, -ENOMEM, "output: no memory to compress (%s)", s->path);
        ZSTD_CCtx_setParameter(s->zst, ZSTD_c_compressionLevel, 1);
        ZSTD_CCtx_setParameter(s->zst, ZSTD_c_checksumFlag, 1);
    }
    return 0;
}

int sink_open(const char *path, struct sink **out, struct err *err)
{
    struct sink *s = calloc(1, sizeof *s);
    *out = NULL;
    if (!s || !(s->path = strdup(path))) {
        free(s);
        return err_set(err, -ENOMEM, "output: no memory (%s)", path);
    }
    s->packing = ends(path, ".gz") ? GZIP : ends(path, ".zst") ? ZSTD : PLAIN;
    if (strcmp(path, "-") == 0)
        s->fd = dup(STDOUT_FILENO);
    else
        s->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (s->fd < 0) {
        int rc = err_errno(err, "output: cannot open %s", path);
        free(s->path);
        free(s);
        return rc;
    }
    int rc = start_packing(s, err);
    if (rc < 0) {
        sink_abandon(s);
        return rc;
    }
    *out = s;
    return 0;
}

struct buf *sink_buf(struct sink *s)
{
    return &s->in;
}

static void pack_gzip(struct sink *s, bool last)
{
    s->gz.next_in = s->in.p;
    s->gz.avail_in = (uInt)s->in.n; /* at most a piece and one row or day's rest */
    do {
        uint8_t *to = buf_reserve(&s->out, PIECE);
        s->gz.next_out = to;
        s->gz.avail_out = PIECE;
        deflate(&s->gz, last ? Z_FINISH : Z_NO_FLUSH);
        s->out.n += PIECE - s->gz.avail_out;
    } while (s->gz.avail_out == 0);
}

static int pack_zstd(struct sink *s, bool last, struct err *err)
{
    ZSTD_inBuffer in = {s->in.p, s->in.n, 0};
    size_t left;
    do {
        uint8_t *to = buf_reserve(&s->out, PIECE);
        ZSTD_outBuffer out = {to, PIECE, 0};
        left = ZSTD_compressStream2(s->zst, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left))
            return err_set(err, -EIO, "output: compression failed: %s (%s)",
                           ZSTD_getErrorName(left), s->path);
        s->out.n += out.pos;
    } while (last ? left != 0 : in.pos < in.size);
    return 0;
}

static int write_out(struct sink *s, bool last, struct err *err)
{
    struct buf *from = s->packing == PLAIN ? &s->in : &s->out;
    int rc = 0;
    if (s->packing == GZIP)
        pack_gzip(s, last);
    else if (s->packing == ZSTD)
        rc = pack_zstd(s, last, err);
    if (rc < 0)
        return rc;
    rc = file_write_all(s->fd, from->p, from->n);
    if (rc < 0)
        return err_set(err, rc, "output: cannot write: %s (%s)", strerror(-rc), s->path);
    s->in.n = s->out.n = 0;
    return 0;
}

int sink_flush(struct sink *s, struct err *err)
{
    return s->in.n >= PIECE ? write_out(s, false, err) : 0;
}

static void sink_free(struct sink *s)
{
    if (s->packing == GZIP)
        deflateEnd(&s->gz);
    ZSTD_freeCCtx(s->zst);
    buf_free(&s->in);
    buf_free(&s->out);
    free(s->path);
    free(s);
}

int sink_close(struct sink *s, struct err *err)
{
    if (!s)
        return 0;
    int rc = write_out(s, true, err);
    if (rc < 0) {
        sink_abandon(s);
        return rc;
    }
    if (close(s->fd) < 0)
        rc = err_errno(err, "output: cannot write %s", s->path);
    sink_free(s);
    return rc;
}

void sink_abandon(struct sink *s)
{
    struct stat st;
    if (!s)
        return;
    /* Half a feed would be taken for a whole one. */
    if (fstat(s->fd, &st) == 0 && S_ISREG(st.st_mode) && strcmp(s->path, "-") != 0)
        unlink(s->path);
    close(s->fd);
    sink_free(s);
}
