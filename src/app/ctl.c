#include "app/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"

#define CTL_MAGIC       0x65626231u /* "ebb1" */
#define REQUEST_WAIT_MS 1000

struct head {
    uint32_t magic;
    uint8_t verb, kind;
    uint16_t blobs;
};
struct reply_head {
    uint32_t magic;
    int32_t status;
    uint64_t index;
};

/* A socket's path must be short: it is named through a descriptor of its folder. */
static int address_of(const char *case_dir, int *folder, struct sockaddr_un *a, struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = file_path(path, err, "%s/run", case_dir);
    if (rc < 0)
        return rc;
    *folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*folder < 0)
        return err_errno(err, "%s", path);
    *a = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(a->sun_path, sizeof a->sun_path, "/proc/self/fd/%d/control", *folder);
    return 0;
}

static void put_descriptors(struct msghdr *m, void *space, const int *fds, unsigned n)
{
    m->msg_control = space;
    m->msg_controllen = CMSG_SPACE(n * sizeof(int));
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(n * sizeof(int));
    memcpy(CMSG_DATA(c), fds, n * sizeof(int));
}

/* ---- client ---- */

int ctl_file(struct span data, struct err *err)
{
    int fd = memfd_create("blob", MFD_CLOEXEC);
    if (fd < 0)
        return err_errno(err, "memfd");
    int rc = file_write_all(fd, data.p, data.n);
    if (rc < 0) {
        close(fd);
        return err_set(err, rc, "memfd: %s", strerror(-rc));
    }
    return fd;
}

static unsigned wait_ms = CTL_WAIT_MS;

void ctl_wait(unsigned ms)
{
    wait_ms = ms;
}

static int send_request(int fd, const struct ctl_request *r, struct err *err)
{
    struct head head = {CTL_MAGIC, (uint8_t)r->verb, r->kind, (uint16_t)r->n_blobs};
    struct iovec iov[2] = {{&head, sizeof head}, {(void *)(uintptr_t)r->payload.p, r->payload.n}};
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};
    _Alignas(struct cmsghdr) char space[CMSG_SPACE(CTL_BLOBS_MAX * sizeof(int))] = {0};
    if (r->payload.n > CTL_PACKET_MAX - sizeof head)
        return err_set(err, -E2BIG, "an act of %zu bytes: %u at most go to a running daemon",
                       r->payload.n, CTL_PACKET_MAX);
    if (r->n_blobs)
        put_descriptors(&m, space, r->blobs, r->n_blobs);
    return sendmsg(fd, &m, MSG_NOSIGNAL) < 0 ? err_errno(err, "control socket") : 0;
}

static int receive_reply(int fd, struct ctl_reply *reply, struct err *err)
{
    struct reply_head head;
    uint8_t *text = buf_reserve(&reply->text, CTL_PACKET_MAX);
    struct iovec iov[2] = {{&head, sizeof head}, {text, CTL_PACKET_MAX}};
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};
    ssize_t n;
    do
        n = recvmsg(fd, &m, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return err_set(err, -ETIMEDOUT,
                       "the daemon did not answer within %u s; look whether it was done all the same",
                       wait_ms / 1000);
    if (n < 0)
        return err_errno(err, "control socket");
    if ((size_t)n < sizeof head || head.magic != CTL_MAGIC)
        return err_set(err, -EPROTO, "control socket: the daemon hung up without an answer");
    reply->text.n = (size_t)n - sizeof head;
    reply->status = head.status;
    reply->index = head.index;
    if (head.status < 0)
        return err_set(err, head.status, "%.*s", (int)reply->text.n, (const char *)reply->text.p);
    return 0;
}

