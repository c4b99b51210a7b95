/* Bodies of the desk's acts (JSON), and what a child hands over (frames): what is taken is within
 * its limits, and frames lie within the text. */
#include "must.h"

#include "app/desk/act_frames.c"
#include "app/desk/act_request.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_word(const char *s)
{
    return s && strlen(s) < 1u << 24;
}

static void check_request(struct span body)
{
    static struct act_request q;
    struct err err = {0};
    int rc = act_request_read(body, &q, &err);
    must(rc == 0 || (rc == -EINVAL && err.text[0]));
    if (rc == 0) {
        must(q.options <= ACT_REQUEST_OPTIONS_MAX && q.files <= ACT_REQUEST_FILES_MAX);
        must(q.args <= ACT_REQUEST_ARGS_MAX && q.signatures <= ACT_REQUEST_SIGNATURES_MAX);
        for (unsigned i = 0; i < q.options; i++)
            must(is_word(q.option[i].name) && is_word(q.option[i].value) && q.option[i].name[0]);
        for (unsigned i = 0; i < q.args; i++)
            must(is_word(q.arg[i]));
        for (unsigned i = 0; i < q.files; i++) {
            const char *path = q.file[i].path;
            must(strncmp(path, ACT_REQUEST_GIVEN, sizeof ACT_REQUEST_GIVEN - 1) == 0);
            must(!strchr(path + sizeof ACT_REQUEST_GIVEN - 1, '/') &&
                 path[sizeof ACT_REQUEST_GIVEN - 1] != '.');
        }
    }
    act_request_free(&q);
}

static bool lies_in(struct span s, const struct buf *b)
{
    return !s.n || (s.p >= b->p && s.p + s.n <= b->p + b->cap);
}

static void check_frames(const uint8_t *data, size_t size)
{
    static struct act_frames f;
    struct buf b = {0};
    buf_put(&b, data, size);
    if (act_frames_take(&b, &f) == 0) {
        must(f.acts >= 1 && f.acts <= ACT_AT_ONCE_MAX && f.parts <= ACT_AT_ONCE_MAX && b.n < size);
        for (unsigned i = 0; i < f.acts; i++)
            must(lies_in(f.act[i].plain, &b) && lies_in(f.act[i].sign, &b) &&
                 lies_in(f.act[i].words, &b) && lies_in(f.act[i].file, &b));
        for (unsigned i = 0; i < f.parts; i++)
            must(lies_in(f.part[i], &b));
    }
    buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_request(span_of(data, size));
    check_frames(data, size);
    return 0;
}
