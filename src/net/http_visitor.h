/* Visitor: whether a request comes from a person's browser. A bot that is taken for a person would
 * drop out of the census, so a request must look like a browser's in several ways at once; a person
 * who is not known as one merely gets the bots' answer. doc/sinkhole/http.md has the rule in prose.
 */
#pragma once

#include "wire/http.h"

enum http_visitor {
    HTTP_VISITOR_NONE,
    HTTP_VISITOR_FETCH, /* a browser that fetches something beside a page: an icon, robots.txt, a
                           script */
    HTTP_VISITOR_PAGE,  /* a browser that wants a page to show */
};

enum http_visitor http_visitor_judge(const struct http_request *r);
/* The path of the target, without query; empty for "*" and CONNECT. */
struct span http_visitor_path(const struct http_request *r);
