#include "app/import/rejects.h"

#include "base/json.h"

void rejects_line(FILE *out, const char *path, uint64_t line, const char *why)
{
    struct buf text = {0};
    struct json j = json_to(&text);
    json_object(&j);
    json_key(&j, "file");
    json_str(&j, path);
    json_key(&j, "unit");
    json_str(&j, "line");
    json_key(&j, "number");
    json_uint(&j, line);
    json_key(&j, "offset");
    json_null(&j);
    json_key(&j, "why");
    json_str(&j, why);
    json_object_end(&j);
    json_newline(&j);
    fwrite(text.p, 1, text.n, out);
    buf_free(&text);
}
