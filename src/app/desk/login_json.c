#include "app/desk/login_json.h"

#include <jansson.h>
#include <sodium.h>

#define DEPTH_MAX 4

struct login_json; /* is a json_t */

/* What is nested deeper is nobody's login. */
static void wipe(json_t *v, unsigned depth)
{
    const char *key;
    json_t *member;
    if (json_is_string(v))
        sodium_memzero((void *)json_string_value(v), json_string_length(v));
    else if (depth < DEPTH_MAX)
        json_object_foreach(v, key, member) wipe(member, depth + 1);
}

struct login_json *login_json_read(struct span body)
{
    json_error_t why;
    json_t *o = json_loadb((const char *)body.p, body.n, JSON_REJECT_DUPLICATES, &why);
    if (json_is_object(o))
        return (struct login_json *)o;
    json_decref(o);
    return NULL;
}

void login_json_free(struct login_json *j)
{
    json_t *o = (json_t *)j;
    wipe(o, 0);
    json_decref(o);
}

const char *login_json_get(const struct login_json *j, const char *in, const char *key)
{
    const json_t *o = (const json_t *)j;
    if (in)
        o = json_object_get(o, in);
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "";
}
