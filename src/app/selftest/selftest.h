/* What `ebb selftest` tries in each role: acts that it needs, acts that must fail. */
#pragma once

#include "app/serve/sandbox.h"
#include "base/file.h"

/* The world an act finds: a scratch folder with a case in it, and what a role may have been handed.
 * Made anew for each act, before the role is entered. */
struct scene {
    char outside[FILE_PATH_MAX]; /* a file beside the case */
    char root[FILE_PATH_MAX], case_dir[FILE_PATH_MAX];
    int listener, client; /* TCP on loopback, and a connection to it that waits to be accepted */
    int other;            /* likewise, on another port */
    uint16_t port;        /* of the listener */
    int stream;           /* a TCP socket that nobody has bound or connected */
    int udp, udp_peer;    /* on loopback; a datagram waits at udp */
    int control;          /* Unix, listening at CASE/run/control; a connection waits */
    int abstract;         /* Unix, listening at a name of no folder */
    int link;             /* a descriptor of one page waits there to be received */
    int event, epoll;
    int child; /* a process of the supervisor's */
};

struct act {
    const char *name;
    int (*run)(struct scene *s); /* 0 done, -errno not */
    unsigned roles;              /* that may, as in app/serve/sandbox_calls.h */
    int abi; /* of Landlock, without which some role can do it all the same; 0: seccomp says no */
    bool unconfined; /* outside of any role it succeeds: the test of the test */
    bool dies;       /* done when it ends in SIGABRT */
};

extern const struct act selftest_acts[]; /* the last one has no name */

/* 0, or negative with the reason. `root` is the scratch folder. */
int scene_make_folder(char root[FILE_PATH_MAX], struct err *err);
void scene_remove_folder(const char *root);
int scene_make(struct scene *s, const char *root, struct err *err);
