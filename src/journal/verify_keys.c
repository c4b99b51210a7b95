/* Judging which keys the log had: each that was replaced is named by an entry, with the signature
 * of the key before it, and log/rotated/ has the proof for those who know the old key alone. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "journal/verify.h"

#define ROTATED     "log/rotated"
#define ID_DIGITS   8
#define NEXT_KEY    "keys/log.key.next"
#define GROW        8
#define NAMED_MAX   4096 /* statements on a log; those of keys that were never the log's, too */
#define NAMED_PARTS 32   /* bytes of "log/rotated/" and a name that is quoted */

static bool same_key(const struct note_key *a, const struct note_key *b)
{
    return memcmp(a->public_key, b->public_key, NOTE_PUBLIC_LEN) == 0 &&
           strcmp(a->name, b->name) == 0;
}

static bool under_way(const struct verifier *v)
{
    char path[FILE_PATH_MAX];
    return v->live || (file_path(path, NULL, "%s/" NEXT_KEY, v->dir) == 0 && file_exists(path));
}

/* ---- the files ---- */

static int by_index(const void *a, const void *b)
{
    const struct rotation_proof *x = a, *y = b;
    return x->rotation.index < y->rotation.index ? -1 : x->rotation.index > y->rotation.index;
}

static int file_load(struct verifier *v, const char *name, struct err *err)
{
    char path[FILE_PATH_MAX], file[sizeof v->verdict->bad_file], id[ID_DIGITS + 1];
    struct rotation_proof *r = &v->rotated[v->rotated_n];
    struct buf text = {0};
    struct err why;
    snprintf(file, sizeof file, ROTATED "/%.200s", name);
    int rc = file_path(path, err, "%s/%s", v->dir, file);
    if (rc == 0)
        rc = file_read(path, ROTATION_FILE_MAX, &text, err);
    if (rc == -EFBIG)
        rc = verify_bad(v, UINT64_MAX, file, 0, "larger than a rotation is");
    if (rc == 0 && rotation_follow(buf_as_span(&text), NULL, r, &why) < 0)
        rc = verify_bad(v, UINT64_MAX, file, 0, "%s", why.text);
    if (rc == 0) {
        snprintf(id, sizeof id, "%08x", r->rotation.from.id);
        if (strcmp(id, name) != 0)
            rc = verify_bad(v, UINT64_MAX, file, 0,
                            "the name is not the id of the key that it is of");
        else if (r->size > v->signed_.size)
            rc = verify_bad(v, UINT64_MAX, file, 0,
                            "the old key signed %llu entries, log/checkpoint has %llu",
                            (unsigned long long)r->size, (unsigned long long)v->signed_.size);
        v->rotated_n++;
    }
    buf_free(&text);
    return rc;
}

int verify_keys_load(struct verifier *v, struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = file_path(path, err, "%s/" ROTATED, v->dir);
    DIR *d = rc == 0 ? opendir(path) : NULL;
    if (!d)
        return rc < 0 ? rc : errno == ENOENT ? 0 : err_errno(err, "%s", path);
    v->rotated = calloc(ROTATIONS_MAX, sizeof *v->rotated);
    if (!v->rotated)
        abort();
    for (struct dirent *e; rc == 0 && (e = readdir(d));) {
        size_t n = strlen(e->d_name);
        if (e->d_name[0] == '.' || (n > 4 && strcmp(e->d_name + n - 4, ".tmp") == 0))
            continue; /* .tmp: a crash while it was written */
        rc = v->rotated_n == ROTATIONS_MAX
                 ? verify_bad(v, UINT64_MAX, ROTATED, 0, "more than %d files", ROTATIONS_MAX)
                 : file_load(v, e->d_name, err);
    }
    closedir(d);
    qsort(v->rotated, v->rotated_n, sizeof *v->rotated, by_index);
    return rc;
}

/* ---- while entries are read ---- */

