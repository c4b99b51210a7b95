/* Logging in: by password and one-time code, by a link, and out again. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>

#include "app/desk/desk_impl.h"
#include "app/desk/login_json.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utc.h"

#define ADDRESSES_MAX 4096
#define USED_MAX      1024 /* links that were used and are not over */
#define JSON_TYPE     "application/json"
#define WRONG         "the account, the password or the code is wrong"

/* Tries at once, and milliseconds for each further one. An address and an account are throttled
 * apart: a stranger who tries an account's password from elsewhere keeps nobody out who comes from
 * their own address, until there are very many. */
#define ADDRESS_BURST 10
#define ADDRESS_MS    6000
#define PAIR_BURST    5 /* one account from one address */
#define PAIR_MS       20000
#define ACCOUNT_BURST 40
#define ACCOUNT_MS    15000
/* Passwords at all: hashing them may have a quarter of a processor, and a second of it at once:
 * everything else waits meanwhile. */
#define HASH_SHARE    4
#define HASH_BURST_MS 4000
/* With the right password and a wrong code: three of a million codes are right, so a day's 144
 * tries find one with a chance of 1 in 2300. */
#define CODE_BURST 5
#define CODE_MS    600000

struct used_code {
    char account[ACT_ACCOUNT_MAX + 1];
    uint64_t step;
};
struct used_link {
    uint8_t digest[SHA256_LEN];
    int64_t until;
};
struct login_state {
    struct throttle *addresses, *pairs, *accounts, *codes;
    int64_t hash_due; /* clock_ms(): when what was hashed is paid for */
    struct used_code code[LOGINS_MAX];
    size_t codes_n;
    struct used_link link[USED_MAX];
    size_t links_n;
};

struct login_state *login_state_new(void)
{
    struct login_state *s = mem_zeroed(1, sizeof *s);
    s->addresses = throttle_new(ADDRESSES_MAX, ADDRESS_BURST, ADDRESS_MS);
    s->pairs = throttle_new(ADDRESSES_MAX, PAIR_BURST, PAIR_MS);
    s->accounts = throttle_new(LOGINS_MAX, ACCOUNT_BURST, ACCOUNT_MS);
    s->codes = throttle_new(LOGINS_MAX, CODE_BURST, CODE_MS);
    return s;
}

void login_state_wipe(struct login_state *s)
{
    s->codes_n = s->links_n = 0;
}

void login_state_free(struct login_state *s)
{
    if (!s)
        return;
    throttle_free(s->addresses);
    throttle_free(s->pairs);
    throttle_free(s->accounts);
    throttle_free(s->codes);
    free(s);
}

/* ---- JSON ---- */

struct login_json *login_body(const struct web_request *r, struct web_reply *reply)
{
    struct span body = web_body(r);
    struct login_json *j = login_json_read(body);
    if (body.n)
        sodium_memzero((void *)body.p, body.n); /* it has a password; children see our memory */
    if (!j)
        desk_refuse(reply, 400, "wants a JSON object");
    return j;
}

static void put_session(struct desk *d, const struct session *s, unsigned roles,
                        struct web_reply *reply)
{
    struct json j = json_to(&reply->body);
    json_object(&j);
    json_key(&j, "account");
    json_str(&j, s->account);
    json_key(&j, "roles");
    json_array(&j);
    for (unsigned i = 0; i < ROLES_COUNT; i++)
        if (roles >> i & 1)
            json_str(&j, account_role_name(i));
    json_array_end(&j);
    json_key(&j, "csrf");
    json_str(&j, s->csrf);
    json_key(&j, "how");
    json_str(&j, s->how);
    json_key(&j, "origin");
    json_str(&j, journal_origin(d->c.journal));
    json_key(&j, "idle_minutes");
    json_uint(&j, d->config->session_minutes);
    json_key(&j, "passkeys");
    json_bool(&j, d->rp_id[0]);
    json_object_end(&j);
    reply->type = JSON_TYPE;
}

/* ---- who may try ---- */

static int wait(struct web_reply *reply, int64_t ms)
{
    desk_refuse(reply, 429, "too many tries: wait a little");
    reply->retry_s = (unsigned)((ms + 999) / 1000);
    return -EAGAIN;
}

/* An address's key: of IPv6 its /64 is one. */
static struct ip address_of(const struct web_request *r)
{
    const struct ip *ip = web_client(r);
    return ip_is_v4(ip) ? *ip : net_of(ip, 64).ip;
}

