#include "import/fragment.h"

#include <stdlib.h>

#define DATAGRAM_MAX 65536              /* bytes; offset and length fields can say a little more */
#define UNITS        (DATAGRAM_MAX / 8) /* offsets count in 8 bytes */

struct datagram {
    struct ip src, dst;
    uint32_t id;
    uint8_t protocol;
    bool used;
    bool is_void;     /* an overlap was seen: later fragments are thrown away */
    uint32_t have;    /* bytes received */
    uint32_t total;   /* known with the last fragment, else 0 */
    uint32_t highest; /* end of the fragment that reaches farthest */
    int64_t since;
    uint64_t packet;
    struct buf data;
    uint64_t units[UNITS / 64]; /* which 8-byte units are there */
};

struct fragments {
    fragments_lost *lost;
    void *ctx;
    size_t bytes;
    struct buf whole;     /* the datagram that was handed out last */
    struct datagram *all; /* FRAGMENT_DATAGRAMS_MAX, made when the first fragment comes */
};

struct fragments *fragments_new(fragments_lost *lost, void *ctx)
{
    struct fragments *f = calloc(1, sizeof *f);
    if (!f)
        abort();
    f->lost = lost;
    f->ctx = ctx;
    return f;
}

void fragments_free(struct fragments *f)
{
    if (!f)
        return;
    for (unsigned i = 0; f->all && i < FRAGMENT_DATAGRAMS_MAX; i++)
        buf_free(&f->all[i].data);
    buf_free(&f->whole);
    free(f->all);
    free(f);
}

static void drop(struct fragments *f, struct datagram *d)
{
    f->bytes -= d->data.cap;
    buf_free(&d->data);
    d->used = false;
}

static void give_up(struct fragments *f, struct datagram *d, const char *why)
{
    if (!d->is_void) /* a void one was refused already */
        f->lost(f->ctx, d->packet, why);
    drop(f, d);
}

static struct datagram *oldest(struct fragments *f)
{
    struct datagram *old = NULL;
    for (struct datagram *d = f->all; d < f->all + FRAGMENT_DATAGRAMS_MAX; d++) {
        if (d->used && (!old || d->packet < old->packet))
            old = d;
    }
    return old;
}

/* The datagram a fragment belongs to, a new one when there is none. Drops those out of time. */
static struct datagram *find(struct fragments *f, const struct fragment *in,
                             const struct packet_at *at)
{
    struct datagram *empty = NULL, *found = NULL;
    for (struct datagram *d = f->all; d < f->all + FRAGMENT_DATAGRAMS_MAX; d++) {
        if (d->used && at->time - d->since > FRAGMENT_SECONDS * 1000000ll)
            give_up(f, d, "fragments: the rest of the datagram did not come in time");
        if (!d->used) {
            empty = empty ? empty : d;
        } else if (d->id == in->id && memcmp(&d->src, &in->src, sizeof d->src) == 0 &&
                   memcmp(&d->dst, &in->dst, sizeof d->dst) == 0 &&
                   (!ip_is_v4(&in->src) || d->protocol == in->protocol)) {
            found = d;
        }
    }
    if (found)
        return found;
    if (!empty) {
        empty = oldest(f);
        give_up(f, empty, "fragments: too many datagrams under way");
    }
    *empty = (struct datagram){.src = in->src,
                               .dst = in->dst,
                               .id = in->id,
                               .used = true,
                               .protocol = in->protocol,
                               .since = at->time,
                               .packet = at->number};
    return empty;
}

static bool unit_get(const struct datagram *d, uint32_t i)
{
    return d->units[i / 64] >> (i % 64) & 1;
}

/* 1 a copy of what is there, 0 nothing of it is there, -1 it overlaps. */
static int compare(const struct datagram *d, const struct fragment *in, uint32_t first,
                   uint32_t behind)
{
    uint32_t there = 0;
    for (uint32_t i = first; i < behind; i++)
        there += unit_get(d, i);
    if (!there)
        return 0;
    bool same = there == behind - first && in->offset + in->payload.n <= d->highest &&
                memcmp(d->data.p + in->offset, in->payload.p, in->payload.n) == 0;
    return same ? 1 : -1;
}

static int refuse(struct datagram *d, const char **why, const char *text)
{
    d->is_void = true;
    *why = text;
    return -1;
}

static void store(struct fragments *f, struct datagram *d, const struct fragment *in,
                  uint32_t first, uint32_t behind)
{
    uint32_t end = in->offset + (uint32_t)in->payload.n;
    f->bytes -= d->data.cap;
    if (end > d->data.n) {
        buf_reserve(&d->data, end - d->data.n);
        memset(d->data.p + d->data.n, 0, end - d->data.n);
        d->data.n = end;
    }
    f->bytes += d->data.cap;
    memcpy(d->data.p + in->offset, in->payload.p, in->payload.n);
    for (uint32_t i = first; i < behind; i++)
        d->units[i / 64] |= 1ull << (i % 64);
    d->have += (uint32_t)in->payload.n;
    if (end > d->highest)
        d->highest = end;
    if (!in->more)
        d->total = end;
    if (in->offset == 0)
        d->protocol = in->protocol;
}

static void bound_bytes(struct fragments *f, const struct datagram *keep)
{
    while (f->bytes > FRAGMENT_BYTES_MAX) {
        struct datagram *d = oldest(f);
        if (!d || d == keep)
            break; /* one datagram alone is never that large */
        give_up(f, d, "fragments: too many bytes under way");
    }
}

int fragments_add(struct fragments *f, const struct fragment *in, const struct packet_at *at,
                  struct span *datagram, uint8_t *protocol, const char **why)
{
    if (!f->all && !(f->all = calloc(FRAGMENT_DATAGRAMS_MAX, sizeof *f->all)))
        abort();
    size_t end = in->offset + in->payload.n;
    if (in->payload.n == 0 || (in->more && in->payload.n % 8 != 0))
        return *why = "fragment length is no multiple of 8", -1;
    if (end > DATAGRAM_MAX)
        return *why = "fragment reaches beyond 65535 bytes", -1;
    struct datagram *d = find(f, in, at);
    if (d->is_void)
        return *why = "fragment of a datagram with overlapping fragments", -1;
    uint32_t first = in->offset / 8, behind = (uint32_t)((end + 7) / 8);
    int same = compare(d, in, first, behind);
    if (same < 0)
        return refuse(d, why, "overlapping fragments");
    if (same > 0)
        return 0;
    if ((d->total && (end > d->total || !in->more)) || (!in->more && end < d->highest))
        return refuse(d, why, "fragment beyond the datagram's last one");
    store(f, d, in, first, behind);
    bound_bytes(f, d);
    if (!d->total || d->have < d->total)
        return 0;
    struct buf whole = f->whole; /* swapped, so that the bytes outlive the entry */
    f->whole = d->data;
    f->bytes -= d->data.cap;
    d->data = (struct buf){0};
    buf_free(&whole);
    *datagram = span_of(f->whole.p, d->total);
    *protocol = d->protocol;
    drop(f, d);
    return 1;
}

void fragments_flush(struct fragments *f)
{
    for (struct datagram *d; f->all && (d = oldest(f));)
        give_up(f, d, "fragments: the rest of the datagram is not in the capture");
}
