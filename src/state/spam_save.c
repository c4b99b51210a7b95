/* The spam view as files: the snapshot, and the two tails that it says the length of. */
#include <errno.h>
#include <xxhash.h>

#include "base/log.h"
#include "base/mem.h"
#include "state/spam_impl.h"

#define SPAM_MAGIC    "ebb-spm\n"
#define SPAM_VERSION  1
#define SPAM_HEAD     72 /* bytes before the parts */
#define SPAM_FILE_MAX (2ull << 30)
#define FACTS_FILE    "spam.facts"
#define RETIRED_FILE  "spam.retired"

static void on_retired(void *ctx, const struct campaign *c)
{
    struct spam *s = ctx;
    /* a single mail's fact says all that there is, unless it counts for others, or they for it */
    if (c->mails > 1 || campaigns_merged(s->campaigns, c->id))
        campaign_encode(c, tail_pending(s->retired));
}

/* magic version(4) 0(4) position facts facts_check retired_bytes retired_check
 * length of each part(4 x 4), then the parts: names, sensors, dialects, campaigns; then XXH3-64. */
enum { PART_NAMES, PART_SENSORS, PART_DIALECTS, PART_CAMPAIGNS, PARTS };

static void save_sensors(const struct spam *s, struct buf *out)
{
    for (size_t i = 0; i < s->n_sensors; i++) {
        buf_be64(out, s->sensors[i].index);
        buf_be32(out, s->sensors[i].name);
    }
}

static void save_part(struct spam *s, unsigned part, struct buf *out)
{
    switch (part) {
    case PART_NAMES:
        names_save(&s->names, out);
        break;
    case PART_SENSORS:
        save_sensors(s, out);
        break;
    case PART_DIALECTS:
        dialects_save(s->dialects, out);
        break;
    default:
        campaigns_save(s->campaigns, out);
    }
}

static void encode(struct spam *s, struct buf *out)
{
    buf_str(out, SPAM_MAGIC);
    buf_be32(out, SPAM_VERSION);
    buf_be32(out, 0);
    buf_be64(out, s->position);
    buf_be64(out, tail_bytes(s->facts));
    buf_be64(out, tail_check(s->facts));
    buf_be64(out, tail_bytes(s->retired));
    buf_be64(out, tail_check(s->retired));
    size_t lengths = out->n;
    for (unsigned i = 0; i < PARTS; i++)
        buf_be32(out, 0);
    for (unsigned i = 0; i < PARTS; i++) {
        size_t begun = out->n;
        save_part(s, i, out);
        be32_put(out->p + lengths + 4 * (size_t)i, (uint32_t)(out->n - begun));
    }
    buf_be64(out, XXH3_64bits(out->p, out->n));
}

int spam_snapshot(struct spam *s, struct err *err)
{
    struct buf out = {0};
    int rc = tail_write(s->facts, err);
    if (rc == 0)
        rc = tail_write(s->retired, err);
    if (rc < 0)
        return rc;
    encode(s, &out);
    rc = file_replace(s->path, buf_as_span(&out), 0600, err);
    buf_free(&out);
    return rc;
}

size_t spam_pending_bytes(const struct spam *s)
{
    return tail_pending(s->facts)->n + tail_pending(s->retired)->n;
}

static bool load_sensors(struct spam *s, struct span bytes)
{
    struct cur c = cur_of(bytes);
    uint64_t index;
    uint32_t name;
    while (cur_left(&c)) {
        if (!cur_u64(&c, &index) || !cur_u32(&c, &name) || name > s->names.n)
            return false;
        s->sensors = mem_room(s->sensors, s->n_sensors, &s->cap_sensors, sizeof *s->sensors);
        s->sensors[s->n_sensors++] = (struct sensor){index, name};
    }
    return true;
}

static bool load_parts(struct spam *s, const struct span part[PARTS])
{
    struct cur names = cur_of(part[PART_NAMES]);
    return names_load(&s->names, &names) && cur_left(&names) == 0 &&
           load_sensors(s, part[PART_SENSORS]) &&
           dialects_load(s->dialects, part[PART_DIALECTS]) == 0 &&
           campaigns_load(s->campaigns, part[PART_CAMPAIGNS]) == 0;
}

struct head {
    uint64_t position, facts, facts_check, retired, retired_check;
};

