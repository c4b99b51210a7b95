/* Inside of mail: one mail's reading, stage by stage. */
#pragma once

#include "mail/mail.h"

#define MAIL_BODIES_MAX 16 /* text parts that are shown, together */
#define SHAPES_BITS     11 /* of the number of shapes that are remembered: 32 KiB */

struct strip_list;

/* A shape's hash, by that of the path and query, with a secret of this process: nobody makes two
 * that meet. Campaigns have the same paths over and over. */
struct shape_known {
    uint64_t of, shape;
};

struct mail_reader {
    struct mime_scanner *scanner;
    struct words_reader *words;
    struct topics *topics; /* NULL without rules */
    struct brands *brands;
    struct domains *domains;
    struct strip_list *strip;
    struct buf shape; /* room for a URL's shape; kept */
    struct shape_known shapes[1u << SHAPES_BITS];
};

/* What a reader would see. */
struct mail_view {
    struct span visible[MAIL_BODIES_MAX];
    struct html html[MAIL_BODIES_MAX]; /* html[i].visible is visible[i] where is_html */
    bool is_html[MAIL_BODIES_MAX];
    unsigned n;
    unsigned images;    /* <img> */
    uint32_t anomalies; /* of the HTML */
    bool cut;
};

/* Names with at most one * at their end, in any case. */
struct strip_list *strip_list_new(const char *const *patterns);
void strip_list_free(struct strip_list *l);
bool strip_list_has(const struct strip_list *l, struct span name);

void mail_view_read(const struct mime *m, struct arena *arena, struct mail_view *out);
/* The texts of the view as one: the same bytes where there is one part. */
void mail_view_texts(const struct mail_view *v, struct arena *arena, struct mail *out);
void mail_read_urls(struct mail_reader *r, const struct mail_view *v, struct arena *arena,
                    struct mail *out);
void mail_read_files(const struct mime *m, struct arena *arena, struct mail *out);
/* The address in a From or To, small letters, of the first mailbox; empty when there is none. */
struct span mail_address(struct span value, struct arena *arena);

/* mail_read, telling a benchmark when each stage is done. */
typedef void mail_stage(void *ctx, const char *name);
void mail_read_staged(struct mail_reader *r, struct span raw, const struct event *ev,
                      struct arena *arena, struct mail *out, mail_stage *done, void *ctx);
