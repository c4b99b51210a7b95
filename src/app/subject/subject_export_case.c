/* CASE 1.4 and UCO 1.4 (caseontology.org, unifiedcyberontology.org) as JSON-LD. A subject is an
 * identity in the role of an investigation's subject; what it goes by are observables that it is
 * related to; a name, or what UCO has no class for, is an annotation. Each fact has an
 * investigative action (who recorded it, when) whose result is a provenance record: the entry of
 * the log with its hash, and the entries and documents that it rests on. No node is blank: UCO
 * wants IRIs that end in a UUID. */
#include <stdio.h>
#include <string.h>

#include "app/subject/facts_tree.h"
#include "app/subject/subject_graph.h"

/* ---- subjects ---- */

static const char *class_of(struct span kind)
{
    return span_is(kind, "person")         ? "uco-identity:Person"
           : span_is(kind, "organisation") ? "uco-identity:Organization"
                                           : "uco-identity:Identity";
}

static void put_role(struct graph *g, uint64_t subject, const struct iri *identity)
{
    struct iri role = graph_entry(g, "role", subject), has = graph_entry(g, "has-role", subject);
    graph_begin(g, "case-investigation:Subject", &role);
    json_object_end(g->j);
    graph_begin(g, "uco-core:Relationship", &has);
    graph_ref(g->j, "uco-core:source", identity->text);
    graph_ref(g->j, "uco-core:target", role.text);
    key_str(g->j, "uco-core:kindOfRelationship", "Has_Role");
    graph_bool(g->j, "uco-core:isDirectional", true);
    json_object_end(g->j);
    graph_object(g, &role);
}

static struct iri put_identity(struct graph *g, uint64_t subject, const struct subject_rows *rows)
{
    const struct subject_as_was *s = subject_names_of(g->e->names, subject);
    struct iri iri = graph_entry(g, "subject", subject);
    if (!s || !graph_is_new(g, &iri))
        return iri;
    graph_begin(g, class_of(s->kind), &iri);
    key_span(g->j, "uco-core:name", s->name);
    key_span(g->j, "uco-core:description", rows ? s->note : span_str(""));
    key_span(g->j, "uco-core:tag", s->kind);
    graph_time(g->j, "uco-core:objectCreatedTime", s->recorded);
    json_object_end(g->j);
    graph_object(g, &iri);
    if (rows)
        put_role(g, subject, &iri);
    return iri;
}

/* Who recorded something. */
static struct iri put_account(struct graph *g, struct span account)
{
    struct iri iri = graph_iri(g, "account", account);
    if (!graph_is_new(g, &iri))
        return iri;
    graph_begin(g, "uco-identity:Identity", &iri);
    key_span(g->j, "uco-core:name", account.n ? account : span_str("nobody"));
    json_object_end(g->j);
    return iri;
}

/* ---- things ---- */

static const struct {
    enum subject_thing thing;
    const char *class, *facet, *key;
} classes[] = {
    {SUBJECT_THING_DOMAIN, "DomainName", "DomainNameFacet", "uco-observable:value"},
    {SUBJECT_THING_MAIL, "EmailAddress", "EmailAddressFacet", "uco-observable:addressValue"},
    {SUBJECT_THING_IPV4, "IPv4Address", "IPv4AddressFacet", "uco-observable:addressValue"},
    {SUBJECT_THING_IPV6, "IPv6Address", "IPv6AddressFacet", "uco-observable:addressValue"},
    {SUBJECT_THING_HANDLE, "DigitalAccount", "AccountFacet", "uco-observable:accountIdentifier"},
    {SUBJECT_THING_PAYMENT, "Account", "AccountFacet", "uco-observable:accountIdentifier"},
    {SUBJECT_THING_PHONE, "PhoneAccount", "PhoneAccountFacet", "uco-observable:phoneNumber"},
    {SUBJECT_THING_MESSENGER, "InstantMessagingAddress", "InstantMessagingAddressFacet",
     "uco-observable:addressValue"},
};
#define CLASSES (sizeof classes / sizeof *classes)

static void put_observable(struct graph *g, size_t class, struct span value,
                           const struct subject_row *row, struct iri *iri)
{
    char type[64];
    struct buf name = {0};
    buf_str(&name, classes[class].class);
    buf_byte(&name, 0);
    buf_span(&name, value);
    *iri = graph_iri(g, "observable", buf_as_span(&name));
    buf_free(&name);
    if (!graph_is_new(g, iri))
        return;
    snprintf(type, sizeof type, "uco-observable:%s", classes[class].class);
    graph_begin(g, type, iri);
    graph_facets(g->j);
    graph_facet(g, iri, classes[class].facet, classes[class].key, value);
    if (classes[class].thing == SUBJECT_THING_HANDLE)
        graph_facet(g, iri, "DigitalAccountFacet", "uco-observable:displayName", row->value);
    json_array_end(g->j);
    json_object_end(g->j);
    graph_object(g, iri);
}

