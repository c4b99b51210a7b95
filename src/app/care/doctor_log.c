/* Doctor: the log's end, and what others said of it. Not the whole log: that is `ebb log verify`.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/care/doctor.h"
#include "base/file.h"
#include "journal/prover.h"
#include "journal/segment.h"
#include "state/handovers.h"

#define CHECKPOINT    "log/checkpoint"
#define NEXT_KEY      "keys/log.key.next"
#define PUBLISH_US    (10 * UTC_SECOND) /* a running recorder publishes about once a second */
#define VIEW_LAG_WARN 1000000           /* entries */
#define ANCHOR_DAYS   2                 /* a time stamp or a witness from then on is missed */
#define ANCHOR_WRONG  14

static bool exists(const struct doctor *d, const char *name, struct stat *st)
{
    char path[FILE_PATH_MAX];
    return file_path(path, NULL, "%s/%s", d->dir, name) == 0 && stat(path, st) == 0;
}

/* ---- the checkpoint ---- */

static void checkpoint(struct doctor *d)
{
    struct journal_prover *p;
    struct buf proof = {0};
    struct stat st;
    struct err err;
    if (!d->c.journal) {
        doctor_say(d, DOCTOR_SKIPPED, "", "", "the log cannot be opened");
        return;
    }
    int rc = journal_prover_open(d->c.journal, &p, &err);
    if (rc < 0) {
        doctor_say(d, DOCTOR_WRONG, "signature", "ebb log verify", "%s", err.text);
        return;
    }
    uint64_t size = journal_prover_checkpoint(p)->size, all = journal_committed(d->c.journal);
    if (size)
        rc = journal_prover_entry(p, size - 1, &proof, &err);
    journal_prover_close(p);
    buf_free(&proof);
    int64_t changed = exists(d, CHECKPOINT, &st) ? (int64_t)st.st_mtim.tv_sec * UTC_SECOND : 0;
    if (rc < 0)
        doctor_say(d, DOCTOR_WRONG, "newest tiles", "ebb log verify", "%s", err.text);
    else if (all > size && d->serving && d->now - changed > PUBLISH_US)
        doctor_say(d, DOCTOR_WRONG, "age", "look at the recorder: journalctl, `ebb status`",
                   "%" PRIu64 " entries are not under a checkpoint, the last is %" PRId64 " s old",
                   all - size, (int64_t)((d->now - changed) / UTC_SECOND));
    else if (all > size && !d->serving)
        doctor_say(d, DOCTOR_WARN, "age", "the next command that writes publishes them",
                   "%" PRIu64 " entries are not under a checkpoint", all - size);
    else
        doctor_say(d, DOCTOR_OK, "", "`ebb log verify` reads the whole log",
                   "%" PRIu64 " entries, signed; the newest is proved", size);
}

/* ---- a torn tail ---- */

/* 1 something that is no whole entry follows, 0 nothing, negative. */
static int look_behind(const struct doctor *d, int fd, struct err *err)
{
    struct segment_list list;
    struct segment_reader r;
    struct record rec;
    uint64_t size = journal_committed(d->c.journal);
    int rc = segment_list_read(fd, &list, err);
    if (rc < 0 || !list.n)
        return rc;
    uint64_t first = list.first[list.n - 1];
    segment_list_free(&list);
    if (first > size)
        return 0;
    rc = segment_open(&r, fd, first, journal_origin(d->c.journal), err);
    if (rc < 0)
        return rc == -EBADMSG ? 1 : rc;
    rc = segment_seek(&r, fd, size, err);
    if (rc == 1)
        rc = segment_next(&r, &rec, err);
    segment_close(&r);
    return rc == -EBADMSG ? 1 : rc < 0 ? rc : 0;
}

static void tail(struct doctor *d)
{
    char path[FILE_PATH_MAX];
    struct err err;
    if (!d->c.journal || d->serving) {
        doctor_say(d, DOCTOR_SKIPPED, "", "",
                   d->serving ? "`ebb serve` writes there" : "the log cannot be opened");
        return;
    }
    int rc = file_path(path, &err, "%s/journal", d->dir);
    int fd = rc < 0 ? rc : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    rc = fd < 0 ? -EACCES : look_behind(d, fd, &err);
    if (fd >= 0)
        close(fd);
    if (rc == 1)
        doctor_say(d, DOCTOR_WARN, "", "nothing: the next command that writes cuts it",
                   "behind the last entry is a piece of one, as a crash leaves it");
    else
        doctor_say(d, rc < 0 ? DOCTOR_SKIPPED : DOCTOR_OK, "", "",
                   rc < 0 ? "it cannot be read" : "ends with a whole entry");
}

