/* In a child of the desk: signed acts go to the recorder. All are looked at before the first is
 * sent. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "app/case_act.h"
#include "app/cli.h"
#include "app/ctl.h"
#include "app/desk/act.h"
#include "app/desk/query.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "event/event.h"
#include "state/accounts.h"

#define LOOK_MS 50

struct committing {
    const struct act_commit *m;
    struct buf whole[ACT_AT_ONCE_MAX]; /* payloads with their signatures */
    uint64_t index[ACT_AT_ONCE_MAX];
    unsigned done;
};

static int sign_all(struct committing *g, struct err *err)
{
    const struct act_frames *f = g->m->frames;
    for (unsigned i = 0; i < f->acts; i++)
        if (act_signature_put(f->act[i].plain, g->m->signatures[i], &g->whole[i]) < 0)
            return err_set(err, -EINVAL, "an act that cannot be signed");
    return 0;
}

/* As the recorder will, so that a wrong signature leaves nothing half done. */
static int check_all(struct committing *g, struct err *err)
{
    const struct cli cli = {.case_dir = g->m->case_dir, .quiet = true};
    const struct act_frames *f = g->m->frames;
    struct casedir c;
    int64_t now = utc_now();
    int rc = case_open(&cli, &c, err);
    for (unsigned i = 0; rc == 0 && i < f->acts; i++) {
        struct span signer = {0};
        if (act_signer(buf_as_span(&g->whole[i]), &signer) < 0 || !signer.n)
            rc = err_set(err, -EPERM, "an act without an account");
        else
            rc = casebook_may(c.casebook, journal_origin(c.journal), f->act[i].kind,
                              buf_as_span(&g->whole[i]), now, err);
    }
    casedir_close(&c, NULL);
    return rc;
}

/* One request, with a file when there is one. */
static int send_one(struct committing *g, struct ctl_request *request, struct span file,
                    uint64_t *index, struct err *err)
{
    struct ctl_reply reply = {0};
    if (file.n) {
        request->blobs[0] = ctl_file(file, err);
        if (request->blobs[0] < 0)
            return request->blobs[0];
        request->n_blobs = 1;
    }
    int rc = ctl_call(g->m->case_dir, request, &reply, err);
    if (rc == 1)
        rc = err_set(err, -EPIPE, "the recorder does not run: try again");
    *index = reply.index;
    buf_free(&reply.text);
    if (request->n_blobs)
        close(request->blobs[0]);
    return rc;
}

static int send_all(struct committing *g, struct err *err)
{
    const struct act_frames *f = g->m->frames;
    uint64_t none;
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < f->parts; i++)
        rc = send_one(g, &(struct ctl_request){.verb = CTL_KEEP}, f->part[i], &none, err);
    for (; rc == 0 && g->done < f->acts; g->done += rc == 0) {
        struct ctl_request request = {.verb = CTL_ACT,
                                      .kind = f->act[g->done].kind,
                                      .payload = buf_as_span(&g->whole[g->done])};
        rc = send_one(g, &request, f->act[g->done].file, &g->index[g->done], err);
    }
    return rc;
}

/* Of acts of the pursuit: the keeper has read past them, so that what is asked next need not. All
 * other views are read on by who asks. */
static bool wait_seen(struct committing *g)
{
    char dir[FILE_PATH_MAX];
    struct pursuit *p = NULL;
    uint64_t last = g->done ? g->index[g->done - 1] : 0;
    int64_t until = clock_ms() + ACT_SEEN_MS;
    bool seen = false, pursuit = false;
    for (unsigned i = 0; i < g->done; i++)
        pursuit |= g->m->frames->act[i].kind > KIND_ACCOUNT;
    if (!pursuit)
        return true;
    if (file_path(dir, NULL, "%s/views", g->m->case_dir) < 0 || pursuit_open(dir, &p, NULL) < 0)
        return false;
    while (!(seen = pursuit_refresh(p) > last) && clock_ms() < until)
        clock_sleep(LOOK_MS);
    pursuit_close(p);
    return seen;
}

static void print_done(const struct committing *g, bool seen)
{
    struct buf out = {0};
    struct json j = json_to(&out);
    json_object(&j);
    json_key(&j, "entries");
    json_array(&j);
    for (unsigned i = 0; i < g->done; i++)
        json_uint(&j, g->index[i]);
    json_array_end(&j);
    json_key(&j, "seen");
    json_bool(&j, seen);
    json_object_end(&j);
    json_newline(&j);
    fwrite(out.p, 1, out.n, stdout);
    buf_free(&out);
}

int act_commit_run(const struct act_commit *m)
{
    static struct committing g;
    struct err err = {0};
    g.m = m;
    int rc = sign_all(&g, &err);
    if (rc == 0)
        rc = check_all(&g, &err);
    if (rc == 0)
        rc = send_all(&g, &err);
    if (rc < 0 && g.done)
        return cli_fail(EXIT_FAILED, "%s (%u of %u acts are on the log)", err.text, g.done,
                        m->frames->acts);
    if (rc < 0)
        return cli_fail(rc == -EPERM || rc == -EKEYREJECTED ? QUERY_FORBIDDEN : EXIT_FAILED, "%s",
                        err.text);
    print_done(&g, wait_seen(&g));
    return EXIT_DONE;
}
