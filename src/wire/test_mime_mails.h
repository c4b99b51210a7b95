/* The real mails of ../shared/data/mail in memory (its README says what they are), for the oracle
 * test and the benchmark. They are not part of the project. */
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "base/buf.h"

#define MAILS_FILE "../shared/data/mail/trec07p-first-15000.tar.zst"

struct mails {
    struct buf tar; /* unpacked: the mails lie in it */
    struct span *mail;
    size_t n;
};

static inline int mails_unpack(const void *packed, size_t n, struct buf *out)
{
    ZSTD_DStream *z = ZSTD_createDStream();
    ZSTD_inBuffer in = {packed, n, 0};
    size_t rc = 1;
    while (z && in.pos < in.size && !ZSTD_isError(rc)) {
        ZSTD_outBuffer to = {buf_reserve(out, ZSTD_DStreamOutSize()), ZSTD_DStreamOutSize(), 0};
        rc = ZSTD_decompressStream(z, &to, &in);
        out->n += to.pos;
    }
    ZSTD_freeDStream(z);
    return ZSTD_isError(rc) ? -1 : 0;
}

/* Regular files of the archive (POSIX ustar). */
static inline void mails_list(struct mails *m)
{
    enum { BLOCK_SIZE = 512, SIZE_AT = 124, TYPE_AT = 156 };
    size_t cap = 0;
    for (size_t at = 0; at + BLOCK_SIZE <= m->tar.n;) {
        const uint8_t *head = m->tar.p + at;
        size_t size = strtoul((const char *)head + SIZE_AT, NULL, 8);
        at += BLOCK_SIZE;
        if (head[0] == 0 || size > m->tar.n - at)
            break;
        if (head[TYPE_AT] == '0' || head[TYPE_AT] == 0) {
            if (m->n == cap) {
                cap = cap ? cap * 2 : 1024;
                m->mail = realloc(m->mail, cap * sizeof *m->mail);
                if (!m->mail)
                    abort();
            }
            m->mail[m->n++] = span_of(m->tar.p + at, size);
        }
        at += (size + BLOCK_SIZE - 1) & ~(size_t)(BLOCK_SIZE - 1);
    }
}

/* 0; -1 when the file is not there or broken. EBB_SOURCE_ROOT says where the project lies. */
static inline int mails_open(struct mails *m)
{
    char path[4096];
    struct stat st;
    const char *root = getenv("EBB_SOURCE_ROOT");
    memset(m, 0, sizeof *m);
    snprintf(path, sizeof path, "%s/%s", root ? root : ".", MAILS_FILE);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    void *packed = fstat(fd, &st) == 0 && st.st_size > 0
                       ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)
                       : MAP_FAILED;
    close(fd);
    if (packed == MAP_FAILED)
        return -1;
    int rc = mails_unpack(packed, (size_t)st.st_size, &m->tar);
    munmap(packed, (size_t)st.st_size);
    if (rc == 0)
        mails_list(m);
    return rc == 0 && m->n ? 0 : -1;
}

static inline void mails_close(struct mails *m)
{
    buf_free(&m->tar);
    free(m->mail);
}
