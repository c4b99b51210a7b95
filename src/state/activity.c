#include "state/activity.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utc.h"
#include "state/activity_impl.h"
#include "state/census.h"

/* So many runs of one level are merged into one of the next. */
#define FANIN 32

static int map_file(struct activity *a, const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_errno(err, "%s", path);
    struct stat st;
    int rc = 1;
    void *map = MAP_FAILED;
    if (fstat(fd, &st) < 0)
        rc = err_errno(err, "%s", path);
    else if (!S_ISREG(st.st_mode))
        rc = err_set(err, -EINVAL, "%s: not a file", path);
    else if (st.st_size == 0)
        rc = err_set(err, -EBADMSG, "empty");
    else if ((map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0)) == MAP_FAILED)
        rc = err_errno(err, "%s", path);
    close(fd);
    if (rc == 1) {
        a->map = map;
        a->map_size = (size_t)st.st_size;
    }
    return rc;
}

static void unmap(struct activity *a)
{
    if (a->map)
        munmap(a->map, a->map_size);
    a->map = NULL;
}

/* 1 loaded, 0 there is none. */
static int load(struct activity *a, struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = file_path(path, err, "%s/activity", a->dir);
    if (rc == 0)
        rc = map_file(a, path, err);
    if (rc <= 0)
        return rc;
    rc =
        activity_file_read(span_of(a->map, a->map_size), &a->position, &a->families, &a->base, err);
    if (rc < 0)
        unmap(a);
    return rc < 0 ? rc : 1;
}

static struct activity *new_activity(const char *dir)
{
    struct activity *a = mem_zeroed(1, sizeof *a);
    a->dir = mem_resize(NULL, strlen(dir) + 1, 1);
    strcpy(a->dir, dir);
    return a;
}

int activity_open(const char *dir, struct activity **out, struct err *err)
{
    struct err why = {0};
    *out = new_activity(dir);
    int rc = load(*out, &why);
    if (rc == -EBADMSG) {
        log_line(LOG_WARN, "snapshot of activity dropped, it can be rebuilt",
                 "file=\"%s/activity\" why=\"%s\"", dir, why.text);
        return 0;
    }
    if (rc >= 0)
        return 0;
    activity_close(*out);
    *out = NULL;
    return err_set(err, rc, "activity: %s", why.text);
}

/* Everything taken in is forgotten. */
static void clear(struct activity *a)
{
    for (size_t i = 0; i < a->nruns; i++)
        activity_run_free(&a->runs[i]);
    a->nruns = 0;
    activity_run_free(&a->base);
    dict_free(&a->families);
    unmap(a);
    touches_free(&a->touches);
    a->family_name.n = 0;
}

void activity_close(struct activity *a)
{
    if (!a)
        return;
    clear(a);
    buf_free(&a->family_name);
    free(a->runs);
    free(a->dir);
    free(a);
}

uint64_t activity_position(const struct activity *a)
{
    return a->position;
}

void activity_advance(struct activity *a, uint64_t position)
{
    a->position = position;
}

/* Merges the newest runs while there are FANIN of one level. */
static void compact(struct activity *a)
{
    while (a->nruns >= FANIN) {
        struct activity_run *first = &a->runs[a->nruns - FANIN], merged;
        unsigned level = a->runs[a->nruns - 1].level;
        const struct activity_run *runs[FANIN];
        if (first->level != level)
            return;
        for (size_t i = 0; i < FANIN; i++)
            runs[i] = &first[i];
        if (activity_run_merge(runs, FANIN, &merged) < 0)
            abort(); /* runs in memory are our own */
        merged.level = level + 1;
        for (size_t i = 0; i < FANIN; i++)
            activity_run_free(&first[i]);
        *first = merged;
        a->nruns -= FANIN - 1;
    }
}

/* What just came in becomes a run. */
static void settle(struct activity *a)
{
    struct touches *t = &a->touches;
    if (t->n4 + t->n6 + t->nbots == 0)
        return;
    a->runs = mem_room(a->runs, a->nruns, &a->runs_cap, sizeof *a->runs);
    activity_run_from(t, &a->runs[a->nruns++]);
    compact(a);
}

/* All runs, the base first; free(). Returns how many. */
static size_t all_runs(const struct activity *a, const struct activity_run ***out)
{
    *out = mem_zeroed(a->nruns + 1, sizeof **out);
    (*out)[0] = &a->base;
    for (size_t i = 0; i < a->nruns; i++)
        (*out)[i + 1] = &a->runs[i];
    return a->nruns + 1;
}

static uint32_t family_of(struct activity *a, struct span name)
{
    if (a->family_name.n && span_eq(name, buf_as_span(&a->family_name)))
        return a->family;
    a->family = dict_family(&a->families, name);
    a->family_name.n = 0;
    buf_span(&a->family_name, name);
    return a->family;
}

