#include "app/lead/lead_proof.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "journal/proof.h"
#include "journal/segment.h"

#define HEADING   "ebb lead proof v1"
#define VKEY_MAX  4096
#define WAIT_MS   100
#define WAITS_MAX 150 /* a daemon publishes about once a second */

/* ---- writing ---- */

static void put_hex_line(struct buf *out, const char *word, const uint8_t *p, size_t n)
{
    char hex[2 * JOURNAL_LEAF_LEN + 1];
    hex_encode(p, n, hex);
    buf_printf(out, "%s %s\n", word, hex);
}

static int put_proof(struct casedir *c, uint64_t entry, struct buf *out, struct err *err)
{
    char path[FILE_PATH_MAX];
    uint8_t leaf[JOURNAL_LEAF_LEN], salt[JOURNAL_SALT_LEN];
    struct buf vkey = {0}, proof = {0};
    struct entry e;
    int rc = file_path(path, err, "%s/log/vkey", c->dir);
    if (rc == 0)
        rc = file_read(path, VKEY_MAX, &vkey, err);
    if (rc == 0)
        rc = journal_leaf(c->journal, entry, leaf, salt, err);
    if (rc == 0)
        rc = journal_get(c->journal, entry, &e, err);
    if (rc == 0)
        rc = journal_prove(c->journal, entry, &proof, err);
    if (rc == 0) {
        struct cur line = cur_of(buf_as_span(&vkey));
        buf_str(out, HEADING "\nvkey ");
        buf_span(out, cur_line(&line));
        buf_byte(out, '\n');
        put_hex_line(out, "leaf", leaf, sizeof leaf);
        put_hex_line(out, "salt", salt, sizeof salt);
        buf_str(out, "payload ");
        base64_encode(out, e.payload);
        buf_str(out, "\n\n");
        buf_span(out, buf_as_span(&proof));
    }
    buf_free(&vkey);
    buf_free(&proof);
    return rc;
}

int lead_proof_write(const char *case_dir, uint64_t entry, const char *path, struct err *err)
{
    struct buf text = {0};
    int rc = -ENOENT;
    for (int i = 0; rc == -ENOENT && i < WAITS_MAX; i++) {
        struct casedir c = {.quiet = true};
        if (i)
            clock_sleep(WAIT_MS);
        text.n = 0;
        rc = casedir_open(&c, case_dir, JOURNAL_READ, err);
        if (rc == 0)
            rc = put_proof(&c, entry, &text, err);
        casedir_close(&c, NULL);
    }
    if (rc == 0)
        rc = file_replace(path, buf_as_span(&text), 0600, err);
    buf_free(&text);
    return rc;
}

/* ---- checking ---- */

/* The rest of a line that begins with the word and a blank. */
static bool take_line(struct cur *c, const char *word, struct span *rest)
{
    struct span line = cur_line(c);
    size_t n = strlen(word);
    if (line.n <= n || memcmp(line.p, word, n) != 0 || line.p[n] != ' ')
        return false;
    *rest = span_of(line.p + n + 1, line.n - n - 1);
    return true;
}

static bool take_hex(struct cur *c, const char *word, uint8_t *out, size_t n)
{
    struct span text;
    return take_line(c, word, &text) && text.n == 2 * n && hex_decode(text, out, n);
}

static int open_entry(const uint8_t leaf[JOURNAL_LEAF_LEN], const uint8_t salt[JOURNAL_SALT_LEN],
                      struct lead_proof *out, struct err *err)
{
    struct entry_header header;
    uint8_t commitment[SHA256_LEN];
    sha256_ctx c;
    sha256_begin(&c);
    sha256_add(&c, salt, JOURNAL_SALT_LEN);
    sha256_add(&c, out->payload.p, out->payload.n);
    sha256_end(&c, commitment);
    if (memcmp(commitment, leaf + JOURNAL_HEADER_LEN, SHA256_LEN) != 0)
        return err_set(err, -EBADMSG, "the payload is not the one that the leaf commits to");
    if (!entry_header_get(leaf, &header) || header.kind != KIND_LEAD ||
        act_lead_read(buf_as_span(&out->payload), &out->lead) < 0)
        return err_set(err, -EBADMSG, "the entry is not a lead");
    out->time = header.time;
    return 0;
}

static int check_log(struct span proof, struct span vkey, const uint8_t leaf[JOURNAL_LEAF_LEN],
                     struct lead_proof *out, struct err *err)
{
    struct proof p;
    struct checkpoint at;
    struct span body;
    int rc = note_key_parse_verifier(vkey, &out->key, err);
    if (rc == 0)
        rc = proof_check(proof, span_of(leaf, JOURNAL_LEAF_LEN), &out->key, err);
    if (rc == 0)
        rc = proof_parse(proof, &p, err);
    if (rc == 0)
        rc = note_open(p.checkpoint, &out->key, &body, err);
    if (rc == 0)
        rc = checkpoint_parse(body, &at, err);
    if (rc < 0)
        return -EBADMSG;
    out->index = p.index;
    out->size = at.size;
    return 0;
}

int lead_proof_check(struct span text, struct span vkey, struct lead_proof *out, struct err *err)
{
    uint8_t leaf[JOURNAL_LEAF_LEN], salt[JOURNAL_SALT_LEN];
    struct span own, payload;
    struct cur c = cur_of(text);
    *out = (struct lead_proof){0};
    if (!span_is(cur_line(&c), HEADING) || !take_line(&c, "vkey", &own) ||
        !take_hex(&c, "leaf", leaf, sizeof leaf) || !take_hex(&c, "salt", salt, sizeof salt) ||
        !take_line(&c, "payload", &payload) || !base64_decode(&out->payload, payload) ||
        !cur_left(&c) || cur_line(&c).n)
        return err_set(err, -EBADMSG, "not a proof of submission");
    if (vkey.n && !span_eq(vkey, own))
        return err_set(err, -EBADMSG, "the proof is of another log than the key that was given");
    int rc = open_entry(leaf, salt, out, err);
    return rc == 0 ? check_log(span_of(c.p, cur_left(&c)), own, leaf, out, err) : rc;
}

void lead_proof_free(struct lead_proof *p)
{
    buf_free(&p->payload);
}
