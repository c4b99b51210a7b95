#include "app/serve/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/ctl.h"
#include "app/desk/desk.h"
#include "app/node/centre.h"
#include "app/public/face.h"
#include "app/serve/notify.h"
#include "app/serve/partner_api.h"
#include "app/serve/public_rule.h"
#include "app/serve/roles.h"
#include "app/serve/sandbox.h"
#include "app/serve/supervise_net.h"
#include "base/clock.h"
#include "base/link.h"
#include "base/log.h"
#include "base/utc.h"
#include "net/sensor.h"

#define RESTART_MS     50 /* before the first restart; doubled for each that follows soon */
#define RESTART_MAX_MS 10000
#define STEADY_MS      10000 /* a process that lived so long starts with a clean sheet */
#define STOP_MS        15000 /* for the recorder to end; sensors have SENSOR_STOP_MS */
#define SENSOR_STOP_MS 5000
#define DIED_MAX       64 /* notices that wait for a recorder */

enum {
    CHILD_RECORDER,
    CHILD_COURIER,
    CHILD_DESK,
    CHILD_PUBLIC,
    CHILD_KEEPER,
    CHILD_PARTNERS,
    CHILD_CENTRE,
    CHILD_SHIPPER,
    CHILD_SENSOR
};
#define CHILDREN_MAX (CHILD_SENSOR + SERVE_SLOTS_MAX)

enum child_state {
    CHILD_OFF,
    CHILD_STARTING, /* forked, not ready yet */
    CHILD_READY,
    CHILD_STOPPING, /* was told to */
    CHILD_WAITING,  /* died; to be started again at `at` */
};

struct child {
    enum child_state state;
    pid_t pid;
    int link;
    int64_t at; /* monotonic, ms: started; WAITING: when to start; STOPPING: when to kill */
    unsigned failures;
    int64_t died; /* UTC, of the last death */
};

enum reload { RELOAD_NONE, RELOAD_RECORDER, RELOAD_SENSORS, RELOAD_OLD };

struct supervisor {
    const char *dir;
    struct config *config;
    struct net_config net;
    struct supervise_sockets sockets, old_sockets;
    struct serve_shared shared;
    struct child child[CHILDREN_MAX];
    unsigned sensors, generation; /* slots generation * sensors ... are in use */
    int epoll, signals, authority;
    int listener[CHILD_SENSOR]; /* by role; -1: none */
    struct link_message died[DIED_MAX];
    unsigned n_died;
    enum reload reload;
    const char *phase; /* of the next recorder */
    bool ready, stopping, failed;
    struct notify notify;
    struct err why;
};

static unsigned sensor_child(const struct supervisor *s, unsigned n)
{
    return CHILD_SENSOR + s->generation * s->sensors + n;
}

/* The roles that there is one process of. */
static const struct {
    const char *name;
    int (*run)(const struct role_setup *setup, struct err *err);
    size_t board; /* where in serve_board */
} roles[CHILD_SENSOR] = {
#define ROLE(which, name, run) [which] = {#name, run, offsetof(struct serve_board, name)},
    ROLE(CHILD_RECORDER, recorder, recorder_run) ROLE(CHILD_COURIER, courier, courier_run)
        ROLE(CHILD_DESK, desk, desk_run) ROLE(CHILD_PUBLIC, public, public_run)
            ROLE(CHILD_KEEPER, keeper, keeper_run) ROLE(CHILD_PARTNERS, partners, partner_api_run)
                ROLE(CHILD_CENTRE, centre, centre_run) ROLE(CHILD_SHIPPER, shipper, shipper_run)
#undef ROLE
};

static const char *child_name(unsigned which)
{
    return which < CHILD_SENSOR ? roles[which].name : "sensor";
}

static struct serve_process *child_board(struct supervisor *s, unsigned which)
{
    struct serve_board *b = s->shared.board;
    return which < CHILD_SENSOR ? (struct serve_process *)((char *)b + roles[which].board)
                                : &b->sensor[which - CHILD_SENSOR];
}

