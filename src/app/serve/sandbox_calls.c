#include "app/serve/sandbox_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* An argument that is an int: what stands in the register's upper half does not count. */
#define ANY 0xffffffffu

#define WRITING (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND)
#define NAMESPACES                                                                                 \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |  \
     CLONE_NEWNET | CLONE_PTRACE | CLONE_UNTRACED)
#define OWN_PID                                                                                    \
    0xfffffffffffffffeull /* in the table: getpid() of who is locked in; no int is it              \
                           */

/* A mask of 0 is no condition. */
struct condition {
    unsigned argument;
    uint64_t mask, value;
};

static const struct call {
    int number;
    unsigned roles;
    struct condition first, second;
} calls[] = {
#define CALL(call, roles) {SCMP_SYS(call), roles, {0}, {0}},
#define CALL_IF(call, roles, argument, mask, value)                                                \
    {SCMP_SYS(call), roles, {argument, mask, value}, {0}},
#define CALL_OPTION(call, roles, a, x, b, y) {SCMP_SYS(call), roles, {a, ANY, x}, {b, ANY, y}},
#include "app/serve/sandbox_roles.def"
};
enum { CALLS = sizeof calls / sizeof *calls };

static bool has(enum sandbox_role role, const struct call *c)
{
    return role == SANDBOX_SUPERVISOR || c->roles & 1u << role;
}

/* Whether another line allows the same call without any condition: libseccomp takes only one of
 * them. */
static bool is_free(enum sandbox_role role, int number)
{
    for (size_t i = 0; i < CALLS; i++)
        if (calls[i].number == number && !calls[i].first.mask && has(role, &calls[i]))
            return true;
    return false;
}

static struct scmp_arg_cmp compare(const struct condition *c)
{
    uint64_t value = c->value == OWN_PID ? (uint64_t)getpid() : c->value;
    return (struct scmp_arg_cmp){c->argument, SCMP_CMP_MASKED_EQ, c->mask, value};
}

static int allow(scmp_filter_ctx ctx, const struct call *c)
{
    struct scmp_arg_cmp args[2];
    unsigned n = 0;
    if (c->first.mask)
        args[n++] = compare(&c->first);
    if (c->second.mask)
        args[n++] = compare(&c->second);
    return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, c->number, n, args);
}

static int allow_all(scmp_filter_ctx ctx, enum sandbox_role role)
{
    for (size_t i = 0; i < CALLS; i++) {
        const struct call *c = &calls[i];
        if (!has(role, c) || c->number < 0) /* < 0: not on this architecture */
            continue;
        if (c->first.mask && is_free(role, c->number))
            continue;
        int rc = allow(ctx, c);
        if (rc < 0 && rc != -EEXIST)
            return rc;
    }
    return 0;
}

int sandbox_calls(enum sandbox_role role, struct err *err)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!ctx)
        return err_set(err, -ENOMEM, "seccomp: no filter");
    int rc = allow_all(ctx, role);
    if (rc == 0) /* libc then takes clone(), whose arguments can be seen */
        rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    if (rc == 0)
        rc =
            seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree: about ten steps a call */
    if (rc == 0)
        rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
    if (rc == 0)
        rc = seccomp_load(ctx);
    seccomp_release(ctx);
    return rc < 0 ? err_set(err, rc, "seccomp: %s: no filter (%d)", sandbox_role_name(role), -rc)
                  : 0;
}
