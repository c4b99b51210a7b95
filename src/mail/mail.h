/* Mail: what the spam gauge sees of one mail. Reading is pure: the same bytes, rules and options
 * give the same result, so a view can be rebuilt from blobs. */
#pragma once

#include "mail/brand.h"
#include "mail/domain.h"
#include "mail/grammar.h"
#include "mail/sketch.h"
#include "mail/topic.h"
#include "wire/html.h"
#include "wire/mime.h"
#include "wire/url.h"

#define MAIL_URLS_MAX  64
#define MAIL_FILES_MAX 32
#define MAIL_TEXT_MAX  (64u << 10) /* bytes of text that are compared */
#define MAIL_STRIP_MAX 128

struct mail_url {
    struct url url;
    struct span domain; /* registered, or the address as text */
    uint64_t domain_hash, shape_hash;
    bool image, hidden; /* not to be clicked on: a picture's source; in hidden text */
};

enum mail_file_kind {
    MAIL_FILE_OTHER,
    MAIL_FILE_IMAGE,
    MAIL_FILE_DOCUMENT,
    MAIL_FILE_ARCHIVE,
    MAIL_FILE_PROGRAM
};

struct mail_file {
    uint64_t hash[2]; /* XXH3-128 of the decoded bytes */
    uint64_t size;
    struct span
        type; /* as its first bytes say ("image/gif", "application/zip"), else as declared */
    struct span name;
    enum mail_file_kind kind;
    uint32_t width, height; /* of images whose header says */
    unsigned part;
};

enum mail_flag {
    MAIL_IMAGE_ONLY = 1 << 0,  /* pictures, and hardly a word that is seen */
    MAIL_HIDDEN_TEXT = 1 << 1, /* words that are not to be seen: poisoning */
    MAIL_DISGUISED = 1 << 2,   /* obfuscated words */
    MAIL_NO_TEXT = 1 << 3,
    MAIL_HTML = 1 << 4,
    MAIL_PROGRAM = 1 << 5, /* carries a program */
    MAIL_CUT = 1 << 6,     /* longer than some limit */
};

struct mail {
    struct mime mime;
    struct span from, to, subject;         /* decoded */
    struct span from_address;              /* small letters */
    struct span visible, hidden;           /* text, UTF-8: the part that a reader would see */
    struct words subject_words, words;     /* words: of the visible text */
    struct words from_words, hidden_words; /* of From as decoded, and of the hidden text */
    struct mail_url *url;
    unsigned urls;
    struct mail_file *file;
    unsigned files;
    struct grammar headers, message_id, dialect;
    uint64_t exact; /* hash of all words, the same after normalising; 0: too few to tell */
    struct sketch sketch;
    struct topics_found topics;
    struct brands_found brands;
    uint32_t flags;
};
/* The words of the flags set, separated by spaces. */
void mail_flag_words(uint32_t bits, struct buf *out);

struct mail_options {
    const char *rules; /* folder with topics.rules and brands.rules */
    const char *const
        *strip; /* headers that the receiving side adds: names, "X-Virus-*"; ends with NULL */
};

struct mail_reader;
/* Compiles the rules; an error names file and line. Used by one thread. */
int mail_reader_open(const struct mail_options *options, struct mail_reader **out, struct err *err);
void mail_reader_close(struct mail_reader *r);
/* Reads a mail. `ev` is its event (recipient and dialogue); NULL for a bare file. Everything in
 * *out points into `raw` or the arena. Never fails. */
void mail_read(struct mail_reader *r, struct span raw, const struct event *ev, struct arena *arena,
               struct mail *out);
const struct topics *mail_reader_topics(const struct mail_reader *r);
const struct brands *mail_reader_brands(const struct mail_reader *r);
struct words_reader *mail_reader_words(struct mail_reader *r);
struct mime_scanner *mail_reader_scanner(struct mail_reader *r);