/* A network is no address of UCO's. */
static bool put_thing(struct graph *g, const struct subject_row *row, struct iri *iri)
{
    struct buf normal = {0};
    enum subject_thing thing = subject_export_thing(row, &normal);
    struct span value = buf_as_span(&normal);
    bool network = value.n && memchr(value.p, '/', value.n);
    size_t i = 0;
    while (i < CLASSES && classes[i].thing != thing)
        i++;
    bool is =
        i < CLASSES && !((thing == SUBJECT_THING_IPV4 || thing == SUBJECT_THING_IPV6) && network);
    if (is)
        put_observable(g, i, value, row, iri);
    buf_free(&normal);
    return is;
}

/* ---- what ties them ---- */

static void put_relationship(struct graph *g, const struct subject_row *row, const struct iri *from,
                             const struct iri *to, struct iri *iri)
{
    char kind[SUBJECT_WORD_MAX + 8];
    if (row->what == SUBJECT_ROW_FACT)
        snprintf(kind, sizeof kind, "has-%.*s", (int)row->type.n, (const char *)row->type.p);
    else
        snprintf(kind, sizeof kind, "%.*s", (int)row->type.n, (const char *)row->type.p);
    *iri = graph_entry(g, "relationship", row->entry);
    graph_begin(g, "uco-core:Relationship", iri);
    graph_ref(g->j, "uco-core:source", from->text);
    graph_ref(g->j, "uco-core:target", to->text);
    key_str(g->j, "uco-core:kindOfRelationship", kind[0] ? kind : "related-to");
    graph_bool(g->j, "uco-core:isDirectional", true);
    if (row->fact.observed != ACT_FOREVER)
        graph_time(g->j, "uco-core:startTime", row->fact.observed);
    key_span(g->j, "uco-core:description", row->fact.note);
    graph_time(g->j, "uco-core:objectCreatedTime", row->recorded);
    graph_confidence(g, iri, row->fact.confidence);
    json_object_end(g->j);
}

static void put_annotation(struct graph *g, const struct subject_row *row, const struct iri *of,
                           struct iri *iri)
{
    struct buf text = {0};
    *iri = graph_entry(g, "annotation", row->entry);
    graph_begin(g, "uco-core:Annotation", iri);
    graph_ref(g->j, "uco-core:object", of->text);
    buf_span(&text, row->type);
    buf_str(&text, ": ");
    buf_span(&text, row->value);
    key_span(g->j, "uco-core:statement", buf_as_span(&text));
    key_span(g->j, "uco-core:description", row->fact.note);
    graph_time(g->j, "uco-core:objectCreatedTime", row->recorded);
    graph_confidence(g, iri, row->fact.confidence);
    json_object_end(g->j);
    buf_free(&text);
}

static struct iri put_grouping(struct graph *g, const struct subject_row *row)
{
    struct iri iri = graph_entry(g, "campaign", row->link.campaign);
    if (!graph_is_new(g, &iri))
        return iri;
    graph_begin(g, "uco-core:Grouping", &iri);
    key_span(g->j, "uco-core:name", row->value);
    key_str(g->j, "uco-core:context", "spam campaign");
    json_object_end(g->j);
    graph_object(g, &iri);
    return iri;
}

/* ---- provenance ---- */

static void put_hash(struct graph *g, const struct iri *of, const char *class, struct span name,
                     struct span digest)
{
    char hex[SHA256_HEX_MAX];
    struct iri facet = graph_iri(g, "content", span_str(of->text));
    struct iri hash = graph_iri(g, "hash", span_str(of->text));
    hex_encode(digest.p, digest.n, hex);
    graph_begin(g, class, of);
    graph_facets(g->j);
    if (name.n)
        graph_facet(g, of, "FileFacet", "uco-observable:fileName", name);
    graph_begin(g, "uco-observable:ContentDataFacet", &facet);
    json_key(g->j, "uco-observable:hash");
    graph_begin(g, "uco-types:Hash", &hash);
    key_str(g->j, "uco-types:hashMethod", "SHA256");
    graph_typed(g->j, "uco-types:hashValue", "xsd:hexBinary", span_str(hex));
    json_object_end(g->j);
    json_object_end(g->j);
    json_array_end(g->j);
}

