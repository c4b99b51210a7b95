/* Notice: what the commands of the notice campaign share: the case with its campaign read whole,
 * checks, the authority to act, and making a notice's exact bytes of a template. */
#pragma once

#include "app/case_act.h"
#include "report/notice_template.h"
#include "state/notices.h"

#define NOTICE_NAME_MAX    200  /* bytes of a party's, template's or outlet's name */
#define NOTICE_ADDRESS_MAX 500  /* of a contact's address */
#define NOTICE_WORDS_MAX   2000 /* of a note, of how a contact was found */

struct notice_case {
    const struct cli *cli;
    struct casedir c;
    struct notice_book book;
    struct arena arena;
    int64_t now;
};
/* Opens the case to read; notice_case_close() also after a failure. */
int notice_case_open(const struct cli *cli, struct notice_case *out, struct err *err);
void notice_case_close(struct notice_case *n);

/* ---- the command line ---- */

/* NULL, or what is wrong with words that are shown to people: too long, not UTF-8, controls,
 * characters that reorder or hide text. Empty words are good. */
const char *notice_text_fault(struct span words, size_t max);
/* Checks that option; EXIT_USAGE with a message, or 0. */
int notice_check_option(const struct cli *cli, const char *name, size_t max);
/* --language as BCP 47; `fallback` without. 0, or EXIT_USAGE. */
int notice_language(const struct cli *cli, const char *fallback, struct span *out);
/* --document: appends the file to `bytes`; name and digest for the act, empty without. */
struct notice_document {
    struct buf bytes;
    struct span name, sha256;
    uint8_t digest[SHA256_LEN];
};
int notice_document_read(struct notice_case *n, struct notice_document *out, struct err *err);
/* A party by name or entry; -ENOENT says where to look. */
int notice_party_named(struct notice_case *n, const char *name, const struct notice_party **out,
                       struct err *err);
/* Records one act; its entry. */
int notice_record(const struct cli *cli, uint8_t kind, struct span payload, struct span blob,
                  uint64_t *entry, struct err *err);
/* Prints "entry NAME" as a row (columns `what`, `index`). */
int notice_print_done(const struct cli *cli, const char *what, struct span name, uint64_t entry);
/* How an error ends a command: EXIT_USAGE for -EINVAL, else EXIT_FAILED. */
int notice_fail(int rc, const struct err *err);

/* ---- authority ---- */

struct notice_order {
    uint64_t entry;
    int64_t recorded; /* when the log got it */
    int64_t from, until, closed;
    struct span id, court, docket, jurisdiction, scope, document, sha256;
};
/* By id or index; spans lie in the arena. -ENOENT. */
int notice_order_named(struct notice_case *n, const char *id, struct notice_order *out,
                       struct err *err);
int notice_order_at(struct notice_case *n, uint64_t entry, struct notice_order *out,
                    struct err *err);
/* Whether notice may be given under it at that time: it is on record, holds then, and the clock is
 * not before it. -EPERM says what is wrong. */
int notice_may(struct notice_case *n, const struct notice_order *o, int64_t when, struct err *err);

/* ---- a notice's bytes ---- */

/* The words to use for a language: in that language, or the original, with a warning on standard
 * error (once a call). -ENOENT. */
int notice_words_for(struct notice_case *n, struct span name, enum notice_form form,
                     struct span language, const struct notice_words **out, struct err *err);
/* The template's file. */
int notice_words_read(struct notice_case *n, const struct notice_words *w, struct buf *out,
                      struct err *err);
/* All that a template may ask for; what is not known is empty. party, contact: NULL for none. Lies
 * in the arena. */
int notice_values_make(struct notice_case *n, const struct notice_order *o,
                       const struct notice_party *party, const struct notice_contact *contact,
                       const struct notice_words *words, struct notice_values *out,
                       struct err *err);
/* "15 June 2011, 17:00 UTC", as the language has it; the time where it is not midnight. */
struct span notice_date(struct arena *arena, int64_t time, struct span language);

struct notice_made {
    struct buf bytes;
    const char *media;
    const struct notice_words *words, *html; /* html NULL: none */
    struct span message_id;                  /* by mail */
    uint8_t sha256[SHA256_LEN];
};
/* By mail, text and HTML; post a PDF; web HTML; messenger and court text (court a PDF). */
int notice_make(struct notice_case *n, const struct notice_order *o,
                const struct notice_party *party, const struct notice_contact *contact,
                struct span template_name, struct notice_made *out, struct err *err);
/* The PDF of an advertisement; size as --size has it. */
int notice_make_advertisement(struct notice_case *n, const struct notice_order *o,
                              const struct notice_party *party, const struct notice_words *words,
                              const char *size, struct buf *out, struct err *err);
/* Filled words of an advertisement, set in a box of that size. */
int notice_typeset(struct notice_case *n, struct span text, struct span language, const char *size,
                   struct buf *out, struct err *err);
/* Filled words of a text as a letter. */
int notice_letter(struct notice_case *n, struct span text, struct span language,
                  const struct notice_party *party, const struct notice_contact *contact,
                  struct buf *out, struct err *err);
/* Writes bytes that can be made again. */
int notice_write(const char *path, struct span bytes, struct err *err);
