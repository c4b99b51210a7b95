/* What the files of ship.h share. */
#pragma once

#include "app/cluster/ship.h"
#include "view/clickhouse_native.h"

#define SHIP_WINDOW     1000000 /* entries that a shard in doubt is asked about at a time */
#define SHIP_ENTRIES    8000000 /* of one round, where few of them are observations */
#define SHIP_AGAIN_MS   500     /* until a shard that failed is asked; doubled each time */
#define SHIP_AGAIN_MAX  60000
#define SHIP_KEYS       (1u << 21) /* addresses and days remembered as sent, over all shards */
#define SHIP_RECORD_MS  60000      /* between two SHIPPED entries of a shard */
#define SHIP_ERASE_MS   600000     /* for one of a shard's tables to have rows erased */
#define SHIP_ZSTD_LEVEL 1
#define SHIP_NOWHERE    UINT64_MAX

enum ship_state {
    SHIP_FAILED,   /* until `again` */
    SHIP_CHECKING, /* it was asked what it has */
    SHIP_READY,
    SHIP_GIVEN_UP,
};

/* What a job is about. */
enum ship_job_kind { SHIP_JOB_CHECK, SHIP_JOB_WINDOW, SHIP_JOB_BATCH, SHIP_JOB_STEP };
struct ship_flight {
    enum ship_job_kind kind;
    bool mails;  /* BATCH, WINDOW: of mails */
    uint64_t to; /* WINDOW, BATCH: up to this entry */
    uint64_t rows;
};

/* Entries that a shard in doubt has, within [from, to). */
struct ship_window {
    uint64_t from, to, *v;
    size_t n;
};

/* Events and mails of a shard, each with a position. */
struct ship_stream {
    uint64_t position; /* all before it are in */
    uint64_t read;     /* all before it are in, or in a job */
    struct ship_window window;
};
enum { SHIP_EVENTS, SHIP_MAILS, SHIP_STREAMS };

struct ship_shard {
    const char *name;
    struct clickhouse_batch *batch;
    enum ship_state state;
    struct ship_stream stream[SHIP_STREAMS];
    uint64_t doubt;      /* entries below it may be there already */
    int flying, waiting; /* slots; -1: none */
    struct ship_flight flight[SHIP_SLOTS];
    int64_t again;
    unsigned failures;
    bool named;     /* the logs table has our line */
    bool step_done; /* of ship_step() */
    struct err step_err;
    uint64_t roots;      /* version of the roots that it has */
    uint64_t mails_hold; /* mails wait until the spam view has come so far */
    uint64_t recorded, rows_since;
    int64_t recorded_at;
    struct ship_status status;
};

struct ship {
    struct casedir *c;
    struct ship_post *post;
    struct ship_ways ways;
    const struct config_cluster *config;
    uint64_t log; /* clickhouse_log() */
    struct span origin;
    char vkey[SHIP_VKEY_MAX], ids[32];
    struct buf former; /* keys that the log had: text that has them */
    struct ship_shard shard[CLICKHOUSE_SHARDS_MAX];
    unsigned n, turn;
    uint64_t batches; /* sent: for the ids of statements */
    uint64_t end;     /* of the log, as far as it is to be shipped now */
    int64_t rounded;  /* when the last round was, ms */
    struct arena arena;
    struct clickhouse_frames *frames;
    struct buf stage;
    struct clickhouse_row row; /* of the entry at hand */
    struct journal_cursor *cursor;
    uint64_t cursor_at; /* where it reads next */
    uint64_t sensor_index;
    char sensor[256];
    size_t batch_bytes;
    /* mails */
    uint64_t mails_to;  /* the spam view has all mails before it */
    uint64_t last_mail; /* highest entry of a mail that was seen, + 1 */
    uint64_t roots_version;
    struct ship_root {
        uint64_t campaign, root;
    } * roots;
    size_t roots_n, roots_cap;
    int64_t spam_looked; /* ms */
    int64_t spam_time;   /* of its file */
};

/* ship.c */
/* The shard failed: what was sent is in doubt, and it rests. */
void ship_fail(struct ship *s, unsigned shard, const struct err *why);
/* A free slot, whose job is empty; -1: none. */
int ship_slot(struct ship *s, unsigned shard, struct ship_job **job, uint8_t **data);
/* Sends the job of a slot, or lets it wait behind the one that flies. */
int ship_send(struct ship *s, unsigned shard, int slot, struct ship_flight flight, struct err *err);
/* Puts the shard's batch into a job and sends it; its rows are counted. Nothing to send: the
 * stream's position moves on. */
int ship_flush(struct ship *s, unsigned shard, unsigned stream, uint64_t to, struct err *err);
/* Says on the log that the shard has all entries below `position`. */
int ship_say(struct ship *s, struct ship_shard *x, uint64_t position, struct err *err);
/* All entries below it are in, mails too. */
uint64_t ship_position(const struct ship *s, const struct ship_shard *x);
/* Takes in what is done; waits for it, or for the wake descriptor, for so long at most. */
int ship_heed(struct ship *s, int wait_ms, struct err *err);
/* Has one statement made and waits; the shard has nothing under way. Others go on being heard.
 * -ECANCELED: we are to stop. The shard's own trouble is *trouble, and 0 is given. */
int ship_step(struct ship *s, unsigned shard, struct span sql, struct span data, struct buf *answer,
              struct err *trouble, struct err *err);
static inline bool ship_is_idle(const struct ship_shard *x)
{
    return x->flying < 0 && x->waiting < 0;
}
static inline bool ship_window_has(const struct ship_window *w, uint64_t entry)
{
    size_t from = 0, to = w->n;
    if (!to || entry < w->from || entry >= w->to)
        return false;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (w->v[middle] < entry)
            from = middle + 1;
        else
            to = middle;
    }
    return from < w->n && w->v[from] == entry;
}

/* ship_read.c: one round over the log for the shards of `group` (bits), which are ready and stand
 * at the same entry. */
int ship_round(struct ship *s, uint64_t group, uint64_t from, uint64_t to, struct err *err);

/* ship_erase.c: the REDACTION entry at which the idle shards of `group` stand. */
int ship_erase(struct ship *s, uint64_t group, const struct entry *redaction, struct err *err);

/* ship_mail.c */
/* Looks whether the spam view's file is newer, and takes it. */
int ship_mail_look(struct ship *s, struct err *err);
/* How far all mails are known: with `read`, up to where entries were read. */
uint64_t ship_mail_end(const struct ship *s, uint64_t read);
bool ship_mail_due(const struct ship *s, unsigned shard);
/* One batch of mails of a shard. */
int ship_mail_round(struct ship *s, unsigned shard, struct err *err);
/* Mails were erased: others may be told otherwise now. All are sent again. */
void ship_mail_anew(struct ship *s, unsigned shard, uint64_t redaction);
