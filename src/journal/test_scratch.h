/* Scratch folders for this module's tests. */
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/tap.h"
#include "journal/journal.h"

static inline void scratch_remove(const char *path)
{
    DIR *d = opendir(path);
    if (d) {
        for (struct dirent *e; (e = readdir(d));) {
            char sub[FILE_PATH_MAX];
            if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
                continue;
            file_path(sub, NULL, "%s/%s", path, e->d_name);
            scratch_remove(sub);
        }
        closedir(d);
        rmdir(path);
    } else {
        unlink(path);
    }
}

/* A fresh folder's path; free() it. */
static inline char *scratch_make(void)
{
    /* in memory where one can: the thousands of fsyncs here prove nothing about a disk */
    const char *top = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", *set = getenv("TMPDIR");
    char path[FILE_PATH_MAX];
    file_path(path, NULL, "%s/ebb-test-XXXXXX", set && *set ? set : top);
    if (!mkdtemp(path))
        abort();
    return strdup(path);
}

static inline void scratch_free(char *path)
{
    scratch_remove(path);
    free(path);
}

static inline struct buf scratch_read(const char *dir, const char *name)
{
    char path[FILE_PATH_MAX];
    struct buf b = {0};
    struct err err;
    if (file_path(path, &err, "%s/%s", dir, name) < 0 || file_read(path, 1u << 30, &b, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    return b;
}

/* In place, without making a new file. */
static inline void scratch_write(const char *dir, const char *name, struct span data)
{
    char path[FILE_PATH_MAX];
    file_path(path, NULL, "%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || file_write_all(fd, data.p, data.n) < 0)
        abort();
    close(fd);
}

static inline bool scratch_exists(const char *dir, const char *name)
{
    char path[FILE_PATH_MAX];
    file_path(path, NULL, "%s/%s", dir, name);
    return file_exists(path);
}

/* A copy of a folder's files; both paths without a final slash. */
static inline void scratch_copy(const char *from, const char *to)
{
    DIR *d = opendir(from);
    mkdir(to, 0700);
    for (struct dirent *e; d && (e = readdir(d));) {
        char a[FILE_PATH_MAX], b[FILE_PATH_MAX];
        struct stat st;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        file_path(a, NULL, "%s/%s", from, e->d_name);
        file_path(b, NULL, "%s/%s", to, e->d_name);
        if (stat(a, &st) == 0 && S_ISDIR(st.st_mode)) {
            scratch_copy(a, b);
        } else {
            struct buf data = scratch_read(from, e->d_name);
            scratch_write(to, e->d_name, buf_as_span(&data));
            buf_free(&data);
        }
    }
    if (d)
        closedir(d);
}

/* The payload of entry i: its number in text, and i % 40 more bytes. */
static inline struct span scratch_payload(char out[128], uint64_t i)
{
    int n = snprintf(out, 128, "entry %llu ", (unsigned long long)i);
    for (uint64_t k = 0; k < i % 40; k++)
        out[n++] = (char)('a' + (i + k) % 26);
    return span_of(out, (size_t)n);
}

static inline int scratch_append(struct journal *j, uint64_t n, struct err *err)
{
    int rc = 0;
    while (n-- && rc == 0) {
        char text[128];
        uint64_t i = journal_size(j), got;
        struct entry_header h = {.kind = (uint8_t)(i % 7),
                                 .flags = 0x8000,
                                 .time = -(int64_t)i,
                                 .sensor = i * 3,
                                 .ruleset = i << 40,
                                 .enrichment = ~i};
        rc = journal_append(j, &h, scratch_payload(text, i), &got, err);
        if (rc == 0 && got != i)
            abort();
    }
    return rc;
}

/* A case of n entries, closed. */
static inline void scratch_case(const char *dir, uint64_t n, uint64_t segment_limit)
{
    struct journal *j;
    struct err err = {0};
    if (journal_create(dir, "test.example/log", &err) < 0 ||
        journal_open(dir, JOURNAL_WRITE, &j, NULL, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    if (segment_limit)
        journal_set_segment_limit(j, segment_limit);
    if (scratch_append(j, n, &err) < 0 || journal_close(j, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
}

/* Entries that read back as scratch_append wrote them, from the start on; -1 when one does not. */
static inline long long scratch_count(struct journal *j)
{
    struct journal_cursor *c;
    struct entry e;
    uint64_t n = 0;
    int rc = journal_cursor_open(j, 0, &c, NULL);
    while (rc == 0 && (rc = journal_cursor_next(c, &e, NULL)) == 1) {
        char text[128];
        rc = 0;
        if (e.index != n || e.redacted || !span_eq(e.payload, scratch_payload(text, n)) ||
            e.header.kind != n % 7 || e.header.flags != 0x8000 || e.header.time != -(int64_t)n ||
            e.header.sensor != n * 3 || e.header.ruleset != n << 40 || e.header.enrichment != ~n)
            rc = -1;
        n++;
    }
    journal_cursor_close(c);
    return rc < 0 ? -1 : (long long)n;
}

static inline struct journal_verdict scratch_judge(const char *dir)
{
    struct journal_verdict v;
    struct err err = {0};
    if (journal_verify(dir, NULL, &v, &err) < 0)
        printf("# not judged: %s\n", err.text);
    return v;
}

/* The same, saying what does not hold: for logs that should. */
static inline struct journal_verdict scratch_verify(const char *dir)
{
    struct journal_verdict v;
    struct err err = {0};
    if (journal_verify(dir, NULL, &v, &err) < 0)
        printf("# not judged: %s\n", err.text);
    else if (!v.holds)
        printf("# does not hold: %s (%s, offset %llu, entry %lld)\n", v.why, v.bad_file,
               (unsigned long long)v.bad_offset, (long long)v.bad_index);
    return v;
}
