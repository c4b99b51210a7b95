/* Content: what the sinkhole sends is to be read, never to be run. Everything an operator writes
 * into a policy or a page is looked through here once, before the first client is answered. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

/* `what` begins the error's text ("policy \"x\""). -EINVAL for a content type that is none or that
 * clients execute, and for a body that is a program or carries one. */
int http_content_check(const char *what, struct span type, struct span body, struct err *err);
/* -EINVAL for HTML that carries script, frames, forms, a redirect or event handlers. */
int http_content_check_html(const char *what, struct span html, struct err *err);
/* Whether browsers render this type as a document, so that a content security policy is due. */
bool http_content_is_document(struct span type);
