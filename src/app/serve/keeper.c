/* Keeper: keeps the views that are loaded on demand near the log's end and on the disk, for the
 * desk and the public face, which may write no file. It has no socket but its link, and writes
 * below views/ alone. Acts come within a turn (KEEPER_TURN_MS); what counts observations is saved
 * when much is new, and not more often than KEEPER_SAVE_MS. */
#include <poll.h>

#include "app/casedir.h"
#include "app/serve/roles.h"
#include "app/serve/sandbox.h"
#include "base/clock.h"
#include "base/log.h"

#define KEEPER_TURN_MS 500
#define KEEPER_SAVE_MS 60000
#define KEEPER_MUCH    50000 /* entries: who opens the views would read them for a while */
#define KEEPER_SHARE   20    /* saving takes at most one part in so many of the time */
#define TURN_ENTRIES   20000
#define WHAT           VIEW_ON_DEMAND

struct keeper {
    const struct role_setup *setup;
    struct casedir c;
    uint64_t saved;         /* how far the log was read when all was saved */
    int64_t saved_at, took; /* ms */
};

/* The acts' views, which people wait for, at each turn; the rest when it is time, and at once when
 * much was read (a case that was imported, a view that started anew). */
static int save(struct keeper *k, bool more, struct err *err)
{
    uint64_t position = casedir_view_position(&k->c, "activity");
    int rc = pursuit_settle(k->c.pursuit, err);
    bool much = !more && position - k->saved >= KEEPER_MUCH; /* also when it went back */
    int64_t wait =
        k->took * KEEPER_SHARE > KEEPER_SAVE_MS ? k->took * KEEPER_SHARE : KEEPER_SAVE_MS;
    int64_t begun = clock_ms();
    if (rc < 0 || position == k->saved || (!much && begun - k->saved_at < wait))
        return rc;
    rc = casedir_save_views(&k->c, err);
    k->saved = position;
    k->saved_at = clock_ms();
    k->took = k->saved_at - begun;
    return rc;
}

static void say_positions(struct keeper *k)
{
    uint64_t *board = k->setup->shared->board->view;
    for (unsigned i = 0; casedir_view_names[i]; i++)
        if (casedir_view_loaded(&k->c, casedir_view_names[i]) && 1u << i & WHAT)
            __atomic_store_n(&board[i], casedir_view_position(&k->c, casedir_view_names[i]),
                             __ATOMIC_RELAXED);
}

static int turn(struct keeper *k, struct err *err)
{
    struct pollfd p = {.fd = k->setup->link, .events = POLLIN};
    int more = casedir_catch_up(&k->c, WHAT, TURN_ENTRIES, err);
    int rc = more < 0 ? more : save(k, more, err);
    if (rc < 0)
        return rc;
    say_positions(k);
    poll(&p, 1, more ? 0 : KEEPER_TURN_MS);
    return role_goes_on(k->setup->link);
}

int keeper_run(const struct role_setup *setup, struct err *err)
{
    struct keeper k = {.setup = setup, .c.quiet = true, .saved_at = clock_ms()};
    struct sandbox_paths paths = {.case_dir = setup->case_dir};
    int rc = sandbox_enter(SANDBOX_KEEPER, &paths, err);
    if (rc == 0)
        rc = casedir_open(&k.c, setup->case_dir, JOURNAL_READ, err);
    if (rc == 0)
        rc = casedir_load_views(&k.c, WHAT, err);
    if (rc == 0) {
        k.saved = casedir_view_position(&k.c, "activity");
        role_say(setup->link, ROLE_READY, 0, NULL);
        while ((rc = turn(&k, err)) == 1)
            ;
    }
    if (rc == 0)
        rc = casedir_save_views(&k.c, err);
    casedir_close(&k.c, NULL);
    return rc;
}
