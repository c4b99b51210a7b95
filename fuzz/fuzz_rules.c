/* topics.rules and brands.rules, and a mail judged by them: the input up to the first NUL is read
 * as either file, what is behind it is the mail: subject, text, host, path, file name, From, with
 * NULs between. */
#include <unistd.h>

#include "mail/mail.h"
#include "must.h"

#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[] = "/tmp/ebb-fuzz-rules-XXXXXX";
static int fd = -1;

static void gone(void)
{
    unlink(path);
}

static void write_rules(struct span text)
{
    if (fd < 0) {
        fd = mkstemp(path);
        must(fd >= 0);
        atexit(gone);
    }
    must(ftruncate(fd, 0) == 0);
    must(text.n == 0 || pwrite(fd, text.p, text.n, 0) == (ssize_t)text.n);
}

static struct span part(struct cur *c)
{
    const uint8_t *end = cur_left(c) ? memchr(c->p, 0, cur_left(c)) : NULL;
    struct span s = {NULL, 0};
    cur_take(c, end ? (size_t)(end - c->p) : cur_left(c), &s);
    cur_take(c, end != NULL, &(struct span){0});
    return s;
}

/* Opening one takes longer than all else here; it remembers the words of rules, so not for ever. */
static struct words_reader *reader(void)
{
    static struct words_reader *words;
    static unsigned runs;
    if (runs++ % 500 == 0) {
        words_close(words);
        words = words_open();
    }
    return words;
}

static void check_brands(const struct brands *b, const struct brands_found *f)
{
    must(f->n <= BRANDS_FOUND_MAX);
    for (unsigned i = 0; i < f->n; i++) {
        must(f->v[i].brand < brands_count(b) && f->v[i].count > 0);
        must(f->v[i].mark < brand_marks(b, f->v[i].brand));
        must(brand_mark(b, f->v[i].brand, f->v[i].mark).n > 0);
        must(f->v[i].signs & (BRAND_PLAIN | BRAND_DISGUISED));
        must(brand_named(b, brand_name(b, f->v[i].brand)) == f->v[i].brand);
        for (unsigned k = 0; k < i; k++)
            must(f->v[k].brand != f->v[i].brand);
    }
}

static void check_topics(const struct topics *t, const struct topics_found *f)
{
    must(f->topic < TOPICS && f->rules <= TOPIC_EVIDENCE_MAX);
    must(f->topic == TOPIC_NONE || f->topic == TOPIC_OTHER || (f->score[f->topic] && f->rules));
    for (unsigned i = 0; i < f->rules; i++)
        must(topics_rule(t, f->rule[i]).n > 0);
}

static void read_mail(struct cur *c, struct words_reader *words, struct arena *arena,
                      struct mail *m, struct mail_url *url, struct mail_file *file)
{
    const struct span none = {NULL, 0};
    words_read(words, part(c), none, arena, &m->subject_words);
    m->visible = part(c);
    words_read(words, m->visible, none, arena, &m->words);
    words_read(words, m->visible, none, arena, &m->hidden_words);
    url->url.host = part(c);
    url->url.path = part(c);
    file->name = part(c);
    m->from_address = part(c);
    words_read(words, m->from_address, none, arena, &m->from_words);
    m->url = url;
    m->file = file;
    m->urls = url->url.host.n > 0;
    m->files = file->name.n > 0;
    m->flags = (uint32_t)m->visible.n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cur c = cur_of(span_of(data, size));
    struct words_reader *words = reader();
    struct brands *b = NULL;
    struct topics *t = NULL;
    struct mail m = {0};
    struct mail_url url = {0};
    struct mail_file file = {0};
    struct arena arena = {0};
    struct err err;
    write_rules(part(&c));
    int brands = brands_open(path, words, &b, &err), topics = topics_open(path, words, &t, &err);
    must((brands < 0) == (b == NULL) && (topics < 0) == (t == NULL));
    must(topics == 0 || strstr(err.text, path));
    read_mail(&c, words, &arena, &m, &url, &file);
    if (b) {
        brands_judge(b, &m, &m.brands);
        check_brands(b, &m.brands);
    }
    if (t) {
        topics_judge(t, &m, &m.topics);
        check_topics(t, &m.topics);
    }
    brands_close(b);
    topics_close(t);
    arena_free(&arena);
    return 0;
}
