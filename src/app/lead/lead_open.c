#include "app/lead/lead_open.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/mem.h"
#include "lead/wrap.h"
#include "state/reviews.h"

#define RINGS_MAX 4096 /* blobs of keys that were wrapped once more for one account */

/* A row among those that were wrapped once more. */
struct ring_row {
    uint64_t entry;
    uint8_t wrap[WRAP_LEN];
};

struct lead_keyring {
    struct casedir *c;
    const struct account_key *key;
    bool loaded; /* rows: sorted by entry */
    struct ring_row *rows;
    size_t n, cap;
    uint8_t (*blobs)[SHA256_LEN];
    size_t n_blobs, blobs_cap;
};

/* ---- whose ---- */

int lead_keyring_open(struct casedir *c, const struct account_key *key, struct lead_keyring **out,
                      struct err *err)
{
    struct account a;
    *out = NULL;
    int rc = casebook_account(c->casebook, span_str(key->name), &a, err);
    if (rc < 0)
        return rc;
    if (rc == 0 || !account_is_open(&a, utc_now()))
        return err_set(err, -EPERM, "account %s is not in force in this case", key->name);
    if (memcmp(a.sign, key->sign, sizeof a.sign) != 0)
        return err_set(err, -EPERM, "the key is not the one that account %s has in this case",
                       key->name);
    if (!a.has_box || !(a.roles & (ROLE_REVIEWER | ROLE_CUSTODIAN)))
        return err_set(err, -EPERM, "account %s reads no leads: it is no reviewer or custodian",
                       key->name);
    struct lead_keyring *k = mem_zeroed(1, sizeof *k);
    k->c = c;
    k->key = key;
    *out = k;
    return 0;
}

void lead_keyring_close(struct lead_keyring *k)
{
    if (!k)
        return;
    free(k->rows);
    free(k->blobs);
    free(k);
}

/* ---- keys that were wrapped once more ---- */

static int add_blob(void *ctx, const uint8_t blob[SHA256_LEN])
{
    struct lead_keyring *k = ctx;
    k->blobs = mem_room(k->blobs, k->n_blobs, &k->blobs_cap, sizeof *k->blobs);
    memcpy(k->blobs[k->n_blobs++], blob, SHA256_LEN);
    return k->n_blobs == RINGS_MAX;
}

static int add_rows(struct lead_keyring *k, struct span text, struct err *err)
{
    struct cur c = cur_of(text);
    struct wrap_row row;
    int rc;
    while ((rc = wrap_next(&c, true, &row, err)) == 1) {
        if (!span_is(row.account, k->key->name))
            continue;
        k->rows = mem_room(k->rows, k->n, &k->cap, sizeof *k->rows);
        k->rows[k->n].entry = row.entry;
        memcpy(k->rows[k->n++].wrap, row.wrap, WRAP_LEN);
    }
    return rc;
}

static int compare_rows(const void *a, const void *b)
{
    uint64_t x = ((const struct ring_row *)a)->entry, y = ((const struct ring_row *)b)->entry;
    return x < y ? -1 : x > y;
}

/* A blob that is gone or damaged takes only its own rows with it. */
static int load(struct lead_keyring *k, struct err *err)
{
    struct buf text = {0};
    int rc = leads_wraps(k->c->pursuit, span_str(k->key->name), add_blob, k, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < k->n_blobs; i++) {
        text.n = 0;
        if (casedir_blob(k->c, k->blobs[i], &text, NULL) == 0)
            add_rows(k, buf_as_span(&text), NULL);
    }
    buf_free(&text);
    if (k->n)
        qsort(k->rows, k->n, sizeof *k->rows, compare_rows);
    k->loaded = true;
    return 0;
}