/* Those with a listener run when they have one; the keeper when there is somebody to keep for. */
static bool is_configured(const struct supervisor *s, unsigned which)
{
    if (which == CHILD_KEEPER)
        return s->listener[CHILD_DESK] >= 0 || s->listener[CHILD_PUBLIC] >= 0;
    if (which == CHILD_SHIPPER)
        return s->config->cluster.ship;
    return which == CHILD_RECORDER || which == CHILD_COURIER || s->listener[which] >= 0;
}

/* ---- in the child ---- */

static int sensor_lock_in(void *ctx, struct err *err)
{
    (void)ctx;
    return sandbox_enter(SANDBOX_SENSOR, NULL, err);
}

static int run_sensor(struct supervisor *s, unsigned slot, int link, struct err *err)
{
    unsigned n = slot % s->sensors;
    serve_shared_keep_slot(&s->shared, slot);
    struct sensor_setup setup = {.config = &s->net,
                                 .sockets = s->sockets.of[n],
                                 .sockets_count = s->sockets.n[n],
                                 .ring = s->shared.slot[slot].ring,
                                 .ring_capacity = s->shared.ring_capacity,
                                 .counters = s->shared.slot[slot].counters,
                                 .link = link,
                                 .ring_event = s->shared.ring_event,
                                 .stored_event = s->shared.slot[slot].stored_event,
                                 .authority = s->authority,
                                 .lock_in = sensor_lock_in};
    return sensor_run(&setup, err);
}

static int run_role(struct supervisor *s, unsigned which, int link, struct err *err)
{
    struct role_setup setup = {.case_dir = s->dir,
                               .config = s->config,
                               .net = &s->net,
                               .shared = &s->shared,
                               .link = link,
                               .listener = which < CHILD_SENSOR ? s->listener[which] : -1,
                               .phase = s->phase};
    if (which >= CHILD_SENSOR)
        return run_sensor(s, which - CHILD_SENSOR, link, err);
    return roles[which].run(&setup, err);
}

/* A role keeps what it was handed and nothing else: no other role's link, no socket that is not its
 * own. */
static void keep_descriptors(struct supervisor *s, unsigned which, int link)
{
    bool keep[4096] = {[0] = true, [1] = true, [2] = true};
    const int own[] = {link, s->shared.ring_event, which < CHILD_SENSOR ? s->listener[which] : -1,
                       which >= CHILD_SENSOR ? s->authority : -1};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (own[i] >= 0 && own[i] < (int)sizeof keep)
            keep[own[i]] = true;
    if (which >= CHILD_SENSOR) {
        unsigned n = (which - CHILD_SENSOR) % s->sensors;
        for (unsigned i = 0; i < s->sockets.n[n]; i++)
            if (s->sockets.of[n][i].fd < (int)sizeof keep)
                keep[s->sockets.of[n][i].fd] = true;
        keep[s->shared.slot[which - CHILD_SENSOR].stored_event] = true;
    }
    for (unsigned i = 0; which == CHILD_RECORDER && i < s->shared.n_slots; i++)
        keep[s->shared.slot[i].stored_event] = true;
    for (int fd = 3; fd < (int)sizeof keep; fd++)
        if (!keep[fd])
            close(fd);
    close_range(sizeof keep, ~0u, 0);
}

/* Of the shared memory, too: who has figures to show reads them, who has none sees nothing. The
 * keeper says how far the views are; a sensor keeps its slot (run_sensor). */
static int keep_memory(struct supervisor *s, unsigned which, struct err *err)
{
    if (which == CHILD_DESK)
        return serve_shared_keep_reading(&s->shared, err);
    if (which != CHILD_RECORDER)
        serve_shared_drop_group(&s->shared);
    if (which == CHILD_PUBLIC || which == CHILD_COURIER || which == CHILD_PARTNERS ||
        which == CHILD_CENTRE)
        serve_shared_drop(&s->shared);
    return 0;
}

