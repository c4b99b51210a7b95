/* ebb case subject export */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/subject/subject_export.h"
#include "base/file.h"
#include "base/mem.h"

typedef int put_fn(const struct subject_export *e, struct buf *out, struct err *err);

struct chosen {
    uint64_t *v;
    size_t n, cap;
};

static void choose(struct chosen *c, uint64_t entry)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->v[i] == entry)
            return;
    c->v = mem_room(c->v, c->n, &c->cap, sizeof *c->v);
    c->v[c->n++] = entry;
}

/* As they were at that size: a subject that was merged into another one by then stands for it. */
static int choose_named(const struct cli *cli, struct casedir *c, struct subject_names *names,
                        struct chosen *out, struct err *err)
{
    for (unsigned i = 0; i < cli->n_args; i++) {
        uint64_t entry;
        int rc = subject_cli_find(c, cli->args[i], true, &entry, err);
        if (rc < 0)
            return rc;
        const struct subject_as_was *s = subject_names_of(names, entry);
        if (!s)
            return err_set(err, -ENOENT, "the subject was not on the log then (%s)", cli->args[i]);
        choose(out, s->root);
    }
    return 0;
}

static int choose_root(void *ctx, const struct subject_plain *s)
{
    struct chosen *out = ctx;
    if (s->root != s->entry)
        return 0;
    out->v = mem_room(out->v, out->n, &out->cap, sizeof *out->v);
    out->v[out->n++] = s->entry;
    return 0;
}

static int export_at(const struct cli *cli, struct casedir *c, uint64_t size, put_fn *put,
                     const char *tlp, struct buf *out, struct err *err)
{
    struct subject_names names;
    struct chosen chosen = {0};
    subject_names_open(c, size, &names);
    int rc = cli->n_args ? choose_named(cli, c, &names, &chosen, err)
                         : subjects_plain(c->pursuit, size, choose_root, &chosen, err);
    if (rc == 0)
        rc = put(&(struct subject_export){c, size, &names, chosen.v, chosen.n, tlp}, out, err);
    buf_byte(out, '\n');
    free(chosen.v);
    subject_names_free(&names);
    return rc;
}

int cmd_subject_export(const struct cli *cli)
{
    struct casedir c;
    struct buf out = {0};
    struct err err;
    uint64_t size = 0;
    const char *format = cli_has(cli, "format") ? cli_get(cli, "format") : "stix";
    const char *tlp = cli_has(cli, "tlp") ? cli_get(cli, "tlp") : "amber";
    const char *output = cli_get(cli, "output");
    bool stix = strcmp(format, "stix") == 0;
    if (!stix && strcmp(format, "case") != 0)
        return cli_fail(EXIT_USAGE, "--format: stix or case (%s)", format);
    if (!subject_export_tlp_is_good(tlp))
        return cli_fail(EXIT_USAGE, "--tlp: white green amber red (%s)", tlp);
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, &err);
    int code = rc == 0 ? subject_cli_at(cli, &c, &size) : 0;
    if (rc == 0 && code == 0)
        rc = export_at(cli, &c, size, stix ? subject_export_stix : subject_export_case, tlp, &out,
                       &err);
    if (rc == 0 && code == 0 && output)
        rc = file_replace(output, buf_as_span(&out), 0600, &err);
    else if (rc == 0 && code == 0 &&
             (fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout) != 0))
        rc = err_set(&err, -EIO, "output could not be written");
    buf_free(&out);
    casedir_close(&c, NULL);
    return code ? code : rc < 0 ? cli_err(&err) : EXIT_DONE;
}
