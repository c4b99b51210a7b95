/* A backup's manifest, as somebody else may have made it: what is taken names files below the case
 * and below the backup alone, in order and once, and is written again as it was read. */
#include "app/care/backup_manifest.c"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool leads_out(const char *path)
{
    return path[0] == '/' || strstr(path, "..") == path || strstr(path, "/..") ||
           strstr(path, "//");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct manifest m, again;
    struct buf text = {0}, twice = {0};
    struct err err;
    if (manifest_parse(span_of(data, size), &m, &err) < 0) {
        must(m.n == 0 && !m.files);
        return 0;
    }
    must(m.n >= 3 && manifest_bytes(&m) <= INT64_MAX);
    for (size_t i = 0; i < m.n; i++) {
        must(!leads_out(m.files[i].path) && !leads_out(m.files[i].at));
        must(strncmp(m.files[i].path, "views/", 6) != 0 && strncmp(m.files[i].at, "data/", 5) == 0);
        must(i == 0 || strcmp(m.files[i - 1].path, m.files[i].path) < 0);
        must(manifest_find(&m, m.files[i].path) == &m.files[i]);
    }
    manifest_put(&m, &text);
    must(manifest_parse(buf_as_span(&text), &again, &err) == 0);
    manifest_put(&again, &twice);
    must(span_eq(buf_as_span(&text), buf_as_span(&twice)));
    manifest_free(&m);
    manifest_free(&again);
    buf_free(&text);
    buf_free(&twice);
    return 0;
}
