#include "lead/seal.h"

#include <sodium.h>

#include "base/tap.h"
#include "lead/wrap.h"

#define PARTS_MAX 8

/* Parts as a store has them. */
struct store {
    struct buf part[PARTS_MAX];
    uint8_t sha[PARTS_MAX][SHA256_LEN];
    unsigned n;
    bool lies; /* gives a part whatever its digest, in order */
    unsigned next;
};

static int put(void *ctx, struct span part, struct err *err)
{
    struct store *s = ctx;
    if (s->n == PARTS_MAX || part.n > SEAL_PART_MAX)
        return err_set(err, -28, "full");
    buf_span(&s->part[s->n], part);
    sha256(part.p, part.n, s->sha[s->n++]);
    return 0;
}

static int get(void *ctx, const uint8_t sha[SHA256_LEN], struct buf *out, struct err *err)
{
    struct store *s = ctx;
    for (unsigned i = 0; i < s->n; i++)
        if (memcmp(s->sha[i], sha, SHA256_LEN) == 0) {
            buf_span(out, buf_as_span(&s->part[i]));
            return 0;
        }
    return err_set(err, -2, "no such part");
}

static void store_free(struct store *s)
{
    for (unsigned i = 0; i < s->n; i++)
        buf_free(&s->part[i]);
    *s = (struct store){0};
}

static struct err err;

static int seal(const struct seal_manifest *m, struct span files, size_t piece, struct store *s,
                struct buf *list, struct seal_done *done)
{
    struct seal_writer *w;
    int rc = seal_begin(m, put, s, &w, &err);
    for (size_t at = 0; rc == 0 && at < files.n; at += piece)
        rc = seal_add(w, span_of(files.p + at, files.n - at < piece ? files.n - at : piece), &err);
    if (rc == 0)
        rc = seal_end(w, list, done, &err);
    seal_free(w);
    return rc;
}

/* Opens to the end; the files' bytes to out. */
static int unseal(struct span list, const uint8_t *key, struct store *s, struct buf *out,
                  uint8_t content[SHA256_LEN])
{
    struct seal_reader *r;
    struct span data;
    unsigned file;
    int rc = unseal_open(list, key, get, s, &r, &err);
    if (rc < 0)
        return rc;
    while ((rc = unseal_next(r, &file, &data, &err)) == 1)
        buf_span(out, data);
    if (rc == 0 && content)
        unseal_content(r, content);
    unseal_close(r);
    return rc;
}

static void round_trip(const size_t *sizes, size_t n, size_t piece)
{
    struct seal_manifest m = {.text = span_str("what I know"), .contact = span_str("x@y.example")};
    struct store s = {0};
    struct buf files = {0}, back = {0}, list = {0};
    struct seal_done done;
    uint8_t content[SHA256_LEN];
    sha256_ctx c;
    for (size_t i = 0; i < n; i++) {
        m.files[m.n_files++] = (struct seal_file){span_str("a/b\n\x01"), sizes[i]};
        randombytes_buf(buf_reserve(&files, sizes[i] + 1), sizes[i]);
        files.n += sizes[i];
    }
    is_int(seal(&m, buf_as_span(&files), piece, &s, &list, &done), 0);
    is_int(unseal(buf_as_span(&list), done.key, &s, &back, content), 0);
    ok(span_eq(buf_as_span(&files), buf_as_span(&back)), "the same bytes");
    ok(memcmp(content, done.content, sizeof content) == 0, "and digest");
    seal_digest_begin(&m, &c);
    sha256_add(&c, files.p, files.n);
    sha256_end(&c, content);
    ok(memcmp(content, done.content, sizeof content) == 0, "which is known before");
    uint64_t size = 0;
    for (unsigned i = 0; i < s.n; i++)
        size += s.part[i].n;
    is_int(done.size, size);
    store_free(&s);
    buf_free(&files);
    buf_free(&back);
    buf_free(&list);
}

static void round_trips(void)
{
    round_trip(NULL, 0, 1);
    round_trip((size_t[]){0}, 1, 1);
    round_trip((size_t[]){0, 5, 0, 0, 70000, 0}, 6, 7);
    round_trip((size_t[]){SEAL_MESSAGE - 100, SEAL_MESSAGE, 3 * SEAL_MESSAGE}, 3, SEAL_MESSAGE);
    round_trip((size_t[]){9u << 20, 9u << 20}, 2, 100000); /* three parts */
}

