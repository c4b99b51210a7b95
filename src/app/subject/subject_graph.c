#include "app/subject/subject_graph.h"

#include <stdio.h>

struct iri graph_iri(struct graph *g, const char *word, struct span name)
{
    char uuid[UUID_TEXT_MAX];
    struct iri iri;
    subject_export_uuid(g->e, word, name, uuid);
    snprintf(iri.text, sizeof iri.text, "kb:%s-%s", word, uuid);
    return iri;
}

struct iri graph_entry(struct graph *g, const char *word, uint64_t entry)
{
    uint8_t name[8];
    be64_put(name, entry);
    return graph_iri(g, word, span_of(name, sizeof name));
}

bool graph_is_new(struct graph *g, const struct iri *iri)
{
    return subject_seen_add(&g->seen, span_str(iri->text));
}

void graph_ref(struct json *j, const char *key, const char *iri)
{
    json_key(j, key);
    json_object(j);
    key_str(j, "@id", iri);
    json_object_end(j);
}

void graph_typed(struct json *j, const char *key, const char *type, struct span value)
{
    json_key(j, key);
    json_object(j);
    key_str(j, "@type", type);
    key_span(j, "@value", value);
    json_object_end(j);
}

void graph_time(struct json *j, const char *key, int64_t t)
{
    json_key(j, key);
    json_object(j);
    key_str(j, "@type", "xsd:dateTime");
    subject_export_time(j, "@value", t);
    json_object_end(j);
}

void graph_bool(struct json *j, const char *key, bool v)
{
    json_key(j, key);
    json_bool(j, v);
}

void graph_begin(struct graph *g, const char *type, const struct iri *iri)
{
    json_object(g->j);
    key_str(g->j, "@id", iri->text);
    key_str(g->j, "@type", type);
}

void graph_facets(struct json *j)
{
    json_key(j, "uco-core:hasFacet");
    json_array(j);
}

/* A facet of one text; it belongs to the node that its name is made of. */
void graph_facet(struct graph *g, const struct iri *of, const char *class, const char *key,
                 struct span value)
{
    char type[64];
    struct buf name = {0};
    buf_str(&name, of->text);
    buf_str(&name, class);
    struct iri iri = graph_iri(g, "facet", buf_as_span(&name));
    snprintf(type, sizeof type, "uco-observable:%s", class);
    graph_begin(g, type, &iri);
    key_span(g->j, key, value);
    json_object_end(g->j);
    buf_free(&name);
}

void graph_confidence(struct graph *g, const struct iri *of, uint64_t confidence)
{
    char text[24];
    struct iri iri = graph_iri(g, "confidence", span_str(of->text));
    if (!confidence)
        return;
    snprintf(text, sizeof text, "%llu", (unsigned long long)confidence);
    graph_facets(g->j);
    graph_begin(g, "uco-core:ConfidenceFacet", &iri);
    graph_typed(g->j, "uco-core:confidence", "xsd:nonNegativeInteger", span_str(text));
    json_object_end(g->j);
    json_array_end(g->j);
}

void graph_object(struct graph *g, const struct iri *iri)
{
    buf_str(&g->objects, iri->text);
    buf_byte(&g->objects, '\n');
}
