#include "app/desk/act_store.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

struct act_store {
    struct act_prepared *first; /* the oldest */
    unsigned n;
    size_t bytes;
};

struct act_store *act_store_new(void)
{
    return mem_zeroed(1, sizeof(struct act_store));
}

void act_prepared_free(void *prepared)
{
    struct act_prepared *p = prepared;
    if (p->text.p)
        sodium_memzero(p->text.p, p->text.cap); /* sealed parts, and what stands beside them */
    buf_free(&p->text);
    free(p->frames);
    free(p);
}

static struct act_prepared *unlink_at(struct act_store *s, struct act_prepared **at)
{
    struct act_prepared *p = *at;
    *at = p->next;
    s->n--;
    s->bytes -= p->text.cap;
    return p;
}

/* The oldest of a session (NULL: of all). */
static bool drop_oldest(struct act_store *s, const uint8_t *session)
{
    for (struct act_prepared **at = &s->first; *at; at = &(*at)->next)
        if (!session || memcmp((*at)->session, session, DESK_SESSION_ID_LEN) == 0) {
            act_prepared_free(unlink_at(s, at));
            return true;
        }
    return false;
}

void act_store_free(struct act_store *s)
{
    while (drop_oldest(s, NULL))
        ;
    free(s);
}

void act_store_forget(struct act_store *s, const uint8_t id[DESK_SESSION_ID_LEN])
{
    while (drop_oldest(s, id))
        ;
}

void act_store_turn(struct act_store *s)
{
    while (s->first && clock_ms() - s->first->made >= ACT_PREPARED_MS)
        drop_oldest(s, NULL);
}

static unsigned of_session(const struct act_store *s, const uint8_t *session)
{
    unsigned n = 0;
    for (const struct act_prepared *p = s->first; p; p = p->next)
        n += memcmp(p->session, session, DESK_SESSION_ID_LEN) == 0;
    return n;
}

struct act_prepared *act_store_put(struct act_store *s, const struct desk_session *session,
                                   unsigned roles_wanted, struct buf *text,
                                   struct act_frames *frames)
{
    uint8_t random[(ACT_ID_TEXT - 1) / 2];
    while (of_session(s, session->id) >= ACT_PREPARED_MAX)
        drop_oldest(s, session->id);
    if (s->n >= ACT_PREPARED_ALL || s->bytes + text->cap > ACT_STORE_BYTES)
        return NULL;
    struct act_prepared *p = mem_zeroed(1, sizeof *p), **end = &s->first;
    randombytes_buf(random, sizeof random);
    hex_encode(random, sizeof random, p->id);
    p->id[ACT_ID_TEXT - 1] = 0;
    memcpy(p->session, session->id, sizeof p->session);
    snprintf(p->account, sizeof p->account, "%s", session->account);
    p->made = clock_ms();
    p->roles_wanted = roles_wanted;
    p->text = *text;
    p->frames = frames;
    *text = (struct buf){0};
    while (*end)
        end = &(*end)->next;
    *end = p;
    s->n++;
    s->bytes += p->text.cap;
    return p;
}

struct act_prepared *act_store_take(struct act_store *s, const struct desk_session *session,
                                    struct span id)
{
    act_store_turn(s);
    for (struct act_prepared **at = &s->first; *at; at = &(*at)->next)
        if (span_is(id, (*at)->id) &&
            memcmp((*at)->session, session->id, DESK_SESSION_ID_LEN) == 0 &&
            strcmp((*at)->account, session->account) == 0)
            return unlink_at(s, at);
    return NULL;
}