static void small_one(struct seal_manifest *m, struct store *s, struct buf *list,
                      struct seal_done *done)
{
    *m = (struct seal_manifest){.text = span_str("short"), .language = span_str("en")};
    m->files[m->n_files++] = (struct seal_file){span_str("f"), 3};
    is_int(seal(m, span_str("abc"), 3, s, list, done), 0);
}

/* Also when the store's digests are made to fit: only the seal is left to tell. */
static void flips(void)
{
    struct seal_manifest m;
    struct store s = {0};
    struct buf list = {0}, out = {0};
    struct seal_done done;
    unsigned passed = 0;
    small_one(&m, &s, &list, &done);
    for (size_t i = 0; i < s.part[0].n; i++)
        for (unsigned honest = 0; honest < 2; honest++) {
            s.part[0].p[i] ^= 1u << (i % 8);
            if (!honest) { /* the list names the changed part */
                sha256(s.part[0].p, s.part[0].n, s.sha[0]);
                memcpy(list.p + list.n - SHA256_LEN, s.sha[0], SHA256_LEN);
            }
            passed += unseal(buf_as_span(&list), done.key, &s, &out, NULL) == 0;
            s.part[0].p[i] ^= 1u << (i % 8);
            sha256(s.part[0].p, s.part[0].n, s.sha[0]);
            memcpy(list.p + list.n - SHA256_LEN, s.sha[0], SHA256_LEN);
        }
    is_int(passed, 0);
    for (size_t i = 0; i < list.n; i++) {
        list.p[i] ^= 1;
        passed += unseal(buf_as_span(&list), done.key, &s, &out, NULL) == 0;
        list.p[i] ^= 1;
    }
    is_int(passed, 0);
    for (size_t i = 0; i < list.n; i++)
        passed += unseal(span_of(list.p, i), done.key, &s, &out, NULL) == 0;
    is_int(passed, 0);
    done.key[0] ^= 1;
    is_int(unseal(buf_as_span(&list), done.key, &s, &out, NULL), -74);
    done.key[0] ^= 1;
    is_int(unseal(buf_as_span(&list), done.key, &s, &out, NULL), 0);
    store_free(&s);
    buf_free(&list);
    buf_free(&out);
}

/* Parts cut, swapped, with more behind them; the digests made to fit. */
static void refit(struct store *s, struct buf *list)
{
    for (unsigned i = 0; i < s->n; i++) {
        sha256(s->part[i].p, s->part[i].n, s->sha[i]);
        memcpy(list->p + list->n - (s->n - i) * SHA256_LEN, s->sha[i], SHA256_LEN);
    }
}

static void parts(void)
{
    struct seal_manifest m = {.text = span_str("t")};
    struct store s = {0};
    struct buf list = {0}, out = {0}, file = {0};
    struct seal_done done;
    const size_t size = 17u << 20;
    memset(buf_reserve(&file, size), 'x', size);
    file.n = size;
    m.files[m.n_files++] = (struct seal_file){span_str("f"), size};
    is_int(seal(&m, buf_as_span(&file), 1u << 20, &s, &list, &done), 0);
    is_int(s.n, 3);
    is_int(unseal(buf_as_span(&list), done.key, &s, &out, NULL), 0);

    struct buf keep = s.part[0];
    s.part[0] = s.part[1];
    s.part[1] = keep;
    refit(&s, &list);
    is_int(unseal(buf_as_span(&list), done.key, &s, &out, NULL), -74);
    keep = s.part[0];
    s.part[0] = s.part[1];
    s.part[1] = keep;

    buf_str(&s.part[2], "x");
    refit(&s, &list);
    is_int(unseal(buf_as_span(&list), done.key, &s, &out, NULL), -74);
    s.part[2].n -= 1;
    s.part[2].n -= SEAL_OVERHEAD + 1;
    refit(&s, &list);
    is_int(unseal(buf_as_span(&list), done.key, &s, &out, NULL), -74);
    s.part[2].n += SEAL_OVERHEAD + 1;
    s.part[1].n -= SEAL_MESSAGE + SEAL_OVERHEAD; /* a whole message less */
    refit(&s, &list);
    is_int(unseal(buf_as_span(&list), done.key, &s, &out, NULL), -74);
    s.part[1].n += SEAL_MESSAGE + SEAL_OVERHEAD;
    s.part[1].n = 0;
    refit(&s, &list);
    is_int(unseal(buf_as_span(&list), done.key, &s, &out, NULL), -74);
    store_free(&s);
    buf_free(&list);
    buf_free(&out);
    buf_free(&file);
}