bool login_may_try(struct desk *d, const struct web_request *r, const char *account, bool hashes,
                   struct web_reply *reply)
{
    struct login_state *s = d->login;
    struct buf pair = {0};
    struct ip ip = address_of(r);
    int64_t now = clock_ms();
    int64_t ms = throttle_take(s->addresses, span_of(ip.b, sizeof ip.b), now);
    buf_put(&pair, ip.b, sizeof ip.b);
    buf_str(&pair, account);
    if (!ms && *account)
        ms = throttle_take(s->pairs, buf_as_span(&pair), now);
    if (!ms && *account)
        ms = throttle_take(s->accounts, span_str(account), now);
    if (!ms && hashes && s->hash_due - now > HASH_BURST_MS)
        ms = s->hash_due - now - HASH_BURST_MS;
    buf_free(&pair);
    return !ms || !wait(reply, ms);
}

bool login_account(struct desk *d, const char *name, unsigned *roles)
{
    struct account a;
    bool open = d->c.casebook && casebook_account(d->c.casebook, span_str(name), &a, NULL) == 1 &&
                account_is_open(&a, utc_now());
    *roles = open ? a.roles : 0;
    return open;
}

/* ---- a session begins ---- */

static void say(enum log_level level, const char *what, const struct web_request *r,
                const char *account, const char *how)
{
    char ip[IP_TEXT_MAX];
    ip_format(web_client(r), ip);
    log_line(level, what, "account=%s how=%s address=%s", account, how, ip);
}

void login_begin(struct desk *d, struct web_request *r, const char *account, const char *how,
                 struct web_reply *reply)
{
    char token[SESSION_TOKEN_LEN + 1];
    unsigned roles;
    if (!login_account(d, account, &roles)) {
        desk_refuse(reply, 403, "this account is not in force");
        return;
    }
    const struct session *s = sessions_begin(d->sessions, account, how, clock_ms(), token);
    if (!s) {
        desk_refuse(reply, 503, "too many people are logged in");
        return;
    }
    bool secure = desk_is_secure(d, r);
    snprintf(reply->cookie, sizeof reply->cookie, "%s=%s; Path=/; HttpOnly; SameSite=Strict%s",
             desk_cookie_name(secure), token, secure ? "; Secure" : "");
    sodium_memzero(token, sizeof token);
    put_session(d, s, roles, reply);
    say(LOG_INFO, "desk: somebody logs in", r, account, how);
}

void login_session(struct desk *d, struct web_request *r, struct web_reply *reply)
{
    unsigned roles;
    const struct session *s = desk_session_of(d, r, &roles);
    if (s) {
        put_session(d, s, roles, reply);
        return;
    }
    struct json j = json_to(&reply->body);
    json_object(&j);
    json_key(&j, "error");
    json_str(&j, "nobody is logged in");
    json_key(&j, "passkeys");
    json_bool(&j, d->rp_id[0]);
    json_object_end(&j);
    reply->type = JSON_TYPE;
    reply->status = 401;
}

void login_out(struct desk *d, struct web_request *r, struct web_reply *reply)
{
    unsigned roles;
    const struct session *s = desk_session_of(d, r, &roles);
    bool secure = desk_is_secure(d, r);
    if (s)
        sessions_end(d->sessions, s);
    snprintf(reply->cookie, sizeof reply->cookie,
             "%s=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0%s", desk_cookie_name(secure),
             secure ? "; Secure" : "");
    buf_str(&reply->body, "{}");
    reply->type = JSON_TYPE;
}

/* ---- by password and code ---- */

/* The step of the account's last code. What a desk before this one took is not known: codes of the
 * time when this one began are not good then. */
static uint64_t *last_code(struct desk *d, const char *account)
{
    struct login_state *s = d->login;
    size_t i = 0;
    while (i < s->codes_n && strcmp(s->code[i].account, account) != 0)
        i++;
    if (i == s->codes_n) {
        if (s->codes_n == LOGINS_MAX) /* as many as may log in: others were removed since */
            i = 0;
        else
            s->codes_n++;
        snprintf(s->code[i].account, sizeof s->code[i].account, "%s", account);
        s->code[i].step = d->restarted ? (uint64_t)(d->started / UTC_SECOND) / TOTP_STEP_S : 0;
    }
    return &s->code[i].step;
}

