#include "app/desk/view.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli.h"
#include "app/desk/query.h"
#include "base/mem.h"
#include "state/accounts.h"

static int exit_code(int rc)
{
    switch (rc) {
    case 0:
        return EXIT_DONE;
    case -EINVAL:
        return EXIT_USAGE;
    case -ENOENT:
        return QUERY_ABSENT;
    case -EPERM:
        return QUERY_FORBIDDEN;
    default:
        return EXIT_FAILED;
    }
}

int view_run(view_make *make, const struct view_ask *ask)
{
    struct view v = {.ask = ask};
    struct err err = {0};
    v.c.quiet = true;
    v.j = json_to(&v.out);
    int rc = make(&v, &err);
    if (rc >= 0 && fwrite(v.out.p, 1, v.out.n, stdout) != v.out.n)
        rc = err_set(&err, -EIO, "the answer could not be written");
    if (rc < 0)
        fprintf(stderr, "ebb: %s\n", err.text);
    buf_free(&v.out);
    casedir_close(&v.c, NULL);
    return exit_code(rc < 0 ? rc : 0);
}

const char *view_get(const struct view *v, const char *name)
{
    for (unsigned i = 0; i < v->ask->parameters; i++)
        if (strcmp(v->ask->parameter[i].name, name) == 0)
            return v->ask->parameter[i].value;
    return NULL;
}

int view_number(const struct view *v, const char *name, uint64_t fallback, uint64_t most,
                uint64_t *out, struct err *err)
{
    const char *text = view_get(v, name);
    *out = fallback;
    if (text && (!cli_parse_u64(text, out) || *out > most))
        return err_set(err, -EINVAL, "%s: a number to %llu", name, (unsigned long long)most);
    return 0;
}

int view_time(const struct view *v, const char *name, int64_t fallback, int64_t *out,
              struct err *err)
{
    const char *text = view_get(v, name);
    *out = fallback;
    if (text && (!utc_parse(span_str(text), out) || *out < UTC_EVENT_MIN || *out > UTC_EVENT_MAX))
        return err_set(err, -EINVAL, "%s: not an RFC 3339 date or time", name);
    return 0;
}

int view_open(struct view *v, unsigned views, struct err *err)
{
    int rc = casedir_open(&v->c, v->ask->case_dir, JOURNAL_READ, err);
    return rc == 0 ? casedir_views(&v->c, VIEW_CASEBOOK | views, err) : rc;
}

void view_begin(struct view *v)
{
    json_object(&v->j);
    view_uint(&v->j, "position", v->c.journal ? journal_committed(v->c.journal) : v->ask->position);
}

void view_end(struct view *v)
{
    json_object_end(&v->j);
    json_newline(&v->j);
}

void view_begin_rows(struct view *v)
{
    view_begin(v);
    json_key(&v->j, "rows");
    json_array(&v->j);
}

void view_end_rows(struct view *v)
{
    json_array_end(&v->j);
    view_end(v);
}

bool view_reads_leads(const struct view *v)
{
    return v->ask->roles & (ROLE_REVIEWER | ROLE_CUSTODIAN);
}

/* ---- members ---- */

void view_text(struct json *j, const char *key, struct span s)
{
    json_key(j, key);
    if (s.n)
        json_span(j, s);
    else
        json_null(j);
}

void view_str(struct json *j, const char *key, const char *s)
{
    view_text(j, key, span_str(s));
}

void view_uint(struct json *j, const char *key, uint64_t v)
{
    json_key(j, key);
    json_uint(j, v);
}

void view_index(struct json *j, const char *key, uint64_t v)
{
    json_key(j, key);
    if (v)
        json_uint(j, v);
    else
        json_null(j);
}

void view_bool(struct json *j, const char *key, bool v)
{
    json_key(j, key);
    json_bool(j, v);
}

void view_when(struct json *j, const char *key, int64_t t)
{
    char text[UTC_TEXT_MAX];
    json_key(j, key);
    if (t == INT64_MAX || t == INT64_MIN)
        json_null(j);
    else
        json_span(j, span_of(text, utc_format(t, text)));
}

void view_digest(struct json *j, const char *key, struct span digest)
{
    json_key(j, key);
    if (digest.n)
        json_hex(j, digest.p, digest.n);
    else
        json_null(j);
}

void view_base64(struct json *j, const char *key, struct span bytes)
{
    json_key(j, key);
    view_put_base64(j, bytes);
}

void view_put_base64(struct json *j, struct span bytes)
{
    size_t room = sodium_base64_encoded_len(bytes.n, sodium_base64_VARIANT_ORIGINAL);
    char *text = mem_zeroed(1, room);
    sodium_bin2base64(text, room, bytes.p, bytes.n, sodium_base64_VARIANT_ORIGINAL);
    json_str(j, text);
    free(text);
}

void view_target(struct json *j, const char *page, const char *part, const char *id)
{
    json_key(j, "target");
    json_object(j);
    view_str(j, "page", page);
    view_str(j, "part", part);
    view_str(j, "id", id);
    json_object_end(j);
}
