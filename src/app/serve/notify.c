#include "app/serve/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

#define MESSAGE_MAX 1024

/* What the environment says, once; -1: nobody listens. */
static int connect_to(const char *name)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    size_t n = name ? strlen(name) : 0;
    if (n < 2 || n >= sizeof a.sun_path || (name[0] != '/' && name[0] != '@'))
        return -1;
    memcpy(a.sun_path, name, n);
    if (name[0] == '@')
        a.sun_path[0] = 0; /* the abstract name's length is the address's, without a final zero */
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (name[0] == '/'));
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, size) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static uint64_t number(const char *text)
{
    char *end = NULL;
    errno = 0;
    unsigned long long v = text && *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : 0;
    return errno || !end || *end ? 0 : v;
}

void notify_open(struct notify *n)
{
    const char *pid = getenv("WATCHDOG_PID");
    *n = (struct notify){.fd = connect_to(getenv("NOTIFY_SOCKET"))};
    if (n->fd >= 0 && (!pid || number(pid) == (uint64_t)getpid()))
        n->watchdog_ms = number(getenv("WATCHDOG_USEC")) / 2000;
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

void notify_close(struct notify *n)
{
    if (n->fd >= 0)
        close(n->fd);
    n->fd = -1;
}

/* "state" and, behind it, "STATUS=status": one line each. */
static bool say(struct notify *n, const char *state, const char *status)
{
    char text[MESSAGE_MAX];
    if (n->fd < 0)
        return false;
    int len = snprintf(text, sizeof text, "%s%s%s", state, status ? "\nSTATUS=" : "",
                       status ? status : "");
    if (len >= (int)sizeof text)
        len = sizeof text - 1;
    for (size_t i = strlen(state) + 1; i < (size_t)len; i++)
        if ((unsigned char)text[i] < ' ')
            text[i] = ' '; /* a second line would be another variable */
    return send(n->fd, text, (size_t)len, MSG_NOSIGNAL) == len;
}

bool notify_ready(struct notify *n, const char *status)
{
    return say(n, "READY=1", status);
}

bool notify_reloading(struct notify *n)
{
    char text[64];
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_us());
    return say(n, text, NULL);
}

bool notify_stopping(struct notify *n, const char *status)
{
    return say(n, "STOPPING=1", status);
}

bool notify_watchdog(struct notify *n)
{
    return say(n, "WATCHDOG=1", NULL);
}
