#include "net/http_content.h"

#include <errno.h>

#include "net/http_list.h"

/* The first of the words (closed by NULL) that s has. */
static const char *first_word(struct span s, const char *const *words)
{
    for (; *words; words++)
        if (http_has_word(s, *words))
            return *words;
    return NULL;
}

static bool is_type(struct span type)
{
    size_t slash = text_find(type, '/'), end = text_find(type, ';');
    if (slash == 0 || slash + 1 >= end)
        return false;
    for (size_t i = 0; i < type.n; i++) {
        uint8_t c = type.p[i];
        if (c < ' ' || c > '~' || (i < end && (c == ' ' || c == ',' || c == '"')))
            return false;
    }
    return true;
}

/* The beginnings of programs and of what holds programs. */
static const char *program_of(struct span body)
{
    static const struct {
        const char *magic, *what;
        size_t n;
    } begins[] = {
        {"MZ", "a DOS or Windows program", 2},
        {"ZM", "a DOS program", 2},
        {"\x7f"
         "ELF",
         "an ELF program", 4},
        {"\xfe\xed\xfa", "a Mach-O program", 3},
        {"\xce\xfa\xed\xfe", "a Mach-O program", 4},
        {"\xcf\xfa\xed\xfe", "a Mach-O program", 4},
        {"\xca\xfe\xba\xbe", "a Java class or Mach-O program", 4},
        {"PK\3\4", "an archive", 4},
        {"Rar!", "an archive", 4},
        {"\x1f\x8b", "an archive", 2},
        {"MSCF", "a cabinet", 4},
        {"\xd0\xcf\x11\xe0", "an OLE file", 4},
        {"dex\n", "an Android program", 4},
        {"FWS", "a Flash program", 3},
        {"CWS", "a Flash program", 3},
        {"ZWS", "a Flash program", 3},
        {"#!", "a script", 2},
        {"@echo", "a batch file", 5},
        {"<?php", "a PHP script", 5},
    };
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (body.n >= begins[i].n && memcmp(body.p, begins[i].magic, begins[i].n) == 0)
            return begins[i].what;
    return NULL;
}

bool http_content_is_document(struct span type)
{
    static const char *const words[] = {"html", "xml", "svg", NULL};
    return first_word(type, words) != NULL;
}

/* "<meta" up to its ">". */
static bool meta_refreshes(struct span html)
{
    for (; html.n; html = text_behind(html, 1)) {
        if (!text_starts(html, "<meta"))
            continue;
        struct span tag = span_of(html.p, text_find(html, '>'));
        if (http_has_word(tag, "refresh") || http_has_word(tag, "set-cookie"))
            return true;
    }
    return false;
}

/* An attribute "on...=" within a tag. */
static bool has_handler(struct span html)
{
    uint8_t quote = 0, before = 0;
    bool tag = false;
    for (; html.n; before = *html.p, html = text_behind(html, 1)) {
        uint8_t c = *html.p;
        if (!tag) {
            tag = c == '<' && html.n > 1 && text_lower(html.p[1]) >= 'a' &&
                  text_lower(html.p[1]) <= 'z';
        } else if (quote) {
            quote = c == quote ? 0 : quote;
        } else if (c == '>') {
            tag = false;
        } else if ((c == '"' || c == '\'') && before == '=') {
            quote = c;
        } else if (text_starts(html, "on") &&
                   (before <= ' ' || before == '/' || before == '"' || before == '\'')) {
            return true;
        }
    }
    return false;
}

int http_content_check_html(const char *what, struct span html, struct err *err)
{
    static const char *const words[] = {"<script",
                                        "javascript:",
                                        "vbscript:",
                                        "<iframe",
                                        "<frame",
                                        "<object",
                                        "<embed",
                                        "<applet",
                                        "<base",
                                        "<form",
                                        "<link rel=\"import",
                                        "<hta:",
                                        "<?php",
                                        NULL};
    const char *word = first_word(html, words);
    if (word)
        return err_set(err, -EINVAL, "%s: has \"%s\": the sinkhole sends nothing that runs or asks",
                       what, word);
    if (meta_refreshes(html))
        return err_set(err, -EINVAL, "%s: has a <meta> that redirects or sets a cookie", what);
    if (has_handler(html))
        return err_set(err, -EINVAL, "%s: has an event handler (an attribute on...)", what);
    return 0;
}

int http_content_check(const char *what, struct span type, struct span body, struct err *err)
{
    static const char *const types[] = {
        "script",      "java",     "execut", "msdos", "msdownload", "dosexec", "x-elf",
        "mach-binary", "shared",   "wasm",   "flash", "hta",        "x-sh",    "x-csh",
        "x-bat",       "perl",     "python", "php",   "power",      "install", "x-msi",
        "package",     "shortcut", "xul",    "tcl",   "macro",      NULL};
    static const char *const texts[] = {
        "<script", "javascript:", "vbscript:", "<hta:", "<?php", "createobject(", NULL};
    if (!is_type(type))
        return err_set(err, -EINVAL, "%s: \"%.*s\" is no content type", what, (int)type.n, type.p);
    const char *found = first_word(span_of(type.p, text_find(type, ';')), types);
    if (found)
        return err_set(err, -EINVAL, "%s: content type \"%.*s\" is executed by clients (\"%s\")",
                       what, (int)type.n, type.p, found);
    found = program_of(body);
    if (found)
        return err_set(err, -EINVAL, "%s: the body is %s: the sinkhole sends nothing that runs",
                       what, found);
    found = first_word(body, texts);
    if (found)
        return err_set(err, -EINVAL,
                       "%s: the body has \"%s\": the sinkhole sends nothing that runs", what,
                       found);
    return http_content_is_document(type) ? http_content_check_html(what, body, err) : 0;
}
