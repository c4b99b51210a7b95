/* Grammar: the hand of the program that wrote a mail or spoke SMTP, without what it said. Each is a
 * short readable text, the same for all mails from one program, and a hash of it.
 *
 *   headers     order and writing of header names, with the shape of dates and of boundaries
 *   message id  "<x8$x8$x8@host>": runs of classes with their lengths
 *   dialect     how the client spoke: verbs in order, their case and spacing, EHLO or HELO and the
 *               shape of its name, path brackets, parameters, pipelining, what it did after a reply
 *               (Stringhini et al., "B@bel: Leveraging Email Delivery for Spam Mitigation", 2012)
 */
#pragma once

#include "base/arena.h"
#include "event/event.h"
#include "wire/mime.h"

#define GRAMMAR_TEXT_MAX 400

struct grammar {
    struct span text; /* in the arena; empty: there was nothing to see */
    uint64_t hash;    /* 0 with an empty text */
};

/* Of the mail's own headers, but those whose name is on the strip list and Received and
 * Return-Path. */
void grammar_headers(const struct mime *m, const bool *stripped, struct arena *arena,
                     struct grammar *out);
void grammar_message_id(struct span value, struct arena *arena, struct grammar *out);
/* The classes of any one value: letters, digits and hex runs with their lengths. */
void grammar_value(struct span value, struct arena *arena, struct grammar *out);
/* From a live or captured event's smtp{}; empty for imported mail, where nobody saw the dialogue.
 */
void grammar_dialect(const struct event *ev, struct arena *arena, struct grammar *out);
