/* SMTP server: what smtp_session needs once a process. */
#pragma once

#include "net/net.h"

struct smtp_server;

int smtp_server_new(const struct net_config *config, struct smtp_server **out, struct err *err);
void smtp_server_free(struct smtp_server *s);
