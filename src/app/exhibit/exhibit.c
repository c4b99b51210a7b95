#include "app/exhibit/exhibit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/exhibit/exhibit_impl.h"
#include "base/file.h"
#include "base/mem.h"
#include "journal/rotation.h"
#include "view/display.h"

#define PUBLISH_WAIT_MS 10000 /* for a writer to publish what it has committed */
#define PUBLISH_STEP_MS 50

/* ---- what is asked for ---- */

const char *exhibit_name_fault(struct span name)
{
    struct buf shown = {0};
    const char *fault = NULL;
    if (!name.n)
        return "is empty";
    if (name.n > EXHIBIT_NAME_MAX)
        return "is too long";
    display_put(&shown, name);
    if (!span_is_utf8(name) || !span_eq(buf_as_span(&shown), name))
        fault = "has control characters, direction marks or bytes that are not UTF-8";
    buf_free(&shown);
    return fault;
}

static int check(const struct exhibit_request *r, struct err *err)
{
    const char *fault = exhibit_name_fault(span_str(r->name));
    if (fault)
        return err_set(err, -EINVAL, "the exhibit's name %s", fault);
    if (r->certify && (fault = exhibit_name_fault(span_str(r->certify))))
        return err_set(err, -EINVAL, "the name of who certifies %s", fault);
    if (!r->n)
        return err_set(err, -EINVAL, "an exhibit wants at least one entry");
    if (r->n > EXHIBIT_ENTRIES_MAX)
        return err_set(err, -E2BIG, "%zu entries are too many for one exhibit (%d): make several",
                       r->n, EXHIBIT_ENTRIES_MAX);
    if (r->n_redact > EXHIBIT_REDACT_MAX)
        return err_set(err, -E2BIG, "more than %d members to leave out", EXHIBIT_REDACT_MAX);
    return 0;
}

/* The certification lies beside the folder, so its name must be one to which more can be added. */
static int check_certification(const struct exhibit_request *r, struct err *err)
{
    static const char *const endings[] = {"txt", "pdf"};
    char path[FILE_PATH_MAX];
    size_t n = strlen(r->dir);
    int rc = 0;
    if (!r->certify)
        return 0;
    if (!n || r->dir[n - 1] == '/' || r->dir[n - 1] == '.')
        return err_set(err, -EINVAL, "a certification wants a folder by its name (%s)", r->dir);
    for (unsigned i = 0; rc == 0 && i < 2; i++) {
        rc = file_path(path, err, "%s-certification.%s", r->dir, endings[i]);
        if (rc == 0 && file_exists(path))
            rc = err_set(err, -EEXIST, "there is a file already (%s)", path);
    }
    return rc;
}

