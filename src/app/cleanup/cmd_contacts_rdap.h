/* Asking registries by RDAP (RFC 9082): by a process of its own, which can read no file of the case
 * and connect only to the configured servers' addresses: they are looked up before it locks itself
 * in, and it opens sockets to nothing else. One question at a time, so many a minute. */
#pragma once

#include "app/config_cleanup.h"
#include "contact/rdap.h"

#define RDAP_SERVERS_MAX  16
#define RDAP_TIMEOUT_S    20 /* of one request */
#define RDAP_REDIRECTS    3  /* each to a configured server, or it is not followed */
#define RDAP_WAIT_MAX_S   60 /* that a server may ask for (429, 503); then it is left alone */
#define RDAP_FAILURES_MAX 3  /* in a row: the server is left alone for this run */

struct rdap_question {
    struct ip address;
    struct net network; /* as the events have it; for answers that name no network */
    char registry[16];  /* "ripe": servers with that in their URL are asked alone; "" all in turn */
};

struct rdap_reply {
    bool answered; /* for good: not to be asked again soon; else the question stays */
    struct rdap_answer answer;
    const char *server; /* its base URL */
    const char *result; /* "found" "nobody" "no network" or what went wrong */
    struct span body;
};

/* Asks all; each reply() is called by this process, in order of the questions, while the next one
 * is being asked. A question whose address lies in a network that was answered before is passed
 * over. reply() returns 0 to go on. -EINVAL: a server's URL is not https (http: loopback only). */
int rdap_ask(const struct config_cleanup *config, const struct rdap_question *questions, size_t n,
             int (*reply)(void *ctx, const struct rdap_question *q, const struct rdap_reply *r),
             void *ctx, struct err *err);
