#include "app/log/witness.h"

#include <errno.h>
#include <stdio.h>

#include "app/log/evidence_post.h"

#define URL_MAX 1100

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
    const char *setting = ask->setting ? ask->setting : "evidence.witnesses.url";
    int rc = witness_request(p, old, &body, err);
    if (rc == 0 && snprintf(url, sizeof url, "%s%sadd-checkpoint", ask->url,
                            n && ask->url[n - 1] == '/' ? "" : "/") >= (int)sizeof url)
        rc = err_set(err, -EINVAL, "%s: too long", setting);
    struct evidence_request request = {.key = setting,
                                       .ca = ask->ca,
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