static _Noreturn void child_main(struct supervisor *s, unsigned which, int link)
{
    struct err err = {0};
    sigset_t none;
    sigemptyset(&none);
    char name[16]; /* as ps and top have it */
    snprintf(name, sizeof name, "ebb-%s", child_name(which));
    prctl(PR_SET_NAME, name);
    signal(SIGINT, SIG_IGN); /* a terminal's ^C goes to all: the supervisor tells us when */
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    sigprocmask(SIG_SETMASK, &none, NULL);
    child_board(s, which)->pid = getpid(); /* before it does anything: the recorder goes by it */
    if (which == CHILD_DESK &&
        setpgid(0, 0) == 0) /* by which the recorder knows its children, too */
        __atomic_store_n(s->shared.desk_group, getpid(), __ATOMIC_RELEASE);
    int rc = keep_memory(s, which, &err);
    keep_descriptors(s, which, link);
    if (rc == 0)
        rc = run_role(s, which, link, &err);
    if (rc < 0)
        role_say(link, ROLE_FAILED, 0, err.text);
    _exit(rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* ---- starting and ending ---- */

static void start(struct supervisor *s, unsigned which)
{
    struct child *c = &s->child[which];
    struct serve_process *board = child_board(s, which);
    struct err err = {0};
    int ends[2];
    if (link_pair(ends, &err) < 0) {
        log_line(LOG_ERROR, "cannot start a process", "role=%s why=\"%s\"", child_name(which),
                 err.text);
        c->state = CHILD_WAITING;
        c->at = clock_ms() + RESTART_MAX_MS;
        return;
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        child_main(s, which, ends[1]);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        log_line(LOG_ERROR, "cannot fork", "role=%s", child_name(which));
        c->state = CHILD_WAITING;
        c->at = clock_ms() + RESTART_MAX_MS;
        return;
    }
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = which};
    epoll_ctl(s->epoll, EPOLL_CTL_ADD, ends[0], &e);
    c->pid = pid;
    c->link = ends[0];
    c->state = CHILD_STARTING;
    c->at = clock_ms();
    board->pid = pid;
    board->since = utc_now();
}

static void tell_to_stop(struct supervisor *s, unsigned which)
{
    struct child *c = &s->child[which];
    if (c->state == CHILD_WAITING || c->state == CHILD_OFF) {
        c->state = CHILD_OFF;
        return;
    }
    if (c->state == CHILD_STOPPING)
        return;
    struct link_message m = {.what = which >= CHILD_SENSOR ? (uint32_t)SENSOR_STOP
                                                           : (uint32_t)ROLE_STOP};
    link_send(c->link, &m, -1);
    c->state = CHILD_STOPPING;
    c->at = clock_ms() + (which == CHILD_RECORDER ? STOP_MS : SENSOR_STOP_MS);
}

static void send_authority(struct supervisor *s, unsigned which)
{
    struct link_message m = {.what = SENSOR_AUTHORITY};
    struct child *c = &s->child[which];
    if (s->authority >= 0 && (c->state == CHILD_STARTING || c->state == CHILD_READY))
        link_send(c->link, &m, s->authority);
}

static void start_sensors(struct supervisor *s)
{
    for (unsigned i = 0; i < s->sensors; i++)
        start(s, sensor_child(s, i));
}

static bool sensors_are(const struct supervisor *s, unsigned generation, enum child_state state)
{
    for (unsigned i = 0; i < s->sensors; i++)
        if (s->child[CHILD_SENSOR + generation * s->sensors + i].state != state)
            return false;
    return true;
}

/* A sensor's or the recorder's death goes on the log, as soon as there is a recorder. */
static void note(struct supervisor *s, const struct link_message *m)
{
    if (s->child[CHILD_RECORDER].state == CHILD_READY &&
        link_send(s->child[CHILD_RECORDER].link, m, -1) == 0)
        return;
    if (s->n_died < DIED_MAX)
        s->died[s->n_died++] = *m;
}

static void note_death(struct supervisor *s, unsigned which)
{
    struct link_message m = {.time = utc_now()};
    if (which == CHILD_RECORDER) {
        m.what = ROLE_GAP;
        snprintf(m.text, sizeof m.text, "recorder died");
    } else if (which >= CHILD_SENSOR) {
        const struct serve_slot *slot = &s->shared.slot[which - CHILD_SENSOR];
        const struct ring_shared *ring = slot->ring;
        m.what = ROLE_SENSOR_DIED;
        m.number = which - CHILD_SENSOR;
        m.value[0] = __atomic_load_n(&slot->counters->recorded, __ATOMIC_RELAXED);
        m.value[1] = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
    } else {
        return;
    }
    note(s, &m);
}

static void send_notices(struct supervisor *s)
{
    unsigned n = s->n_died;
    s->n_died = 0;
    for (unsigned i = 0; i < n; i++)
        note(s, &s->died[i]);
}

/* ---- reload ---- */

static void reload_ends(struct supervisor *s, const struct err *err)
{
    if (err)
        log_line(LOG_ERROR, "reload failed", "why=\"%s\" config=\"as before\"", err->text);
    else
        log_line(LOG_INFO, "reloaded", NULL);
    notify_ready(&s->notify, "answering");
}

static int load_new(struct supervisor *s, struct config **config, struct net_config *net,
                    struct supervise_sockets *sockets, struct err *err)
{
    int rc = config_load(s->dir, config, err);
    if (rc < 0)
        return rc;
    rc = supervise_partners_bind(&(*config)->cleanup, NULL, err);
    if (rc == 0)
        rc = supervise_web_bind(*config, NULL, NULL, err);
    if (rc == 0)
        rc = centre_bind(*config, NULL, err);
    if (rc == 0)
        rc = supervise_net_load(*config, s->dir, net, err);
    if (rc < 0) {
        config_free(*config);
        return rc;
    }
    memcpy(net->secret, s->net.secret, sizeof net->secret);
    rc = supervise_sockets_bind(net, s->sensors, &s->sockets, &s->net, sockets, err);
    if (rc < 0) {
        config_serve_net_free(net);
        config_free(*config);
    }
    return rc;
}

/* In steps, so that there is always a sensor that answers: a new recorder with the new config, new
 * sensors on the same sockets, and when those are ready the old ones end. */
static void begin_reload(struct supervisor *s)
{
    struct config *config;
    struct net_config net;
    struct supervise_sockets sockets;
    struct err err = {0};
    if (s->reload != RELOAD_NONE || s->stopping || !s->ready) {
        log_line(LOG_WARN, "reload asked for while starting, stopping or reloading: passed over",
                 NULL);
        return;
    }
    notify_reloading(&s->notify);
    if (load_new(s, &config, &net, &sockets, &err) < 0) {
        reload_ends(s, &err);
        return;
    }
    if (config->serve.sensors != s->sensors)
        log_line(LOG_WARN, "serve.sensors changes with a restart only", NULL);
    s->old_sockets = s->sockets;
    s->sockets = sockets;
    config_serve_net_free(&s->net);
    config_free(s->config);
    s->config = config;
    s->net = net;
    s->reload = RELOAD_RECORDER;
    s->phase = "reloaded";
    for (unsigned i = 0; i < CHILD_SENSOR; i++)
        tell_to_stop(s, i);
}

static void reload_goes_on(struct supervisor *s)
{
    unsigned old = 1 - s->generation;
    if (s->reload == RELOAD_RECORDER && s->child[CHILD_RECORDER].state == CHILD_READY) {
        s->generation = 1 - s->generation;
        start_sensors(s);
        s->reload = RELOAD_SENSORS;
    } else if (s->reload == RELOAD_SENSORS && sensors_are(s, s->generation, CHILD_READY)) {
        for (unsigned i = 0; i < s->sensors; i++)
            tell_to_stop(s, CHILD_SENSOR + old * s->sensors + i);
        s->reload = RELOAD_OLD;
    } else if (s->reload == RELOAD_OLD && sensors_are(s, old, CHILD_OFF)) {
        supervise_sockets_close_unused(&s->old_sockets, &s->sockets, s->sensors);
        s->reload = RELOAD_NONE;
        s->shared.board->reloads++;
        reload_ends(s, NULL);
    }
}

/* ---- what happens ---- */

static void all_ready(struct supervisor *s)
{
    if (s->ready || !sensors_are(s, s->generation, CHILD_READY) ||
        s->child[CHILD_RECORDER].state != CHILD_READY)
        return;
    s->ready = true;
    log_line(LOG_INFO, "ready", "sensors=%u listeners=%u", s->sensors, s->net.listeners_count);
    notify_ready(&s->notify, "answering");
}

static void child_says(struct supervisor *s, unsigned which, const struct link_message *m, int fd)
{
    struct child *c = &s->child[which];
    if (which == CHILD_RECORDER && m->what == ROLE_AUTHORITY && fd >= 0) {
        if (s->authority >= 0)
            close(s->authority);
        s->authority = dup(fd);
        fcntl(s->authority, F_SETFD, FD_CLOEXEC);
        for (unsigned i = CHILD_SENSOR; i < CHILDREN_MAX; i++)
            send_authority(s, i);
    } else if (m->what == ROLE_RELOAD && which == CHILD_RECORDER) {
        begin_reload(s);
    } else if (m->what == ROLE_DAMAGED && which == CHILD_RECORDER &&
               m->number < s->shared.n_slots) {
        struct child *damaged = &s->child[CHILD_SENSOR + m->number];
        if (damaged->pid > 0)
            kill(damaged->pid, SIGKILL);
    } else if (m->what == ROLE_FAILED) {
        log_line(LOG_ERROR, "a process failed", "role=%s why=\"%s\"", child_name(which), m->text);
        err_set(&s->why, -EIO, "%s: %s", child_name(which), m->text);
    } else if ((m->what == ROLE_READY || m->what == SENSOR_READY) && c->state == CHILD_STARTING) {
        c->state = CHILD_READY;
        if (which == CHILD_RECORDER)
            send_notices(s);
        if (which == CHILD_RECORDER && s->child[sensor_child(s, 0)].state == CHILD_OFF && !s->ready)
            start_sensors(s);
        all_ready(s);
    }
}

static void read_link(struct supervisor *s, unsigned which)
{
    struct link_message m;
    int fd, got;
    struct child *c = &s->child[which];
    while (c->link >= 0 && (got = link_receive(c->link, &m, &fd)) == 1) {
        child_says(s, which, &m, fd);
        if (fd >= 0)
            close(fd);
    }
    if (c->link >= 0 && got < 0) { /* its death comes by SIGCHLD */
        epoll_ctl(s->epoll, EPOLL_CTL_DEL, c->link, NULL);
        close(c->link);
        c->link = -1;
    }
}

static bool is_wanted(const struct supervisor *s, unsigned which)
{
    if (s->stopping)
        return false;
    if (which < CHILD_SENSOR)
        return true;
    unsigned slot = which - CHILD_SENSOR;
    bool old = slot / s->sensors != s->generation;
    return !old || s->reload == RELOAD_SENSORS;
}

static void child_died(struct supervisor *s, unsigned which, int status)
{
    struct child *c = &s->child[which];
    bool asked = c->state == CHILD_STOPPING;
    int64_t lived = clock_ms() - c->at;
    read_link(s, which); /* its last words */
    if (c->link >= 0) {
        epoll_ctl(s->epoll, EPOLL_CTL_DEL, c->link, NULL);
        close(c->link);
    }
    if (which == CHILD_PUBLIC)
        serve_has_ended(&s->shared.board->public_gone, c->pid);
    if (which == CHILD_CENTRE)
        serve_has_ended(&s->shared.board->centre_gone, c->pid);
    child_board(s, which)->pid = 0;
    bool early = c->state == CHILD_STARTING && !s->ready;
    c->link = -1;
    c->pid = 0;
    c->state = CHILD_OFF;
    if (asked || s->stopping) {
        if (!s->stopping && which < CHILD_SENSOR) /* a reload's: at once, with the new config */
            start(s, which);
        return;
    }
    bool needed = which == CHILD_RECORDER || which >= CHILD_SENSOR;
    if (early && needed) { /* it never worked: say so and end */
        s->failed = true;
        return;
    }
    if (WIFSIGNALED(status))
        log_line(LOG_ERROR, "a process died", "role=%s signal=%d", child_name(which),
                 WTERMSIG(status));
    else
        log_line(LOG_ERROR, "a process ended", "role=%s status=%d", child_name(which),
                 WEXITSTATUS(status));
    note_death(s, which);
    if (!is_wanted(s, which))
        return;
    c->failures = lived > STEADY_MS ? 0 : c->failures + 1;
    unsigned doublings = c->failures > 8 ? 8 : c->failures ? c->failures - 1 : 0;
    int64_t delay = (int64_t)RESTART_MS << doublings;
    c->state = CHILD_WAITING;
    c->at = clock_ms() + (delay < RESTART_MAX_MS ? delay : RESTART_MAX_MS);
    child_board(s, which)->restarts++;
    s->phase = "restarted";
}

static void reap(struct supervisor *s)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (unsigned i = 0; i < CHILDREN_MAX; i++)
            if (s->child[i].pid == pid)
                child_died(s, i, status);
}

