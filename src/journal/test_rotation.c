/* Replacing a log's key: the statement, what others can follow, a crash before and behind each
 * step, and logs that somebody tampered with. */
#include "journal/rotation.h"

#include <errno.h>

#include "base/cbor.h"
#include "base/log.h"
#include "journal/proof.h"
#include "journal/test_scratch.h"

static struct span text_of(const struct buf *b)
{
    return buf_as_span(b);
}

static struct journal *open_log(const char *dir, enum journal_mode mode)
{
    struct journal *j = NULL;
    struct err err = {0};
    if (journal_open(dir, mode, &j, NULL, &err) < 0)
        printf("# %s\n", err.text);
    return j;
}

static char *new_log(unsigned entries)
{
    char *dir = scratch_make();
    struct err err;
    is_int(journal_create(dir, "test.example/log", &err), 0);
    struct journal *j = open_log(dir, JOURNAL_WRITE);
    struct entry_header h = {.kind = 1};
    for (unsigned i = 0; i < entries; i++)
        if (journal_append(j, &h, span_str("something"), NULL, &err) < 0)
            abort();
    is_int(journal_close(j, &err), 0);
    return dir;
}

static struct note_key vkey_of(const char *dir)
{
    struct buf text = scratch_read(dir, "log/vkey");
    struct note_key key;
    struct cur c = cur_of(text_of(&text));
    if (note_key_parse_verifier(cur_line(&c), &key, NULL) < 0)
        abort();
    buf_free(&text);
    return key;
}

/* As event/act_pursuit.def writes a KEY_ROTATED; test/test_keys.py has the real thing. */
static void put_act(struct span statement, const char *what, struct buf *out)
{
    cbor_put_head(out, CBOR_MAP, 2);
    cbor_put_key(out, "what");
    cbor_put_text(out, span_str(what));
    cbor_put_key(out, "proof");
    cbor_put_bytes(out, statement);
}

static int rotate(struct journal *j, uint64_t *index, struct err *err)
{
    struct buf statement = {0}, payload = {0};
    struct entry_header h = {.kind = JOURNAL_KIND_KEY_ROTATED};
    int rc = journal_rotate_begin(j, &statement, err);
    put_act(text_of(&statement), "log", &payload);
    if (rc == 0)
        rc = journal_rotate(j, &h, text_of(&payload), index, err);
    buf_free(&statement);
    buf_free(&payload);
    return rc;
}

static bool opens_by(const char *dir, const char *name, const struct note_key *key)
{
    struct buf note = scratch_read(dir, name);
    struct span text;
    bool good = note_open(text_of(&note), key, &text, NULL) == 0;
    buf_free(&note);
    return good;
}

static void test_statement(void)
{
    struct note_key a, b, other;
    struct buf note = {0}, changed = {0};
    struct rotation r;
    struct err err;
    note_key_generate("test.example/log", &a, &err);
    note_key_generate("test.example/log", &b, &err);
    note_key_generate("other.example/log", &other, &err);
    is_int(rotation_put(7, &a, &other, &note, &err), -EINVAL);
    is_int(rotation_put(7, &a, &a, &note, &err), -EINVAL);
    is_int(rotation_put(7, &a, &b, &note, &err), 0);
    is_int(rotation_parse(text_of(&note), &r, &err), 0);
    ok(r.index == 7 && r.from.id == a.id && r.to.id == b.id && !r.from.can_sign);
    for (size_t i = 0; i < note.n; i++) { /* each byte counts */
        changed.n = 0;
        buf_span(&changed, text_of(&note));
        changed.p[i] ^= 1;
        if (rotation_parse(text_of(&changed), &r, &err) == 0)
            ok(0, "a changed statement is refused");
    }
    for (size_t n = 0; n < note.n; n++)
        if (rotation_parse(span_of(note.p, n), &r, &err) == 0)
            ok(0, "a short statement is refused");
    changed.n = 0; /* signed by the old key alone, twice */
    buf_put(&changed, note.p, note.n);
    const uint8_t *last = memmem(note.p, note.n, "\n\n", 2);
    size_t head = (size_t)(last - note.p) + 2;
    const uint8_t *lf = memchr(note.p + head, '\n', note.n - head);
    changed.n = (size_t)(lf + 1 - note.p);
    is_int(rotation_parse(text_of(&changed), &r, &err), -EBADMSG);
    buf_free(&note);
    buf_free(&changed);
}

