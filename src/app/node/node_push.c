#include "app/node/node_push.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/log/witness.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/utc.h"

#define TIMEOUT_S      60
#define PEM_MAX        (1u << 20)
#define KEY_MAX        4096
#define CENTRE_URL_MAX 1400
#define SHOWN_MAX      120
#define PUBLISH_MS     15000 /* how long a running daemon may take to publish what it has committed */
#define NAP_MS         100

/* ---- opening ---- */

static int read_key(struct node_push *p, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf text = {0};
    int rc = file_path(path, err, "%s/keys/log.key", p->c->dir);
    if (rc == 0)
        rc = file_read(path, KEY_MAX, &text, err);
    struct cur c = cur_of(buf_as_span(&text));
    if (rc == 0)
        rc = note_key_parse_signer(cur_line(&c), &p->own, err);
    if (text.n)
        explicit_bzero(text.p, text.n);
    buf_free(&text);
    return rc;
}

int node_push_open(struct node_push *p, struct casedir *c, struct err *err)
{
    *p = (struct node_push){.c = c, .nodes = &c->config->nodes, .timeout_s = TIMEOUT_S};
    if (!p->nodes->centre[0])
        return err_set(err, -ENOENT, "nodes.centre in " CONFIG_FILE " names none");
    int rc = read_key(p, err);
    if (rc == 0 && p->nodes->ca[0])
        rc = file_read(p->nodes->ca, PEM_MAX, &p->ca, err);
    return rc;
}

void node_push_close(struct node_push *p)
{
    if (p->prover)
        journal_prover_close(p->prover);
    buf_free(&p->ca);
    explicit_bzero(&p->own, sizeof p->own);
}

/* ---- requests ---- */

static int request(struct node_push *p, const char *path, bool get, struct span body,
                   struct evidence_answer *out, struct err *err)
{
    char url[CENTRE_URL_MAX];
    const char *centre = p->nodes->centre;
    size_t n = strlen(centre);
    if (snprintf(url, sizeof url, "%s%s%s", centre, n && centre[n - 1] == '/' ? "" : "/", path) >=
        (int)sizeof url)
        return err_set(err, -EINVAL, "nodes.centre: too long");
    struct evidence_request r = {.key = "nodes.centre",
                                 .url = url,
                                 .content_type = "application/octet-stream",
                                 .get = get,
                                 .body = body,
                                 .ca = buf_as_span(&p->ca),
                                 .timeout_s = p->timeout_s};
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < NODE_TRIES; i++) {
        buf_free(&out->body);
        rc = evidence_post(&r, out, err);
        if (rc < 0 || (out->status != 429 && out->status != 503))
            return rc;
        clock_sleep(1000u << i);
    }
    return rc;
}

int node_push_post(struct node_push *p, const char *path, struct span body,
                   struct evidence_answer *out, struct err *err)
{
    return request(p, path, false, body, out, err);
}

int node_push_get(struct node_push *p, const char *path, struct evidence_answer *out,
                  struct err *err)
{
    return request(p, path, true, span_of("", 0), out, err);
}

int node_push_refused(const struct evidence_answer *a, const char *what, struct err *err)
{
    size_t n = a->body.n < SHOWN_MAX ? a->body.n : SHOWN_MAX;
    while (n && a->body.p[n - 1] == '\n')
        n--;
    bool text = n && span_is_utf8(span_of(a->body.p, n));
    return err_set(err, -EPERM, "the centre does not take %s (HTTP status %ld%s%.*s)", what,
                   a->status, text ? ": " : "", text ? (int)n : 0, (const char *)a->body.p);
}

int node_push_say(struct node_push *p, const struct node_statement *s, struct evidence_answer *out,
                  struct err *err)
{
    struct buf text = {0}, note = {0};
    node_statement_put(s, &text);
    int rc = note_sign(&p->own, buf_as_span(&text), &note, err);
    if (rc == 0)
        rc = node_push_post(p, "census", buf_as_span(&note), out, err);
    buf_free(&text);
    buf_free(&note);
    return rc;
}

/* ---- the checkpoint ---- */

/* As it is published now, once it has all that the census counts. */
static int take_checkpoint(struct node_push *p, uint64_t position, struct err *err)
{
    int64_t end = clock_ms() + PUBLISH_MS;
    for (;;) {
        if (p->prover)
            journal_prover_close(p->prover);
        p->prover = NULL;
        int rc = journal_prover_open(p->c->journal, &p->prover, err);
        if (rc < 0 || journal_prover_checkpoint(p->prover)->size >= position)
            return rc;
        if (clock_ms() > end)
            return err_set(err, -EAGAIN, "the log's entries up to %llu are not published",
                           (unsigned long long)position);
        clock_sleep(NAP_MS);
    }
}

/* How many entries the centre has cosigned, as far as we know. */
static uint64_t cosigned(const struct node_push *p)
{
    char path[FILE_PATH_MAX];
    struct buf note = {0};
    struct checkpoint top = {0};
    if (file_path(path, NULL, "%s/" NODE_CENTRE_FILE, p->c->dir) < 0 ||
        file_read(path, NOTE_MAX, &note, NULL) < 0 ||
        checkpoint_parse(node_note_text(buf_as_span(&note)), &top, NULL) < 0)
        top.size = 0;
    buf_free(&note);
    return top.size;
}

