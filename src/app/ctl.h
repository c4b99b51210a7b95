/* Control: the Unix socket CASE/run/control, over which commands reach a running `ebb serve`. One
 * request and one reply a connection, each one packet (SOCK_SEQPACKET); files go along as
 * descriptors. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define CTL_PACKET_MAX (128u << 10)
#define CTL_BLOBS_MAX  4

enum ctl_verb {
    CTL_STATUS = 1, /* kind 0 -> text: one JSON document; 1 -> lines for people. index: dropped */
    CTL_RELOAD,     /* read the config again */
    CTL_ACT,        /* journal an act; -> its log index once it is durable */
    CTL_KEEP,       /* keep the files that come along, durably, for acts that will name them */
    CTL_NODE,       /* what a node sent to the centre; kind: app/node/node_witness.h */
    CTL_RETAIN,     /* erase a batch (app/care/retention.h), the file that comes along; -> REDACTION's index */
    CTL_VIEWS,      /* load the views anew: those on the disk were made without what was erased */
};

struct ctl_request {
    enum ctl_verb verb;
    uint8_t kind;             /* CTL_ACT; CTL_NODE */
    struct span payload;      /* CTL_ACT: the act's payload; CTL_NODE: what came */
    int blobs[CTL_BLOBS_MAX]; /* CTL_ACT, CTL_KEEP: files to be kept as blobs first */
    unsigned n_blobs;
    int32_t pid; /* the daemon's: who asks, as the kernel says */
};

struct ctl_reply {
    int status; /* 0, or negative with the reason in text */
    uint64_t index;
    struct buf text;
};

/* ---- client ---- */

/* 0 with a reply (free reply->text), 1 when no daemon runs on that case, negative. A negative
 * status in the reply is returned as an error, too. */
int ctl_call(const char *case_dir, const struct ctl_request *request, struct ctl_reply *reply,
             struct err *err);

/* How long calls of this process wait from now on, for the daemon to take them up and again for its
 * answer. CTL_WAIT_MS unless it was said: an act may wait for a large list to be taken in. Who
 * gives up (-EAGAIN, -EWOULDBLOCK) does not know whether it was done. */
#define CTL_WAIT_MS 60000
void ctl_wait(unsigned ms);

/* A file without a name with these bytes, to go along in `blobs`: its descriptor, or negative. */
int ctl_file(struct span data, struct err *err);

/* ---- daemon ---- */

/* The listening socket, mode 0600 below CASE/run (0700). */
int ctl_listen(const char *case_dir, int *fd, struct err *err);
/* Accepts one client, waits for its request (a second at most) and calls back; replies; closes. A
 * client of another user is refused. */
void ctl_serve_one(int listener,
                   void (*answer)(void *ctx, const struct ctl_request *request,
                                  struct ctl_reply *reply),
                   void *ctx);
