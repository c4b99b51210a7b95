/* Between the informants' pages. */
#pragma once

#include "app/lead/lead_content.h"
#include "app/lead/lead_line.h"
#include "app/public/face.h"
#include "app/public/tips.h"
#include "lead/receipt.h"
#include "lead/stamp.h"

#define TIPS_TEXT_MAX    (256u << 10) /* bytes; more goes as a file */
#define TIPS_CONTACT_MAX 4096
#define TIPS_FILES_MAX   32
#define TIPS_FILES_BYTES (64u << 20) /* of all files of one form; public.c's file_max */

/* What is taken without a stamp. A bucket fills evenly: who finds it empty waits a minute, not for
 * the hour to end. By all together and by no address: behind an onion service everybody has the
 * same one. */
#define TIPS_FREE_LEADS_HOUR 60
#define TIPS_FREE_BURST      20
#define TIPS_FREE_BYTES_HOUR (512ull << 20) /* of files */
/* A receipt costs Argon2id, which pages wait for: so much of the time at most goes there without a
 * stamp, for leads, and as much again for those who come back. */
#define TIPS_TIME_SHARE    0.25
#define TIPS_TIME_BURST_MS 1000
#define TIPS_TIME_FIRST_MS 150 /* what one costs, before it was measured */
#define TIPS_BACK_BITS     18  /* of a stamp for one more try */
#define TIPS_USED_MAX      8192

/* ---- state (tips_state.c) ---- */

struct tips_bucket {
    double level; /* what was taken and has not filled up again */
    int64_t at;   /* ms */
};
/* Takes n of a bucket that has `most` and gets `hourly` back in an hour. 0, or the seconds until it
 * would have so much. */
unsigned tips_bucket_take(struct tips_bucket *b, double n, double most, double hourly,
                          int64_t now_ms);

/* Time that is spent on receipts. */
struct tips_time {
    struct tips_bucket bucket; /* of ms */
    unsigned cost_ms;          /* of the last one; 0: none yet */
};
/* One more: 0, or the seconds to wait. */
unsigned tips_time_take(struct tips_time *t, int64_t now_ms);
void tips_time_spent(struct tips_time *t, int64_t ms);

#define TIPS_ID_LEN 16
struct tips {
    uint8_t decoy[RECEIPT_DECOY_LEN]; /* of receipts that are none */
    uint8_t secret[32];               /* of this process: makes challenges */
    struct tips_bucket leads, bytes;
    struct tips_time telling, returning;
    uint8_t used[TIPS_USED_MAX]
                [TIPS_ID_LEN]; /* challenges whose stamps were taken, the last ones */
    unsigned n_used;
};

/* ---- stamps (tips_stamp.c) ---- */

/* What a form gives to be stamped: nobody keeps it, and nobody can make one but this process. */
enum tips_purpose { TIPS_FOR_LEAD = 'l', TIPS_FOR_RETURN = 'r' };
#define TIPS_CHALLENGE_LEN (1 + 1 + 8 + TIPS_ID_LEN + 16) /* purpose, bits, hour, id, MAC */
struct tips_challenge {
    uint8_t bytes[TIPS_CHALLENGE_LEN];
    uint8_t prefix[SHA256_LEN]; /* a stamp is a number behind it: lead/stamp.h */
    unsigned bits;
};
void tips_challenge_make(struct tips *t, const char *origin, enum tips_purpose purpose,
                         unsigned bits, int64_t now, struct tips_challenge *out);
/* Whether a form's fields are a challenge with a stamp that was not used yet: the bits that were
 * paid, with those for files of so many bytes; 0: no stamp, or none that is good. It is used then.
 */
unsigned tips_stamp_take(struct tips *t, const char *origin, enum tips_purpose purpose,
                         struct span challenge_hex, struct span number, uint64_t bytes,
                         int64_t now);
/* The bits that files of so many bytes cost beyond the rest. */
unsigned tips_stamp_more(uint64_t bytes);

/* ---- pieces of pages (tips_html.c) ---- */

