/* ebb-sim: a made-up botnet's feed, capture and truth. Sends nothing, but for `live`. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/utc.h"
#include "sim/capture.h"
#include "sim/feed.h"
#include "sim/live.h"
#include "sim/mail_options.h"
#include "sim/model.h"
#include "sim/options.h"
#include "sim/progress.h"
#include "sim/scenario.h"
#include "sim/truth.h"

#define EXIT_USAGE 2

/* Everything that is open during a run. */
struct run {
    const struct options *o;
    struct buf text;
    struct scenario *scenario;
    struct model *model;
    struct sink *feed_to, *feed6_to, *pcap_to, *truth_to;
    struct feed *feed;
    struct capture *capture;
    struct truth *truth;
    uint32_t days;
};

static int load(struct run *r, struct err *err)
{
    const struct scenario_bundled *b = scenario_find_bundled(r->o->scenario);
    int rc = 0;
    if (b)
        buf_put(&r->text, b->yaml, b->len);
    else
        rc = file_read(r->o->scenario, SCENARIO_FILE_MAX, &r->text, err);
    return rc < 0 ? rc : scenario_load(buf_as_span(&r->text), r->o->scenario, &r->scenario, err);
}

static int tell(struct run *r, struct err *err)
{
    struct buf list = {0};
    int64_t days = (r->o->told_from - r->scenario->start_time) / UTC_DAY;
    if (days < 0 || days >= SCENARIO_DAYS_MAX)
        return err_set(err, -EINVAL, "--told-from: not on a day of the scenario (%s)",
                       r->o->scenario);
    int rc = file_read(r->o->told, SCENARIO_FILE_MAX, &list, err);
    if (rc == 0)
        rc =
            model_tell(r->model, buf_as_span(&list), r->o->told, (uint32_t)days, r->o->hazard, err);
    buf_free(&list);
    return rc;
}

static int check_ipv6(const struct run *r, struct err *err)
{
    bool v6 = false;
    for (unsigned i = 0; i < r->scenario->ases_count; i++)
        v6 |= r->scenario->ases[i].ipv6 > 0;
    if (v6 && r->o->feed && !r->o->feed6)
        return err_set(err, -EINVAL, "--feed6: missing; the scenario has hosts with IPv6 (%s)",
                       r->o->scenario);
    return 0;
}

/* Wrong usage or scenario: everything that is known before a file is opened. */
static int prepare(struct run *r, struct err *err)
{
    int rc = load(r, err);
    if (rc == 0)
        rc = check_ipv6(r, err);
    if (rc == 0)
        rc = model_new(r->scenario, r->o->seed, r->o->scale, r->o->scenario, &r->model, err);
    if (rc == 0 && r->o->told)
        rc = tell(r, err);
    if (rc == 0)
        r->days = r->o->days ? r->o->days : r->scenario->days;
    return rc;
}

static int open_outputs(struct run *r, struct err *err)
{
    const struct options *o = r->o;
    int rc = 0;
    if (o->feed)
        rc = sink_open(o->feed, &r->feed_to, err);
    if (rc == 0 && o->feed6)
        rc = sink_open(o->feed6, &r->feed6_to, err);
    if (rc == 0 && o->pcap)
        rc = sink_open(o->pcap, &r->pcap_to, err);
    if (rc == 0 && o->truth)
        rc = sink_open(o->truth, &r->truth_to, err);
    if (rc == 0)
        rc = feed_new(r->model, r->feed_to, r->feed6_to, &r->feed, err);
    if (rc == 0 && o->pcap)
        rc = capture_new(r->model, r->pcap_to, o->pcap_days, o->pcap_packets, &r->capture, err);
    if (rc == 0)
        rc = truth_new(r->model, r->days, &r->truth, err);
    return rc;
}

static int simulate(struct run *r, struct err *err)
{
    struct progress progress;
    uint64_t contacts = 0, rows = 0;
    int rc = 0;
    progress_begin(&progress, r->o->quiet);
    for (uint32_t day = 0; day < r->days && rc == 0; day++) {
        const struct model_checkin *checkins;
        struct model_day facts;
        size_t n;
        rc = model_run_day(r->model, day, &facts, &checkins, &n, err);
        if (rc < 0)
            break;
        truth_day(r->truth, &facts, checkins, n);
        rc = feed_day(r->feed, day, checkins, n, &rows, err);
        if (rc == 0 && r->capture)
            rc = capture_day(r->capture, day, checkins, n, err);
        contacts += n;
        progress_show(&progress, day + 1, r->days, contacts);
    }
    progress_end(&progress);
    if (rc == 0 && r->capture)
        rc = capture_end(r->capture, err);
    return rc;
}

static int write_truth(struct run *r, struct err *err)
{
    struct truth_capture capture = {0};
    if (!r->truth_to)
        return 0;
    if (r->capture)
        capture = capture_counts(r->capture);
    return truth_write(r->truth, r->o->scenario, buf_as_span(&r->text), r->o->scale, &capture,
                       r->truth_to, err);
}

static int finish(struct sink **s, int rc, struct err *err)
{
    if (rc < 0)
        sink_abandon(*s);
    else
        rc = sink_close(*s, err);
    *s = NULL;
    return rc;
}

static void run_free(struct run *r)
{
    feed_free(r->feed);
    capture_free(r->capture);
    truth_free(r->truth);
    model_free(r->model);
    scenario_free(r->scenario);
    buf_free(&r->text);
}

static int run(const struct options *o, struct err *err)
{
    struct run r = {.o = o};
    int status = EXIT_USAGE;
    int rc = prepare(&r, err);
    if (rc == -ENOMEM)
        status = EXIT_FAILURE;
    if (rc == 0 && o->live) {
        status = EXIT_FAILURE;
        rc = live_run(o, r.model, r.days, err);
        if (rc == -EINVAL)
            status = EXIT_USAGE;
    } else if (rc == 0) {
        status = EXIT_FAILURE;
        rc = open_outputs(&r, err);
        if (rc == 0)
            rc = simulate(&r, err);
        if (rc == 0)
            rc = write_truth(&r, err);
        rc = finish(&r.feed_to, rc, err);
        rc = finish(&r.feed6_to, rc, err);
        rc = finish(&r.pcap_to, rc, err);
        rc = finish(&r.truth_to, rc, err);
    }
    run_free(&r);
    return rc < 0 ? status : EXIT_SUCCESS;
}

static int show(const char *name, struct err *err)
{
    const struct scenario_bundled *b = scenario_find_bundled(name);
    if (!b) {
        err_set(err, -ENOENT, "--show: no such bundled scenario (%s)", name);
        return EXIT_USAGE;
    }
    fwrite(b->yaml, 1, b->len, stdout);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct options o;
    struct err err = {0};
    int status = EXIT_USAGE;
    if (argc > 1 && strcmp(argv[1], "mail") == 0)
        return mail_main(argc - 1, argv + 1);
    if (options_parse(argc, argv, &o, &err) == 0) {
        if (o.help)
            status = fputs(options_help, stdout) < 0;
        else if (o.version)
            status = puts("ebb-sim " EBB_VERSION) < 0;
        else if (o.show)
            status = show(o.show, &err);
        else
            status = run(&o, &err);
    }
    if (fflush(stdout) != 0 && status == EXIT_SUCCESS) {
        err_errno(&err, "output: cannot write to standard output");
        status = EXIT_FAILURE;
    }
    if (status != EXIT_SUCCESS)
        fprintf(stderr, "ebb-sim: %s\n", err.text);
    return status;
}
