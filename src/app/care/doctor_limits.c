/* Doctor: what the kernel and the service manager let ebb have. Of the running daemon where there
 * is one, else of this shell, which may have others than the unit. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/care/doctor.h"
#include "app/serve/sandbox.h"

#define FILES_SPARE   256 /* descriptors beside connections: segments, views, sockets */
#define FILES_LEAST   1024
#define MEMLOCK_LEAST (64u << 10) /* libsodium's guarded memory */
#define RMEM_WANTED   (4u << 20)  /* as net/bind.c asks for */
#define BACKLOG       1024        /* of listeners */
#define TASKS_LEAST   64
#define MEMORY_SPARE  (512ull << 20) /* beside the sensors' buffers */
#define PATH_SIZE     512

/* Where ebb.yaml says nothing. */
enum {
#define LIMIT(name, fallback, least, most, about) default_##name = fallback,
#include "net/limits.def"
};

/* "Max open files  1024  4096  files": the hard one, which the daemon raises itself to. */
static uint64_t limit_of(const struct doctor *d, const char *title, int resource)
{
    char path[64], text[DOCTOR_TEXT_MAX], *at;
    struct rlimit r;
    if (d->pid) {
        snprintf(path, sizeof path, "/proc/%ld/limits", d->pid);
        at = strstr(doctor_text(path, text), title);
        if (at && (at = strpbrk(at + strlen(title), "0123456789u"))) {
            at += strcspn(at, " ");
            at += strspn(at, " ");
            return *at == 'u' ? UINT64_MAX : strtoull(at, NULL, 10);
        }
    }
    return getrlimit(resource, &r) < 0 ? 0 : r.rlim_max == RLIM_INFINITY ? UINT64_MAX : r.rlim_max;
}

static const char *whose(const struct doctor *d)
{
    return d->pid ? "of the running daemon" : "of this shell";
}

static void files(struct doctor *d)
{
    uint64_t have = limit_of(d, "Max open files", RLIMIT_NOFILE);
    uint64_t connections = default_connections;
    if (d->c.config && d->c.config->serve.limits.connections)
        connections = *d->c.config->serve.limits.connections;
    uint64_t want = connections + FILES_SPARE;
    if (have < want)
        doctor_say(d, DOCTOR_WRONG, "",
                   "LimitNOFILE= of the unit, or fewer serve.limits.connections",
                   "%" PRIu64 " open files %s; %" PRIu64 " connections want %" PRIu64, have,
                   whose(d), connections, want);
    else if (have == UINT64_MAX)
        doctor_say(d, DOCTOR_OK, "", "", "any number of open files %s", whose(d));
    else
        doctor_say(d, DOCTOR_OK, "", "", "%" PRIu64 " open files %s, %" PRIu64 " wanted", have,
                   whose(d), want);
}

static void memlock(struct doctor *d)
{
    uint64_t have = limit_of(d, "Max locked memory", RLIMIT_MEMLOCK);
    if (have < MEMLOCK_LEAST)
        doctor_say(d, DOCTOR_WARN, "", "LimitMEMLOCK=64K of the unit: keys could be swapped out",
                   "%" PRIu64 " bytes can be locked in memory %s", have, whose(d));
    else
        doctor_say(d, DOCTOR_OK, "", "", "keys can be locked in memory");
}

static void sockets(struct doctor *d)
{
    uint64_t rmem = doctor_number("/proc/sys/net/core/rmem_max");
    uint64_t queue = doctor_number("/proc/sys/net/core/somaxconn");
    if (rmem != UINT64_MAX && rmem < RMEM_WANTED)
        doctor_say(d, DOCTOR_WARN, "net.core.rmem_max",
                   "sysctl net.core.rmem_max=4194304: DNS queries in a burst are lost otherwise",
                   "%" PRIu64 " bytes, %u wanted", rmem, RMEM_WANTED);
    if (queue != UINT64_MAX && queue < BACKLOG)
        doctor_say(d, DOCTOR_WARN, "net.core.somaxconn",
                   "sysctl net.core.somaxconn=4096: connections in a burst are refused otherwise",
                   "%" PRIu64 ", %u wanted", queue, BACKLOG);
    if (!d->rows)
        doctor_say(d, DOCTOR_OK, "", "", "net.core.rmem_max and somaxconn are large enough");
}

/* The process's group (cgroup v2) below /sys/fs/cgroup; empty: none. */
static void group_path(const struct doctor *d, char out[PATH_SIZE])
{
    char path[64], text[DOCTOR_TEXT_MAX];
    snprintf(path, sizeof path, "/proc/%ld/cgroup", d->pid ? d->pid : (long)getpid());
    const char *at = strstr(doctor_text(path, text), "0::");
    out[0] = 0;
    if (at)
        snprintf(out, PATH_SIZE, "/sys/fs/cgroup%.*s", (int)strcspn(at + 3, "\n"), at + 3);
}

static uint64_t group_number(const char *group, const char *name)
{
    char path[PATH_SIZE + 64];
    snprintf(path, sizeof path, "%s/%s", group, name);
    return doctor_number(path);
}

static void group(struct doctor *d)
{
    char path[PATH_SIZE];
    group_path(d, path);
    uint64_t tasks = path[0] ? group_number(path, "pids.max") : UINT64_MAX;
    uint64_t memory = path[0] ? group_number(path, "memory.max") : UINT64_MAX;
    uint64_t sensors = d->c.config && d->c.config->serve.sensors
                           ? d->c.config->serve.sensors
                           : (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t each = d->c.config && d->c.config->serve.limits.memory_mib
                        ? *d->c.config->serve.limits.memory_mib
                        : default_memory_mib;
    uint64_t want = sensors * (each << 20) + MEMORY_SPARE;
    if (tasks < TASKS_LEAST)
        doctor_say(d, DOCTOR_WRONG, "tasks", "TasksMax= of the unit",
                   "%" PRIu64 " processes and threads at most, %d wanted", tasks, TASKS_LEAST);
    if (memory < want)
        doctor_say(d, DOCTOR_WARN, "memory",
                   "MemoryMax= of the unit, or a smaller serve.limits.memory_mib",
                   "%" PRIu64 " MiB at most; %" PRIu64 " sensors may take %" PRIu64 " MiB",
                   memory >> 20, sensors, want >> 20);
    if (!d->rows)
        doctor_say(d, DOCTOR_OK, "", "", "tasks and memory of the control group are enough");
}

static void sandbox(struct doctor *d)
{
    char text[DOCTOR_TEXT_MAX];
    int abi = sandbox_landlock_abi();
    bool seccomp = doctor_text("/proc/sys/kernel/seccomp/actions_avail", text)[0] != 0;
    if (!seccomp)
        doctor_say(d, DOCTOR_WRONG, "seccomp", "a kernel with CONFIG_SECCOMP_FILTER",
                   "this kernel has none: `ebb serve` will not start");
    if (abi < 1)
        doctor_say(d, DOCTOR_WARN, "Landlock", "a kernel with Landlock (5.13), lsm=landlock,...",
                   "this kernel has none: files are kept apart by users and seccomp alone");
    if (!d->rows)
        doctor_say(d, DOCTOR_OK, "", "", "Landlock ABI %d, seccomp", abi);
}

const struct doctor_check doctor_limit_checks[] = {
    {"open files", files},    {"locked memory", memlock}, {"sockets", sockets},
    {"control group", group}, {"sandbox", sandbox},       {0}};
