#include "mail/mail.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "mail/mail_impl.h"
#include "wire/text.h"

#define EXACT_WORDS_MIN 10          /* plain words; texts with fewer of them are alike by chance */
#define IMAGE_WORDS_MAX 8           /* plain words of a mail that is "hardly a word that is seen" */
#define HIDDEN_TEXT_MAX (16u << 10) /* bytes of hidden text whose words are read */
#define ADDRESS_MAX     320
#define K_EXACT         0x9ddfea08eb382d69ull

void mail_flag_words(uint32_t bits, struct buf *out)
{
    static const char *const words[] = {"image-only", "hidden-text", "disguised", "no-text",
                                        "html",       "program",     "cut"};
    text_bit_words(bits, words, sizeof words / sizeof *words, out);
}

/* ---- the reader ---- */

static int rules_open(struct mail_reader *r, const char *folder, struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = file_path(path, err, "%s/brands.rules", folder);
    if (rc == 0)
        rc = brands_open(path, r->words, &r->brands, err);
    if (rc == 0)
        rc = file_path(path, err, "%s/topics.rules", folder);
    if (rc == 0)
        rc = topics_open(path, r->words, &r->topics, err);
    return rc;
}

int mail_reader_open(const struct mail_options *options, struct mail_reader **out, struct err *err)
{
    struct mail_reader *r = mem_zeroed(1, sizeof *r);
    r->scanner = mime_scanner_new();
    r->words = words_open();
    r->domains = domains_open();
    r->strip = strip_list_new(options->strip);
    int rc = options->rules ? rules_open(r, options->rules, err) : 0;
    words_seal(r->words);
    if (rc < 0) {
        mail_reader_close(r);
        return rc;
    }
    *out = r;
    return 0;
}

void mail_reader_close(struct mail_reader *r)
{
    if (!r)
        return;
    topics_close(r->topics);
    brands_close(r->brands);
    strip_list_free(r->strip);
    domains_close(r->domains);
    words_close(r->words);
    mime_scanner_free(r->scanner);
    buf_free(&r->shape);
    free(r);
}

const struct topics *mail_reader_topics(const struct mail_reader *r)
{
    return r->topics;
}

const struct brands *mail_reader_brands(const struct mail_reader *r)
{
    return r->brands;
}

struct words_reader *mail_reader_words(struct mail_reader *r)
{
    return r->words;
}

struct mime_scanner *mail_reader_scanner(struct mail_reader *r)
{
    return r->scanner;
}

/* ---- headers ---- */

static struct span header_text(struct mail_reader *r, const struct mime *m, const char *name,
                               struct arena *arena)
{
    const struct mime_header *h = mime_header(m, 0, name);
    return h ? mime_text(r->scanner, h->value, arena) : span_of(NULL, 0);
}

/* Visible, and none of the signs around addresses; bytes beyond ASCII too. */
static bool is_address_char(uint8_t c)
{
    static const bool no[256] = {
        [0 ... ' '] = true, [0x7f] = true, ['<'] = true, ['>'] = true, [','] = true, [';'] = true,
        [':'] = true,       ['"'] = true,  ['('] = true, [')'] = true, ['['] = true, [']'] = true,
    };
    return !no[c];
}

struct span mail_address(struct span value, struct arena *arena)
{
    if (!value.n)
        return value;
    /* the first mailbox: behind its display name, which may hold another address in quotes */
    size_t open = text_find(value, '<');
    size_t at = open + text_find(text_behind(value, open), '@');
    if (open == value.n || at == value.n || text_find(value, ',') < open)
        at = text_find(value, '@');
    if (at == value.n)
        return span_of(NULL, 0);
    size_t from = at, to = at + 1;
    while (from && is_address_char(value.p[from - 1]) && at - from < ADDRESS_MAX)
        from--;
    while (to < value.n && is_address_char(value.p[to]) && to - at < ADDRESS_MAX)
        to++;
    uint8_t *small = arena_alloc(arena, to - from);
    for (size_t i = from; i < to; i++)
        small[i - from] = text_lower(value.p[i]);
    return span_of(small, to - from);
}

static void read_headers(struct mail_reader *r, struct arena *arena, struct mail *out)
{
    const struct mime *m = &out->mime;
    const struct mime_header *id = mime_header(m, 0, "Message-ID");
    out->subject = header_text(r, m, "Subject", arena);
    out->from = header_text(r, m, "From", arena);
    out->to = header_text(r, m, "To", arena);
    out->from_address = mail_address(out->from, arena);
    bool *stripped = arena_alloc(arena, m->headers * sizeof *stripped);
    for (unsigned i = 0; i < m->headers; i++)
        stripped[i] = strip_list_has(r->strip, m->header[i].name);
    grammar_headers(m, stripped, arena, &out->headers);
    grammar_message_id(id ? id->value : span_of(NULL, 0), arena, &out->message_id);
}

/* ---- words ---- */

static void read_words(struct mail_reader *r, struct span recipient, struct arena *arena,
                       struct mail *out)
{
    struct span hidden = out->hidden, none = {NULL, 0};
    if (hidden.n > HIDDEN_TEXT_MAX)
        hidden.n = HIDDEN_TEXT_MAX;
    words_read(r->words, out->subject, recipient, arena, &out->subject_words);
    words_read(r->words, out->visible, recipient, arena, &out->words);
    words_read(r->words, out->from, none, arena, &out->from_words);
    words_read(r->words, hidden, none, arena, &out->hidden_words);
}

