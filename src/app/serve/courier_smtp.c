/* SMTP submission by libcurl. What matters beside that it goes out: to know, when something breaks,
 * whether the smarthost can have taken the mail. It cannot before the final dot, and libcurl sends
 * that after its read function has returned 0; it has when an answer came after that. In between
 * lies the doubt. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "app/serve/courier_post_impl.h"
#include "base/mem.h"

#define CONNECT_S  30L
#define RESPONSE_S 600L /* RFC 5321, 4.5.3.2.6: the final dot's answer may take ten minutes */
#define KNOCK_S    60L

enum stage { STAGE_GREETING, STAGE_MAIL, STAGE_RCPT, STAGE_DATA, STAGE_DOT };

struct post_line {
    CURL *curl;
    struct curl_slist *resolve;
    int parent;
    char error[CURL_ERROR_SIZE];
    /* of the transfer that is under way */
    struct courier_mark *mark;
    struct cur body;
    enum stage stage;
    unsigned code; /* of the latest whole reply in this stage; 0: none yet */
    bool more;     /* of a reply there are lines to come */
    bool over;     /* there is an answer to all of it: what follows is good-bye */
    char reply[COURIER_REPLY_MAX];
    size_t n_reply;
};

/* ---- what libcurl tells ---- */

static bool starts(const char *line, size_t n, const char *word)
{
    size_t len = strlen(word);
    return n >= len && strncasecmp(line, word, len) == 0;
}

static void enter_stage(struct post_line *l, enum stage stage)
{
    l->stage = stage;
    l->code = 0;
    l->more = false;
}

/* Commands as they go out; of a login nothing is looked at but that it is none of these. */
static int on_debug(CURL *curl, curl_infotype type, char *text, size_t n, void *ctx)
{
    struct post_line *l = ctx;
    if (type != CURLINFO_HEADER_OUT)
        return 0;
    if (starts(text, n, "MAIL FROM:"))
        enter_stage(l, STAGE_MAIL);
    else if (starts(text, n, "RCPT TO:"))
        enter_stage(l, STAGE_RCPT);
    else if (starts(text, n, "DATA"))
        enter_stage(l, STAGE_DATA);
    else if (starts(text, n, "QUIT"))
        l->over = true;
    return 0;
}

/* "451 4.7.1 Greylisted": three digits, then '-' when more lines follow. */
static bool is_reply(const char *line, size_t n)
{
    return n >= 3 && line[0] >= '2' && line[0] <= '5' && line[1] >= '0' && line[1] <= '9' &&
           line[2] >= '0' && line[2] <= '9' && (n == 3 || strchr(" -\r\n", line[3]));
}

static void keep_reply(struct post_line *l, const char *line, size_t n)
{
    size_t room;
    while (n && (line[n - 1] == '\n' || line[n - 1] == '\r'))
        n--;
    if (!l->more)
        l->n_reply = 0;
    if (l->n_reply && l->n_reply < sizeof l->reply - 1)
        l->reply[l->n_reply++] = ' ';
    room = sizeof l->reply - 1 - l->n_reply;
    n = n < room ? n : room;
    memcpy(l->reply + l->n_reply, line, n);
    l->n_reply += n;
    l->reply[l->n_reply] = 0;
}

static enum courier_verdict verdict_of(unsigned code)
{
    return code / 100 == 2   ? COURIER_SENT
           : code / 100 == 4 ? COURIER_DEFERRED
           : code / 100 == 5 ? COURIER_REFUSED
                             : COURIER_DOUBTFUL;
}

/* 421: the server is going, or has no time for anybody. */
static enum courier_fault fault_of(unsigned code)
{
    return code == 421 ? COURIER_HOST : COURIER_OWN;
}

static struct span reply_of(const struct post_line *l)
{
    return span_of(l->reply, l->n_reply);
}

static size_t on_reply(char *line, size_t size, size_t n, void *ctx)
{
    struct post_line *l = ctx;
    n *= size;
    if (l->over || !is_reply(line, n))
        return n;
    keep_reply(l, line, n);
    l->more = n > 3 && line[3] == '-';
    if (l->more)
        return n;
    l->code = (unsigned)((line[0] - '0') * 100 + (line[1] - '0') * 10 + line[2] - '0');
    if (l->stage == STAGE_DOT) { /* at once: what comes after it may be our end */
        l->over = true;
        courier_mark_done(l->mark, verdict_of(l->code), fault_of(l->code), reply_of(l));
    }
    return n;
}

