/* Notify: tells the service manager how we are (sd_notify(3)): datagrams to $NOTIFY_SOCKET. Without
 * one every call does nothing. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct notify {
    int fd; /* connected; -1: nobody listens */
    /* How often notify_watchdog() is wanted (half of what is allowed); 0: never. */
    uint64_t watchdog_ms;
};

/* Reads NOTIFY_SOCKET (a path or "@abstract"), WATCHDOG_USEC and WATCHDOG_PID from the environment,
 * and takes them out of it, so that no child speaks for us. Never fails: a socket that is not there
 * is nobody who listens. */
void notify_open(struct notify *n);
void notify_close(struct notify *n);
/* false: not sent. `status` is one line of text for people; NULL for none. */
bool notify_ready(struct notify *n, const char *status);
bool notify_reloading(
    struct notify *n); /* with MONOTONIC_USEC, as Type=notify-reload wants; then ready again */
bool notify_stopping(struct notify *n, const char *status);
bool notify_watchdog(struct notify *n);
