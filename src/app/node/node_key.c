#include "app/node/node_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define KEY_FILE    "keys/witness.key"
#define PUBLIC_FILE "log/witness.vkey"

static int read_key(const char *case_dir, struct note_key *out, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf text = {0};
    int rc = file_path(path, err, "%s/" KEY_FILE, case_dir);
    if (rc == 0)
        rc = file_read(path, NOTE_MAX, &text, err);
    if (rc == 0) {
        struct cur c = cur_of(buf_as_span(&text));
        rc = cosigner_parse_signer(cur_line(&c), out, err);
    }
    if (text.n)
        explicit_bzero(text.p, text.n);
    buf_free(&text);
    return rc;
}

/* Root makes it for whom the case belongs to. */
static int give_to_owner(const char *case_dir, const char *path, struct err *err)
{
    struct stat st;
    if (geteuid() != 0)
        return 0;
    if (stat(case_dir, &st) < 0 || chown(path, st.st_uid, st.st_gid) < 0)
        return err_errno(err, "%s", path);
    return 0;
}

/* Two that make one at the same time end up with the same: who links first. */
static int write_key(const char *case_dir, const struct note_key *key, struct err *err)
{
    char path[FILE_PATH_MAX], fresh[FILE_PATH_MAX];
    struct buf text = {0};
    cosigner_put_signer(key, &text);
    buf_byte(&text, '\n');
    int rc = file_path(path, err, "%s/" KEY_FILE, case_dir);
    if (rc == 0)
        rc = file_path(fresh, err, "%s/" KEY_FILE ".%ld", case_dir, (long)getpid());
    if (rc == 0)
        rc = file_replace(fresh, buf_as_span(&text), 0600, err);
    if (rc == 0)
        rc = give_to_owner(case_dir, fresh, err);
    if (rc == 0 && link(fresh, path) < 0 && errno != EEXIST)
        rc = err_errno(err, "%s", path);
    unlink(fresh);
    explicit_bzero(text.p, text.n);
    buf_free(&text);
    if (rc == 0)
        rc = file_path(path, err, "%s/keys", case_dir);
    return rc == 0 ? file_sync_dir(path, err) : rc;
}

static int publish(const char *case_dir, const struct note_key *key, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf text = {0};
    cosigner_put_verifier(key, &text);
    buf_byte(&text, '\n');
    int rc = file_path(path, err, "%s/" PUBLIC_FILE, case_dir);
    if (rc == 0 && !file_exists(path)) {
        rc = file_replace(path, buf_as_span(&text), 0644, err);
        if (rc == 0)
            rc = give_to_owner(case_dir, path, err);
    }
    buf_free(&text);
    return rc;
}

int node_key_load(const char *case_dir, const char *origin, struct note_key *out, struct err *err)
{
    char name[NOTE_NAME_MAX + 1];
    int rc = read_key(case_dir, out, err);
    if (rc == -ENOENT) {
        if (snprintf(name, sizeof name, "%s/witness", origin) >= (int)sizeof name)
            return err_set(err, -EINVAL, "the log's name is too long for a witness's");
        rc = cosigner_generate(name, out, err);
        if (rc == 0)
            rc = write_key(case_dir, out, err);
        if (rc == 0)
            rc = read_key(case_dir, out, err);
    }
    return rc == 0 ? publish(case_dir, out, err) : rc;
}

int node_key_public(const char *case_dir, struct buf *out, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf text = {0};
    struct note_key key;
    int rc = file_path(path, err, "%s/" PUBLIC_FILE, case_dir);
    if (rc == 0)
        rc = file_read(path, NOTE_MAX, &text, err);
    struct cur c = cur_of(buf_as_span(&text));
    struct span line = rc == 0 ? cur_line(&c) : span_of(NULL, 0);
    if (rc == 0)
        rc = note_key_parse_cosigner(line, &key, err);
    if (rc == 0)
        buf_span(out, line);
    buf_free(&text);
    return rc;
}