/* How many contacts an event stands for. */
static unsigned contacts_of(const struct event *ev)
{
    static const char column[] = "count";
    if (!ev->feed.has)
        return 1;
    for (size_t i = 0; i < ev->feed.n && ev->feed.cells[i].key.n < sizeof column; i++) {
        const struct feed_cell *c = &ev->feed.cells[i];
        unsigned n = 0;
        if (!span_is(c->key, column))
            continue;
        for (size_t k = 0; k < c->value.n; k++) {
            unsigned digit = (unsigned)c->value.p[k] - '0';
            if (digit > 9)
                return 1;
            n = 10 * n + digit < ACTIVITY_CONTACTS_MAX ? 10 * n + digit : ACTIVITY_CONTACTS_MAX;
        }
        return n ? n : 1;
    }
    return 1;
}

uint32_t activity_source(const struct ip *ip)
{
    return (uint32_t)XXH3_64bits(ip->b, sizeof ip->b);
}

static struct activity_key bot_key(const struct event *ev)
{
    uint64_t asn = ev->asn <= UINT32_MAX ? ev->asn : 0,
             bot = XXH3_64bits(ev->bot_id.p, ev->bot_id.n);
    uint64_t country = ev->country.n == 2 ? be16_get(ev->country.p) : 0;
    return (struct activity_key){bot >> 16 << 16 | asn >> 16,
                                 asn << 48 | country << 32 | activity_source(&ev->src_ip)};
}

void activity_add(struct activity *a, const struct event *ev)
{
    uint16_t day;
    if (!census_counts(ev))
        return;
    if (!census_day(ev, &day)) {
        if (!a->warned)
            log_line(LOG_WARN, "activity passes over events before 1970 or after 2149",
                     "time_us=%lld", (long long)ev->time);
        a->warned = true;
        return;
    }
    uint32_t family = family_of(a, census_family(ev));
    unsigned hour = (unsigned)((ev->time - day * UTC_DAY) / (3600 * UTC_SECOND));
    unsigned contacts = contacts_of(ev);
    struct activity_key key = {0, ip_is_v4(&ev->src_ip) ? ip_v4(&ev->src_ip) : 0};
    enum activity_sort sort = SORT_V4;
    if (!ip_is_v4(&ev->src_ip)) {
        sort = SORT_V6;
        key = (struct activity_key){be64_get(ev->src_ip.b), be64_get(ev->src_ip.b + 8)};
    }
    touches_add(&a->touches, family, sort, &key, day, hour, contacts);
    if (ev->bot_id.n) {
        key = bot_key(ev);
        touches_add(&a->touches, family, SORT_BOTS, &key, day, hour, contacts);
    }
    if (touches_full(&a->touches))
        settle(a);
}

/* Lets go of what is in the snapshot now, once that is known to be readable. */
static int go_on_from_snapshot(struct activity *a, struct err *err)
{
    struct activity *fresh = new_activity(a->dir);
    int rc = load(fresh, err);
    if (rc == 0 || (rc == 1 && fresh->position != a->position))
        rc = err_set(err, -EIO, "%s/activity: somebody else changed it", a->dir);
    if (rc == 1) {
        clear(a);
        a->families = fresh->families;
        a->base = fresh->base;
        a->map = fresh->map;
        a->map_size = fresh->map_size;
        fresh->families = (struct dict){0};
        fresh->base = (struct activity_run){0};
        fresh->map = NULL;
    }
    activity_close(fresh);
    return rc < 0 ? rc : 0;
}

int activity_snapshot(struct activity *a, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf bytes = {0};
    const struct activity_run **runs;
    int rc = file_path(path, err, "%s/activity", a->dir);
    if (rc == 0)
        rc = file_mkdirs(a->dir, 0700, err);
    if (rc < 0)
        return rc;
    settle(a);
    size_t n = all_runs(a, &runs);
    rc = activity_file_write(a->position, &a->families, runs, n, &bytes);
    if (rc < 0)
        err_set(err, rc, "activity: the snapshot it goes on from is damaged (%s)", path);
    else
        rc = file_replace(path, buf_as_span(&bytes), 0600, err);
    free(runs);
    buf_free(&bytes);
    return rc < 0 ? rc : go_on_from_snapshot(a, err);
}

/* Sets of one family and sort in all runs. */
static size_t sets_of(const struct activity_run *const *runs, size_t n, uint32_t family,
                      enum activity_sort sort, const struct activity_set **out)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        const struct activity_set *s = activity_run_find(runs[i], family, sort);
        if (s && s->rows)
            out[k++] = s;
    }
    return k;
}

static void name_row(struct activity_row *row, enum activity_sort sort,
                     const struct activity_key *key)
{
    if (sort == SORT_BOTS) {
        uint8_t country[2];
        be16_put(country, (uint16_t)(key->lo >> 32));
        row->bot = key->hi >> 16;
        row->asn = (uint32_t)(key->hi << 16 | key->lo >> 48);
        row->source = (uint32_t)key->lo;
        memcpy(row->country, country, sizeof country);
    } else if (sort == SORT_V4) {
        row->ip = ip_from_v4((uint32_t)key->lo);
    } else {
        be64_put(row->ip.b, key->hi);
        be64_put(row->ip.b + 8, key->lo);
    }
}

