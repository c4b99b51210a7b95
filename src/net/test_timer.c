#include "net/timer.h"

#include "base/tap.h"

#define MANY 2000

static struct timers w;
static struct timer timer[MANY];
static int64_t due[MANY]; /* 0: not set */

/* Against a plain list: who fires, and when. */
static void test_against_list(int64_t start)
{
    int64_t tick = start, latest = 0;
    int early = 0, late = 0, fired = 0, set = 0, cleared = 0;
    memset(timer, 0, sizeof timer);
    memset(due, 0, sizeof due);
    timers_init(&w, tick);
    srand(3);
    for (int round = 0; round < 3000; round++) {
        for (int k = 0; k < 20; k++) {
            int i = rand() % MANY;
            if (rand() % 4 == 0) {
                timer_clear(&timer[i]);
                cleared += due[i] != 0;
                due[i] = 0;
            } else {
                due[i] = tick + rand() % (rand() % 10 ? 3000 : 400000);
                timer_set(&w, &timer[i], due[i]);
                set++;
            }
        }
        tick += rand() % (rand() % 100 ? 40 : 90000);
        for (struct timer *t; (t = timers_due(&w, tick));) {
            int i = (int)(t - timer);
            early += due[i] == 0 || due[i] > tick;
            due[i] = 0;
            fired++;
        }
        for (int i = 0; i < MANY; i++)
            if (due[i] && tick - due[i] > latest)
                latest = tick - due[i];
        late += latest > TIMER_SLOT_MS;
    }
    ok(fired > 5000 && cleared > 1000, "timers fired and were cleared");
    is_int(early, 0, "none that was not due");
    is_int(late, 0, "none late by more than a slot");
}

static void test_wait(void)
{
    struct timer a = {0}, b = {0};
    timers_init(&w, 5000);
    is_int(timers_wait(&w, 5000, 10000), 10000);
    timer_set(&w, &a, 5100);
    int wait = timers_wait(&w, 5000, 10000);
    ok(wait >= 100 && wait <= 100 + TIMER_SLOT_MS, "until the slot of the first");
    ok(!timers_due(&w, 5099), "not early");
    ok(timers_due(&w, 5000 + wait) == &a && !timer_is_set(&a), "fires when the wait is over");
    timer_set(&w, &b, 10);
    ok(timers_wait(&w, 5000 + wait, 10000) <= TIMER_SLOT_MS, "one that is due already");
    timer_set(&w, &a, 50ll * 365 * 86400 * 1000);
    ok(timers_due(&w, 6000) == &b && !timers_due(&w, 6000), "one fires, the far one does not");
    ok(!timers_due(&w, 86400000), "nor a day later");
    ok(timer_is_set(&a), "it is still there");
    timer_clear(&a);
    timer_clear(&a);
    ok(!timers_due(&w, 51ll * 365 * 86400 * 1000), "cleared twice, and gone");
}

int main(void)
{
    test_against_list(1000);
    test_against_list(1ll << 40);
    test_wait();
    return tap_done();
}
