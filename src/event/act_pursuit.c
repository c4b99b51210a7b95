#include "event/act_pursuit.h"

#include "base/utc.h"
#include "event/act_map.h"
#include "event/event.h"

#define ACT(name)                                                                                  \
    void act_##name(struct buf *out, const struct act_##name *a)                                   \
    {                                                                                              \
        struct map m = map_begin(out);
#define TEXT(key)   map_text(&m, #key, a->key);
#define BYTES(key)  map_digest(&m, #key, a->key);
#define DIGEST(key) map_digest(&m, #key, a->key);
#define UINT(key)   map_uint(&m, #key, a->key);
#define TIME(key)   map_time(&m, #key, a->key);
#define TRUE(key)   map_true(&m, #key, a->key);
#define END                                                                                        \
    map_end(&m);                                                                                   \
    }
#include "event/act_pursuit.def"

#define ACT(name)                                                                                  \
    int act_##name##_read(struct span payload, struct act_##name *a)                               \
    {                                                                                              \
        struct reader r = read_begin(payload);
#define TEXT(key)   a->key = get_text(&r, #key);
#define BYTES(key)  a->key = get_text(&r, #key);
#define DIGEST(key) a->key = get_digest(&r, #key);
#define UINT(key)   a->key = get_uint(&r, #key);
#define TIME(key)   a->key = get_time(&r, #key);
#define TRUE(key)   a->key = get_bool(&r, #key);
#define END                                                                                        \
    return read_end(&r);                                                                           \
    }
#include "event/act_pursuit.def"

int64_t act_time_kept(uint8_t kind, int64_t now)
{
    return kind == KIND_LEAD || kind == KIND_LEAD_MESSAGE ? now - now % UTC_DAY : now;
}