/* Rows of one family, to whoever wants them. */
struct walk {
    const struct activity_run **runs;
    size_t n;
    const struct activity_set **sets;
    int (*row)(void *ctx, const struct activity_row *row);
    void *ctx;
};

static int walk_sort(const struct walk *w, uint32_t family, struct span name,
                     enum activity_sort sort)
{
    struct activity_merge m;
    struct activity_row row = {.family = name};
    size_t k = sets_of(w->runs, w->n, family, sort, w->sets);
    int rc = 0, more = 0;
    if (k == 0)
        return 0;
    activity_merge_init(&m, w->sets, k);
    while (rc == 0 && (more = activity_merge_next(&m)) > 0) {
        name_row(&row, sort, &m.key);
        row.days = m.days;
        row.n = m.ndays;
        rc = w->row(w->ctx, &row);
    }
    activity_merge_free(&m);
    return more < 0 ? -EBADMSG : rc;
}

static int damaged(const struct activity *a, struct err *err)
{
    return err_set(err, -EBADMSG, "activity: the snapshot is damaged, rebuild it (%s/activity)",
                   a->dir);
}

int activity_rows(struct activity *a, enum activity_what what, struct span family,
                  int (*row)(void *ctx, const struct activity_row *row), void *ctx, struct err *err)
{
    settle(a);
    struct walk w = {.row = row, .ctx = ctx};
    w.n = all_runs(a, &w.runs);
    w.sets = mem_zeroed(w.n, sizeof *w.sets);
    uint32_t *order = dict_families_sorted(&a->families);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < a->families.nfamilies; i++) {
        struct span name = dict_family_name(&a->families, order[i]);
        if (family.n && !span_eq(family, name))
            continue;
        if (what == ACTIVITY_BOTS) {
            rc = walk_sort(&w, order[i], name, SORT_BOTS);
            continue;
        }
        rc = walk_sort(&w, order[i], name, SORT_V4);
        if (rc == 0)
            rc = walk_sort(&w, order[i], name, SORT_V6);
    }
    free(order);
    free(w.runs);
    free(w.sets);
    return rc == -EBADMSG ? damaged(a, err) : rc;
}

/* Adds a family's contacts of one sort: what its one set says, or what comes out of several. */
static int count_sort(const struct walk *w, uint32_t family, enum activity_sort sort,
                      struct activity_set *out)
{
    size_t k = sets_of(w->runs, w->n, family, sort, w->sets);
    *out = (struct activity_set){.day_min = UINT16_MAX};
    if (k == 0)
        return 0;
    if (k == 1) {
        *out = *w->sets[0];
        return 0;
    }
    struct activity_merge m;
    int more;
    activity_merge_init(&m, w->sets, k);
    while ((more = activity_merge_next(&m)) > 0) {
        out->days += m.ndays;
        for (size_t i = 0; i < m.ndays; i++)
            out->contacts += m.days[i].contacts;
        if (m.days[0].day < out->day_min)
            out->day_min = m.days[0].day;
        if (m.days[m.ndays - 1].day > out->day_max)
            out->day_max = m.days[m.ndays - 1].day;
    }
    activity_merge_free(&m);
    return more < 0 ? -EBADMSG : 0;
}

static int count_family(const struct walk *w, uint32_t family, struct activity_family *f)
{
    struct activity_set v4, v6, bots;
    int rc = count_sort(w, family, SORT_V4, &v4);
    if (rc == 0)
        rc = count_sort(w, family, SORT_V6, &v6);
    if (rc == 0)
        rc = count_sort(w, family, SORT_BOTS, &bots);
    if (rc < 0)
        return rc;
    f->address_days = v4.days + v6.days;
    f->contacts = v4.contacts + v6.contacts;
    f->bot_days = bots.days;
    f->bot_contacts = bots.contacts;
    f->day_min = v4.day_min < v6.day_min ? v4.day_min : v6.day_min;
    f->day_max = v4.day_max > v6.day_max ? v4.day_max : v6.day_max;
    return 0;
}

int activity_families(struct activity *a, int (*family)(void *ctx, const struct activity_family *f),
                      void *ctx, struct err *err)
{
    settle(a);
    struct walk w = {0};
    w.n = all_runs(a, &w.runs);
    w.sets = mem_zeroed(w.n, sizeof *w.sets);
    uint32_t *order = dict_families_sorted(&a->families);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < a->families.nfamilies; i++) {
        struct activity_family f = {.name = dict_family_name(&a->families, order[i])};
        rc = count_family(&w, order[i], &f);
        if (rc == 0)
            rc = family(ctx, &f);
    }
    free(order);
    free(w.runs);
    free(w.sets);
    return rc == -EBADMSG ? damaged(a, err) : rc;
}