static bool read_head(struct cur *c, struct head *head, struct span part[PARTS])
{
    struct span magic;
    uint32_t version, zero, length[PARTS];
    if (!cur_take(c, 8, &magic) || !span_is(magic, SPAM_MAGIC) || !cur_u32(c, &version) ||
        version != SPAM_VERSION || !cur_u32(c, &zero) || !cur_u64(c, &head->position) ||
        !cur_u64(c, &head->facts) || !cur_u64(c, &head->facts_check) ||
        !cur_u64(c, &head->retired) || !cur_u64(c, &head->retired_check) || head->facts % FACT_LEN)
        return false;
    for (unsigned i = 0; i < PARTS; i++)
        if (!cur_u32(c, &length[i]))
            return false;
    for (unsigned i = 0; i < PARTS; i++)
        if (!cur_take(c, length[i], &part[i]))
            return false;
    return cur_left(c) == 0;
}

static bool is_whole(struct span *bytes)
{
    if (bytes->n < SPAM_HEAD + 8)
        return false;
    bytes->n -= 8;
    return be64_get(bytes->p + bytes->n) == XXH3_64bits(bytes->p, bytes->n);
}

static void make_parts(struct spam *s)
{
    const struct campaigns_hooks hooks = {s, on_retired};
    s->campaigns = campaigns_new(&hooks);
    if (s->live_max)
        campaigns_set_live_max(s->campaigns, s->live_max);
    s->dialects = dialects_new();
}

static void free_parts(struct spam *s)
{
    if (s->campaigns)
        campaigns_free(s->campaigns);
    if (s->dialects)
        dialects_free(s->dialects);
    if (s->facts)
        tail_close(s->facts);
    if (s->retired)
        tail_close(s->retired);
    names_free(&s->names);
    s->campaigns = NULL;
    s->dialects = NULL;
    s->facts = NULL;
    s->retired = NULL;
    s->n_sensors = 0;
    s->position = 0;
}

static int load(struct spam *s, const char *dir, struct err *err)
{
    struct buf file = {0};
    struct head head = {0};
    struct span part[PARTS];
    int rc = file_read(s->path, SPAM_FILE_MAX, &file, err);
    if (rc == 0) {
        struct span bytes = buf_as_span(&file);
        bool whole = is_whole(&bytes);
        struct cur c = cur_of(bytes);
        if (!whole || !read_head(&c, &head, part) || !load_parts(s, part))
            rc = err_set(err, -EBADMSG, "%s: damaged", s->path);
    }
    if (rc == 0)
        rc = tail_open(dir, FACTS_FILE, head.facts, head.facts_check, &s->facts, err);
    if (rc == 0)
        rc = tail_open(dir, RETIRED_FILE, head.retired, head.retired_check, &s->retired, err);
    if (rc == 0)
        s->position = head.position;
    buf_free(&file);
    return rc;
}

static int start_empty(struct spam *s, const char *dir, struct err *err)
{
    free_parts(s);
    make_parts(s);
    int rc = tail_open(dir, FACTS_FILE, 0, 0, &s->facts, err);
    return rc == 0 ? tail_open(dir, RETIRED_FILE, 0, 0, &s->retired, err) : rc;
}

int spam_open(const char *dir, const struct spam_source *source, struct spam **out, struct err *err)
{
    return spam_open_small(dir, source, 0, out, err);
}

int spam_open_small(const char *dir, const struct spam_source *source, uint32_t live_max,
                    struct spam **out, struct err *err)
{
    struct spam *s = mem_zeroed(1, sizeof *s);
    struct err why;
    s->source = *source;
    s->live_max = live_max;
    arena_init(&s->arena);
    make_parts(s);
    int rc = file_path(s->path, err, "%s/spam", dir);
    if (rc == 0) {
        rc = load(s, dir, &why);
        if (rc < 0 && rc != -ENOENT)
            log_line(LOG_WARN, "a view is made anew", "view=spam why=\"%s\"", why.text);
        if (rc < 0)
            rc = start_empty(s, dir, err);
    }
    if (rc < 0) {
        spam_close(s);
        return rc;
    }
    *out = s;
    return 0;
}

void spam_close(struct spam *s)
{
    if (s->lost)
        log_line(LOG_WARN, "mails without their bytes are in no campaign", "mails=%llu",
                 (unsigned long long)s->lost);
    free_parts(s);
    free(s->sensors);
    free(s->proposal);
    arena_free(&s->arena);
    buf_free(&s->raw);
    free(s);
}
