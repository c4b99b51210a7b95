/* STIX 2.1 (OASIS): for each row what was seen (ipv4-addr or ipv6-addr, autonomous-system,
 * domain-name, network-traffic), an observed-data of them, and a sighting of the family's malware
 * object. Ids are of what they name: those of observables as the standard says (2.9: UUIDv5 of the
 * canonical JSON of the contributing properties), so that they are the same at everybody's; those
 * of ours within a namespace of our own. An object is in the bundle once. */
#include <stdio.h>

#include "base/json.h"
#include "base/utc.h"
#include "report/formats.h"
#include "report/row.h"
#include "report/uuid.h"

#define ID_MAX     64        /* "marking-definition--" and a UUID are 56 */
#define COUNT_MAX  999999999 /* number_observed, count */
#define STRING_MAX 200
#define TLP_AMBER  "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"

/* The standard's, for observables; and ours, a random one, for all others. */
static const uint8_t space_sco[UUID_LEN] = {0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c,
                                            0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7};
static const uint8_t space_own[UUID_LEN] = {0x31, 0x9c, 0x73, 0x31, 0x16, 0x80, 0x4f, 0x6e,
                                            0xbe, 0xee, 0x2e, 0x78, 0xce, 0x4a, 0x4f, 0x48};

/* Objects that are the same in every report: they must not seem to be changed by each. */
static const char always[] = "2026-01-01T00:00:00.000Z";

struct id {
    char text[ID_MAX];
};

struct bundle {
    struct arena *arena;
    const struct report *r;
    struct json *j;
    char made[UTC_TEXT_MAX];
    struct id reporter;
    uint64_t *seen; /* ids that are in it, by their first eight bytes; open addressing */
    size_t slots;
    struct buf name; /* scratch */
};

static void key_str(struct json *j, const char *key, const char *s)
{
    json_key(j, key);
    json_str(j, s);
}

static void key_span(struct json *j, const char *key, struct span s)
{
    if (s.n) {
        json_key(j, key);
        json_span(j, s);
    }
}

static void key_uint(struct json *j, const char *key, uint64_t v)
{
    json_key(j, key);
    json_uint(j, v);
}

static void key_time(struct json *j, const char *key, int64_t t)
{
    char text[UTC_TEXT_MAX];
    json_key(j, key);
    json_span(j, span_of(text, utc_format(t, text)));
}

static void key_list(struct json *j, const char *key, const char *one)
{
    json_key(j, key);
    json_array(j);
    json_str(j, one);
    json_array_end(j);
}

/* Makes type--uuid of b->name. True when it is not in the bundle yet; from now on it is. */
static bool make_id(struct bundle *b, const uint8_t space[UUID_LEN], const char *type,
                    struct id *id)
{
    uint8_t uuid[UUID_LEN];
    size_t n = strlen(type);
    uuid_of_name(space, buf_as_span(&b->name), uuid);
    memcpy(id->text, type, n);
    memcpy(id->text + n, "--", 2);
    uuid_format(uuid, id->text + n + 2);
    b->name.n = 0;
    uint64_t key = be64_get(uuid) | 1; /* 0 is a free slot */
    size_t i = key >> 8 & (b->slots - 1);
    while (b->seen[i] && b->seen[i] != key)
        i = (i + 1) & (b->slots - 1);
    bool fresh = !b->seen[i];
    b->seen[i] = key;
    return fresh;
}

/* A name of parts, each with its length, in our own namespace. */
static void own_part(struct bundle *b, struct span s)
{
    buf_be64(&b->name, s.n);
    buf_span(&b->name, s);
}

static void begin(struct bundle *b, const char *type, const struct id *id)
{
    json_object(b->j);
    key_str(b->j, "type", type);
    key_str(b->j, "spec_version", "2.1");
    key_str(b->j, "id", id->text);
}

static void end(struct bundle *b)
{
    key_list(b->j, "object_marking_refs", TLP_AMBER);
    json_object_end(b->j);
}

static void begin_own(struct bundle *b, const char *type, const struct id *id, const char *created)
{
    begin(b, type, id);
    if (strcmp(type, "identity") != 0)
        key_str(b->j, "created_by_ref", b->reporter.text);
    key_str(b->j, "created", created);
    key_str(b->j, "modified", created);
}

static void marking(struct bundle *b)
{
    struct json *j = b->j;
    begin(b, "marking-definition", &(struct id){TLP_AMBER});
    key_str(j, "created", "2017-01-20T00:00:00.000Z");
    key_str(j, "definition_type", "tlp");
    key_str(j, "name", "TLP:AMBER");
    json_key(j, "definition");
    json_object(j);
    key_str(j, "tlp", "amber");
    json_object_end(j);
    json_object_end(j);
}

