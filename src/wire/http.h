/* HTTP/1.x requests (RFC 9112), as bots send them: what is wrong is noted, not refused, as long as
 * a request can be told from the next. */
#pragma once

#include "base/buf.h"

#define HTTP_HEAD_MAX        (64u << 10) /* request line and headers */
#define HTTP_HEADERS_MAX     128
#define HTTP_METHOD_MAX      20
#define HTTP_SCHEME_MAX      20
#define HTTP_EMPTY_LINES_MAX 8   /* before the request line (RFC 9112, 2.2) */
#define HTTP_CHUNK_MAX       (1u << 30)
#define HTTP_CHUNK_LINE_MAX  4096 /* a chunk's size and extensions */

enum http_anomaly {
    HTTP_BARE_LF = 1 << 0,         /* a line ends without CR */
    HTTP_NO_VERSION = 1 << 1,      /* HTTP/0.9 style request line */
    HTTP_ODD_VERSION = 1 << 2,     /* not HTTP/1.0 or HTTP/1.1 to the letter */
    HTTP_SPACES = 1 << 3,          /* odd white space in the request line or before a colon */
    HTTP_FOLDED = 1 << 4,          /* obs-fold */
    HTTP_BAD_HEADER = 1 << 5,      /* a header line without colon or whose name is no token */
    HTTP_NO_HOST = 1 << 6,         /* 1.1 without Host */
    HTTP_TWO_HOSTS = 1 << 7,
    HTTP_LENGTH_CONFLICT = 1 << 8, /* differing Content-Length, or with Transfer-Encoding */
    HTTP_BAD_LENGTH = 1 << 9,      /* Content-Length that is no number */
    HTTP_BAD_CHUNK = 1 << 10,      /* for the caller, when http_chunks_next says -1 */
    HTTP_CONTROL = 1 << 11,        /* control or NUL bytes in the head */
    HTTP_TOO_MANY_HEADERS = 1 << 12,
    HTTP_EMPTY_LINES = 1 << 13,    /* empty lines before the request line */
    HTTP_ODD_CODING = 1 << 14,     /* Transfer-Encoding that does not end in one "chunked", or 1.0 */
    HTTP_CUT = 1 << 15,            /* the head has no end (http_parse_end only) */
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
    struct http_header header[HTTP_HEADERS_MAX]; /* the first n_headers are set */
    size_t n_headers;
    struct span host, user_agent, referer, content_type, content_encoding; /* each the first sent */
    uint32_t anomalies;
    bool chunked;
    uint64_t content_length; /* 0 when chunked or absent; the first one when they differ */
    bool keep_alive;         /* by version and Connection */
    bool expect_continue;    /* RFC 9110, 10.1.1 */
};

/* Parses one request head at the start of data, which is all that has come in so far. 1 done
 * (head.n bytes used), 0 need more, -1 this is no HTTP request (first token is no method, or head
 * over HTTP_HEAD_MAX). Spans point into data. A request line without version is not taken for a
 * whole request at its end, because the result must not hang on how the stream was cut.
 *
 * Each call looks for the head's end from the start. Call it once for each read, not for each byte;
 * for slow senders keep a `scanned` and call http_head_end first: it looks at each byte once. */
int http_parse(struct span data, struct http_request *out);
/* The same when nothing will follow: a head that breaks off is taken as it stands, with HTTP_CUT.
 * 1 done, -1 no HTTP request. (A line without version alone is a whole request: RFC 1945, 5.) */
int http_parse_end(struct span data, struct http_request *out);
/* Finds the end of a head; *scanned (0 at first) is how far it has looked in this same data. 1 and
 * *end behind the empty line; 0 need more; -1 over HTTP_HEAD_MAX. */
int http_head_end(struct span data, size_t *scanned, size_t *end);
/* First header of that name, case-insensitive; NULL when absent. */
const struct http_header *http_find(const struct http_request *r, const char *name);
/* Whom the request is for: the authority of an absolute target or of CONNECT (RFC 9112, 3.2), else
 * Host. As sent, a port included; empty when unknown. */
struct span http_authority(const struct http_request *r);
/* True when the bytes could be the start of a request: empty lines, a method token, a space, and
 * the start of a target: anything behind the usual methods, otherwise a path, "*" or a URI. When the
 * line's end is there it has a version, or the method is a usual one in capitals. */
bool http_looks_like_request(struct span data);

/* Chunked bodies (RFC 9112, 7.1), incrementally. All zero is the start state. */
struct http_chunks {
    int state;
    uint64_t left;
    uint32_t line;
};
/* Consumes from c; gives the next piece of body data (may be empty). 1 the body is complete (c is
 * behind it), 0 need more or call again while bytes are left, -1 malformed (and so for ever).
 * Lines may end in LF alone. Trailers are consumed, HTTP_HEAD_MAX bytes of them at most. */
int http_chunks_next(struct http_chunks *s, struct cur *c, struct span *piece);
