#include "state/registry.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cbor.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "event/act.h"

#define REGISTRY_FILE_MAX (1u << 30)
#define REGISTRY_VERSION  1
#define IMPORT_FIELDS     8

struct registry {
    char path[FILE_PATH_MAX];
    struct import_state *v; /* in the order they were begun, so by index too */
    size_t n, cap;
    size_t last; /* where the last event went: the next goes there too */
    struct reference {
        uint64_t index;
        uint8_t kind;
        struct buf payload;
    } * refs; /* in log order */
    size_t n_refs, cap_refs;
    uint64_t position;
};

static void add_reference(struct registry *s, uint8_t kind, uint64_t index, struct span payload)
{
    s->refs = mem_room(s->refs, s->n_refs, &s->cap_refs, sizeof *s->refs);
    struct reference *r = &s->refs[s->n_refs++];
    *r = (struct reference){.index = index, .kind = kind};
    buf_span(&r->payload, payload);
}

bool registry_reference(const struct registry *s, uint8_t kind, struct span payload,
                        uint64_t *index)
{
    for (size_t i = s->n_refs; i-- > 0;) {
        if (s->refs[i].kind == kind && span_eq(buf_as_span(&s->refs[i].payload), payload)) {
            *index = s->refs[i].index;
            return true;
        }
    }
    return false;
}

struct span registry_sensor(const struct registry *s, uint64_t index)
{
    struct span name = {NULL, 0};
    for (size_t i = 0; i < s->n_refs; i++)
        if (s->refs[i].index == index && s->refs[i].kind == KIND_SENSOR)
            act_sensor_read(buf_as_span(&s->refs[i].payload), &name);
    return name;
}

int registry_reference_at(const struct registry *s, size_t i, uint8_t *kind, uint64_t *index,
                          struct span *payload)
{
    if (i >= s->n_refs)
        return 0;
    *kind = s->refs[i].kind;
    *index = s->refs[i].index;
    *payload = buf_as_span(&s->refs[i].payload);
    return 1;
}

static void clear(struct registry *s)
{
    for (size_t i = 0; i < s->n_refs; i++)
        buf_free(&s->refs[i].payload);
    s->n = s->n_refs = 0;
    s->position = 0;
}

static struct import_state *add(struct registry *s)
{
    s->v = mem_room(s->v, s->n, &s->cap, sizeof *s->v);
    struct import_state *i = &s->v[s->n++];
    memset(i, 0, sizeof *i);
    return i;
}

static struct import_state *by_index(struct registry *s, uint64_t index)
{
    if (s->last < s->n && s->v[s->last].index == index)
        return &s->v[s->last];
    size_t low = 0, high = s->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (s->v[mid].index < index)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == s->n || s->v[low].index != index)
        return NULL;
    s->last = low;
    return &s->v[low];
}

const struct import_state *registry_file(const struct registry *s, const uint8_t sha256[SHA256_LEN])
{
    for (size_t i = 0; i < s->n; i++)
        if (memcmp(s->v[i].sha256, sha256, SHA256_LEN) == 0)
            return &s->v[i];
    return NULL;
}

void registry_event(struct registry *s, const struct event *ev)
{
    struct import_state *i = ev->import ? by_index(s, ev->import) : NULL;
    if (!i)
        return;
    i->events++;
    if (ev->record > i->last_record)
        i->last_record = ev->record;
}

void registry_act(struct registry *s, uint8_t kind, uint64_t index, struct span payload)
{
    struct act_import_begun begun;
    struct act_import_done done;
    if (kind == KIND_IMPORT_BEGUN && act_import_begun_read(payload, &begun) == 0) {
        struct import_state *i = add(s);
        i->index = index;
        memcpy(i->sha256, begun.sha256.p, SHA256_LEN);
        size_t n = begun.format.n < sizeof i->format - 1 ? begun.format.n : sizeof i->format - 1;
        memcpy(i->format, begun.format.p, n);
    } else if (kind == KIND_IMPORT_DONE && act_import_done_read(payload, &done) == 0) {
        struct import_state *i = by_index(s, done.import);
        if (!i)
            return;
        i->done = true;
        i->records = done.records;
        i->rejected = done.rejected;
    } else if (kind == KIND_SENSOR || kind == KIND_RULESET || kind == KIND_ENRICHMENT) {
        add_reference(s, kind, index, payload);
    }
}

uint64_t registry_position(const struct registry *s)
{
    return s->position;
}

void registry_advance(struct registry *s, uint64_t position)
{
    s->position = position;
}

