#include "view/act_json.h"

#include "base/cbor.h"
#include "base/utc.h"
#include "event/event.h"

/* Members whose integers are times. */
static bool is_time(struct span key)
{
    static const char *const keys[] = {"since",    "until",    "from",
                                       "when",     "made",     "planned",
                                       "observed", "deadline", "registered_until"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (span_is(key, keys[i]))
            return true;
    return false;
}

static void put_time(struct json *j, uint64_t t)
{
    char text[UTC_TEXT_MAX];
    if (t < (uint64_t)UTC_EVENT_MAX)
        json_span(j, span_of(text, utc_format((int64_t)t, text)));
    else
        json_null(j); /* for ever */
}

static bool put_item(struct json *j, struct cur *c, struct span key, unsigned depth);

/* An object has each name once: a member that is called as one of the entry's own. */
static struct span member_name(struct span key, unsigned depth)
{
    if (depth == 1 && span_is(key, "kind"))
        return span_str("of_kind");
    return key;
}

static bool put_members(struct json *j, struct cur *c, uint64_t n, unsigned depth)
{
    struct cbor_item key;
    for (uint64_t i = 0; i < n; i++) {
        if (cbor_get(c, &key) < 0 || key.type != CBOR_TEXT)
            return false;
        json_key_span(j, member_name(key.s, depth));
        if (!put_item(j, c, key.s, depth))
            return false;
    }
    return true;
}

static bool put_item(struct json *j, struct cur *c, struct span key, unsigned depth)
{
    struct cbor_item it;
    bool good = true;
    if (depth > CBOR_DEPTH_MAX || cbor_get(c, &it) < 0) {
        json_null(j);
        return false;
    }
    switch (it.type) {
    case CBOR_UINT:
        if (is_time(key))
            put_time(j, it.n);
        else
            json_uint(j, it.n);
        break;
    case CBOR_NEGINT:
        json_int(j, (int64_t)~it.n);
        break;
    case CBOR_TEXT:
        json_span(j, it.s);
        break;
    case CBOR_BYTES:
        json_hex(j, it.s.p, it.s.n);
        break;
    case CBOR_ARRAY:
        json_array(j);
        for (uint64_t i = 0; good && i < it.n; i++)
            good = put_item(j, c, key, depth + 1);
        json_array_end(j);
        break;
    case CBOR_MAP:
        json_object(j);
        good = put_members(j, c, it.n, depth + 1);
        json_object_end(j);
        break;
    case CBOR_SIMPLE:
        if (it.n == CBOR_NULL)
            json_null(j);
        else
            json_bool(j, it.n == CBOR_TRUE);
    }
    return good;
}

void act_json(const struct entry *e, struct json *j)
{
    char when[UTC_TEXT_MAX];
    const char *kind = event_kind_name(e->header.kind);
    struct cur c = cur_of(e->payload);
    struct cbor_item map;
    json_object(j);
    json_key(j, "index");
    json_uint(j, e->index);
    json_key(j, "time");
    json_span(j, span_of(when, utc_format(e->header.time, when)));
    json_key(j, "kind");
    if (kind)
        json_str(j, kind);
    else
        json_uint(j, e->header.kind);
    if (e->redacted) {
        json_key(j, "redacted");
        json_bool(j, true);
    } else if (cbor_get(&c, &map) == 1 && map.type == CBOR_MAP) {
        put_members(j, &c, map.n, 1);
    }
    json_object_end(j);
}
