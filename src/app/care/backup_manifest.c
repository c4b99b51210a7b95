#include "app/care/backup_manifest.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static char *copy_of(const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        abort();
    return copy;
}

void manifest_free(struct manifest *m)
{
    for (size_t i = 0; i < m->n; i++) {
        free(m->files[i].path);
        free(m->files[i].at);
    }
    free(m->files);
    free(m->origin);
    free(m->vkey);
    free(m->checkpoint);
    free(m->ebb);
    *m = (struct manifest){0};
}

struct manifest_file *manifest_add(struct manifest *m, const char *path, const char *at)
{
    if (m->n == m->cap) {
        m->cap = m->cap ? 2 * m->cap : 64;
        m->files = realloc(m->files, m->cap * sizeof *m->files);
        if (!m->files)
            abort();
    }
    struct manifest_file *f = &m->files[m->n++];
    *f = (struct manifest_file){.path = copy_of(path), .at = copy_of(at)};
    return f;
}

static int by_path(const void *a, const void *b)
{
    const struct manifest_file *x = a, *y = b;
    return strcmp(x->path, y->path);
}

void manifest_sort(struct manifest *m)
{
    if (m->n)
        qsort(m->files, m->n, sizeof *m->files, by_path);
}

const struct manifest_file *manifest_find(const struct manifest *m, const char *path)
{
    struct manifest_file key = {.path = (char *)(uintptr_t)path};
    return m->n ? bsearch(&key, m->files, m->n, sizeof *m->files, by_path) : NULL;
}

uint64_t manifest_bytes(const struct manifest *m)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < m->n; i++)
        sum += m->files[i].size;
    return sum;
}

/* ---- paths ---- */

/* Never brought back: views would be believed, the rest is of a running process. log/tile is made
 * from the segments. */
static const char *const never[] = {
    "views",        "run",     "journal/lock", "journal/committed", "journal/redaction",
    "journal/lost", "log/tile"};

static bool is_below(const char *path, const char *folder)
{
    size_t n = strlen(folder);
    return strncmp(path, folder, n) == 0 && (path[n] == 0 || path[n] == '/');
}

/* Bytes that a file name of ours may have; a shell, a terminal and JSON take them as they are. */
static bool is_plain(unsigned char c)
{
    return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '\'' && c != '`' && c != '$';
}

static bool parts_are_good(const char *path)
{
    unsigned folders = 0;
    size_t n = strlen(path), part = 0;
    if (n == 0 || n >= MANIFEST_PATH_MAX)
        return false;
    for (size_t i = 0; i <= n; i++) {
        if (path[i] != '/' && path[i]) {
            if (!is_plain((unsigned char)path[i]) || (i == part && path[i] == '.'))
                return false;
            continue;
        }
        if (i == part || (path[i] && ++folders > MANIFEST_DEPTH_MAX))
            return false;
        part = i + 1;
    }
    return true;
}

bool manifest_path_is_good(const char *path)
{
    if (!parts_are_good(path))
        return false;
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (is_below(path, never[i]))
            return false;
    return true;
}

/* ---- writing ---- */

static void put_string(struct buf *out, const char *text)
{
    buf_byte(out, '"');
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\')
            buf_byte(out, '\\');
        if (*c == '\n')
            buf_str(out, "\\n");
        else if ((unsigned char)*c < ' ')
            buf_printf(out, "\\u%04x", (unsigned)(unsigned char)*c);
        else
            buf_byte(out, (uint8_t)*c);
    }
    buf_byte(out, '"');
}

static void put_member(struct buf *out, const char *key, const char *text)
{
    buf_printf(out, " \"%s\": ", key);
    put_string(out, text);
    buf_str(out, ",\n");
}

