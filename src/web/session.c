#include "web/session.h"

#include <sodium.h>

#include "base/mem.h"
#include "web/base64url.h"

#define TOKEN_BYTES 32

struct sessions {
    int64_t idle_ms, most_ms;
    void (*ended)(void *ctx, const struct session *s);
    void *ctx;
    struct session all[SESSIONS_MAX];
};

struct sessions *sessions_new(int64_t idle_ms, int64_t most_ms,
                              void (*ended)(void *ctx, const struct session *s), void *ctx)
{
    struct sessions *s = mem_zeroed(1, sizeof *s);
    s->idle_ms = idle_ms;
    s->most_ms = most_ms;
    s->ended = ended;
    s->ctx = ctx;
    return s;
}

void sessions_wipe(struct sessions *s)
{
    sodium_memzero(s->all, sizeof s->all);
}

void sessions_free(struct sessions *s)
{
    if (!s)
        return;
    sessions_wipe(s);
    free(s);
}

void session_token(char out[SESSION_TOKEN_LEN + 1])
{
    uint8_t bytes[TOKEN_BYTES];
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2base64(out, SESSION_TOKEN_LEN + 1, bytes, sizeof bytes,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(bytes, sizeof bytes);
}

void sessions_end(struct sessions *s, const struct session *session)
{
    struct session *own = &s->all[session - s->all];
    if (!own->used)
        return;
    if (s->ended)
        s->ended(s->ctx, own);
    sodium_memzero(own, sizeof *own);
}

void sessions_end_account(struct sessions *s, const char *account)
{
    for (unsigned i = 0; i < SESSIONS_MAX; i++)
        if (s->all[i].used && strcmp(s->all[i].account, account) == 0)
            sessions_end(s, &s->all[i]);
}

static bool is_over(const struct sessions *s, const struct session *one, int64_t now)
{
    return now - one->seen >= s->idle_ms || now - one->begun >= s->most_ms;
}

void sessions_sweep(struct sessions *s, int64_t now)
{
    for (unsigned i = 0; i < SESSIONS_MAX; i++)
        if (s->all[i].used && is_over(s, &s->all[i], now))
            sessions_end(s, &s->all[i]);
}

void sessions_each(struct sessions *s, void (*each)(void *ctx, const struct session *s), void *ctx)
{
    for (unsigned i = 0; i < SESSIONS_MAX; i++)
        if (s->all[i].used)
            each(ctx, &s->all[i]);
}

/* A free place; of an account that has its share the place of its longest idle one. */
static struct session *find_place(struct sessions *s, const char *account)
{
    struct session *place = NULL, *oldest = NULL;
    unsigned own = 0;
    for (unsigned i = 0; i < SESSIONS_MAX; i++) {
        struct session *one = &s->all[i];
        if (!one->used) {
            place = place ? place : one;
        } else if (strcmp(one->account, account) == 0) {
            own++;
            oldest = oldest && oldest->seen <= one->seen ? oldest : one;
        }
    }
    if (own < SESSIONS_PER_ACCOUNT)
        return place;
    sessions_end(s, oldest);
    return oldest;
}

const struct session *sessions_begin(struct sessions *s, const char *account, const char *how,
                                     int64_t now, char token[SESSION_TOKEN_LEN + 1])
{
    sessions_sweep(s, now);
    struct session *one = strlen(account) < SESSION_NAME_MAX ? find_place(s, account) : NULL;
    if (!one)
        return NULL;
    *one = (struct session){.how = how, .begun = now, .seen = now, .used = true};
    memcpy(one->account, account, strlen(account));
    randombytes_buf(one->id, sizeof one->id);
    session_token(one->csrf);
    session_token(token);
    sha256(token, SESSION_TOKEN_LEN, one->token);
    return one;
}

const struct session *sessions_find(struct sessions *s, struct span token, int64_t now, bool touch)
{
    uint8_t digest[SHA256_LEN];
    if (token.n != SESSION_TOKEN_LEN)
        return NULL;
    sha256(token.p, token.n, digest);
    for (unsigned i = 0; i < SESSIONS_MAX; i++) {
        struct session *one = &s->all[i];
        if (!one->used || sodium_memcmp(one->token, digest, SHA256_LEN) != 0)
            continue;
        if (is_over(s, one, now)) {
            sessions_end(s, one);
            return NULL;
        }
        if (touch)
            one->seen = now;
        return one;
    }
    return NULL;
}

bool session_csrf_is(const struct session *session, struct span token)
{
    return token.n == SESSION_TOKEN_LEN &&
           sodium_memcmp(token.p, session->csrf, SESSION_TOKEN_LEN) == 0;
}
