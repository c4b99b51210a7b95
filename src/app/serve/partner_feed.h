/* Partner feed: what partners may know of the infected addresses in their own networks, a row an
 * address and family with its latest contact. Read from the case's files; writes nothing. Used by
 * the partners' API (partner_api.h) and by `ebb partners files`. Used by one thread.
 *
 * The rows stand in a table, ordered by the log index of the latest contact, which is made anew
 * from time to time; answers that are under way keep the table that they began with. Only addresses
 * that some partner may see are in it, and of those only what judge.h counts: 64 bytes a row. */
#pragma once

#include "app/casedir.h"
#include "app/serve/partner_request.h"

struct partner_feed;

/* `stays`: the views are loaded as they were saved, and partner_feed_read() reads on in steps;
 * otherwise all is read at once, with a progress bar unless `quiet`. */
int partner_feed_open(const char *case_dir, bool quiet, bool stays, struct partner_feed **out,
                      struct err *err);
/* All answers must have been freed. */
void partner_feed_close(struct partner_feed *f);
/* Reads at most so many log entries: 1 there are more, 0 that was all for now. */
int partner_feed_read(struct partner_feed *f, uint64_t entries, struct err *err);
/* Makes the table from what was read. */
int partner_feed_tabulate(struct partner_feed *f, struct err *err);
/* How far the log was read, and how far when the table was made (0: there is none yet). */
uint64_t partner_feed_position(const struct partner_feed *f);
uint64_t partner_feed_tabulated(const struct partner_feed *f);
/* Valid until partner_feed_read(). */
struct partners *partner_feed_partners(struct partner_feed *f);

struct partner_answer;
#define PARTNER_ETAG_LEN 32

/* Chooses the rows. Addresses count as seen in [since, until) when their latest contact was in it,
 * or when some contact was on one of its days, as far back as 64 days before the latest one. */
struct partner_answer *partner_feed_answer(struct partner_feed *f, const struct partner *partner,
                                           const struct partner_request *r);
void partner_answer_free(struct partner_answer *a);
size_t partner_answer_rows(const struct partner_answer *a);
/* There are more rows than the limit; `after` for asking on, whether there are or not. */
bool partner_answer_more(const struct partner_answer *a);
uint64_t partner_answer_after(const struct partner_answer *a);
/* The same answer has the same one: hex digits. */
const char *partner_answer_etag(const struct partner_answer *a);
/* Appends the next part of the text, about `bytes` of it (STIX: all at once): 1 there is more, 0
 * that was its end. What was erased from the log since is left out. */
int partner_answer_put(struct partner_answer *a, size_t bytes, struct buf *out, struct err *err);
const char *partner_content_type(enum partner_format format);