static void test_entry(void)
{
    struct buf payload = {0};
    struct span note;
    put_act(span_str("x"), "seal", &payload);
    is_int(rotation_of_entry(JOURNAL_KIND_KEY_ROTATED, text_of(&payload), &note), 0);
    payload.n = 0;
    put_act(span_str("x"), "log", &payload);
    is_int(rotation_of_entry(JOURNAL_KIND_KEY_ROTATED, text_of(&payload), &note), 1);
    ok(span_is(note, "x"));
    is_int(rotation_of_entry(1, text_of(&payload), &note), 0);
    is_int(rotation_of_entry(JOURNAL_KIND_KEY_ROTATED, span_of(payload.p, payload.n - 1), &note),
           -1);
    is_int(rotation_of_entry(JOURNAL_KIND_KEY_ROTATED, span_str("junk"), &note), 0);
    buf_free(&payload);
}

static void test_rotate(void)
{
    char *dir = new_log(300), name[64];
    struct note_key k0 = vkey_of(dir), k1, k2;
    struct buf since = scratch_read(dir, "log/checkpoint"), file;
    struct rotation_proof p;
    struct err err;
    uint64_t index;
    struct journal *j = open_log(dir, JOURNAL_WRITE);
    is_int(rotate(j, &index, &err), 0);
    is_int(index, 300);
    k1 = vkey_of(dir);
    ok(k1.id != k0.id);
    ok(opens_by(dir, "log/checkpoint", &k0) && opens_by(dir, "log/checkpoint", &k1));
    ok(!scratch_exists(dir, "keys/log.key.next") && !scratch_exists(dir, "keys/log.key.gone"));
    snprintf(name, sizeof name, "log/rotated/%08x", k0.id);
    file = scratch_read(dir, name);
    is_int(rotation_follow(text_of(&file), &k0, &p, &err), 0);
    ok(p.rotation.to.id == k1.id && p.size == 301 && p.rotation.index == 300);
    is_int(rotation_follow(text_of(&file), &k1, &p, &err), -EBADMSG);
    for (size_t i = 0; i < file.n; i += 3) {
        file.p[i] ^= 1;
        if (rotation_follow(text_of(&file), &k0, &p, &err) == 0)
            ok(0, "a changed file is refused");
        file.p[i] ^= 1;
    }
    struct entry_header h = {.kind = 1};
    is_int(journal_append(j, &h, span_str("more"), NULL, &err), 0);
    is_int(journal_close(j, &err), 0);
    ok(!opens_by(dir, "log/checkpoint", &k0) && opens_by(dir, "log/checkpoint", &k1));
    ok(scratch_verify(dir).holds, "holds after a rotation");
    j = open_log(dir, JOURNAL_WRITE); /* and once more */
    is_int(rotate(j, &index, &err), 0);
    struct journal_range range = {300, 301};
    is_int(journal_redact(j, &range, 1, "x", "y", NULL, &err), -EINVAL);
    is_int(journal_close(j, &err), 0);
    k2 = vkey_of(dir);
    ok(scratch_verify(dir).holds && k2.id != k1.id && k2.id != k0.id);
    char path[FILE_PATH_MAX];
    scratch_write(dir, "old", text_of(&since));
    file_path(path, NULL, "%s/old", dir);
    struct journal_verify_options o = {.since = path};
    struct journal_verdict v;
    is_int(journal_verify(dir, &o, &v, &err), 0);
    ok(v.holds, "consistent with a checkpoint of the key before the one before");
    snprintf(name, sizeof name, "%s/log/rotated/%08x", dir, k0.id);
    unlink(name);
    ok(!scratch_verify(dir).holds, "a file that is missing is found");
    snprintf(name, sizeof name, "log/rotated/%08x", k0.id);
    scratch_write(dir, name, text_of(&file));
    ok(scratch_verify(dir).holds);
    file.p[file.n / 2] ^= 1;
    scratch_write(dir, name, text_of(&file));
    ok(!scratch_verify(dir).holds, "a file that was changed is found");
    buf_free(&since);
    buf_free(&file);
    scratch_free(dir);
}