int verify_keys_size(struct verifier *v)
{
    uint8_t root[SHA256_LEN];
    for (size_t i = 0; i < v->rotated_n; i++) {
        const struct rotation_proof *r = &v->rotated[i];
        char file[NAMED_PARTS];
        if (r->size != v->size)
            continue;
        tree_fold(&v->tree, v->size);
        tree_root(&v->tree, v->size, root);
        snprintf(file, sizeof file, ROTATED "/%08x", r->rotation.from.id);
        if (memcmp(root, r->root, SHA256_LEN) != 0)
            return verify_bad(v, r->rotation.index, file, 0,
                              "the old key signed another root over the first %llu entries",
                              (unsigned long long)v->size);
    }
    return 0;
}

uint64_t verify_keys_stop(const struct verifier *v, uint64_t limit)
{
    for (size_t i = 0; i < v->rotated_n; i++)
        if (v->rotated[i].size > v->size && v->rotated[i].size - v->size < limit)
            limit = v->rotated[i].size - v->size;
    return limit;
}

/* An entry without a statement that both keys signed is only somebody's word, and replaces nothing.
 */
void verify_keys_entry(struct verifier *v, const struct record *r)
{
    struct rotation said;
    struct span note;
    if (rotation_of_entry(JOURNAL_KIND_KEY_ROTATED, span_of(r->payload, r->length), &note) != 1 ||
        rotation_parse(note, &said, NULL) < 0 || said.index != r->index ||
        strcmp(said.from.name, v->key.name) != 0 || v->named_n == NAMED_MAX)
        return;
    if (v->named_n % GROW == 0) {
        v->named = realloc(v->named, (v->named_n + GROW) * sizeof *v->named);
        if (!v->named)
            abort();
    }
    v->named[v->named_n++] = said;
}

/* ---- when all were read ---- */

static int file_missing(struct verifier *v, const struct rotation *named)
{
    char file[NAMED_PARTS];
    snprintf(file, sizeof file, ROTATED "/%08x", named->from.id);
    return verify_bad(v, named->index, file, 0,
                      "missing: who knows the key before that entry cannot follow");
}

/* What leads to log/vkey is kept; anybody can make two keys and a statement that replaces the one
 * by the other, and such an entry means nothing. The first statement that goes on from log/vkey. */
static const struct rotation *keep_chain(struct verifier *v)
{
    struct note_key at = v->key;
    const struct rotation *beyond = NULL;
    size_t n = 0;
    for (size_t i = v->named_n; i-- > 0;) {
        if (same_key(&v->named[i].from, &v->key))
            beyond = &v->named[i];
        if (!same_key(&v->named[i].to, &at))
            continue;
        at = v->named[i].from;
        n++;
    }
    at = v->key;
    for (size_t i = v->named_n, left = n; i-- > 0;) {
        if (!same_key(&v->named[i].to, &at))
            continue;
        at = v->named[i].from;
        v->chain[--left] = v->named[i];
    }
    v->chain_n = n;
    return beyond;
}

int verify_keys_end(struct verifier *v)
{
    v->chain = calloc(v->named_n + 1, sizeof *v->chain);
    if (!v->chain)
        abort();
    const struct rotation *beyond = keep_chain(v);
    size_t files = 0, n = v->chain_n;
    if (beyond && !under_way(v))
        return verify_bad(v, beyond->index, "log/vkey", 0,
                          "the log's key is %08x since that entry, and not %08x", beyond->to.id,
                          v->key.id);
    for (size_t i = 0; i < n; i++) {
        bool there = files < v->rotated_n &&
                     v->rotated[files].rotation.index == v->chain[i].index &&
                     same_key(&v->rotated[files].rotation.to, &v->chain[i].to);
        if (!there)
            return file_missing(v, &v->chain[i]);
        files++;
    }
    if (files == v->rotated_n ||
        (files + 1 == v->rotated_n && under_way(v) && /* not gone over to it yet */
         same_key(&v->rotated[files].rotation.from, &v->key)))
        return 0;
    char file[NAMED_PARTS];
    snprintf(file, sizeof file, ROTATED "/%08x", v->rotated[files].rotation.from.id);
    return verify_bad(v, v->rotated[files].rotation.index, file, 0,
                      "the log has no such entry, or replaced another key before");
}
