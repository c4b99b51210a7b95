/* STIX 2.1: a subject is a threat-actor; a name of it an identity that it is attributed to; what it
 * goes by (domains, addresses, mail, accounts) observables that it is related to, with the fact's
 * confidence; what has no word there a note. Links are relationships. Every relationship and note
 * names its entry of the log and its documents. */
#include <stdio.h>
#include <string.h>

#include "app/subject/subject_export.h"

#define ID_MAX       64
#define ALIASES_MAX  200
#define RELATION_MIN 3 /* characters of a relationship's type */

/* The standard's namespace of observables' ids (2.9). */
static const uint8_t sco_space[UUID_LEN] = {0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c,
                                            0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7};
/* The markings that the standard has (7.2.1.4). */
static const struct {
    const char *name, *id;
} tlps[] = {
    {"white", "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"},
    {"green", "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"},
    {"amber", "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"},
    {"red", "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"},
};

struct id {
    char text[ID_MAX];
};

struct bundle {
    const struct subject_export *e;
    struct json *j;
    struct subject_seen seen;
    struct id maker;
    const char *marking;
    int64_t begun; /* when the case was opened */
};

static void key_list(struct json *j, const char *key, const char *one)
{
    json_key(j, key);
    json_array(j);
    json_str(j, one);
    json_array_end(j);
}

static void set_id(struct id *id, const char *type, const char *uuid)
{
    snprintf(id->text, sizeof id->text, "%s--%s", type, uuid);
}

/* An id of ours, of an entry. */
static struct id own_id(struct bundle *b, const char *type, const char *word, uint64_t entry)
{
    uint8_t name[8];
    char uuid[UUID_TEXT_MAX];
    struct id id;
    be64_put(name, entry);
    subject_export_uuid(b->e, word, span_of(name, sizeof name), uuid);
    set_id(&id, type, uuid);
    return id;
}

static bool is_new(struct bundle *b, const struct id *id)
{
    return subject_seen_add(&b->seen, span_str(id->text));
}

static void begin(struct bundle *b, const char *type, const struct id *id)
{
    json_object(b->j);
    key_str(b->j, "type", type);
    key_str(b->j, "spec_version", "2.1");
    key_str(b->j, "id", id->text);
}

static void begin_own(struct bundle *b, const char *type, const struct id *id, int64_t created,
                      int64_t modified)
{
    begin(b, type, id);
    if (strcmp(id->text, b->maker.text) != 0)
        key_str(b->j, "created_by_ref", b->maker.text);
    subject_export_time(b->j, "created", created);
    subject_export_time(b->j, "modified", modified);
}

static void end(struct bundle *b)
{
    key_list(b->j, "object_marking_refs", b->marking);
    json_object_end(b->j);
}

/* ---- what is in every bundle ---- */

static void put_marking(struct bundle *b)
{
    char name[16];
    struct id id;
    b->marking = tlps[0].id;
    for (size_t i = 0; i < sizeof tlps / sizeof *tlps; i++)
        if (strcmp(tlps[i].name, b->e->tlp) == 0)
            b->marking = tlps[i].id;
    snprintf(id.text, sizeof id.text, "%s", b->marking);
    snprintf(name, sizeof name, "TLP:%s", b->e->tlp);
    for (char *c = name; *c; c++)
        *c = (char)((uint8_t)(*c - 'a') < 26 ? *c & ~0x20 : *c);
    begin(b, "marking-definition", &id);
    key_str(b->j, "created", "2017-01-20T00:00:00.000Z");
    key_str(b->j, "definition_type", "tlp");
    key_str(b->j, "name", name);
    json_key(b->j, "definition");
    json_object(b->j);
    key_str(b->j, "tlp", b->e->tlp);
    json_object_end(b->j);
    json_object_end(b->j);
}

static void put_maker(struct bundle *b)
{
    b->maker = own_id(b, "identity", "maker", 0);
    begin_own(b, "identity", &b->maker, b->begun, b->begun);
    key_str(b->j, "name", journal_origin(b->e->c->journal));
    key_str(b->j, "identity_class", "system");
    key_str(b->j, "description", "The case whose log the objects name as their source.");
    end(b);
}

/* ---- sources ---- */

static void put_reference(struct bundle *b, const char *description, struct span entry)
{
    json_object(b->j);
    key_str(b->j, "source_name", journal_origin(b->e->c->journal));
    key_str(b->j, "description", description);
    key_span(b->j, "external_id", entry);
    json_object_end(b->j);
}

