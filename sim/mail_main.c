/* ebb-sim mail: campaigns' mails to files or to a sinkhole. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/utc.h"
#include "sim/live_socket.h"
#include "sim/mail_feed.h"
#include "sim/mail_label.h"
#include "sim/mail_live.h"
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

/* ---- live ---- */

static int accepted(void *ctx, const struct mail_label *label, struct span row, size_t bytes,
                    struct err *err)
{
    struct run *r = ctx;
    if (r->truth)
        mail_truth_add(r->truth, label, bytes);
    if (!r->labels)
        return 0;
    buf_span(sink_buf(r->labels), row);
    return sink_flush(r->labels, err);
}

static void keep_rate(const struct mail_options *o, int64_t begun, uint64_t sent)
{
    int64_t wait = begun + (int64_t)((double)sent / o->rate * 1e6) - clock_us();
    if (wait > 1000) {
        struct timespec ts = {.tv_sec = wait / 1000000, .tv_nsec = wait % 1000000 * 1000};
        nanosleep(&ts, NULL);
    }
}

static int deliver_all(struct run *r, const struct mail_live_options *lo, struct mail_live *live,
                       int64_t begun, struct err *err)
{
    struct buf mail = {0}, row = {0};
    struct mail_label label;
    int rc = 0;
    while (rc == 0 && mail_sim_next(r->sim, &mail, &label)) {
        if (r->o->seconds && clock_us() - begun >= (int64_t)r->o->seconds * 1000000)
            break;
        if (r->o->rate > 0)
            keep_rate(r->o, begun, label.number - 1);
        label.address = mail_live_source(lo, &label);
        row.n = 0;
        if (r->labels)
            mail_label_row(r->sim, &label, buf_as_span(&mail), "", r->json, &row);
        rc = mail_live_send(live, buf_as_span(&mail), &label, buf_as_span(&row), err);
    }
    buf_free(&mail);
    buf_free(&row);
    return rc;
}

/* What became of them, on standard output. */
static void say_counts(const struct mail_live_counts *n, double seconds)
{
    struct buf out = {0};
    struct json j = json_to(&out);
    json_object(&j);
    json_key(&j, "sent");
    json_uint(&j, n->sent);
    json_key(&j, "accepted");
    json_uint(&j, n->accepted);
    json_key(&j, "failed");
    json_uint(&j, n->failed);
    json_key(&j, "seconds");
    json_double(&j, seconds, 3);
    json_object_end(&j);
    json_newline(&j);
    fwrite(out.p, 1, out.n, stdout);
    buf_free(&out);
}

static struct mail_live_options live_options(const struct mail_options *o)
{
    struct mail_live_options lo = {
        .port = o->smtp_port, .proxy = o->proxy, .families = o->sim.families};
    ip_parse(span_str(o->to), &lo.to);
    return lo;
}

/* Before a file is opened. */
static int check_target(const struct mail_options *o, struct err *err)
{
    struct ip to;
    if (!o->live)
        return 0;
    if (!ip_parse(span_str(o->to), &to))
        return err_set(err, -EINVAL, "--to: not an address (%s)", o->to);
    if (!live_is_loopback(&to))
        return err_set(err, -EINVAL, "--to: only loopback addresses are spoken to (%s)", o->to);
    return 0;
}

static int deliver(struct run *r, struct err *err)
{
    struct mail_live_options lo = live_options(r->o);
    struct mail_live_counts counts = {0};
    struct mail_live *live = NULL;
    int64_t begun = clock_us();
    int rc = mail_live_new(&lo, accepted, r, &live, err);
    if (rc == 0)
        rc = deliver_all(r, &lo, live, begun, err);
    int ended = mail_live_end(live, &counts, rc == 0 ? err : NULL);
    if (rc == 0)
        rc = ended;
    if (rc == 0)
        say_counts(&counts, (double)(clock_us() - begun) / 1e6);
    return rc;
}

/* ---- all of it ---- */

static int write_feed(struct run *r, struct err *err)
{
    struct sink *to;
    if (!r->o->feed)
        return 0;
    int rc = sink_open(r->o->feed, &to, err);
    if (rc < 0)
        return rc;
    rc = mail_feed_write(r->sim, r->o->checkins, to, err);
    if (rc < 0)
        sink_abandon(to);
    else
        rc = sink_close(to, err);
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
    rc = check_target(o, err);
    if (rc < 0) {
        mail_sim_free(r.sim);
        return EXIT_USAGE;
    }
    rc = open_outputs(&r, err);
    if (rc == 0)
        rc = o->live ? deliver(&r, err) : write_all(&r, err);
    if (rc == 0)
        rc = write_feed(&r, err);
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