/* ---- views ---- */

/* Those that are kept up to date by who writes. The others may be large, and are brought up by the
 * keeper or by the command that wants them. */
static void views(struct doctor *d)
{
    struct casedir c = {.quiet = true};
    struct err err;
    uint64_t worst = 0;
    const char *which = "";
    int rc = d->c.journal ? casedir_open(&c, d->dir, JOURNAL_READ, &err) : -ENOENT;
    if (rc == 0)
        rc = casedir_peek_views(&c, &err);
    uint64_t size = rc == 0 ? journal_committed(c.journal) : 0;
    for (const char *const *v = casedir_view_names; rc == 0 && *v; v++) {
        if (!casedir_view_loaded(&c, *v))
            continue;
        uint64_t at = casedir_view_position(&c, *v), lag = size > at ? size - at : 0;
        if (lag > worst) {
            worst = lag;
            which = *v;
        }
    }
    if (rc < 0)
        doctor_say(d, DOCTOR_SKIPPED, "", "", "%s",
                   d->c.journal ? err.text : "the log cannot be opened");
    else if (worst > VIEW_LAG_WARN)
        doctor_say(d, DOCTOR_WARN, which,
                   d->serving
                       ? "look at the keeper: journalctl, `ebb status`"
                       : "the next command that writes or lists reads on, and takes its time",
                   "%" PRIu64 " entries behind the log", worst);
    else
        doctor_say(d, DOCTOR_OK, "", "", "%" PRIu64 " entries behind the log at most", worst);
    casedir_close(&c, NULL);
}

/* ---- daemon, keys ---- */

static void daemon_runs(struct doctor *d)
{
    if (d->serving)
        doctor_say(d, DOCTOR_OK, "", "", "`ebb serve` runs");
    else if (d->c.config && d->c.config->serve.listen_count)
        doctor_say(d, DOCTOR_WARN, "", "start it: systemctl start ebb@NAME",
                   "ebb.yaml has listeners, and `ebb serve` does not run");
    else
        doctor_say(d, DOCTOR_SKIPPED, "", "", "ebb.yaml has no listeners");
}

static void rotation(struct doctor *d)
{
    struct stat st;
    if (exists(d, NEXT_KEY, &st))
        doctor_say(d, DOCTOR_WARN, "", "any command that writes finishes it",
                   "a replacement of the log's key was interrupted");
    else
        doctor_say(d, DOCTOR_OK, "", "", "no replacement of the log's key is under way");
}

/* ---- from outside ---- */

static int last_stamp(void *ctx, const struct handover_timestamp *t)
{
    *(int64_t *)ctx = t->act.when;
    return 0;
}

static int last_cosignature(void *ctx, const struct handover_cosignature *c)
{
    *(int64_t *)ctx = c->recorded;
    return 0;
}

static void anchor(struct doctor *d, bool wanted, const char *todo, int64_t last)
{
    if (!wanted) {
        doctor_say(d, DOCTOR_SKIPPED, "", "", "ebb.yaml names none");
        return;
    }
    if (!last) {
        doctor_say(d, DOCTOR_WARN, "", todo, "none was ever given");
        return;
    }
    double days = (double)(d->now - last) / (double)UTC_DAY;
    enum doctor_state s = doctor_over(days, ANCHOR_DAYS, ANCHOR_WRONG);
    doctor_say(d, s, "", s == DOCTOR_OK ? "" : todo, "the last is %.1f days old", days);
}

static void timestamps(struct doctor *d)
{
    int64_t last = 0;
    bool wanted = d->c.config && d->c.config->evidence.tsa.url[0];
    if (wanted && d->views)
        handovers_timestamps(d->c.pursuit, last_stamp, &last, NULL);
    anchor(d, wanted, "ebb log timestamp, or its timer", last);
}

static void witnesses(struct doctor *d)
{
    int64_t last = 0;
    bool wanted = d->c.config && d->c.config->evidence.witnesses_count;
    if (wanted && d->views)
        handovers_cosignatures(d->c.pursuit, last_cosignature, &last, NULL);
    anchor(d, wanted, "ebb log witness, or its timer", last);
}

const struct doctor_check doctor_log_checks[] = {
    {"log", checkpoint},      {"log end", tail},
    {"views", views},         {"serve", daemon_runs},
    {"log key", rotation},    {"time stamps", timestamps},
    {"witnesses", witnesses}, {0}};