/* The snapshot: [version, position, [file...], [reference...]] and a SHA-256 behind it. */
int registry_snapshot(struct registry *s, struct err *err)
{
    struct buf b = {0};
    uint8_t digest[SHA256_LEN];
    cbor_put_head(&b, CBOR_ARRAY, 4);
    cbor_put_uint(&b, REGISTRY_VERSION);
    cbor_put_uint(&b, s->position);
    cbor_put_head(&b, CBOR_ARRAY, s->n);
    for (size_t k = 0; k < s->n; k++) {
        const struct import_state *i = &s->v[k];
        cbor_put_head(&b, CBOR_ARRAY, IMPORT_FIELDS);
        cbor_put_uint(&b, i->index);
        cbor_put_bytes(&b, span_of(i->sha256, SHA256_LEN));
        cbor_put_text(&b, span_str(i->format));
        cbor_put_uint(&b, i->last_record);
        cbor_put_uint(&b, i->events);
        cbor_put_uint(&b, i->records);
        cbor_put_uint(&b, i->rejected);
        cbor_put_bool(&b, i->done);
    }
    cbor_put_head(&b, CBOR_ARRAY, s->n_refs);
    for (size_t k = 0; k < s->n_refs; k++) {
        cbor_put_head(&b, CBOR_ARRAY, 3);
        cbor_put_uint(&b, s->refs[k].kind);
        cbor_put_uint(&b, s->refs[k].index);
        cbor_put_bytes(&b, buf_as_span(&s->refs[k].payload));
    }
    sha256(b.p, b.n, digest);
    buf_put(&b, digest, sizeof digest);
    int rc = file_replace(s->path, buf_as_span(&b), 0644, err);
    buf_free(&b);
    return rc;
}

static bool read_uint(struct cur *c, uint64_t *out)
{
    struct cbor_item it;
    if (cbor_get(c, &it) < 0 || it.type != CBOR_UINT)
        return false;
    *out = it.n;
    return true;
}

static bool read_file(struct cur *c, struct import_state *i)
{
    struct cbor_item head, digest, format, done;
    if (cbor_get(c, &head) < 0 || head.type != CBOR_ARRAY || head.n != IMPORT_FIELDS)
        return false;
    if (!read_uint(c, &i->index) || cbor_get(c, &digest) < 0 || digest.s.n != SHA256_LEN ||
        cbor_get(c, &format) < 0 || format.s.n >= sizeof i->format)
        return false;
    memcpy(i->sha256, digest.s.p, SHA256_LEN);
    memcpy(i->format, format.s.p, format.s.n);
    if (!read_uint(c, &i->last_record) || !read_uint(c, &i->events) || !read_uint(c, &i->records) ||
        !read_uint(c, &i->rejected) || cbor_get(c, &done) < 0 || done.type != CBOR_SIMPLE)
        return false;
    i->done = done.n == CBOR_TRUE;
    return true;
}

static bool read_reference(struct cur *c, struct registry *s)
{
    struct cbor_item head, payload;
    uint64_t kind, index;
    if (cbor_get(c, &head) < 0 || head.type != CBOR_ARRAY || head.n != 3 || !read_uint(c, &kind) ||
        kind > UINT8_MAX || !read_uint(c, &index) || cbor_get(c, &payload) < 0 ||
        payload.type != CBOR_BYTES)
        return false;
    add_reference(s, (uint8_t)kind, index, payload.s);
    return true;
}

static bool load(struct registry *s, struct span file)
{
    uint8_t digest[SHA256_LEN];
    uint64_t version;
    struct cbor_item it;
    if (file.n < SHA256_LEN)
        return false;
    struct cur c = {file.p, file.p + file.n - SHA256_LEN};
    sha256(file.p, file.n - SHA256_LEN, digest);
    if (memcmp(digest, c.end, SHA256_LEN) != 0)
        return false;
    if (cbor_get(&c, &it) < 0 || it.type != CBOR_ARRAY || it.n != 4 || !read_uint(&c, &version) ||
        version != REGISTRY_VERSION || !read_uint(&c, &s->position))
        return false;
    if (cbor_get(&c, &it) < 0 || it.type != CBOR_ARRAY)
        return false;
    for (uint64_t k = 0; k < it.n; k++)
        if (!read_file(&c, add(s)))
            return false;
    if (cbor_get(&c, &it) < 0 || it.type != CBOR_ARRAY)
        return false;
    for (uint64_t k = 0; k < it.n; k++)
        if (!read_reference(&c, s))
            return false;
    return c.p == c.end;
}

int registry_open(const char *dir, struct registry **out, struct err *err)
{
    struct registry *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    int rc = file_path(s->path, err, "%s/registry", dir);
    struct buf file = {0};
    if (rc == 0 && file_exists(s->path))
        rc = file_read(s->path, REGISTRY_FILE_MAX, &file, err);
    if (rc == 0 && file.n && !load(s, buf_as_span(&file))) {
        log_line(LOG_WARN, "view dropped, it will be rebuilt", "view=registry");
        clear(s);
    }
    buf_free(&file);
    if (rc < 0) {
        registry_close(s);
        return rc;
    }
    *out = s;
    return 0;
}

void registry_close(struct registry *s)
{
    if (!s)
        return;
    clear(s);
    free(s->v);
    free(s->refs);
    free(s);
}
