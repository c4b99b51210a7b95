/* Mailbox: the address of an abuse desk, as registries and operators write it. Pure functions. */
#pragma once

#include "base/buf.h"

#define MAILBOX_MAX 254 /* bytes (RFC 5321, 4.5.3.1) */

enum mailbox_fault {
    MAILBOX_GOOD,
    MAILBOX_EMPTY,
    MAILBOX_MALFORMED,   /* no address that SMTP takes without SMTPUTF8 */
    MAILBOX_PLACEHOLDER, /* stands for "none" ("nobody@", "unread@", "@example.com", "redacted") */
    MAILBOX_REGISTRY,    /* a registry's own: it does not run the network */
};

/* The address in small letters, terminated. "<a@b.c>" and "mailto:a@b.c" are taken, too. Fills in
 * `out` also for a placeholder and a registry's. doc/contacts.md lists what counts as such. */
enum mailbox_fault mailbox_read(struct span text, char out[MAILBOX_MAX + 1]);
/* "is a placeholder". */
const char *mailbox_fault_text(enum mailbox_fault fault);
