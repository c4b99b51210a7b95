#include "app/casedir.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "app/progress.h"
#include "base/file.h"

const char *const casedir_view_names[] = {"census", "registry", NULL};

int casedir_open(struct casedir *c, const char *dir, enum journal_mode mode, struct err *err)
{
    c->dir = dir;
    int rc = config_load(dir, &c->config, err);
    if (rc < 0)
        return rc;
    return journal_open(dir, mode, &c->journal, NULL, err);
}

uint64_t casedir_view_position(const struct casedir *c, const char *view)
{
    return strcmp(view, "census") == 0 ? census_position(c->census)
                                       : registry_position(c->registry);
}

int casedir_drop_view(const char *dir, const char *view, struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = file_path(path, err, "%s/views/%s", dir, view);
    if (rc == 0 && unlink(path) < 0 && errno != ENOENT)
        rc = err_errno(err, "%s", path);
    return rc;
}

/* One entry to the loaded views that have not taken it in yet. */
static void feed(struct casedir *c, const struct entry *e, struct arena *arena)
{
    struct event ev;
    bool census = c->census && e->index >= census_position(c->census);
    bool registry = c->registry && e->index >= registry_position(c->registry);
    if (e->redacted)
        return;
    if (!event_kind_is_event(e->header.kind)) {
        if (registry)
            registry_act(c->registry, e->header.kind, e->index, e->payload);
        return;
    }
    arena_reset(arena);
    if (event_decode(e->payload, arena, &ev) < 0)
        return; /* a later version's event: its views will know it */
    ev.kind = e->header.kind;
    ev.time = e->header.time;
    if (census)
        census_add(c->census, &ev);
    if (registry)
        registry_event(c->registry, &ev);
}

static uint64_t fastest(const struct casedir *c)
{
    uint64_t census = c->census ? census_position(c->census) : 0;
    uint64_t registry = c->registry ? registry_position(c->registry) : 0;
    return census > registry ? census : registry;
}

static uint64_t slowest(const struct casedir *c)
{
    uint64_t at = journal_committed(c->journal);
    if (c->census && census_position(c->census) < at)
        at = census_position(c->census);
    if (c->registry && registry_position(c->registry) < at)
        at = registry_position(c->registry);
    return at;
}

/* What the views counted has been erased since (an order to redact, or a lost tail): no view can
 * take a single entry back, so they start anew. */
#define STALE          1
#define PROGRESS_EVERY 4096

static int read_on(struct casedir *c, struct journal_cursor *cursor, uint64_t *from, uint64_t end,
                   bool fresh, struct err *err)
{
    struct arena arena;
    struct entry e;
    struct progress progress;
    uint64_t begun = *from;
    int rc = 1;
    arena_init(&arena);
    progress_begin(&progress, "reading the log", end - begun, c->quiet);
    while (*from < end && (rc = journal_cursor_next(cursor, &e, err)) == 1) {
        if (e.header.kind == KIND_REDACTION && !fresh) {
            rc = STALE;
            break;
        }
        feed(c, &e, &arena);
        *from = e.index + 1;
        if (*from % PROGRESS_EVERY == 0)
            progress_at(&progress, *from - begun, *from - begun, "entries");
        rc = 0;
    }
    progress_end(&progress);
    arena_free(&arena);
    return rc;
}

static int catch_up(struct casedir *c, struct err *err)
{
    uint64_t end = journal_committed(c->journal), from = slowest(c);
    bool fresh = fastest(c) == 0; /* views of nothing hold nothing that was erased */
    struct journal_cursor *cursor;
    if (from >= end)
        return 0;
    int rc = journal_cursor_open(c->journal, from, &cursor, err);
    if (rc < 0)
        return rc;
    rc = read_on(c, cursor, &from, end, fresh, err);
    journal_cursor_close(cursor);
    if (rc)
        return rc;
    if (c->census && from > census_position(c->census))
        census_advance(c->census, from);
    if (c->registry && from > registry_position(c->registry))
        registry_advance(c->registry, from);
    return 0;
}

/* A view ahead of the log belongs to a log that lost its tail, or to another: start it anew. */
static bool is_ahead(const struct casedir *c)
{
    uint64_t size = journal_committed(c->journal);
    return (c->census && census_position(c->census) > size) ||
           (c->registry && registry_position(c->registry) > size);
}

static int load_views(struct casedir *c, unsigned which, struct err *err)
{
    char dir[FILE_PATH_MAX];
    int rc = file_path(dir, err, "%s/views", c->dir);
    if (rc == 0 && which & VIEW_CENSUS)
        rc = census_open(dir, &c->census, err);
    if (rc == 0 && which & VIEW_REGISTRY)
        rc = registry_open(dir, &c->registry, err);
    return rc;
}

static void close_views(struct casedir *c)
{
    if (c->census)
        census_close(c->census);
    if (c->registry)
        registry_close(c->registry);
    c->census = NULL;
    c->registry = NULL;
}

static int start_anew(struct casedir *c, unsigned which, struct err *err)
{
    int rc = 0;
    close_views(c);
    for (const char *const *view = casedir_view_names; rc == 0 && *view; view++)
        rc = casedir_drop_view(c->dir, *view, err);
    return rc == 0 ? load_views(c, which, err) : rc;
}

int casedir_views(struct casedir *c, unsigned which, struct err *err)
{
    int rc = load_views(c, which, err);
    if (rc == 0)
        rc = is_ahead(c) ? STALE : catch_up(c, err);
    if (rc == STALE) {
        rc = start_anew(c, which, err);
        if (rc == 0)
            rc = catch_up(c, err);
    }
    return rc;
}

int casedir_peek_views(struct casedir *c, struct err *err)
{
    return load_views(c, VIEW_ALL, err);
}

int casedir_save_views(struct casedir *c, struct err *err)
{
    int rc = c->census ? census_snapshot(c->census, err) : 0;
    return rc == 0 && c->registry ? registry_snapshot(c->registry, err) : rc;
}

int casedir_close(struct casedir *c, struct err *err)
{
    int rc = 0;
    close_views(c);
    if (c->journal)
        rc = journal_close(c->journal, err);
    config_free(c->config);
    memset(c, 0, sizeof *c);
    return rc;
}