/* The document that it rests on, by its hash. */
static bool put_document(struct graph *g, const struct subject_row *row, struct iri *iri)
{
    if (!row->fact.sha256.n)
        return false;
    *iri = graph_iri(g, "document", row->fact.sha256);
    if (!graph_is_new(g, iri))
        return true;
    put_hash(g, iri, "uco-observable:File", row->fact.document, row->fact.sha256);
    json_object_end(g->j);
    graph_object(g, iri);
    return true;
}

static void put_reference(struct graph *g, const struct iri *of, const char *what,
                          struct span identifier)
{
    struct buf name = {0};
    char context[512];
    buf_str(&name, of->text);
    buf_str(&name, what);
    struct iri iri = graph_iri(g, "reference", buf_as_span(&name));
    snprintf(context, sizeof context, "%s %s", what, journal_origin(g->e->c->journal));
    graph_begin(g, "uco-core:ExternalReference", &iri);
    key_str(g->j, "uco-core:definingContext", context);
    key_span(g->j, "uco-core:externalIdentifier", identifier);
    json_object_end(g->j);
    buf_free(&name);
}

/* The entry itself, by the hash of its leaf of the log. */
static int put_entry(struct graph *g, const struct subject_row *row, struct iri *iri,
                     struct err *err)
{
    uint8_t leaf[JOURNAL_LEAF_LEN], salt[JOURNAL_SALT_LEN], hash[SHA256_LEN];
    char text[24];
    int rc = journal_leaf(g->e->c->journal, row->entry, leaf, salt, err);
    if (rc < 0)
        return rc;
    merkle_leaf(leaf, sizeof leaf, hash);
    *iri = graph_entry(g, "entry", row->entry);
    put_hash(g, iri, "uco-observable:ContentData", span_str(""), span_of(hash, sizeof hash));
    snprintf(text, sizeof text, "%llu", (unsigned long long)row->entry);
    key_str(g->j, "uco-core:description",
            "An entry of the log; the hash is that of its leaf (RFC 9162).");
    json_key(g->j, "uco-core:externalReference");
    json_array(g->j);
    put_reference(g, iri, "entry of the log", span_str(text));
    json_array_end(g->j);
    json_object_end(g->j);
    graph_object(g, iri);
    return 0;
}

static void put_sources(struct graph *g, const struct subject_row *row, const struct iri *record)
{
    char lead[24];
    if (!row->fact.entries.n && !row->fact.lead)
        return;
    json_key(g->j, "uco-core:externalReference");
    json_array(g->j);
    if (row->fact.entries.n)
        put_reference(g, record, "entries of the log", row->fact.entries);
    if (row->fact.lead) {
        snprintf(lead, sizeof lead, "%llu", (unsigned long long)row->fact.lead);
        put_reference(g, record, "lead of the log", span_str(lead));
    }
    json_array_end(g->j);
}

static void put_refs(struct json *j, const char *key, const struct iri *a, const struct iri *b)
{
    json_key(j, key);
    json_array(j);
    for (int i = 0; i < 2; i++) {
        const struct iri *iri = i ? b : a;
        if (!iri)
            continue;
        json_object(j);
        key_str(j, "@id", iri->text);
        json_object_end(j);
    }
    json_array_end(j);
}

/* `what`: the relationship or annotation that came of it. */
static int put_provenance(struct graph *g, const struct subject_row *row, const struct iri *what,
                          struct err *err)
{
    struct iri record = graph_entry(g, "provenance", row->entry),
               action = graph_entry(g, "action", row->entry), entry, document;
    struct iri who = put_account(g, row->account);
    char number[24];
    bool paper = put_document(g, row, &document);
    int rc = put_entry(g, row, &entry, err);
    if (rc < 0)
        return rc;
    snprintf(number, sizeof number, "%llu", (unsigned long long)row->entry);
    graph_begin(g, "case-investigation:ProvenanceRecord", &record);
    key_str(g->j, "uco-core:description", "What one entry of the log says, and what it rests on");
    key_str(g->j, "case-investigation:exhibitNumber", number);
    graph_time(g->j, "uco-core:objectCreatedTime", row->recorded);
    put_sources(g, row, &record);
    put_refs(g->j, "uco-core:object", what, &entry);
    json_object_end(g->j);
    graph_begin(g, "case-investigation:InvestigativeAction", &action);
    key_str(g->j, "uco-core:name", "recorded");
    graph_time(g->j, "uco-action:startTime", row->recorded);
    graph_time(g->j, "uco-action:endTime", row->recorded);
    graph_ref(g->j, "uco-action:performer", who.text);
    put_refs(g->j, "uco-action:object", &entry, paper ? &document : NULL);
    put_refs(g->j, "uco-action:result", &record, what);
    json_object_end(g->j);
    graph_object(g, what);
    graph_object(g, &record);
    graph_object(g, &action);
    return 0;
}

