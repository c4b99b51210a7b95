/* What the progress page, the releases' pages and their parts share. */
#pragma once

#include "app/public/face.h"
#include "app/release/release_doc.h"

/* A release with its figures. */
struct progress {
    uint64_t entry; /* 0: there is none */
    int64_t recorded;
    uint8_t sha256[SHA256_LEN];
    char rule[64];
    uint64_t size, replaces, replaced_by;
    bool withdrawn;
    struct release_doc doc;
    struct buf bytes; /* the document as it is */
};
/* 1 found, 0 there is no such release; negative: its figures cannot be read. Free it in any case.
 */
int progress_load(struct face *f, uint64_t entry, struct progress *out);
void progress_free(struct progress *p);

/* A number or date as plain text in the page's language, for words and tables. */
#define PROGRESS_TEXT_MAX 96
struct progress_text {
    char s[PROGRESS_TEXT_MAX];
};
struct progress_text progress_count(uint64_t n);
struct progress_text progress_double(double v, int decimals);
struct progress_text progress_date(struct face_view *v, int32_t day);
/* The address of "/releases/7" in the page's language: for words' links. */
struct progress_text progress_address(struct face_view *v, const char *what, uint64_t entry,
                                      const char *ending);
/* <p> of a key with arguments, NULL-ended. */
#define progress_say(v, class_, key, ...)                                                          \
    do {                                                                                           \
        buf_str((v)->out, "<p" class_ ">");                                                        \
        words_put((v)->out, (v)->words, key, __VA_ARGS__, NULL);                                   \
        buf_str((v)->out, "</p>\n");                                                               \
    } while (0)

/* A country's name in the page's language. */
void progress_country(struct face_view *v, const char *code, struct buf *out);

/* Parts of the page: progress_chart.c, progress_table.c. */
void progress_chart_base(struct face_view *v, const struct release_doc *d);
void progress_chart_spam(struct face_view *v, const struct release_doc *d);
void progress_days(struct face_view *v, const struct progress *p);
/* `map`: with a place for the map, which shows the newest release. */
void progress_countries(struct face_view *v, const struct release_doc *d, bool map);
void progress_families(struct face_view *v, const struct release_doc *d);
void progress_spam(struct face_view *v, const struct release_doc *d);
/* progress_verify.c */
void progress_what(struct face_view *v, const struct release_doc *d);
void progress_verify(struct face_view *v, const struct progress *p);