static size_t on_body(char *out, size_t size, size_t n, void *ctx)
{
    struct post_line *l = ctx;
    size_t left = cur_left(&l->body);
    n = n * size < left ? n * size : left;
    if (n) {
        memcpy(out, l->body.p, n);
        l->body.p += n;
    } else {
        enter_stage(l, STAGE_DOT);
        courier_mark_ending(l->mark);
    }
    return n;
}

static size_t on_text(char *text, size_t size, size_t n, void *ctx)
{
    return size * n;
}

/* Called about once a second and whenever something moves. */
static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct post_line *l = ctx;
    char byte;
    bool gone = recv(l->parent, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
    return gone && l->stage != STAGE_DOT;
}

/* ---- setting up ---- */

static CURLcode set_tls(CURL *c, const struct smarthost *h)
{
    struct curl_blob ca = {h->ca.p, h->ca.n, CURL_BLOB_NOCOPY};
    long use = h->tls == POST_PLAIN ? CURLUSESSL_NONE : CURLUSESSL_ALL;
    CURLcode rc = curl_easy_setopt(c, CURLOPT_USE_SSL, use);
    if (rc != CURLE_OK || h->tls == POST_PLAIN)
        return rc;
    rc = curl_easy_setopt(c, CURLOPT_CAINFO_BLOB, &ca);
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
    return rc == CURLE_OK ? curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2)
                          : rc;
}

static CURLcode set_login(CURL *c, const struct smarthost *h)
{
    if (!h->password.n)
        return CURLE_OK;
    CURLcode rc = curl_easy_setopt(c, CURLOPT_USERNAME, h->user);
    return rc == CURLE_OK ? curl_easy_setopt(c, CURLOPT_PASSWORD, (char *)h->password.p) : rc;
}

/* Only there, by nobody's proxy, and to the addresses that were found before. */
static CURLcode set_way(struct post_line *l, const struct smarthost *h)
{
    CURL *c = l->curl;
    CURLcode rc = curl_easy_setopt(c, CURLOPT_URL, h->url);
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(c, CURLOPT_PROXY, "");
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
    if (rc == CURLE_OK && !h->literal) {
        l->resolve = curl_slist_append(NULL, (char *)h->resolve.p);
        rc = curl_easy_setopt(c, CURLOPT_RESOLVE, l->resolve);
    }
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
    return rc == CURLE_OK ? curl_easy_setopt(c, CURLOPT_MAIL_FROM, h->sender) : rc;
}

static CURLcode set_calls(struct post_line *l)
{
    CURL *c = l->curl;
    CURLcode rc = curl_easy_setopt(c, CURLOPT_ERRORBUFFER, l->error);
#define CALL(function, data, f)                                                                    \
    if (rc == CURLE_OK)                                                                            \
        rc = curl_easy_setopt(c, function, f);                                                     \
    if (rc == CURLE_OK)                                                                            \
        rc = curl_easy_setopt(c, data, l);
    CALL(CURLOPT_DEBUGFUNCTION, CURLOPT_DEBUGDATA, on_debug)
    CALL(CURLOPT_HEADERFUNCTION, CURLOPT_HEADERDATA, on_reply)
    CALL(CURLOPT_READFUNCTION, CURLOPT_READDATA, on_body)
    CALL(CURLOPT_WRITEFUNCTION, CURLOPT_WRITEDATA, on_text)
    CALL(CURLOPT_XFERINFOFUNCTION, CURLOPT_XFERINFODATA, on_progress)
#undef CALL
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    return rc == CURLE_OK ? curl_easy_setopt(c, CURLOPT_VERBOSE, 1L) : rc;
}

struct post_line *post_line_new(const struct smarthost *h, int parent)
{
    struct post_line *l = mem_zeroed(1, sizeof *l);
    l->parent = parent;
    CURLcode rc = CURLE_FAILED_INIT;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK && (l->curl = curl_easy_init()))
        rc = set_way(l, h);
    if (rc == CURLE_OK)
        rc = set_tls(l->curl, h);
    if (rc == CURLE_OK)
        rc = set_login(l->curl, h);
    if (rc == CURLE_OK)
        rc = set_calls(l);
    if (rc == CURLE_OK)
        return l;
    post_line_free(l);
    return NULL;
}

void post_line_free(struct post_line *l)
{
    if (l->curl)
        curl_easy_cleanup(l->curl); /* says QUIT */
    curl_slist_free_all(l->resolve);
    free(l);
}

/* ---- at work ---- */