static int by_index(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* The signer's account as it is on the log. */
static int find_signer(struct exhibit *x, struct err *err)
{
    struct account a;
    if (!x->r->signer)
        return 0;
    int rc = x->c->casebook ? 0 : casedir_views(x->c, VIEW_CASEBOOK, err);
    if (rc == 0)
        rc = casebook_account(x->c->casebook, span_str(x->r->signer->name), &a, err);
    if (rc == 1 && memcmp(a.sign, x->r->signer->sign, ACT_SIGN_PUBLIC) == 0)
        x->signer_entry = a.entry;
    return rc < 0 ? rc : 0;
}

static uint64_t *collect(struct exhibit *x)
{
    uint64_t *all = mem_zeroed(x->r->n + 1, sizeof *all);
    size_t n = x->r->n, kept = 0;
    memcpy(all, x->r->entries, n * sizeof *all);
    if (x->signer_entry)
        all[n++] = x->signer_entry;
    qsort(all, n, sizeof *all, by_index);
    for (size_t i = 0; i < n; i++)
        if (!kept || all[kept - 1] != all[i])
            all[kept++] = all[i];
    x->entries = all;
    x->n_entries = kept;
    return all;
}

/* ---- the checkpoint ---- */

static int take_checkpoint(struct exhibit *x, struct err *err)
{
    journal_prover_close(x->prover);
    x->prover = NULL;
    return journal_prover_open(x->c->journal, &x->prover, err);
}

/* Until the published checkpoint covers the newest entry that is wanted. */
static int publish(struct exhibit *x, struct err *err)
{
    const struct timespec step = {.tv_nsec = PUBLISH_STEP_MS * 1000000l};
    uint64_t newest = x->entries[x->n_entries - 1];
    if (newest >= journal_committed(x->c->journal))
        return err_set(err, -ENOENT, "the log has no entry %llu", (unsigned long long)newest);
    int rc = journal_publish(x->c->journal, err);
    rc = rc == -EROFS ? 0 : rc; /* a reader: whoever writes does it */
    for (int waited = 0; rc == 0; waited += PUBLISH_STEP_MS) {
        rc = take_checkpoint(x, err);
        if (rc < 0 || journal_prover_checkpoint(x->prover)->size > newest)
            break;
        if (waited >= PUBLISH_WAIT_MS)
            rc = err_set(err, -EAGAIN,
                         "the published checkpoint does not cover entry %llu yet: "
                         "no writer has published it",
                         (unsigned long long)newest);
        nanosleep(&step, NULL);
    }
    return rc;
}

/* ---- the files ---- */

static int put_account(struct exhibit *x, struct err *err)
{
    /* RFC 8410: SubjectPublicKeyInfo of an Ed25519 key, up to the key's 32 bytes. */
    static const uint8_t head[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                   0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
    struct buf der = {0}, pem = {0};
    if (!x->r->signer)
        return 0;
    buf_put(&der, head, sizeof head);
    buf_put(&der, x->r->signer->sign, ACT_SIGN_PUBLIC);
    buf_str(&pem, "-----BEGIN PUBLIC KEY-----\n");
    base64_encode(&pem, buf_as_span(&der));
    buf_str(&pem, "\n-----END PUBLIC KEY-----\n");
    int rc = exhibit_put(x, "account.pem", buf_as_span(&pem), err);
    pem.n = 0;
    buf_printf(&pem, "%llu\n", (unsigned long long)x->signer_entry);
    if (rc == 0 && x->signer_entry)
        rc = exhibit_put(x, "account.entry", buf_as_span(&pem), err);
    buf_free(&der);
    buf_free(&pem);
    return rc;
}

/* The keys that the log had before: what others stamped and signed may be from their time. */
static int put_rotated(struct exhibit *x, struct err *err)
{
    struct rotation_proof *keys;
    size_t n;
    int rc = rotations_read(x->c->dir, &keys, &n, err);
    if (rc == 0 && n)
        rc = exhibit_folder(x, "rotated", err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        char path[32];
        struct buf file = {0}, statement = {0};
        snprintf(path, sizeof path, "rotated/%08x", keys[i].rotation.from.id);
        rc = rotation_file_read(x->c->dir, keys[i].rotation.from.id, &file, err);
        if (rc == 0)
            rc = rotation_statement(buf_as_span(&file), &statement, err);
        if (rc == 0)
            rc = exhibit_put(x, path, buf_as_span(&statement), err);
        buf_free(&file);
        buf_free(&statement);
    }
    free(keys);
    return rc;
}

static int put_log(struct exhibit *x, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf vkey = {0};
    int rc = exhibit_put(x, "checkpoint", journal_prover_note(x->prover), err);
    if (rc == 0)
        rc = file_path(path, err, "%s/log/vkey", x->c->dir);
    if (rc == 0)
        rc = file_read(path, NOTE_MAX, &vkey, err);
    if (rc == 0)
        rc = exhibit_put(x, "vkey", buf_as_span(&vkey), err);
    buf_free(&vkey);
    return rc == 0 ? put_rotated(x, err) : rc;
}

static int put_words(struct exhibit *x, struct err *err)
{
    struct buf readme = {0};
    exhibit_readme(x, &readme);
    int rc = exhibit_put(x, "README.txt", buf_as_span(&readme), err);
    buf_free(&readme);
    return rc == 0 ? exhibit_put(x, "verify.sh",
                                 span_of(exhibit_scripts[0].text, exhibit_scripts[0].n), err)
                   : rc;
}

static int make_folder(struct exhibit *x, struct err *err)
{
    if (mkdir(x->r->dir, 0700) < 0)
        return errno == EEXIST ? err_set(err, -EEXIST, "there is something already (%s)", x->r->dir)
                               : err_errno(err, "%s", x->r->dir);
    x->dir = open(x->r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return x->dir < 0 ? err_errno(err, "%s", x->r->dir) : 0;
}

static int put_all(struct exhibit *x, struct err *err)
{
    int rc = make_folder(x, err);
    if (rc == 0)
        rc = exhibit_folder(x, "entries", err);
    for (size_t i = 0; rc == 0 && i < x->n_entries; i++)
        rc = exhibit_entry(x, x->entries[i], err);
    if (rc == 0)
        rc = put_log(x, err);
    if (rc == 0)
        rc = put_account(x, err);
    if (rc == 0)
        rc = exhibit_anchors(x, err);
    if (rc == 0)
        rc = put_words(x, err);
    if (rc == 0)
        rc = exhibit_seal(x, err);
    return rc == 0 && x->r->certify ? exhibit_certification(x, err) : rc;
}

static void say(const struct exhibit *x, struct exhibit_done *out)
{
    *out = (struct exhibit_done){.size = journal_prover_checkpoint(x->prover)->size,
                                 .files = x->n + (x->r->signer ? 3 : 2), /* with the manifest's */
                                 .entries = x->n_entries,
                                 .opened = x->opened,
                                 .redacted = x->redacted,
                                 .erased = x->erased,
                                 .blobs = x->blobs};
    memcpy(out->manifest, x->manifest, SHA256_LEN);
}

int exhibit_write(struct casedir *c, const struct exhibit_request *r, struct exhibit_done *out,
                  struct err *err)
{
    struct exhibit x = {.c = c, .r = r, .dir = -1, .made = utc_now()};
    uint64_t *entries = NULL;
    int rc = check(r, err);
    if (rc == 0)
        rc = check_certification(r, err);
    if (rc == 0)
        rc = find_signer(&x, err);
    if (rc == 0) {
        entries = collect(&x);
        rc = publish(&x, err);
    }
    if (rc == 0) {
        rc = put_all(&x, err);
        if (rc < 0)
            exhibit_undo(&x);
    }
    if (rc == 0)
        say(&x, out);
    if (x.dir >= 0)
        close(x.dir);
    journal_prover_close(x.prover);
    free(entries);
    free(x.rows);
    return rc;
}
