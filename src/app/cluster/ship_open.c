/* Ship: before it begins, and its end: the lock, positions that the log has, keys. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "app/cluster/ship_impl.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "journal/rotation.h"

/* ---- before ---- */

uint64_t ship_data_max(const struct config *config)
{
    unsigned n = config->cluster.shards_count ? config->cluster.shards_count : 1;
    uint64_t share = SHIP_ROUND_BYTES / n;
    share = share < SHIP_BATCH_BYTES_MIN ? SHIP_BATCH_BYTES_MIN : share;
    share = share > SHIP_BATCH_BYTES_MAX ? SHIP_BATCH_BYTES_MAX : share;
    /* The entry with which it is over is one payload, and a few rows, more; zstd may add a little.
     */
    return clickhouse_frames_bound(share + 8 * JOURNAL_PAYLOAD_MAX) +
           CLICKHOUSE_PARTS_MAX * clickhouse_frames_bound(CLICKHOUSE_FRAME_DATA / 16);
}

int ship_lock(const char *case_dir, int *fd, struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = file_path(path, err, "%s/run", case_dir);
    if (rc == 0)
        rc = file_mkdirs(path, 0700, err);
    if (rc == 0)
        rc = file_path(path, err, "%s/" SHIP_LOCK_FILE, case_dir);
    if (rc < 0)
        return rc;
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*fd < 0)
        return err_errno(err, "%s", path);
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    rc = errno == EWOULDBLOCK ? 1 : err_errno(err, "%s", path);
    close(*fd);
    *fd = -1;
    return rc;
}

/* ---- open and close ---- */

int ship_recorded(struct casedir *c, const char *shard, uint64_t *position, struct err *err)
{
    const struct sql *db = pursuit_sql(c->pursuit);
    char cluster[160];
    *position = 0;
    snprintf(cluster, sizeof cluster, "%s %s", c->config->cluster.name,
             c->config->cluster.database);
    sqlite3_stmt *q =
        sql_prepare(db, err, "SELECT entry FROM acts WHERE kind=? ORDER BY entry DESC", "i",
                    (int64_t)KIND_SHIPPED);
    int rc = q ? 0 : -EIO;
    while (rc == 0 && (rc = sql_step(db, q, err)) == 1) {
        struct entry e;
        struct act_shipped a;
        rc = journal_get(c->journal, (uint64_t)sqlite3_column_int64(q, 0), &e, err);
        if (rc < 0)
            break;
        if (act_shipped_read(e.payload, &a) == 0 && span_is(a.shard, shard) &&
            span_is(a.cluster, cluster)) {
            *position = a.position;
            break;
        }
    }
    sqlite3_finalize(q);
    return rc < 0 ? rc : 0;
}

/* Keys that the log had before: the shard may know it by one of them. */
static int read_former_keys(struct ship *s, struct err *err)
{
    struct rotation_proof *list = NULL;
    size_t n = 0;
    int rc = rotations_read(s->c->dir, &list, &n, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        note_key_put_verifier(&list[i].rotation.from, &s->former);
        buf_byte(&s->former, '\n');
    }
    free(list);
    return rc;
}

static int read_vkey(struct ship *s, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf text = {0};
    int rc = file_path(path, err, "%s/log/vkey", s->c->dir);
    if (rc == 0)
        rc = file_read(path, sizeof s->vkey - 1, &text, err);
    if (rc == 0) {
        struct cur c = cur_of(buf_as_span(&text));
        struct span line = cur_line(&c);
        snprintf(s->vkey, sizeof s->vkey, "%.*s", (int)line.n, (const char *)line.p);
    }
    buf_free(&text);
    return rc;
}

static int open_shard(struct ship *s, unsigned i, struct err *err)
{
    struct ship_shard *x = &s->shard[i];
    uint64_t position = 0;
    x->name = x->status.name = s->config->shards[i].name;
    x->batch = clickhouse_batch_new(s->log, s->config->payloads_off, SHIP_KEYS / s->n);
    x->flying = x->waiting = -1;
    x->state = SHIP_FAILED; /* what was sent before is in doubt */
    x->again = x->recorded_at = clock_ms();
    int rc = ship_recorded(s->c, x->name, &position, err);
    if (rc < 0)
        return rc;
    x->recorded = position;
    if (s->ways.again[i]) { /* said first: who is stopped half-way goes on from there */
        x->recorded = position = 0;
        rc = ship_say(s, x, 0, err);
        if (rc < 0)
            return rc;
    }
    if (position > journal_committed(s->c->journal))
        return err_set(err, -EBADMSG, "shard %s is beyond the log's end (entry %llu)", x->name,
                       (unsigned long long)position);
    for (unsigned k = 0; k < SHIP_STREAMS; k++)
        x->stream[k].position = x->stream[k].read = position;
    if (position < s->end) /* a statement of who was killed may be on its way to the shard yet */
        x->again += SHIP_AGAIN_MS;
    return 0;
}

int ship_open(struct casedir *c, struct ship_post *post, const struct ship_ways *ways,
              struct ship **out, struct err *err)
{
    struct ship *s = mem_zeroed(1, sizeof *s);
    s->c = c;
    s->post = post;
    s->ways = *ways;
    s->config = &c->config->cluster;
    s->n = s->config->shards_count;
    s->origin = span_str(journal_origin(c->journal));
    s->log = clickhouse_log(s->origin);
    snprintf(s->ids, sizeof s->ids, "ebb-%016llx-", (unsigned long long)s->log);
    s->end = journal_committed(c->journal);
    if (ways->limit < s->end)
        s->end = ways->limit;
    s->batch_bytes = SHIP_ROUND_BYTES / s->n;
    if (s->batch_bytes < SHIP_BATCH_BYTES_MIN)
        s->batch_bytes = SHIP_BATCH_BYTES_MIN;
    if (s->batch_bytes > SHIP_BATCH_BYTES_MAX)
        s->batch_bytes = SHIP_BATCH_BYTES_MAX;
    arena_init(&s->arena);
    s->frames = clickhouse_frames_new(SHIP_ZSTD_LEVEL);
    s->rounded = clock_ms();
    *out = s;
    int rc = read_vkey(s, err);
    if (rc == 0)
        rc = read_former_keys(s, err);
    for (unsigned i = 0; rc == 0 && i < s->n; i++)
        rc = open_shard(s, i, err);
    if (rc == 0)
        rc = ship_mail_look(s, err);
    if (rc < 0) {
        ship_close(s);
        *out = NULL;
    }
    return rc;
}

void ship_close(struct ship *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < s->n; i++) {
        clickhouse_batch_free(s->shard[i].batch);
        for (unsigned k = 0; k < SHIP_STREAMS; k++)
            free(s->shard[i].stream[k].window.v);
    }
    if (s->cursor)
        journal_cursor_close(s->cursor);
    arena_free(&s->arena);
    clickhouse_frames_free(s->frames);
    buf_free(&s->stage);
    buf_free(&s->former);
    free(s->roots);
    free(s);
}

unsigned ship_shards(const struct ship *s)
{
    return s->n;
}

void ship_status(const struct ship *s, unsigned shard, struct ship_status *out)
{
    *out = s->shard[shard].status;
    out->position = ship_position(s, &s->shard[shard]);
    out->recorded = s->shard[shard].recorded;
}
