/* The census on its way to the centre: as a file, in parts, those that are asked for. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/node/node_push.h"
#include "base/file.h"
#include "state/census_join.h"

#define CENSUS_FILE "nodes/push.census"
#define ROUNDS_MAX  3 /* of sending what is missing */

static int read_part(int fd, const char *path, const struct node_statement *s, unsigned n,
                     struct buf *out, struct err *err)
{
    uint64_t at = (uint64_t)n * NODE_PART_BYTES;
    size_t want = n + 1 < s->parts ? NODE_PART_BYTES : (size_t)(s->bytes - at);
    out->n = 0;
    if (lseek(fd, (off_t)at, SEEK_SET) < 0)
        return err_errno(err, "%s", path);
    int rc = file_read_upto(fd, want, out);
    if (rc < 0 || out->n != want)
        return err_set(err, rc < 0 ? rc : -EIO, "%s: shorter than it was", path);
    return 0;
}

/* Its parts' digests, for the statement. */
static int measure(int fd, const char *path, struct node_statement *s, struct err *err)
{
    struct stat st;
    struct buf part = {0};
    int rc = 0;
    if (fstat(fd, &st) < 0)
        return err_errno(err, "%s", path);
    if (st.st_size <= 0 || (uint64_t)st.st_size > NODE_CENSUS_MAX)
        return err_set(err, -EFBIG, "a census of %lld bytes: %llu at most go to a centre",
                       (long long)st.st_size, NODE_CENSUS_MAX);
    s->bytes = (uint64_t)st.st_size;
    s->parts = node_parts(s->bytes);
    for (unsigned i = 0; rc == 0 && i < s->parts; i++) {
        rc = read_part(fd, path, s, i, &part, err);
        sha256(part.p, part.n, s->part[i]);
    }
    buf_free(&part);
    return rc;
}

static int send_part(struct node_push *p, const char *hex, unsigned n, struct span part,
                     struct err *err)
{
    char to[2 * SHA256_LEN + 32];
    struct evidence_answer a = {0};
    snprintf(to, sizeof to, "census/%s/%u", hex, n);
    int rc = node_push_post(p, to, part, &a, err);
    if (rc == 0 && a.status != 200)
        rc = node_push_refused(&a, "the census", err);
    p->sent += rc == 0 ? part.n : 0;
    buf_free(&a.body);
    return rc;
}

/* `list`: "missing\n" and a number a line. */
static int send_missing(struct node_push *p, int fd, const char *path,
                        const struct node_statement *s, struct span list, struct err *err)
{
    uint8_t digest[SHA256_LEN];
    char hex[2 * SHA256_LEN + 1];
    struct buf part = {0};
    struct cur c = cur_of(list);
    int rc = 0;
    sha256(p->own.name, strlen(p->own.name), digest);
    hex_encode(digest, SHA256_LEN, hex);
    cur_line(&c);
    while (rc == 0 && cur_left(&c)) {
        struct span line = cur_line(&c);
        char text[12] = "", *end;
        memcpy(text, line.p, line.n < sizeof text ? line.n : 0);
        unsigned long n = strtoul(text, &end, 10);
        if (!text[0] || *end || n >= s->parts)
            rc = err_set(err, -EBADMSG, "the centre asks for parts that there are not");
        if (rc == 0)
            rc = read_part(fd, path, s, (unsigned)n, &part, err);
        if (rc == 0)
            rc = send_part(p, hex, (unsigned)n, buf_as_span(&part), err);
    }
    buf_free(&part);
    return rc;
}

static int deliver(struct node_push *p, int fd, const char *path, struct node_statement *s,
                   struct err *err)
{
    int rc = 0;
    bool complete = false;
    for (unsigned i = 0; rc == 0 && !complete && i < ROUNDS_MAX; i++) {
        struct evidence_answer a = {0};
        rc = node_push_say(p, s, &a, err);
        if (rc == 0 && a.status != 200)
            rc = node_push_refused(&a, "this node's statement", err);
        complete = rc == 0 && span_is(buf_as_span(&a.body), "complete\n");
        if (rc == 0 && !complete)
            rc = send_missing(p, fd, path, s, buf_as_span(&a.body), err);
        buf_free(&a.body);
    }
    if (rc == 0 && !complete)
        rc = err_set(err, -EPROTO, "the centre goes on asking for the same census");
    return rc;
}

int node_push_census(struct node_push *p, struct node_statement *s, struct err *err)
{
    char path[FILE_PATH_MAX];
    int fd = -1;
    int rc = file_path(path, err, "%s/" CENSUS_FILE, p->c->dir);
    if (rc == 0)
        rc = census_write(p->c->census, path, err);
    if (rc == 0 && (fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
        rc = err_errno(err, "%s", path);
    if (rc == 0)
        rc = measure(fd, path, s, err);
    if (rc == 0)
        rc = deliver(p, fd, path, s, err);
    p->bytes = s->bytes;
    if (fd >= 0)
        close(fd);
    unlink(path);
    return rc;
}
