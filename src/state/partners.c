#include "state/partners.h"

#include <stdlib.h>

#include <openssl/crypto.h>

#include "base/cbor.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "event/act_cleanup.h"
#include "event/event.h"

#define PARTNERS_FILE_MAX (1u << 30)
#define PARTNERS_VERSION  1

/* The act's own bytes are kept; the rest is made of them. */
struct row {
    uint64_t entry;
    int64_t time;
    struct buf payload;
    struct act_partner act; /* spans into the payload */
    struct net *nets;
    size_t n_nets;
    uint32_t *ases;
    size_t n_ases;
};

struct partners {
    char path[FILE_PATH_MAX];
    struct row *rows; /* by name */
    size_t n, cap;
    struct row all; /* partners_union's: networks and ASes */
    uint64_t position;
};

/* ---- networks ---- */

static bool parse_asn(struct span digits, uint32_t *asn)
{
    uint64_t n = 0;
    for (size_t i = 0; i < digits.n; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9' || n > UINT32_MAX)
            return false;
        n = n * 10 + (uint64_t)(digits.p[i] - '0');
    }
    *asn = (uint32_t)n;
    return digits.n && n && n <= UINT32_MAX;
}

const char *partner_network_parse(struct span text, struct net *net, uint32_t *asn)
{
    *net = (struct net){0};
    *asn = 0;
    if (text.n > 2 && span_ieq(span_of(text.p, 2), span_str("as")))
        return parse_asn(span_of(text.p + 2, text.n - 2), asn) ? NULL : "no AS number";
    if (!net_parse_any(text, net))
        return "no AS number, prefix or address";
    if (net->bits < (ip_is_v4(&net->ip) ? PARTNER_BITS_MIN_V4 : PARTNER_BITS_MIN_V6))
        return "wider than any network's own prefix";
    return NULL;
}

static int cmp_asn(const void *x, const void *y)
{
    const uint32_t *a = x, *b = y;
    return (*a > *b) - (*a < *b);
}

static void order_networks(struct row *r)
{
    r->n_nets = nets_order(r->nets, r->n_nets);
    if (r->n_ases)
        qsort(r->ases, r->n_ases, sizeof *r->ases, cmp_asn);
}

static void take_networks(struct row *r)
{
    struct span text = r->act.networks;
    size_t i = 0, cap = 0, ases_cap = 0;
    while (i < text.n && r->n_nets + r->n_ases < PARTNER_NETWORKS_MAX) {
        size_t from = i;
        struct net net;
        uint32_t asn;
        while (i < text.n && text.p[i] != ' ')
            i++;
        const char *why = partner_network_parse(span_of(text.p + from, i - from), &net, &asn);
        i++;
        if (why)
            continue;
        if (asn) {
            r->ases = mem_room(r->ases, r->n_ases, &ases_cap, sizeof *r->ases);
            r->ases[r->n_ases++] = asn;
        } else {
            r->nets = mem_room(r->nets, r->n_nets, &cap, sizeof *r->nets);
            r->nets[r->n_nets++] = net;
        }
    }
    order_networks(r);
}

bool partner_may_see(const struct partner *p, const struct ip *ip, uint32_t asn)
{
    if (asn && p->n_ases && bsearch(&asn, p->ases, p->n_ases, sizeof asn, cmp_asn))
        return true;
    return nets_have(p->nets, p->n_nets, ip);
}

bool partner_name_is_good(struct span name)
{
    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '_' && c != '-' && (c != '.' || i == 0))
            return false;
    }
    return name.n && name.n <= PARTNER_NAME_MAX;
}

/* ---- rows ---- */

static void row_clear(struct row *r)
{
    buf_free(&r->payload);
    free(r->nets);
    free(r->ases);
    *r = (struct row){0};
}

/* Where the name is, or would be. */
static size_t place_of(const struct partners *p, struct span name, bool *there)
{
    size_t low = 0, high = p->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (span_cmp(p->rows[mid].act.name, name) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *there = low < p->n && span_eq(p->rows[low].act.name, name);
    return low;
}

static bool take(struct partners *p, uint64_t entry, int64_t time, struct span payload)
{
    struct row new = {.entry = entry, .time = time};
    bool there;
    buf_span(&new.payload, payload);
    if (act_partner_read(buf_as_span(&new.payload), &new.act) < 0 ||
        !partner_name_is_good(new.act.name)) {
        row_clear(&new);
        return false;
    }
    take_networks(&new);
    size_t at = place_of(p, new.act.name, &there);
    if (there) {
        row_clear(&p->rows[at]);
    } else {
        p->rows = mem_room(p->rows, p->n, &p->cap, sizeof *p->rows);
        memmove(p->rows + at + 1, p->rows + at, (p->n - at) * sizeof *p->rows);
        p->n++;
    }
    p->rows[at] = new;
    return true;
}

void partners_act(struct partners *p, uint8_t kind, uint64_t index, int64_t time,
                  struct span payload)
{
    if (kind == KIND_PARTNER)
        take(p, index, time, payload);
}

static struct partner shown(const struct row *r)
{
    return (struct partner){.entry = r->entry,
                            .since = r->time,
                            .name = r->act.name,
                            .networks = r->act.networks,
                            .nets = r->nets,
                            .n_nets = r->n_nets,
                            .ases = r->ases,
                            .n_ases = r->n_ases,
                            .until = r->act.until,
                            .revoked = r->act.token.n != SHA256_LEN,
                            .by = r->act.by,
                            .why = r->act.why};
}

int partners_each(struct partners *p, int (*each)(void *ctx, const struct partner *partner),
                  void *ctx)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->n; i++) {
        struct partner partner = shown(&p->rows[i]);
        rc = each(ctx, &partner);
    }
    return rc;
}

