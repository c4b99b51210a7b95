/* The whole chain: any bytes to a mail. It never fails, stays within its limits, and reads the same
 * bytes the same way. */
#include "mail/mail.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct mail *m)
{
    must(m->visible.n <= MAIL_TEXT_MAX && m->urls <= MAIL_URLS_MAX && m->files <= MAIL_FILES_MAX);
    must(m->words.n <= WORDS_MAX && m->subject_words.n <= WORDS_MAX);
    for (uint32_t i = 0; i < m->words.n; i++)
        must(m->words.v[i].source + m->words.v[i].source_n <= m->visible.n);
    for (unsigned i = 0; i < m->urls; i++)
        must(m->url[i].url.host.n && m->url[i].domain.n);
    for (unsigned i = 0; i < m->files; i++)
        must(m->file[i].part < m->mime.parts && m->file[i].kind <= MAIL_FILE_PROGRAM);
    must(m->headers.text.n <= GRAMMAR_TEXT_MAX && m->message_id.text.n <= GRAMMAR_TEXT_MAX);
    must(m->topics.topic < TOPICS && m->brands.n <= BRANDS_FOUND_MAX);
}

static struct mail_reader *reader_open(void)
{
    static const char *const strip[] = {"X-Virus-*", "Status", NULL};
    struct mail_options options = {getenv("EBB_RULES"),
                                   strip}; /* with rules where they are named */
    struct mail_reader *r;
    struct err err;
    must(mail_reader_open(&options, &r, &err) == 0);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mail_reader *reader;
    static struct arena first, second;
    struct mail a, b;
    if (!reader)
        reader = reader_open();
    arena_reset(&first);
    arena_reset(&second);
    mail_read(reader, span_of(data, size), NULL, &first, &a);
    check(&a);
    mail_read(reader, span_of(data, size), NULL, &second, &b);
    must(a.exact == b.exact && a.flags == b.flags && a.urls == b.urls && a.words.n == b.words.n);
    must(memcmp(&a.sketch, &b.sketch, sizeof a.sketch) == 0 && a.headers.hash == b.headers.hash);
    must(a.topics.topic == b.topics.topic && a.brands.n == b.brands.n);
    return 0;
}