static void limits(void)
{
    static uint8_t large[SEAL_TEXT_MAX + 1];
    struct seal_manifest m = {0};
    struct store s = {0};
    struct seal_writer *w;
    struct seal_done done;
    struct buf list = {0};
    memset(large, 'a', sizeof large);
    m.text = span_of(large, sizeof large);
    is_int(seal_begin(&m, put, &s, &w, &err), -27);
    m.text = span_str("\xff");
    is_int(seal_begin(&m, put, &s, &w, &err), -22);
    m.text = span_of("a\0b", 3);
    is_int(seal_begin(&m, put, &s, &w, &err), -22);
    m.text = span_str("");
    m.n_files = 2;
    m.files[0] = m.files[1] = (struct seal_file){span_str("f"), SEAL_TOTAL_MAX / 2 + 1};
    is_int(seal_begin(&m, put, &s, &w, &err), -27);
    m.files[0].size = m.files[1].size = UINT64_MAX / 2 + 1; /* no overflow */
    is_int(seal_begin(&m, put, &s, &w, &err), -27);
    m.n_files = 1;
    m.files[0].size = 3;
    m.files[0].name = span_str("");
    is_int(seal_begin(&m, put, &s, &w, &err), -22);
    m.files[0].name = span_str("f");
    is_int(seal_begin(&m, put, &s, &w, &err), 0);
    is_int(seal_add(w, span_str("abcd"), &err), -27);
    is_int(seal_end(w, &list, &done, &err), -5);
    seal_free(w);
    ok(s.n == 0 && list.n == 0, "and nothing was kept");
    buf_free(&list);
}

static void sizes(void)
{
    bool good = true;
    for (uint64_t n = 1; n < (8ull << 30); n += n / 7 + 1) {
        uint64_t p = seal_padded(n);
        good &= p >= n && (n <= SEAL_SIZE_MIN || p - n <= n / 8) && seal_padded(p) == p;
    }
    ok(good, "padding is an eighth at most, and stays");
    is_int(seal_padded(0), SEAL_SIZE_MIN);
    is_int(seal_padded(SEAL_SIZE_MIN + 1), 17u << 10);
}

static void wraps(void)
{
    uint8_t box[32], secret[32], box2[32], secret2[32], zero[32] = {0};
    uint8_t key[SEAL_KEY_LEN] = {9}, list[SHA256_LEN] = {8}, got[SEAL_KEY_LEN];
    struct buf text = {0};
    struct wrap_row row;
    crypto_box_keypair(box, secret);
    crypto_box_keypair(box2, secret2);
    is_int(wrap_put(UINT64_MAX, span_str("rita"), box, key, list, &text, &err), 0);
    is_int(wrap_put(UINT64_MAX, span_str(WRAP_RECEIPT), box2, key, list, &text, &err), 0);
    is_int(wrap_put(UINT64_MAX, span_str("nobody"), zero, key, list, &text, &err), -22);
    struct cur c = cur_of(buf_as_span(&text));
    is_int(wrap_next(&c, false, &row, &err), 1);
    ok(span_is(row.account, "rita") && row.entry == UINT64_MAX, "a row has its account");
    is_int(wrap_open(&row, box, secret, list, got, &err), 0);
    ok(memcmp(key, got, sizeof key) == 0, "and its key");
    is_int(wrap_open(&row, box2, secret2, list, got, &err), -13);
    list[0]++;
    is_int(wrap_open(&row, box, secret, list, got, &err), -13); /* of another list */
    is_int(wrap_next(&c, false, &row, &err), 1);
    ok(span_is(row.account, WRAP_RECEIPT), "the receipt's");
    is_int(wrap_next(&c, false, &row, &err), 0);
    text.n = 0;
    is_int(wrap_put(12, span_str("rita"), box, key, list, &text, &err), 0);
    c = cur_of(buf_as_span(&text));
    is_int(wrap_next(&c, true, &row, &err), 1);
    is_int(row.entry, 12);
    c = cur_of(buf_as_span(&text));
    is_int(wrap_next(&c, false, &row, &err), -74);
    const char *bad[] = {"\n", "rita\n", "rita,\n", ",AAAA\n", "rita,AAAA\n", "01,rita,AA\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        c = cur_of(span_str(bad[i]));
        is_int(wrap_next(&c, i == 5, &row, &err), -74);
    }
    buf_free(&text);
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    round_trips();
    flips();
    parts();
    limits();
    sizes();
    wraps();
    return tap_done();
}
