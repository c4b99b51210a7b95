#include "app/desk/act_request.h"

#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define SIGNATURE_LEN 64

static const char *copy(struct act_request *q, const char *text, size_t n)
{
    char *out = arena_alloc(&q->arena, n + 1);
    memcpy(out, text, n);
    out[n] = 0;
    return out;
}

static const char *copy_string(struct act_request *q, const json_t *t)
{
    return json_is_string(t) ? copy(q, json_string_value(t), json_string_length(t)) : NULL;
}

static bool decode(const json_t *t, struct buf *out)
{
    size_t length = json_is_string(t) ? json_string_length(t) : 0, room = length / 4 * 3 + 3, n = 0;
    if (!length)
        return false;
    uint8_t *at = buf_reserve(out, room);
    if (sodium_base642bin(at, room, json_string_value(t), length, NULL, &n, NULL,
                          sodium_base64_VARIANT_ORIGINAL) < 0)
        return false;
    out->n = n;
    return true;
}

static bool name_is_good(const char *name)
{
    size_t n = name ? strlen(name) : 0;
    if (!n || n > ACT_REQUEST_NAME_MAX || name[0] == '.')
        return false;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == '/' || name[i] == 0x7f)
            return false;
    return true;
}

/* {"name": ..., "data": base64}; -1: not that, or one too many. */
static int take_file(struct act_request *q, const char *option, const json_t *t)
{
    const char *name = copy_string(q, json_object_get(t, "name"));
    if (q->files == ACT_REQUEST_FILES_MAX || !name_is_good(name))
        return -1;
    for (unsigned i = 0; i < q->files; i++)
        if (strcmp(q->file[i].path + sizeof ACT_REQUEST_GIVEN - 1, name) == 0)
            return -1;
    size_t n = sizeof ACT_REQUEST_GIVEN + strlen(name);
    char *path = arena_alloc(&q->arena, n);
    snprintf(path, n, ACT_REQUEST_GIVEN "%s", name);
    q->file[q->files].option = option;
    q->file[q->files].path = path;
    return decode(json_object_get(t, "data"), &q->file[q->files++].data) ? 0 : -1;
}

static bool take_option(struct act_request *q, const char *name, const json_t *t)
{
    char number[32];
    if (q->options == ACT_REQUEST_OPTIONS_MAX || !*name)
        return false;
    q->option[q->options].name = copy(q, name, strlen(name));
    const char **value = &q->option[q->options].value;
    enum act_request_type *type = &q->option[q->options++].type;
    *value = "";
    if (json_is_boolean(t)) {
        *type = json_is_true(t) ? ACT_REQUEST_TRUE : ACT_REQUEST_FALSE;
    } else if (json_is_integer(t)) {
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(t));
        *type = ACT_REQUEST_NUMBER;
        *value = copy(q, number, strlen(number));
    } else {
        *type = ACT_REQUEST_TEXT;
        *value = copy_string(q, t);
    }
    return *value != NULL;
}

static bool take_arg(struct act_request *q, const json_t *t)
{
    if (q->args == ACT_REQUEST_ARGS_MAX)
        return false;
    const char *text = copy_string(q, t);
    if (!text && json_is_object(t) && take_file(q, NULL, t) == 0)
        text = q->file[q->files - 1].path;
    q->arg[q->args++] = text;
    return text != NULL;
}

static bool take_signatures(struct act_request *q, const json_t *list)
{
    size_t n = json_array_size(list);
    struct buf one = {0};
    if (n > ACT_REQUEST_SIGNATURES_MAX)
        return false;
    uint8_t(*all)[SIGNATURE_LEN] = arena_alloc(&q->arena, (n + 1) * SIGNATURE_LEN);
    bool good = true;
    for (size_t i = 0; good && i < n; i++) {
        one.n = 0;
        good = decode(json_array_get(list, i), &one) && one.n == SIGNATURE_LEN;
        if (good)
            memcpy(all[i], one.p, SIGNATURE_LEN);
    }
    buf_free(&one);
    q->signature = (const uint8_t(*)[SIGNATURE_LEN])all;
    q->signatures = good ? (unsigned)n : 0;
    return good;
}

static int take_command(struct act_request *q, json_t *root, struct err *err)
{
    json_t *options = json_object_get(root, "options"), *files = json_object_get(root, "files"),
           *args = json_object_get(root, "args"), *value;
    const char *name;
    if ((options && !json_is_object(options)) || (files && !json_is_object(files)) ||
        (args && !json_is_array(args)))
        return err_set(err, -EINVAL, "options and files are objects, args is an array");
    json_object_foreach(options, name, value) if (!take_option(q, name, value)) return err_set(
        err, -EINVAL, "options: a text, a whole number, true or false (%.64s)", name);
    json_object_foreach(files, name, value) if (
        take_file(q, copy(q, name, strlen(name)), value) <
        0) return err_set(err, -EINVAL,
                          "files: a name of its own and data as base64, %d at most (%.64s)",
                          ACT_REQUEST_FILES_MAX, name);
    for (size_t i = 0; i < json_array_size(args); i++)
        if (!take_arg(q, json_array_get(args, i)))
            return err_set(err, -EINVAL, "args: texts or files, %d at most", ACT_REQUEST_ARGS_MAX);
    return 0;
}

int act_request_read(struct span body, struct act_request *out, struct err *err)
{
    json_error_t why;
    memset(out, 0, sizeof *out);
    arena_init(&out->arena);
    json_t *root =
        body.n ? json_loadb((const char *)body.p, body.n, JSON_REJECT_DUPLICATES, &why) : NULL;
    int rc = json_is_object(root) ? 0 : err_set(err, -EINVAL, "the body is no JSON object");
    if (rc == 0) {
        out->command = copy_string(out, json_object_get(root, "command"));
        out->id = copy_string(out, json_object_get(root, "id"));
        rc = take_command(out, root, err);
    }
    if (rc == 0 && !take_signatures(out, json_object_get(root, "signatures")))
        rc = err_set(err, -EINVAL, "signatures: %d bytes each, as base64", SIGNATURE_LEN);
    json_decref(root);
    return rc;
}

void act_request_free(struct act_request *q)
{
    for (unsigned i = 0; i < q->files; i++) {
        if (q->file[i].data.p)
            sodium_memzero(q->file[i].data.p, q->file[i].data.cap);
        buf_free(&q->file[i].data);
    }
    arena_free(&q->arena);
    memset(q, 0, sizeof *q);
}
