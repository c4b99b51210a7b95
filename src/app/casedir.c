#include "app/casedir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "app/care/restore.h"
#include "app/config_mail.h"
#include "app/datadir.h"
#include "app/progress.h"
#include "base/file.h"

/* The views, once, in the order of their bits (casedir.h). A view's module and its member of struct
 * casedir have its name. */
#define VIEWS                                                                                      \
    VIEW(census)                                                                                   \
    VIEW(registry)                                                                                 \
    VIEW(casebook)                                                                                 \
    VIEW(spam)                                                                                     \
    VIEW(activity)                                                                                 \
    VIEW(sources)                                                                                  \
    VIEW(judgements)                                                                               \
    VIEW(contacts)                                                                                 \
    VIEW(cleanup)                                                                                  \
    VIEW(partners)                                                                                 \
    VIEW(pursuit)

#define VIEW(name) #name,
const char *const casedir_view_names[] = {VIEWS NULL};
#undef VIEW

/* Where the loaded views stand; how many there are. */
#define VIEWS_MAX 16
static unsigned positions(const struct casedir *c, uint64_t out[VIEWS_MAX])
{
    unsigned n = 0;
#define VIEW(name)                                                                                 \
    if (c->name)                                                                                   \
        out[n++] = name##_position(c->name);
    VIEWS
#undef VIEW
    return n;
}

static uint64_t fastest(const struct casedir *c)
{
    uint64_t at[VIEWS_MAX], most = 0;
    for (unsigned i = 0, n = positions(c, at); i < n; i++)
        most = at[i] > most ? at[i] : most;
    return most;
}

static uint64_t slowest(const struct casedir *c)
{
    uint64_t at[VIEWS_MAX], least = journal_committed(c->journal);
    for (unsigned i = 0, n = positions(c, at); i < n; i++)
        least = at[i] < least ? at[i] : least;
    return least;
}

