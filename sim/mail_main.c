/* ebb-sim mail: campaigns' mails to files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/utc.h"
#include "sim/mail_label.h"
#include "sim/mail_options.h"
#include "sim/progress.h"

#define EXIT_USAGE 2

struct run {
    const struct mail_options *o;
    struct mail_sim *sim;
    struct mail_writer *writer[MAIL_STORES];
    struct sink *labels;
    bool json;
    struct mail_truth *truth;
};

static bool is_json(const char *path)
{
    return strstr(path, ".json") != NULL;
}

static int open_outputs(struct run *r, struct err *err)
{
    static const bool usual[MAIL_STORES] = {[MAIL_EML] = true, [MAIL_TAR] = true};
    int rc = 0;
    for (unsigned i = 0; i < MAIL_STORES && rc == 0; i++)
        if (r->o->store[i])
            rc = mail_writer_open(i, r->o->store[i],
                                  r->o->line_ends ? r->o->line_ends == 1 : usual[i], &r->writer[i],
                                  err);
    if (rc == 0 && r->o->labels) {
        rc = sink_open(r->o->labels, &r->labels, err);
        r->json = is_json(r->o->labels);
        if (rc == 0 && !r->json)
            mail_label_names(sink_buf(r->labels));
    }
    if (rc == 0 && r->o->truth)
        r->truth = mail_truth_new(r->sim);
    return rc;
}

static int take_mail(struct run *r, struct span mail, const struct mail_label *label,
                     struct err *err)
{
    const char *name = "";
    int rc = 0;
    for (unsigned i = 0; i < MAIL_STORES && rc == 0; i++)
        if (r->writer[i]) {
            rc = mail_writer_add(r->writer[i], mail, label, err);
            name = mail_writer_name(r->writer[i]);
        }
    if (rc == 0 && r->labels) {
        mail_label_row(r->sim, label, mail, name, r->json, sink_buf(r->labels));
        rc = sink_flush(r->labels, err);
    }
    if (r->truth)
        mail_truth_add(r->truth, label, mail.n);
    return rc;
}

static int write_all(struct run *r, struct err *err)
{
    struct progress progress;
    struct buf mail = {0};
    struct mail_label label;
    int rc = 0;
    progress_begin(&progress, r->o->quiet);
    while (rc == 0 && mail_sim_next(r->sim, &mail, &label)) {
        rc = take_mail(r, buf_as_span(&mail), &label, err);
        if (label.number % 256 == 0)
            progress_show(&progress, (uint32_t)((label.time - r->o->sim.start) / UTC_DAY),
                          r->o->sim.days, label.number);
    }
    progress_end(&progress);
    buf_free(&mail);
    return rc;
}

static int write_truth(struct run *r, struct err *err)
{
    struct sink *to;
    if (!r->truth)
        return 0;
    int rc = sink_open(r->o->truth, &to, err);
    if (rc < 0)
        return rc;
    mail_truth_write(r->truth, sink_buf(to));
    return sink_close(to, err);
}

static int close_outputs(struct run *r, int rc, struct err *err)
{
    for (unsigned i = 0; i < MAIL_STORES; i++) {
        if (rc < 0)
            mail_writer_abandon(r->writer[i]);
        else
            rc = mail_writer_close(r->writer[i], err);
    }
    if (rc < 0 && r->labels)
        sink_abandon(r->labels);
    else
        rc = rc < 0 ? rc : sink_close(r->labels, err);
    return rc;
}

static int run(const struct mail_options *o, struct err *err)
{
    struct run r = {.o = o};
    int rc = mail_sim_new(&o->sim, &r.sim, err);
    if (rc < 0)
        return EXIT_USAGE;
    rc = open_outputs(&r, err);
    if (rc == 0)
        rc = write_all(&r, err);
    if (rc == 0)
        rc = write_truth(&r, err);
    rc = close_outputs(&r, rc, err);
    mail_truth_free(r.truth);
    mail_sim_free(r.sim);
    return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int mail_main(int argc, char **argv)
{
    struct mail_options o;
    struct err err = {0};
    int status = EXIT_USAGE;
    if (mail_options_parse(argc, argv, &o, &err) == 0)
        status = o.help ? fputs(mail_options_help, stdout) < 0 : run(&o, &err);
    if (fflush(stdout) != 0 && status == EXIT_SUCCESS) {
        err_errno(&err, "output: cannot write to standard output");
        status = EXIT_FAILURE;
    }
    if (status != EXIT_SUCCESS)
        fprintf(stderr, "ebb-sim: %s\n", err.text);
    return status;
}
