/* The view `judgements`: what the log says addresses are, by ebb's tests and by persons.
 *
 * The file: magic(8) version(4) position(8) addresses(8), each address(16) role(1) entry(8), in
 * order; overrulings(4), each network(16) bits(1) role(1) entry(8) by why (4 and text each), in
 * order; XXH3 of all before it (8). */
#include <errno.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "event/act_cleanup.h"
#include "state/judge_impl.h"
#include "state/judge_view.h"

#define MAGIC     "ebb-jdg\n"
#define VERSION   1
#define CHECK     8
#define FILE_MAX  (4ull << 30)
#define SLOTS_MIN 1024
#define ROW_LEN   25

struct judged_row {
    struct ip ip; /* not set: free */
    uint64_t entry;
    uint8_t role;
};

struct overruling {
    struct net network;
    enum judged role;
    uint64_t entry;
    struct buf by, why;
};

struct judgements {
    char path[FILE_PATH_MAX];
    uint64_t position;
    struct judged_row *rows; /* open addressing */
    size_t size, n;
    struct overruling *overruled;
    size_t n_overruled, cap_overruled;
    struct judge_nets nets; /* of these, made when it is asked for */
    bool nets_made;
    int (*blob)(void *ctx, const uint8_t sha256[SHA256_LEN], struct buf *out, struct err *err);
    void *blob_ctx;
};

/* ---- addresses ---- */

static struct judged_row *row_at(struct judged_row *rows, size_t size, const struct ip *ip)
{
    size_t i = XXH3_64bits(ip->b, sizeof ip->b) & (size - 1);
    while (ip_is_set(&rows[i].ip) && memcmp(&rows[i].ip, ip, sizeof *ip) != 0)
        i = (i + 1) & (size - 1);
    return &rows[i];
}

static void room(struct judgements *j)
{
    if (3 * j->n < 2 * j->size)
        return;
    size_t size = j->size ? 2 * j->size : SLOTS_MIN;
    struct judged_row *rows = mem_zeroed(size, sizeof *rows);
    for (size_t i = 0; i < j->size; i++)
        if (ip_is_set(&j->rows[i].ip))
            *row_at(rows, size, &j->rows[i].ip) = j->rows[i];
    free(j->rows);
    j->rows = rows;
    j->size = size;
}

static void set_row(struct judgements *j, const struct ip *ip, enum judged role, uint64_t entry)
{
    room(j);
    struct judged_row *r = row_at(j->rows, j->size, ip);
    j->n += !ip_is_set(&r->ip);
    *r = (struct judged_row){*ip, entry, (uint8_t)role};
}

enum judged judgements_logged(const struct judgements *j, const struct ip *ip, uint64_t *entry)
{
    *entry = 0;
    if (!j->size)
        return JUDGED_UNJUDGED;
    const struct judged_row *r = row_at(j->rows, j->size, ip);
    if (!ip_is_set(&r->ip))
        return JUDGED_UNJUDGED;
    *entry = r->entry;
    return r->role;
}

/* ---- the blob of a ROLES_JUDGED ---- */

static struct span cell(struct span *line)
{
    const uint8_t *comma = line->n ? memchr(line->p, ',', line->n) : NULL;
    struct span s = span_of(line->p, comma ? (size_t)(comma - line->p) : line->n);
    *line = comma ? span_of(comma + 1, line->n - s.n - 1) : span_of(NULL, 0);
    return span_trim(s);
}

uint64_t judge_rows_read(struct span blob,
                         void (*row)(void *ctx, const struct ip *ip, enum judged role), void *ctx)
{
    struct cur c = cur_of(blob);
    uint64_t bad = 0;
    for (bool heading = true; cur_left(&c); heading = false) {
        struct span line = cur_line(&c), address = cell(&line), role = cell(&line);
        struct ip ip;
        int number = judged_of_name(role);
        if (heading && span_is(address, "address"))
            continue;
        if (number < 0 || !ip_parse(address, &ip) || !ip_is_set(&ip))
            bad++;
        else
            row(ctx, &ip, (enum judged)number);
    }
    return bad;
}

struct taking {
    struct judgements *j;
    uint64_t entry;
};

static void take_row(void *ctx, const struct ip *ip, enum judged role)
{
    struct taking *t = ctx;
    set_row(t->j, ip, role, t->entry);
}

static void take_judged(struct judgements *j, uint64_t index, struct span payload)
{
    struct act_roles_judged a;
    struct taking t = {j, index};
    struct buf blob = {0};
    struct err err = {0};
    if (act_roles_judged_read(payload, &a) < 0 || a.sha256.n != SHA256_LEN || !j->blob)
        return;
    if (j->blob(j->blob_ctx, a.sha256.p, &blob, &err) < 0)
        log_line(LOG_WARN, "a list of judgements is not there", "index=%llu why=\"%s\"",
                 (unsigned long long)index, err.text);
    else if (judge_rows_read(buf_as_span(&blob), take_row, &t))
        log_line(LOG_WARN, "a list of judgements has rows that are none", "index=%llu",
                 (unsigned long long)index);
    buf_free(&blob);
}

