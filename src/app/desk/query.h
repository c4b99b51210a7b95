/* Query: something that is made by a child of the desk and comes back through a pipe, so that a
 * command that takes long, or falls over what outsiders wrote, takes nobody else with it. The child
 * has a copy of the desk's memory and of nothing else: its descriptors are closed, it may not start
 * anything, and it ends by itself when its time is up or nobody reads any more. */
#pragma once

#include <poll.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

#define QUERY_SECONDS 30
#define QUERY_BYTES   (64u << 20) /* of an answer */
#define QUERY_ERRORS  (64u << 10) /* of what it says on standard error; the rest is thrown away */
#define QUERY_TICK_MS 250         /* within so long it sees that nobody reads */

/* How a child ends, beside what commands have (EXIT_DONE ... EXIT_USAGE). */
enum { QUERY_TIMEOUT = 70, QUERY_ABSENT = 71, QUERY_FORBIDDEN = 72 };

struct desk_query {
    pid_t pid;       /* 0: none */
    int out, err_fd; /* pipes from its standard output and error; -1: ended */
    struct buf text, errors;
    bool dropped, too_large;
    int code; /* when it is done: as above; -1: it died */
};

/* In the child: run(ctx) writes to standard output and gives the exit code. before(ctx) comes first
 * of all. */
struct desk_query_ask {
    void (*before)(void *ctx);
    void *before_ctx;
    int (*run)(void *ctx);
    void *ctx;
};
int query_begin(struct desk_query *q, const struct desk_query_ask *ask, struct err *err);
/* Reads what is there: 1 it goes on, 0 it is done (or was dropped and is gone): code says how. */
int query_turn(struct desk_query *q);
/* Nobody wants it any more. query_turn() until it is done, all the same. */
void query_drop(struct desk_query *q);
unsigned query_fds(const struct desk_query *q, struct pollfd *p, unsigned max);
/* Its pipes are at their end, and only its exit is waited for. */
static inline bool query_is_ending(const struct desk_query *q)
{
    return q->pid && q->out < 0 && q->err_fd < 0;
}
void query_free(struct desk_query *q);

/* The last line of what it said on standard error, without "ebb: " before it. */
struct span query_complaint(const struct desk_query *q);
