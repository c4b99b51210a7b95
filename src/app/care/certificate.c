#include "app/care/certificate.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "app/config.h"
#include "base/file.h"
#include "base/utc.h"

#define PEM_MAX (1u << 20)

static bool take_time(const ASN1_TIME *t, int64_t *out)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(t, &tm) != 1)
        return false;
    *out = (utc_days_from_civil(tm.tm_year + 1900, (unsigned)tm.tm_mon + 1, (unsigned)tm.tm_mday) *
                86400 +
            tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec) *
           UTC_SECOND;
    return true;
}

static int take(X509 *x, struct certificate *out)
{
    memset(out, 0, sizeof *out);
    X509_NAME_oneline(X509_get_subject_name(x), out->subject, sizeof out->subject);
    return take_time(X509_get0_notBefore(x), &out->from) &&
                   take_time(X509_get0_notAfter(x), &out->until)
               ? 0
               : -EBADMSG;
}

int certificate_read(const char *dir, const char *name, struct certificate *out, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf pem = {0};
    int rc = name[0] == '/' ? file_path(path, err, "%s", name)
                            : file_path(path, err, "%s/%s", dir, name);
    if (rc == 0)
        rc = file_read(path, PEM_MAX, &pem, err);
    if (rc < 0)
        return rc;
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    if (!x || take(x, out) < 0)
        rc = err_set(err, -EBADMSG, "%s: not a certificate", path);
    X509_free(x);
    BIO_free(bio);
    ERR_clear_error();
    buf_free(&pem);
    return rc;
}

static void add(struct certificate_use *out, unsigned *n, const char *where, const char *path)
{
    if (path && path[0] && *n < CERTIFICATES_MAX)
        out[(*n)++] = (struct certificate_use){where, path};
}

unsigned certificates_of(const struct config *c, struct certificate_use out[CERTIFICATES_MAX])
{
    unsigned n = 0;
    for (unsigned i = 0; i < c->serve.certificates_count; i++)
        add(out, &n, "serve.certificates", c->serve.certificates[i].chain);
    add(out, &n, "web.public_certificate", c->web.public_certificate);
    add(out, &n, "web.desk_certificate", c->web.desk_certificate);
    add(out, &n, "cleanup.partners.certificate", c->cleanup.partners.certificate);
    add(out, &n, "nodes.certificate", c->nodes.certificate);
    return n;
}
