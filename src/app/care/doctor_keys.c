/* Doctor: who else could read the keys. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "app/account/seal_key.h"
#include "app/care/doctor.h"
#include "base/file.h"
#include "state/keys.h"

static bool stat_in(const struct doctor *d, const char *name, struct stat *st)
{
    char path[FILE_PATH_MAX];
    return file_path(path, NULL, "%s/%s", d->dir, name) == 0 && lstat(path, st) == 0;
}

/* Nobody but the owner, who is the case's. */
static void private(struct doctor *d, const char *name, uid_t owner)
{
    struct stat st;
    if (!stat_in(d, name, &st))
        return;
    if (st.st_mode & 077)
        doctor_say(d, DOCTOR_WRONG, name, S_ISDIR(st.st_mode) ? "chmod 0700" : "chmod 0600",
                   "others than its owner may open it (mode %04o)", st.st_mode & 07777);
    else if (st.st_uid != owner)
        doctor_say(d, DOCTOR_WRONG, name, "chown it to the case's owner",
                   "belongs to user %u, the case to %u", st.st_uid, owner);
}

static void key_files(struct doctor *d, uid_t owner)
{
    char path[FILE_PATH_MAX], name[300];
    DIR *dir = file_path(path, NULL, "%s/keys", d->dir) == 0 ? opendir(path) : NULL;
    if (!dir)
        return;
    for (struct dirent *e; (e = readdir(dir));) {
        snprintf(name, sizeof name, "keys/%.255s", e->d_name);
        if (e->d_name[0] != '.')
        private(d, name, owner);
    }
    closedir(dir);
}

static void permissions(struct doctor *d)
{
    static const char *const names[] = {"keys", "journal", "desk", "run", "run/control"};
    struct stat st;
    if (stat(d->dir, &st) < 0) {
        doctor_say(d, DOCTOR_WRONG, "", "", "%s", strerror(errno));
        return;
    }
    uid_t owner = st.st_uid;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    private(d, names[i], owner);
    key_files(d, owner);
    if (stat_in(d, CONFIG_FILE, &st) && (st.st_mode & 022))
        doctor_say(d, DOCTOR_WRONG, CONFIG_FILE,
                   "chmod go-w: it says which programs' files are read",
                   "others than its owner may change it (mode %04o)", st.st_mode & 07777);
    if (!d->rows)
        doctor_say(d, DOCTOR_OK, "", "",
                   "keys, journal and control socket are their owner's alone");
}

/* Files with a password that ebb.yaml names. */
static void password(struct doctor *d, const char *what, const char *name)
{
    char path[FILE_PATH_MAX];
    struct stat st;
    if (doctor_stat(d, what, name, "make the file, mode 0600", path, &st) != 1)
        return;
    if (st.st_mode & 077)
        doctor_say(d, DOCTOR_WRONG, what, "chmod 0600", "%s: others may read it (mode %04o)", path,
                   st.st_mode & 07777);
    else
        doctor_say(d, DOCTOR_OK, what, "", "its owner's alone");
}

static void passwords(struct doctor *d)
{
    if (d->c.config) {
        password(d, "cleanup.smarthost.password_file",
                 d->c.config->cleanup.smarthost.password_file);
        password(d, "cluster.password_file", d->c.config->cluster.password_file);
    }
    if (!d->rows)
        doctor_say(d, DOCTOR_SKIPPED, "", "", "ebb.yaml names none");
}

static void root(struct doctor *d)
{
    const char *user = d->c.config ? d->c.config->serve.user : "";
    if (geteuid() == 0 && !user[0] && d->c.config && d->c.config->serve.listen_count)
        doctor_say(d, DOCTOR_WARN, "", "serve.user in ebb.yaml, or User= of the unit",
                   "`ebb serve` started by root would stay root, without capabilities");
    else
        doctor_say(d, DOCTOR_OK, "", "", user[0] ? "`ebb serve` becomes %s" : "not root", user);
}

/* Memory that goes to a disk. */
static void leaks(struct doctor *d)
{
    char text[DOCTOR_TEXT_MAX];
    struct rlimit core;
    const char *line = strchr(doctor_text("/proc/swaps", text), '\n');
    if (line && strstr(line + 1, "zram") == NULL && strchr(line + 1, '/'))
        doctor_say(d, DOCTOR_WARN, "swap", "none, or on an encrypted device with a random key",
                   "memory may be written to %.*s", (int)strcspn(line + 1, " \t\n"), line + 1);
    doctor_text("/proc/sys/kernel/core_pattern", text);
    text[strcspn(text, "\n")] = 0;
    if (getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur > 0)
        doctor_say(d, DOCTOR_WARN, "core files",
                   "ulimit -c 0 where keys are used: `ebb serve` forbids itself, commands cannot",
                   "a command that crashes leaves its memory (%.200s)", text);
    if (!d->rows)
        doctor_say(d, DOCTOR_OK, "", "", "no swap, no core files");
}

/* ---- the seal's key: files and log agree ---- */

struct newest {
    char to[2 * NET_SEAL_KEY_LEN + 1];
};

static int keep_newest(void *ctx, const struct key_rotated *k)
{
    struct newest *n = ctx;
    snprintf(n->to, sizeof n->to, "%.*s", (int)k->act.to_key.n, (const char *)k->act.to_key.p);
    return 0;
}

static void seal(struct doctor *d)
{
    struct seal_pair pairs[SEAL_KEYS_MAX];
    struct newest said = {""};
    char path[FILE_PATH_MAX], hex[2 * NET_SEAL_KEY_LEN + 1], file[DOCTOR_TEXT_MAX];
    struct err err;
    int n = seal_key_all(d->dir, pairs, &err);
    hex[0] = 0;
    if (n > 0)
        hex_encode(pairs[0].public_key, NET_SEAL_KEY_LEN, hex);
    sodium_memzero(pairs, sizeof pairs);
    if (n < 0) {
        doctor_say(d, n == -ENOENT || n == -EACCES ? DOCTOR_SKIPPED : DOCTOR_WRONG, "",
                   n == -ENOENT || n == -EACCES ? "" : "restore keys/ from the backup", "%s",
                   n == -ENOENT ? "there is none yet: `ebb serve` makes it" : err.text);
        return;
    }
    if (d->views)
        keys_rotated(d->c.pursuit, span_str("seal"), keep_newest, &said, NULL);
    if (file_path(path, NULL, "%s/keys/seal.pub", d->dir) < 0)
        path[0] = 0;
    doctor_text(path, file);
    file[strcspn(file, "\n")] = 0;
    if (strcmp(file, hex) != 0 || (said.to[0] && strcmp(said.to, hex) != 0))
        doctor_say(d, DOCTOR_WRONG, "", "ebb key rotate seal: finishes what was interrupted",
                   "the log, keys/seal.pub and keys/seal.key do not name the same key");
    else
        doctor_say(d, DOCTOR_OK, "", "", "%d that open what was sealed", n);
}

const struct doctor_check doctor_key_checks[] = {{"permissions", permissions},
                                                 {"passwords", passwords},
                                                 {"root", root},
                                                 {"memory", leaks},
                                                 {"seal key", seal},
                                                 {0}};
