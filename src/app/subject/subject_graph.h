/* Subject graph: nodes of JSON-LD, for subject_export_case.c. */
#pragma once

#include "app/subject/subject_export.h"

#define IRI_MAX 96

struct iri {
    char text[IRI_MAX];
};

struct graph {
    const struct subject_export *e;
    struct json *j;
    struct subject_seen seen;
    struct iri investigation;
    struct buf objects; /* of the investigation: IRIs, a line each */
};

/* "kb:WORD-UUID", of what is in `name`; of an entry. */
struct iri graph_iri(struct graph *g, const char *word, struct span name);
struct iri graph_entry(struct graph *g, const char *word, uint64_t entry);
/* True the first time. */
bool graph_is_new(struct graph *g, const struct iri *iri);
/* The investigation has it among its objects. */
void graph_object(struct graph *g, const struct iri *iri);

/* Members: a node by its IRI, a value with its type, a time, true or false. */
void graph_ref(struct json *j, const char *key, const char *iri);
void graph_typed(struct json *j, const char *key, const char *type, struct span value);
void graph_time(struct json *j, const char *key, int64_t t);
void graph_bool(struct json *j, const char *key, bool v);

/* A node; json_object_end() ends it. */
void graph_begin(struct graph *g, const char *type, const struct iri *iri);
/* The list of a node's facets; json_array_end() ends it. */
void graph_facets(struct json *j);
/* A facet of one text; it belongs to the node that its name is made of. */
void graph_facet(struct graph *g, const struct iri *of, const char *class, const char *key,
                 struct span value);
/* The facets of a node that has a confidence alone; nothing when it is 0. */
void graph_confidence(struct graph *g, const struct iri *of, uint64_t confidence);
