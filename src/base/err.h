/* Errors a person reads: one line of text beside a negative return value.
 *
 * A function that can fail for a reason outside the program takes `struct err *` last (NULL is
 * allowed), fills it through err_set() and returns the negative errno-like code. The text reads
 * "what: why (where)"; the command line prints it behind "ebb: ". */
#pragma once

#define ERR_TEXT_MAX 512

struct err {
    int code;                /* negative errno, 0 when nothing failed */
    char text[ERR_TEXT_MAX]; /* always terminated, one line */
};

/* Stores code and text (cut at ERR_TEXT_MAX) and returns code, so that callers write
 * `return err_set(err, -EINVAL, "...", ...)`. Control characters in the text become '?'. */
int err_set(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same from errno: appends ": strerror(errno)" and returns -errno. */
int err_errno(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