int ctl_call(const char *case_dir, const struct ctl_request *request, struct ctl_reply *reply,
             struct err *err)
{
    struct sockaddr_un a;
    struct timeval wait = {.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000};
    int folder = -1;
    memset(reply, 0, sizeof *reply);
    int rc = address_of(case_dir, &folder, &a, err);
    if (rc < 0)
        return rc == -ENOENT ? 1 : rc;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        rc = err_errno(err, "socket");
    } else if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) < 0 ||
               setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) < 0) {
        rc = err_errno(err, "control socket"); /* connect() waits as sending does */
    } else if (connect(fd, (struct sockaddr *)&a, sizeof a) < 0) {
        bool nobody = errno == ENOENT || errno == ECONNREFUSED;
        rc = nobody ? 1 : err_errno(err, "%s/run/control", case_dir);
    } else {
        rc = send_request(fd, request, err);
        if (rc == 0)
            rc = receive_reply(fd, reply, err);
    }
    if (fd >= 0)
        close(fd);
    close(folder);
    if (rc)
        buf_free(&reply->text);
    return rc;
}

/* ---- daemon ---- */

int ctl_listen(const char *case_dir, int *out, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct sockaddr_un a;
    int folder = -1;
    int rc = file_path(path, err, "%s/run", case_dir);
    if (rc == 0)
        rc = file_mkdirs(path, 0700, err);
    if (rc == 0)
        rc = address_of(case_dir, &folder, &a, err);
    if (rc < 0)
        return rc;
    unlinkat(folder, "control",
             0); /* of one that was killed; a running one holds the case's lock */
    mode_t mask = umask(0177);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 16) < 0)
        rc = err_errno(err, "%s/control", path);
    umask(mask);
    close(folder);
    if (rc < 0 && fd >= 0)
        close(fd);
    *out = fd;
    return rc;
}

static bool is_ours(int fd, int32_t *pid)
{
    struct ucred who;
    socklen_t n = sizeof who;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) < 0)
        return false;
    *pid = who.pid;
    return who.uid == geteuid() || who.uid == 0;
}

static void take_descriptors(struct msghdr *m, struct ctl_request *r)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (r->n_blobs < CTL_BLOBS_MAX)
                r->blobs[r->n_blobs++] = fd;
            else
                close(fd);
        }
    }
}

/* False: no request came. */
static bool receive_request(int fd, uint8_t *packet, struct ctl_request *r)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    struct head head;
    struct iovec iov[2] = {{&head, sizeof head}, {packet, CTL_PACKET_MAX}};
    _Alignas(struct cmsghdr) char space[CMSG_SPACE(CTL_BLOBS_MAX * sizeof(int))];
    struct msghdr m = {
        .msg_iov = iov, .msg_iovlen = 2, .msg_control = space, .msg_controllen = sizeof space};
    if (poll(&p, 1, REQUEST_WAIT_MS) != 1)
        return false;
    ssize_t n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (n < 0)
        return false;
    take_descriptors(&m, r);
    if ((size_t)n < sizeof head || head.magic != CTL_MAGIC || m.msg_flags & MSG_TRUNC ||
        head.blobs != r->n_blobs)
        return false;
    r->verb = head.verb;
    r->kind = head.kind;
    r->payload = span_of(packet, (size_t)n - sizeof head);
    return true;
}

static void send_reply(int fd, const struct ctl_reply *reply)
{
    struct reply_head head = {CTL_MAGIC, reply->status, reply->index};
    size_t n = reply->text.n < CTL_PACKET_MAX ? reply->text.n : CTL_PACKET_MAX;
    struct iovec iov[2] = {{&head, sizeof head}, {reply->text.p, n}};
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};
    if (sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        return; /* the client is gone: what it asked for was done all the same */
}

void ctl_serve_one(int listener,
                   void (*answer)(void *ctx, const struct ctl_request *request,
                                  struct ctl_reply *reply),
                   void *ctx)
{
    struct ctl_request request = {0};
    struct ctl_reply reply = {0};
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    uint8_t *packet = malloc(CTL_PACKET_MAX);
    if (packet && is_ours(fd, &request.pid) && receive_request(fd, packet, &request)) {
        answer(ctx, &request, &reply);
        send_reply(fd, &reply);
    }
    for (unsigned i = 0; i < request.n_blobs; i++)
        close(request.blobs[i]);
    buf_free(&reply.text);
    free(packet);
    close(fd);
}
