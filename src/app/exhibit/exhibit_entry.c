/* One entry of the log as files: entries/INDEX.leaf, .proof, .json, and .cbor and .salt or
 * .withheld; .blobs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/exhibit/exhibit_impl.h"
#include "base/cbor.h"
#include "base/json.h"
#include "event/act.h"
#include "event/event.h"
#include "journal/merkle.h"
#include "view/act_json.h"

#define BLOBS_PER_ENTRY_MAX 16

/* Where the entry stands, and what is left of its payload when members were taken out. */
struct shown {
    struct entry e; /* its payload: `payload` */
    uint8_t leaf[JOURNAL_LEAF_LEN], salt[JOURNAL_SALT_LEN];
    struct buf payload, rest;
    struct buf left_out; /* names of members that were taken out, blanks between */
    bool unsigned_too;   /* the act's signature is taken out, too */
    unsigned blobs;
    uint8_t blob[BLOBS_PER_ENTRY_MAX][SHA256_LEN];
};

static int put(struct exhibit *x, uint64_t index, const char *what, struct span data,
               struct err *err)
{
    char path[EXHIBIT_PATH_MAX];
    snprintf(path, sizeof path, "entries/%llu.%s", (unsigned long long)index, what);
    return exhibit_put(x, path, data, err);
}

/* ---- redacting ---- */

/* "src_ip" is that member wherever it is; "http.referer" the one at that place. */
static bool is_redacted(const struct exhibit_request *r, struct span part, struct span key)
{
    for (size_t i = 0; i < r->n_redact; i++) {
        struct span want = r->redact[i];
        const uint8_t *dot = memchr(want.p, '.', want.n);
        size_t n = dot ? (size_t)(dot - want.p) : 0;
        if (!dot && span_eq(want, key))
            return true;
        if (dot && span_eq(span_of(want.p, n), part) &&
            span_eq(span_of(dot + 1, want.n - n - 1), key))
            return true;
    }
    return false;
}

static void note_left_out(struct shown *s, struct span part, struct span key)
{
    if (s->left_out.n)
        buf_byte(&s->left_out, ' ');
    if (part.n) {
        buf_span(&s->left_out, part);
        buf_byte(&s->left_out, '.');
    }
    buf_span(&s->left_out, key);
}

static bool copy_item(const struct exhibit_request *r, struct shown *s, struct span part,
                      struct cur *c, struct buf *out, unsigned depth);

static bool copy_map(const struct exhibit_request *r, struct shown *s, struct span part,
                     struct cur *c, uint64_t n, struct buf *out, unsigned depth)
{
    struct buf members = {0};
    struct cbor_item key;
    uint64_t kept = 0;
    bool good = true;
    for (uint64_t i = 0; good && i < n; i++) {
        const uint8_t *from = c->p;
        good = cbor_get(c, &key) == 1 && key.type == CBOR_TEXT;
        bool sig = s->unsigned_too && !part.n && span_is(key.s, "sig");
        if (good && (sig || is_redacted(r, part, key.s))) {
            good = cbor_skip(c) == 1;
            note_left_out(s, part, key.s);
            continue;
        }
        if (good) {
            buf_put(&members, from, (size_t)(c->p - from));
            good = copy_item(r, s, key.s, c, &members, depth + 1);
            kept++;
        }
    }
    cbor_put_head(out, CBOR_MAP, kept);
    buf_span(out, buf_as_span(&members));
    buf_free(&members);
    return good;
}

static bool copy_item(const struct exhibit_request *r, struct shown *s, struct span part,
                      struct cur *c, struct buf *out, unsigned depth)
{
    const uint8_t *from = c->p;
    struct cbor_item it;
    if (depth > CBOR_DEPTH_MAX || cbor_get(c, &it) != 1)
        return false;
    if (it.type == CBOR_MAP)
        return copy_map(r, s, part, c, it.n, out, depth);
    buf_put(out, from, (size_t)(c->p - from));
    for (uint64_t i = 0; it.type == CBOR_ARRAY && i < it.n; i++)
        if (!copy_item(r, s, part, c, out, depth + 1))
            return false;
    return true;
}

static bool redact_once(const struct exhibit_request *r, struct shown *s)
{
    struct cur c = cur_of(buf_as_span(&s->payload));
    s->rest.n = s->left_out.n = 0;
    return copy_item(r, s, span_of(NULL, 0), &c, &s->rest, 0);
}

