/* Casedir: an open case: its config, journal and views. One thread, one command. */
#pragma once

#include "app/config.h"
#include "journal/blob.h"
#include "journal/journal.h"
#include "state/casebook.h"
#include "state/activity.h"
#include "state/census.h"
#include "state/cleanup.h"
#include "state/contacts.h"
#include "state/judge.h"
#include "state/partners.h"
#include "state/pursuit.h"
#include "state/sources.h"
#include "state/registry.h"
#include "state/spam.h"

struct casedir {
    const char *dir;
    bool quiet;            /* no progress bar while views read the log */
    bool held_too;         /* writing to a restored case that is held (app/care/restore.h) */
    bool unsaved;          /* what is loaded has what was erased since: it must not be saved */
    bool no_snapshots;     /* those that are there are stale, and we may not remove them */
    uint64_t erased_below; /* redactions before this entry were carried out before the views read */
    struct config *config;
    struct journal *journal;
    struct census *census;     /* NULL until casedir_views loads it */
    struct registry *registry; /* likewise */
    struct casebook *casebook; /* likewise */
    struct spam *spam;         /* likewise */
    /* on demand: commands that need them */
    struct activity *activity;
    struct sources *sources;
    struct judgements *judgements;
    struct contacts *contacts;
    struct cleanup *cleanup;
    struct partners *partners;
    struct pursuit *pursuit;
    struct mail_reader *mail_reader; /* NULL until a mail is to be read */
    struct blob_store
        *blobs; /* for reading; the pipeline's while there is one; NULL until needed */
};

/* Opens config and journal. Zero the struct first; casedir_close takes any state. */
int casedir_open(struct casedir *c, const char *dir, enum journal_mode mode, struct err *err);
/* The views, for masks. Who writes observations keeps VIEW_ALL up to date as they come; the others
 * are brought up to the log's end by the commands that need them. */
enum {
    VIEW_CENSUS = 1,
    VIEW_REGISTRY = 2,
    VIEW_CASEBOOK = 4,
    VIEW_SPAM = 8,
    VIEW_ALL = 15,
    VIEW_ACTIVITY = 16,
    VIEW_SOURCES = 32,
    VIEW_JUDGEMENTS = 64,
    VIEW_CONTACTS = 128,
    VIEW_CLEANUP = 256,
    VIEW_PARTNERS = 512,
    VIEW_PURSUIT = 1024,
    VIEW_ON_DEMAND = 2032,
};
/* Loads those views, where they are not loaded yet, and feeds all what the log has beyond their
 * positions. Those on demand are saved when much was read, by readers, too: a snapshot is replaced
 * as a whole. */
int casedir_views(struct casedir *c, unsigned which, struct err *err);
/* For a process that stays and must not stall: loads those views as they were last saved; then
 * casedir_catch_up(), again and again. */
int casedir_load_views(struct casedir *c, unsigned which, struct err *err);
/* Feeds the loaded views (`which`) at most so many further entries: 1 there are more, 0 that was
 * all for now. Views that hold what was erased since are started anew: pointers to a view end with
 * each call. */
int casedir_catch_up(struct casedir *c, unsigned which, uint64_t limit, struct err *err);
/* Loads VIEW_ALL as it was last saved, without catching up: for seeing how far behind it is. */
int casedir_peek_views(struct casedir *c, struct err *err);
/* An act that was just journalled, to the views that are loaded (writers). */
void casedir_act(struct casedir *c, uint8_t kind, uint64_t index, int64_t time,
                 struct span payload);
/* The loaded views have taken in all entries below `position` (writers). */
void casedir_advance(struct casedir *c, uint64_t position);
/* Loads the views that are loaded anew, as they are on the disk now, and feeds them what the log has
 * beyond. Pointers to views end. */
int casedir_renew(struct casedir *c, struct err *err);
/* Saves the snapshots of the views that are loaded (writers). */
int casedir_save_views(struct casedir *c, struct err *err);
/* Closes; the first error of committing what is pending, 0 otherwise. */
int casedir_close(struct casedir *c, struct err *err);

/* Appends a blob of the case. */
int casedir_blob(struct casedir *c, const uint8_t sha256[SHA256_LEN], struct buf *out,
                 struct err *err);

/* What reads mails, by the case's rules; made when it is first asked for, the case's own. */
int casedir_mail_reader(struct casedir *c, struct mail_reader **out, struct err *err);

/* Every view's name, ending with NULL. */
extern const char *const casedir_view_names[];
/* The bit of a view for masks; 0: no such view. */
unsigned casedir_view_mask(const char *view);
/* False for one that is loaded on demand, and was not. */
bool casedir_view_loaded(const struct casedir *c, const char *view);
/* How far a loaded view has read the log. */
uint64_t casedir_view_position(const struct casedir *c, const char *view);
/* Removes a view's snapshot; it is rebuilt when the view is loaded again. */
int casedir_drop_view(const char *dir, const char *view, struct err *err);
