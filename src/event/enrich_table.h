/* Inside of enrich: what is read from a database, merged, and packed into the table that is looked
 * up. Not for others. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "event/enrich.h"

#define ENRICH_NO_NET   0xff       /* `bits` where no network is known */
#define ENRICH_FILE_MAX (1u << 30) /* a database larger than this is refused */
#define ENRICH_TEXT_MAX (1u << 28) /* AS names beyond so many bytes are left out */

struct enrich_value {
    uint32_t asn;
    char country[2];
    uint8_t bits; /* prefix length of the network that holds the address, or ENRICH_NO_NET */
};

/* From this address on (until the next step) the value holds. IPv4 addresses are in lo, hi is 0.
 * The first step of a list is at 0; neighbours differ. */
struct enrich_step {
    uint64_t hi, lo;
    struct enrich_value value;
};
struct enrich_steps {
    struct enrich_step *v;
    size_t n, cap;
};

struct enrich_as {
    uint32_t asn, order; /* order: of arrival; of two with one number the later stays */
    uint32_t name, name_n; /* in text */
};
/* What one database says, or several merged. All zero is empty. */
struct enrich_data {
    struct enrich_steps v4, v6;
    struct enrich_as *as;
    size_t n_as, cap_as;
    struct buf text;
    int64_t made; /* when, microseconds UTC */
};

void enrich_data_free(struct enrich_data *d);
/* Appends a step, or nothing when the value goes on as before. Steps come in ascending order. */
void enrich_steps_add(struct enrich_steps *s, uint64_t hi, uint64_t lo,
                      const struct enrich_value *value);
void enrich_data_as(struct enrich_data *d, uint32_t asn, struct span name);

/* Readers; each names the file in its errors. `file` is the whole libloc database. */
int enrich_libloc_read(struct span file, const char *path, struct enrich_data *out,
                       struct err *err);
/* Takes the fields that are asked for. */
int enrich_mmdb_read(const char *path, bool asn, bool country, struct enrich_data *out,
                     struct err *err);

/* AS number, AS name and network as `asn` says, country as `country` says (they may be the same).
 * Moves the AS names out of `asn`. */
void enrich_merge(struct enrich_data *asn, struct enrich_data *country, struct enrich_data *out);

/* The packed table: one block of memory, the same in a file and in memory, in this machine's byte
 * order. Sections are aligned to ENRICH_ALIGN and follow the head in the order of their offsets. */
#define ENRICH_MAGIC   0x3130454d52424245ull /* also tells the byte order */
#define ENRICH_VERSION 1
#define ENRICH_ALIGN   64
#define ENRICH_V4_BUCKETS 65536

struct enrich_rec {
    uint32_t as; /* index into the AS section; with `deep`, into the deep section */
    char country[2];
    uint8_t bits;
    uint8_t deep; /* only in v6_rec: look further by the low 64 bits */
};
/* Networks longer than /64, rare: a group is an entry with the number of those that follow in lo,
 * then that many, ascending, the first at 0. */
struct enrich_deep {
    uint64_t lo;
    struct enrich_rec rec;
};
struct enrich_as_rec {
    uint32_t asn, name; /* the name ends where the next one's begins */
};
struct enrich_head {
    uint64_t magic;
    uint32_t version, head_crc; /* CRC-32C of the head with this field 0 */
    uint32_t body_crc, pad;
    uint64_t size; /* of the whole block */
    uint8_t key[SHA256_LEN]; /* which files, as they were when read: path, inode, size, mtime */
    struct enrich_info info;
    uint64_t n_v4, n_v6, n_deep, n_as, n_text;
    uint64_t v4_bucket; /* offset of uint32_t[ENRICH_V4_BUCKETS + 1]: first entry of a bucket */
    uint64_t v4_low;    /* uint16_t[n_v4]: low half of a step's address; a bucket's first is 0 */
    uint64_t v4_rec;    /* struct enrich_rec[n_v4] */
    uint64_t v6_key;    /* uint64_t[n_v6 + 1]: high halves, Eytzinger order from index 1 */
    uint64_t v6_rec;    /* struct enrich_rec[n_v6 + 1], likewise */
    uint64_t deep;      /* struct enrich_deep[n_deep] */
    uint64_t as;        /* struct enrich_as_rec[n_as + 1]; entry 0 is the unknown AS */
    uint64_t text;      /* n_text bytes */
};

/* Packs into a fresh anonymous mapping of (*out)->size bytes (munmap it). */
int enrich_pack(struct enrich_data *d, const struct enrich_info *info,
                const uint8_t key[SHA256_LEN], struct enrich_head **out, struct err *err);
/* True when the block of n bytes is whole, undamaged and safe to look up in. */
bool enrich_head_valid(const struct enrich_head *h, size_t n);
