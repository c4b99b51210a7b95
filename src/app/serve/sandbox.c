#include "app/serve/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "app/serve/sandbox_calls.h"
#include "base/file.h"
#include "base/log.h"

#define CAPABILITIES_MAX 64

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

const char *sandbox_role_name(enum sandbox_role role)
{
    static const char *const names[SANDBOX_ROLES] = {
        "supervisor", "sensor", "recorder", "desk", "courier", "partners", "public", "keeper", "centre"};
    return names[role];
}

/* ---- privileges ---- */

static int become(const char *user, struct err *err)
{
    errno = 0;
    struct passwd *pw = getpwnam(user);
    if (!pw)
        return errno ? err_errno(err, "user %s", user)
                     : err_set(err, -ENOENT, "user %s: there is none of that name", user);
    if (pw->pw_uid == 0)
        return err_set(err, -EPERM, "user %s: is root", user);
    if (setgroups(0, NULL) < 0 || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0 ||
        setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0)
        return err_errno(err, "user %s: cannot become it", user);
    if (setresuid(0, 0, 0) == 0 || setresgid(0, 0, 0) == 0)
        return err_set(err, -EPERM, "user %s: the way back to root is open", user);
    return 0;
}

/* Nothing can be got back by exec either. Who may not say so is held by no_new_privs. */
static void clear_bounding_set(void)
{
    for (unsigned cap = 0; cap < CAPABILITIES_MAX; cap++)
        if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
            (void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

/* A service manager may have forbidden capset() itself. Then the one capability that it gave, to
 * bind low ports, may stay: no role but the supervisor can bind. */
static int clear_capabilities(struct err *err)
{
    const uint32_t tolerated = 1u << CAP_NET_BIND_SERVICE;
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
    bool cleared = syscall(SYS_capset, &head, data) == 0;
    if (!cleared && errno != EPERM)
        return err_errno(err, "capset");
    if (syscall(SYS_capget, &head, data) < 0)
        return err_errno(err, "capget");
    data[0].effective &= cleared ? ~0u : ~tolerated;
    data[0].permitted &= cleared ? ~0u : ~tolerated;
    data[0].inheritable &= cleared ? ~0u : ~tolerated;
    for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        if (data[i].effective | data[i].permitted | data[i].inheritable)
            return err_set(err, -EPERM, "capabilities are left that cannot be dropped");
    return 0;
}

int sandbox_drop(const char *user, struct err *err)
{
    const struct rlimit none = {0, 0};
    int rc = 0;
    clear_bounding_set(); /* needs a capability that goes with root */
    if (user && *user && geteuid() == 0)
        rc = become(user, err);
    if (rc == 0)
        rc = clear_capabilities(err);
    if (rc < 0)
        return rc;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_errno(err, "no_new_privs");
    if (!SANITIZED &&
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) /* a leak checker traces its own process */
        return err_errno(err, "PR_SET_DUMPABLE");
    if (setrlimit(RLIMIT_CORE, &none) < 0)
        return err_errno(err, "RLIMIT_CORE");
    umask(077);
    return 0;
}

/* ---- Landlock, of which older linux/landlock.h know only some ---- */

#define FS_WRITE_FILE  (1ull << 1)
#define FS_READ_FILE   (1ull << 2)
#define FS_READ_DIR    (1ull << 3)
#define FS_REMOVE_DIR  (1ull << 4)
#define FS_REMOVE_FILE (1ull << 5)
#define FS_MAKE_DIR    (1ull << 7)
#define FS_MAKE_REG    (1ull << 8)
#define FS_MAKE_SOCK   (1ull << 9)
#define FS_REFER       (1ull << 13) /* ABI 2 */
#define FS_TRUNCATE    (1ull << 14) /* ABI 3 */
#define FS_OF_FILES    (FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE)
#define TCP_BIND       (1ull << 0) /* ABI 4 */
#define TCP_CONNECT    (1ull << 1)
#define SCOPES         (3ull << 0) /* ABI 6: abstract Unix sockets, signals */

#define FILES_READ (FS_READ_FILE | FS_READ_DIR)
#define FILES_WRITE                                                                                \
    (FILES_READ | FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG |     \
     FS_REFER | FS_TRUNCATE)
#define FILES_SOCKETS (FILES_WRITE | FS_MAKE_SOCK)

/* The numbers are the same on every architecture. */
enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446, RULE_PATH = 1, RULE_PORT = 2 };
enum { VERSION = 1 };

struct ruleset {
    uint64_t files, tcp, scopes;
};
struct path_rule {
    uint64_t rights;
    int32_t parent;
} __attribute__((packed));
struct port_rule {
    uint64_t rights, port;
};

int sandbox_landlock_abi(void)
{
    long abi = syscall(CREATE_RULESET, NULL, 0, VERSION);
    return abi > 0 ? (int)abi : 0;
}

/* All file rights that an ABI has names for. */
static uint64_t file_rights(int abi)
{
    unsigned bits = abi >= 5 ? 16 : abi >= 3 ? 15 : abi == 2 ? 14 : 13;
    return (1ull << bits) - 1;
}

static int allow_path(int ruleset, const char *path, uint64_t rights, struct err *err)
{
    struct stat st;
    int fd = open(path, O_PATH | O_CLOEXEC), rc = 0;
    if (fd < 0)
        return errno == ENOENT || errno == EACCES ? 0 : err_errno(err, "%s", path);
    if (fstat(fd, &st) < 0)
        rc = err_errno(err, "%s", path);
    struct path_rule rule = {rc == 0 && S_ISDIR(st.st_mode) ? rights : rights & FS_OF_FILES, fd};
    if (rc == 0 && syscall(ADD_RULE, ruleset, RULE_PATH, &rule, 0) < 0)
        rc = err_errno(err, "landlock: %s", path);
    close(fd);
    return rc;
}

static const struct {
    unsigned roles;
    const char *path;
    uint64_t rights;
} files[] = {
#define FILES(roles, path, rights) {roles, path, rights},
#include "app/serve/sandbox_roles.def"
};

static bool has(enum sandbox_role role, unsigned roles)
{
    return role == SANDBOX_SUPERVISOR || roles & 1u << role;
}

static int allow_files(int ruleset, enum sandbox_role role, const struct sandbox_paths *paths,
                       uint64_t known, struct err *err)
{
    const char *case_dir = paths ? paths->case_dir : NULL;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[FILE_PATH_MAX];
        bool absolute = files[i].path[0] == '/';
        bool rules = strcmp(files[i].path, "@rules") == 0;
        if (!has(role, files[i].roles) || (!absolute && !case_dir) ||
            (rules && (!paths || !paths->rules)))
            continue;
        int rc = rules ? file_path(path, err, "%s", paths->rules)
                       : file_path(path, err, "%s%s%s", absolute ? "" : case_dir,
                                   absolute ? "" : "/", files[i].path);
        if (rc == 0)
            rc = allow_path(ruleset, path, files[i].rights & known, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static uint64_t tcp_allowed(enum sandbox_role role)
{
    uint64_t rights = 0;
#define TCP(roles, right)                                                                          \
    if (has(role, roles))                                                                          \
        rights |= right;
#include "app/serve/sandbox_roles.def"
    return rights;
}

/* Of the ports there are, this one. */
static int allow_port(int ruleset, uint16_t port, struct err *err)
{
    struct port_rule rule = {TCP_CONNECT, port};
    return syscall(ADD_RULE, ruleset, RULE_PORT, &rule, 0) < 0
               ? err_errno(err, "landlock: port %u", port)
               : 0;
}

static int lock_files(enum sandbox_role role, const struct sandbox_paths *paths, struct err *err)
{
    int abi = sandbox_landlock_abi();
    if (!abi) {
        log_line(LOG_WARN, "this kernel has no Landlock: the role is held by seccomp alone",
                 "role=%s", sandbox_role_name(role));
        return 0;
    }
    bool one_port = role != SANDBOX_SUPERVISOR && paths && paths->port &&
                    tcp_allowed(role) & TCP_CONNECT && abi >= 4;
    uint64_t free_tcp = tcp_allowed(role) & ~(one_port ? TCP_CONNECT : 0);
    struct ruleset all = {file_rights(abi), (TCP_BIND | TCP_CONNECT) & ~free_tcp, SCOPES};
    size_t size = abi >= 6 ? sizeof all : abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
    int ruleset = (int)syscall(CREATE_RULESET, &all, size, 0);
    if (ruleset < 0)
        return err_errno(err, "landlock");
    int rc = allow_files(ruleset, role, paths, all.files, err);
    if (rc == 0 && one_port)
        rc = allow_port(ruleset, paths->port, err);
    if (rc == 0 && syscall(RESTRICT_SELF, ruleset, 0) < 0)
        rc = err_errno(err, "landlock");
    close(ruleset);
    return rc;
}

int sandbox_enter(enum sandbox_role role, const struct sandbox_paths *paths, struct err *err)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_errno(err, "no_new_privs");
    int rc = lock_files(role, paths, err);
    return rc < 0 ? rc : sandbox_calls(role, err);
}
