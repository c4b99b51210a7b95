#include "import/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#define NAME_SHOWN 200 /* of a path, in error texts */

enum packing { PACKING_NONE, PACKING_GZIP, PACKING_ZSTD };

struct source {
    char *name;
    int fd; /* -1: the file is in memory */
    enum packing packing;
    uint8_t sha256[SHA256_LEN];
    uint64_t size;
    size_t chunk;

    /* the file's bytes: all of them, or chunk by chunk with the checksums of the first reading */
    struct span memory;
    uint8_t *owned;
    uint8_t *block;
    uint64_t *sums, seed;
    uint64_t loaded; /* bytes of the file brought in up to now, `in` included */
    struct cur in;

    z_stream gzip;
    ZSTD_DStream *zstd;
    bool within;  /* a member or frame is begun and not ended */
    bool padding; /* zero bytes behind the last gzip member: tape blocks */
    bool flushed; /* the last call left room in its output: the unpacker holds nothing back */
    uint8_t *out;
    uint64_t unpacked;

    uint8_t head[SOURCE_HEAD_MAX];
    size_t head_n, head_at;
    bool head_read;
    struct span rest; /* of the piece that filled the head */
    uint64_t offset;

    struct err failed; /* code 0 while all is well */
};

static int fail(struct source *s, int code, const char *why)
{
    return err_set(&s->failed, code, "%.*s: %s (byte %llu of the file)", NAME_SHOWN, s->name, why,
                   (unsigned long long)source_consumed(s));
}

static struct source *source_new(const char *name)
{
    struct source *s = calloc(1, sizeof *s);
    char *copy = strdup(name);
    if (!s || !copy) {
        free(copy);
        free(s);
        return NULL;
    }
    s->fd = -1;
    s->chunk = SOURCE_CHUNK;
    s->name = copy;
    return s;
}

void source_close(struct source *s)
{
    if (!s)
        return;
    if (s->fd >= 0)
        close(s->fd);
    if (s->packing == PACKING_GZIP)
        inflateEnd(&s->gzip);
    ZSTD_freeDStream(s->zstd);
    free(s->owned);
    free(s->block);
    free(s->sums);
    free(s->out);
    free(s->name);
    free(s);
}

/* Opening: the first reading. */

