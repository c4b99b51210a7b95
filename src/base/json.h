/* JSON output (RFC 8259) into a buf. Commas are placed here; nesting is the caller's. */
#pragma once

#include "base/buf.h"

struct json {
    struct buf *out;
    bool comma; /* the next value needs one before it */
};

static inline struct json json_to(struct buf *out)
{
    return (struct json){.out = out};
}
void json_object(struct json *j);     /* { */
void json_object_end(struct json *j); /* } */
void json_array(struct json *j);
void json_array_end(struct json *j);
void json_key(struct json *j, const char *key); /* our own words: not escaped */
void json_key_span(struct json *j, struct span key); /* outside words */
void json_uint(struct json *j, uint64_t v);
void json_int(struct json *j, int64_t v);
void json_double(struct json *j, double v, int decimals); /* null when not finite */
void json_bool(struct json *j, bool v);
void json_null(struct json *j);
/* Bytes as a string; control characters are escaped, and bytes that are not UTF-8 become U+FFFD
 * (the log keeps the original). */
void json_span(struct json *j, struct span s);
void json_str(struct json *j, const char *s);
void json_hex(struct json *j, const uint8_t *p, size_t n);
/* Ends a JSON Lines row. */
void json_newline(struct json *j);