/* Sensors first, so that the recorder takes in their last words. */
static void stop_goes_on(struct supervisor *s)
{
    bool sensors = false;
    for (unsigned i = CHILD_SENSOR; i < CHILDREN_MAX; i++) {
        tell_to_stop(s, i);
        sensors |= s->child[i].state != CHILD_OFF;
    }
    for (unsigned i = 0; i < CHILD_SENSOR; i++)
        if (i != CHILD_RECORDER)
            tell_to_stop(s, i);
    if (!sensors)
        tell_to_stop(s, CHILD_RECORDER);
}

static void begin_stop(struct supervisor *s)
{
    if (s->stopping)
        return;
    s->stopping = true;
    notify_stopping(&s->notify, NULL);
    log_line(LOG_INFO, "stopping", NULL);
}

static void read_signals(struct supervisor *s)
{
    struct signalfd_siginfo info;
    while (read(s->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            reap(s);
        else if (info.ssi_signo == SIGHUP)
            begin_reload(s);
        else
            begin_stop(s);
    }
}

/* What is due: restarts, kills of those that do not end; and when the next is. */
static int timers(struct supervisor *s)
{
    int64_t now = clock_ms(), next = now + 1000;
    if (s->notify.watchdog_ms && s->notify.watchdog_ms < 1000)
        next = now + (int64_t)s->notify.watchdog_ms;
    for (unsigned i = 0; i < CHILDREN_MAX; i++) {
        struct child *c = &s->child[i];
        if (c->state != CHILD_WAITING && c->state != CHILD_STOPPING)
            continue;
        if (c->at > now) {
            next = c->at < next ? c->at : next;
        } else if (c->state == CHILD_WAITING) {
            start(s, i);
        } else if (c->pid > 0) {
            log_line(LOG_ERROR, "a process does not end: killed", "role=%s", child_name(i));
            kill(c->pid, SIGKILL);
            c->at = now + 1000;
        }
    }
    return (int)(next - now);
}

static bool all_off(const struct supervisor *s)
{
    for (unsigned i = 0; i < CHILDREN_MAX; i++)
        if (s->child[i].state != CHILD_OFF)
            return false;
    return true;
}

static int loop(struct supervisor *s, struct err *err)
{
    struct epoll_event events[16];
    while (!(s->stopping && all_off(s))) {
        int n = epoll_wait(s->epoll, events, 16, timers(s));
        for (int i = 0; i < n; i++) {
            if (events[i].data.u32 == CHILDREN_MAX)
                read_signals(s);
            else
                read_link(s, events[i].data.u32);
        }
        notify_watchdog(&s->notify);
        if (s->failed)
            begin_stop(s);
        if (s->stopping)
            stop_goes_on(s);
        else
            reload_goes_on(s);
    }
    if (!s->failed)
        return 0;
    *err = s->why;
    return err->code < 0 ? err->code : err_set(err, -EIO, "a process did not start");
}

/* ---- before the first fork ---- */

static int raise_limits(struct err *err)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) < 0)
        return err_errno(err, "RLIMIT_NOFILE");
    r.rlim_cur = r.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &r) < 0 ? err_errno(err, "RLIMIT_NOFILE") : 0;
}

