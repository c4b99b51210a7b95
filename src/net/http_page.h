/* Page: the truthful page that a person gets, from a template: the operator's for a language, or
 * the one built in (English). Templates are compiled once; every value is escaped for HTML.
 *
 * A template is a whole HTML document in UTF-8 with placeholders {{name}}; {{#name}}...{{/name}} is
 * there only when the value is, {{^name}}...{{/name}} only when it is not (they nest). Its style
 * sheets stand in <style> elements, without placeholders; nothing else is loaded or run by
 * browsers. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define HTTP_PAGE_MAX        (256u << 10) /* bytes of a template */
#define HTTP_PAGE_PIECES_MAX 1024
#define HTTP_PAGE_DEPTH_MAX  8
#define HTTP_PAGE_STYLES_MAX 8
#define HTTP_PAGE_VALUE_MAX  1024 /* bytes of a value that are shown */

/* HTTP_PAGE_VALUE(name): what templates may name. */
/* clang-format off */
#define HTTP_PAGE_VALUES                                                                           \
    HTTP_PAGE_VALUE(seized)       /* the asset: "example.org", "*.example.org", an address */      \
    HTTP_PAGE_VALUE(host)         /* what was asked for: a name under it, or the address */        \
    HTTP_PAGE_VALUE(operator)     /* who runs the sinkhole */                                      \
    HTTP_PAGE_VALUE(order)        /* the order's id in the case */                                 \
    HTTP_PAGE_VALUE(court)                                                                         \
    HTTP_PAGE_VALUE(docket)                                                                        \
    HTTP_PAGE_VALUE(jurisdiction)                                                                  \
    HTTP_PAGE_VALUE(scope)                                                                         \
    HTTP_PAGE_VALUE(from)         /* first day of the order, 2011-03-16 */                         \
    HTTP_PAGE_VALUE(until)        /* its last day; empty without end */                            \
    HTTP_PAGE_VALUE(contact)      /* where victims get help, as the order has it */                \
    HTTP_PAGE_VALUE(contact_href) /* as a link; empty when it is neither link nor mail address */  \
    HTTP_PAGE_VALUE(help)         /* the config's help_url */                                      \
    HTTP_PAGE_VALUE(address)      /* the visitor's */                                              \
    HTTP_PAGE_VALUE(time)         /* of the visit, 2011-03-16 09:00:00 */                          \
    HTTP_PAGE_VALUE(language)     /* of the page */
/* clang-format on */

enum http_page_value {
#define HTTP_PAGE_VALUE(name) HTTP_PAGE_##name,
    HTTP_PAGE_VALUES
#undef HTTP_PAGE_VALUE
        HTTP_PAGE_VALUES_COUNT
};

struct http_page_values {
    struct span v[HTTP_PAGE_VALUES_COUNT];
};

struct http_page_piece;
struct http_page {
    struct span language, html; /* as given to http_page_compile */
    struct http_page_piece *pieces;
    unsigned pieces_count;
    struct buf headers; /* the response's headers that depend on the page, from Content-Type on */
    char answer[80];    /* for the event: "200 page de" */
};

/* The texts are borrowed and outlive the page. -EINVAL names the page and what is wrong with it. */
int http_page_compile(const char *language, const char *html, struct http_page *out,
                      struct err *err);
void http_page_free(struct http_page *p);
/* Appends the document. */
void http_page_render(const struct http_page *p, const struct http_page_values *values,
                      struct buf *out);

/* The built-in page and its language ("en"). */
extern const char http_page_builtin[];
