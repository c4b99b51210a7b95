#include "state/judge.h"

#include <stdlib.h>

#include "base/mem.h"

struct judgements {
    uint64_t position;
};

int judgements_open(const char *dir, struct judgements **out, struct err *err)
{
    *out = mem_zeroed(1, sizeof **out);
    return 0;
}

void judgements_close(struct judgements *v)
{
    free(v);
}

uint64_t judgements_position(const struct judgements *v)
{
    return v->position;
}

void judgements_advance(struct judgements *v, uint64_t position)
{
    v->position = position;
}

int judgements_snapshot(struct judgements *v, struct err *err)
{
    return 0;
}

void judgements_act(struct judgements *v, uint8_t kind, uint64_t index, struct span payload)
{
}

void judgements_blobs(struct judgements *v,
                      int (*blob)(void *ctx, const uint8_t sha256[SHA256_LEN], struct buf *out,
                                  struct err *err),
                      void *ctx)
{
}

static const char *const role_names[JUDGED_ROLES] = {
    [JUDGED_UNJUDGED] = "unjudged",     [JUDGED_VICTIM] = "victim",
    [JUDGED_SCANNER] = "scanner",       [JUDGED_SANDBOX] = "sandbox",
    [JUDGED_RESEARCHER] = "researcher", [JUDGED_RESOLVER] = "resolver",
    [JUDGED_PROXY] = "proxy",           [JUDGED_OTHER] = "other",
};

const char *judged_name(enum judged role)
{
    return role < JUDGED_ROLES ? role_names[role] : NULL;
}

int judged_of_name(struct span name)
{
    for (int r = 0; r < JUDGED_ROLES; r++)
        if (span_is(name, role_names[r]))
            return r;
    return -1;
}

/* To be written: no test speaks yet. */
struct judge {
    struct judgements *overruled;
};

int judge_new(const struct judge_known *known, size_t n, struct judgements *overruled,
              struct judge **out)
{
    *out = mem_zeroed(1, sizeof **out);
    (*out)->overruled = overruled;
    return 0;
}

void judge_free(struct judge *j)
{
    free(j);
}

void judge_address(struct judge *j, const struct source *rows, size_t n, struct judgement *out)
{
    *out = (struct judgement){.role = JUDGED_UNJUDGED};
}

int judge_all(struct judge *j, struct sources *s,
              int (*each)(void *ctx, const struct source *rows, size_t n,
                          const struct judgement *judgement),
              void *ctx)
{
    return 0;
}

const char *judge_rules(void)
{
    return "";
}

int judge_excluded(struct judge *j, struct sources *s, struct ip **out, size_t *n)
{
    *out = NULL;
    *n = 0;
    return 0;
}
