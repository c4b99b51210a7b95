#include "sim/checkin.h"

#include <stdio.h>

static const struct scenario_family *family_of(const struct model *m, const struct model_checkin *c)
{
    return &m->s->families[c->family];
}

static void put_hex(char *out, uint64_t v, unsigned digits, bool capital)
{
    const char *set = capital ? "0123456789ABCDEF" : "0123456789abcdef";
    for (unsigned i = 0; i < digits; i++)
        out[i] = set[v >> (4 * (digits - 1 - i)) & 15];
}

/* "{8-4-4-4-12}", as Windows writes them; version 4, variant 1 (RFC 4122, 4.4). */
static size_t put_guid(char *out, uint64_t a, uint64_t b)
{
    a = (a & ~0xf000ull) | 0x4000;
    b = (b & ~(3ull << 62)) | 2ull << 62;
    out[0] = '{';
    put_hex(out + 1, a >> 32, 8, true);
    out[9] = '-';
    put_hex(out + 10, a >> 16 & 0xffff, 4, true);
    out[14] = '-';
    put_hex(out + 15, a & 0xffff, 4, true);
    out[19] = '-';
    put_hex(out + 20, b >> 48, 4, true);
    out[24] = '-';
    put_hex(out + 25, b & 0xffffffffffffull, 12, true);
    out[37] = '}';
    return 38;
}

size_t checkin_bot_id(const struct model *m, const struct model_checkin *c, uint32_t day,
                      char out[CHECKIN_ID_MAX])
{
    enum scenario_bot_id kind = family_of(m, c)->bot_id;
    if (kind == SCENARIO_BOT_ID_NONE || c->role == MODEL_SCANNER)
        return 0;
    uint64_t when = c->role == MODEL_SANDBOX ? 1 + ((uint64_t)day << 16 | c->nth) : 0;
    struct rng r = rng_stream(m->seed, RNG_BOT_ID, c->whom, when);
    uint64_t a = rng_next(&r);
    if (kind == SCENARIO_BOT_ID_GUID)
        return put_guid(out, a, rng_next(&r));
    put_hex(out, a, 16, false);
    return 16;
}

bool checkin_is_http(const struct model *m, const struct model_checkin *c)
{
    return family_of(m, c)->kind == SCENARIO_HTTP;
}

bool checkin_in_feed(const struct model *m, const struct model_checkin *c)
{
    return family_of(m, c)->kind != SCENARIO_DNS;
}

static const char *or_else(const char *text, const char *other)
{
    return text && *text ? text : other;
}

const char *checkin_method(const struct model *m, const struct model_checkin *c)
{
    const struct scenario_family *f = family_of(m, c);
    return c->role == MODEL_SCANNER ? "GET" : or_else(f->method, f->body ? "POST" : "GET");
}

const char *checkin_path(const struct model *m, const struct model_checkin *c)
{
    return c->role == MODEL_SCANNER ? or_else(m->actors[c->whom].of->path, "/")
                                    : or_else(family_of(m, c)->path, "/");
}

const char *checkin_agent(const struct model *m, const struct model_checkin *c)
{
    return c->role == MODEL_SCANNER ? or_else(m->actors[c->whom].of->agent, "")
                                    : or_else(family_of(m, c)->agent, "");
}
