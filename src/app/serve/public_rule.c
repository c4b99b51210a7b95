#include "app/serve/public_rule.h"

#include <errno.h>
#include <sys/stat.h>

#include "event/act_pursuit.h"
#include "event/act_signed.h"
#include "event/event.h"
#include "state/leads.h"

#define HOUR_MS (3600 * 1000ll)

static bool is_digest(struct span s)
{
    return s.n == SHA256_LEN;
}

/* By nobody: who signs an act is a person of the case, and none is in that process. */
static int check_unsigned(struct span payload, struct err *err)
{
    struct span account;
    return act_signer(payload, &account) == 0 && !account.n
               ? 0
               : err_set(err, -EPERM, "an act of an account, from the public process");
}

static int check_lead(struct span payload, uint64_t *bytes, struct err *err)
{
    struct act_lead a;
    if (act_lead_read(payload, &a) < 0 || !is_digest(a.content) || !is_digest(a.wraps) ||
        !is_digest(a.commitment) || a.locator.n != LEAD_LOCATOR_LEN || a.salt.n != LEAD_SALT_LEN ||
        a.public.n != LEAD_PUBLIC_LEN || a.verify.n != LEAD_PUBLIC_LEN || !a.size ||
        a.size > PUBLIC_BYTES_HOUR || a.work > PUBLIC_WORK_MAX || a.files > PUBLIC_FILES_MAX)
        return err_set(err, -EBADMSG, "not a lead as pages give it");
    *bytes = a.size;
    return 0;
}

/* What the informant's key signed is looked at by the view; ours come by accounts. */
static int check_message(struct span payload, struct err *err)
{
    struct act_lead_message a;
    if (act_lead_message_read(payload, &a) < 0 || !leads_what_is_theirs(a.what) || !a.lead ||
        a.proof.n != LEAD_PROOF_LEN || a.files > PUBLIC_FILES_MAX || a.size > PUBLIC_BYTES_HOUR)
        return err_set(err, -EBADMSG, "not an informant's message");
    return 0;
}

static int check_act(const struct ctl_request *q, uint64_t *lead_bytes, struct err *err)
{
    if (q->kind != KIND_LEAD && q->kind != KIND_LEAD_MESSAGE)
        return err_set(err, -EPERM,
                       "the public process gives leads and informants' messages alone");
    if (q->n_blobs || q->payload.n > PUBLIC_PAYLOAD_MAX)
        return err_set(err, -EFBIG, "more than a lead's act has");
    int rc = check_unsigned(q->payload, err);
    if (rc == 0)
        rc = q->kind == KIND_LEAD ? check_lead(q->payload, lead_bytes, err)
                                  : check_message(q->payload, err);
    return rc;
}

/* A file without surprises: reading it ends, and gives what it has now. */
static int check_parts(const struct ctl_request *q, uint64_t *bytes, struct err *err)
{
    *bytes = 0;
    for (unsigned i = 0; i < q->n_blobs; i++) {
        struct stat st;
        if (fstat(q->blobs[i], &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < 0 ||
            (uint64_t)st.st_size > PUBLIC_PART_MAX)
            return err_set(err, -EFBIG, "not a part of a lead, or over %u MiB",
                           PUBLIC_PART_MAX >> 20);
        *bytes += (uint64_t)st.st_size;
    }
    return 0;
}

int public_rule_may(struct public_rule *r, const struct ctl_request *q, int64_t now_ms,
                    uint64_t *lead_bytes, struct err *err)
{
    uint64_t bytes = 0, acts = q->verb == CTL_ACT;
    *lead_bytes = 0;
    int rc = q->verb == CTL_ACT    ? check_act(q, lead_bytes, err)
             : q->verb == CTL_KEEP ? check_parts(q, &bytes, err)
                                   : err_set(err, -EPERM, "not for the public process");
    if (rc < 0)
        return rc;
    if (!r->since || now_ms - r->since >= HOUR_MS)
        *r = (struct public_rule){.since = now_ms};
    if (r->acts + acts > PUBLIC_ACTS_HOUR || r->bytes + bytes > PUBLIC_BYTES_HOUR)
        return err_set(err, -EAGAIN, "too much came by the public pages within this hour");
    r->acts += acts;
    r->bytes += bytes;
    return 0;
}
