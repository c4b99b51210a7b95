#include "app/log/tsa.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ts.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include "base/mem.h"
#include "base/utc.h"

#define CAS_MAX 4096

struct tsa_question {
    TS_REQ *request;
    struct buf der;
};

/* OpenSSL's innermost reason, and what it says of it. */
static int refuse(struct err *err, int code, const char *what)
{
    const char *data = NULL;
    int flags = 0;
    unsigned long e = ERR_peek_last_error_all(NULL, NULL, NULL, &data, &flags);
    const char *reason = e ? ERR_reason_error_string(e) : NULL;
    bool text = data && (flags & ERR_TXT_STRING) && data[0];
    err_set(err, code, "%s%s%s%s%s", what, reason ? ": " : "", reason ? reason : "",
            text ? ": " : "", text ? data : "");
    ERR_clear_error();
    return code;
}

/* ---- asking ---- */

static bool set_imprint(TS_REQ *request, const uint8_t digest[SHA256_LEN])
{
    TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
    X509_ALGOR *algorithm = X509_ALGOR_new();
    uint8_t copy[SHA256_LEN];
    memcpy(copy, digest, SHA256_LEN);
    bool good = imprint && algorithm &&
                X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL) == 1 &&
                TS_MSG_IMPRINT_set_algo(imprint, algorithm) == 1 &&
                TS_MSG_IMPRINT_set_msg(imprint, copy, SHA256_LEN) == 1 &&
                TS_REQ_set_msg_imprint(request, imprint) == 1;
    TS_MSG_IMPRINT_free(imprint);
    X509_ALGOR_free(algorithm);
    return good;
}

static bool set_nonce(TS_REQ *request)
{
    ASN1_INTEGER *nonce = ASN1_INTEGER_new();
    uint64_t n = 0;
    bool good = nonce && RAND_bytes((uint8_t *)&n, sizeof n) == 1 &&
                ASN1_INTEGER_set_uint64(nonce, n) == 1 && TS_REQ_set_nonce(request, nonce) == 1;
    ASN1_INTEGER_free(nonce);
    return good;
}

static bool set_policy(TS_REQ *request, const char *policy)
{
    if (!policy[0])
        return true;
    ASN1_OBJECT *oid = OBJ_txt2obj(policy, 1);
    bool good = oid && TS_REQ_set_policy_id(request, oid) == 1;
    ASN1_OBJECT_free(oid);
    return good;
}

int tsa_question_make(const uint8_t digest[SHA256_LEN], const char *policy,
                      struct tsa_question **out, struct err *err)
{
    struct tsa_question *q = mem_zeroed(1, sizeof *q);
    q->request = TS_REQ_new();
    unsigned char *der = NULL;
    bool good = q->request && TS_REQ_set_version(q->request, 1) == 1 &&
                set_imprint(q->request, digest) && set_nonce(q->request) &&
                set_policy(q->request, policy) && TS_REQ_set_cert_req(q->request, 1) == 1;
    int n = good ? i2d_TS_REQ(q->request, &der) : -1;
    if (n > 0)
        buf_put(&q->der, der, (size_t)n);
    OPENSSL_free(der);
    if (n <= 0) {
        tsa_question_free(q);
        return refuse(err, -EINVAL, "a time stamp cannot be asked for");
    }
    *out = q;
    return 0;
}

void tsa_question_free(struct tsa_question *q)
{
    if (!q)
        return;
    TS_REQ_free(q->request);
    buf_free(&q->der);
    free(q);
}

struct span tsa_question_der(const struct tsa_question *q)
{
    return buf_as_span(&q->der);
}

/* ---- certificates ---- */

/* All certificates of a PEM text as what is trusted. NULL: there is none. */
static X509_STORE *read_store(struct span pem)
{
    BIO *in = pem.n && pem.n < INT32_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    X509_STORE *store = X509_STORE_new();
    unsigned n = 0;
    X509 *x;
    while (in && store && n < CAS_MAX && (x = PEM_read_bio_X509(in, NULL, NULL, NULL))) {
        n += X509_STORE_add_cert(store, x) == 1;
        X509_free(x);
    }
    BIO_free(in);
    if (n)
        return store;
    X509_STORE_free(store);
    return NULL;
}

static void put_pem(X509 *x, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    if (!bio || PEM_write_bio_X509(bio, x) != 1)
        abort();
    long n = BIO_get_mem_data(bio, &text);
    buf_put(out, text, n > 0 ? (size_t)n : 0);
    BIO_free(bio);
}

