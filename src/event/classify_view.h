/* Inside of classify: what rules see of an event. The view has outside bytes only; what we say
 * about them (where the body begins, which port) is in variables beside it, so that nothing in the
 * bytes can pass for our words. doc/rules.md lists the variables for rule writers. */
#pragma once

#include "base/buf.h"
#include "event/event.h"

#define CLASSIFY_VARIABLES(NUMBER, TEXT)                                                          \
    TEXT(kind)       /* which part is shown: "http", "smtp", "dns", "raw", or "" */               \
    TEXT(protocol)   /* the event's own words */                                                  \
    TEXT(transport)                                                                               \
    NUMBER(src_port)                                                                              \
    NUMBER(dst_port)                                                                              \
    TEXT(method)                                                                                  \
    TEXT(target)                                                                                  \
    TEXT(version)    /* "HTTP/1.1" */                                                             \
    TEXT(host)                                                                                    \
    TEXT(user_agent)                                                                              \
    TEXT(referer)                                                                                 \
    TEXT(anomalies)                                                                               \
    NUMBER(headers_at) /* offset in the view */                                                   \
    NUMBER(body_at)                                                                               \
    NUMBER(body_size)  /* on the wire, more than is kept */                                       \
    TEXT(qname)                                                                                   \
    TEXT(qtype)                                                                                   \
    TEXT(qclass)                                                                                  \
    TEXT(helo)                                                                                    \
    TEXT(mail_from)                                                                               \
    TEXT(subject)                                                                                 \
    NUMBER(subject_at)                                                                            \
    NUMBER(mail_size)                                                                             \
    NUMBER(server_at)                                                                             \
    NUMBER(client_size)                                                                           \
    NUMBER(server_size)

enum view_number {
#define NUMBER(name) VIEW_##name,
#define TEXT(name)
    CLASSIFY_VARIABLES(NUMBER, TEXT)
#undef NUMBER
#undef TEXT
    VIEW_NUMBERS
};
enum view_text {
#define NUMBER(name)
#define TEXT(name) VIEW_##name,
    CLASSIFY_VARIABLES(NUMBER, TEXT)
#undef NUMBER
#undef TEXT
    VIEW_TEXTS
};

/* Names as rules spell them: "ebb_" and the name above. */
extern const char *const view_number_name[VIEW_NUMBERS];
extern const char *const view_text_name[VIEW_TEXTS];

struct view {
    struct buf bytes; /* reused; view_free() gives it back */
    uint64_t number[VIEW_NUMBERS];
    struct span text[VIEW_TEXTS]; /* borrow from the event or from bytes; CLASSIFY_TEXT_MAX each */
};

/* False, and an empty view, when the event has nothing that rules look at. */
bool view_build(struct view *v, const struct event *ev);
void view_free(struct view *v);
