#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/selftest/selftest.h"
#include "base/link.h"

static const char *const folders[] = {"case",       "case/journal", "case/log", "case/blobs",
                                      "case/views", "case/keys",    "case/run"};
static const char *const texts[] = {"outside", "case/ebb.yaml", "case/views/census",
                                    "case/keys/log"};
#define COUNT(array) (sizeof(array) / sizeof *(array))

static int make_text(const char *path, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, "%s", path);
    int rc = write(fd, "x\n", 2) == 2 ? 0 : err_errno(err, "%s", path);
    close(fd);
    return rc;
}

int scene_make_folder(char root[FILE_PATH_MAX], struct err *err)
{
    const char *tmp = getenv("TMPDIR");
    char path[FILE_PATH_MAX];
    int rc = file_path(root, err, "%s/ebb-selftest-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (rc < 0)
        return rc;
    if (!mkdtemp(root))
        return err_errno(err, "%s", root);
    for (size_t i = 0; rc == 0 && i < COUNT(folders); i++) {
        rc = file_path(path, err, "%s/%s", root, folders[i]);
        if (rc == 0)
            rc = file_mkdirs(path, 0700, err);
    }
    for (size_t i = 0; rc == 0 && i < COUNT(texts); i++) {
        rc = file_path(path, err, "%s/%s", root, texts[i]);
        if (rc == 0)
            rc = make_text(path, err);
    }
    return rc;
}

/* What acts may have left, and what was made; nothing else can be there. */
void scene_remove_folder(const char *root)
{
    static const char *const left[] = {"new",
                                       "case/views/new",
                                       "case/views/book",
                                       "case/views/book-wal",
                                       "case/views/book-shm",
                                       "case/views/book-journal",
                                       "case/views/sym",
                                       "case/views/link",
                                       "case/views/node",
                                       "case/journal/segment",
                                       "case/run/control"};
    char path[FILE_PATH_MAX];
    for (size_t i = 0; i < COUNT(left); i++)
        if (file_path(path, NULL, "%s/%s", root, left[i]) == 0)
            unlink(path);
    for (size_t i = 0; i < COUNT(texts); i++)
        if (file_path(path, NULL, "%s/%s", root, texts[i]) == 0)
            unlink(path);
    for (size_t i = COUNT(folders); i-- > 0;)
        if (file_path(path, NULL, "%s/%s", root, folders[i]) == 0)
            rmdir(path);
    rmdir(root);
}

static int loopback_socket(int type, struct sockaddr_in *a)
{
    socklen_t n = sizeof *a;
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    *a = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || bind(fd, (struct sockaddr *)a, sizeof *a) < 0 ||
        getsockname(fd, (struct sockaddr *)a, &n) < 0)
        return -1;
    return fd;
}

/* false with errno set, as below. */
static bool make_network(struct scene *s)
{
    struct sockaddr_in tcp, other, udp, peer;
    s->listener = loopback_socket(SOCK_STREAM, &tcp);
    s->other = loopback_socket(SOCK_STREAM, &other);
    s->udp = loopback_socket(SOCK_DGRAM, &udp);
    s->udp_peer = loopback_socket(SOCK_DGRAM, &peer);
    s->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    s->stream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    s->port = ntohs(tcp.sin_port);
    return s->listener >= 0 && s->other >= 0 && listen(s->other, 8) == 0 && s->udp >= 0 &&
           s->udp_peer >= 0 && s->client >= 0 && s->stream >= 0 && listen(s->listener, 8) == 0 &&
           connect(s->client, (struct sockaddr *)&tcp, sizeof tcp) == 0 &&
           sendto(s->udp_peer, "x", 1, 0, (struct sockaddr *)&udp, sizeof udp) == 1;
}

static bool make_control(struct scene *s)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int n = snprintf(a.sun_path, sizeof a.sun_path, "%s/run/control", s->case_dir);
    if (n < 0 || n >= (int)sizeof a.sun_path) {
        errno = ENAMETOOLONG;
        return false;
    }
    s->control = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    int waits = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    return s->control >= 0 && waits >= 0 &&
           bind(s->control, (struct sockaddr *)&a, sizeof a) == 0 && listen(s->control, 8) == 0 &&
           connect(waits, (struct sockaddr *)&a, sizeof a) == 0;
}

static bool make_abstract(struct scene *s)
{
    const struct sockaddr_un a = {.sun_family = AF_UNIX};
    s->abstract = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return s->abstract >= 0 &&
           bind(s->abstract, (const struct sockaddr *)&a, sizeof a.sun_family) == 0 &&
           listen(s->abstract, 8) == 0; /* a name is found for it */
}

static bool make_link(struct scene *s)
{
    const struct link_message m = {0};
    int ends[2], fd = memfd_create("page", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, 4096) < 0 || link_pair(ends, NULL) < 0)
        return false;
    s->link = ends[0];
    return link_send(ends[1], &m, fd) == 0;
}

static bool make_events(struct scene *s)
{
    struct epoll_event e = {.events = EPOLLIN};
    s->event = eventfd(0, EFD_CLOEXEC);
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    return s->event >= 0 && s->epoll >= 0 && epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->event, &e) == 0;
}

static bool make_child(struct scene *s)
{
    s->child = fork();
    if (s->child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(10);
        pause();
        _exit(0);
    }
    return s->child > 0;
}

int scene_make(struct scene *s, const char *root, struct err *err)
{
    memset(s, 0, sizeof *s);
    int rc = file_path(s->root, err, "%s", root);
    if (rc == 0)
        rc = file_path(s->case_dir, err, "%s/case", root);
    if (rc == 0)
        rc = file_path(s->outside, err, "%s/outside", root);
    if (rc < 0)
        return rc;
    if (!make_network(s) || !make_control(s) || !make_abstract(s) || !make_link(s) ||
        !make_events(s) || !make_child(s))
        return err_errno(err, "the scene");
    return 0;
}
