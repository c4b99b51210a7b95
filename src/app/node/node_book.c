#include "app/node/node_book.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/utc.h"
#include "event/event.h"
#include "journal/merkle.h"

#define AHEAD_S 3600 /* that a node's clock may be ahead of ours */

void node_book_free(struct node_book *b)
{
    for (size_t i = 0; i < b->n; i++) {
        free(b->logs[i]->seen);
        free(b->logs[i]);
    }
    b->n = 0;
}

/* ---- what is known ---- */

static struct node_log *by_origin(const struct node_book *b, struct span origin)
{
    for (size_t i = 0; i < b->n; i++)
        if (span_is(origin, b->logs[i]->origin))
            return b->logs[i];
    return NULL;
}

static struct node_log *by_node(const struct node_book *b, uint64_t node)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->logs[i]->node == node)
            return b->logs[i];
    return NULL;
}

static struct node_log *new_log(struct node_book *b, struct span origin)
{
    struct node_log *l = by_origin(b, origin);
    if (l || b->n == NODE_LOGS_MAX || origin.n > NOTE_NAME_MAX)
        return l;
    l = b->logs[b->n++] = mem_zeroed(1, sizeof *l);
    memcpy(l->origin, origin.p, origin.n);
    return l;
}

static void set_node(struct node_log *l, uint64_t entry, int64_t time, int64_t until,
                     struct span name, struct span vkey)
{
    struct err why;
    l->node = entry;
    l->until = until;
    l->added = time;
    l->has_key = note_key_parse_verifier(vkey, &l->key, &why) == 0;
    snprintf(l->name, sizeof l->name, "%.*s", (int)name.n, (const char *)name.p);
}

static void take_seen(struct node_log *l, uint64_t entry, int64_t time, uint64_t size,
                      struct span root, struct span note)
{
    if (root.n != SHA256_LEN || note.n != SHA256_LEN || size < node_log_size(l))
        return;
    memcpy(l->note, note.p, SHA256_LEN);
    l->journalled = time;
    l->heard = time > l->heard ? time : l->heard;
    if (entry > l->silent)
        l->silent = 0;
    if (size == node_log_size(l))
        return;
    if (l->n_seen == NODE_HISTORY_MAX)
        memmove(l->seen, l->seen + 1, --l->n_seen * sizeof *l->seen);
    l->seen = mem_room(l->seen, l->n_seen, &l->seen_cap, sizeof *l->seen);
    l->seen[l->n_seen] = (struct node_seen){.size = size, .entry = entry};
    memcpy(l->seen[l->n_seen++].root, root.p, SHA256_LEN);
}

static int load_node(void *ctx, const struct node_entry *n)
{
    struct node_log *l = new_log(ctx, n->origin);
    if (!l || n->entry < l->node) /* an older name of the same log */
        return 0;
    set_node(l, n->entry, n->recorded, n->until, n->name, n->vkey);
    l->alarms = n->alarms;
    l->alarm = n->alarms ? n->alarm_entry : 0;
    l->silent = n->silent ? n->alarm_entry : 0;
    return 0;
}

static int load_seen(void *ctx, const struct node_sight *s)
{
    struct node_log *l = new_log(ctx, s->origin);
    if (l)
        take_seen(l, s->entry, s->recorded, s->size, s->root, s->note);
    return 0;
}

int node_book_load(struct node_book *b, struct pursuit *p, struct err *err)
{
    int rc = nodes_seen(p, load_seen, b, err);
    return rc == 0 ? nodes_list(p, load_node, b, err) : rc;
}

static void take_node(struct node_book *b, uint64_t entry, int64_t time, const struct act_node *a)
{
    struct span origin = node_origin(a->vkey);
    if (!node_name_is(a->name) || !origin.n)
        return;
    struct node_log *other = by_origin(b, origin), *l;
    if (other && other->until > time && !span_is(a->name, other->name))
        return; /* as the view has it: one log is one node's */
    for (size_t i = 0; i < b->n; i++)
        if (span_is(a->name, b->logs[i]->name))
            b->logs[i]->until = time; /* the name is another log's from now on */
    l = new_log(b, origin);
    if (!l)
        return;
    set_node(l, entry, time, a->until, a->name, a->vkey);
    l->alarms = l->alarm = l->silent = 0;
}

static void take_alarm(struct node_book *b, uint64_t entry, const struct act_node_alarm *a)
{
    struct node_log *l = by_node(b, a->node);
    if (l && span_is(a->what, "silent")) {
        l->silent = entry;
    } else if (l && span_is(a->what, "over")) {
        l->silent = 0;
    } else if (l) {
        l->alarms++;
        l->alarm = entry;
    }
}

void node_book_act(struct node_book *b, uint8_t kind, uint64_t entry, int64_t time,
                   struct span payload)
{
    struct act_node node;
    struct act_node_seen seen;
    struct act_node_alarm alarm;
    struct node_log *l;
    if (kind == KIND_NODE && act_node_read(payload, &node) == 0)
        take_node(b, entry, time, &node);
    if (kind == KIND_NODE_SEEN && act_node_seen_read(payload, &seen) == 0 &&
        (l = by_node(b, seen.node)))
        take_seen(l, entry, time, seen.size, seen.root, seen.sha256);
    if (kind == KIND_NODE_ALARM && act_node_alarm_read(payload, &alarm) == 0)
        take_alarm(b, entry, &alarm);
}

static bool is_current(const struct node_log *l, int64_t now)
{
    return l->node && l->has_key && l->until > now;
}

struct node_log *node_book_find(const struct node_book *b, struct span origin, int64_t now)
{
    struct node_log *l = by_origin(b, origin);
    return l && is_current(l, now) ? l : NULL;
}

