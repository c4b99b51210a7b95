/* What mime's own files share. */
#pragma once

#include "wire/mime.h"

/* A boundary that is open: "--" and what follows at a line's start. */
struct mime_open {
    struct span boundary;
};

struct mime_scanner {
    struct charset_set *charsets;
    struct buf text, word; /* of mime_text: made once, as large as the largest */
    struct mime_header header[MIME_HEADERS_MAX];
    struct mime_part part[MIME_PARTS_MAX];
    struct mime_open open[MIME_DEPTH_MAX];
};

/* mime_text(), noting what was wrong with the value. */
struct span mime_text_read(struct mime_scanner *s, struct span value, struct arena *arena,
                           uint32_t *anomalies);
/* mime_parameter(), the same. */
struct span mime_parameter_read(struct mime_scanner *s, struct span value, const char *name,
                                struct arena *arena, uint32_t *anomalies);

/* One parameter of a structured value, as it stands. */
struct mime_param {
    struct span name;  /* a '*' of RFC 2231 included */
    struct span value; /* without its quotes; quoted pairs and folds in it */
};
/* The value proper, up to its parameters; c is behind it then. */
struct span mime_value_read(struct cur *c);
/* The next parameter; false at the end. */
bool mime_param_next(struct cur *c, struct mime_param *p);
/* Its value without quoted pairs and folds: itself, or in the arena. */
struct span mime_param_value(const struct mime_param *p, struct arena *arena);
