#include "event/classify.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/log.h"
#include "event/classify_map.h"
#include "event/classify_memo.h"
#include "event/classify_view.h"
#include "event/classify_yara.h"

#define FILES_MAX    4096
#define FILE_MAX     (4u << 20)
#define DEPTH_MAX    8 /* folders below rules_dir */
#define MAP_NAME     "families.map"
#define WARNINGS_MAX 10 /* failed scans told on standard error; all are counted */

struct classify {
    struct ruleset *rules;
    struct map *map;
    struct memo *memo;
    bool src_port; /* some rule looks at ebb_src_port */
    struct view view;
    uint8_t sha256[SHA256_LEN];
    struct classify_stats stats;
};

/* Files: paths relative to the rules' folder. */
struct files {
    struct arena arena;
    const char *path[FILES_MAX];
    size_t n;
};

static bool is_rule_file(const char *name)
{
    size_t n = strlen(name);
    return n > 4 && strcmp(name + n - 4, ".yar") == 0;
}

static int list(const char *dir, const char *below, int depth, struct files *files,
                struct err *err);

static int list_entry(const char *dir, const char *relative, int depth, struct files *files,
                      struct err *err)
{
    char path[FILE_PATH_MAX];
    struct stat st;
    int rc = file_path(path, err, "%s/%s", dir, relative);
    if (rc < 0)
        return rc;
    if (lstat(path, &st) < 0)
        return err_errno(err, "%s", path);
    if (S_ISDIR(st.st_mode))
        return list(dir, relative, depth + 1, files, err);
    if (!is_rule_file(relative))
        return 0;
    if (stat(path, &st) < 0)
        return err_errno(err, "%s", path);
    if (!S_ISREG(st.st_mode))
        return err_set(err, -EINVAL, "%s: not a regular file", path);
    if (files->n == FILES_MAX)
        return err_set(err, -EFBIG, "%s: more than %d rule files", dir, FILES_MAX);
    files->path[files->n++] = arena_copy(&files->arena, relative, strlen(relative));
    return 0;
}

static int list(const char *dir, const char *below, int depth, struct files *files, struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = file_path(path, err, "%s/%s", dir, below);
    if (rc < 0)
        return rc;
    if (depth > DEPTH_MAX)
        return err_set(err, -ELOOP, "%s: folders nested deeper than %d", path, DEPTH_MAX);
    DIR *d = opendir(path);
    if (!d)
        return err_errno(err, "%s", path);
    struct dirent *entry;
    while (rc == 0 && (entry = readdir(d))) {
        if (entry->d_name[0] == '.')
            continue;
        char relative[FILE_PATH_MAX];
        rc = file_path(relative, err, "%s%s%s", below, below[0] ? "/" : "", entry->d_name);
        if (rc == 0)
            rc = list_entry(dir, relative, depth, files, err);
    }
    closedir(d);
    return rc;
}