static int catch_signals(struct supervisor *s, struct err *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    s->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = CHILDREN_MAX};
    if (s->signals < 0 || s->epoll < 0 || epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->signals, &e) < 0)
        return err_errno(err, "signals");
    return 0;
}

static uint64_t ring_capacity(const struct net_config *net)
{
    uint64_t n = 1 << 20;
    while (n * 2 <= (uint64_t)net->limits.ring_mib << 20)
        n *= 2;
    return n;
}

static int prepare(struct supervisor *s, struct err *err)
{
    int rc = supervise_net_load(s->config, s->dir, &s->net, err);
    if (rc == 0 && !s->net.listeners_count)
        rc = err_set(err, -EINVAL, "serve.listen: nothing to listen on");
    if (rc == 0)
        rc = raise_limits(err);
    if (rc == 0)
        rc = serve_shared_new(s->sensors, ring_capacity(&s->net), &s->shared, err);
    if (rc == 0)
        rc = supervise_sockets_bind(&s->net, s->sensors, NULL, NULL, &s->sockets, err);
    if (rc == 0)
        rc = supervise_web_bind(s->config, &s->listener[CHILD_DESK], &s->listener[CHILD_PUBLIC],
                                err);
    if (rc == 0)
        rc = supervise_partners_bind(&s->config->cleanup, &s->listener[CHILD_PARTNERS], err);
    if (rc == 0)
        rc = centre_bind(s->config, &s->listener[CHILD_CENTRE], err);
    if (rc == 0) /* the sockets are bound: no role needs a privilege, and no file belongs to root */
        rc = sandbox_drop(s->config->serve.user, err);
    if (rc == 0)
        rc = ctl_listen(s->dir, &s->listener[CHILD_RECORDER], err);
    if (rc == 0)
        rc = centre_prepare(s->dir, s->config, err);
    if (rc == 0)
        rc = catch_signals(s, err);
    struct sandbox_paths paths = {.case_dir = s->dir};
    return rc == 0 ? sandbox_enter(SANDBOX_SUPERVISOR, &paths, err) : rc;
}

int supervise_run(const char *case_dir, struct config *config, struct err *err)
{
    static struct supervisor s;
    s = (struct supervisor){.dir = case_dir,
                            .config = config,
                            .sensors = config->serve.sensors,
                            .epoll = -1,
                            .authority = -1,
                            .phase = "started"};
    for (unsigned i = 0; i < CHILDREN_MAX; i++)
        s.child[i].link = -1;
    for (unsigned i = 0; i < CHILD_SENSOR; i++)
        s.listener[i] = -1;
    notify_open(&s.notify);
    int rc = prepare(&s, err);
    if (rc < 0)
        return rc;
    s.shared.board->supervisor = (struct serve_process){.pid = getpid(), .since = utc_now()};
    for (unsigned i = 0; i < CHILD_SENSOR; i++)
        if (is_configured(&s, i))
            start(&s, i);
    rc = loop(&s, err);
    log_line(LOG_INFO, "stopped", NULL);
    notify_close(&s.notify);
    return rc;
}