/* What is wrong with a form: shown above it and beside its field. */
#define TIPS_ERRORS_MAX 8
struct tips_errors {
    size_t n;
    struct {
        const char *field, *key; /* id of the field; of the words */
        char argument[24];
    } list[TIPS_ERRORS_MAX];
};
/* argument: NULL for none; copied. */
void tips_error(struct tips_errors *e, const char *field, const char *key, const char *argument);
void tips_put_summary(struct face_view *v, const struct tips_errors *e);
/* id, aria-describedby (NAME-hint, and NAME-error where there is one), aria-invalid. */
void tips_put_described(struct face_view *v, const char *field, const struct tips_errors *e);
void tips_put_error(struct face_view *v, const char *field, const struct tips_errors *e);
void tips_put_label(struct face_view *v, const char *field, const char *key);
/* <p class="hint" id="FIELD-hint">; arguments as those of words_put(). */
void tips_put_hint(struct face_view *v, const char *field, const char *key, const char *argument);
/* <p class="CLASS">; class "" for none; the argument is text, or where a link leads to. */
void tips_put_paragraph(struct face_view *v, const char *class, const char *key,
                        const char *argument);
/* The beginning of a form by POST; multipart where files may come. */
void tips_put_form(struct face_view *v, const char *path, bool files);
void tips_put_button(struct face_view *v, const char *key, bool primary);
void tips_put_hidden(struct face_view *v, const char *name, struct span value);
/* The receipt as a hidden field of a form. */
void tips_put_receipt(struct face_view *v, const struct receipt *r);
/* The field for a stamp, and how to make one. */
void tips_put_stamp(struct face_view *v, enum tips_purpose purpose, bool open);
void tips_put_files(struct face_view *v, const struct tips_errors *e);
/* An address of this site in the page's language, for words with a link in them. */
#define TIPS_HREF_MAX 96
const char *tips_href(const struct face_view *v, const char *path, char out[TIPS_HREF_MAX]);
/* "64 MB". */
const char *tips_megabytes(uint64_t bytes, char out[24]);

/* ---- forms as they come (tips_form.c) ---- */

/* What somebody sends: all of it secret, in memory alone. */
struct tips_form {
    struct lead_given given; /* points into the request, and text */
    struct buf text;         /* as it came, with LF between its lines */
    uint64_t bytes;          /* of all files */
    bool strip;              /* hidden data of photos is to be removed */
    struct buf *stripped;    /* of each file; empty where it is as it came */
    unsigned kept;           /* files that were to be stripped, and are of no kind that we know */
};
/* Reads it; what is wrong goes into e. */
void tips_form_read(struct face_view *v, struct tips_form *out, struct tips_errors *e);
void tips_form_wipe(struct tips_form *f);
/* A receipt of the form; false and an error when it is none. */
bool tips_form_receipt(struct face_view *v, struct receipt *out, struct tips_errors *e);

/* ---- limits ---- */

/* Whether files of so many bytes are taken now, and a lead, too: 0, or the seconds to wait. */
unsigned tips_admit(struct face_view *v, bool lead, uint64_t bytes, unsigned *work);
/* Whether a receipt is tried now: 0, or the seconds to wait. work: of a stamp, which then pays for
 * files of so many bytes, too; 0: none. */
unsigned tips_admit_back(struct face_view *v, uint64_t bytes, unsigned *work);

/* What functions leave on the stack that had words in them: sodium_stackzero() of so much. */
#define TIPS_STACK_WIPED (256u << 10)

/* ---- coming back (tips_return.c) ---- */

/* A receipt and the lead that it opens. All of it secret. */
struct tips_coming {
    struct receipt receipt;
    struct lead_line line;
    unsigned paid; /* bits of a stamp that came along */
    unsigned wait; /* seconds, where it was not tried */
};
/* With files of so many bytes. False, and c->wait is 0: the page says why; else nobody has said
 * anything yet. */
bool tips_come(struct face_view *v, struct tips_coming *c, uint64_t bytes);
/* The same for pages that nothing is typed on: they say it, too. */
bool tips_come_in(struct face_view *v, struct tips_coming *c);
void tips_coming_wipe(struct tips_coming *c);
/* The page that asks for a receipt. r: the one that was given already, and has to wait; NULL: none.
 * wait: seconds; 0. */
void tips_put_ask(struct face_view *v, const struct tips_errors *e, const struct receipt *r,
                  unsigned wait);
/* That receipts have to wait so many seconds; sets the reply's status. */
void tips_put_wait(struct face_view *v, unsigned wait);
/* The form for a message. f: what was typed already; NULL: nothing. */
void tips_put_say(struct face_view *v, const struct receipt *r, const struct tips_form *f,
                  const struct tips_errors *e, bool stamp);
