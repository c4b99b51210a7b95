/* Partner request: what a partner asks for, taken from the words of an HTTP request. No descriptor,
 * no clock, no memory of its own. */
#pragma once

#include "base/buf.h"
#include "base/digest.h"
#include "report/report.h"

/* 32 random bytes as base64url without padding (RFC 4648, 5). */
#define PARTNER_TOKEN_BYTES 32
#define PARTNER_TOKEN_TEXT  43

enum partner_format { PARTNER_CSV, PARTNER_JSON, PARTNER_STIX, PARTNER_FORMATS };
/* "csv"; NULL beyond. */
const char *partner_format_name(enum partner_format format);
int partner_format_of(struct span name); /* -1 */

/* Rows of one answer. A STIX bundle is one document, so it is made at once. */
#define PARTNER_ROWS_DEFAULT  10000
#define PARTNER_ROWS_MAX      1000000
#define PARTNER_ROWS_MAX_STIX REPORT_ROWS_MAX

struct partner_request {
    int64_t since, until; /* microseconds; INT64_MIN, INT64_MAX when not given */
    struct span family;   /* valid as long as the value that was given; empty: any */
    uint64_t after;       /* rows whose latest contact has a higher log index; see has_after */
    bool has_after;
    uint64_t limit; /* rows; 0 until partner_request_check: not given */
    enum partner_format format;
    unsigned given; /* a bit each, for telling what is there twice */
};
void partner_request_init(struct partner_request *r);
/* One decoded "key=value" of the query. NULL, or what is wrong with it. */
const char *partner_request_put(struct partner_request *r, struct span key, struct span value);
/* When all are there: fills in the limit, looks at what must fit together. NULL, or what is wrong.
 */
const char *partner_request_check(struct partner_request *r);

/* "/v1/files/2011-03-16.csv": the day; false: it is no such path. */
bool partner_request_file(struct span path, int64_t *day);

/* The digest of the token in "Bearer TOKEN" (RFC 6750, 2.1); false: it is none. */
bool partner_request_token(struct span authorization, uint8_t digest[SHA256_LEN]);
/* A token's text; out holds PARTNER_TOKEN_TEXT. */
void partner_token_text(const uint8_t random[PARTNER_TOKEN_BYTES], char *out);
