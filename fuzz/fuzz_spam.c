/* The spam view's files from hostile bytes: opening never fails for them, a damaged view starts
 * empty; what was loaded is listed, counted, gone on with and saved to what loads again.
 *
 * Input: two lengths of 4 bytes, of the facts and of the retired campaigns, both files, and what is
 * the snapshot behind its head. Head and checksum are made here (or no input would get through);
 * the first bit of the first length leaves the checksum wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/log.h"
#include "state/spam_impl.h"
#include "view/volume.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIVE_MAX 64

static char dir[64];

static void clean(void)
{
    static const char *const files[] = {"spam", "spam.facts", "spam.retired"};
    char path[128];
    for (unsigned i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        unlink(path);
    }
    rmdir(dir);
}

static void make_dir(void)
{
    const char *shm = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    if (dir[0])
        return;
    snprintf(dir, sizeof dir, "%s/ebb-fuzz-spam-XXXXXX", shm);
    if (!mkdtemp(dir))
        abort();
    atexit(clean);
    log_set_level(LOG_ERROR);
}

static void write_file(const char *name, struct span bytes)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    if (!f || fwrite(bytes.p, 1, bytes.n, f) != bytes.n)
        abort();
    fclose(f);
}

/* As tail_check() of a file would be. */
static uint64_t check_of(struct span bytes)
{
    size_t n = bytes.n < 64 ? bytes.n : 64;
    return bytes.n ? XXH3_64bits(bytes.p + bytes.n - n, n) : 0;
}

static void write_files(struct cur *c)
{
    struct span facts, retired, rest = {NULL, 0};
    uint32_t n_facts = 0, n_retired = 0;
    struct buf out = {0};
    cur_u32(c, &n_facts);
    cur_u32(c, &n_retired);
    bool wrong = n_facts >> 31;
    n_facts &= INT32_MAX;
    cur_take(c, n_facts < cur_left(c) ? n_facts : cur_left(c), &facts);
    cur_take(c, n_retired < cur_left(c) ? n_retired : cur_left(c), &retired);
    cur_take(c, cur_left(c), &rest);
    buf_str(&out, "ebb-spm\n");
    buf_be32(&out, 1);
    buf_be32(&out, 0);
    buf_be64(&out, 1000);
    buf_be64(&out, facts.n);
    buf_be64(&out, check_of(facts));
    buf_be64(&out, retired.n);
    buf_be64(&out, check_of(retired));
    buf_span(&out, rest);
    buf_be64(&out, XXH3_64bits(out.p, out.n) ^ wrong);
    write_file("spam", buf_as_span(&out));
    write_file("spam.facts", facts);
    write_file("spam.retired", retired);
    buf_free(&out);
}

static int no_blob(void *ctx, const uint8_t sha256[SHA256_LEN], struct buf *out, struct err *err)
{
    (void)ctx;
    (void)sha256;
    (void)out;
    return err_set(err, -1, "there are none");
}

static struct spam *open_view(void)
{
    const struct spam_source none = {.blob = no_blob};
    struct spam *s;
    struct err err;
    if (spam_open_small(dir, &none, LIVE_MAX, &s, &err) != 0)
        abort();
    return s;
}

static void count(struct spam *s)
{
    const struct volume_filter f = {
        .since = INT64_MIN, .until = INT64_MAX, .campaign = VOLUME_ANY_CAMPAIGN};
    struct volume v;
    struct volume_hours a, b;
    struct err err;
    for (enum volume_by by = 0; by < VOLUME_BYS; by++) {
        if (volume_rows(s, by, &f, &v, &err) != 0)
            abort();
        for (size_t i = 0; i < v.n; i++)
            if (v.v[i].mails > spam_mails(s) * FACT_BRANDS || v.v[i].campaigns > v.v[i].mails)
                abort();
        if (v.mails > spam_mails(s))
            abort();
        volume_free(&v);
    }
    if (volume_hours(s, &f, &a, &b, NULL, &err) == 0) {
        volume_hours_free(&a);
        volume_hours_free(&b);
    }
}

static void list(struct spam *s)
{
    struct campaign *v, one;
    size_t n;
    struct err err;
    if (spam_list(s, &v, &n, &err) < 0)
        return; /* what was retired makes no sense */
    for (size_t i = 0; i < n; i++)
        if (i < 4 && spam_find(s, v[i].id, &one, &err) < 0)
            abort();
    free(v);
    spam_find(s, 5, &one, &err);
}

static void go_on(struct spam *s)
{
    struct event ev = {.kind = KIND_SMTP, .time = 5, .family = span_str("rustock")};
    struct err err;
    uint64_t before = spam_mails(s), position = spam_position(s);
    ev.smtp.size = 7;
    if (spam_event(s, position, &ev, NULL, &err) != 0 || spam_mails(s) != before + 1)
        abort();
    spam_advance(s, position + 1);
    if (spam_snapshot(s, &err) != 0)
        abort();
    spam_close(s);
    s = open_view();
    if (spam_position(s) != position + 1 || spam_mails(s) != before + 1)
        abort();
    spam_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cur c = cur_of(span_of(data, size));
    make_dir();
    write_files(&c);
    struct spam *s = open_view();
    if (spam_mails(s) > size / FACT_LEN)
        abort();
    count(s);
    list(s);
    go_on(s);
    return 0;
}