static int path_cmp(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void digest_add(sha256_ctx *sha, const char *name, struct span content)
{
    uint8_t n[8];
    be64_put(n, strlen(name));
    sha256_add(sha, n, sizeof n);
    sha256_add(sha, name, strlen(name));
    be64_put(n, content.n);
    sha256_add(sha, n, sizeof n);
    sha256_add(sha, content.p, content.n);
}

static int load_rules(struct classify *c, const char *dir, struct files *files, sha256_ctx *sha,
                      struct err *err)
{
    struct buf text = {0};
    int rc = ruleset_open(&c->rules, err);
    for (size_t i = 0; i < files->n && rc == 0; i++) {
        char path[FILE_PATH_MAX];
        text.n = 0;
        rc = file_path(path, err, "%s/%s", dir, files->path[i]);
        if (rc == 0)
            rc = file_read(path, FILE_MAX, &text, err);
        if (rc == 0) {
            digest_add(sha, files->path[i], buf_as_span(&text));
            c->src_port |= text.n && memmem(text.p, text.n, "src_port", 8) != NULL;
            rc = ruleset_add(c->rules, path, buf_as_span(&text), err);
        }
    }
    if (rc == 0)
        rc = ruleset_ready(c->rules, err);
    buf_free(&text);
    return rc;
}

static int load_map(struct classify *c, const char *dir, sha256_ctx *sha, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf text = {0};
    int rc = file_path(path, err, "%s/" MAP_NAME, dir);
    if (rc == 0)
        rc = file_read(path, FILE_MAX, &text, err);
    if (rc == 0)
        digest_add(sha, MAP_NAME, buf_as_span(&text));
    if (rc == -ENOENT)
        rc = 0; /* a map without words */
    if (rc == 0)
        rc = map_open(buf_as_span(&text), path, &c->map, err);
    buf_free(&text);
    return rc;
}

int classify_open(const char *rules_dir, struct classify **out, struct err *err)
{
    struct classify *c = calloc(1, sizeof *c);
    struct files *files = calloc(1, sizeof *files);
    if (!c || !files)
        abort();
    sha256_ctx sha;
    sha256_begin(&sha);
    int rc = list(rules_dir, "", 0, files, err);
    if (rc == 0) {
        qsort(files->path, files->n, sizeof *files->path, path_cmp);
        rc = load_rules(c, rules_dir, files, &sha, err);
    }
    if (rc == 0)
        rc = load_map(c, rules_dir, &sha, err);
    sha256_end(&sha, c->sha256);
    c->memo = memo_new(c->src_port);
    arena_free(&files->arena);
    free(files);
    if (rc < 0)
        classify_close(c);
    else
        *out = c;
    return rc;
}

void classify_close(struct classify *c)
{
    if (!c)
        return;
    ruleset_close(c->rules);
    map_close(c->map);
    memo_free(c->memo);
    view_free(&c->view);
    free(c);
}

const uint8_t *classify_sha256(const struct classify *c)
{
    return c->sha256;
}

unsigned classify_rules(const struct classify *c)
{
    return ruleset_size(c->rules);
}

const struct classify_stats *classify_stats(const struct classify *c)
{
    return &c->stats;
}

/* Its word for the family: the first of these columns that is not empty. */
static struct span feed_word(const struct event *ev)
{
    struct span type = {0}, family = {0}, infection = {0};
    for (size_t i = 0; i < ev->feed.n; i++) { /* shorter keys come first */
        const struct feed_cell *cell = &ev->feed.cells[i];
        if (cell->key.n == 4 && memcmp(cell->key.p, "type", 4) == 0)
            type = cell->value;
        else if (cell->key.n == 6 && memcmp(cell->key.p, "family", 6) == 0)
            family = cell->value;
        else if (cell->key.n == 9 && memcmp(cell->key.p, "infection", 9) == 0)
            infection = cell->value;
        else if (cell->key.n > 9)
            break;
    }
    return family.n ? family : infection.n ? infection : type;
}

static void failed(struct classify *c, const struct event *ev)
{
    if (++c->stats.failed <= WARNINGS_MAX)
        log_line(LOG_WARN, "rules could not be run over an event", "record=%llu view_bytes=%zu",
                 (unsigned long long)ev->record, c->view.bytes.n);
}

/* True when the feed names a family. */
static bool by_feed(struct classify *c, struct event *ev)
{
    struct span word = ev->feed.has ? feed_word(ev) : span_of(NULL, 0);
    const struct map_family *found = word.n ? map_find(c->map, word) : NULL;
    if (!found || !found->family.n)
        return false;
    c->stats.feed++;
    ev->family = found->family;
    ev->confidence = found->confidence;
    ev->family_source = span_str("feed");
    return true;
}

/* As ruleset_scan, of a view that may have been scanned before. */
static int scan(struct classify *c, struct verdict *v)
{
    int rc = memo_get(c->memo, &c->view, v);
    if (rc >= 0)
        return rc;
    c->stats.scanned++;
    rc = ruleset_scan(c->rules, &c->view, v);
    memo_put(c->memo, rc, v);
    return rc;
}

void classify_event(struct classify *c, struct event *ev)
{
    if (by_feed(c, ev))
        return;
    struct verdict v;
    if (!ruleset_size(c->rules) || !view_build(&c->view, ev))
        return;
    int rc = scan(c, &v);
    if (rc < 0)
        failed(c, ev);
    if (rc <= 0)
        return;
    c->stats.matched++;
    ev->family = v.family;
    ev->confidence = v.confidence;
    ev->family_source = v.rule;
    if (v.bot_id.n)
        ev->bot_id = v.bot_id;
}
