#include "app/serve/desk_rule.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "event/act_signed.h"

#define HOUR_MS (3600 * 1000ll)

bool desk_rule_is(const struct serve_shared *s, int32_t pid)
{
    int32_t desk = __atomic_load_n(s->desk_group, __ATOMIC_ACQUIRE);
    if (pid <= 0)
        return true;
    pid_t group = getpgid(pid);
    return group < 0 ? errno == ESRCH : desk > 0 && group == desk;
}

/* A file without surprises: reading it ends, and gives what it has now. */
static int check_files(const struct ctl_request *q, uint64_t *bytes, struct err *err)
{
    for (unsigned i = 0; i < q->n_blobs; i++) {
        struct stat st;
        if (fstat(q->blobs[i], &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < 0 ||
            st.st_size > DESK_FILE_MAX)
            return err_set(err, -EFBIG, "not a file, or over %u MiB", DESK_FILE_MAX >> 20);
        *bytes += (uint64_t)st.st_size;
    }
    return 0;
}

/* Whether the signature holds, and is of who may, casebook_may() says. */
static int check_signed(const struct ctl_request *q, struct err *err)
{
    struct span account;
    if (act_signer(q->payload, &account) < 0 || !account.n)
        return err_set(err, -EPERM, "the desk gives acts alone that an account has signed");
    return 0;
}

int desk_rule_may(struct desk_rule *r, const struct ctl_request *q, int64_t now_ms, struct err *err)
{
    uint64_t bytes = 0;
    int rc = q->verb == CTL_ACT ? check_signed(q, err)
             : q->verb == CTL_KEEP || q->verb == CTL_STATUS
                 ? 0
                 : err_set(err, -EPERM, "not for the desk");
    if (rc == 0)
        rc = check_files(q, &bytes, err);
    if (rc < 0)
        return rc;
    if (!r->since || now_ms - r->since >= HOUR_MS)
        *r = (struct desk_rule){.since = now_ms};
    if (r->bytes + bytes > DESK_BYTES_HOUR)
        return err_set(err, -EAGAIN, "too many files came by the desk within this hour");
    r->bytes += bytes;
    return 0;
}