/* The certificates that lead from the signer's to what is trusted; the root's own when it signs. */
static bool put_chain(X509_STORE *store, X509 *signer, STACK_OF(X509) * others, struct buf *out)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    bool good = ctx && X509_STORE_CTX_init(ctx, store, signer, others) == 1 &&
                X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_TIMESTAMP_SIGN) == 1 &&
                X509_verify_cert(ctx) == 1;
    STACK_OF(X509) *chain = good ? X509_STORE_CTX_get0_chain(ctx) : NULL;
    int n = chain ? sk_X509_num(chain) : 0;
    for (int i = n > 1; i < n; i++)
        put_pem(sk_X509_value(chain, i), out);
    X509_STORE_CTX_free(ctx);
    return n > 0;
}

static void put_name(X509 *x, char out[TSA_NAME_MAX])
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    if (!bio)
        abort();
    X509_NAME_print_ex(bio, X509_get_subject_name(x), 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    long n = BIO_get_mem_data(bio, &text);
    size_t room = TSA_NAME_MAX - 1, len = n < 0 ? 0 : (size_t)n < room ? (size_t)n : room;
    memcpy(out, text, len);
    while (len && !span_is_utf8(span_of(out, len)))
        len--; /* cut within a character */
    out[len] = 0;
    BIO_free(bio);
}

/* ---- the answer ---- */

/* "20110316090000.25Z" (RFC 3161, 2.4.2). */
static bool read_time(const ASN1_GENERALIZEDTIME *t, int64_t *out)
{
    struct tm tm;
    const char *p = (const char *)ASN1_STRING_get0_data(t);
    int n = ASN1_STRING_length(t);
    int64_t micro = 0, unit = UTC_SECOND / 10;
    if (n < 15 || ASN1_TIME_to_tm(t, &tm) != 1 || p[n - 1] != 'Z')
        return false;
    if (p[14] == '.')
        for (int i = 15; i < n - 1 && p[i] >= '0' && p[i] <= '9'; i++, unit /= 10)
            micro += (p[i] - '0') * unit;
    int64_t days =
        utc_days_from_civil(tm.tm_year + 1900, (unsigned)tm.tm_mon + 1, (unsigned)tm.tm_mday);
    *out = days * UTC_DAY + ((tm.tm_hour * 60 + tm.tm_min) * 60 + tm.tm_sec) * UTC_SECOND + micro;
    return true;
}

static bool holds(TS_RESP *response, const struct tsa_question *q, X509_STORE *store)
{
    TS_VERIFY_CTX *ctx = TS_REQ_to_TS_VERIFY_CTX(q->request, NULL);
    if (!ctx)
        return false;
    X509_STORE_up_ref(store);
    TS_VERIFY_CTX_set_store(ctx, store); /* its own now */
    TS_VERIFY_CTX_add_flags(ctx, TS_VFY_SIGNATURE);
    bool good = TS_RESP_verify_response(ctx, response) == 1;
    TS_VERIFY_CTX_free(ctx);
    return good;
}

static int take(TS_RESP *response, const struct tsa_question *q, X509_STORE *store,
                struct tsa_answer *out, struct err *err)
{
    if (!holds(response, q, store))
        return refuse(err, -EBADMSG, "the time stamp does not hold");
    PKCS7 *token = TS_RESP_get_token(response);
    STACK_OF(X509) *signers = PKCS7_get0_signers(token, NULL, 0);
    X509 *signer = signers && sk_X509_num(signers) == 1 ? sk_X509_value(signers, 0) : NULL;
    int rc = 0;
    if (!signer || !put_chain(store, signer, token->d.sign->cert, &out->chain))
        rc = refuse(err, -EBADMSG,
                    "the time stamp's certificate does not lead to the configured ones");
    else if (!read_time(TS_TST_INFO_get_time(TS_RESP_get_tst_info(response)), &out->when))
        rc = refuse(err, -EBADMSG, "the time stamp has no time that can be read");
    else
        put_name(signer, out->authority);
    sk_X509_free(signers);
    return rc;
}

int tsa_answer_check(struct span der, const struct tsa_question *q, struct span ca_pem,
                     struct tsa_answer *out, struct err *err)
{
    const unsigned char *p = der.p;
    ERR_clear_error();
    X509_STORE *store = read_store(ca_pem);
    if (!store)
        return refuse(err, -EINVAL, "no certificates (PEM)");
    ERR_clear_error(); /* of the end of the file */
    TS_RESP *response = der.n && der.n < INT32_MAX ? d2i_TS_RESP(NULL, &p, (long)der.n) : NULL;
    int rc = 0;
    if (!response || p != der.p + der.n)
        rc = refuse(err, -EBADMSG, "the answer is no time stamp response");
    else
        rc = take(response, q, store, out, err);
    TS_RESP_free(response);
    X509_STORE_free(store);
    ERR_clear_error();
    return rc;
}
