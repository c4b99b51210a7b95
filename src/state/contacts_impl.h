/* Contacts, inside: the sources by their latest acts, the index made of their tables, and RDAP's
 * answers. The view is two files: `contacts` (position, sources, answers; small) and
 * `contacts.index` (the tables, flattened for look-ups; mapped), which the first one names by its
 * checksum. doc/contacts.md has both layouts. */
#pragma once

#include "contact/contact_table.h"
#include "contact/contact_texts.h"
#include "contact/netmap.h"
#include "state/contacts.h"

#define CONTACTS_SOURCES_MAX 64         /* kept apart by source and by what they tell */
#define CONTACTS_ANSWERS_MAX (1u << 20) /* of RDAP; later ones are not taken in */

/* What one CONTACTS_IMPORTED said: the latest of its source. */
struct contacts_table {
    struct buf source, file, format;
    uint8_t sha256[SHA256_LEN];
    uint64_t entry, rows, rejected;
    int64_t made, imported;
};

struct contacts_answer {
    struct net network;
    struct buf mail, handle, server;
    uint64_t entry;
    int64_t time;
};

enum contacts_level { LEVEL_OPERATOR, LEVEL_REGISTRY, LEVEL_DELEGATED, LEVEL_CERT, LEVELS };
enum contacts_level contacts_level_of(const struct contacts_table *t);

/* An AS or country and its contact, sorted by key. */
struct contacts_key {
    uint32_t key, value;
};

/* The index: as a file, or as the same bytes in memory. */
struct contacts_index {
    struct buf owned;
    void *map; /* of the file, instead */
    size_t map_size;
    uint64_t checksum;
    bool whole; /* every table could be read */

    struct netmap networks[3];        /* LEVEL_OPERATOR, LEVEL_REGISTRY, LEVEL_DELEGATED */
    const struct contacts_key *as[2]; /* LEVEL_OPERATOR, LEVEL_REGISTRY */
    size_t n_as[2];
    const struct contacts_key *country[2]; /* LEVEL_OPERATOR, LEVEL_CERT */
    size_t n_country[2];
    const struct contact_text *named; /* owner: number of its table */
    size_t n_named;
    const uint8_t *heap;
    size_t n_heap;
};

struct contacts_blobs {
    int (*get)(void *ctx, const uint8_t sha256[SHA256_LEN], struct buf *out, struct err *err);
    void *ctx;
};

/* Makes the index of the tables' blobs. A table that cannot be read is left out, with a warning. */
void contacts_index_build(struct contacts_index *x, const struct contacts_table *tables, size_t n,
                          const struct contacts_blobs *blobs);
void contacts_index_free(struct contacts_index *x);
int contacts_index_write(const struct contacts_index *x, const char *path, struct err *err);
/* 1 loaded; 0 there is none with that checksum; -EBADMSG: damaged; other errors of reading. */
int contacts_index_load(struct contacts_index *x, const char *path, uint64_t checksum,
                        uint32_t tables, struct err *err);
/* The same of bytes that the caller keeps. False: damaged. */
bool contacts_index_parse(struct contacts_index *x, struct span bytes, uint32_t tables);
/* NETMAP_NONE: not there. */
uint32_t contacts_index_key(const struct contacts_key *v, size_t n, uint32_t key);

struct contacts {
    char dir[4096];
    uint64_t position;
    bool changed; /* beyond what the file has */
    struct contacts_blobs blobs;

    struct contacts_table tables[CONTACTS_SOURCES_MAX]; /* by source, then format */
    unsigned n_tables;
    struct contacts_index index;
    bool indexed; /* the index is of these tables */
    bool written; /* and in the file */

    struct contacts_answer *answers;
    size_t n_answers, cap_answers;
    bool sorted; /* by network, one for each, and mapped: */
    struct netmap_builder *builders[2];
    struct netmap asked, named; /* all of them; those with a contact */
};

/* The small file. */
void contacts_save(const struct contacts *c, struct buf *out);
/* 1, or 0 where it is malformed (c is then as it was). *checksum: of the index, 0: none. */
int contacts_load(struct contacts *c, struct span bytes, uint64_t *checksum);
