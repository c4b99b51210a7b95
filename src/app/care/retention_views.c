/* Views without what was erased: made beside the old ones, so that a running recorder only has to
 * load them; and the figures that stay. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/care/beneath.h"
#include "app/care/retention.h"
#include "base/file.h"
#include "base/json.h"
#include "base/utc.h"

#define FRESH "views/fresh" /* a folder in the shape of a case, by links to this one */

/* The file is a view's, or one of several of it ("spam", "spam.facts"). */
static bool is_of_view(const char *name)
{
    for (const char *const *view = casedir_view_names; *view; view++) {
        size_t n = strlen(*view);
        if (strncmp(name, *view, n) == 0 && (name[n] == 0 || name[n] == '.'))
            return true;
    }
    return false;
}

int retention_views_drop(const char *case_dir, struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = file_path(path, err, "%s/views", case_dir);
    DIR *d = rc == 0 ? opendir(path) : NULL;
    if (!d)
        return rc < 0 ? rc : errno == ENOENT ? 0 : err_errno(err, "%s", path);
    for (struct dirent *e; rc == 0 && (e = readdir(d));)
        if (is_of_view(e->d_name) && unlinkat(dirfd(d), e->d_name, 0) < 0 && errno != ENOENT)
            rc = err_errno(err, "%s/%s", path, e->d_name);
    if (rc == 0 && fsync(dirfd(d)) < 0)
        rc = err_errno(err, "%s", path);
    closedir(d);
    return rc;
}

static int link_up(const char *case_dir, struct err *err)
{
    static const char *const parts[] = {"journal", "log", "blobs", CONFIG_FILE};
    char path[FILE_PATH_MAX], target[64];
    int rc = file_path(path, err, "%s/" FRESH, case_dir);
    if (rc < 0)
        return rc;
    beneath_remove_all(path);
    rc = file_path(path, err, "%s/" FRESH "/views", case_dir);
    if (rc == 0)
        rc = file_mkdirs(path, 0700, err);
    for (size_t i = 0; i < sizeof parts / sizeof *parts && rc == 0; i++) {
        snprintf(target, sizeof target, "../../%s", parts[i]);
        rc = file_path(path, err, "%s/" FRESH "/%s", case_dir, parts[i]);
        if (rc == 0 && symlink(target, path) < 0)
            rc = err_errno(err, "%s", path);
    }
    return rc;
}

int retention_views_make(const char *case_dir, bool quiet, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct casedir c = {.quiet = quiet};
    int rc = link_up(case_dir, err);
    if (rc == 0)
        rc = file_path(path, err, "%s/" FRESH, case_dir);
    if (rc == 0)
        rc = casedir_open(&c, path, JOURNAL_READ, err);
    if (rc == 0)
        rc = casedir_views(&c, VIEW_ALL, err);
    if (rc == 0)
        rc = casedir_save_views(&c, err);
    casedir_close(&c, NULL);
    return rc;
}

int retention_views_take(const char *case_dir, struct err *err)
{
    char from[FILE_PATH_MAX], to[FILE_PATH_MAX];
    int rc = retention_views_drop(case_dir, err);
    if (rc == 0)
        rc = file_path(from, err, "%s/" FRESH "/views", case_dir);
    if (rc == 0)
        rc = file_path(to, err, "%s/views", case_dir);
    DIR *d = rc == 0 ? opendir(from) : NULL;
    int target = rc == 0 ? open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (rc == 0 && (!d || target < 0))
        rc = err_errno(err, "%s", from);
    for (struct dirent *e; rc == 0 && (e = readdir(d));)
        if (is_of_view(e->d_name) && renameat(dirfd(d), e->d_name, target, e->d_name) < 0)
            rc = err_errno(err, "%s/%s", to, e->d_name);
    if (rc == 0 && fsync(target) < 0)
        rc = err_errno(err, "%s", to);
    if (d)
        closedir(d);
    if (target >= 0)
        close(target);
    if (file_path(from, NULL, "%s/" FRESH, case_dir) == 0)
        beneath_remove_all(from);
    return rc;
}

/* ---- figures ---- */

struct figures {
    struct json *j;
    enum census_by by;
};

static int put_row(void *ctx, const struct census_row *r)
{
    struct figures *f = ctx;
    struct json *j = f->j;
    char date[UTC_TEXT_MAX];
    json_object(j);
    if (f->by == CENSUS_BY_DAY) {
        size_t n = utc_format((int64_t)r->day * UTC_DAY, date);
        json_key(j, "date");
        json_span(j, span_of(date, n < 10 ? n : 10));
    } else if (f->by == CENSUS_BY_COUNTRY) {
        json_key(j, "country");
        json_span(j, r->country);
    } else {
        json_key(j, "asn");
        json_uint(j, r->asn);
    }
    json_key(j, "family");
    json_span(j, r->family);
    json_key(j, "addresses");
    json_uint(j, r->addresses);
    if (f->by == CENSUS_BY_DAY) {
        json_key(j, "new");
        json_uint(j, r->fresh);
    }
    json_object_end(j);
    return 0;
}

static int put_part(struct casedir *c, struct json *j, const char *key, enum census_by by,
                    int32_t since, int32_t until, struct err *err)
{
    struct figures f = {j, by};
    struct census_query q = {.by = by, .since = since, .until = until};
    json_key(j, key);
    json_array(j);
    int rc = census_rows(c->census, &q, put_row, &f, err);
    json_array_end(j);
    return rc;
}

static int32_t day_of(int64_t time)
{
    return (int32_t)(time / UTC_DAY - (time % UTC_DAY < 0));
}

int retention_figures(struct casedir *c, const struct retention_plan *plan, struct buf *out,
                      struct err *err)
{
    struct json j = json_to(out);
    int32_t since = day_of(plan->first), until = day_of(plan->last) + 1;
    json_object(&j);
    json_key(&j, "form");
    json_str(&j, "ebb retention figures v1");
    json_key(&j, "entries_erased");
    json_uint(&j, plan->entries);
    json_key(&j, "log_size");
    json_uint(&j, plan->position);
    int rc = put_part(c, &j, "days", CENSUS_BY_DAY, since, until, err);
    if (rc == 0)
        rc = put_part(c, &j, "countries", CENSUS_BY_COUNTRY, since, until, err);
    if (rc == 0)
        rc = put_part(c, &j, "asns", CENSUS_BY_ASN, since, until, err);
    json_object_end(&j);
    json_newline(&j);
    return rc;
}
