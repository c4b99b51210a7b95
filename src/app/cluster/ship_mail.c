/* Mails: rows of the facts that the spam view has of them, which the case's writer makes. A command
 * has brought the view to the log's end; a daemon takes what the recorder saved last. */
#include <errno.h>
#include <sys/stat.h>

#include "app/cluster/ship_impl.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#define LOOK_MS 5000

/* ---- campaigns that count for others ---- */

struct roots {
    struct ship *s;
    struct clickhouse_seen seen;
};

static int note_root(void *ctx, const struct fact *f)
{
    struct roots *r = ctx;
    const struct campaigns *c = spam_campaigns(r->s->c->spam);
    uint32_t row = 0;
    if (f->campaign == FACT_NO_CAMPAIGN || !campaigns_merged(c, f->campaign) ||
        clickhouse_seen_bit(&r->seen, span_of(&f->campaign, 8), 1, &row) == CLICKHOUSE_SENT)
        return 0;
    r->s->roots = mem_room(r->s->roots, r->s->roots_n, &r->s->roots_cap, sizeof *r->s->roots);
    r->s->roots[r->s->roots_n++] = (struct ship_root){f->campaign, campaigns_root(c, f->campaign)};
    return 0;
}

static int read_roots(struct ship *s, struct err *err)
{
    struct roots r = {.s = s};
    s->roots_n = 0;
    clickhouse_seen_init(&r.seen, 1 << 16);
    int rc = spam_facts(s->c->spam, note_root, &r, err);
    clickhouse_seen_free(&r.seen);
    s->roots_version++;
    return rc;
}

/* ---- the view ---- */

static int64_t file_time(struct ship *s)
{
    char path[FILE_PATH_MAX];
    struct stat st;
    if (file_path(path, NULL, "%s/views/spam", s->c->dir) < 0 || stat(path, &st) < 0)
        return 0;
    return (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

static int load(struct ship *s, struct err *err)
{
    s->mails_to = spam_position(s->c->spam);
    return spam_mails(s->c->spam) ? read_roots(s, err) : 0;
}

int ship_mail_look(struct ship *s, struct err *err)
{
    if (s->ways.whole_log) {
        int rc = s->mails_to ? 0 : load(s, err);
        if (s->mails_to > s->end)
            s->mails_to = s->end;
        return rc;
    }
    if (s->spam_looked && clock_ms() - s->spam_looked < LOOK_MS)
        return 0;
    int64_t time = file_time(s);
    s->spam_looked = clock_ms();
    if (time == s->spam_time && s->mails_to)
        return 0;
    spam_close(s->c->spam);
    s->c->spam = NULL;
    int rc = casedir_load_views(s->c, VIEW_SPAM, err);
    s->spam_time = time;
    return rc < 0 ? rc : load(s, err);
}

uint64_t ship_mail_end(const struct ship *s, uint64_t read)
{
    return s->last_mail > s->mails_to && s->mails_to < read ? s->mails_to : read;
}

bool ship_mail_due(const struct ship *s, unsigned shard)
{
    const struct ship_shard *x = &s->shard[shard];
    if (s->mails_to < x->mails_hold)
        return false; /* the view has not heard of the redaction yet */
    return x->stream[SHIP_MAILS].read < s->mails_to || (s->roots_n && x->roots != s->roots_version);
}

/* ---- a batch ---- */

struct mail_round {
    struct ship *s;
    unsigned shard;
    uint64_t to; /* behind the last that was looked at */
};

static int take_fact(void *ctx, const struct fact *f)
{
    struct mail_round *r = ctx;
    struct ship *s = r->s;
    struct ship_shard *x = &s->shard[r->shard];
    const struct ship_stream *t = &x->stream[SHIP_MAILS];
    if (f->index >= s->mails_to || (t->window.to > t->read && f->index >= t->window.to))
        return 1;
    if (clickhouse_shard(f->source, s->n) == r->shard && !ship_window_has(&t->window, f->index)) {
        struct clickhouse_mail m = {.fact = f,
                                    .family = spam_name(s->c->spam, f->family),
                                    .sensor = spam_name(s->c->spam, f->sensor)};
        for (unsigned i = 0; i < FACT_BRANDS; i++)
            if (f->brand[i])
                m.brand[m.brands++] = spam_name(s->c->spam, f->brand[i]);
        clickhouse_batch_mail(x->batch, &m);
    }
    r->to = f->index + 1;
    return clickhouse_batch_rows(x->batch) >= s->config->batch_rows;
}

int ship_mail_round(struct ship *s, unsigned shard, struct err *err)
{
    struct ship_shard *x = &s->shard[shard];
    struct ship_stream *t = &x->stream[SHIP_MAILS];
    struct mail_round r = {.s = s, .shard = shard, .to = t->read};
    uint64_t from = t->read;
    bool window = t->read < x->doubt;
    int rc = from < s->mails_to ? spam_facts_from(s->c->spam, from, take_fact, &r, err) : 0;
    if (rc < 0)
        return rc;
    bool full = clickhouse_batch_rows(x->batch) >= s->config->batch_rows;
    if (!full)
        r.to = window && t->window.to < s->mails_to ? t->window.to : s->mails_to;
    for (size_t i = 0; x->roots != s->roots_version && i < s->roots_n; i++)
        clickhouse_batch_root(x->batch, s->roots[i].campaign, s->roots[i].root, s->mails_to);
    x->roots = s->roots_version;
    return ship_flush(s, shard, SHIP_MAILS, r.to > from ? r.to : from, err);
}

void ship_mail_anew(struct ship *s, unsigned shard, uint64_t redaction)
{
    struct ship_stream *t = &s->shard[shard].stream[SHIP_MAILS];
    s->shard[shard].mails_hold = redaction + 1;
    free(t->window.v);
    t->window = (struct ship_window){0};
    t->position = t->read = 0;
    s->shard[shard].roots = 0;
}
