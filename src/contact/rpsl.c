#include "contact/rpsl.h"

static struct span without_comment(struct span s)
{
    const uint8_t *hash = s.n ? memchr(s.p, '#', s.n) : NULL;
    return span_trim(span_of(s.p, hash ? (size_t)(hash - s.p) : s.n));
}

static void append(struct rpsl *r, struct span s)
{
    if (r->value_n && s.n && r->value_n < RPSL_VALUE_MAX)
        r->value[r->value_n++] = ' ';
    if (s.n > RPSL_VALUE_MAX - r->value_n)
        s.n = RPSL_VALUE_MAX - r->value_n;
    if (s.n)
        memcpy(r->value + r->value_n, s.p, s.n);
    r->value_n += s.n;
}

static int give(struct rpsl *r)
{
    if (!r->held)
        return 0;
    bool first = !r->later;
    r->held = false;
    r->later = true;
    return r->attribute(r->ctx, first, span_of(r->name, r->name_n), span_of(r->value, r->value_n));
}

/* A line that is no attribute, in the middle of an object, is passed over. */
static int begin(struct rpsl *r, struct span line)
{
    const uint8_t *colon = memchr(line.p, ':', line.n);
    size_t n = colon ? (size_t)(colon - line.p) : 0;
    int rc = give(r);
    if (rc || !n || n > RPSL_NAME_MAX)
        return rc;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = line.p[i];
        r->name[i] = (char)((uint8_t)(c - 'A') < 26 ? c | 0x20 : c);
        if ((uint8_t)((c | 0x20) - 'a') >= 26 && (uint8_t)(c - '0') >= 10 && c != '-')
            return 0;
    }
    r->name_n = n;
    r->value_n = 0;
    r->held = r->inside = true;
    append(r, without_comment(span_of(colon + 1, line.n - n - 1)));
    return 0;
}

int rpsl_line(struct rpsl *r, struct span line)
{
    if (!span_trim(line).n)
        return rpsl_end(r);
    switch (line.p[0]) {
    case '%':
    case '#':
        return 0;
    case ' ':
    case '\t':
    case '+':
        if (r->held)
            append(r, without_comment(span_of(line.p + 1, line.n - 1)));
        return 0;
    default:
        return begin(r, line);
    }
}

int rpsl_end(struct rpsl *r)
{
    int rc = give(r);
    if (rc == 0 && r->inside)
        rc = r->object_end(r->ctx);
    r->inside = r->later = false;
    return rc;
}