static void begin(struct post_line *l, struct courier_mark *mark, struct span bytes)
{
    l->mark = mark;
    l->body = cur_of(bytes);
    l->n_reply = 0;
    l->reply[0] = l->error[0] = 0;
    l->over = false;
    enter_stage(l, STAGE_GREETING);
}

/* libcurl's words, and the server's where there are any. */
static void words_of(const struct post_line *l, CURLcode rc, char out[COURIER_REPLY_MAX])
{
    const char *error = l->error[0] ? l->error : curl_easy_strerror(rc);
    if (l->code >= 400)
        snprintf(out, COURIER_REPLY_MAX, "%s", l->reply);
    else
        snprintf(out, COURIER_REPLY_MAX, "%.*s", COURIER_REPLY_MAX - 1, error);
}

static bool is_forever(const struct post_line *l, CURLcode rc)
{
    return l->code / 100 == 5 || rc == CURLE_LOGIN_DENIED || rc == CURLE_USE_SSL_FAILED ||
           rc == CURLE_PEER_FAILED_VERIFICATION || rc == CURLE_SSL_CACERT_BADFILE;
}

/* It broke before the final dot. Before RCPT it is not about this report: a login that fails, a
 * sender that is not ours. RFC 1870: 552 to MAIL FROM is about its size. */
static void broke(struct post_line *l, CURLcode rc)
{
    char words[COURIER_REPLY_MAX];
    words_of(l, rc, words);
    bool size = l->stage == STAGE_MAIL && l->code == 552;
    bool own = l->stage >= STAGE_RCPT || size;
    bool answered = l->code >= 400 && fault_of(l->code) == COURIER_OWN;
    if (own && answered)
        courier_mark_done(l->mark, verdict_of(l->code), COURIER_OWN, span_str(words));
    else
        courier_mark_done(l->mark, COURIER_DEFERRED,
                          !own && is_forever(l, rc) ? COURIER_FOREVER : COURIER_HOST,
                          span_str(words));
}

static void set_method(CURL *c, struct curl_slist *to, const char *request, long limit_s)
{
    curl_easy_setopt(c, CURLOPT_MAIL_RCPT, to);
    curl_easy_setopt(c, CURLOPT_UPLOAD, to ? 1L : 0L);
    curl_easy_setopt(c, CURLOPT_NOBODY, to ? 0L : 1L);
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, request);
    curl_easy_setopt(c, CURLOPT_SERVER_RESPONSE_TIMEOUT, limit_s);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, to ? (long)POST_LONGEST_MS : limit_s * 1000);
}

void post_line_knock(struct post_line *l, struct courier_mark *mark)
{
    begin(l, mark, span_of(NULL, 0));
    set_method(l->curl, NULL, "NOOP", KNOCK_S);
    CURLcode rc = curl_easy_perform(l->curl);
    if (rc == CURLE_OK)
        courier_mark_done(mark, COURIER_SENT, COURIER_OWN, reply_of(l));
    else
        broke(l, rc);
}

void post_line_mail(struct post_line *l, const char *contact, struct span bytes,
                    struct courier_mark *mark)
{
    char to[POST_ADDRESS_MAX + 3];
    snprintf(to, sizeof to, "<%s>", contact);
    struct curl_slist *list = curl_slist_append(NULL, to);
    begin(l, mark, bytes);
    if (!list) {
        courier_mark_done(mark, COURIER_DEFERRED, COURIER_HOST, span_str("out of memory"));
        return;
    }
    set_method(l->curl, list, NULL, RESPONSE_S);
    CURLcode rc = curl_easy_perform(l->curl);
    curl_easy_setopt(l->curl, CURLOPT_MAIL_RCPT, NULL);
    curl_slist_free_all(list);
    if (rc == CURLE_OK && !l->code)
        l->code = 250; /* libcurl saw it */
    if (rc == CURLE_OK)
        courier_mark_done(mark, COURIER_SENT, COURIER_OWN, reply_of(l));
    else if (l->stage == STAGE_DOT && l->code)
        courier_mark_done(mark, verdict_of(l->code), fault_of(l->code), reply_of(l));
    else if (l->stage == STAGE_DOT)
        /* a dot that could not be written whole did not arrive */
        courier_mark_done(mark, rc == CURLE_SEND_ERROR ? COURIER_DEFERRED : COURIER_DOUBTFUL,
                          COURIER_HOST, span_str(l->error[0] ? l->error : curl_easy_strerror(rc)));
    else
        broke(l, rc);
}