struct node_log *node_book_hashed(const struct node_book *b, const uint8_t hash[SHA256_LEN],
                                  int64_t now)
{
    uint8_t digest[SHA256_LEN];
    for (size_t i = 0; i < b->n; i++) {
        sha256(b->logs[i]->origin, strlen(b->logs[i]->origin), digest);
        if (memcmp(digest, hash, SHA256_LEN) == 0)
            return is_current(b->logs[i], now) ? b->logs[i] : NULL;
    }
    return NULL;
}

uint64_t node_log_size(const struct node_log *l)
{
    return l->n_seen ? l->seen[l->n_seen - 1].size : 0;
}

int64_t node_log_silent_since(const struct node_log *l, int64_t now, int64_t began, int64_t limit)
{
    int64_t since = l->heard > l->added ? l->heard : l->added;
    since = since > began ? since : began; /* nobody was heard while we were not there */
    return l->node && l->until > now && !l->silent && now - since > limit ? since : 0;
}

static const struct node_seen *seen_at(const struct node_log *l, uint64_t size)
{
    size_t lo = 0, hi = l->n_seen;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (l->seen[mid].size < size)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < l->n_seen && l->seen[lo].size == size ? &l->seen[lo] : NULL;
}

/* ---- judging ---- */

static void say(struct node_verdict *v, unsigned status, const char *why)
{
    v->status = status;
    snprintf(v->why, sizeof v->why, "%s", why);
}

static void alarm_at(struct node_verdict *v, const struct node_seen *at, bool smaller,
                     const char *how)
{
    v->alarm = smaller ? "rollback" : "fork";
    v->against = at->entry;
    snprintf(v->why, sizeof v->why, "%s (%llu entries, as seen in entry %llu)", how,
             (unsigned long long)at->size, (unsigned long long)at->entry);
}

/* Two roots of one size, both signed. */
static bool contradicts(const struct node_log *l, const struct checkpoint *top,
                        struct node_verdict *v)
{
    const struct node_seen *at = seen_at(l, top->size);
    if (!at || memcmp(at->root, top->root, SHA256_LEN) == 0)
        return false;
    v->status = 422;
    alarm_at(v, at, top->size < v->known, "its log has another root at a size that was seen");
    return true;
}

/* A proof that leads to the signed root, and from another old root than the one that was seen. */
static bool proves_fork(const struct node_log *l, const struct node_request *q,
                        struct node_verdict *v)
{
    uint8_t old_root[SHA256_LEN], new_root[SHA256_LEN];
    const struct node_seen *at = seen_at(l, q->old);
    struct span proof = span_of(q->proof, q->n_proof * SHA256_LEN);
    if (!at || !merkle_consistency_tells(q->old, q->top.size) ||
        !merkle_consistency_roots(q->old, q->top.size, proof, old_root, new_root) ||
        memcmp(new_root, q->top.root, SHA256_LEN) != 0 ||
        memcmp(old_root, at->root, SHA256_LEN) == 0)
        return false;
    v->status = 422;
    alarm_at(v, at, false, "its log is not the one that was seen: other entries below a size");
    return true;
}

static bool is_consistent(const struct node_log *l, const struct node_request *q)
{
    uint8_t old[SHA256_LEN];
    merkle_empty(old);
    if (l->n_seen)
        memcpy(old, l->seen[l->n_seen - 1].root, SHA256_LEN);
    return merkle_consistency_holds(q->old, q->top.size, span_of(old, SHA256_LEN),
                                    span_of(q->top.root, SHA256_LEN),
                                    span_of(q->proof, q->n_proof * SHA256_LEN));
}

void node_book_judge(const struct node_book *b, const struct node_request *q, int64_t now,
                     struct node_log **log, struct node_verdict *v)
{
    struct span text;
    struct err why;
    struct node_log *l = *log = node_book_find(b, q->top.origin, now);
    *v = (struct node_verdict){0};
    if (!l) {
        say(v, 404, "no node's log");
        return;
    }
    v->known = node_log_size(l);
    if (note_open(q->note, &l->key, &text, &why) < 0)
        say(v, 403, "not signed by the key of that log");
    else if (contradicts(l, &q->top, v) || proves_fork(l, q, v))
        ;
    else if (q->old > q->top.size)
        say(v, 400, "the old size is over the checkpoint's");
    else if (q->old != v->known)
        say(v, 409, "another size is known");
    else if (!is_consistent(l, q))
        say(v, 422, "the consistency proof does not hold");
    else
        say(v, 200, "");
    v->grows = v->status == 200 && q->top.size > v->known;
}

void node_book_judge_said(const struct node_log *l, const struct node_statement *s, int64_t now,
                          struct node_verdict *v)
{
    *v = (struct node_verdict){.known = node_log_size(l)};
    const struct node_seen *at = l->n_seen ? &l->seen[l->n_seen - 1] : NULL;
    int64_t now_s = now / UTC_SECOND;
    if (s->known != v->known)
        say(v, 409, "another size is known");
    else if ((int64_t)s->time > now_s + AHEAD_S)
        say(v, 422, "its clock is more than an hour ahead");
    else if (at && (s->size < s->known || memcmp(s->known_root, at->root, SHA256_LEN) != 0)) {
        say(v, 422, "its log is not the one that was seen");
        if (s->time > l->confessed)
            alarm_at(v, at, s->size < s->known,
                     s->size < s->known ? "it says itself that its log has fewer entries"
                                        : "it says itself that its log has another root");
    } else if (s->time < l->said) {
        say(v, 422, "it is older than what was said since");
    } else if (s->census && s->position > v->known)
        say(v, 422, "a census of more entries than were cosigned");
    else
        say(v, 200, "");
}