static int open_regular(struct source *s, struct err *err)
{
    struct stat st;
    /* O_NONBLOCK: opening a pipe must not wait for somebody to write into it. */
    s->fd = open(s->name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (s->fd < 0 || fstat(s->fd, &st) < 0)
        return err_errno(err, "%.*s: cannot be read", NAME_SHOWN, s->name);
    if (S_ISDIR(st.st_mode))
        return err_set(err, -EISDIR, "%.*s: is a directory", NAME_SHOWN, s->name);
    if (!S_ISREG(st.st_mode))
        return err_set(err, -EINVAL, "%.*s: is no regular file", NAME_SHOWN, s->name);
    if (st.st_size <= 0)
        return err_set(err, -ENODATA, "%.*s: is empty", NAME_SHOWN, s->name);
    s->size = (uint64_t)st.st_size;
    posix_fadvise(s->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return 0;
}

/* Up to n bytes from `at`; less only at the end of the file. Negative with errno. */
static ssize_t read_at(int fd, uint8_t *p, size_t n, uint64_t at)
{
    size_t got = 0;
    while (got < n) {
        ssize_t r = pread(fd, p + got, n - got, (off_t)(at + got));
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -1;
        if (r == 0)
            break;
        got += (size_t)r;
    }
    return (ssize_t)got;
}

static int changed(struct source *s, struct err *err)
{
    return err_set(err, -ESTALE, "%.*s: changed while it was read", NAME_SHOWN, s->name);
}

static int allocate(struct source *s, bool in_memory, struct err *err)
{
    size_t chunks = (size_t)((s->size + SOURCE_CHUNK - 1) / SOURCE_CHUNK);
    if (in_memory)
        s->owned = malloc((size_t)s->size);
    else
        s->sums = calloc(chunks, sizeof *s->sums);
    s->block = malloc(SOURCE_CHUNK);
    if ((!s->owned && !s->sums) || !s->block)
        return err_set(err, -ENOMEM, "%.*s: out of memory", NAME_SHOWN, s->name);
    return 0;
}

static int hash_file(struct source *s, bool in_memory, struct err *err)
{
    sha256_ctx sha;
    sha256_begin(&sha);
    for (uint64_t at = 0, i = 0; at < s->size; at += SOURCE_CHUNK, i++) {
        size_t n = s->size - at < SOURCE_CHUNK ? (size_t)(s->size - at) : SOURCE_CHUNK;
        uint8_t *p = in_memory ? s->owned + at : s->block;
        ssize_t got = read_at(s->fd, p, n, at);
        if (got < 0)
            return err_errno(err, "%.*s: cannot be read", NAME_SHOWN, s->name);
        if ((size_t)got < n)
            return changed(s, err);
        sha256_add(&sha, p, n);
        if (!in_memory)
            s->sums[i] = XXH3_64bits_withSeed(p, n, s->seed);
    }
    sha256_end(&sha, s->sha256);
    ssize_t more = read_at(s->fd, s->block, 1, s->size);
    if (more < 0)
        return err_errno(err, "%.*s: cannot be read", NAME_SHOWN, s->name);
    return more ? changed(s, err) : 0;
}

static enum packing packing_of(struct span s)
{
    if (s.n >= 3 && s.p[0] == 0x1f && s.p[1] == 0x8b && s.p[2] == 8)
        return PACKING_GZIP;
    static const uint8_t zstd[4] = {0x28, 0xb5, 0x2f, 0xfd};
    static const uint8_t skippable[3] = {0x2a, 0x4d, 0x18}; /* behind 0x50 to 0x5f */
    if (s.n >= 4 && (memcmp(s.p, zstd, 4) == 0 ||
                     ((s.p[0] & 0xf0) == 0x50 && memcmp(s.p + 1, skippable, 3) == 0)))
        return PACKING_ZSTD;
    return PACKING_NONE;
}

static int unpacker_open(struct source *s, struct span first, struct err *err)
{
    s->flushed = true;
    enum packing packing = packing_of(first);
    if (packing == PACKING_NONE)
        return 0;
    s->out = malloc(SOURCE_CHUNK);
    if (!s->out)
        goto nomem;
    if (packing == PACKING_GZIP) {
        if (inflateInit2(&s->gzip, 15 + 16) != Z_OK) /* gzip's framing only */
            goto nomem;
    } else {
        s->zstd = ZSTD_createDStream();
        if (!s->zstd ||
            ZSTD_isError(ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax, SOURCE_WINDOW_LOG)))
            goto nomem;
    }
    s->packing = packing;
    return 0;
nomem:
    return err_set(err, -ENOMEM, "%.*s: out of memory", NAME_SHOWN, s->name);
}

int source_open(const char *path, struct source **out, struct err *err)
{
    struct source *s = source_new(path);
    if (!s)
        return err_set(err, -ENOMEM, "%.*s: out of memory", NAME_SHOWN, path);
    int r = open_regular(s, err);
    if (r < 0)
        goto out;
    /* A secret seed, so that nobody can prepare other bytes with the same checksums. */
    if (getrandom(&s->seed, sizeof s->seed, 0) != sizeof s->seed)
        s->seed = (uintptr_t)s ^ s->size;
    bool in_memory = s->size <= SOURCE_MEMORY_MAX;
    if ((r = allocate(s, in_memory, err)) < 0 || (r = hash_file(s, in_memory, err)) < 0)
        goto out;
    if (in_memory) {
        close(s->fd);
        s->fd = -1;
        s->memory = span_of(s->owned, (size_t)s->size);
        r = unpacker_open(s, s->memory, err);
    } else {
        uint8_t first[4];
        ssize_t got = read_at(s->fd, first, sizeof first, 0);
        r = got < 0 ? err_errno(err, "%.*s: cannot be read", NAME_SHOWN, path)
                    : unpacker_open(s, span_of(first, (size_t)got), err);
    }
out:
    if (r < 0)
        source_close(s);
    else
        *out = s;
    return r;
}

int source_open_memory(struct span data, const char *name, struct source **out, struct err *err)
{
    struct source *s = source_new(name);
    if (!s)
        return err_set(err, -ENOMEM, "%.*s: out of memory", NAME_SHOWN, name);
    s->memory = data;
    s->size = data.n;
    sha256(data.p, data.n, s->sha256);
    int r = unpacker_open(s, data, err);
    if (r < 0)
        source_close(s);
    else
        *out = s;
    return r;
}

/* Reading: the second time. */

void source_set_chunk(struct source *s, size_t n)
{
    s->chunk = n < 1 ? 1 : n < SOURCE_CHUNK ? n : SOURCE_CHUNK;
}

/* Brings the file's next bytes into `in`. 1, 0 at the end, negative. */
static int load(struct source *s)
{
    if (s->loaded == s->size)
        return 0;
    size_t n = s->size - s->loaded < SOURCE_CHUNK ? (size_t)(s->size - s->loaded) : SOURCE_CHUNK;
    if (s->fd < 0) {
        n = n < s->chunk ? n : s->chunk;
        s->in = cur_of(span_of(s->memory.p + s->loaded, n));
        s->loaded += n;
        return 1;
    }
    ssize_t got = read_at(s->fd, s->block, n, s->loaded);
    if (got < 0) {
        err_errno(&s->failed, "%.*s: cannot be read", NAME_SHOWN, s->name);
        return s->failed.code;
    }
    if ((size_t)got < n ||
        XXH3_64bits_withSeed(s->block, n, s->seed) != s->sums[s->loaded / SOURCE_CHUNK])
        return changed(s, &s->failed);
    s->in = cur_of(span_of(s->block, n));
    s->loaded += n;
    return 1;
}

/* Between gzip members: zero bytes up to the end are padding, another member may follow, anything
 * else is refused. 1 go on, negative. */
static int gzip_next(struct source *s)
{
    while (s->in.p < s->in.end && *s->in.p == 0) {
        s->padding = true;
        s->in.p++;
    }
    if (s->in.p == s->in.end)
        return 1;
    if (s->padding || *s->in.p != 0x1f)
        return fail(s, -EBADMSG, "something follows the end of the gzip data");
    inflateReset(&s->gzip);
    s->within = true;
    return 1;
}

static int gzip_step(struct source *s, size_t room, size_t *got)
{
    if (!s->within && s->flushed) {
        int r = gzip_next(s);
        if (r < 0 || !s->within)
            return r;
    }
    size_t left = cur_left(&s->in);
    s->gzip.next_in = (Bytef *)(uintptr_t)s->in.p;
    s->gzip.avail_in = (uInt)left;
    s->gzip.next_out = s->out;
    s->gzip.avail_out = (uInt)room;
    int r = inflate(&s->gzip, Z_NO_FLUSH);
    s->in.p += left - s->gzip.avail_in;
    *got = room - s->gzip.avail_out;
    s->flushed = s->gzip.avail_out > 0 || r == Z_STREAM_END;
    if (r == Z_STREAM_END)
        s->within = false;
    else if (r == Z_MEM_ERROR)
        return fail(s, -ENOMEM, "out of memory");
    else if (r != Z_OK && r != Z_BUF_ERROR)
        return fail(s, -EBADMSG, "the gzip data is corrupt");
    return 1;
}

static int zstd_step(struct source *s, size_t room, size_t *got)
{
    ZSTD_inBuffer in = {s->in.p, cur_left(&s->in), 0};
    ZSTD_outBuffer out = {s->out, room, 0};
    size_t r = ZSTD_decompressStream(s->zstd, &out, &in);
    s->in.p += in.pos;
    *got = out.pos;
    if (ZSTD_isError(r)) {
        if (ZSTD_getErrorCode(r) == ZSTD_error_frameParameter_windowTooLarge)
            return fail(s, -EFBIG, "the zstd data needs more memory than is allowed");
        if (ZSTD_getErrorCode(r) == ZSTD_error_memory_allocation)
            return fail(s, -ENOMEM, "out of memory");
        return fail(s, -EBADMSG, "the zstd data is corrupt");
    }
    s->flushed = out.pos < room || r == 0;
    s->within = r != 0;
    return 1;
}

static int bounds(struct source *s)
{
    if (s->unpacked > SOURCE_UNPACKED_MAX)
        return fail(s, -EFBIG, "unpacks to more than is allowed");
    if (s->unpacked > SOURCE_RATIO_FREE && s->unpacked / SOURCE_RATIO_MAX > source_consumed(s))
        return fail(s, -EFBIG, "unpacks to far more than its size: a decompression bomb?");
    return 1;
}

/* The next unpacked bytes, whether or not a head was looked at. */
static int unpack(struct source *s, struct span *out)
{
    while (!s->failed.code) {
        int r = 1;
        if (s->in.p == s->in.end && s->flushed) {
            r = load(s);
            if (r < 0)
                break;
        }
        if (s->packing == PACKING_NONE) {
            if (r == 0)
                return 0;
            size_t n = cur_left(&s->in) < s->chunk ? cur_left(&s->in) : s->chunk;
            cur_take(&s->in, n, out);
            return 1;
        }
        if (r == 0) {
            if (!s->within)
                return 0;
            fail(s, -EBADMSG, "the packed data is cut off");
            break;
        }
        size_t got = 0;
        if (s->packing == PACKING_GZIP)
            gzip_step(s, s->chunk, &got);
        else
            zstd_step(s, s->chunk, &got);
        s->unpacked += got;
        if (!s->failed.code)
            bounds(s);
        if (got) { /* before the error, should there be one */
            *out = span_of(s->out, got);
            return 1;
        }
    }
    return s->failed.code;
}

int source_head(struct source *s, struct span *head, struct err *err)
{
    int r = 1;
    while (!s->head_read && r > 0 && s->head_n < SOURCE_HEAD_MAX) {
        struct span piece;
        r = unpack(s, &piece);
        if (r <= 0)
            break;
        size_t n = piece.n < SOURCE_HEAD_MAX - s->head_n ? piece.n : SOURCE_HEAD_MAX - s->head_n;
        memcpy(s->head + s->head_n, piece.p, n);
        s->head_n += n;
        s->rest = span_of(piece.p + n, piece.n - n);
    }
    s->head_read = true;
    *head = span_of(s->head, s->head_n);
    if (s->head_n == 0 && s->failed.code)
        return source_stream_error(s, err);
    return 0;
}

int source_read(struct source *s, struct span *out, struct err *err)
{
    int r = 1;
    if (s->head_at < s->head_n) {
        size_t n = s->head_n - s->head_at < s->chunk ? s->head_n - s->head_at : s->chunk;
        *out = span_of(s->head + s->head_at, n);
        s->head_at += n;
    } else if (s->rest.n) {
        *out = s->rest;
        s->rest.n = 0;
    } else {
        r = unpack(s, out);
    }
    if (r < 0)
        return source_stream_error(s, err);
    if (r > 0)
        s->offset += out->n;
    return r;
}

int source_fill(struct source *s, struct cur *piece, size_t n, struct buf *in)
{
    while (in->n < n) {
        if (piece->p == piece->end) {
            struct span next;
            int r = source_read(s, &next, NULL);
            if (r <= 0)
                return r;
            *piece = cur_of(next);
        }
        size_t room = n - in->n, left = cur_left(piece);
        left = left < room ? left : room;
        buf_put(in, piece->p, left);
        piece->p += left;
    }
    return 1;
}

int source_stream_error(const struct source *s, struct err *err)
{
    if (s->failed.code && err)
        *err = s->failed;
    return s->failed.code;
}

/* A stdio stream over source_read. */

struct stream {
    struct source *source;
    struct cur left;
};

static ssize_t stream_read(void *cookie, char *p, size_t n)
{
    struct stream *st = cookie;
    if (st->left.p == st->left.end) {
        struct span piece;
        int r = source_read(st->source, &piece, NULL);
        if (r < 0) {
            errno = -r;
            return -1;
        }
        if (r == 0)
            return 0;
        st->left = cur_of(piece);
    }
    size_t take = cur_left(&st->left) < n ? cur_left(&st->left) : n;
    memcpy(p, st->left.p, take);
    st->left.p += take;
    return (ssize_t)take;
}

static int stream_close(void *cookie)
{
    free(cookie);
    return 0;
}

FILE *source_stream(struct source *s, struct err *err)
{
    static const cookie_io_functions_t functions = {.read = stream_read, .close = stream_close};
    struct stream *st = calloc(1, sizeof *st);
    FILE *f = NULL;
    if (st) {
        st->source = s;
        f = fopencookie(st, "r", functions);
    }
    if (!f) {
        free(st);
        err_errno(err, "%.*s: no stream", NAME_SHOWN, s->name);
    }
    return f;
}

const char *source_name(const struct source *s)
{
    return s->name;
}

const uint8_t *source_sha256(const struct source *s)
{
    return s->sha256;
}

uint64_t source_size(const struct source *s)
{
    return s->size;
}

uint64_t source_consumed(const struct source *s)
{
    return s->loaded - cur_left(&s->in);
}

uint64_t source_offset(const struct source *s)
{
    return s->offset;
}

struct span source_packed(const struct source *s)
{
    return s->memory;
}
