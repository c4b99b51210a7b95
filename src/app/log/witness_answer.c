/* What is said to a witness, and what its answer says: no network here. */
#include <errno.h>

#include "app/log/witness.h"
#include "base/utc.h"
#include "journal/cosignature.h"

#define SHOWN_MAX 80  /* bytes of a refusal that are shown */
#define AHEAD_S   600 /* that a witness's clock may be ahead of ours */
#define SIZE_TYPE "text/x.tlog.size"

int witness_request(struct journal_prover *p, uint64_t old, struct buf *out, struct err *err)
{
    struct merkle_proof proof;
    uint8_t root[SHA256_LEN];
    int rc = journal_prover_consistency(p, old, root, &proof, err);
    if (rc < 0)
        return rc;
    buf_printf(out, "old %llu\n", (unsigned long long)old);
    for (size_t i = 0; i < proof.n; i++) {
        base64_encode(out, span_of(proof.hash[i], SHA256_LEN));
        buf_byte(out, '\n');
    }
    buf_byte(out, '\n');
    buf_span(out, journal_prover_note(p));
    return 0;
}

/* A decimal and a newline, nothing else. */
static bool read_size(struct span body, uint64_t *out)
{
    uint64_t v = 0;
    if (body.n < 2 || body.n > 21 || body.p[body.n - 1] != '\n' || (body.n > 2 && body.p[0] == '0'))
        return false;
    for (size_t i = 0; i + 1 < body.n; i++)
        if (body.p[i] < '0' || body.p[i] > '9' || __builtin_mul_overflow(v, 10u, &v) ||
            __builtin_add_overflow(v, (uint64_t)(body.p[i] - '0'), &v))
            return false;
    *out = v;
    return true;
}

static bool is_size_type(const char *type)
{
    size_t n = sizeof SIZE_TYPE - 1;
    return strncasecmp(type, SIZE_TYPE, n) == 0 && (!type[n] || strchr("; \t", type[n]));
}

static int refused(long status, struct span body, struct err *err)
{
    const char *why = status == 404   ? "it does not know this log"
                      : status == 403 ? "it does not trust this log's key"
                      : status == 422 ? "it does not take the consistency proof"
                      : status == 400 ? "it does not take the request"
                                      : "it refuses";
    size_t n = body.n < SHOWN_MAX ? body.n : SHOWN_MAX;
    while (n && (body.p[n - 1] == '\n' || body.p[n - 1] == '\r'))
        n--;
    bool text = n && span_is_utf8(span_of(body.p, n));
    return err_set(err, -EPERM, "%s (HTTP status %ld%s%.*s)", why, status, text ? ": " : "",
                   text ? (int)n : 0, (const char *)body.p);
}

int witness_answer(long status, const char *type, struct span body, struct span checkpoint_text,
                   const struct note_key *key, struct span *line, uint64_t *time, uint64_t *size,
                   struct err *err)
{
    if (status == 409 && is_size_type(type))
        return read_size(body, size) ? 0 : err_set(err, -EBADMSG, "it names no size of the log");
    if (status != 200)
        return refused(status, body, err);
    int rc = cosignature_find(body, checkpoint_text, key, line, time, err);
    if (rc == 0)
        rc = err_set(err, -EBADMSG, "its answer has no signature of its key");
    if (rc == 1 && (int64_t)*time > utc_now() / UTC_SECOND + AHEAD_S)
        rc = err_set(err, -EBADMSG, "its clock is ahead: it signed at %llu seconds since 1970",
                     (unsigned long long)*time);
    return rc;
}
