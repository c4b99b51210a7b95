/* A segment and its index file from anywhere. The first byte says whether checksums and indexes
 * are put right first (so that what lies behind them is reached), the second how many bytes at the
 * end are the index file. */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "journal/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ORIGIN "fuzz.example/log"

/* One folder for all runs, gone at the end. */
static char folder[64];

static void folder_remove(void)
{
    char path[128];
    static const char *const names[] = {"0000000000000000.seg", "0000000000000000.idx"};
    for (unsigned i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

static int folder_open(void)
{
    if (!folder[0]) {
        snprintf(folder, sizeof folder, "%s/ebb-fuzz-XXXXXX",
                 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        if (!mkdtemp(folder))
            abort();
        atexit(folder_remove);
    }
    return open(folder, O_RDONLY | O_DIRECTORY);
}

static void put_file(int dir, const char *name, const uint8_t *p, size_t n)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || file_write_all(fd, p, n) < 0)
        abort();
    close(fd);
}

static void repair(uint8_t *p, size_t n)
{
    if (n < SEGMENT_HEADER_LEN)
        return;
    segment_header_put(p, 0, ORIGIN);
    size_t at = SEGMENT_HEADER_LEN;
    for (uint64_t index = 0; at + RECORD_FIXED <= n; index++) {
        be64_put(p + at + RECORD_INDEX, index);
        p[at + RECORD_LEAF] = ENTRY_VERSION;
        be32_put(p + at + RECORD_CRC, record_crc(p + at));
        at += (size_t)RECORD_FIXED + be32_get(p + at + RECORD_LENGTH);
    }
}

static void read_all(int dir, struct segment_reader *r)
{
    struct record rec[16];
    struct err err;
    int n;
    while ((n = segment_batch(r, rec, 16, &err)) > 0)
        for (int i = 0; i < n; i++) {
            struct entry_header h;
            struct journal_range *ranges;
            size_t k;
            if (!entry_header_get(rec[i].leaf, &h))
                abort();
            record_commitment_holds(&rec[i]);
            record_is_zero(&rec[i]);
            if (redact_parse(span_of(rec[i].payload, rec[i].length), &ranges, &k) == 0) {
                if (k == 0 || ranges[0].first >= ranges[0].last)
                    abort();
                free(ranges);
            }
        }
    uint64_t end = r->index;
    for (uint64_t to = 0; to <= end; to += 1 + to / 3) {
        int rc = segment_seek(r, dir, to, &err);
        if (rc == 1 && r->index != to)
            abort();
        if (rc == 1 && to < end && segment_next(r, rec, &err) == 1 && rec->index != to)
            abort();
    }
    segment_seek(r, dir, UINT64_MAX, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t n = size - 2, idx = data[1] < n ? data[1] : n;
    uint8_t *p = malloc(n ? n : 1);
    if (!p)
        abort();
    memcpy(p, data + 2, n);
    if (data[0] & 1)
        repair(p, n - idx);
    int dir = folder_open();
    struct segment_reader r;
    put_file(dir, "0000000000000000.seg", p, n - idx);
    put_file(dir, "0000000000000000.idx", p + n - idx, idx);
    struct err err;
    if (segment_open(&r, dir, 0, ORIGIN, &err) == 0) {
        read_all(dir, &r);
        segment_close(&r);
    }
    close(dir);
    free(p);
    return 0;
}