/* The entry of the log that says it, and what that names. */
static void put_references(struct bundle *b, const struct subject_row *row)
{
    struct json *j = b->j;
    char text[32];
    json_key(j, "external_references");
    json_array(j);
    int n = snprintf(text, sizeof text, "%llu", (unsigned long long)row->entry);
    put_reference(b, "entry of the log", span_of(text, (size_t)n));
    if (row->fact.entries.n)
        put_reference(b, "entries that it rests on", row->fact.entries);
    if (row->fact.lead) {
        n = snprintf(text, sizeof text, "%llu", (unsigned long long)row->fact.lead);
        put_reference(b, "lead that it rests on", span_of(text, (size_t)n));
    }
    if (row->fact.sha256.n) {
        json_object(j);
        key_str(j, "source_name", "document");
        key_span(j, "description",
                 row->fact.document.n ? row->fact.document : span_str("document"));
        json_key(j, "hashes");
        json_object(j);
        json_key(j, "SHA-256");
        json_hex(j, row->fact.sha256.p, row->fact.sha256.n);
        json_object_end(j);
        json_object_end(j);
    }
    json_array_end(j);
}

static void put_confidence(struct bundle *b, const struct subject_row *row)
{
    if (row->fact.confidence) {
        json_key(b->j, "confidence");
        json_uint(b->j, row->fact.confidence);
    }
}

/* ---- subjects ---- */

static const char *class_of(struct span kind)
{
    return span_is(kind, "person")         ? "individual"
           : span_is(kind, "group")        ? "group"
           : span_is(kind, "organisation") ? "organization"
                                           : "unknown";
}

static struct id actor_id(struct bundle *b, uint64_t subject)
{
    return own_id(b, "threat-actor", "subject", subject);
}

static void put_aliases(struct bundle *b, uint64_t subject, const struct subject_rows *rows)
{
    unsigned n = 0;
    for (size_t i = 0; i < rows->n && n < ALIASES_MAX; i++) {
        const struct subject_row *r = &rows->row[i];
        bool other = r->what == SUBJECT_ROW_SUBJECT && r->entry != subject;
        bool handle = r->what == SUBJECT_ROW_FACT && span_is(r->type, "handle");
        if (!other && !handle)
            continue;
        if (!n++) {
            json_key(b->j, "aliases");
            json_array(b->j);
        }
        json_span(b->j, r->value);
    }
    if (n)
        json_array_end(b->j);
}

static void put_seen(struct bundle *b, const struct subject_rows *rows)
{
    int64_t first = ACT_FOREVER, last = INT64_MIN;
    for (size_t i = 0; i < rows->n; i++) {
        int64_t t = rows->row[i].fact.observed;
        if (rows->row[i].what != SUBJECT_ROW_FACT || t == ACT_FOREVER)
            continue;
        first = t < first ? t : first;
        last = t > last ? t : last;
    }
    if (first == ACT_FOREVER)
        return;
    subject_export_time(b->j, "first_seen", first);
    subject_export_time(b->j, "last_seen", last);
}

/* rows NULL: another one's end of a link, by name alone. */
static struct id put_actor(struct bundle *b, uint64_t subject, const struct subject_rows *rows)
{
    const struct subject_as_was *s = subject_names_of(b->e->names, subject);
    struct id id = actor_id(b, subject);
    if (!s || !is_new(b, &id))
        return id;
    int64_t modified = s->recorded;
    for (size_t i = 0; rows && i < rows->n; i++)
        if (rows->row[i].recorded > modified)
            modified = rows->row[i].recorded;
    begin_own(b, "threat-actor", &id, s->recorded, modified);
    key_span(b->j, "name", s->name);
    key_span(b->j, "description", rows ? s->note : span_str(""));
    key_list(b->j, "threat_actor_types", "unknown");
    if (rows)
        put_aliases(b, subject, rows);
    if (rows)
        put_seen(b, rows);
    if (span_is(s->kind, "person"))
        key_str(b->j, "resource_level", "individual");
    else if (span_is(s->kind, "organisation"))
        key_str(b->j, "resource_level", "organization");
    end(b);
    return id;
}

/* ---- things ---- */

/* Ids of observables are of canonical JSON (RFC 8785), which json.h's output is when keys are put
 * in order. True: it is not in the bundle yet. */
