/* Binding the sockets that sensors are handed: the only place where the network side needs
 * privileges (ports below 1024, IP_TRANSPARENT), in the supervisor, before anybody speaks. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/sensor.h"

#define BACKLOG    4096
#define UDP_BUFFER (4 << 20) /* what a burst may queue while a batch is being answered */

static int set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value);
}

static socklen_t address_of(const struct net_listener *l, bool v6, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    if (v6) {
        struct sockaddr_in6 *a = (void *)out;
        a->sin6_family = AF_INET6;
        be16_put((uint8_t *)&a->sin6_port, l->port);
        memcpy(&a->sin6_addr, l->ip.b, 16);
        return sizeof *a;
    }
    struct sockaddr_in *a = (void *)out;
    a->sin_family = AF_INET;
    be16_put((uint8_t *)&a->sin_port, l->port);
    if (ip_is_set(&l->ip))
        memcpy(&a->sin_addr, l->ip.b + 12, 4);
    return sizeof *a;
}

static int common_options(int fd, const struct net_listener *l, bool v6)
{
    int rc = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    rc |= set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (v6)
        rc |= set(fd, SOL_IPV6, IPV6_V6ONLY, 1);
    if (l->transparent)
        rc |= v6 ? set(fd, SOL_IPV6, IPV6_TRANSPARENT, 1) : set(fd, SOL_IP, IP_TRANSPARENT, 1);
    return rc;
}

static int udp_options(int fd, const struct net_listener *l, bool v6)
{
    int rc = 0;
    if (l->transparent)
        rc |= v6 ? set(fd, SOL_IPV6, IPV6_RECVORIGDSTADDR, 1)
                 : set(fd, SOL_IP, IP_RECVORIGDSTADDR, 1);
    else if (!ip_is_set(&l->ip))
        rc |= v6 ? set(fd, SOL_IPV6, IPV6_RECVPKTINFO, 1) : set(fd, SOL_IP, IP_PKTINFO, 1);
    /* An answer is sent as it is, whatever a forged ICMP message says about the path's MTU. */
    rc |= v6 ? set(fd, SOL_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT)
             : set(fd, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
    if (set(fd, SOL_SOCKET, SO_RCVBUFFORCE, UDP_BUFFER) < 0)
        set(fd, SOL_SOCKET, SO_RCVBUF, UDP_BUFFER); /* as much as net.core.rmem_max allows */
    if (set(fd, SOL_SOCKET, SO_SNDBUFFORCE, UDP_BUFFER) < 0)
        set(fd, SOL_SOCKET, SO_SNDBUF, UDP_BUFFER);
    return rc;
}

static int bind_one(const struct net_listener *l, bool tcp, bool v6)
{
    struct sockaddr_storage a;
    socklen_t n = address_of(l, v6, &a);
    int fd = socket(v6 ? AF_INET6 : AF_INET,
                    (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int rc = common_options(fd, l, v6);
    if (rc == 0)
        rc = tcp ? set(fd, SOL_TCP, TCP_NODELAY, 1)
                 : udp_options(fd, l, v6); /* connections inherit it */
    if (rc == 0)
        rc = bind(fd, (struct sockaddr *)&a, n);
    if (rc == 0 && tcp)
        rc = listen(fd, BACKLOG);
    if (rc == 0)
        return fd;
    rc = -errno;
    close(fd);
    return rc;
}

static int bind_fail(const struct net_listener *l, bool tcp, int rc, struct err *err)
{
    char ip[IP_TEXT_MAX] = "*";
    if (ip_is_set(&l->ip))
        ip_format(&l->ip, ip);
    return err_set(err, rc, "listen: %s (%s port %u, %s)", strerror(-rc), ip, l->port,
                   tcp ? "tcp" : "udp");
}

int sensor_bind(const struct net_listener *l, unsigned number, struct sensor_socket *out,
                unsigned *n, struct err *err)
{
    bool wildcard = !ip_is_set(&l->ip), v4 = wildcard || ip_is_v4(&l->ip), v6 = wildcard || !v4;
    for (int tcp = 0; tcp < 2; tcp++) {
        for (int six = 0; six < 2; six++) {
            if (!(tcp ? l->tcp : l->udp) || !(six ? v6 : v4))
                continue;
            int fd = bind_one(l, tcp, six);
            if (fd == -EAFNOSUPPORT && six && wildcard)
                continue; /* a machine without IPv6 */
            if (fd < 0)
                return bind_fail(l, tcp, fd, err);
            out[(*n)++] = (struct sensor_socket){.fd = fd, .tcp = tcp, .listener = number};
        }
    }
    return 0;
}