/* The payload without what is redacted, in `rest`. Where something is left out, an act's signature
 * is too: guesses at what is missing could be tried against it. What cannot be read is withheld. */
static void redact(const struct exhibit_request *r, struct shown *s)
{
    bool good = redact_once(r, s);
    if (good && s->left_out.n) {
        s->unsigned_too = true;
        good = redact_once(r, s);
    }
    if (good)
        return;
    s->rest.n = s->left_out.n = 0;
    buf_byte(&s->rest, CBOR_MAP << 5);
    buf_str(&s->left_out, "all");
}

/* ---- as JSON ---- */

static void sensor_name(struct exhibit *x, uint64_t index, struct buf *out)
{
    struct entry e;
    struct span name;
    if (index && journal_get(x->c->journal, index, &e, NULL) == 0 && !e.redacted &&
        e.header.kind == KIND_SENSOR && act_sensor_read(e.payload, &name) == 0)
        buf_span(out, name);
    buf_byte(out, 0);
}

static void put_words(struct exhibit *x, const struct shown *s, struct json *j)
{
    struct entry e = s->e;
    struct arena arena;
    struct event ev;
    struct buf sensor = {0};
    e.payload = buf_as_span(&s->rest);
    arena_init(&arena);
    if (!e.redacted && event_kind_is_event(e.header.kind) &&
        event_decode(e.payload, &arena, &ev) == 0) {
        ev.kind = e.header.kind;
        ev.time = e.header.time;
        ev.sensor = e.header.sensor;
        sensor_name(x, ev.sensor, &sensor);
        event_json(&ev, e.index, (const char *)sensor.p, j);
    } else
        act_json(&e, j);
    arena_free(&arena);
    buf_free(&sensor);
}

static void put_header(const struct shown *s, struct json *j)
{
    char time[UTC_TEXT_MAX];
    const struct entry_header *h = &s->e.header;
    json_key(j, "header");
    json_object(j);
    json_key(j, "kind");
    json_uint(j, h->kind);
    json_key(j, "flags");
    json_uint(j, h->flags);
    json_key(j, "time");
    json_span(j, span_of(time, utc_format(h->time, time)));
    json_key(j, "sensor");
    json_uint(j, h->sensor);
    json_key(j, "ruleset");
    json_uint(j, h->ruleset);
    json_key(j, "enrichment");
    json_uint(j, h->enrichment);
    json_object_end(j);
}

static int put_json(struct exhibit *x, struct shown *s, const char *state, struct err *err)
{
    struct buf out = {0};
    struct json j = json_to(&out);
    uint8_t leaf[SHA256_LEN];
    merkle_leaf(s->leaf, sizeof s->leaf, leaf);
    json_object(&j);
    json_key(&j, "index");
    json_uint(&j, s->e.index);
    json_key(&j, "state");
    json_str(&j, state);
    if (s->left_out.n) {
        json_key(&j, "left_out");
        json_span(&j, buf_as_span(&s->left_out));
    }
    put_header(s, &j);
    json_key(&j, "commitment");
    json_hex(&j, s->leaf + JOURNAL_HEADER_LEN, SHA256_LEN);
    json_key(&j, "leaf_hash");
    json_hex(&j, leaf, SHA256_LEN);
    json_key(&j, "entry");
    put_words(x, s, &j);
    json_object_end(&j);
    json_newline(&j);
    int rc = put(x, s->e.index, "json", buf_as_span(&out), err);
    buf_free(&out);
    return rc;
}

/* ---- blobs ---- */