static bool thing_id(struct bundle *b, const char *type, struct span json, struct id *id)
{
    uint8_t uuid[UUID_LEN];
    char text[UUID_TEXT_MAX];
    uuid_of_name(sco_space, json, uuid);
    uuid_format(uuid, text);
    set_id(id, type, text);
    return is_new(b, id);
}

static struct id put_value(struct bundle *b, const char *type, struct span value)
{
    struct buf name = {0};
    struct json j = json_to(&name);
    struct id id;
    json_object(&j);
    key_span(&j, "value", value);
    json_object_end(&j);
    if (thing_id(b, type, buf_as_span(&name), &id)) {
        begin(b, type, &id);
        key_span(b->j, "value", value);
        end(b);
    }
    buf_free(&name);
    return id;
}

static struct id put_account(struct bundle *b, struct span type, struct span user,
                             struct span shown)
{
    struct buf name = {0};
    struct json j = json_to(&name);
    struct id id;
    json_object(&j);
    key_span(&j, "account_type", type);
    key_span(&j, "user_id", user);
    json_object_end(&j);
    if (thing_id(b, "user-account", buf_as_span(&name), &id)) {
        begin(b, "user-account", &id);
        key_span(b->j, "user_id", user);
        key_span(b->j, "account_type", type);
        key_span(b->j, "display_name", shown);
        end(b);
    }
    buf_free(&name);
    return id;
}

static struct id put_name(struct bundle *b, const struct subject_row *row)
{
    const struct subject_as_was *s = subject_names_of(b->e->names, row->of);
    struct id id = own_id(b, "identity", "name", row->entry);
    if (!is_new(b, &id))
        return id;
    begin_own(b, "identity", &id, row->recorded, row->recorded);
    key_span(b->j, "name", row->value);
    key_str(b->j, "identity_class", class_of(s ? s->kind : span_str("")));
    end(b);
    return id;
}

static struct id put_campaign(struct bundle *b, const struct subject_row *row)
{
    char name[40];
    struct id id = own_id(b, "campaign", "campaign", row->link.campaign);
    if (!is_new(b, &id))
        return id;
    snprintf(name, sizeof name, "campaign %llu", (unsigned long long)row->link.campaign);
    begin_own(b, "campaign", &id, row->recorded, row->recorded);
    key_str(b->j, "name", name);
    end(b);
    return id;
}

/* ---- what ties them ---- */

static void put_relationship(struct bundle *b, const struct subject_row *row, const char *type,
                             const char *from, const char *to)
{
    struct json *j = b->j;
    struct id id = own_id(b, "relationship", "relationship", row->entry);
    struct buf text = {0};
    if (!is_new(b, &id)) /* a link of two that are both exported */
        return;
    begin_own(b, "relationship", &id, row->recorded, row->recorded);
    key_str(j, "relationship_type", type);
    buf_span(&text, row->type);
    if (row->fact.note.n)
        buf_str(&text, ": ");
    buf_span(&text, row->fact.note);
    key_span(j, "description", buf_as_span(&text));
    key_str(j, "source_ref", from);
    key_str(j, "target_ref", to);
    if (row->fact.observed != ACT_FOREVER)
        subject_export_time(j, "start_time", row->fact.observed);
    put_confidence(b, row);
    put_references(b, row);
    end(b);
    buf_free(&text);
}

static void put_note(struct bundle *b, const struct subject_row *row, const char *about)
{
    struct json *j = b->j;
    struct id id = own_id(b, "note", "note", row->entry);
    struct buf text = {0};
    if (!is_new(b, &id))
        return;
    begin_own(b, "note", &id, row->recorded, row->recorded);
    key_span(j, "abstract", row->type);
    buf_span(&text, row->type);
    buf_str(&text, ": ");
    buf_span(&text, row->value);
    if (row->fact.note.n)
        buf_str(&text, "; ");
    buf_span(&text, row->fact.note);
    key_span(j, "content", buf_as_span(&text));
    key_list(j, "object_refs", about);
    put_confidence(b, row);
    put_references(b, row);
    end(b);
    buf_free(&text);
}