static void reporter(struct bundle *b)
{
    const struct report_from *f = b->r->from;
    struct span name = words_clean(b->arena, f->org.n ? f->org : f->name, STRING_MAX);
    own_part(b, span_str("identity"));
    own_part(b, name);
    own_part(b, f->mail);
    own_part(b, f->web);
    make_id(b, space_own, "identity", &b->reporter);
    begin_own(b, "identity", &b->reporter, always);
    key_span(b->j, "name", name);
    key_str(b->j, "identity_class", "organization");
    struct buf contact = {0};
    buf_span(&contact, f->mail);
    if (f->web.n)
        buf_byte(&contact, ' ');
    buf_span(&contact, words_clean(b->arena, f->web, STRING_MAX));
    key_span(b->j, "contact_information", buf_as_span(&contact));
    buf_free(&contact);
    end(b);
}

static void malware(struct bundle *b, const struct report_row *row, struct id *id)
{
    struct span family = row_family(b->arena, row);
    if (!family.n)
        family = span_str("unknown");
    own_part(b, span_str("malware"));
    own_part(b, span_str(b->reporter.text));
    own_part(b, family);
    if (!make_id(b, space_own, "malware", id))
        return;
    begin_own(b, "malware", id, always);
    key_span(b->j, "name", family);
    key_list(b->j, "malware_types", "bot");
    json_key(b->j, "is_family");
    json_bool(b->j, true);
    end(b);
}

/* Observables. Their ids are of canonical JSON (RFC 8785), which json.h's output is for texts
 * without controls when keys are put in order. */

static void sco_value(struct bundle *b, const char *type, struct span value, struct id *id)
{
    struct json j = json_to(&b->name);
    json_object(&j);
    key_span(&j, "value", value);
    json_object_end(&j);
}

static void system_put(struct bundle *b, const struct report_row *row, struct id *id)
{
    struct json j = json_to(&b->name);
    json_object(&j);
    key_uint(&j, "number", row->asn);
    json_object_end(&j);
    if (!make_id(b, space_sco, "autonomous-system", id))
        return;
    begin(b, "autonomous-system", id);
    key_uint(b->j, "number", row->asn);
    key_span(b->j, "name", words_clean(b->arena, row->as_name, STRING_MAX));
    end(b);
}

static void address(struct bundle *b, const struct ip *ip, const struct id *system, struct id *id)
{
    char text[IP_TEXT_MAX];
    const char *type = ip_is_v4(ip) ? "ipv4-addr" : "ipv6-addr";
    struct span value = span_of(text, ip_format(ip, text));
    sco_value(b, type, value, id);
    if (!make_id(b, space_sco, type, id))
        return;
    begin(b, type, id);
    key_span(b->j, "value", value);
    if (system)
        key_list(b->j, "belongs_to_refs", system->text);
    end(b);
}

static void domain(struct bundle *b, struct span value, const struct id *to, struct id *id)
{
    sco_value(b, "domain-name", value, id);
    if (!make_id(b, space_sco, "domain-name", id))
        return;
    begin(b, "domain-name", id);
    key_span(b->j, "value", value);
    if (to)
        key_list(b->j, "resolves_to_refs", to->text);
    end(b);
}

static void header(struct json *j, const char *key, struct span value)
{
    if (!value.n)
        return;
    json_key(j, key);
    json_array(j);
    json_span(j, value);
    json_array_end(j);
}

static void request(struct bundle *b, struct json *j, const struct report_row *row)
{
    struct span path = row_path(b->arena, row);
    if (!row->method.n || !path.n)
        return;
    json_key(j, "extensions");
    json_object(j);
    json_key(j, "http-request-ext");
    json_object(j);
    if (row->host.n || row->agent.n) {
        json_key(j, "request_header");
        json_object(j);
        header(j, "Host", words_clean(b->arena, row->host, ROW_WORDS_MAX));
        header(j, "User-Agent", words_clean(b->arena, row->agent, ROW_WORDS_MAX));
        json_object_end(j);
    }
    key_span(j, "request_method", words_clean(b->arena, row->method, ROW_FAMILY_MAX));
    key_span(j, "request_value", path);
    json_object_end(j);
    json_object_end(j);
}

static void protocols(struct json *j, struct arena *arena, const struct report_row *row)
{
    json_key(j, "protocols");
    json_array(j);
    json_str(j, ip_is_v4(&row->ip) ? "ipv4" : "ipv6");
    if (row->transport.n)
        json_span(j, words_clean(arena, row->transport, ROW_FAMILY_MAX));
    if (row->protocol.n && !span_is(row->protocol, "raw"))
        json_span(j, words_clean(arena, row->protocol, ROW_FAMILY_MAX));
    json_array_end(j);
}

/* All that contributes to its id, in the order of RFC 8785. */
static void traffic_fields(struct bundle *b, struct json *j, const struct report_row *row,
                           const char *from, const char *to)
{
    if (row->dst_port)
        key_uint(j, "dst_port", row->dst_port);
    if (to)
        key_str(j, "dst_ref", to);
    request(b, j, row);
    protocols(j, b->arena, row);
    if (row->src_port)
        key_uint(j, "src_port", row->src_port);
    key_str(j, "src_ref", from);
    key_time(j, "start", row->time);
}

static void traffic(struct bundle *b, const struct report_row *row, const char *from,
                    const char *to, struct id *id)
{
    struct json j = json_to(&b->name);
    json_object(&j);
    traffic_fields(b, &j, row, from, to);
    json_object_end(&j);
    if (!make_id(b, space_sco, "network-traffic", id))
        return;
    begin(b, "network-traffic", id);
    traffic_fields(b, b->j, row, from, to);
    end(b);
}

