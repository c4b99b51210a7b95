#include "net/timer.h"

#include <string.h>

static unsigned place(int64_t slot)
{
    return (unsigned)((uint64_t)slot % TIMER_SLOTS);
}

void timers_init(struct timers *w, int64_t tick)
{
    memset(w, 0, sizeof *w);
    w->slot = tick / TIMER_SLOT_MS;
    for (unsigned i = 0; i < TIMER_SLOTS; i++)
        w->head[i].prev = w->head[i].next = &w->head[i];
}

void timer_clear(struct timer *t)
{
    if (!t->next)
        return;
    t->prev->next = t->next;
    t->next->prev = t->prev;
    t->prev = t->next = NULL;
}

void timer_set(struct timers *w, struct timer *t, int64_t at)
{
    timer_clear(t);
    t->at = at;
    int64_t slot = (at + TIMER_SLOT_MS - 1) / TIMER_SLOT_MS;
    if (slot <= w->slot)
        slot = w->slot + 1;
    if (slot >= w->slot + TIMER_SLOTS)
        slot = w->slot + TIMER_SLOTS - 1;
    struct timer *head = &w->head[place(slot)];
    t->prev = head->prev;
    t->next = head;
    head->prev->next = t;
    head->prev = t;
    w->used[place(slot) / 64] |= 1ull << place(slot) % 64;
}

struct timer *timers_due(struct timers *w, int64_t tick)
{
    int64_t until = tick / TIMER_SLOT_MS;
    if (until - w->slot > TIMER_SLOTS) /* once round finds all there are, wherever it begins */
        w->slot = until - TIMER_SLOTS;
    while (w->slot < until) {
        unsigned p = place(w->slot + 1);
        struct timer *t = w->head[p].next;
        if (t == &w->head[p]) {
            w->used[p / 64] &= ~(1ull << p % 64);
            w->slot++;
            continue;
        }
        timer_clear(t);
        if (t->at <= tick)
            return t;
        /* One from beyond the wheel's reach, at its end: on to a later slot. The slot being emptied
         * counts as passed, or it would land here again. */
        w->slot++;
        timer_set(w, t, t->at);
        w->slot--;
    }
    return NULL;
}

int timers_wait(const struct timers *w, int64_t tick, int most)
{
    for (int64_t k = 1; k <= TIMER_SLOTS;) {
        unsigned p = place(w->slot + k);
        uint64_t bits = w->used[p / 64] >> p % 64;
        if (!bits) {
            k += 64 - p % 64;
            continue;
        }
        int64_t wait = (w->slot + k + __builtin_ctzll(bits)) * TIMER_SLOT_MS - tick;
        return wait < 0 ? 0 : wait < most ? (int)wait : most;
    }
    return most;
}
