#include "app/lead/lead_receipt.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include "app/lead/lead_content.h"
#include "base/file.h"

#define DRAWS_MAX 64 /* of locators: one in 8,000 million is taken */

/* Two who make it at once: the one who comes first. */
int lead_decoy(const char *case_dir, uint8_t out[RECEIPT_DECOY_LEN], struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf key = {0};
    int rc = file_path(path, err, "%s/keys/lead-decoy", case_dir);
    if (rc < 0)
        return rc;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) {
        randombytes_buf(out, RECEIPT_DECOY_LEN);
        rc = file_write_all(fd, out, RECEIPT_DECOY_LEN);
        close(fd);
        return rc < 0 ? err_set(err, rc, "%s: %s", path, strerror(-rc)) : 0;
    }
    rc = file_read(path, RECEIPT_DECOY_LEN, &key, err);
    if (rc == 0 && key.n != RECEIPT_DECOY_LEN)
        rc = err_set(err, -EBADMSG, "%s: not %d bytes (remove it: it is made anew)", path,
                     RECEIPT_DECOY_LEN);
    if (rc == 0)
        memcpy(out, key.p, RECEIPT_DECOY_LEN);
    if (key.p)
        sodium_memzero(key.p, key.cap);
    buf_free(&key);
    return rc;
}

int lead_by_receipt(struct casedir *c, const struct receipt *r,
                    const uint8_t decoy[RECEIPT_DECOY_LEN], struct lead *lead,
                    struct receipt_keys *keys, struct err *err)
{
    uint8_t locator[RECEIPT_LOCATOR_LEN];
    struct receipt_lead at = {NULL, NULL};
    receipt_locator(r, locator);
    int rc = leads_find(c->pursuit, locator, lead, err);
    if (rc == 1)
        at = (struct receipt_lead){lead->salt, lead->public_key};
    if (rc >= 0)
        rc = receipt_open(r, &at, decoy, keys, err);
    if (rc == 0)
        return err_set(err, -ENOENT, "no lead has this receipt");
    return rc < 0 ? rc : 0;
}

int lead_receipt_read(const char *path, struct receipt *out, struct err *err)
{
    struct buf text = {0};
    struct err why;
    int rc = lead_read_text(path, RECEIPT_TEXT_MAX, &text, &why);
    if (rc == 0)
        rc = receipt_parse(buf_as_span(&text), out, &why);
    if (text.p)
        sodium_memzero(text.p, text.cap);
    buf_free(&text);
    return rc < 0 ? err_set(err, rc, "--receipt: %s", why.text) : 0;
}

int lead_receipt_make(struct casedir *c, struct receipt *out, struct err *err)
{
    uint8_t locator[RECEIPT_LOCATOR_LEN];
    struct lead lead;
    receipt_make(out);
    for (int i = 0; i < DRAWS_MAX; i++) {
        receipt_locator(out, locator);
        int rc = leads_find(c->pursuit, locator, &lead, err);
        if (rc <= 0)
            return rc;
        receipt_move(out);
    }
    return err_set(err, -EAGAIN, "no locator is free");
}