/* Observed and sighted. */

static void own_row_id(struct bundle *b, const char *type, const struct report_row *row,
                       struct id *id)
{
    own_part(b, span_str(type));
    own_part(b, b->r->id);
    own_part(b, span_of(row->ip.b, sizeof row->ip.b));
    own_part(b, row->family);
    buf_be64(&b->name, row->index);
    buf_be64(&b->name, (uint64_t)row->time);
    make_id(b, space_own, type, id);
}

static uint64_t bounded(uint64_t n)
{
    return n < 1 ? 1 : n > COUNT_MAX ? COUNT_MAX : n;
}

struct refs {
    const char *ref[5];
    unsigned n;
};

static void observed(struct bundle *b, const struct report_row *row, const struct refs *refs,
                     struct id *id)
{
    struct json *j = b->j;
    own_row_id(b, "observed-data", row, id);
    begin_own(b, "observed-data", id, b->made);
    key_time(j, "first_observed", row_first(row));
    key_time(j, "last_observed", row->time);
    key_uint(j, "number_observed", bounded(row->contacts));
    json_key(j, "object_refs");
    json_array(j);
    for (unsigned i = 0; i < refs->n; i++)
        json_str(j, refs->ref[i]);
    json_array_end(j);
    end(b);
}

static void sighting(struct bundle *b, const struct report_row *row, const struct id *of,
                     const struct id *seen)
{
    struct json *j = b->j;
    struct id id;
    own_row_id(b, "sighting", row, &id);
    begin_own(b, "sighting", &id, b->made);
    json_key(j, "description");
    json_str(j, row_is_spam(row) ? "An infected computer handed in spam at a sinkhole"
                                 : "An infected computer contacted a sinkhole");
    key_time(j, "first_seen", row_first(row));
    key_time(j, "last_seen", row->time);
    key_uint(j, "count", bounded(row->contacts));
    key_str(j, "sighting_of_ref", of->text);
    key_list(j, "observed_data_refs", seen->text);
    key_list(j, "where_sighted_refs", b->reporter.text);
    key_uint(j, "confidence", row_confidence(row));
    key_list(j, "labels", row_what(row));
    if (b->r->log_origin.n) {
        char entry[24];
        snprintf(entry, sizeof entry, "%llu", (unsigned long long)row->index);
        json_key(j, "external_references");
        json_array(j);
        json_object(j);
        key_span(j, "source_name", words_clean(b->arena, b->r->log_origin, STRING_MAX));
        key_str(j, "external_id", entry);
        json_object_end(j);
        json_array_end(j);
    }
    end(b);
}

static void row_put(struct bundle *b, const struct report_row *row)
{
    struct id of, from, to, system, name, flow, seen;
    struct span asked = row_domain(b->arena, row);
    struct refs refs = {0};
    bool to_known = ip_is_set(&row->dst_ip);
    malware(b, row, &of);
    if (row->asn)
        system_put(b, row, &system);
    address(b, &row->ip, row->asn ? &system : NULL, &from);
    refs.ref[refs.n++] = from.text;
    if (row->asn)
        refs.ref[refs.n++] = system.text;
    if (to_known) {
        address(b, &row->dst_ip, NULL, &to);
        refs.ref[refs.n++] = to.text;
    }
    if (asked.n) {
        domain(b, asked, to_known ? &to : NULL, &name);
        refs.ref[refs.n++] = name.text;
    }
    traffic(b, row, from.text, to_known ? to.text : asked.n ? name.text : NULL, &flow);
    refs.ref[refs.n++] = flow.text;
    observed(b, row, &refs, &seen);
    sighting(b, row, &of, &seen);
}

/* At most eight objects a row, and the table half full. */
static size_t slots_for(size_t rows)
{
    size_t slots = 64;
    while (slots < rows * 16)
        slots *= 2;
    return slots;
}

void stix_put(struct arena *arena, const struct report *r, struct buf *out)
{
    struct json json = json_to(out);
    struct bundle b = {.arena = arena, .r = r, .j = &json, .slots = slots_for(r->n + 1)};
    struct id id;
    b.seen = arena_alloc(arena, b.slots * sizeof *b.seen);
    memset(b.seen, 0, b.slots * sizeof *b.seen);
    unsigned n = utc_format(r->made, b.made); /* created: milliseconds */
    snprintf(b.made + n - 4, 2, "Z");
    own_part(&b, span_str("bundle"));
    own_part(&b, r->id);
    make_id(&b, space_own, "bundle", &id);
    json_object(&json);
    key_str(&json, "type", "bundle");
    key_str(&json, "id", id.text);
    json_key(&json, "objects");
    json_array(&json);
    marking(&b);
    reporter(&b);
    for (size_t i = 0; i < r->n; i++)
        if (r->rows[i].what != REPORT_GONE)
            row_put(&b, &r->rows[i]);
    json_array_end(&json);
    json_object_end(&json);
    buf_free(&b.name);
}