/* 1: it is nothing that STIX has an object for. */
static int put_thing(struct bundle *b, const struct subject_row *row, struct id *id)
{
    struct buf normal = {0};
    int rc = 0;
    enum subject_thing thing = subject_export_thing(row, &normal);
    struct span value = buf_as_span(&normal);
    if (thing == SUBJECT_THING_NAME)
        *id = put_name(b, row);
    else if (thing == SUBJECT_THING_HANDLE || thing == SUBJECT_THING_MESSENGER ||
             thing == SUBJECT_THING_PAYMENT)
        *id = put_account(b, row->type, value, row->value);
    else if (thing == SUBJECT_THING_DOMAIN)
        *id = put_value(b, "domain-name", value);
    else if (thing == SUBJECT_THING_MAIL)
        *id = put_value(b, "email-addr", value);
    else if (thing == SUBJECT_THING_IPV4)
        *id = put_value(b, "ipv4-addr", value);
    else if (thing == SUBJECT_THING_IPV6)
        *id = put_value(b, "ipv6-addr", value);
    else
        rc = 1;
    buf_free(&normal);
    return rc;
}

static void put_link(struct bundle *b, const struct subject_row *row, const struct id *actor)
{
    const struct act_link *l = &row->link;
    char relation[SUBJECT_WORD_MAX + 1] = "related-to";
    struct id there;
    if (row->type.n >= RELATION_MIN && row->type.n <= SUBJECT_WORD_MAX)
        snprintf(relation, sizeof relation, "%.*s", (int)row->type.n, (const char *)row->type.p);
    for (const char *c = relation; *c; c++)
        if ((uint8_t)(*c - 'a') > 25 && (uint8_t)(*c - '0') > 9 && *c != '-')
            strcpy(relation, "related-to"); /* a log's relation can be anything */
    if (l->other) {
        struct id from =
            put_actor(b, subjects_root_at(b->e->c->pursuit, l->subject, b->e->size), NULL);
        there = put_actor(b, subjects_root_at(b->e->c->pursuit, l->other, b->e->size), NULL);
        put_relationship(b, row, relation, from.text, there.text);
    } else if (l->campaign) {
        there = put_campaign(b, row);
        put_relationship(b, row, "attributed-to", there.text, actor->text);
    } else if (put_thing(b, row, &there) == 0) {
        put_relationship(b, row, relation, actor->text, there.text);
    } else {
        put_note(b, row, actor->text);
    }
}

static void put_rows(struct bundle *b, uint64_t subject, const struct subject_rows *rows)
{
    struct id thing, actor = actor_id(b, subject);
    for (size_t i = 0; i < rows->n; i++) {
        const struct subject_row *row = &rows->row[i];
        if (row->what == SUBJECT_ROW_LINK)
            put_link(b, row, &actor);
        else if (row->what == SUBJECT_ROW_FACT && put_thing(b, row, &thing) == 0)
            put_relationship(b, row, span_is(row->type, "name") ? "attributed-to" : "related-to",
                             actor.text, thing.text);
        else if (row->what == SUBJECT_ROW_FACT)
            put_note(b, row, actor.text);
    }
}

/* First the subjects themselves, so that a link finds them whole. */
static int put_subject(struct bundle *b, uint64_t subject, bool itself, struct err *err)
{
    struct subject_rows rows;
    int rc = subject_rows_gather(b->e->c, subject, b->e->size, false, &rows, err);
    if (rc == 0 && itself)
        put_actor(b, subject, &rows);
    else if (rc == 0)
        put_rows(b, subject, &rows);
    subject_rows_free(&rows);
    return rc;
}

static void put_bundle_id(struct bundle *b)
{
    struct buf name = {0};
    char uuid[UUID_TEXT_MAX];
    struct id id;
    buf_be64(&name, b->e->size);
    for (size_t i = 0; i < b->e->n; i++)
        buf_be64(&name, b->e->subjects[i]);
    subject_export_uuid(b->e, "bundle", buf_as_span(&name), uuid);
    set_id(&id, "bundle", uuid);
    key_str(b->j, "id", id.text);
    buf_free(&name);
}

int subject_export_stix(const struct subject_export *e, struct buf *out, struct err *err)
{
    struct json json = json_to(out);
    struct bundle b = {.e = e, .j = &json};
    struct entry first;
    int rc = journal_get(e->c->journal, 0, &first, err);
    if (rc < 0)
        return rc;
    b.begun = first.header.time;
    subject_seen_init(&b.seen);
    json_object(&json);
    key_str(&json, "type", "bundle");
    put_bundle_id(&b);
    json_key(&json, "objects");
    json_array(&json);
    put_marking(&b);
    put_maker(&b);
    for (size_t i = 0; rc == 0 && i < 2 * e->n; i++)
        rc = put_subject(&b, e->subjects[i % e->n], i < e->n, err);
    json_array_end(&json);
    json_object_end(&json);
    subject_seen_free(&b.seen);
    return rc;
}