static int keep_cosigned(struct node_push *p, struct span note, struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = file_path(path, err, "%s/" NODE_CENTRE_FILE, p->c->dir);
    return rc == 0 ? file_replace(path, note, 0644, err) : rc;
}

static int ask_cosignature(struct node_push *p, struct err *err)
{
    struct buf note = {0};
    uint64_t time;
    struct witness_ask ask = {.url = p->nodes->centre,
                              .key = &p->nodes->witness,
                              .timeout_s = p->timeout_s,
                              .known = cosigned(p),
                              .setting = "nodes.centre",
                              .ca = buf_as_span(&p->ca)};
    buf_span(&note, journal_prover_note(p->prover));
    int rc = witness_ask(p->prover, &ask, &note, &time, err);
    if (rc == 0)
        rc = keep_cosigned(p, buf_as_span(&note), err);
    buf_free(&note);
    return rc;
}

/* ---- when the centre knows another log ---- */

/* The checkpoint that it has of this log. Signed by this log's own key, or it is not believed: so
 * nobody can make us say what is not so. 1 one, 0 it has none. */
static int fetch_known(struct node_push *p, struct checkpoint *known, struct err *err)
{
    uint8_t digest[SHA256_LEN];
    char path[2 * SHA256_LEN + 16], hex[2 * SHA256_LEN + 1];
    struct evidence_answer a = {0};
    struct span text;
    sha256(p->own.name, strlen(p->own.name), digest);
    hex_encode(digest, SHA256_LEN, hex);
    snprintf(path, sizeof path, "%s/checkpoint", hex);
    int rc = node_push_get(p, path, &a, err);
    if (rc == 0 && a.status != 200) {
        buf_free(&a.body);
        return 0;
    }
    if (rc == 0)
        rc = note_open(buf_as_span(&a.body), &p->own, &text, err);
    if (rc == 0)
        rc = checkpoint_parse(text, known, err);
    known->origin = known->extensions = span_of(NULL, 0);
    buf_free(&a.body);
    return rc == 0 ? 1 : rc;
}

/* 1: it is so, and *s says it; 0: our log has what the centre knows. */
static int contradiction(struct node_push *p, const struct checkpoint *known,
                         struct node_statement *s, struct err *err)
{
    const struct checkpoint *top = journal_prover_checkpoint(p->prover);
    struct merkle_proof proof;
    *s = (struct node_statement){
        .time = (uint64_t)(utc_now() / UTC_SECOND), .size = top->size, .known = known->size};
    snprintf(s->origin, sizeof s->origin, "%s", p->own.name);
    memcpy(s->root, top->root, SHA256_LEN);
    if (known->size > top->size)
        return 1;
    int rc = journal_prover_consistency(p->prover, known->size, s->known_root, &proof, err);
    return rc < 0 ? rc : memcmp(s->known_root, known->root, SHA256_LEN) != 0;
}

/* The cosignature was refused. -ESTALE: the logs differ, and the centre was told so. 0: they do not
 * (any more); else as it was. */
static int explain(struct node_push *p, struct err *err)
{
    static struct node_statement s;
    struct checkpoint known;
    struct evidence_answer a = {0};
    struct err why;
    int rc = fetch_known(p, &known, &why);
    if (rc != 1)
        return err->code;
    rc = take_checkpoint(p, 0, &why); /* it may have grown meanwhile */
    if (rc == 0)
        rc = contradiction(p, &known, &s, &why);
    if (rc != 1)
        return rc < 0 ? err->code : 0;
    rc = node_push_say(p, &s, &a, &why);
    buf_free(&a.body);
    const char *told = rc < 0 ? "; it could not be told" : "";
    if (s.known > s.size)
        return err_set(err, -ESTALE,
                       "the centre has a checkpoint of %llu entries that this log has signed, and "
                       "this log has %llu: it was rolled back, or there are two of it%s",
                       (unsigned long long)s.known, (unsigned long long)s.size, told);
    return err_set(err, -ESTALE,
                   "the centre has a checkpoint that this log has signed, with another root for "
                   "the first %llu entries: it was rolled back and grew again, or there are two "
                   "of it%s",
                   (unsigned long long)s.known, told);
}

/* ---- all of it ---- */

static int push_checkpoint(struct node_push *p, uint64_t position, struct err *err)
{
    int rc = take_checkpoint(p, position, err);
    if (rc == 0)
        rc = ask_cosignature(p, err);
    if (rc == -ESTALE || rc == -EPERM || rc == -EBADMSG) {
        rc = explain(p, err);
        if (rc == 0)
            rc = ask_cosignature(p, err);
    }
    if (rc == 0)
        p->size = journal_prover_checkpoint(p->prover)->size;
    return rc;
}

int node_push_all(struct node_push *p, struct err *err)
{
    static struct node_statement s;
    p->position = census_position(p->c->census);
    int rc = push_checkpoint(p, p->position, err);
    if (rc < 0)
        return rc;
    const struct checkpoint *top = journal_prover_checkpoint(p->prover);
    s = (struct node_statement){.time = (uint64_t)(utc_now() / UTC_SECOND),
                                .size = top->size,
                                .known = top->size,
                                .census = true,
                                .position = p->position};
    snprintf(s.origin, sizeof s.origin, "%s", p->own.name);
    memcpy(s.root, top->root, SHA256_LEN);
    memcpy(s.known_root, top->root, SHA256_LEN);
    return node_push_census(p, &s, err);
}
