#include "app/exhibit/exhibit_listing.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/mem.h"

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

bool exhibit_listed_path_is_good(const char *path)
{
    unsigned folders = 0;
    size_t n = strlen(path);
    if (n == 0 || n >= EXHIBIT_LISTED_PATH || path[0] == '.' || path[0] == '/')
        return false;
    for (size_t i = 0; i < n; i++) {
        bool part = path[i] == '/' && ++folders == 1 && is_plain(path[i + 1]) && path[i + 1] != '.';
        if (!part && !is_plain(path[i]))
            return false;
    }
    return true;
}

static bool read_file(json_t *row, struct exhibit_listed *out)
{
    const char *hex = json_string_value(json_object_get(row, "sha256"));
    const char *path = json_string_value(json_object_get(row, "path"));
    json_t *size = json_object_get(row, "size");
    if (!path || !hex || !json_is_integer(size) || json_integer_value(size) < 0 ||
        !exhibit_listed_path_is_good(path))
        return false;
    strcpy(out->path, path); /* its length was looked at */
    out->size = (uint64_t)json_integer_value(size);
    return hex_decode(span_str(hex), out->sha256, SHA256_LEN);
}

static bool leaves_out(json_t *root, const char *member)
{
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(root, "members_left_out"), i,
                       v) if (json_is_string(v) &&
                              strcmp(json_string_value(v), member) == 0) return true;
    return false;
}

static int read_root(json_t *root, struct exhibit_listing *out, struct err *err)
{
    const char *form = json_string_value(json_object_get(root, "form"));
    json_t *files = json_object_get(root, "files");
    if (!form || strcmp(form, "ebb exhibit v1") != 0 || !json_is_array(files))
        return err_set(err, -EINVAL, "not the manifest of an exhibit");
    if (json_array_size(files) > EXHIBIT_LISTED_MAX)
        return err_set(err, -EINVAL, "more than %d files", EXHIBIT_LISTED_MAX);
    out->files = mem_zeroed(json_array_size(files), sizeof *out->files);
    for (; out->n < json_array_size(files); out->n++)
        if (!read_file(json_array_get(files, out->n), &out->files[out->n]))
            return err_set(err, -EINVAL, "file %zu is none that an exhibit can have", out->n + 1);
    out->without_src_ip = leaves_out(root, "src_ip");
    out->without_bot_id = leaves_out(root, "bot_id");
    return 0;
}

int exhibit_listing_parse(struct span text, struct exhibit_listing *out, struct err *err)
{
    *out = (struct exhibit_listing){0};
    json_t *root =
        text.n ? json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL) : NULL;
    int rc = read_root(root, out, err);
    json_decref(root);
    return rc;
}

void exhibit_listing_free(struct exhibit_listing *l)
{
    free(l->files);
    *l = (struct exhibit_listing){0};
}
