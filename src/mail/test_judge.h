/* Mails made by hand, for the tests of the judges. */
#pragma once

#include <unistd.h>

#include "base/file.h"
#include "base/tap.h"
#include "mail/mail.h"
#include "wire/text.h"

/* A rules file that goes away with rules_gone(). */
static char rules_path[] = "/tmp/ebb-rules-XXXXXX";
static bool rules_made;

static inline const char *rules_file(const char *text)
{
    struct err err;
    if (!rules_made) {
        int fd = mkstemp(rules_path);
        if (fd < 0)
            abort();
        close(fd);
        rules_made = true;
    }
    if (file_replace(rules_path, span_str(text), 0600, &err) < 0)
        abort();
    return rules_path;
}

static inline void rules_gone(void)
{
    if (rules_made)
        unlink(rules_path);
}

/* The folder of the rules that come with ebb. */
static inline const char *shipped(char out[FILE_PATH_MAX], const char *name)
{
    const char *folder = getenv("EBB_RULES");
    if (file_path(out, NULL, "%s/%s", folder ? folder : "rules", name) < 0)
        abort();
    return out;
}

struct made {
    struct arena arena;
    struct words_reader *words;
    struct mail mail;
};

/* Any of the texts may be NULL. */
static inline void make_mail(struct made *m, const char *from, const char *subject,
                             const char *text, const char *hidden)
{
    struct mail *mail = &m->mail;
    const struct span none = {NULL, 0};
    arena_reset(&m->arena);
    memset(mail, 0, sizeof *mail);
    mail->from = span_str(from);
    mail->subject = span_str(subject);
    mail->visible = span_str(text);
    mail->hidden = span_str(hidden);
    size_t open = text_find(mail->from, '<');
    mail->from_address = open < mail->from.n ? text_behind(mail->from, open + 1) : mail->from;
    mail->from_address.n = text_find(mail->from_address, '>');
    words_read(m->words, mail->subject, none, &m->arena, &mail->subject_words);
    words_read(m->words, mail->visible, none, &m->arena, &mail->words);
    words_read(m->words, mail->from, none, &m->arena, &mail->from_words);
    words_read(m->words, mail->hidden, none, &m->arena, &mail->hidden_words);
    mail->url = arena_alloc(&m->arena, MAIL_URLS_MAX * sizeof *mail->url);
    mail->file = arena_alloc(&m->arena, MAIL_FILES_MAX * sizeof *mail->file);
}

static inline void add_url(struct made *m, const char *host, const char *path, bool image)
{
    m->mail.url[m->mail.urls++] =
        (struct mail_url){.url = {.host = span_str(host), .path = span_str(path)}, .image = image};
}

static inline void add_file(struct made *m, const char *name, enum mail_file_kind kind)
{
    m->mail.file[m->mail.files++] = (struct mail_file){.name = span_str(name), .kind = kind};
}
