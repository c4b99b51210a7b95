/* Courier: the only process that may connect out, and only to the endpoints that the config names.
 * It has nothing to carry yet: abuse reports and notices come with the case's desk. */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "app/roles.h"
#include "app/sandbox.h"
#include "base/link.h"

int courier_run(const struct role_setup *setup, struct err *err)
{
    struct sandbox_paths paths = {.case_dir = setup->case_dir};
    int rc = sandbox_enter(SANDBOX_COURIER, &paths, err);
    if (rc < 0)
        return rc;
    role_say(setup->link, ROLE_READY, 0, NULL);
    for (;;) {
        struct pollfd p = {.fd = setup->link, .events = POLLIN};
        struct link_message m;
        int fd, got;
        if (poll(&p, 1, -1) < 0 && errno != EINTR)
            return err_errno(err, "poll");
        while ((got = link_receive(setup->link, &m, &fd)) == 1) {
            if (fd >= 0)
                close(fd);
            if (m.what == ROLE_STOP)
                return 0;
        }
        if (got < 0)
            return 0; /* the supervisor is gone */
    }
}