/* ---- persons ---- */

static bool same_network(const struct net *a, const struct net *b)
{
    return a->bits == b->bits && memcmp(&a->ip, &b->ip, sizeof a->ip) == 0;
}

static void drop_network(struct judgements *j, const struct net *network)
{
    for (size_t i = 0; i < j->n_overruled; i++) {
        if (!same_network(&j->overruled[i].network, network))
            continue;
        buf_free(&j->overruled[i].by);
        buf_free(&j->overruled[i].why);
        memmove(&j->overruled[i], &j->overruled[i + 1],
                (--j->n_overruled - i) * sizeof *j->overruled);
        return;
    }
}

static struct overruling *new_overruling(struct judgements *j)
{
    j->overruled = mem_room(j->overruled, j->n_overruled, &j->cap_overruled, sizeof *j->overruled);
    struct overruling *o = &j->overruled[j->n_overruled++];
    *o = (struct overruling){0};
    j->nets_made = false;
    return o;
}

static void take_overruled(struct judgements *j, uint64_t index, struct span payload)
{
    struct act_role_overruled a;
    struct net network;
    if (act_role_overruled_read(payload, &a) < 0 || !net_parse_any(a.network, &network))
        return;
    int role = judged_of_name(a.role);
    if (role < 0 && a.role.n)
        return; /* a later version's */
    drop_network(j, &network);
    j->nets_made = false;
    if (role < 0)
        return;
    struct overruling *o = new_overruling(j);
    o->network = network;
    o->role = (enum judged)role;
    o->entry = index;
    buf_span(&o->by, a.by);
    buf_span(&o->why, a.why);
}

static void make_nets(struct judgements *j)
{
    if (j->nets_made)
        return;
    judge_nets_free(&j->nets);
    struct judge_net *v = mem_resize(NULL, j->n_overruled, sizeof *v);
    for (size_t i = 0; i < j->n_overruled; i++)
        v[i] = (struct judge_net){j->overruled[i].network, (uint32_t)i};
    judge_nets_make(&j->nets, v, j->n_overruled);
    j->nets_made = true;
}

static void show(const struct overruling *o, struct judge_overruling *out)
{
    *out = (struct judge_overruling){o->network, o->role, buf_as_span(&o->by), buf_as_span(&o->why),
                                     o->entry};
}

bool judgements_overruled(struct judgements *j, const struct ip *ip, struct judge_overruling *out)
{
    make_nets(j);
    int64_t at = judge_nets_find(&j->nets, ip);
    if (at < 0)
        return false;
    show(&j->overruled[at], out);
    return true;
}

static int cmp_network(const void *x, const void *y)
{
    const struct overruling *a = x, *b = y;
    bool v4 = ip_is_v4(&a->network.ip);
    if (v4 != ip_is_v4(&b->network.ip))
        return v4 ? -1 : 1;
    int c = memcmp(&a->network.ip, &b->network.ip, sizeof a->network.ip);
    return c ? c : a->network.bits - b->network.bits;
}

static void sort_overruled(struct judgements *j)
{
    if (j->n_overruled)
        qsort(j->overruled, j->n_overruled, sizeof *j->overruled, cmp_network);
    j->nets_made = false;
}

int judgements_overrulings(struct judgements *j,
                           int (*row)(void *ctx, const struct judge_overruling *o), void *ctx)
{
    struct judge_overruling o;
    int rc = 0;
    sort_overruled(j);
    for (size_t i = 0; rc == 0 && i < j->n_overruled; i++) {
        show(&j->overruled[i], &o);
        rc = row(ctx, &o);
    }
    return rc;
}

void judgements_act(struct judgements *j, uint8_t kind, uint64_t index, struct span payload)
{
    if (kind == KIND_ROLES_JUDGED)
        take_judged(j, index, payload);
    else if (kind == KIND_ROLE_OVERRULED)
        take_overruled(j, index, payload);
}

void judgements_blobs(struct judgements *j,
                      int (*blob)(void *ctx, const uint8_t sha256[SHA256_LEN], struct buf *out,
                                  struct err *err),
                      void *ctx)
{
    j->blob = blob;
    j->blob_ctx = ctx;
}

/* ---- the file ---- */

static int cmp_row(const void *x, const void *y)
{
    return memcmp(*(const struct judged_row *const *)x, *(const struct judged_row *const *)y,
                  sizeof(struct ip));
}

static void put_rows(struct buf *b, const struct judgements *j)
{
    const struct judged_row **v = mem_resize(NULL, j->n, sizeof *v);
    size_t n = 0;
    for (size_t i = 0; i < j->size; i++)
        if (ip_is_set(&j->rows[i].ip))
            v[n++] = &j->rows[i];
    if (n)
        qsort(v, n, sizeof *v, cmp_row);
    buf_be64(b, n);
    for (size_t i = 0; i < n; i++) {
        buf_put(b, v[i]->ip.b, sizeof v[i]->ip.b);
        buf_byte(b, v[i]->role);
        buf_be64(b, v[i]->entry);
    }
    free(v);
}

