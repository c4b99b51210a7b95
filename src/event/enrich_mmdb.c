/* Reads MaxMind DB files (https://maxmind.github.io/MaxMind-DB/) through libmaxminddb: walks the
 * whole search tree. In an IPv6 tree IPv4 is below ::/96; other ranges that point at the same
 * subtree (6to4, Teredo) are left out, as they name somebody's IPv4 address, not a network. */
#include <errno.h>
#include <maxminddb.h>

#include "event/enrich_table.h"

#define AS_NAME_MAX 1024
#define VISITS_MAX  (1u << 28) /* nodes of one walk, against trees that share branches */

struct mmdb {
    MMDB_s db;
    const char *path;
    bool asn, country;
    bool v4; /* this walk is the IPv4 one */
    uint32_t v4_root;
    struct enrich_data *out;
    uint64_t visits;
};

struct frame {
    uint64_t record;
    MMDB_entry_s entry;
    uint8_t type;
    unsigned depth; /* bits of the family's address above it */
    uint64_t hi, lo;
};

static void country_of(MMDB_entry_s *entry, struct enrich_value *v)
{
    MMDB_entry_data_s d;
    if (MMDB_get_value(entry, &d, "country", "iso_code", NULL) == MMDB_SUCCESS && d.has_data &&
        d.type == MMDB_DATA_TYPE_UTF8_STRING && d.data_size == 2 && d.utf8_string[0] &&
        d.utf8_string[1])
        memcpy(v->country, d.utf8_string, 2);
}

static uint32_t asn_of(MMDB_entry_s *entry)
{
    MMDB_entry_data_s d;
    int rc = MMDB_get_value(entry, &d, "autonomous_system_number", NULL);
    if (rc != MMDB_SUCCESS || !d.has_data)
        return 0;
    switch (d.type) {
    case MMDB_DATA_TYPE_UINT16:
        return d.uint16;
    case MMDB_DATA_TYPE_UINT32:
        return d.uint32;
    case MMDB_DATA_TYPE_UINT64:
        return d.uint64 <= UINT32_MAX ? (uint32_t)d.uint64 : 0;
    default:
        return 0;
    }
}

/* The organisation goes to the names when it is new for the number; a database repeats it with
 * every network, next to each other more often than not. */
static void as_name(struct mmdb *m, MMDB_entry_s *entry, uint32_t asn)
{
    MMDB_entry_data_s d;
    if (m->out->n_as && m->out->as[m->out->n_as - 1].asn == asn)
        return;
    if (MMDB_get_value(entry, &d, "autonomous_system_organization", NULL) == MMDB_SUCCESS &&
        d.has_data && d.type == MMDB_DATA_TYPE_UTF8_STRING)
        enrich_data_as(
            m->out, asn,
            span_of(d.utf8_string, d.data_size < AS_NAME_MAX ? d.data_size : AS_NAME_MAX));
}

static struct enrich_value value_of(struct mmdb *m, struct frame *f)
{
    struct enrich_value v = {.bits = ENRICH_NO_NET};
    if (m->country)
        country_of(&f->entry, &v);
    if (m->asn) {
        v.asn = asn_of(&f->entry);
        v.bits = (uint8_t)f->depth;
        if (v.asn)
            as_name(m, &f->entry, v.asn);
    }
    return v;
}

static struct frame child(const struct mmdb *m, const struct frame *f, const MMDB_search_node_s *n,
                          bool right)
{
    struct frame c = {.record = right ? n->right_record : n->left_record,
                      .entry = right ? n->right_record_entry : n->left_record_entry,
                      .type = right ? n->right_record_type : n->left_record_type,
                      .depth = f->depth + 1,
                      .hi = f->hi,
                      .lo = f->lo};
    if (right && m->v4)
        c.lo |= 1ull << (31 - f->depth);
    else if (right && f->depth < 64)
        c.hi |= 1ull << (63 - f->depth);
    else if (right)
        c.lo |= 1ull << (127 - f->depth);
    return c;
}

static bool walk(struct mmdb *m, uint32_t root, struct enrich_steps *steps)
{
    const struct enrich_value none = {.bits = ENRICH_NO_NET};
    unsigned deepest = m->v4 ? 32 : 128;
    struct frame stack[130];
    size_t n = 0;
    stack[n++] = (struct frame){.record = root, .type = MMDB_RECORD_TYPE_SEARCH_NODE};
    while (n) {
        struct frame f = stack[--n];
        bool v4_branch = !m->v4 && f.type == MMDB_RECORD_TYPE_SEARCH_NODE && f.depth > 0 &&
                         f.record == m->v4_root;
        if (f.type == MMDB_RECORD_TYPE_EMPTY || v4_branch) {
            enrich_steps_add(steps, f.hi, f.lo, &none);
            continue;
        }
        if (f.type == MMDB_RECORD_TYPE_DATA) {
            struct enrich_value v = value_of(m, &f);
            enrich_steps_add(steps, f.hi, f.lo, &v);
            continue;
        }
        MMDB_search_node_s node;
        if (f.type != MMDB_RECORD_TYPE_SEARCH_NODE || f.depth >= deepest ||
            ++m->visits > VISITS_MAX ||
            MMDB_read_node(&m->db, (uint32_t)f.record, &node) != MMDB_SUCCESS)
            return false;
        stack[n++] = child(m, &f, &node, true);
        stack[n++] = child(m, &f, &node, false);
    }
    return true;
}

/* The node where IPv4 begins: the root of an IPv4 tree, the node of ::/96 of an IPv6 tree, ~0 when
 * that tree has none. */
static uint32_t v4_root(const struct mmdb *m)
{
    if (m->db.metadata.ip_version == 4)
        return 0;
    const MMDB_ipv4_start_node_s *start = &m->db.ipv4_start_node;
    return start->netmask == 96 && start->node_value < m->db.metadata.node_count ? start->node_value
                                                                                 : UINT32_MAX;
}

static bool read_trees(struct mmdb *m)
{
    const struct enrich_value none = {.bits = ENRICH_NO_NET};
    struct enrich_data *out = m->out;
    m->v4 = true;
    m->v4_root = v4_root(m);
    if (m->v4_root == UINT32_MAX)
        enrich_steps_add(&out->v4, 0, 0, &none);
    else if (!walk(m, m->v4_root, &out->v4))
        return false;
    m->v4 = false;
    if (m->db.metadata.ip_version == 4)
        enrich_steps_add(&out->v6, 0, 0, &none);
    else if (!walk(m, 0, &out->v6))
        return false;
    return true;
}

int enrich_mmdb_read(const char *path, bool asn, bool country, struct enrich_data *out,
                     struct err *err)
{
    struct mmdb m = {.path = path, .asn = asn, .country = country, .out = out};
    int rc = MMDB_open(path, MMDB_MODE_MMAP, &m.db);
    if (rc != MMDB_SUCCESS)
        return err_set(err, -EINVAL, "%s: %s", path, MMDB_strerror(rc));
    uint64_t made = m.db.metadata.build_epoch;
    out->made = made < UINT32_MAX ? (int64_t)made * 1000000 : 0;
    rc = 0;
    if (!read_trees(&m))
        rc = err_set(err, -EINVAL, "%s: damaged: the search tree is no tree", path);
    MMDB_close(&m.db);
    return rc;
}