/* The first row of that entry, or behind all that come before it. */
static size_t find_row(const struct lead_keyring *k, uint64_t entry)
{
    size_t low = 0, high = k->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (k->rows[middle].entry < entry)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- keys ---- */

/* By the wraps that came with it. 1 opened, 0 there is none for that name. */
static int open_own(struct casedir *c, const struct lead_sealed_entry *sealed, const char *name,
                    const uint8_t box[32], const uint8_t box_secret[32], uint8_t key[SEAL_KEY_LEN],
                    struct err *err)
{
    struct buf text = {0};
    struct wrap_row row;
    int rc = casedir_blob(c, sealed->wraps, &text, err), opened = 0;
    struct cur at = cur_of(buf_as_span(&text));
    while (rc >= 0 && !opened && (rc = wrap_next(&at, false, &row, err)) == 1)
        opened = span_is(row.account, name) &&
                 wrap_open(&row, box, box_secret, sealed->content, key, NULL) == 0;
    buf_free(&text);
    return rc < 0 ? rc : opened;
}

int lead_open_key(struct lead_keyring *k, const struct lead_sealed_entry *sealed,
                  uint8_t key[SEAL_KEY_LEN], struct err *err)
{
    struct err own;
    if (reviews_conflict(k->c->pursuit, sealed->lead, span_str(k->key->name)))
        return err_set(err, -EPERM, "account %s has a conflict of interest on lead %llu",
                       k->key->name, (unsigned long long)sealed->lead);
    int rc = open_own(k->c, sealed, k->key->name, k->key->box, k->key->box_secret, key, &own);
    if (rc == 1)
        return 0;
    int loaded = k->loaded ? 0 : load(k, err);
    if (loaded < 0)
        return loaded;
    for (size_t i = find_row(k, sealed->entry); i < k->n && k->rows[i].entry == sealed->entry;
         i++) {
        struct wrap_row row = {.entry = sealed->entry};
        memcpy(row.wrap, k->rows[i].wrap, WRAP_LEN);
        if (wrap_open(&row, k->key->box, k->key->box_secret, sealed->content, key, NULL) == 0)
            return 0;
    }
    return rc < 0 ? err_set(err, rc, "%s", own.text)
                  : err_set(err, -EACCES,
                            "entry %llu is not sealed to account %s (`ebb lead "
                            "rewrap` lets it read)",
                            (unsigned long long)sealed->entry, k->key->name);
}

/* ---- opening ---- */

static int get_part(void *ctx, const uint8_t digest[SHA256_LEN], struct buf *out, struct err *err)
{
    return casedir_blob(ctx, digest, out, err);
}

static int find_sealed(struct casedir *c, uint64_t entry, struct lead_sealed_entry *out,
                       struct err *err)
{
    int rc = leads_sealed_get(c->pursuit, entry, out, err);
    return rc == 0 ? err_set(err, -ENOENT, "nothing is sealed under entry %llu, or it was deleted",
                             (unsigned long long)entry)
                   : rc;
}

static int open_with(struct lead_opened *o, const uint8_t key[SEAL_KEY_LEN], struct err *err)
{
    int rc = casedir_blob(o->c, o->sealed.content, &o->list, err);
    if (rc >= 0)
        rc = unseal_open(buf_as_span(&o->list), key, get_part, o->c, &o->reader, err);
    return rc;
}

int lead_open(struct lead_keyring *k, uint64_t entry, struct lead_opened *out, struct err *err)
{
    uint8_t key[SEAL_KEY_LEN];
    *out = (struct lead_opened){.c = k->c};
    int rc = find_sealed(k->c, entry, &out->sealed, err);
    if (rc < 0)
        return rc;
    rc = lead_open_key(k, &out->sealed, key, err);
    if (rc == 0)
        rc = open_with(out, key, err);
    sodium_memzero(key, sizeof key);
    return rc;
}

int lead_open_by_receipt(struct casedir *c, const struct receipt_keys *keys, uint64_t entry,
                         struct lead_opened *out, struct err *err)
{
    uint8_t key[SEAL_KEY_LEN];
    *out = (struct lead_opened){.c = c};
    int rc = find_sealed(c, entry, &out->sealed, err);
    if (rc < 0)
        return rc;
    rc = open_own(c, &out->sealed, WRAP_RECEIPT, keys->box, keys->box_secret, key, err);
    if (rc == 0)
        rc = err_set(err, -EACCES, "entry %llu is not sealed to the receipt",
                     (unsigned long long)entry);
    if (rc == 1)
        rc = open_with(out, key, err);
    sodium_memzero(key, sizeof key);
    return rc;
}

void lead_close(struct lead_opened *o)
{
    unseal_close(o->reader);
    buf_free(&o->list);
    o->reader = NULL;
}
