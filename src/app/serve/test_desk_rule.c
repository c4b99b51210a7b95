#include "app/serve/desk_rule.h"

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cbor.h"
#include "base/tap.h"
#include "event/act_signed.h"
#include "event/event.h"

static int32_t desk_group;
static struct serve_shared shared = {.desk_group = &desk_group};

/* A child that waits; in a group of its own, or in `group`. */
static pid_t waits(pid_t group)
{
    int ready[2];
    char byte;
    if (pipe(ready) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        if (group >= 0)
            setpgid(0, group);
        (void)!write(ready[1], "x", 1);
        pause();
        _exit(0);
    }
    (void)!read(ready[0], &byte, 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void ends(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void test_who(void)
{
    pid_t desk = waits(0), child = waits(desk), other = waits(-1);
    desk_group = desk;
    ok(desk_rule_is(&shared, desk), "the desk");
    ok(desk_rule_is(&shared, child), "its child");
    ok(!desk_rule_is(&shared, other), "another process");
    ok(!desk_rule_is(&shared, getpid()), "we");
    desk_group = 0;
    ok(!desk_rule_is(&shared, other), "no desk runs");
    desk_group = desk;
    ends(other);
    ok(desk_rule_is(&shared, other), "one that is gone is believed nothing");
    ok(desk_rule_is(&shared, 0) && desk_rule_is(&shared, -1), "nor is no pid");
    ends(child);
    ends(desk);
}

static struct buf payload(bool with_signature)
{
    struct buf plain = {0}, out = {0};
    uint8_t secret[ACT_SIGN_SECRET] = {1};
    cbor_put_head(&plain, CBOR_MAP, 1);
    cbor_put_key(&plain, "why");
    cbor_put_text(&plain, span_str("because"));
    if (!with_signature)
        return plain;
    act_sign(buf_as_span(&plain), KIND_FACT, "case.example", span_str("rita"), secret, &out);
    buf_free(&plain);
    return out;
}

static void test_what(void)
{
    struct desk_rule r = {0};
    struct err err = {0};
    struct buf bare = payload(false), whole = payload(true), junk = {0};
    buf_str(&junk, "\xa1");
    struct ctl_request q = {.verb = CTL_ACT, .kind = KIND_FACT, .payload = buf_as_span(&whole)};
    is_int(desk_rule_may(&r, &q, 1, &err), 0);
    q.payload = buf_as_span(&bare);
    is_int(desk_rule_may(&r, &q, 1, &err), -EPERM);
    for (unsigned kind = 0; kind <= UINT8_MAX; kind++) { /* also those that need no signature */
        q.kind = (uint8_t)kind;
        if (desk_rule_may(&r, &q, 1, &err) != -EPERM)
            ok(false, "an unsigned act was taken");
    }
    q.payload = buf_as_span(&junk);
    is_int(desk_rule_may(&r, &q, 1, &err), -EPERM);
    q = (struct ctl_request){.verb = CTL_RELOAD};
    is_int(desk_rule_may(&r, &q, 1, &err), -EPERM);
    q.verb = CTL_STATUS;
    is_int(desk_rule_may(&r, &q, 1, &err), 0);
    buf_free(&bare);
    buf_free(&whole);
    buf_free(&junk);
}

static void test_files(void)
{
    struct desk_rule r = {0};
    struct err err = {0};
    int ends_of[2], fd = memfd_create("x", MFD_CLOEXEC);
    struct ctl_request q = {.verb = CTL_KEEP, .blobs = {fd}, .n_blobs = 1};
    is_int(desk_rule_may(&r, &q, 1, &err), 0);
    ok(ftruncate(fd, DESK_FILE_MAX) == 0, "a large file");
    unsigned n = 0;
    while (n < 1000 && desk_rule_may(&r, &q, 2, &err) == 0)
        n++;
    is_int(n, DESK_BYTES_HOUR / DESK_FILE_MAX);
    is_int(desk_rule_may(&r, &q, 3600 * 1000 + 2, &err), 0);
    ok(ftruncate(fd, DESK_FILE_MAX + 1) == 0 &&
           desk_rule_may(&r, &q, 3600 * 1000 + 2, &err) == -EFBIG,
       "too large a file");
    ok(pipe(ends_of) == 0, "a pipe");
    q.blobs[0] = ends_of[0];
    is_int(desk_rule_may(&r, &q, 3600 * 1000 + 2, &err), -EFBIG);
    close(ends_of[0]);
    close(ends_of[1]);
    close(fd);
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    test_who();
    test_what();
    test_files();
    return tap_done();
}
