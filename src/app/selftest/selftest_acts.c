#include "app/selftest/selftest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/serve/sandbox_calls.h"
#include "base/buf.h"
#include "base/link.h"

static int code(long r)
{
    return r < 0 ? -errno : 0;
}

static int path_of(const struct scene *s, const char *name, char out[FILE_PATH_MAX])
{
    return file_path(out, NULL, "%s/%s", s->case_dir, name);
}

/* ---- files ---- */

static int open_close(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

static int in_case(const struct scene *s, const char *name, int flags)
{
    char path[FILE_PATH_MAX];
    int rc = path_of(s, name, path);
    return rc < 0 ? rc : open_close(path, flags);
}

static int read_outside(struct scene *s)
{
    return open_close(s->outside, O_RDONLY);
}

static int write_outside(struct scene *s)
{
    return open_close(s->outside, O_WRONLY);
}

static int create_outside(struct scene *s)
{
    char path[FILE_PATH_MAX];
    int rc = file_path(path, NULL, "%s/new", s->root);
    return rc < 0 ? rc : open_close(path, O_WRONLY | O_CREAT);
}

static int unlink_outside(struct scene *s)
{
    return code(unlink(s->outside));
}

static int read_view(struct scene *s)
{
    return in_case(s, "views/census", O_RDONLY);
}

static int read_key(struct scene *s)
{
    return in_case(s, "keys/log", O_RDONLY);
}

static int write_view(struct scene *s)
{
    return in_case(s, "views/census", O_WRONLY);
}

static int list_folder(struct scene *s)
{
    char path[FILE_PATH_MAX], entries[4096];
    int rc = path_of(s, "views", path);
    int fd = rc < 0 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    rc = code(syscall(SYS_getdents64, fd, entries, sizeof entries));
    close(fd);
    return rc;
}

/* As every file of a case is replaced: written, synced, renamed; then it goes. */
static int replace_file(struct scene *s)
{
    char path[FILE_PATH_MAX];
    int rc = path_of(s, "views/new", path);
    if (rc == 0)
        rc = file_replace(path, span_of("x", 1), 0600, NULL);
    return rc < 0 ? rc : code(unlink(path));
}

static int grow_file(struct scene *s)
{
    char path[FILE_PATH_MAX];
    int rc = path_of(s, "journal/segment", path);
    int fd = rc < 0 ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    rc = code(fallocate(fd, 0, 0, 65536));
    if (rc == -EOPNOTSUPP)
        rc = 0;
    if (rc == 0)
        rc = code(pwrite(fd, "x", 1, 100));
    if (rc == 0)
        rc = code(fdatasync(fd));
    if (rc == 0)
        rc = code(ftruncate(fd, 10));
    if (rc == 0)
        rc = -posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
    return rc;
}

static int make_folder(struct scene *s)
{
    char path[FILE_PATH_MAX];
    int rc = path_of(s, "log/tile", path);
    if (rc == 0)
        rc = code(mkdir(path, 0700));
    return rc < 0 ? rc : code(rmdir(path));
}

static int free_space(struct scene *s)
{
    struct statfs st;
    return code(statfs(s->case_dir, &st));
}

/* A view in SQLite: locks, a write-ahead log with its shared memory, a checkpoint. */
static int database(struct scene *s)
{
    char path[FILE_PATH_MAX];
    sqlite3 *db = NULL;
    int rc = path_of(s, "views/book", path);
    if (rc < 0)
        return rc;
    rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(
            db,
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t(a PRIMARY KEY, b);"
            "BEGIN; INSERT INTO t VALUES(1, hex(randomblob(9))); COMMIT;"
            "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode=DELETE; DROP TABLE t; VACUUM",
            NULL, NULL, NULL);
    sqlite3_close(db);
    return rc == SQLITE_OK ? 0 : rc == SQLITE_CANTOPEN || rc == SQLITE_PERM ? -EPERM : -EIO;
}

static int make_symlink(struct scene *s)
{
    char path[FILE_PATH_MAX];
    int rc = path_of(s, "views/sym", path);
    return rc < 0 ? rc : code(symlink("/etc/passwd", path));
}

static int make_link(struct scene *s)
{
    char path[FILE_PATH_MAX];
    int rc = path_of(s, "views/link", path);
    return rc < 0 ? rc : code(link(s->outside, path));
}

static int make_node(struct scene *s)
{
    char path[FILE_PATH_MAX];
    int rc = path_of(s, "views/node", path);
    return rc < 0 ? rc : code(mkfifo(path, 0600));
}

static int change_owner(struct scene *s)
{
    return code(chown(s->outside, geteuid(), getegid()));
}

static int change_root(struct scene *s)
{
    return code(chroot(s->root));
}

static int by_handle(struct scene *s)
{
    struct {
        struct file_handle h;
        unsigned char bytes[128];
    } handle = {.h.handle_bytes = 8, .h.handle_type = 1};
    return code(open_by_handle_at(AT_FDCWD, &handle.h, O_RDONLY));
}

static int mount_something(struct scene *s)
{
    return code(mount("none", s->root, "tmpfs", 0, NULL));
}

/* ---- network ---- */

static const struct sockaddr_in loopback = {.sin_family = AF_INET};

static int new_socket(int family, int type)
{
    int fd = socket(family, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

static int socket_tcp(struct scene *s)
{
    return new_socket(AF_INET, SOCK_STREAM);
}

static int socket_udp(struct scene *s)
{
    return new_socket(AF_INET, SOCK_DGRAM);
}

static int socket_unix(struct scene *s)
{
    return new_socket(AF_UNIX, SOCK_STREAM);
}

static int socket_netlink(struct scene *s)
{
    return new_socket(AF_NETLINK, SOCK_RAW);
}

static int socket_ciphers(struct scene *s)
{
    return new_socket(AF_ALG, SOCK_SEQPACKET);
}

static int local_address(int fd, struct sockaddr_in *out)
{
    socklen_t n = sizeof *out;
    return code(getsockname(fd, (struct sockaddr *)out, &n));
}

static int connect_tcp(struct scene *s)
{
    struct sockaddr_in to;
    int rc = local_address(s->listener, &to);
    return rc < 0 ? rc : code(connect(s->stream, (struct sockaddr *)&to, sizeof to));
}

static int connect_other(struct scene *s)
{
    struct sockaddr_in to;
    int rc = local_address(s->other, &to);
    return rc < 0 ? rc : code(connect(s->stream, (struct sockaddr *)&to, sizeof to));
}

static int connect_udp(struct scene *s)
{
    struct sockaddr_in to;
    int rc = local_address(s->udp, &to);
    int fd = rc < 0 ? -1 : socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    rc = code(connect(fd, (struct sockaddr *)&to, sizeof to));
    close(fd);
    return rc;
}

/* The same without connect(). */
static int connect_fast_open(struct scene *s)
{
    struct sockaddr_in to;
    int rc = local_address(s->listener, &to);
    return rc < 0
               ? rc
               : code(sendto(s->stream, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&to, sizeof to));
}

static int bind_tcp(struct scene *s)
{
    return code(bind(s->stream, (const struct sockaddr *)&loopback, sizeof loopback));
}

static int listen_tcp(struct scene *s)
{
    return code(listen(s->listener, 2)); /* bound already: no bind hides in it */
}

static int accept_tcp(struct scene *s)
{
    const int one = 1;
    int fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = code(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one));
    if (rc == 0)
        rc = code(send(fd, "x", 1, MSG_NOSIGNAL));
    close(fd);
    return rc;
}

static int datagrams(struct scene *s)
{
    char byte;
    struct sockaddr_in from;
    struct iovec iov = {&byte, 1};
    struct mmsghdr m = {
        .msg_hdr = {
            .msg_iov = &iov, .msg_iovlen = 1, .msg_name = &from, .msg_namelen = sizeof from}};
    int rc = code(recvmmsg(s->udp, &m, 1, MSG_DONTWAIT, NULL));
    return rc < 0 ? rc : code(sendmmsg(s->udp, &m, 1, 0));
}

static int connect_unix(int listener, int type)
{
    struct sockaddr_un to;
    socklen_t n = sizeof to;
    int rc = code(getsockname(listener, (struct sockaddr *)&to, &n));
    int fd = rc < 0 ? -1 : socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    rc = code(connect(fd, (struct sockaddr *)&to, n));
    close(fd);
    return rc;
}

static int connect_control(struct scene *s)
{
    return connect_unix(s->control, SOCK_SEQPACKET);
}

static int connect_abstract(struct scene *s)
{
    return connect_unix(s->abstract, SOCK_STREAM);
}

static int accept_control(struct scene *s)
{
    int fd = accept4(s->control, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

static int socket_filter(struct scene *s)
{
    struct sock_filter yes = {BPF_RET | BPF_K, 0, 0, 0xffff};
    struct sock_fprog program = {1, &yes};
    return code(setsockopt(s->udp, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
}

/* A table of authority: a descriptor comes, and is mapped. */
static int receive_descriptor(struct scene *s)
{
    struct link_message m;
    struct stat st;
    int fd, got = link_receive(s->link, &m, &fd);
    if (got < 0)
        return got;
    if (got == 0 || fd < 0)
        return -EBADMSG;
    int rc = code(fstat(fd, &st));
    void *p = rc < 0 ? MAP_FAILED : mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return -errno;
    munmap(p, (size_t)st.st_size);
    close(fd);
    return 0;
}

/* Made, sealed, sent. */
static int send_descriptor(struct scene *s)
{
    int fd = memfd_create("table", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    const struct link_message m = {0};
    int rc = code(ftruncate(fd, 4096));
    if (rc == 0)
        rc = code(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE));
    if (rc == 0)
        rc = link_send(s->link, &m, fd);
    close(fd);
    return rc;
}

/* ---- processes ---- */

static int fork_child(struct scene *s)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid < 0 ? -errno : code(waitpid(pid, NULL, 0));
}

static void *thread_body(void *arg)
{
    return arg;
}

static int start_thread(struct scene *s)
{
    pthread_t thread;
    int rc = pthread_create(&thread, NULL, thread_body, NULL);
    return rc ? -rc : -pthread_join(thread, NULL);
}

static int exec_program(struct scene *s)
{
    char name[] = "true", *argv[] = {name, NULL}, *envp[] = {NULL};
    return code(execve("/bin/true", argv, envp)); /* ends with 0 when it can be executed */
}

static int exec_at(struct scene *s)
{
    char name[] = "true", *argv[] = {name, NULL}, *envp[] = {NULL};
    return code(syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, envp, 0));
}

static int trace(struct scene *s)
{
    return code(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int kill_parent(struct scene *s)
{
    return code(kill(getppid(), 0)); /* permission is asked for all the same */
}

/* One that is forked now, where that can be: what was there before is outside of the sandbox. */
static int kill_child(struct scene *s)
{
    pid_t pid = fork();
    if (pid == 0) {
        pause();
        _exit(0);
    }
    int rc = code(kill(pid > 0 ? pid : s->child, SIGKILL));
    if (pid > 0)
        waitpid(pid, NULL, 0);
    return rc;
}

static int queue_signal(struct scene *s)
{
    siginfo_t info = {.si_signo = SIGURG, .si_code = SI_QUEUE, .si_pid = getpid()};
    return code(syscall(SYS_rt_sigqueueinfo, getpid(), SIGURG, &info)); /* which is passed over */
}

static int pid_descriptor(struct scene *s)
{
    int fd = (int)syscall(SYS_pidfd_open, getppid(), 0);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

static int read_parent(struct scene *s)
{
    char byte;
    struct iovec here = {&byte, 1}, there = {&byte, 1};
    return code(process_vm_readv(getppid(), &here, 1, &there, 1, 0));
}

static int write_parent(struct scene *s)
{
    char byte = 0;
    struct iovec here = {&byte, 1}, there = {&byte, 1};
    return code(process_vm_writev(getppid(), &here, 1, &there, 1, 0));
}

static int abort_self(struct scene *s)
{
    abort();
}

static int become_dumpable(struct scene *s)
{
    return code(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int become_root(struct scene *s)
{
    return code(setresuid(0, 0, 0));
}

static int new_namespace(struct scene *s)
{
    return code(unshare(CLONE_NEWUSER));
}

static int enter_namespace(struct scene *s)
{
    return code(setns(s->event, 0));
}

/* ---- memory ---- */

static int memory(struct scene *s)
{
    enum { BIG = 8 << 20 };
    char *p = malloc(BIG);
    if (!p)
        return -errno;
    for (size_t i = 0; i < BIG; i += 4096)
        *(volatile char *)(p + i) = 1;
    char *bigger = realloc(p, 2 * BIG);
    free(bigger ? bigger : p);
    return bigger ? 0 : -ENOMEM;
}

static int map_code(struct scene *s)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? -errno : 0;
}

static int make_code(struct scene *s)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? -errno : code(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static int make_code_by_key(struct scene *s)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? -errno : code(pkey_mprotect(p, 4096, PROT_READ | PROT_EXEC, -1));
}

static int shared_segment(struct scene *s)
{
    return code(syscall(SYS_shmget, 0, 4096, 0600));
}

static int read_always_executes(struct scene *s)
{
    return code(syscall(SYS_personality, 0x0400000)); /* READ_IMPLIES_EXEC */
}

static int anonymous_file(struct scene *s)
{
    return code(memfd_create("x", MFD_CLOEXEC));
}

/* ---- the rest of the kernel ---- */

static int wait_a_little(struct scene *s)
{
    const struct timespec ms = {0, 1000000};
    struct epoll_event e;
    struct timespec now;
    uint64_t one = 1;
    uint8_t random[16];
    int rc = code(write(s->event, &one, sizeof one));
    if (rc == 0)
        rc = code(epoll_wait(s->epoll, &e, 1, 1000));
    if (rc == 0)
        rc = code(read(s->event, &one, sizeof one));
    if (rc == 0)
        rc = code(nanosleep(&ms, NULL));
    if (rc == 0)
        rc = code(clock_gettime(CLOCK_MONOTONIC, &now));
    return rc < 0 ? rc : code(getrandom(random, sizeof random, 0));
}

static int say_something(struct scene *s)
{
    return code(write(STDERR_FILENO, "", 0));
}

static int own_signals(struct scene *s)
{
    return code(fcntl(s->udp, F_SETOWN, getppid()));
}

static int type_for_terminal(struct scene *s)
{
    char byte = 'x';
    return code(ioctl(s->event, TIOCSTI, &byte));
}

#define KERNEL_ACT(name, ...)                                                                      \
    static int name(struct scene *s)                                                               \
    {                                                                                              \
        return code(syscall(__VA_ARGS__));                                                         \
    }
KERNEL_ACT(load_bpf, SYS_bpf, 0, NULL, 0)
KERNEL_ACT(ring_of_calls, SYS_io_uring_setup, 1, NULL)
KERNEL_ACT(add_key, SYS_add_key, "user", "x", "y", 1, -1)
KERNEL_ACT(use_keys, SYS_keyctl, 0, -3, 0)
KERNEL_ACT(count_events, SYS_perf_event_open, NULL, 0, -1, -1, 0)
KERNEL_ACT(handle_faults, SYS_userfaultfd, 0)
KERNEL_ACT(load_module, SYS_finit_module, -1, "", 0)
KERNEL_ACT(load_kernel, SYS_kexec_load, 0, 0, NULL, 0)
KERNEL_ACT(restart_machine, SYS_reboot, 0, 0, 0, NULL)
KERNEL_ACT(set_clock, SYS_clock_settime, CLOCK_REALTIME, NULL)
KERNEL_ACT(watch_files, SYS_fanotify_init, 0, 0)
KERNEL_ACT(no_such_call, 10000)

#define WRITERS (SUPERVISOR | RECORDER)
#define READERS (SUPERVISOR | RECORDER | DESK | PARTNERS | PUBLIC | KEEPER)
#define SERVERS (SUPERVISOR | SENSOR | RECORDER | DESK | PARTNERS | PUBLIC | CENTRE)

const struct act selftest_acts[] = {
    /* what each one is for */
    {"use memory", memory, ALL, 0, true, false},
    {"wait, be woken, know the time, draw random bytes", wait_a_little, ALL, 0, true, false},
    {"say something on standard error", say_something, ALL, 0, true, false},
    {"abort", abort_self, ALL, 0, true, true},
    {"receive a descriptor and map it", receive_descriptor, ALL, 0, true, false},
    {"make, seal and send a table", send_descriptor, WRITERS, 0, true, false},
    {"accept a TCP connection and answer", accept_tcp, SERVERS, 0, true, false},
    {"receive and send datagrams in batches", datagrams, SUPERVISOR | SENSOR, 0, true, false},
    {"accept on the control socket", accept_control, SERVERS, 0, true, false},
    {"connect to the control socket", connect_control, SUPERVISOR | DESK | PUBLIC | CENTRE, 0, true, false},
    {"read a view", read_view, READERS, 1, true, false},
    {"list a folder of the case", list_folder, READERS, 0, true, false},
    {"see how much space is free", free_space, READERS, 0, true, false},
    {"replace a view", replace_file, WRITERS | KEEPER, 0, true, false},
    {"let a segment grow and shrink", grow_file, WRITERS, 1, true, false},
    {"make a folder in the case", make_folder, WRITERS, 0, true, false},
    {"write a view in SQLite", database, WRITERS | KEEPER, 0, true, false},
    {"fork", fork_child, SUPERVISOR | DESK, 0, true, false},
    {"kill a child", kill_child, SUPERVISOR, 0, true, false},
    {"bind a TCP port", bind_tcp, SUPERVISOR, 0, true, false},
    {"listen", listen_tcp, SUPERVISOR, 0, true, false},
    /* files */
    {"read a file outside", read_outside, SUPERVISOR, 1, true, false},
    {"write a file outside", write_outside, 0, 1, true, false},
    {"create a file outside", create_outside, 0, 1, true, false},
    {"unlink a file outside", unlink_outside, 0, 1, true, false},
    {"read the log's key", read_key, WRITERS, 1, true, false},
    {"write a view", write_view, WRITERS | KEEPER, 0, true, false},
    {"make a symbolic link", make_symlink, 0, 0, true, false},
    {"link a file outside into the case", make_link, 0, 0, true, false},
    {"make a named pipe", make_node, 0, 0, true, false},
    {"change a file's owner", change_owner, 0, 0, true, false},
    {"open a file by its handle", by_handle, 0, 0, false, false},
    {"change the root", change_root, 0, 0, false, false},
    {"mount", mount_something, 0, 0, false, false},
    /* network */
    {"make a TCP socket", socket_tcp, SUPERVISOR | COURIER, 0, true, false},
    {"make a UDP socket", socket_udp, SUPERVISOR, 0, true, false},
    {"make a Unix socket", socket_unix, SUPERVISOR | DESK | PUBLIC | CENTRE, 0, true, false},
    {"make a netlink socket", socket_netlink, 0, 0, true, false},
    {"make a socket of the kernel's ciphers", socket_ciphers, 0, 0, false, false},
    {"connect out by TCP", connect_tcp, SUPERVISOR | COURIER, 4, true, false},
    {"connect out by TCP to another port than it was told", connect_other, SUPERVISOR, 4, true,
     false},
    {"connect out by UDP", connect_udp, SUPERVISOR, 0, true, false},
    {"connect out by TCP Fast Open", connect_fast_open, 0, 0, false, false},
    {"connect to a stranger's abstract socket", connect_abstract, 0, 6, true, false},
    {"attach a filter to a socket", socket_filter, SUPERVISOR, 0, true, false},
    /* processes */
    {"start a thread", start_thread, SUPERVISOR, 0, true, false},
    {"execute a program", exec_program, 0, 0, true, false},
    {"execute a program by its folder", exec_at, 0, 0, true, false},
    {"trace", trace, 0, 0, false, false},
    {"signal the parent", kill_parent, 0, 6, true, false},
    {"queue a signal", queue_signal, 0, 0, true, false},
    {"hold a process's descriptor", pid_descriptor, 0, 0, true, false},
    {"read the parent's memory", read_parent, 0, 0, false, false},
    {"write the parent's memory", write_parent, 0, 0, false, false},
    {"become dumpable", become_dumpable, SUPERVISOR, 0, true, false},
    {"become root", become_root, 0, 0, false, false},
    {"make a namespace", new_namespace, 0, 0, false, false},
    {"enter a namespace", enter_namespace, 0, 0, false, false},
    /* memory */
    {"map memory as code", map_code, 0, 0, true, false},
    {"turn memory into code", make_code, 0, 0, true, false},
    {"turn memory into code by a key", make_code_by_key, 0, 0, false, false},
    {"let all that is read be code", read_always_executes, 0, 0, false, false},
    {"make a shared segment", shared_segment, 0, 0, false, false},
    {"make a file in memory", anonymous_file, WRITERS | DESK | PUBLIC | CENTRE, 0, true, false},
    /* the rest of the kernel */
    {"have signals of a socket sent to the parent", own_signals, 0, 0, true, false},
    {"type for a terminal", type_for_terminal, 0, 0, false, false},
    {"load BPF", load_bpf, 0, 0, false, false},
    {"set up io_uring", ring_of_calls, 0, 0, false, false},
    {"add a key to the kernel's", add_key, 0, 0, false, false},
    {"use the kernel's keys", use_keys, 0, 0, false, false},
    {"count events of the processor", count_events, 0, 0, false, false},
    {"handle faults in memory", handle_faults, 0, 0, false, false},
    {"load a kernel module", load_module, 0, 0, false, false},
    {"load a kernel", load_kernel, 0, 0, false, false},
    {"restart the machine", restart_machine, 0, 0, false, false},
    {"set the clock", set_clock, 0, 0, false, false},
    {"watch all files", watch_files, 0, 0, false, false},
    {"make a call that does not exist", no_such_call, 0, 0, false, false},
    {0},
};