void casedir_advance(struct casedir *c, uint64_t position)
{
#define VIEW(name)                                                                                 \
    if (c->name && position > name##_position(c->name))                                            \
        name##_advance(c->name, position);
    VIEWS
#undef VIEW
}

int casedir_open(struct casedir *c, const char *dir, enum journal_mode mode, struct err *err)
{
    c->dir = dir;
    int rc = config_load(dir, &c->config, err);
    if (rc < 0)
        return rc;
    if (mode == JOURNAL_WRITE && !c->held_too && restore_held(dir, NULL) == 1)
        return err_set(err, -EPERM,
                       "%s: restored from a backup, and held: its log may have gone on elsewhere. Read "
                       "doc/backup.md, then `ebb restore --go-on`",
                       dir);
    return journal_open(dir, mode, &c->journal, NULL, err);
}

unsigned casedir_view_mask(const char *view)
{
    unsigned mask = 0, bit = 1;
#define VIEW(name)                                                                                 \
    if (strcmp(view, #name) == 0)                                                                  \
        mask = bit;                                                                                \
    bit <<= 1;
    VIEWS
#undef VIEW
    return mask;
}

bool casedir_view_loaded(const struct casedir *c, const char *view)
{
#define VIEW(name)                                                                                 \
    if (strcmp(view, #name) == 0)                                                                  \
        return c->name != NULL;
    VIEWS
#undef VIEW
    return false;
}

uint64_t casedir_view_position(const struct casedir *c, const char *view)
{
#define VIEW(name)                                                                                 \
    if (strcmp(view, #name) == 0)                                                                  \
        return name##_position(c->name);
    VIEWS
#undef VIEW
    return 0;
}

int casedir_drop_view(const char *dir, const char *view, struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = file_path(path, err, "%s/views/%s", dir, view);
    if (rc == 0 && unlink(path) < 0 && errno != ENOENT)
        rc = err_errno(err, "%s", path);
    return rc;
}

void casedir_act(struct casedir *c, uint8_t kind, uint64_t index, int64_t time, struct span payload)
{
    if (c->registry && index >= registry_position(c->registry))
        registry_act(c->registry, kind, index, payload);
    if (c->casebook && index >= casebook_position(c->casebook))
        casebook_act(c->casebook, kind, index, time, payload);
    if (c->spam && index >= spam_position(c->spam))
        spam_act(c->spam, kind, index, payload);
    if (c->judgements && index >= judgements_position(c->judgements))
        judgements_act(c->judgements, kind, index, payload);
    if (c->contacts && index >= contacts_position(c->contacts))
        contacts_act(c->contacts, kind, index, time, payload);
    if (c->cleanup && index >= cleanup_position(c->cleanup))
        cleanup_act(c->cleanup, kind, index, time, payload);
    if (c->partners && index >= partners_position(c->partners))
        partners_act(c->partners, kind, index, time, payload);
    if (c->pursuit && index >= pursuit_position(c->pursuit))
        pursuit_act(c->pursuit, kind, index, time, payload);
}

/* One entry to the loaded views that have not taken it in yet. */
static int feed(struct casedir *c, const struct entry *e, struct arena *arena, struct err *err)
{
    struct event ev;
    bool census = c->census && e->index >= census_position(c->census);
    bool registry = c->registry && e->index >= registry_position(c->registry);
    bool activity = c->activity && e->index >= activity_position(c->activity);
    bool sources = c->sources && e->index >= sources_position(c->sources);
    bool spam = c->spam && e->index >= spam_position(c->spam) && e->header.kind == KIND_SMTP;
    if (e->redacted)
        return 0;
    if (!event_kind_is_event(e->header.kind)) {
        casedir_act(c, e->header.kind, e->index, e->header.time, e->payload);
        return 0;
    }
    arena_reset(arena);
    if ((!census && !registry && !spam && !activity && !sources) ||
        event_decode(e->payload, arena, &ev) < 0)
        return 0; /* nobody's business, or a later version's event: its views will know it */
    ev.kind = e->header.kind;
    ev.time = e->header.time;
    ev.sensor = e->header.sensor;
    if (census)
        census_add(c->census, &ev);
    if (registry)
        registry_event(c->registry, &ev);
    if (activity)
        activity_add(c->activity, &ev);
    if (sources)
        sources_add(c->sources, e->index, &ev);
    return spam ? spam_event(c->spam, e->index, &ev, NULL, err) : 0;
}

/* What the views counted has been erased since (an order to redact, or a lost tail): no view can
 * take a single entry back, so they start anew. */
#define STALE          1
#define PROGRESS_EVERY 4096

static int read_on(struct casedir *c, struct journal_cursor *cursor, uint64_t *from, uint64_t end,
                   struct err *err)
{
    struct arena arena;
    struct entry e;
    struct progress progress;
    uint64_t begun = *from;
    int rc = 1;
    arena_init(&arena);
    progress_begin(&progress, "reading the log", end - begun, c->quiet);
    while (*from < end && (rc = journal_cursor_next(cursor, &e, err)) == 1) {
        if (e.header.kind == KIND_REDACTION && e.index >= c->erased_below) {
            rc = STALE;
            break;
        }
        rc = feed(c, &e, &arena, err);
        if (rc < 0)
            break;
        *from = e.index + 1;
        if (*from % PROGRESS_EVERY == 0)
            progress_at(&progress, *from - begun, *from - begun, "entries");
    }
    progress_end(&progress);
    arena_free(&arena);
    return rc;
}

static int catch_up(struct casedir *c, uint64_t limit, struct err *err)
{
    uint64_t end = journal_committed(c->journal), from = slowest(c);
    struct journal_cursor *cursor;
    if (fastest(c) == 0)
        c->erased_below = end; /* views of nothing hold nothing that was erased */
    if (from >= end)
        return 0;
    if (end - from > limit)
        end = from + limit;
    int rc = journal_cursor_open(c->journal, from, &cursor, err);
    if (rc < 0)
        return rc;
    rc = read_on(c, cursor, &from, end, err);
    journal_cursor_close(cursor);
    if (rc)
        return rc;
    casedir_advance(c, from);
    return 0;
}

/* A view ahead of the log belongs to a log that lost its tail, or to another: start it anew. */
static bool is_ahead(const struct casedir *c)
{
    return fastest(c) > journal_committed(c->journal);
}

int casedir_blob(struct casedir *c, const uint8_t digest[SHA256_LEN], struct buf *out,
                 struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = c->blobs ? 0 : file_path(path, err, "%s/blobs", c->dir);
    if (rc == 0 && !c->blobs)
        rc = blob_open_reader(path, &c->blobs, err);
    return rc < 0 ? rc : blob_get(c->blobs, digest, out, err);
}

static int get_blob(void *ctx, const uint8_t digest[SHA256_LEN], struct buf *out, struct err *err)
{
    return casedir_blob(ctx, digest, out, err);
}

int casedir_mail_reader(struct casedir *c, struct mail_reader **out, struct err *err)
{
    char rules[FILE_PATH_MAX];
    struct mail_options options = {rules, config_mail_strip(c->config)};
    int rc = 0;
    if (!c->mail_reader) {
        rc = datadir_rules(c->config->rules, rules, err);
        if (rc == 0)
            rc = mail_reader_open(&options, &c->mail_reader, err);
    }
    *out = c->mail_reader;
    return rc;
}

static int get_reader(void *ctx, struct mail_reader **out, struct err *err)
{
    return casedir_mail_reader(ctx, out, err);
}

/* Those that take in acts alone. */
static int load_act_views(struct casedir *c, unsigned which, const char *dir, struct err *err)
{
    int rc = 0;
    if (which & VIEW_JUDGEMENTS && (rc = judgements_open(dir, &c->judgements, err)) == 0)
        judgements_blobs(c->judgements, get_blob, c);
    if (rc == 0 && which & VIEW_CONTACTS && (rc = contacts_open(dir, &c->contacts, err)) == 0)
        contacts_blobs(c->contacts, get_blob, c);
    if (rc == 0 && which & VIEW_CLEANUP && (rc = cleanup_open(dir, &c->cleanup, err)) == 0)
        cleanup_blobs(c->cleanup, get_blob, c);
    if (rc == 0 && which & VIEW_PARTNERS)
        rc = partners_open(dir, &c->partners, err);
    if (rc == 0 && which & VIEW_PURSUIT)
        rc = pursuit_open(dir, &c->pursuit, err);
    return rc;
}

static unsigned loaded(const struct casedir *c)
{
    unsigned mask = 0, bit = 1;
#define VIEW(name)                                                                                 \
    mask |= c->name ? bit : 0;                                                                     \
    bit <<= 1;
    VIEWS
#undef VIEW
    return mask;
}

/* Those that are not loaded yet. */
static int load_views(struct casedir *c, unsigned which, struct err *err)
{
    char dir[FILE_PATH_MAX];
    which &= ~loaded(c);
    int rc = file_path(dir, err, c->no_snapshots ? "%s/views/none" : "%s/views", c->dir);
    if (rc == 0 && which & VIEW_CENSUS)
        rc = census_open(dir, &c->census, err);
    if (rc == 0 && which & VIEW_REGISTRY)
        rc = registry_open(dir, &c->registry, err);
    if (rc == 0 && which & VIEW_CASEBOOK)
        rc = casebook_open(dir, &(struct casebook_blobs){get_blob, c}, &c->casebook, err);
    if (rc == 0 && which & VIEW_SPAM)
        rc = spam_open(dir, &(struct spam_source){get_blob, get_reader, c}, &c->spam, err);
    if (rc == 0 && which & VIEW_ACTIVITY)
        rc = activity_open(dir, &c->activity, err);
    if (rc == 0 && which & VIEW_SOURCES)
        rc = sources_open(dir, &c->sources, err);
    return rc == 0 ? load_act_views(c, which, dir, err) : rc;
}

static void close_views(struct casedir *c)
{
#define VIEW(name)                                                                                 \
    if (c->name)                                                                                   \
        name##_close(c->name);                                                                     \
    c->name = NULL;
    VIEWS
#undef VIEW
}

static int start_anew(struct casedir *c, unsigned which, struct err *err)
{
    int rc = 0;
    close_views(c);
    for (const char *const *view = casedir_view_names; rc == 0 && *view; view++)
        rc = casedir_drop_view(c->dir, *view, err);
    if (rc == -EPERM || rc == -EACCES || rc == -EROFS) { /* who may only read does without them */
        c->no_snapshots = true;
        rc = 0;
    }
    return rc == 0 ? load_views(c, which, err) : rc;
}

/* What was read anew is saved when it would be much to read again. Not being able to (a reader may
 * have no right to write) costs time, not truth. */
#define SAVE_AFTER 10000

static void save_on_demand(struct casedir *c)
{
    char path[FILE_PATH_MAX];
    struct err err;
    int rc = file_path(path, &err, "%s/views/.saving", c->dir);
    int lock = rc == 0 ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) < 0)
        rc = -EBUSY; /* another reader is at it */
#define SAVE(name)                                                                                 \
    if (c->name && rc == 0)                                                                        \
        rc = name##_snapshot(c->name, &err);
    SAVE(activity)
    SAVE(sources)
    SAVE(judgements) SAVE(contacts) SAVE(cleanup) SAVE(partners) SAVE(pursuit)
#undef SAVE
        if (lock >= 0) close(lock);
}

int casedir_views(struct casedir *c, unsigned which, struct err *err)
{
    int rc = load_views(c, which, err);
    if (rc == 0)
        rc = is_ahead(c) ? STALE : 0;
    uint64_t from = rc == 0 ? slowest(c) : 0;
    if (rc == 0)
        rc = catch_up(c, UINT64_MAX, err);
    if (rc == STALE) {
        from = 0;
        rc = start_anew(c, which, err);
        if (rc == 0)
            rc = catch_up(c, UINT64_MAX, err);
    }
    if (rc == 0 && c->pursuit)
        rc = pursuit_settle(c->pursuit, err);
    if (rc == 0 && which & VIEW_ON_DEMAND && journal_committed(c->journal) - from >= SAVE_AFTER)
        save_on_demand(c);
    return rc;
}

int casedir_load_views(struct casedir *c, unsigned which, struct err *err)
{
    return load_views(c, which, err);
}

int casedir_catch_up(struct casedir *c, unsigned which, uint64_t limit, struct err *err)
{
    int rc = is_ahead(c) ? STALE : catch_up(c, limit, err);
    if (rc == STALE) {
        rc = start_anew(c, which, err);
        return rc < 0 ? rc : 1;
    }
    return rc < 0 ? rc : slowest(c) < journal_committed(c->journal);
}

int casedir_peek_views(struct casedir *c, struct err *err)
{
    return load_views(c, VIEW_ALL, err);
}

int casedir_renew(struct casedir *c, struct err *err)
{
    unsigned which = loaded(c);
    close_views(c);
    c->unsaved = false;
    return casedir_views(c, which, err);
}

int casedir_save_views(struct casedir *c, struct err *err)
{
    int rc = 0;
    if (c->unsaved)
        return 0;
#define VIEW(name)                                                                                 \
    if (rc == 0 && c->name)                                                                        \
        rc = name##_snapshot(c->name, err);
    VIEWS
#undef VIEW
    return rc;
}

int casedir_close(struct casedir *c, struct err *err)
{
    int rc = 0;
    close_views(c);
    if (c->mail_reader)
        mail_reader_close(c->mail_reader);
    if (c->blobs)
        blob_close(c->blobs);
    if (c->journal)
        rc = journal_close(c->journal, err);
    config_free(c->config);
    memset(c, 0, sizeof *c);
    return rc;
}
