#include "app/witness.h"

#include <errno.h>
#include <stdio.h>

#include "app/evidence_post.h"
#include "base/utc.h"
#include "journal/cosignature.h"

#define URL_MAX   1100
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

/* ---- the answer ---- */

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

/* ---- asking ---- */

/* The note's text: up to its blank line. */
static struct span text_of(struct span note)
{
    const uint8_t *blank = memmem(note.p, note.n, "\n\n", 2);
    return span_of(note.p, blank ? (size_t)(blank - note.p) + 1 : 0);
}

static int ask_once(struct journal_prover *p, const struct witness_ask *ask, uint64_t old,
                    struct buf *note, uint64_t *time, uint64_t *size, struct err *err)
{
    char url[URL_MAX];
    struct evidence_answer answer = {0};
    struct buf body = {0};
    struct span line;
    size_t n = strlen(ask->url);
    int rc = witness_request(p, old, &body, err);
    if (rc == 0 && snprintf(url, sizeof url, "%s%sadd-checkpoint", ask->url,
                            n && ask->url[n - 1] == '/' ? "" : "/") >= (int)sizeof url)
        rc = err_set(err, -EINVAL, "evidence.witnesses.url: too long");
    struct evidence_request request = {.key = "evidence.witnesses.url",
                                       .url = url,
                                       .content_type = "text/plain; charset=utf-8",
                                       .body = buf_as_span(&body),
                                       .timeout_s = ask->timeout_s};
    if (rc == 0)
        rc = evidence_post(&request, &answer, err);
    if (rc == 0)
        rc = witness_answer(answer.status, answer.type, buf_as_span(&answer.body),
                            text_of(journal_prover_note(p)), ask->key, &line, time, size, err);
    if (rc == 1) {
        buf_span(note, line);
        buf_byte(note, '\n');
    }
    buf_free(&answer.body);
    buf_free(&body);
    return rc;
}

int witness_ask(struct journal_prover *p, const struct witness_ask *ask, struct buf *note,
                uint64_t *time, struct err *err)
{
    uint64_t have = journal_prover_checkpoint(p)->size, size = 0;
    uint64_t old = ask->known <= have ? ask->known : 0;
    int rc = ask_once(p, ask, old, note, time, &size, err);
    if (rc == 0 && size > have)
        return err_set(err, -ESTALE,
                       "it has signed %llu entries of this log, which has %llu: this log has lost "
                       "some, or there are two of them",
                       (unsigned long long)size, (unsigned long long)have);
    if (rc == 0 && size == old)
        return err_set(err, -ESTALE,
                       "it has another root for the first %llu entries of this log: there are two "
                       "logs of this name",
                       (unsigned long long)size);
    if (rc == 0)
        rc = ask_once(p, ask, size, note, time, &size, err);
    if (rc == 0)
        rc = err_set(err, -EBADMSG, "it names another size each time");
    return rc < 0 ? rc : 0;
}