void manifest_put(const struct manifest *m, struct buf *out)
{
    buf_printf(out, "{\n \"ebb_backup\": %d,\n", MANIFEST_VERSION);
    put_member(out, "ebb", m->ebb);
    put_member(out, "origin", m->origin);
    put_member(out, "vkey", m->vkey);
    put_member(out, "checkpoint", m->checkpoint);
    buf_printf(out, " \"entries\": %llu,\n \"last\": %lld,\n \"keys\": %s,\n \"files\": [\n",
               (unsigned long long)m->size, (long long)m->last, m->keys ? "true" : "false");
    for (size_t i = 0; i < m->n; i++) {
        char hex[SHA256_HEX_MAX];
        hex_encode(m->files[i].sha256, SHA256_LEN, hex);
        buf_str(out, "  {\"path\": ");
        put_string(out, m->files[i].path);
        buf_str(out, ", \"at\": ");
        put_string(out, m->files[i].at);
        buf_printf(out, ", \"size\": %llu, \"sha256\": \"%s\"}%s\n",
                   (unsigned long long)m->files[i].size, hex, i + 1 < m->n ? "," : "");
    }
    buf_str(out, " ]\n}\n");
}

/* ---- reading ---- */

/* jansson refuses NUL within a string that it gives as a C string. */
static const char *text_of(json_t *root, const char *key, size_t max)
{
    const char *text = json_string_value(json_object_get(root, key));
    return text && *text && strlen(text) < max ? text : NULL;
}

static bool number_of(json_t *root, const char *key, uint64_t *out)
{
    json_t *v = json_object_get(root, key);
    if (!json_is_integer(v) || json_integer_value(v) < 0)
        return false;
    *out = (uint64_t)json_integer_value(v);
    return true;
}

static int read_file(json_t *row, struct manifest *m, uint64_t *sum, struct err *err)
{
    const char *path = text_of(row, "path", MANIFEST_PATH_MAX);
    const char *at = text_of(row, "at", MANIFEST_PATH_MAX),
               *hex = text_of(row, "sha256", SHA256_HEX_MAX);
    const struct manifest_file *last = m->n ? &m->files[m->n - 1] : NULL;
    uint64_t size;
    uint8_t sha[SHA256_LEN];
    if (!path || !at || !hex || !number_of(row, "size", &size) ||
        !hex_decode(span_str(hex), sha, sizeof sha))
        return err_set(err, -EBADMSG, "file %zu lacks path, at, size or sha256", m->n + 1);
    if (!manifest_path_is_good(path))
        return err_set(err, -EBADMSG, "file %zu has a path that no backup has (%.200s)", m->n + 1,
                       path);
    if (strncmp(at, MANIFEST_KEPT, sizeof MANIFEST_KEPT - 1) != 0 || !parts_are_good(at))
        return err_set(err, -EBADMSG, "file %zu is kept where no backup keeps one (%.200s)",
                       m->n + 1, at);
    if (last && strcmp(last->path, path) >= 0)
        return err_set(err, -EBADMSG, "file %zu is there twice or out of order (%.200s)", m->n + 1,
                       path);
    if (size > INT64_MAX - *sum)
        return err_set(err, -EBADMSG, "file %zu has a size that cannot be", m->n + 1);
    *sum += size;
    struct manifest_file *f = manifest_add(m, path, at);
    f->size = size;
    memcpy(f->sha256, sha, sizeof sha);
    return 0;
}

/* No path is another one's folder, and no two files are kept as one: a file that grows must be one
 * file's alone. */
static int by_at(const void *a, const void *b)
{
    const struct manifest_file *const *x = a, *const *y = b;
    return strcmp((*x)->at, (*y)->at);
}

static int check_apart(const struct manifest *m, struct err *err)
{
    const struct manifest_file **order = mem_zeroed(m->n + 1, sizeof *order);
    int rc = 0;
    for (size_t i = 0; i < m->n; i++)
        order[i] = &m->files[i];
    qsort(order, m->n, sizeof *order, by_at);
    for (size_t i = 1; i < m->n && rc == 0; i++)
        if (strcmp(order[i - 1]->at, order[i]->at) == 0)
            rc = err_set(err, -EBADMSG, "two files are kept in one (%.200s)", order[i]->at);
    for (size_t i = 0; i < m->n && rc == 0; i++) {
        char folder[MANIFEST_PATH_MAX];
        strcpy(folder, m->files[i].path); /* its length was looked at */
        for (char *slash; rc == 0 && (slash = strrchr(folder, '/'));) {
            *slash = 0;
            if (manifest_find(m, folder))
                rc = err_set(err, -EBADMSG, "a file is another one's folder (%.200s)", folder);
        }
    }
    free(order);
    return rc;
}

