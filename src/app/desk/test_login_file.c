#include "app/desk/login_file.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/tap.h"
#include "base/utc.h"

static char dir[] = "/tmp/ebb-login-XXXXXX";
static char path[FILE_PATH_MAX];

static const char *in(const char *name)
{
    file_path(path, NULL, "%s/%s", dir, name);
    return path;
}

static struct login make(const char *account, const char *hash)
{
    struct login l = {0};
    snprintf(l.account, sizeof l.account, "%s", account);
    snprintf(l.hash, sizeof l.hash, "%s", hash);
    totp_secret(l.secret);
    return l;
}

static int mode_of(const char *name)
{
    struct stat st;
    return stat(in(name), &st) < 0 ? -1 : (int)(st.st_mode & 07777);
}

static void test_logins(void)
{
    struct login_file f;
    struct login a = make("rita", "hash 1"), b = make("carla", "hash 2"),
                 c = make("rita", "hash 3");
    ok(login_file_read(dir, &f, NULL) == 0 && !f.n, "no file: nobody");
    is_int(login_file_put(dir, &a, false, NULL), 0);
    is_int(login_file_put(dir, &b, false, NULL), 0);
    is_int(login_file_put(dir, &c, false, NULL), 0);
    is_int(mode_of("desk"), 0700);
    is_int(mode_of("desk/logins"), 0600);
    is_int(login_file_read(dir, &f, NULL), 0);
    is_int(f.n, 2);
    const struct login *l = login_file_find(&f, span_str("rita"));
    ok(l && strcmp(l->hash, "hash 3") == 0 && memcmp(l->secret, c.secret, sizeof c.secret) == 0);
    ok(!login_file_find(&f, span_str("rit")) && !login_file_find(&f, span_str("")));
    login_file_free(&f);
    is_int(login_file_put(dir, &a, true, NULL), 0);
    ok(login_file_put(dir, &a, true, NULL) < 0, "it is gone already");
    ok(login_file_read(dir, &f, NULL) == 0 && f.n == 1 && !login_file_find(&f, span_str("rita")));
    login_file_free(&f);
    static const char *const bad[] = {"rita", "rita\thash", "rita\thash\tAAAA\n",
                                      "ri ta\thash\tAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
                                      "\thash\tAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        file_replace(in("desk/logins"), span_str(bad[i]), 0600, NULL);
        ok(login_file_read(dir, &f, NULL) < 0 && !f.n);
    }
    unlink(in("desk/logins"));
}

static int count(void *ctx, const struct login_link *l)
{
    ++*(unsigned *)ctx;
    return 0;
}

static unsigned links(int64_t now)
{
    unsigned n = 0;
    return login_links(dir, now, count, &n, NULL) < 0 ? 99 : n;
}

static void test_links(void)
{
    char token[SESSION_TOKEN_LEN + 1], second[SESSION_TOKEN_LEN + 1];
    struct login_link l;
    const int64_t now = 1300233600 * UTC_SECOND, minute = 60 * UTC_SECOND;
    is_int(login_link_make(dir, "rita", now, 10, token, NULL), 0);
    ok(login_link_find(dir, span_str(token), now + 9 * minute, &l, NULL) == 1);
    is_str(l.account, "rita");
    ok(l.made == now && l.until == now + 10 * minute);
    is_int(login_link_find(dir, span_str(token), now + 10 * minute, &l, NULL), 0);
    is_int(links(now), 1);
    is_int(links(now + 10 * minute), 0);
    token[7] ^= 1;
    is_int(login_link_find(dir, span_str(token), now, &l, NULL), 0);
    is_int(login_link_find(dir, span_str("../../logins"), now, &l, NULL), 0);
    is_int(login_link_find(dir, span_str(""), now, &l, NULL), 0);
    is_int(login_link_make(dir, "carla", now + 11 * minute, 10, second, NULL), 0);
    is_int(links(now), 1); /* the first one was taken away */
    login_link_find(dir, span_str(second), now + 11 * minute, &l, NULL);
    char hex[SHA256_HEX_MAX], name[128];
    hex_encode(l.digest, SHA256_LEN, hex);
    snprintf(name, sizeof name, "desk/links/%s", hex);
    is_int(mode_of(name), 0600);
    file_replace(in(name), span_str("carla\tnever\talways\n"), 0600, NULL);
    is_int(login_link_find(dir, span_str(second), now, &l, NULL), 0);
    unlink(in(name));
    rmdir(in("desk/links"));
    rmdir(in("desk"));
}

int main(void)
{
    if (sodium_init() < 0 || !mkdtemp(dir))
        return 1;
    test_logins();
    test_links();
    rmdir(dir);
    return tap_done();
}
