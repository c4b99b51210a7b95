/* What a report's row says, made fit to be told: outside words cleaned, and no more of them than a
 * network needs. */
#pragma once

#include "base/arena.h"
#include "report/report.h"

#define ROW_WORDS_MAX  2048 /* bytes kept of one outside text */
#define ROW_FAMILY_MAX 64

/* Outside words: well-formed UTF-8 (what is not becomes U+FFFD), at most max bytes, and without
 * controls and characters that hide or reorder (they become blanks). Borrows s where it is clean
 * already. */
struct span words_clean(struct arena *arena, struct span s, size_t max);

/* The family, small enough for headings; empty when it is not known. */
struct span row_family(struct arena *arena, const struct report_row *row);
/* "new" "returning" "gone". */
const char *row_what(const struct report_row *row);
/* A spam was handed in. */
bool row_is_spam(const struct report_row *row);
/* What was asked for, without its query: that may hold a victim's data or a bot's id. */
struct span row_path(struct arena *arena, const struct report_row *row);
/* The domain that the bot asked for, small letters, without a port; empty when it was none. */
struct span row_domain(struct arena *arena, const struct report_row *row);
/* The envelope sender with what may be a trap's address replaced; empty when it is no address. */
struct span row_sender(struct arena *arena, const struct report_row *row);
/* The spam's subject, addresses in it replaced by "redacted". */
struct span row_subject(struct arena *arena, const struct report_row *row);
/* How sure it is that this is an infected host, in percent. */
unsigned row_confidence(const struct report_row *row);
/* The first contact, never behind the latest. */
int64_t row_first(const struct report_row *row);
/* Lines on the latest contact as seen, LF: the evidence of reports for machines. */
void row_evidence(struct arena *arena, const struct report *r, const struct report_row *row,
                  struct buf *out);

/* A decimal number: printf's is a good part of writing a report. */
void number_put(struct buf *out, uint64_t n);
#define TIME_SECONDS_MAX 20
#define ROW_END_MAX      (IP_TEXT_MAX + 8)
/* "192.0.2.1:4711", "[2001:db8::1]:4711"; without a port when that is 0. */
size_t end_format(const struct ip *ip, uint16_t port, char out[ROW_END_MAX]);
/* "2026-11-29 12:33:01", 19 bytes, terminated. */
void time_format(int64_t t, char out[TIME_SECONDS_MAX]);
