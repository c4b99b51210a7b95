#include "app/serve/roles.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

void role_say(int link, enum role_message what, uint32_t number, const char *text)
{
    struct link_message m = {.what = what, .number = number};
    snprintf(m.text, sizeof m.text, "%s", text ? text : "");
    if (link_send(link, &m, -1) < 0) {
        log_line(LOG_WARN, "a message was not taken", "message=%d", (int)what);
        if (what == ROLE_READY)
            _exit(EXIT_FAILURE); /* it would be waited for, for ever: another is started */
    }
}

int role_goes_on(int link)
{
    struct link_message m;
    int fd, got;
    while ((got = link_receive(link, &m, &fd)) == 1) {
        if (fd >= 0)
            close(fd);
        if (m.what == ROLE_STOP)
            return 0;
    }
    return got == 0;
}

int role_nap(int link, int ms)
{
    struct pollfd p = {.fd = link, .events = POLLIN};
    int64_t end = clock_ms() + ms;
    int goes_on;
    for (int64_t left = ms; (goes_on = role_goes_on(link)) && (ms < 0 || left > 0);
         left = end - clock_ms())
        if (poll(&p, 1, ms < 0 ? -1 : (int)left) < 0 && errno != EINTR)
            return 0;
    return goes_on;
}
