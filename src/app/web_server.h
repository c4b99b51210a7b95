/* Web server: one that we are configured to ask, looked up before its asker is locked in, and the
 * only one that it may connect to then. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/err.h"

#define WEB_SERVER_ADDRESSES_MAX 16

struct web_server {
    char host[256];
    uint16_t port;
    bool https;
    bool user;     /* the URL names one */
    bool loopback; /* all of its addresses are */
    struct sockaddr_storage addresses[WEB_SERVER_ADDRESSES_MAX];
    unsigned n;
    struct buf resolve; /* "host:port:address,address" and 0, as CURLOPT_RESOLVE takes it */
};

/* Host and port of an http or https URL, by libcurl; false when it is none. */
bool web_server_read(const char *url, struct web_server *out);
/* Its addresses. -EHOSTUNREACH; `key`, of ebb.yaml, begins the error. web_server_free() also then.
 */
int web_server_look_up(struct web_server *s, const char *key, struct err *err);
void web_server_free(struct web_server *s);
/* True for its own addresses at its own port: for CURLOPT_OPENSOCKETFUNCTION, the last door,
 * whatever libcurl was led to. */
bool web_server_is_at(const struct web_server *s, const struct sockaddr *a);
