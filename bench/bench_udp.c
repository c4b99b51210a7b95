/* What a datagram costs the process that answers it: a bare echo (recvmmsg, sendmmsg and nothing
 * else) beside a sensor's loop that echoes, that echoes and records, and that answers DNS. CPU time
 * of the server's process, the kernel's part included; the answering side has a core of its own. */
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>

#include "bench.h"
#include "net/test_sensor.h"

#define BATCH    64
#define WINDOW   512 /* queries on their way */
#define MESSAGES 1000000
#define ROUNDS   3

static const uint8_t query[] = {0x12, 0x34, 1,   0,   0,   1,   0,   0,   0,   0,   0,
                                0,    3,    'w', 'w', 'w', 7,   'e', 'x', 'a', 'm', 'p',
                                'l',  'e',  3,   'o', 'r', 'g', 0,   0,   1,   0,   1};

static void on_core(int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    sched_setaffinity(0, sizeof set, &set); /* where there is only one, it stays there */
}

/* ---- servers ---- */

static size_t echo(struct net_env *env, const struct net_peer *peer, struct span data, uint8_t *out,
                   size_t cap)
{
    size_t n = data.n < cap ? data.n : cap;
    memcpy(out, data.p, n);
    return n;
}

static size_t echo_recorded(struct net_env *env, const struct net_peer *peer, struct span data,
                            uint8_t *out, size_t cap)
{
    struct event ev;
    net_event(env, peer, NULL, KIND_DNS, &ev);
    ev.protocol = span_str("dns");
    ev.dns.has = true;
    ev.dns.qname = span_str("www.example.org");
    ev.dns.qtype = span_str("A");
    ev.answer = span_str("NOERROR");
    ev.plain = true;
    net_record(env, &ev, (struct span){0}, NULL);
    return echo(env, peer, data, out, cap);
}

static void bare(int fd)
{
    static uint8_t bytes[BATCH][4288];
    static struct mmsghdr m[BATCH];
    static struct iovec iov[BATCH];
    static struct sockaddr_in6 from[BATCH];
    for (int i = 0; i < BATCH; i++) {
        iov[i].iov_base = bytes[i];
        m[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1, .msg_name = &from[i]};
    }
    for (;;) {
        for (int i = 0; i < BATCH; i++) {
            iov[i].iov_len = sizeof bytes[i];
            m[i].msg_hdr.msg_namelen = sizeof from[i];
        }
        int n = recvmmsg(fd, m, BATCH, MSG_WAITFORONE, NULL);
        for (int i = 0; i < n; i++)
            iov[i].iov_len = m[i].msg_len;
        if (n > 0)
            sendmmsg(fd, m, (unsigned)n, 0);
    }
}

/* ---- the client ---- */

/* Keeps WINDOW queries on their way until so many were answered. */
static void ask(int fd, uint64_t messages)
{
    static uint8_t got[BATCH][512];
    static struct mmsghdr in[BATCH], out[BATCH];
    static struct iovec in_iov[BATCH], out_iov = {(void *)(uintptr_t)query, sizeof query};
    for (int i = 0; i < BATCH; i++) {
        in_iov[i] = (struct iovec){got[i], sizeof got[i]};
        in[i].msg_hdr = (struct msghdr){.msg_iov = &in_iov[i], .msg_iovlen = 1};
        out[i].msg_hdr = (struct msghdr){.msg_iov = &out_iov, .msg_iovlen = 1};
    }
    uint64_t sent = 0, heard = 0;
    while (heard < messages) {
        while (sent - heard + BATCH <= WINDOW) {
            int n = sendmmsg(fd, out, BATCH, 0);
            sent += n > 0 ? (uint64_t)n : 0;
        }
        int n = recvmmsg(fd, in, BATCH, MSG_WAITFORONE, NULL);
        if (n <= 0)
            heard = sent; /* some were lost: on with new ones */
        else
            heard += (uint64_t)n;
    }
}

static double server_ns(pid_t pid)
{
    clockid_t clock;
    return clock_getcpuclockid(pid, &clock) == 0 ? clock_ns(clock) : 0;
}

/* Nanoseconds of the server per message. */
static double measured(pid_t pid, uint16_t port)
{
    double ns[ROUNDS];
    int fd = client("127.0.0.1", port, SOCK_DGRAM);
    on_core(1);
    ask(fd, MESSAGES / 10);
    for (int i = 0; i < ROUNDS; i++) {
        double before = server_ns(pid);
        ask(fd, MESSAGES);
        ns[i] = (server_ns(pid) - before) / MESSAGES;
    }
    close(fd);
    return median(ns, ROUNDS);
}

static double measure_bare(void)
{
    struct sensor_socket sockets[4];
    unsigned n = 0;
    struct net_listener l = {.protocol = NET_DNS, .udp = true};
    struct sockaddr_in a;
    socklen_t size = sizeof a;
    ip_parse(span_str("127.0.0.1"), &l.ip);
    if (sensor_bind(&l, 0, sockets, &n, NULL) < 0)
        abort();
    fcntl(sockets[0].fd, F_SETFL, 0);
    getsockname(sockets[0].fd, (struct sockaddr *)&a, &size);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        on_core(0);
        bare(sockets[0].fd);
    }
    double ns = measured(pid, ntohs(a.sin_port));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(sockets[0].fd);
    return ns;
}

/* Reads the ring as the recorder would, but only throws away. */
static pid_t start_reader(struct world *w)
{
    pid_t pid = fork();
    if (pid)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    on_core(1);
    for (struct span r;;) {
        for (int i = 0; i < 100000 && ring_next(&w->reader, &r) == 1; i++)
            ;
        ring_release(&w->reader, w->reader.at);
        ms_sleep(2);
    }
}

static double measure_sensor(const char *address,
                             size_t (*answer)(struct net_env *, const struct net_peer *,
                                              struct span, uint8_t *, size_t))
{
    struct world w;
    world_init(&w);
    w.setup.datagram = answer;
    w.config.limits.dns_responses = 0;
    world_listen(&w, (struct net_listener){.protocol = NET_DNS, .udp = true}, address);
    on_core(0);
    if (!world_start(&w))
        abort();
    pid_t reader = start_reader(&w);
    double ns = measured(w.pid, world_port(&w, 0, false, AF_INET));
    kill(reader, SIGKILL);
    waitpid(reader, NULL, 0);
    world_say_stop(&w);
    world_wait(&w);
    world_free(&w);
    return ns;
}

static void report(const char *what, double ns, double beside)
{
    printf("%-40s %8.0f ns  %+7.0f\n", what, ns, ns - beside);
    fflush(stdout);
}

int main(void)
{
    double beside = measure_bare();
    report("bare echo", beside, beside);
    report("sensor, echo", measure_sensor("127.0.0.1", echo), beside);
    report("sensor, echo, wildcard socket", measure_sensor("", echo), beside);
    report("sensor, echo, recorded", measure_sensor("127.0.0.1", echo_recorded), beside);
    report("sensor, DNS, refused", measure_sensor("127.0.0.1", NULL), beside);
    return 0;
}
