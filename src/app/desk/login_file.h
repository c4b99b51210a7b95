/* Login file: who may log in by password and one-time code, and the links that log in once. Both
 * lie in the case, readable by its owner alone, and are written by `ebb desk`; the desk reads them
 * and can write neither.
 *
 *   CASE/desk/logins       a line an account: NAME <tab> HASH <tab> SECRET
 *   CASE/desk/links/HEX    the SHA-256 of a link's token: NAME <tab> MADE <tab> UNTIL (RFC 3339) */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/digest.h"
#include "event/act_signed.h"
#include "web/password.h"
#include "web/session.h"
#include "web/totp.h"

#define LOGINS_MAX       1024 /* accounts */
#define LINK_MINUTES_MAX (7 * 24 * 60)

struct login {
    char account[ACT_ACCOUNT_MAX + 1];
    char hash[PASSWORD_HASH_MAX];
    uint8_t secret[TOTP_SECRET_LEN]; /* of one-time codes */
};

struct login_file {
    struct login *logins;
    size_t n, cap;
};
/* A file that is not there is empty. Free (and so wipe) it after use. */
int login_file_read(const char *case_dir, struct login_file *out, struct err *err);
void login_file_free(struct login_file *f);
const struct login *login_file_find(const struct login_file *f, struct span account);
/* Replaces the account's line, or adds one; remove: takes it away, -ENOENT where there is none. */
int login_file_put(const char *case_dir, const struct login *login, bool remove, struct err *err);

struct login_link {
    char account[ACT_ACCOUNT_MAX + 1];
    int64_t made, until; /* microseconds UTC */
    uint8_t digest[SHA256_LEN];
};
/* Makes one and its token; removes those whose time is over. */
int login_link_make(const char *case_dir, const char *account, int64_t now, unsigned minutes,
                    char token[SESSION_TOKEN_LEN + 1], struct err *err);
/* By its token: 1 it is good until out->until; 0 there is none, or its time is over; negative. */
int login_link_find(const char *case_dir, struct span token, int64_t now, struct login_link *out,
                    struct err *err);
/* Those in force. each() returns 0 to go on. */
int login_links(const char *case_dir, int64_t now,
                int (*each)(void *ctx, const struct login_link *l), void *ctx, struct err *err);
