#include "app/serve/courier_post_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/serve/sandbox.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

#define STOP_MS 3000 /* for a QUIT; then it is ended */

struct post {
    int fd;
    pid_t pid;
    struct courier_marks *marks;
    unsigned asked; /* the mark of what it was asked last */
};

/* What goes to the child; the contact and the bytes follow. It answers with one byte. */
struct errand {
    uint32_t mark, contact;
    uint64_t bytes;
};

/* ---- in the child ---- */

static bool read_all(int fd, void *out, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t got = read(fd, (char *)out + at, n - at);
        if (got == 0 || (got < 0 && errno != EINTR))
            return false;
        at += got > 0 ? (size_t)got : 0;
    }
    return true;
}

static bool run_errand(struct post_line *l, const struct errand *e, int fd,
                       struct courier_marks *marks, struct buf *bytes)
{
    char contact[POST_ADDRESS_MAX + 1] = "";
    if (e->mark >= COURIER_MARKS || e->contact > POST_ADDRESS_MAX || e->bytes > POST_BYTES_MAX)
        return false;
    bytes->n = 0;
    uint8_t *to = buf_reserve(bytes, e->bytes);
    if (!read_all(fd, contact, e->contact) || !read_all(fd, to, e->bytes))
        return false;
    bytes->n = e->bytes;
    if (e->mark == COURIER_KNOCK)
        post_line_knock(l, courier_mark(marks, e->mark));
    else
        post_line_mail(l, contact, buf_as_span(bytes), courier_mark(marks, e->mark));
    return write(fd, "", 1) == 1;
}

static void keep_descriptors(int fd, int lock)
{
    int low = fd < lock ? fd : lock, high = fd < lock ? lock : fd;
    if (low > 3)
        close_range(3, (unsigned)low - 1, 0);
    if (high > low + 1)
        close_range((unsigned)low + 1, (unsigned)high - 1, 0);
    close_range((unsigned)high + 1, ~0u, 0);
}

/* libssl reads its configuration when it is first used: now, while there are files. */
static int lock_in(const struct smarthost *h, int fd, int lock, struct err *err)
{
    struct sandbox_paths paths = {.port = h->port};
    keep_descriptors(fd, lock);
    OPENSSL_init_ssl(0, NULL);
    int rc = sandbox_drop(NULL, err);
    return rc == 0 ? sandbox_enter(SANDBOX_COURIER, &paths, err) : rc;
}

/* Its parent's end is not its own: it breaks off while that is safe, or waits for the answer and
 * marks it, holding the lock, so that whoever sends next knows. */
static _Noreturn void post_main(const struct smarthost *h, struct courier_marks *marks, int fd)
{
    struct err err = {0};
    struct errand e;
    struct buf bytes = {0};
    sigset_t none;
    sigemptyset(&none);
    signal(SIGINT, SIG_IGN); /* a terminal's ^C goes to all: the parent tells us when */
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_SETMASK, &none, NULL);
    struct post_line *l = post_line_new(h, fd);
    if (!l)
        err_set(&err, -ENOMEM, "libcurl cannot be set up");
    if (!l || lock_in(h, fd, courier_marks_lock(marks), &err) < 0) {
        fprintf(stderr, "ebb: courier: %s\n", err.text);
        _exit(EXIT_FAILURE);
    }
    while (read_all(fd, &e, sizeof e) && run_errand(l, &e, fd, marks, &bytes))
        ;
    post_line_free(l);
    _exit(EXIT_SUCCESS);
}

/* ---- in the parent ---- */

int post_start(const struct smarthost *h, struct courier_marks *marks, struct post **out,
               struct err *err)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return err_errno(err, "socketpair");
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        post_main(h, marks, ends[1]);
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return err_errno(err, "fork");
    }
    struct post *p = mem_zeroed(1, sizeof *p);
    *p = (struct post){ends[0], pid, marks, COURIER_KNOCK};
    *out = p;
    return 0;
}

void post_hurry(struct post *p)
{
    shutdown(p->fd, SHUT_WR);
}

/* In a sandbox that may neither wait nor kill, its end is all there is to see. */
static bool ended(struct post *p, int wait_ms)
{
    struct pollfd f = {.fd = p->fd, .events = POLLIN};
    int64_t end = clock_ms() + wait_ms;
    char bytes[64];
    for (int64_t left = wait_ms; left >= 0; left = end - clock_ms()) {
        if (poll(&f, 1, (int)left) <= 0)
            continue;
        ssize_t n = read(p->fd, bytes, sizeof bytes);
        if (n == 0 || (n < 0 && errno != EINTR))
            return true;
    }
    return false;
}

/* One that waits for the answer to a final dot is left alone: it ends when it has it, or at its
 * limit, and holds the lock until then. */
void post_stop(struct post *p)
{
    const struct courier_mark *mark = courier_mark(p->marks, p->asked);
    post_hurry(p);
    bool gone = ended(p, STOP_MS);
    if (!gone && __atomic_load_n(&mark->phase, __ATOMIC_SEQ_CST) != COURIER_ENDING) {
        kill(p->pid, SIGKILL);
        gone = true;
    }
    close(p->fd);
    if (gone)
        (void)waitpid(p->pid, NULL, 0);
    free(p);
}

int post_fd(const struct post *p)
{
    return p->fd;
}

static int ask(struct post *p, const struct errand *e, struct span contact, struct span bytes,
               struct err *err)
{
    const struct span parts[] = {span_of(e, sizeof *e), contact, bytes};
    p->asked = e->mark;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        for (size_t at = 0; at < parts[i].n;) {
            ssize_t n = send(p->fd, parts[i].p + at, parts[i].n - at, MSG_NOSIGNAL);
            if (n < 0 && errno != EINTR) {
                shutdown(p->fd, SHUT_WR); /* or it waits for the rest, and we for its answer */
                return err_set(err, -EPIPE, "the process that sends ended");
            }
            at += n > 0 ? (size_t)n : 0;
        }
    return 0;
}

int post_knock(struct post *p, struct err *err)
{
    const struct errand e = {.mark = COURIER_KNOCK};
    courier_mark_begin(courier_mark(p->marks, COURIER_KNOCK), 0, 0);
    return ask(p, &e, span_of(NULL, 0), span_of(NULL, 0), err);
}

int post_mail(struct post *p, unsigned mark, struct span contact, struct span bytes,
              struct err *err)
{
    const struct errand e = {mark, (uint32_t)contact.n, bytes.n};
    return ask(p, &e, contact, bytes, err);
}

int post_heed(struct post *p)
{
    char byte;
    ssize_t n = recv(p->fd, &byte, 1, MSG_DONTWAIT);
    if (n == 1)
        return 1;
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -EPIPE;
}
