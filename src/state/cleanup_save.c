/* The cleanup view as a file: magic, version, position, the texts, the arrays as they lie, XXH3-64
 * of all before it. It is this machine's own, and can be made again: so numbers are in its byte
 * order, and the version holds their sizes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "state/cleanup_impl.h"

#define MAGIC     "ebb-clean\n"
#define FILE_MOST (4ull << 30)
#define VERSION                                                                                    \
    (1u << 28 | sizeof(struct report_slot) << 16 | sizeof(struct contact_slot) << 8 |              \
     sizeof(struct trial_slot))
_Static_assert(sizeof(struct contact_slot) < 256 && sizeof(struct trial_slot) < 256, "VERSION");

struct array {
    void **p;
    size_t *n, *cap, size;
};

static void arrays_of(struct cleanup *c, struct array out[5])
{
    out[0] =
        (struct array){(void **)&c->reports, &c->n_reports, &c->cap_reports, sizeof *c->reports};
    out[1] = (struct array){(void **)&c->slots, &c->n_slots, &c->cap_slots, sizeof *c->slots};
    out[2] = (struct array){(void **)&c->ids, &c->n_ids, &c->cap_ids, sizeof *c->ids};
    out[3] = (struct array){(void **)&c->trials, &c->n_trials, &c->cap_trials, sizeof *c->trials};
    out[4] = (struct array){(void **)&c->arms, &c->n_arms, &c->cap_arms, sizeof *c->arms};
}
#define ARRAYS 5

int cleanup_snapshot(struct cleanup *c, struct err *err)
{
    struct buf out = {0};
    struct array a[ARRAYS];
    arrays_of(c, a);
    buf_str(&out, MAGIC);
    buf_be32(&out, (uint32_t)VERSION);
    buf_be64(&out, c->position);
    texts_save(&c->contacts, &out);
    texts_save(&c->message_ids, &out);
    texts_save(&c->words, &out);
    texts_save(&c->returned, &out);
    for (int i = 0; i < ARRAYS; i++) {
        buf_be64(&out, *a[i].n);
        buf_put(&out, *a[i].p, *a[i].n * a[i].size);
    }
    buf_be64(&out, XXH3_64bits(out.p, out.n));
    int rc = file_replace(c->path, buf_as_span(&out), 0600, err);
    buf_free(&out);
    return rc;
}

static bool load_array(struct array *a, struct cur *c)
{
    uint64_t n;
    struct span bytes;
    if (!cur_u64(c, &n) || n > cur_left(c) / a->size || !cur_take(c, (size_t)n * a->size, &bytes))
        return false;
    *a->p = mem_resize(*a->p, (size_t)n, a->size);
    if (n)
        memcpy(*a->p, bytes.p, bytes.n);
    *a->n = *a->cap = (size_t)n;
    return true;
}

/* The checksum finds accidents; numbers that point nowhere would be a program's mistake, and are
 * found all the same. */
static bool is_sound(const struct cleanup *c)
{
    bool good = c->n_slots == c->contacts.n && c->n_ids == c->message_ids.n;
    for (size_t i = 0; good && i < c->n_reports; i++) {
        const struct report_slot *r = &c->reports[i];
        good = r->contact < c->n_slots && r->message_id < c->n_ids && r->state < CLEANUP_STATES &&
               (r->older == CLEANUP_NO_REPORT || r->older < i) &&
               (i == 0 || c->reports[i - 1].report < r->report);
    }
    for (size_t i = 0; good && i < c->n_slots; i++)
        good = c->slots[i].newest == CLEANUP_NO_REPORT || c->slots[i].newest < c->n_reports;
    for (size_t i = 0; good && i < c->n_ids; i++)
        good = c->ids[i] < c->n_reports;
    for (size_t i = 0; good && i < c->n_arms; i++)
        good = c->arms[i].contact < c->n_slots;
    for (size_t i = 0; good && i < c->n_trials; i++)
        good = c->trials[i].first_arm <= c->trials[i].end_arm && c->trials[i].end_arm <= c->n_arms;
    return good;
}

static bool load(struct cleanup *c, struct span file)
{
    struct array a[ARRAYS];
    struct span magic;
    uint32_t version;
    if (file.n < 8 || be64_get(file.p + file.n - 8) != XXH3_64bits(file.p, file.n - 8))
        return false;
    struct cur cur = cur_of(span_of(file.p, file.n - 8));
    bool good = cur_take(&cur, strlen(MAGIC), &magic) && span_is(magic, MAGIC) &&
                cur_u32(&cur, &version) && version == (uint32_t)VERSION &&
                cur_u64(&cur, &c->position) && texts_load(&c->contacts, &cur) &&
                texts_load(&c->message_ids, &cur) && texts_load(&c->words, &cur) &&
                texts_load(&c->returned, &cur);
    arrays_of(c, a);
    for (int i = 0; good && i < ARRAYS; i++)
        good = load_array(&a[i], &cur);
    return good && cur_left(&cur) == 0 && is_sound(c);
}

static void empty(struct cleanup *c)
{
    struct array a[ARRAYS];
    arrays_of(c, a);
    for (int i = 0; i < ARRAYS; i++) {
        free(*a[i].p);
        *a[i].p = NULL;
        *a[i].n = *a[i].cap = 0;
    }
    texts_free(&c->contacts);
    texts_free(&c->message_ids);
    texts_free(&c->words);
    texts_free(&c->returned);
    c->position = 0;
}

int cleanup_open(const char *dir, struct cleanup **out, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf file = {0};
    int rc = file_path(path, err, "%s/cleanup", dir);
    if (rc < 0)
        return rc;
    struct cleanup *c = mem_zeroed(1, sizeof *c);
    c->path = strdup(path);
    if (file_exists(path)) {
        rc = file_read(path, FILE_MOST, &file, err);
        if (rc == 0 && !load(c, buf_as_span(&file))) {
            log_line(LOG_WARN, "the view is damaged or of another version; it is made anew",
                     "file=%s", path);
            empty(c);
        }
        buf_free(&file);
    }
    if (rc < 0)
        cleanup_close(c);
    else
        *out = c;
    return rc;
}

void cleanup_close(struct cleanup *c)
{
    empty(c);
    free(c->path);
    free(c);
}

uint64_t cleanup_position(const struct cleanup *c)
{
    return c->position;
}

void cleanup_advance(struct cleanup *c, uint64_t position)
{
    c->position = position;
}
