#include "contact/contact_rows.h"

#include <errno.h>

#include "base/mem.h"

#define DEPTH_MAX 129 /* networks within each other */

typedef unsigned __int128 number;

void contact_rows_free(struct contact_rows *r)
{
    contact_texts_free(&r->texts);
    free(r->v);
    *r = (struct contact_rows){0};
}

int contact_rows_add(struct contact_rows *r, const struct contact_row *row)
{
    struct contact_item item = {.order = (uint32_t)r->n, .match = (uint8_t)row->match};
    if (r->n == CONTACT_ROWS_MAX || contact_texts_full(&r->texts))
        return -E2BIG;
    memcpy(item.country, row->country, 2);
    if (row->match == CONTACT_NETWORK) {
        item.ip = row->network.ip;
        item.bits = row->network.bits;
    } else {
        item.key = row->match == CONTACT_AS
                       ? row->asn
                       : (uint32_t)((uint8_t)row->country[0] << 8 | (uint8_t)row->country[1]);
    }
    item.text = contact_texts_number(&r->texts, 0, row->mail, row->handle,
                                     row->mail.n ? row->name : row->registry);
    r->v = mem_room(r->v, r->n, &r->cap, sizeof *r->v);
    r->v[r->n++] = item;
    return 0;
}

/* ---- ranges ---- */

static number of_ip(const struct ip *ip)
{
    return (number)be64_get(ip->b) << 64 | be64_get(ip->b + 8);
}

static unsigned zeros_behind(number v)
{
    uint64_t low = (uint64_t)v, high = (uint64_t)(v >> 64);
    if (low)
        return (unsigned)__builtin_ctzll(low);
    return high ? 64 + (unsigned)__builtin_ctzll(high) : 128;
}

/* All ones of a network with that many host bits. */
static number host_part(unsigned width)
{
    return width == 128 ? ~(number)0 : ((number)1 << width) - 1;
}

int contact_rows_add_range(struct contact_rows *r, const struct ip *first, const struct ip *last,
                           const struct contact_row *row)
{
    bool v4 = ip_is_v4(first);
    unsigned bits = v4 ? 32 : 128;
    number at = of_ip(first), end = of_ip(last);
    struct contact_row part = *row;
    int added = 0;
    part.match = CONTACT_NETWORK;
    while (at <= end) { /* the largest prefix that begins here and is within: 2 * 128 at most */
        unsigned width = zeros_behind(at);
        width = width > bits ? bits : width;
        while (width && end - at < host_part(width))
            width--;
        part.network = (struct net){.bits = (uint8_t)(bits - width), .set = true};
        be64_put(part.network.ip.b, (uint64_t)(at >> 64));
        be64_put(part.network.ip.b + 8, (uint64_t)at);
        if (contact_network_ok(&part.network)) {
            int rc = contact_rows_add(r, &part);
            if (rc < 0)
                return rc;
            added++;
        }
        if (width == 128)
            break;
        at += (number)1 << width;
        if (!at)
            break; /* over the last address */
    }
    return added;
}

/* ---- writing ---- */

static int cmp_same(const struct contact_item *a, const struct contact_item *b)
{
    if (a->match != b->match)
        return a->match - b->match;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    int by = ip_is_v4(&b->ip) - ip_is_v4(&a->ip); /* IPv4 first */
    if (by == 0)
        by = memcmp(a->ip.b, b->ip.b, sizeof a->ip.b);
    return by ? by : a->bits - b->bits;
}

static int cmp_item(const void *x, const void *y)
{
    const struct contact_item *a = x, *b = y;
    int by = cmp_same(a, b);
    return by ? by : (a->order > b->order) - (a->order < b->order);
}

static struct net net_of_item(const struct contact_item *i)
{
    return (struct net){.ip = i->ip, .bits = i->bits, .set = true};
}

/* The networks around the one in hand. */
struct around {
    const struct contact_item *v[DEPTH_MAX];
    unsigned n;
};

/* True when the nearest network around it says the same. */
static bool says_nothing_new(struct around *a, const struct contact_item *i)
{
    while (a->n) {
        struct net last = net_of_item(a->v[a->n - 1]);
        if (net_has(&last, &i->ip))
            break;
        a->n--;
    }
    return a->n && a->v[a->n - 1]->text == i->text &&
           memcmp(a->v[a->n - 1]->country, i->country, 2) == 0;
}

static void write_item(const struct contact_rows *r, const struct contact_item *i, bool delegations,
                       struct buf *out)
{
    const struct contact_text *k = &r->texts.v[i->text];
    const uint8_t *heap = r->texts.heap.p;
    struct contact_row row = {
        .match = (enum contact_match)i->match,
        .network = net_of_item(i),
        .asn = i->key,
        .country = {i->country[0], i->country[1]},
        .mail = contact_text_mail(k, heap),
        .handle = contact_text_handle(k, heap),
        .name = contact_text_name(k, heap),
        .registry = contact_text_name(k, heap),
    };
    contact_table_put(out, &row, delegations);
}

uint64_t contact_rows_write(struct contact_rows *r, bool delegations, struct buf *out)
{
    struct around around = {.n = 0};
    const struct contact_item *last = NULL;
    uint64_t rows = 0;
    contact_table_head(out, delegations);
    if (r->n)
        qsort(r->v, r->n, sizeof *r->v, cmp_item);
    for (size_t i = 0; i < r->n; i++) {
        const struct contact_item *item = &r->v[i];
        bool again = last && cmp_same(last, item) == 0;
        last = item;
        if (again)
            continue;
        if (item->match == CONTACT_NETWORK) {
            if (says_nothing_new(&around, item))
                continue;
            around.v[around.n++] = item;
        }
        write_item(r, item, delegations, out);
        rows++;
    }
    return rows;
}
