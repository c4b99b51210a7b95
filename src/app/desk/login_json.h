/* Login JSON: the bodies of logging in (RFC 8259): objects whose members are texts, or objects of
 * those. In a file of its own because jansson and base/json.h have functions of the same names. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

struct login_json;

/* NULL: no object, or a member is there twice. */
struct login_json *login_json_read(struct span body);
/* Wipes its texts. NULL is fine. */
void login_json_free(struct login_json *j);
/* A member; "" when it is no text. `in`: of this object within; NULL: of the outer one. */
const char *login_json_get(const struct login_json *j, const char *in, const char *key);
