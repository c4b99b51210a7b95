/* RPSL: objects of "name: value" lines (RFC 2622, 2), as registries dump them; ARIN's bulk whois
 * has the same shape. Lines that begin with a blank, a tab or + go on with the value before them; #
 * and what is behind it is a comment; lines that begin with # or % are none; an empty line ends the
 * object. Names are in any case. */
#pragma once

#include "base/buf.h"

#define RPSL_NAME_MAX  32   /* longer names are none that we know */
#define RPSL_VALUE_MAX 1024 /* bytes of a value; what is behind is cut */

struct rpsl {
    /* An attribute; `first` of its object. 0 to go on, else gather ends with it. `name` is in small
     * letters. Spans are valid during the call. */
    int (*attribute)(void *ctx, bool first, struct span name, struct span value);
    int (*object_end)(void *ctx);
    void *ctx;
    bool inside; /* an object */
    bool later;  /* it has had an attribute already */
    size_t name_n, value_n;
    bool held; /* an attribute waits for lines that go on with it */
    char name[RPSL_NAME_MAX], value[RPSL_VALUE_MAX];
};

/* One line, without its end. */
int rpsl_line(struct rpsl *r, struct span line);
/* The end of the file ends the object. */
int rpsl_end(struct rpsl *r);