/* The words of the log's files are those that it names: one look tells how far a backup goes. */
static int check_words(const struct manifest *m, struct err *err)
{
    const struct {
        const char *path, *text;
    } words[] = {{"log/vkey", m->vkey}, {"log/checkpoint", m->checkpoint}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const struct manifest_file *f = manifest_find(m, words[i].path);
        uint8_t sha[SHA256_LEN];
        sha256(words[i].text, strlen(words[i].text), sha);
        if (f->size != strlen(words[i].text) || memcmp(f->sha256, sha, sizeof sha) != 0)
            return err_set(err, -EBADMSG, "%s is not what the manifest says of it", words[i].path);
    }
    return manifest_entries(span_str(m->checkpoint)) == m->size
               ? 0
               : err_set(err, -EBADMSG, "names another number of entries than its checkpoint");
}

uint64_t manifest_entries(struct span checkpoint)
{
    struct cur c = cur_of(checkpoint);
    char digits[24] = "", *end = digits;
    cur_line(&c);
    struct span line = cur_line(&c);
    if (line.n && line.n < sizeof digits)
        memcpy(digits, line.p, line.n);
    uint64_t n = strtoull(digits, &end, 10);
    return end == digits || *end ? UINT64_MAX : n;
}

static int read_files(json_t *files, struct manifest *m, struct err *err)
{
    static const char *const must[] = {"ebb.yaml", "log/vkey", "log/checkpoint"};
    uint64_t sum = 0;
    int rc = 0;
    if (!json_is_array(files) || json_array_size(files) > MANIFEST_FILES_MAX)
        return err_set(err, -EBADMSG, "no list of files, or more than %d", MANIFEST_FILES_MAX);
    for (size_t i = 0; i < json_array_size(files) && rc == 0; i++)
        rc = read_file(json_array_get(files, i), m, &sum, err);
    for (size_t i = 0; i < sizeof must / sizeof *must && rc == 0; i++)
        if (!manifest_find(m, must[i]))
            rc = err_set(err, -EBADMSG, "%s is not in it", must[i]);
    if (rc == 0)
        rc = check_words(m, err);
    return rc == 0 ? check_apart(m, err) : rc;
}

static int read_root(json_t *root, struct manifest *m, struct err *err)
{
    uint64_t version;
    if (!number_of(root, "ebb_backup", &version) || version == 0)
        return err_set(err, -EBADMSG, "not the manifest of a backup");
    if (version > MANIFEST_VERSION)
        return err_set(err, -EPROTO,
                       "a newer version of ebb wrote it (format %llu, this one knows %d)",
                       (unsigned long long)version, MANIFEST_VERSION);
    const char *ebb = text_of(root, "ebb", 64), *origin = text_of(root, "origin", 256);
    const char *vkey = text_of(root, "vkey", MANIFEST_NOTE_MAX);
    const char *note = text_of(root, "checkpoint", MANIFEST_NOTE_MAX);
    json_t *last = json_object_get(root, "last");
    if (!ebb || !origin || !vkey || !note || !number_of(root, "entries", &m->size) ||
        !json_is_integer(last) || !json_is_boolean(json_object_get(root, "keys")))
        return err_set(err, -EBADMSG,
                       "ebb, origin, vkey, checkpoint, entries, last or keys is missing");
    m->ebb = copy_of(ebb);
    m->origin = copy_of(origin);
    m->vkey = copy_of(vkey);
    m->checkpoint = copy_of(note);
    m->last = json_integer_value(last);
    m->keys = json_is_true(json_object_get(root, "keys"));
    return read_files(json_object_get(root, "files"), m, err);
}

int manifest_parse(struct span text, struct manifest *out, struct err *err)
{
    json_error_t where;
    struct err why = {0};
    *out = (struct manifest){0};
    if (text.n > MANIFEST_MAX)
        return err_set(err, -EBADMSG, "over %u MiB", MANIFEST_MAX >> 20);
    json_t *root = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &where);
    int rc = root ? read_root(root, out, &why)
                  : err_set(&why, -EBADMSG, "not JSON: %.100s (line %d)", where.text, where.line);
    json_decref(root);
    if (rc < 0) {
        manifest_free(out);
        err_set(err, rc, "%s", why.text);
    }
    return rc;
}
