/* Link: short messages between two processes that share a socket pair (SOCK_SEQPACKET), with a
 * descriptor along where one is needed. */
#pragma once

#include <stdint.h>

#include "base/err.h"

#define LINK_TEXT_MAX 400

struct link_message {
    uint32_t what;   /* of the two processes' own vocabulary */
    uint32_t number; /* what it is about */
    int64_t time;    /* microseconds UTC, or 0 */
    uint64_t value[2];
    char text[LINK_TEXT_MAX]; /* terminated; may be empty */
};

/* Both ends, close-on-exec and non-blocking. */
int link_pair(int ends[2], struct err *err);
/* fd -1: none goes along (it stays the caller's). 0; -EAGAIN when the other side does not read;
 * -EPIPE when it is gone. */
int link_send(int link, const struct link_message *m, int fd);
/* 1 a message (*fd is the caller's, or -1), 0 nothing for now, negative: the other side is gone. */
int link_receive(int link, struct link_message *m, int *fd);