static int64_t processor_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static bool check_password(struct login_state *s, const char *hash, const char *password)
{
    int64_t now = clock_ms(), begun = processor_ms();
    bool good = password_check(hash, span_str(password));
    s->hash_due = (s->hash_due > now ? s->hash_due : now) + (processor_ms() - begun) * HASH_SHARE;
    return good;
}

/* 0 right, -EACCES wrong, -EAGAIN: throttled, and the reply says so. */
static int check_login(struct desk *d, const struct login *l, const char *password,
                       const char *code, struct web_reply *reply)
{
    if (!check_password(d->login, l ? l->hash : NULL, password))
        return -EACCES;
    int64_t ms = throttle_take(d->login->codes, span_str(l->account), clock_ms());
    if (ms)
        return wait(reply, ms);
    if (!totp_check(span_of(l->secret, TOTP_SECRET_LEN), span_str(code), utc_now() / UTC_SECOND,
                    last_code(d, l->account)))
        return -EACCES;
    throttle_clear(d->login->codes, span_str(l->account));
    throttle_clear(d->login->accounts, span_str(l->account));
    return 0;
}

static void try_password(struct desk *d, struct web_request *r, const struct login_json *o,
                         struct web_reply *reply)
{
    const char *account = login_json_get(o, NULL, "account"),
               *password = login_json_get(o, NULL, "password");
    struct login_file f;
    struct err err;
    if (!account_name_is_good(span_str(account)) || !*password || strlen(password) > PASSWORD_MAX) {
        desk_refuse(reply, 401, WRONG);
        return;
    }
    if (!login_may_try(d, r, account, true, reply))
        return;
    if (login_file_read(d->setup->case_dir, &f, &err) < 0) {
        log_line(LOG_ERROR, "desk: nobody can log in by password", "why=\"%s\"", err.text);
        desk_refuse(reply, 500, "the file of logins cannot be read");
        return;
    }
    const struct login *l = login_file_find(&f, span_str(account));
    int rc = check_login(d, l, password, login_json_get(o, NULL, "code"), reply);
    if (rc == 0)
        login_begin(d, r, l->account, "password", reply);
    else if (rc == -EACCES)
        desk_refuse(reply, 401, WRONG);
    if (rc < 0 && l) /* other names are not written down: people type passwords there */
        say(LOG_WARN, "desk: a login fails", r, l->account, "password");
    login_file_free(&f);
}

void login_password(struct desk *d, struct web_request *r, struct web_reply *reply)
{
    struct login_json *o = login_body(r, reply);
    if (o)
        try_password(d, r, o, reply);
    login_json_free(o);
}

/* ---- by a link ---- */

/* Notes that it was used: false when it was before. */
static bool use_link(struct login_state *s, const struct login_link *l, int64_t now)
{
    size_t n = 0;
    for (size_t i = 0; i < s->links_n; i++) {
        if (memcmp(s->link[i].digest, l->digest, SHA256_LEN) == 0)
            return false;
        if (now < s->link[i].until)
            s->link[n++] = s->link[i];
    }
    s->links_n = n;
    if (n == USED_MAX)
        return false;
    memcpy(s->link[n].digest, l->digest, SHA256_LEN);
    s->link[s->links_n++].until = l->until;
    return true;
}

static void try_link(struct desk *d, struct web_request *r, const char *token,
                     struct web_reply *reply)
{
    struct login_link l;
    struct err err;
    int64_t now = utc_now();
    int rc = login_link_find(d->setup->case_dir, span_str(token), now, &l, &err);
    if (rc < 0)
        log_line(LOG_ERROR, "desk: a link cannot be read", "why=\"%s\"", err.text);
    if (rc == 1 && d->restarted && l.made < d->started)
        rc = 0; /* whether it was used already is not known */
    if (rc == 1 && use_link(d->login, &l, now))
        login_begin(d, r, l.account, "link", reply);
    else
        desk_refuse(reply, 401, "this link was used, or its time is over");
}

void login_link(struct desk *d, struct web_request *r, struct web_reply *reply)
{
    struct login_json *o = login_may_try(d, r, "", false, reply) ? login_body(r, reply) : NULL;
    if (o)
        try_link(d, r, login_json_get(o, NULL, "token"), reply);
    login_json_free(o);
}