bool partners_by_name(struct partners *p, struct span name, struct partner *out)
{
    bool there;
    size_t at = place_of(p, name, &there);
    *out = there ? shown(&p->rows[at]) : (struct partner){0};
    return there;
}

/* All of them are compared, whichever it is. */
bool partners_by_token(struct partners *p, const uint8_t token[SHA256_LEN], int64_t now,
                       struct partner *out)
{
    size_t found = p->n;
    for (size_t i = 0; i < p->n; i++)
        if (p->rows[i].act.token.n == SHA256_LEN &&
            CRYPTO_memcmp(p->rows[i].act.token.p, token, SHA256_LEN) == 0)
            found = i;
    *out = found < p->n ? shown(&p->rows[found]) : (struct partner){0};
    return found < p->n && now < out->until;
}

void partners_union(struct partners *p, int64_t now, struct partner *out)
{
    struct row *all = &p->all;
    size_t nets = 0, ases = 0;
    for (size_t i = 0; i < p->n; i++) {
        nets += p->rows[i].n_nets;
        ases += p->rows[i].n_ases;
    }
    row_clear(all);
    all->nets = mem_zeroed(nets, sizeof *all->nets);
    all->ases = mem_zeroed(ases, sizeof *all->ases);
    for (size_t i = 0; i < p->n; i++) {
        const struct row *r = &p->rows[i];
        if (r->act.token.n != SHA256_LEN || now >= r->act.until)
            continue;
        for (size_t k = 0; k < r->n_nets; k++)
            all->nets[all->n_nets++] = r->nets[k];
        for (size_t k = 0; k < r->n_ases; k++)
            all->ases[all->n_ases++] = r->ases[k];
    }
    order_networks(all);
    *out = shown(all);
}

/* ---- the snapshot: [version, position, [[entry, time, payload]...]] and a SHA-256 behind it ----
 */

uint64_t partners_position(const struct partners *p)
{
    return p->position;
}

void partners_advance(struct partners *p, uint64_t position)
{
    p->position = position;
}

int partners_snapshot(struct partners *p, struct err *err)
{
    struct buf b = {0};
    uint8_t digest[SHA256_LEN];
    cbor_put_head(&b, CBOR_ARRAY, 3);
    cbor_put_uint(&b, PARTNERS_VERSION);
    cbor_put_uint(&b, p->position);
    cbor_put_head(&b, CBOR_ARRAY, p->n);
    for (size_t i = 0; i < p->n; i++) {
        cbor_put_head(&b, CBOR_ARRAY, 3);
        cbor_put_uint(&b, p->rows[i].entry);
        cbor_put_uint(&b, (uint64_t)p->rows[i].time);
        cbor_put_bytes(&b, buf_as_span(&p->rows[i].payload));
    }
    sha256(b.p, b.n, digest);
    buf_put(&b, digest, sizeof digest);
    int rc = file_replace(p->path, buf_as_span(&b), 0600, err);
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

static bool read_row(struct cur *c, struct partners *p)
{
    struct cbor_item head, payload;
    uint64_t entry, time;
    if (cbor_get(c, &head) < 0 || head.type != CBOR_ARRAY || head.n != 3 || !read_uint(c, &entry) ||
        !read_uint(c, &time) || cbor_get(c, &payload) < 0 || payload.type != CBOR_BYTES)
        return false;
    return take(p, entry, (int64_t)time, payload.s);
}

static bool load(struct partners *p, struct span file)
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
    if (cbor_get(&c, &it) < 0 || it.type != CBOR_ARRAY || it.n != 3 || !read_uint(&c, &version) ||
        version != PARTNERS_VERSION || !read_uint(&c, &p->position))
        return false;
    if (cbor_get(&c, &it) < 0 || it.type != CBOR_ARRAY)
        return false;
    for (uint64_t i = 0; i < it.n; i++)
        if (!read_row(&c, p))
            return false;
    return c.p == c.end;
}

static void clear(struct partners *p)
{
    for (size_t i = 0; i < p->n; i++)
        row_clear(&p->rows[i]);
    p->n = 0;
    p->position = 0;
}

int partners_open(const char *dir, struct partners **out, struct err *err)
{
    struct partners *p = mem_zeroed(1, sizeof *p);
    struct buf file = {0};
    int rc = file_path(p->path, err, "%s/partners", dir);
    if (rc == 0 && file_exists(p->path))
        rc = file_read(p->path, PARTNERS_FILE_MAX, &file, err);
    if (rc == 0 && file.n && !load(p, buf_as_span(&file))) {
        log_line(LOG_WARN, "view dropped, it will be rebuilt", "view=partners");
        clear(p);
    }
    buf_free(&file);
    if (rc < 0) {
        partners_close(p);
        return rc;
    }
    *out = p;
    return 0;
}

void partners_close(struct partners *p)
{
    if (!p)
        return;
    clear(p);
    row_clear(&p->all);
    free(p->rows);
    free(p);
}
