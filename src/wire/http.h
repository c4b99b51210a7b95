/* HTTP/1.x requests (RFC 9112), as bots send them: what is wrong is noted, not refused, as long as
 * a request can be told from the next. */
#pragma once

#include "base/buf.h"

#define HTTP_HEAD_MAX    (64u << 10) /* request line and headers */
#define HTTP_HEADERS_MAX 128
#define HTTP_CHUNK_MAX   (1u << 30)

enum http_anomaly {
    HTTP_BARE_LF = 1 << 0,         /* a line ends without CR */
    HTTP_NO_VERSION = 1 << 1,      /* HTTP/0.9 style request line */
    HTTP_ODD_VERSION = 1 << 2,     /* not 1.0 or 1.1 */
    HTTP_SPACES = 1 << 3,          /* odd white space in the request line or before a colon */
    HTTP_FOLDED = 1 << 4,          /* obs-fold */
    HTTP_BAD_HEADER = 1 << 5,      /* a header line without colon or with an empty name */
    HTTP_NO_HOST = 1 << 6,         /* 1.1 without Host */
    HTTP_TWO_HOSTS = 1 << 7,
    HTTP_LENGTH_CONFLICT = 1 << 8, /* differing Content-Length, or with Transfer-Encoding */
    HTTP_BAD_LENGTH = 1 << 9,      /* Content-Length that is no number */
    HTTP_BAD_CHUNK = 1 << 10,
    HTTP_CONTROL = 1 << 11,        /* control or NUL bytes in the head */
    HTTP_TOO_MANY_HEADERS = 1 << 12,
};
/* The words of the bits set, separated by spaces ("bare-lf no-host"), appended. */
void http_anomaly_words(uint32_t bits, struct buf *out);

struct http_header {
    struct span name, value; /* value trimmed; folded values as they were */
};

struct http_request {
    struct span head;    /* request line and headers, the final empty line included */
    struct span line;    /* request line, without its ending */
    struct span method, target, version; /* version is "1.1", "1.0", as sent when odd, or empty */
    struct span headers; /* the header lines as sent */
    struct http_header header[HTTP_HEADERS_MAX];
    size_t n_headers;
    struct span host, user_agent, referer, content_type, content_encoding;
    uint32_t anomalies;
    bool chunked;
    uint64_t content_length; /* 0 when chunked or absent */
    bool keep_alive;
};

/* Parses one request head at the start of data. 1 done (head.n bytes used), 0 need more, -1 this is
 * no HTTP request (first token is no method, or head over HTTP_HEAD_MAX). Spans point into data. */
int http_parse(struct span data, struct http_request *out);
/* First header of that name, case-insensitive; NULL when absent. */
const struct http_header *http_find(const struct http_request *r, const char *name);
/* True when the bytes could be the start of a request: a method token and a space. */
bool http_looks_like_request(struct span data);

/* Chunked bodies (RFC 9112, 7.1), incrementally. All zero is the start state. */
struct http_chunks {
    int state;
    uint64_t left;
    uint32_t line;
};
/* Consumes from c; gives the next piece of body data (may be empty). 1 the body is complete (c is
 * behind it), 0 need more or call again while bytes are left, -1 malformed. */
int http_chunks_next(struct http_chunks *s, struct cur *c, struct span *piece);
