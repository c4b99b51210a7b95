/* HTTP server: what http_session needs once a process: pages by language. doc/sinkhole.md. */
#pragma once

#include "net/net.h"

struct http_server;

int http_server_new(const struct net_config *config, struct http_server **out, struct err *err);
void http_server_free(struct http_server *s);
