/* Pages that are the same for everybody, made once and then given as they are: as text and as
 * gzip, each with its ETag. */
#include <stdio.h>

#include <zlib.h>

#include "app/public/face.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"

#define PAGES_MAX      2048 /* all are let go when there are more */
#define BYTES_MAX      (64u << 20)
#define PAGE_BYTES_MAX (4u << 20) /* larger ones are made each time */
#define SLOTS          4096
#define KEPT_MS        30000 /* what depends on the clock is not older than that */
#define MAX_AGE_S      5     /* a new act shows at once, or nearly */
#define ETAG_BYTES     16
#define KEY_MAX        (WEB_PATH_MAX + 64)

struct page {
    char *key; /* path, language, whether it was chosen; NULL: a free slot */
    uint64_t version;
    int64_t made;
    struct web_reply reply; /* its body is the page's */
    struct buf gzip;        /* empty where that saves nothing */
};

struct face_cache {
    struct page pages[SLOTS];
    size_t n, bytes;
};

struct face_cache *face_cache_new(void)
{
    return mem_zeroed(1, sizeof(struct face_cache));
}

static void page_clear(struct page *p)
{
    free(p->key);
    buf_free(&p->reply.body);
    buf_free(&p->gzip);
    *p = (struct page){0};
}

static void clear(struct face_cache *c)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (c->pages[i].key)
            page_clear(&c->pages[i]);
    c->n = c->bytes = 0;
}

void face_cache_free(struct face_cache *c)
{
    if (!c)
        return;
    clear(c);
    free(c);
}

/* FNV-1a: paths come from outside, but the table has no more than PAGES_MAX of them. */
static size_t slot_of(const char *key)
{
    uint64_t h = 14695981039346656037ull;
    for (; *key; key++)
        h = (h ^ (uint8_t)*key) * 1099511628211ull;
    return (size_t)(h ^ h >> 32) % SLOTS;
}

static struct page *find(struct face_cache *c, const char *key)
{
    size_t i = slot_of(key);
    while (c->pages[i].key && strcmp(c->pages[i].key, key) != 0)
        i = (i + 1) % SLOTS;
    return &c->pages[i];
}

/* RFC 1952, as small as it gets: it is made once. */
static void compress_page(struct span in, struct buf *out)
{
    z_stream z = {0};
    if (in.n > UINT32_MAX / 2 ||
        deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        return;
    size_t most = deflateBound(&z, in.n);
    z.next_in = (uint8_t *)(uintptr_t)in.p;
    z.avail_in = (unsigned)in.n;
    z.next_out = buf_reserve(out, most);
    z.avail_out = (unsigned)most;
    if (deflate(&z, Z_FINISH) == Z_STREAM_END && z.total_out < in.n)
        out->n = z.total_out;
    deflateEnd(&z);
}

static void make_etag(struct span body, char out[68])
{
    uint8_t digest[SHA256_LEN];
    sha256(body.p, body.n, digest);
    hex_encode(digest, ETAG_BYTES, out);
}

static bool make(struct page *p, struct face *f, const struct face_route *route, const char *path,
                 const struct words *words, bool chosen)
{
    buf_free(&p->reply.body);
    buf_free(&p->gzip);
    p->reply = (struct web_reply){.status = 200};
    face_make(f, route, path, words, chosen, NULL, &p->reply);
    if (p->reply.borrowed.n && !p->reply.body.n)
        buf_span(&p->reply.body, p->reply.borrowed);
    p->reply.borrowed = span_of(NULL, 0);
    p->version = f->version;
    p->made = clock_ms();
    if (p->reply.status != 200)
        return false;
    make_etag(buf_as_span(&p->reply.body), p->reply.etag);
    if (!p->reply.max_age_s)
        p->reply.max_age_s = MAX_AGE_S;
    compress_page(buf_as_span(&p->reply.body), &p->gzip);
    return true;
}

/* Borrowed: whoever serves it copies it before the next page is made. */
static void give(const struct page *p, bool gzip, struct web_reply *reply)
{
    const struct buf *bytes = gzip && p->gzip.n ? &p->gzip : &p->reply.body;
    *reply = p->reply;
    reply->body = (struct buf){0};
    reply->borrowed = buf_as_span(bytes);
    reply->gzipped = bytes == &p->gzip;
}

/* Into its slot, in the old one's place. */
static struct page *keep(struct face_cache *c, const char *key, struct page *fresh)
{
    struct page *p = find(c, key);
    if (p->key) {
        c->bytes -= p->reply.body.n + p->gzip.n;
        c->n--;
        page_clear(p);
    }
    if (c->n >= PAGES_MAX || c->bytes >= BYTES_MAX) {
        clear(c);
        p = find(c, key);
    }
    *p = *fresh;
    p->key = strdup(key);
    if (!p->key)
        abort();
    c->n++;
    c->bytes += p->reply.body.n + p->gzip.n;
    return p;
}

void face_cache_answer(struct face_cache *c, struct face *f, const struct face_route *route,
                       const char *path, const struct words *words, bool chosen, bool gzip,
                       struct web_reply *reply)
{
    char key[KEY_MAX];
    struct page fresh = {0};
    snprintf(key, sizeof key, "%s %s%s", path, words_language(words), chosen ? " chosen" : "");
    struct page *p = find(c, key);
    if (p->key && p->version == f->version && clock_ms() - p->made < KEPT_MS) {
        give(p, gzip, reply);
        return;
    }
    bool good = make(&fresh, f, route, path, words, chosen);
    if (good && fresh.reply.body.n <= PAGE_BYTES_MAX) {
        give(keep(c, key, &fresh), gzip, reply);
    } else { /* what is not there is not kept either: nobody fills the table with it */
        *reply = fresh.reply;
        buf_free(&fresh.gzip);
    }
}