static inline uint64_t exact_add(uint64_t h, uint64_t v)
{
    return h * K_EXACT + v;
}

/* Never 0, which says that there is none. */
static uint64_t exact_end(uint64_t h)
{
    h ^= h >> 32;
    h *= K_EXACT;
    h ^= h >> 29;
    return h ? h : 1;
}

/* Random strings are passed over; *plain grows by the plain words. */
static uint64_t exact_words(uint64_t h, const struct words *w, unsigned *plain)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < w->n; i++) {
        const struct word *v = &w->v[i];
        if (v->kind == WORD_RANDOM)
            continue;
        n += v->kind == WORD_PLAIN;
        h = exact_add(h, v->hash);
    }
    *plain += n;
    return exact_add(h, w->n ? 1 : 2);
}

/* The same words in the same order; of a mail that is pictures, the same pictures. */
static uint64_t exact_of(const struct mail *m)
{
    unsigned plain = 0, pictures = 0;
    uint64_t h = exact_words(0, &m->subject_words, &plain);
    unsigned subject = plain;
    h = exact_words(h, &m->words, &plain);
    if (plain >= EXACT_WORDS_MIN && plain > subject)
        return exact_end(h);
    if (!(m->flags & MAIL_IMAGE_ONLY))
        return 0;
    h = 0;
    for (unsigned i = 0; i < m->files; i++) {
        if (m->file[i].kind != MAIL_FILE_IMAGE)
            continue;
        h = exact_add(exact_add(h, m->file[i].hash[0]), m->file[i].hash[1]);
        pictures++;
    }
    return pictures ? exact_end(h) : 0;
}

/* ---- flags ---- */

static unsigned plain_words(const struct words *w, unsigned enough)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < w->n && n < enough; i++)
        n += w->v[i].kind == WORD_PLAIN;
    return n;
}

static uint32_t flags_of(const struct mail *m, const struct mail_view *v)
{
    uint32_t flags = 0, cuts = MIME_CUT_DEPTH | MIME_CUT_PARTS | MIME_CUT_HEADERS | MIME_CUT_BYTES;
    unsigned images = v->images;
    for (unsigned i = 0; i < m->files; i++) {
        images += m->file[i].kind == MAIL_FILE_IMAGE;
        flags |= m->file[i].kind == MAIL_FILE_PROGRAM ? MAIL_PROGRAM : 0;
    }
    for (unsigned i = 0; i < v->n; i++)
        flags |= v->is_html[i] ? MAIL_HTML : 0;
    if (images && plain_words(&m->words, IMAGE_WORDS_MAX) < IMAGE_WORDS_MAX)
        flags |= MAIL_IMAGE_ONLY;
    if (v->anomalies & HTML_HIDDEN_TEXT)
        flags |= MAIL_HIDDEN_TEXT;
    if (m->words.disguised || m->subject_words.disguised || v->anomalies & HTML_SPLIT_WORDS)
        flags |= MAIL_DISGUISED;
    if (!m->words.n)
        flags |= MAIL_NO_TEXT;
    if (m->mime.anomalies & cuts || v->cut || v->anomalies & HTML_CUT || m->words.cut)
        flags |= MAIL_CUT;
    return flags;
}

/* ---- all of it ---- */

static struct span recipient_of(const struct event *ev, const struct mail *m, struct arena *arena)
{
    if (ev && ev->smtp.rcpt_to.n)
        return ev->smtp.rcpt_to.v[0];
    return mail_address(m->to, arena);
}

static inline void tell(mail_stage *done, void *ctx, const char *name)
{
    if (__builtin_expect(done != NULL, 0))
        done(ctx, name);
}

void mail_read_staged(struct mail_reader *r, struct span raw, const struct event *ev,
                      struct arena *arena, struct mail *out, mail_stage *done, void *ctx)
{
    struct mail_view view;
    memset(out, 0, sizeof *out);
    mime_scan(r->scanner, raw, arena, &out->mime);
    tell(done, ctx, "scan");
    mail_view_read(&out->mime, arena, &view);
    mail_view_texts(&view, arena, out);
    tell(done, ctx, "html");
    read_headers(r, arena, out);
    if (ev)
        grammar_dialect(ev, arena, &out->dialect);
    tell(done, ctx, "headers");
    read_words(r, recipient_of(ev, out, arena), arena, out);
    tell(done, ctx, "words");
    mail_read_urls(r, &view, arena, out);
    tell(done, ctx, "urls");
    mail_read_files(&out->mime, arena, out);
    tell(done, ctx, "files");
    out->flags |= flags_of(out, &view);
    out->exact = exact_of(out);
    sketch_of(&out->subject_words, &out->words, &out->sketch);
    tell(done, ctx, "sketch");
    if (r->brands)
        brands_judge(r->brands, out, &out->brands);
    if (r->topics)
        topics_judge(r->topics, out, &out->topics);
    tell(done, ctx, "topics");
}

void mail_read(struct mail_reader *r, struct span raw, const struct event *ev, struct arena *arena,
               struct mail *out)
{
    mail_read_staged(r, raw, ev, arena, out, NULL, NULL);
}
