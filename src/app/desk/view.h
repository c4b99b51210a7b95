/* Views of the desk: JSON documents that no command prints. Each is made in a child of the desk
 * (query.h), by functions that see a case, what was asked, and nothing of the web. */
#pragma once

#include "app/casedir.h"
#include "app/serve/serve_shared.h"
#include "base/json.h"
#include "base/utc.h"

/* What was asked: copied from the request before the child begins. */
struct view_ask {
    const char *case_dir, *account;
    unsigned roles;
    uint64_t position; /* of the log, as the desk knows it */
    uint64_t id;       /* of "{id}" */
    uint8_t sha256[SHA256_LEN];
    const struct serve_shared *shared;
    struct {
        const char *name, *value;
    } parameter[16];
    unsigned parameters;
};

struct view {
    const struct view_ask *ask;
    struct casedir c;
    struct json j; /* the answer */
    struct buf out;
};

/* 0, or negative with the reason: -EINVAL 400, -ENOENT 404, -EPERM 403, others 422. */
typedef int view_make(struct view *v, struct err *err);

#define VIEW(path, roles, function) view_make function;
#include "app/desk/routes.def"

/* In the child: makes it and prints it; the exit code. */
int view_run(view_make *make, const struct view_ask *ask);

/* A parameter; NULL when it was not given. */
const char *view_get(const struct view *v, const char *name);
/* A number parameter, at most `most`. -EINVAL. */
int view_number(const struct view *v, const char *name, uint64_t fallback, uint64_t most,
                uint64_t *out, struct err *err);
int view_time(const struct view *v, const char *name, int64_t fallback, int64_t *out,
              struct err *err);
/* Opens the case for reading, with these views beside the casebook (0: the casebook alone). */
int view_open(struct view *v, unsigned views, struct err *err);
/* {"position": N, and the envelope's end. */
void view_begin(struct view *v);
void view_end(struct view *v);
/* The same for {"position": N, "rows": [ ... ]}. */
void view_begin_rows(struct view *v);
void view_end_rows(struct view *v);
bool view_reads_leads(const struct view *v);

/* Members: null when there is nothing. */
void view_text(struct json *j, const char *key, struct span s);
void view_str(struct json *j, const char *key, const char *s);
void view_uint(struct json *j, const char *key, uint64_t v);
void view_index(struct json *j, const char *key, uint64_t v); /* 0: null */
void view_bool(struct json *j, const char *key, bool v);
void view_when(struct json *j, const char *key, int64_t t); /* INT64_MAX, INT64_MIN: null */
void view_digest(struct json *j, const char *key, struct span digest);
void view_base64(struct json *j, const char *key, struct span bytes);
void view_put_base64(struct json *j, struct span bytes); /* a value, without a key */
/* "target": where in the desk to look; part and id may be NULL. */
void view_target(struct json *j, const char *page, const char *part, const char *id);
