/* Maildir (D. J. Bernstein, "Using maildir format"): a folder with new/ and cur/, each file a mail
 * that is whole; what is in tmp/ is not. Lists them, and waits for more. */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct maildir_files {
    char **path;
    size_t n, cap;
};
void maildir_files_free(struct maildir_files *f);

bool maildir_is_folder(const char *path);
/* Adds the files of a Maildir, or of its new/ or cur/ alone, ordered by name (which is by time).
 * -ENOTDIR when the folder is neither. */
int maildir_list(const char *path, struct maildir_files *out, struct err *err);

struct maildir_watch;
/* From now on nothing that comes into these Maildirs is missed. The texts must outlive it. */
int maildir_watch_open(const char *const *path, size_t n, struct maildir_watch **out,
                       struct err *err);
void maildir_watch_close(struct maildir_watch *w);
/* Waits for mails, at most `wait_ms` (-1: for ever), and adds those that came since the last call.
 * A file that is written in place is taken when its writer closed it. 1 some, 0 none in that time,
 * or *stop is set (signals must be blocked outside of it: `mask` is the one to wait with);
 * negative. */
int maildir_watch_wait(struct maildir_watch *w, int wait_ms, const volatile sig_atomic_t *stop,
                       const sigset_t *mask, struct maildir_files *out, struct err *err);
