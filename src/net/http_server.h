/* HTTP server: what http_session needs once a process: the answers of every policy and the pages of
 * every language, checked, compiled and written out ahead of the first request.
 * doc/sinkhole/http.md. */
#pragma once

#include "net/net.h"
#include "wire/http.h"

struct http_server;

#define HTTP_POLICY_BODY_MAX (64u << 10)

/* -EINVAL names the policy or page and what is wrong with it: a content type or body that clients
 * execute, a template that does not compile, a help_url that is no http, https, mailto or tel link.
 */
int http_server_new(const struct net_config *config, struct http_server **out, struct err *err);
void http_server_free(struct http_server *s);

struct http_form; /* an answer written out but for its date */
struct http_page;

/* What a request gets. Borrows from the server, valid as long as it. */
struct http_reply {
    struct span text; /* for the event's answer: "200 empty", "200 page de", "closed" */
    bool visitor;     /* a person's browser asks */
    /* One of these two; neither: the connection is closed without a word. */
    const struct http_form *form;
    const struct http_page *page;
};
/* By the policy of the asset, the request's method and path, and whether a person asks. */
void http_server_decide(const struct http_server *s, const struct authority_match *match,
                        const struct http_request *r, struct http_reply *out);
/* Appends the reply (form or page), with `keep` for a connection that stays open. A request without
 * version (HTTP/0.9) gets the bare body. */
void http_server_put(struct net_env *env, const struct net_peer *peer,
                     const struct authority_match *match, const struct http_request *r,
                     const struct http_reply *reply, bool keep, struct buf *out);
/* An empty buf for a moment; whoever calls next empties it. */
struct buf *http_server_scratch(struct http_server *s);