/* ---- rows ---- */

static int put_row(struct graph *g, const struct subject_row *row, const struct iri *identity,
                   struct err *err)
{
    struct iri there, from = *identity, what, mark = graph_entry(g, "row", row->entry);
    const struct act_link *l = &row->link;
    struct pursuit *p = g->e->c->pursuit;
    bool link = row->what == SUBJECT_ROW_LINK, tied = true;
    if (!link && row->what != SUBJECT_ROW_FACT)
        return 0;
    if (!graph_is_new(g, &mark)) /* a link of two that are both exported */
        return 0;
    if (link && l->other) {
        from = put_identity(g, subjects_root_at(p, l->subject, g->e->size), NULL);
        there = put_identity(g, subjects_root_at(p, l->other, g->e->size), NULL);
    } else if (link && l->campaign) {
        there = put_grouping(g, row);
    } else {
        tied = put_thing(g, row, &there);
    }
    if (tied)
        put_relationship(g, row, &from, &there, &what);
    else
        put_annotation(g, row, identity, &what);
    return put_provenance(g, row, &what, err);
}

static int put_subject(struct graph *g, uint64_t subject, bool itself, struct err *err)
{
    struct subject_rows rows;
    struct iri identity = graph_entry(g, "subject", subject);
    int rc = subject_rows_gather(g->e->c, subject, g->e->size, false, &rows, err);
    if (rc == 0 && itself)
        put_identity(g, subject, &rows);
    for (size_t i = 0; rc == 0 && !itself && i < rows.n; i++)
        rc = put_row(g, &rows.row[i], &identity, err);
    subject_rows_free(&rows);
    return rc;
}

/* ---- the whole ---- */

static void put_context(struct graph *g)
{
    static const char *const prefixes[][2] = {
        {"case-investigation", "https://ontology.caseontology.org/case/investigation/"},
        {"uco-action", "https://ontology.unifiedcyberontology.org/uco/action/"},
        {"uco-core", "https://ontology.unifiedcyberontology.org/uco/core/"},
        {"uco-identity", "https://ontology.unifiedcyberontology.org/uco/identity/"},
        {"uco-observable", "https://ontology.unifiedcyberontology.org/uco/observable/"},
        {"uco-types", "https://ontology.unifiedcyberontology.org/uco/types/"},
        {"xsd", "http://www.w3.org/2001/XMLSchema#"},
    };
    struct buf kb = {0};
    buf_str(&kb, "https://");
    buf_str(&kb, journal_origin(g->e->c->journal));
    buf_str(&kb, "/kb/");
    json_key(g->j, "@context");
    json_object(g->j);
    key_span(g->j, "kb", buf_as_span(&kb));
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        key_str(g->j, prefixes[i][0], prefixes[i][1]);
    json_object_end(g->j);
    buf_free(&kb);
}

static void put_investigation(struct graph *g)
{
    char text[64];
    struct iri iri = graph_iri(g, "investigation", span_str(""));
    graph_begin(g, "case-investigation:Investigation", &iri);
    key_str(g->j, "uco-core:name", journal_origin(g->e->c->journal));
    snprintf(text, sizeof text, "TLP:%s; known at tree size %llu", g->e->tlp,
             (unsigned long long)g->e->size);
    key_str(g->j, "uco-core:description", text);
    key_str(g->j, "case-investigation:investigationForm", "case");
    json_key(g->j, "uco-core:object");
    json_array(g->j);
    for (struct cur at = cur_of(buf_as_span(&g->objects)); cur_left(&at);) {
        json_object(g->j);
        key_span(g->j, "@id", cur_line(&at));
        json_object_end(g->j);
    }
    json_array_end(g->j);
    json_object_end(g->j);
}

int subject_export_case(const struct subject_export *e, struct buf *out, struct err *err)
{
    struct json json = json_to(out);
    struct graph g = {.e = e, .j = &json};
    int rc = 0;
    subject_seen_init(&g.seen);
    json_object(&json);
    put_context(&g);
    json_key(&json, "@graph");
    json_array(&json);
    for (size_t i = 0; rc == 0 && i < 2 * e->n; i++)
        rc = put_subject(&g, e->subjects[i % e->n], i < e->n, err);
    put_investigation(&g);
    json_array_end(&json);
    json_object_end(&json);
    buf_free(&g.objects);
    subject_seen_free(&g.seen);
    return rc;
}