static bool names_blob(struct span key)
{
    static const char *const keys[] = {"blob", "sha256", "content", "chain", "checkpoint"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (span_is(key, keys[i]))
            return true;
    return false;
}

static void find_blobs(struct shown *s, struct cur *c, struct span key, unsigned depth)
{
    struct cbor_item it, name;
    if (depth > CBOR_DEPTH_MAX || cbor_get(c, &it) != 1)
        return;
    if (it.type == CBOR_BYTES && it.s.n == SHA256_LEN && names_blob(key) &&
        s->blobs < BLOBS_PER_ENTRY_MAX)
        memcpy(s->blob[s->blobs++], it.s.p, SHA256_LEN);
    for (uint64_t i = 0; it.type == CBOR_ARRAY && i < it.n && cur_left(c); i++)
        find_blobs(s, c, key, depth + 1);
    for (uint64_t i = 0; it.type == CBOR_MAP && i < it.n && cbor_get(c, &name) == 1; i++)
        find_blobs(s, c, name.s, depth + 1);
}

/* Those that the case has; a digest may also be of a file that it never kept. */
static int put_blob(struct exhibit *x, const uint8_t sha[SHA256_LEN], struct buf *list,
                    struct err *err)
{
    char path[EXHIBIT_PATH_MAX], hex[SHA256_HEX_MAX];
    struct buf bytes = {0};
    hex_encode(sha, SHA256_LEN, hex);
    snprintf(path, sizeof path, "blobs/%s", hex);
    int rc = exhibit_has(x, path) ? 1 : casedir_blob(x->c, sha, &bytes, err);
    if (rc == 0) {
        rc = exhibit_has(x, "blobs") ? 0 : exhibit_folder(x, "blobs", err);
        if (rc == 0)
            rc = exhibit_put(x, path, buf_as_span(&bytes), err);
        x->blobs += rc == 0;
    }
    if (rc >= 0)
        buf_printf(list, "%s\n", hex);
    buf_free(&bytes);
    return rc == -ENOENT || rc == 1 ? 0 : rc;
}

static int put_blobs(struct exhibit *x, struct shown *s, struct err *err)
{
    struct buf list = {0};
    struct cur c = cur_of(buf_as_span(&s->payload));
    int rc = 0;
    find_blobs(s, &c, span_of(NULL, 0), 0);
    for (unsigned i = 0; rc == 0 && i < s->blobs; i++)
        rc = put_blob(x, s->blob[i], &list, err);
    if (rc == 0 && list.n)
        rc = put(x, s->e.index, "blobs", buf_as_span(&list), err);
    buf_free(&list);
    return rc;
}

/* ---- the entry ---- */

static int read_entry(struct exhibit *x, uint64_t index, struct shown *s, struct err *err)
{
    int rc = journal_leaf(x->c->journal, index, s->leaf, s->salt, err);
    if (rc == 0)
        rc = journal_get(x->c->journal, index, &s->e, err);
    if (rc < 0)
        return rc;
    buf_span(&s->payload, s->e.payload);
    s->e.payload = buf_as_span(&s->payload);
    redact(x->r, s);
    return 0;
}

/* Salt and payload would open the commitment: neither is given then. */
static int put_withheld(struct exhibit *x, struct shown *s, struct err *err)
{
    struct buf why = {0};
    if (s->e.redacted)
        buf_str(&why, "Its words were erased from the log; the log has who did so, and why.\n");
    else
        buf_printf(
            &why,
            "Left out here: %.*s. The rest is shown in entries/%llu.json as its maker says.\n",
            (int)s->left_out.n, (const char *)s->left_out.p, (unsigned long long)s->e.index);
    int rc = put(x, s->e.index, "withheld", buf_as_span(&why), err);
    buf_free(&why);
    return rc;
}

static int put_entry(struct exhibit *x, struct shown *s, struct err *err)
{
    struct buf proof = {0};
    uint64_t i = s->e.index;
    bool whole = !s->e.redacted && !s->left_out.n;
    int rc = journal_prover_entry(x->prover, i, &proof, err);
    if (rc == 0)
        rc = put(x, i, "proof", buf_as_span(&proof), err);
    if (rc == 0)
        rc = put(x, i, "leaf", span_of(s->leaf, sizeof s->leaf), err);
    if (rc == 0)
        rc = put_json(x, s, whole ? "whole" : s->e.redacted ? "erased" : "redacted", err);
    if (rc == 0 && whole)
        rc = put(x, i, "salt", span_of(s->salt, sizeof s->salt), err);
    if (rc == 0)
        rc = whole ? put(x, i, "cbor", buf_as_span(&s->payload), err) : put_withheld(x, s, err);
    if (rc == 0 && whole && x->r->blobs)
        rc = put_blobs(x, s, err);
    x->opened += whole;
    x->erased += s->e.redacted;
    x->redacted += !whole && !s->e.redacted;
    buf_free(&proof);
    return rc;
}

int exhibit_entry(struct exhibit *x, uint64_t index, struct err *err)
{
    struct shown s = {0};
    int rc = read_entry(x, index, &s, err);
    if (rc == 0)
        rc = put_entry(x, &s, err);
    buf_free(&s.payload);
    buf_free(&s.rest);
    buf_free(&s.left_out);
    return rc;
}
