#include "app/desk/query.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define READ_CHUNK (256u << 10)
#define NICE_TURN  (8u << 20) /* bytes a turn: others want to be answered, too */

/* ---- in the child ---- */

static volatile sig_atomic_t ticks;

/* The pipe's reader went away, or the time is over: there is no other way to end a child, as the
 * desk may send no signals. */
static void tick(int sig)
{
    struct pollfd p = {.fd = STDOUT_FILENO};
    (void)sig;
    if (poll(&p, 1, 0) == 1 && p.revents & (POLLERR | POLLNVAL))
        _exit(EXIT_FAILURE);
    if (++ticks >= QUERY_SECONDS * 1000 / QUERY_TICK_MS)
        _exit(QUERY_TIMEOUT);
}

static void arm(void)
{
    struct itimerval every = {{0, QUERY_TICK_MS * 1000}, {0, QUERY_TICK_MS * 1000}};
    struct sigaction alarm_is = {.sa_handler = tick, .sa_flags = SA_RESTART};
    sigset_t none;
    ticks = 0;
    sigaction(SIGALRM, &alarm_is, NULL);
    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setitimer(ITIMER_REAL, &every, NULL);
}

static void close_all(void)
{
    if (close_range(3, ~0u, 0) == 0)
        return;
    for (int fd = 3; fd < 4096; fd++)
        close(fd);
}

static _Noreturn void child(const struct desk_query_ask *ask, int out, int errors)
{
    static const char *const variables[] = {"EBB_ACCOUNT", "EBB_KEY", "EBB_PASSPHRASE_FILE"};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (dup2(out, STDOUT_FILENO) < 0 || dup2(errors, STDERR_FILENO) < 0)
        _exit(EXIT_FAILURE);
    int nothing[2];
    if (pipe2(nothing, 0) < 0 || dup2(nothing[0], STDIN_FILENO) < 0) /* ends at once */
        _exit(EXIT_FAILURE);
    close_all();
    arm();
    if (ask->before)
        ask->before(ask->before_ctx);
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        unsetenv(variables[i]);
    int code = ask->run(ask->ctx);
    fflush(stdout);
    fflush(stderr);
    _exit(code);
}

/* ---- in the desk ---- */

int query_begin(struct desk_query *q, const struct desk_query_ask *ask, struct err *err)
{
    int out[2], errors[2];
    *q = (struct desk_query){.out = -1, .err_fd = -1};
    if (pipe2(out, O_CLOEXEC | O_NONBLOCK) < 0)
        return err_errno(err, "pipe");
    if (pipe2(errors, O_CLOEXEC | O_NONBLOCK) < 0) {
        int rc = err_errno(err, "pipe");
        close(out[0]);
        close(out[1]);
        return rc;
    }
    fcntl(out[1], F_SETFL, 0); /* the child's end waits */
    fcntl(errors[1], F_SETFL, 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        child(ask, out[1], errors[1]);
    int rc = pid < 0 ? err_errno(err, "fork") : 0;
    close(out[1]);
    close(errors[1]);
    if (pid < 0) {
        close(out[0]);
        close(errors[0]);
        return rc;
    }
    q->pid = pid;
    q->out = out[0];
    q->err_fd = errors[0];
    return 0;
}

static void shut(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Takes in what is there, to `max` bytes in all; false: there was more. */
static bool drain(int *fd, struct buf *into, size_t max)
{
    for (size_t taken = 0; *fd >= 0 && taken < NICE_TURN;) {
        uint8_t *at = buf_reserve(into, READ_CHUNK);
        ssize_t n = read(*fd, at, READ_CHUNK);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return true;
        if (n <= 0) {
            shut(fd);
            return true;
        }
        taken += (size_t)n;
        if (into->n + (size_t)n > max)
            return false;
        into->n += (size_t)n;
    }
    return true;
}

static void reap(struct desk_query *q)
{
    int status;
    if (!q->pid || waitpid(q->pid, &status, WNOHANG) != q->pid)
        return;
    q->pid = 0;
    q->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int query_turn(struct desk_query *q)
{
    if (q->out >= 0 && !drain(&q->out, &q->text, QUERY_BYTES)) {
        q->too_large = true;
        shut(&q->out);
    }
    if (q->err_fd >= 0 && !drain(&q->err_fd, &q->errors, QUERY_ERRORS))
        q->errors.n = QUERY_ERRORS / 2; /* the last line is what is wanted */
    if (query_is_ending(q) || q->dropped || q->too_large)
        reap(q);
    if (!q->pid) {
        shut(&q->out);
        shut(&q->err_fd);
    }
    return q->pid != 0;
}

void query_drop(struct desk_query *q)
{
    q->dropped = true;
    shut(&q->out);
    shut(&q->err_fd);
    buf_free(&q->text);
    buf_free(&q->errors);
}

unsigned query_fds(const struct desk_query *q, struct pollfd *p, unsigned max)
{
    unsigned n = 0;
    if (q->out >= 0 && n < max)
        p[n++] = (struct pollfd){.fd = q->out, .events = POLLIN};
    if (q->err_fd >= 0 && n < max)
        p[n++] = (struct pollfd){.fd = q->err_fd, .events = POLLIN};
    return n;
}

void query_free(struct desk_query *q)
{
    query_drop(q);
    *q = (struct desk_query){.out = -1, .err_fd = -1};
}

struct span query_complaint(const struct desk_query *q)
{
    struct cur c = cur_of(buf_as_span(&q->errors));
    struct span last = {0};
    while (cur_left(&c)) {
        struct span line = span_trim(cur_line(&c));
        if (line.n)
            last = line;
    }
    if (last.n > 5 && memcmp(last.p, "ebb: ", 5) == 0)
        last = span_of(last.p + 5, last.n - 5);
    return last;
}
