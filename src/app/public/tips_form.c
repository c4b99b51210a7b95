/* Forms as they come: bounded, checked, in memory alone. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/public/tips_impl.h"
#include "base/mem.h"
#include "lead/photo.h"

/* Browsers end lines with CR LF (HTML, "form-data entry list"); what is sealed has LF. */
static void put_lines(struct buf *out, struct span s)
{
    buf_reserve(out, s.n);
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '\r' || i + 1 == s.n || s.p[i + 1] != '\n')
            buf_byte(out, s.p[i]);
}

static bool only_blanks(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] > ' ')
            return false;
    return true;
}

/* What is wrong with it is shown with it: nobody writes that a second time. */
static void read_text(struct face_view *v, struct tips_form *f, struct tips_errors *e)
{
    struct span text = web_form(v->request, "text");
    put_lines(&f->text, text);
    if (text.n > TIPS_TEXT_MAX)
        tips_error(e, "text", "tips.error.text.long", "256");
    else if (!span_is_utf8(text))
        tips_error(e, "text", "tips.error.text.characters", NULL);
    else
        f->given.text = only_blanks(text) ? span_of(NULL, 0) : buf_as_span(&f->text);
}

static void read_contact(struct face_view *v, struct tips_form *f, struct tips_errors *e)
{
    struct span contact = web_form(v->request, "contact"),
                language = web_form(v->request, "language");
    f->given.contact = contact;
    if (contact.n > TIPS_CONTACT_MAX)
        tips_error(e, "contact", "tips.error.contact.long", NULL);
    else if (!span_is_utf8(contact))
        tips_error(e, "contact", "tips.error.text.characters", NULL);
    if (language.n <= SEAL_LANGUAGE_MAX && span_is_plain(language))
        f->given.language = language;
}

/* A field for files that were not chosen comes with neither name nor bytes. */
static bool is_file(const struct web_field *f)
{
    return f->file && (f->file[0] || f->value.n);
}

static void add_file(struct tips_form *f, const struct web_field *field)
{
    struct lead_given_file *to = &f->given.files[f->given.n];
    struct buf *stripped = &f->stripped[f->given.n];
    to->name = span_str(field->file[0] ? field->file : "file");
    to->data = field->value;
    if (f->strip) {
        buf_reserve(stripped, field->value.n < TIPS_FILES_BYTES ? field->value.n : 0);
        if (photo_strip(field->value, stripped) == 1)
            to->data = buf_as_span(stripped);
        else
            f->kept++;
    }
    f->bytes += to->data.n;
    f->given.n++;
}

static void read_files(struct face_view *v, struct tips_form *f, struct tips_errors *e)
{
    size_t n, files = 0;
    const struct web_field *fields = web_fields(v->request, &n);
    uint64_t bytes = 0;
    f->strip = !span_is(web_form(v->request, "strip"), "no");
    for (size_t i = 0; i < n; i++) {
        files += is_file(&fields[i]);
        bytes += is_file(&fields[i]) ? fields[i].value.n : 0;
    }
    if (files > TIPS_FILES_MAX)
        tips_error(e, "files", "tips.error.files.many", "32");
    else if (bytes > TIPS_FILES_BYTES)
        tips_error(e, "files", "tips.error.files.large", "64");
    else
        for (size_t i = 0; i < n; i++)
            if (is_file(&fields[i]))
                add_file(f, &fields[i]);
}

_Static_assert(TIPS_TEXT_MAX == 256 << 10 && TIPS_FILES_MAX == 32 && TIPS_FILES_BYTES == 64 << 20,
               "as the words above say");

void tips_form_read(struct face_view *v, struct tips_form *out, struct tips_errors *e)
{
    *out = (struct tips_form){.stripped = mem_zeroed(TIPS_FILES_MAX, sizeof *out->stripped)};
    read_text(v, out, e);
    read_contact(v, out, e);
    read_files(v, out, e);
}

void tips_form_wipe(struct tips_form *f)
{
    lead_wipe(&f->text);
    for (size_t i = 0; f->stripped && i < TIPS_FILES_MAX; i++)
        lead_wipe(&f->stripped[i]);
    free(f->stripped);
    sodium_memzero(f, sizeof *f);
}

bool tips_form_receipt(struct face_view *v, struct receipt *out, struct tips_errors *e)
{
    struct span text = web_form(v->request, "receipt");
    struct err err = {0};
    unsigned wrong, n = text.n > RECEIPT_TEXT_MAX ? 0 : receipt_count(text, &wrong);
    char number[12];
    if (n && receipt_parse(text, out, &err) == 0)
        return true;
    snprintf(number, sizeof number, "%u", n == RECEIPT_WORDS ? wrong : n);
    tips_error(e, "receipt",
               !n                   ? "tips.error.receipt.none"
               : n != RECEIPT_WORDS ? "tips.error.receipt.words"
                                    : "tips.error.receipt.word",
               number);
    return false;
}