/* The states that a crash may leave, made from the files before and after. */
static void crash_case(const char *base, const char *done, unsigned step)
{
    static const char *const files[] = {"log/rotated", "log/checkpoint", "log/vkey",
                                        "keys/log.key"};
    char *dir = scratch_make(), from[FILE_PATH_MAX], to[FILE_PATH_MAX];
    scratch_remove(dir);
    scratch_copy(base, dir);
    for (unsigned i = 0; i < step && i < 4; i++) {
        file_path(from, NULL, "%s/%s", done, files[i]);
        file_path(to, NULL, "%s/%s", dir, files[i]);
        scratch_remove(to);
        if (i == 0) {
            scratch_copy(from, to);
        } else {
            struct buf b = scratch_read(done, files[i]);
            scratch_write(dir, files[i], text_of(&b));
            buf_free(&b);
        }
    }
    struct err err = {0};
    ok(scratch_verify(dir).holds, "holds as the crash left it");
    struct journal *j = open_log(dir, JOURNAL_READ);
    ok(j, "a reader opens it");
    if (j)
        journal_close(j, &err);
    j = open_log(dir, JOURNAL_WRITE);
    ok(j, "a writer opens it");
    struct entry_header h = {.kind = 1};
    ok(j && journal_append(j, &h, span_str("on"), NULL, &err) == 0);
    is_int(j ? journal_close(j, &err) : -1, 0);
    ok(scratch_verify(dir).holds, "and holds afterwards");
    struct note_key now = vkey_of(dir), want = vkey_of(done);
    ok(now.id == want.id, "the rotation is finished");
    ok(!scratch_exists(dir, "keys/log.key.next") && !scratch_exists(dir, "keys/log.key.gone"));
    scratch_free(dir);
}

static void test_crashes(void)
{
    char *dir = new_log(10), *base = scratch_make(), *before = scratch_make();
    struct buf statement = {0}, payload = {0}, next;
    struct entry_header h = {.kind = JOURNAL_KIND_KEY_ROTATED};
    uint64_t index;
    struct err err;
    struct journal *j = open_log(dir, JOURNAL_WRITE);
    is_int(journal_rotate_begin(j, &statement, &err), 0);
    next = scratch_read(dir, "keys/log.key.next");
    scratch_remove(before);
    scratch_copy(dir, before); /* 1 done, 2 not */
    put_act(text_of(&statement), "log", &payload);
    is_int(journal_append(j, &h, text_of(&payload), &index, &err), 0);
    is_int(journal_commit(j, &err), 0);
    is_int(journal_publish(j, &err), 0);
    scratch_remove(base);
    scratch_copy(dir, base); /* 2 done */
    is_int(journal_close(j, &err), 0);
    j = open_log(dir, JOURNAL_WRITE); /* which finishes */
    is_int(journal_close(j, &err), 0);
    for (unsigned step = 0; step <= 4; step++)
        crash_case(base, dir, step);
    struct note_key k0 = vkey_of(before);
    j = open_log(before, JOURNAL_WRITE);
    ok(j && !scratch_exists(before, "keys/log.key.next"), "without the entry nothing has happened");
    if (j)
        journal_close(j, &err);
    struct note_key now = vkey_of(before);
    ok(scratch_verify(before).holds && now.id == k0.id);
    buf_free(&next);
    buf_free(&statement);
    buf_free(&payload);
    scratch_free(dir);
    scratch_free(base);
    scratch_free(before);
}

/* Entries that anybody with a right to write could make. */
static void test_forged(void)
{
    char *dir = new_log(3);
    struct note_key a, b, own = vkey_of(dir);
    struct buf statement = {0}, payload = {0};
    struct entry_header h = {.kind = JOURNAL_KIND_KEY_ROTATED};
    struct err err;
    note_key_generate(own.name, &a, &err);
    note_key_generate(own.name, &b, &err);
    struct journal *j = open_log(dir, JOURNAL_WRITE);
    is_int(rotation_put(3, &a, &b, &statement, &err), 0);
    put_act(text_of(&statement), "log", &payload);
    is_int(journal_append(j, &h, text_of(&payload), NULL, &err), 0);
    payload.n = 0;
    put_act(span_str("no statement"), "log", &payload);
    is_int(journal_append(j, &h, text_of(&payload), NULL, &err), 0);
    is_int(journal_append(j, &h, span_str("no map"), NULL, &err), 0);
    uint64_t index;
    is_int(journal_rotate(j, &h, text_of(&payload), &index, &err), -ENOENT);
    statement.n = payload.n = 0;
    is_int(journal_rotate_begin(j, &statement, &err), 0);
    put_act(span_str("another"), "log", &payload);
    is_int(journal_rotate(j, &h, text_of(&payload), &index, &err), -EINVAL);
    is_int(journal_close(j, &err), 0);
    ok(scratch_verify(dir).holds, "what nobody's key signed replaces nothing");
    buf_free(&statement);
    buf_free(&payload);
    scratch_free(dir);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    test_statement();
    test_entry();
    test_rotate();
    test_crashes();
    test_forged();
    return tap_done();
}