static void put_text(struct buf *b, const struct buf *text)
{
    buf_be32(b, (uint32_t)text->n);
    buf_span(b, buf_as_span(text));
}

static void put_overruled(struct buf *b, const struct judgements *j)
{
    buf_be32(b, (uint32_t)j->n_overruled);
    for (size_t i = 0; i < j->n_overruled; i++) {
        const struct overruling *o = &j->overruled[i];
        buf_put(b, o->network.ip.b, sizeof o->network.ip.b);
        buf_byte(b, o->network.bits);
        buf_byte(b, (uint8_t)o->role);
        buf_be64(b, o->entry);
        put_text(b, &o->by);
        put_text(b, &o->why);
    }
}

int judgements_snapshot(struct judgements *j, struct err *err)
{
    struct buf b = {0};
    sort_overruled(j);
    buf_str(&b, MAGIC);
    buf_be32(&b, VERSION);
    buf_be64(&b, j->position);
    put_rows(&b, j);
    put_overruled(&b, j);
    buf_be64(&b, XXH3_64bits(b.p, b.n));
    int rc = file_replace(j->path, buf_as_span(&b), 0600, err);
    buf_free(&b);
    return rc;
}

static bool get_rows(struct cur *c, struct judgements *j)
{
    uint64_t n;
    if (!cur_u64(c, &n) || n > cur_left(c) / ROW_LEN)
        return false;
    for (uint64_t i = 0; i < n; i++, c->p += ROW_LEN) {
        struct ip ip;
        memcpy(&ip, c->p, sizeof ip);
        if (!ip_is_set(&ip) || c->p[16] >= JUDGED_ROLES)
            return false;
        set_row(j, &ip, c->p[16], be64_get(c->p + 17));
    }
    return true;
}

static bool get_text(struct cur *c, struct buf *out)
{
    uint32_t n;
    struct span s;
    if (!cur_u32(c, &n) || !cur_take(c, n, &s))
        return false;
    buf_span(out, s);
    return true;
}

static bool get_overruled(struct cur *c, struct judgements *j)
{
    uint32_t n;
    if (!cur_u32(c, &n))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        struct span ip;
        uint8_t bits, role;
        uint64_t entry;
        if (!cur_take(c, 16, &ip) || !cur_u8(c, &bits) || !cur_u8(c, &role) ||
            !cur_u64(c, &entry) || role >= JUDGED_ROLES)
            return false;
        struct ip address = ip_from_bytes(ip.p, true);
        if (bits > (ip_is_v4(&address) ? 32 : 128))
            return false;
        struct overruling *o = new_overruling(j);
        o->network = net_of(&address, bits);
        o->role = role;
        o->entry = entry;
        if (!get_text(c, &o->by) || !get_text(c, &o->why))
            return false;
    }
    return true;
}

static void clear(struct judgements *j)
{
    for (size_t i = 0; i < j->n_overruled; i++) {
        buf_free(&j->overruled[i].by);
        buf_free(&j->overruled[i].why);
    }
    free(j->overruled);
    free(j->rows);
    judge_nets_free(&j->nets);
    j->overruled = NULL;
    j->rows = NULL;
    j->n = j->size = j->n_overruled = j->cap_overruled = 0;
    j->nets_made = false;
    j->position = 0;
}

static bool parse(struct judgements *j, struct span bytes)
{
    struct span magic;
    uint32_t version;
    if (bytes.n < CHECK ||
        XXH3_64bits(bytes.p, bytes.n - CHECK) != be64_get(bytes.p + bytes.n - CHECK))
        return false;
    struct cur c = cur_of(span_of(bytes.p, bytes.n - CHECK));
    return cur_take(&c, 8, &magic) && span_is(magic, MAGIC) && cur_u32(&c, &version) &&
           version == VERSION && cur_u64(&c, &j->position) && get_rows(&c, j) &&
           get_overruled(&c, j) && c.p == c.end;
}

int judgements_open(const char *dir, struct judgements **out, struct err *err)
{
    struct judgements *j = mem_zeroed(1, sizeof *j);
    struct buf file = {0};
    int rc = file_path(j->path, err, "%s/judgements", dir);
    if (rc == 0 && file_exists(j->path))
        rc = file_read(j->path, FILE_MAX, &file, err);
    if (rc == 0 && file_exists(j->path) && !parse(j, buf_as_span(&file))) {
        log_line(LOG_WARN, "a view is made anew", "view=judgements");
        clear(j);
    }
    buf_free(&file);
    if (rc < 0) {
        judgements_close(j);
        return rc;
    }
    *out = j;
    return 0;
}

void judgements_close(struct judgements *j)
{
    if (!j)
        return;
    clear(j);
    free(j);
}

uint64_t judgements_position(const struct judgements *j)
{
    return j->position;
}

void judgements_advance(struct judgements *j, uint64_t position)
{
    j->position = position;
}
