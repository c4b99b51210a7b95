/* Acts of the pursuit: accounts, subjects and facts, notices, leads, rewards, hand-overs (kinds.def,
 * 88 to 120). act_pursuit.def has each act's members. As act.h says: writing appends a CBOR map to
 * out, reading gives spans into the payload, 0 or -1. */
#pragma once

#include "event/act.h"

#define ACT(name)   struct act_##name {
#define TEXT(key)   struct span key;
#define BYTES(key)  struct span key;
#define DIGEST(key) struct span key;
#define UINT(key)   uint64_t key;
#define TIME(key)   int64_t key;
#define TRUE(key)   bool key;
#define END         };
#include "event/act_pursuit.def"

#define ACT(name)                                                                                  \
    void act_##name(struct buf *out, const struct act_##name *a);                                  \
    int act_##name##_read(struct span payload, struct act_##name *a);
#define TEXT(key)
#define BYTES(key)
#define DIGEST(key)
#define UINT(key)
#define TIME(key)
#define TRUE(key)
#define END
#include "event/act_pursuit.def"

/* The time that an act's entry may have: of what has to do with an informant the day alone. */
int64_t act_time_kept(uint8_t kind, int64_t now);
