/* Passkeys (WebAuthn): logging in by one, and what a browser needs to make one. Their public keys
 * are PASSKEY acts, signed by their owners: nothing here can add one.
 *
 * A challenge needs no memory: it says when it was made and is authenticated by a secret of this
 * process; so nobody can crowd out another's. One that was used is remembered until its time is
 * over. */
#include <sodium.h>
#include <stdio.h>

#include "app/desk/desk_impl.h"
#include "app/desk/login_json.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utc.h"
#include "state/passkeys.h"
#include "web/base64url.h"

#define CHALLENGE_S  300
#define NONCE_LEN    12
#define MAC_LEN      16
#define USED_MAX     1024
#define COUNTERS_MAX 1024
#define JSON_TYPE    "application/json"
#define USER_HANDLE  32
#define LIST_MAX     256

_Static_assert(4 + NONCE_LEN + MAC_LEN == WEBAUTHN_CHALLENGE_LEN, "a challenge's parts");

struct counter {
    uint64_t entry;
    uint32_t count;
};
struct passkey_state {
    uint8_t secret[crypto_generichash_KEYBYTES];
    struct {
        uint8_t nonce[NONCE_LEN];
        uint32_t made;
    } used[USED_MAX];
    size_t used_n;
    struct counter counter[COUNTERS_MAX];
    size_t counters;
};

struct passkey_state *passkey_state_new(void)
{
    struct passkey_state *s = mem_zeroed(1, sizeof *s);
    randombytes_buf(s->secret, sizeof s->secret);
    return s;
}

void passkey_state_wipe(struct passkey_state *s)
{
    sodium_memzero(s, sizeof *s);
}

void passkey_state_free(struct passkey_state *s)
{
    if (s)
        passkey_state_wipe(s);
    free(s);
}

/* ---- challenges ---- */

static uint32_t now_s(void)
{
    return (uint32_t)(clock_ms() / 1000);
}

/* `whose`: the session's id for a new passkey, nothing for logging in. */
static void seal(const struct passkey_state *s, uint8_t c[WEBAUTHN_CHALLENGE_LEN],
                 struct span whose, uint8_t mac[MAC_LEN])
{
    crypto_generichash_state h;
    crypto_generichash_init(&h, s->secret, sizeof s->secret, MAC_LEN);
    crypto_generichash_update(&h, c, 4 + NONCE_LEN);
    crypto_generichash_update(&h, whose.p, whose.n);
    crypto_generichash_final(&h, mac, MAC_LEN);
}

static void make_challenge(const struct passkey_state *s, struct span whose,
                           uint8_t out[WEBAUTHN_CHALLENGE_LEN])
{
    be32_put(out, now_s());
    randombytes_buf(out + 4, NONCE_LEN);
    seal(s, out, whose, out + 4 + NONCE_LEN);
}

static bool is_ours(const struct passkey_state *s, uint8_t c[WEBAUTHN_CHALLENGE_LEN],
                    struct span whose)
{
    uint8_t mac[MAC_LEN];
    uint32_t age = now_s() - be32_get(c);
    seal(s, c, whose, mac);
    return sodium_memcmp(mac, c + 4 + NONCE_LEN, MAC_LEN) == 0 && age <= CHALLENGE_S;
}

/* False when it was used before, or too many were. */
static bool use_challenge(struct passkey_state *s, const uint8_t c[WEBAUTHN_CHALLENGE_LEN])
{
    size_t n = 0;
    for (size_t i = 0; i < s->used_n; i++) {
        if (memcmp(s->used[i].nonce, c + 4, NONCE_LEN) == 0)
            return false;
        if (now_s() - s->used[i].made <= CHALLENGE_S)
            s->used[n++] = s->used[i];
    }
    s->used_n = n;
    if (n == USED_MAX)
        return false;
    memcpy(s->used[n].nonce, c + 4, NONCE_LEN);
    s->used[s->used_n++].made = be32_get(c);
    return true;
}

/* The challenge that the client data names, when it is one of ours. */
static bool find_challenge(const struct passkey_state *s, struct span client_data,
                           struct span whose, uint8_t out[WEBAUTHN_CHALLENGE_LEN])
{
    struct buf bytes = {0};
    struct login_json *j =
        client_data.n <= WEBAUTHN_CLIENT_DATA_MAX ? login_json_read(client_data) : NULL;
    const char *text = j ? login_json_get(j, NULL, "challenge") : "";
    bool good = base64url_decode(&bytes, span_str(text)) && bytes.n == WEBAUTHN_CHALLENGE_LEN;
    if (good)
        memcpy(out, bytes.p, WEBAUTHN_CHALLENGE_LEN);
    buf_free(&bytes);
    login_json_free(j);
    return good && is_ours(s, out, whose);
}

/* ---- the keys of the log ---- */

static int open_pursuit(const struct desk *d, struct pursuit **out, struct err *err)
{
    char dir[FILE_PATH_MAX];
    int rc = file_path(dir, err, "%s/views", d->setup->case_dir);
    return rc == 0 ? pursuit_open(dir, out, err) : rc;
}

struct found {
    uint64_t entry;
    char account[ACT_ACCOUNT_MAX + 1];
    struct buf key;
};

static int take_found(void *ctx, const struct passkey *k)
{
    struct found *f = ctx;
    f->entry = k->entry;
    if (k->account.n > ACT_ACCOUNT_MAX)
        return 1;
    memcpy(f->account, k->account.p, k->account.n);
    f->account[k->account.n] = 0;
    buf_span(&f->key, k->act.key);
    return 0;
}

static bool find_key(const struct desk *d, struct span id, struct found *out)
{
    struct pursuit *p = NULL;
    struct err err;
    int rc = open_pursuit(d, &p, &err);
    if (rc == 0)
        rc = passkeys_find(p, id, span_str(d->rp_id), take_found, out, &err);
    if (rc < 0)
        log_line(LOG_ERROR, "desk: passkeys cannot be read", "why=\"%s\"", err.text);
    if (p)
        pursuit_close(p);
    return rc == 1 && out->account[0];
}

static uint32_t *counter_of(struct passkey_state *s, uint64_t entry)
{
    size_t i = 0;
    while (i < s->counters && s->counter[i].entry != entry)
        i++;
    if (i == COUNTERS_MAX)
        i = 0;
    if (s->counter[i].entry != entry)
        s->counter[i] = (struct counter){entry, 0};
    if (i >= s->counters)
        s->counters = i + 1;
    return &s->counter[i].count;
}

/* ---- JSON as browsers read and write it (WebAuthn level 3, 5.1.8 to 5.1.10) ---- */

static void put_bytes(struct json *j, const char *key, struct span bytes)
{
    struct buf text = {0};
    base64url_put(&text, bytes);
    json_key(j, key);
    json_span(j, buf_as_span(&text));
    buf_free(&text);
}

/* A member of base64url. Its place in `keep` is an offset, until that stops growing. */
static struct span get_bytes(const struct login_json *j, const char *in, const char *key,
                             struct buf *keep)
{
    size_t at = keep->n;
    struct span text = span_str(login_json_get(j, in, key));
    return base64url_decode(keep, text) ? span_of((void *)at, keep->n - at) : (struct span){0};
}

/* The page's address line has to be the one that passkeys are for. */
static bool have_passkeys(const struct desk *d, struct web_reply *reply)
{
    if (d->rp_id[0])
        return true;
    desk_refuse(reply, 404,
                "passkeys want web.desk_url in ebb.yaml, with a name and not an address");
    return false;
}

static struct webauthn_expect expect(const struct desk *d, const uint8_t *challenge)
{
    return (struct webauthn_expect){span_of(challenge, WEBAUTHN_CHALLENGE_LEN), d->config->desk_url,
                                    d->rp_id};
}

/* Says nothing of the account to who does not know it. */
static void user_handle(const struct desk *d, const char *account, uint8_t out[USER_HANDLE])
{
    struct buf text = {0};
    uint8_t digest[SHA256_LEN];
    buf_printf(&text, "ebb passkey %s %s", journal_origin(d->c.journal), account);
    sha256(text.p, text.n, digest);
    memcpy(out, digest, USER_HANDLE);
    buf_free(&text);
}

/* ---- logging in ---- */

void login_passkey_options(struct desk *d, struct web_request *r, struct web_reply *reply)
{
    uint8_t challenge[WEBAUTHN_CHALLENGE_LEN];
    if (!have_passkeys(d, reply))
        return;
    make_challenge(d->passkeys, (struct span){0}, challenge);
    struct json j = json_to(&reply->body);
    json_object(&j);
    put_bytes(&j, "challenge", span_of(challenge, sizeof challenge));
    json_key(&j, "rpId");
    json_str(&j, d->rp_id);
    json_key(&j, "userVerification");
    json_str(&j, "required");
    json_key(&j, "timeout");
    json_uint(&j, CHALLENGE_S * 1000);
    json_key(&j, "allowCredentials"); /* the browser shows what it has: nobody learns who has one */
    json_array(&j);
    json_array_end(&j);
    json_object_end(&j);
    reply->type = JSON_TYPE;
}

/* What a browser gave; offsets into `bytes` until it stops growing. */
struct credential {
    struct buf bytes;
    struct span id, client_data, authenticator, signature, handle, key;
};

static void settle(struct credential *c)
{
    struct span *all[] = {&c->id,        &c->client_data, &c->authenticator,
                          &c->signature, &c->handle,      &c->key};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i]->n)
            all[i]->p = c->bytes.p + (size_t)all[i]->p;
}

static void read_credential(const struct login_json *j, struct credential *c)
{
    *c = (struct credential){0};
    c->id = get_bytes(j, NULL, "rawId", &c->bytes);
    c->client_data = get_bytes(j, "response", "clientDataJSON", &c->bytes);
    c->authenticator = get_bytes(j, "response", "authenticatorData", &c->bytes);
    c->signature = get_bytes(j, "response", "signature", &c->bytes);
    c->handle = get_bytes(j, "response", "userHandle", &c->bytes);
    c->key = get_bytes(j, "response", "publicKey", &c->bytes);
    settle(c);
}

static bool check_login(struct desk *d, const struct credential *c, struct found *f,
                        struct err *err)
{
    uint8_t challenge[WEBAUTHN_CHALLENGE_LEN], handle[USER_HANDLE];
    if (!find_challenge(d->passkeys, c->client_data, (struct span){0}, challenge)) {
        err_set(err, -1, "passkey: this answers no challenge of this desk, or too late");
        return false;
    }
    if (!c->id.n || !find_key(d, c->id, f)) {
        err_set(err, -1, "passkey: it is not known here, or was withdrawn");
        return false;
    }
    user_handle(d, f->account, handle);
    if (c->handle.n && !span_eq(c->handle, span_of(handle, sizeof handle))) {
        err_set(err, -1, "passkey: it is another account's");
        return false;
    }
    struct webauthn_expect e = expect(d, challenge);
    struct webauthn_assertion a = {c->client_data, c->authenticator, c->signature,
                                   buf_as_span(&f->key), counter_of(d->passkeys, f->entry)};
    if (webauthn_check_assertion(&e, &a, err) < 0)
        return false;
    if (use_challenge(d->passkeys, challenge))
        return true;
    err_set(err, -1, "passkey: this challenge was answered before");
    return false;
}

void login_passkey(struct desk *d, struct web_request *r, struct web_reply *reply)
{
    struct credential c;
    struct found f = {0};
    struct err err;
    if (!have_passkeys(d, reply) || !login_may_try(d, r, "", false, reply))
        return;
    struct login_json *o = login_body(r, reply);
    if (!o)
        return;
    read_credential(o, &c);
    if (check_login(d, &c, &f, &err)) {
        login_begin(d, r, f.account, "passkey", reply);
    } else {
        desk_refuse(reply, 401, err.text);
        log_line(LOG_WARN, "desk: a login fails", "how=passkey why=\"%s\"", err.text);
    }
    buf_free(&c.bytes);
    buf_free(&f.key);
    login_json_free(o);
}

/* ---- one's own ---- */

static int put_own(void *ctx, const struct passkey *k)
{
    struct json *j = ctx;
    char when[UTC_TEXT_MAX];
    json_object(j);
    json_key(j, "entry");
    json_uint(j, k->entry);
    json_key(j, "recorded");
    utc_format(k->recorded, when);
    json_str(j, when);
    json_key(j, "name");
    json_span(j, k->act.name);
    json_key(j, "rp_id");
    json_span(j, k->act.rp_id);
    put_bytes(j, "id", k->act.id);
    json_object_end(j);
    return 0;
}

static int put_excluded(void *ctx, const struct passkey *k)
{
    struct json *j = ctx;
    json_object(j);
    json_key(j, "type");
    json_str(j, "public-key");
    put_bytes(j, "id", k->act.id);
    json_object_end(j);
    return 0;
}

static void put_list(const struct desk *d, const char *account, struct json *j,
                     int (*each)(void *ctx, const struct passkey *k))
{
    struct pursuit *p = NULL;
    struct err err;
    int rc = open_pursuit(d, &p, &err);
    json_array(j);
    if (rc == 0)
        rc = passkeys_of(p, span_str(account), each, j, &err);
    json_array_end(j);
    if (rc < 0)
        log_line(LOG_ERROR, "desk: passkeys cannot be read", "why=\"%s\"", err.text);
    if (p)
        pursuit_close(p);
}

void desk_passkeys(struct desk *d, struct web_request *r, struct web_reply *reply)
{
    unsigned roles;
    const struct session *s = desk_session_of(d, r, &roles);
    struct json j = json_to(&reply->body);
    json_object(&j);
    json_key(&j, "passkeys");
    put_list(d, s ? s->account : "?", &j, put_own);
    json_object_end(&j);
    reply->type = JSON_TYPE;
}

static void put_parameters(struct json *j)
{
    static const int algorithms[] = {WEBAUTHN_EDDSA, WEBAUTHN_ES256, WEBAUTHN_RS256};
    json_key(j, "pubKeyCredParams");
    json_array(j);
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        json_object(j);
        json_key(j, "type");
        json_str(j, "public-key");
        json_key(j, "alg");
        json_int(j, algorithms[i]);
        json_object_end(j);
    }
    json_array_end(j);
}

static void put_user(const struct desk *d, const char *account, struct json *j)
{
    uint8_t handle[USER_HANDLE];
    user_handle(d, account, handle);
    json_key(j, "rp");
    json_object(j);
    json_key(j, "id");
    json_str(j, d->rp_id);
    json_key(j, "name");
    json_str(j, d->setup->config->name);
    json_object_end(j);
    json_key(j, "user");
    json_object(j);
    put_bytes(j, "id", span_of(handle, sizeof handle));
    json_key(j, "name");
    json_str(j, account);
    json_key(j, "displayName");
    json_str(j, account);
    json_object_end(j);
}

void desk_passkeys_options(struct desk *d, struct web_request *r, struct web_reply *reply)
{
    uint8_t challenge[WEBAUTHN_CHALLENGE_LEN];
    unsigned roles;
    const struct session *s = desk_session_of(d, r, &roles);
    if (!s || !have_passkeys(d, reply))
        return;
    make_challenge(d->passkeys, span_of(s->id, sizeof s->id), challenge);
    struct json j = json_to(&reply->body);
    json_object(&j);
    put_bytes(&j, "challenge", span_of(challenge, sizeof challenge));
    put_user(d, s->account, &j);
    put_parameters(&j);
    json_key(&j, "timeout");
    json_uint(&j, CHALLENGE_S * 1000);
    json_key(&j, "attestation");
    json_str(&j, "none");
    json_key(&j, "authenticatorSelection");
    json_object(&j);
    json_key(&j, "residentKey");
    json_str(&j, "required");
    json_key(&j, "requireResidentKey");
    json_bool(&j, true);
    json_key(&j, "userVerification");
    json_str(&j, "required");
    json_object_end(&j);
    json_key(&j, "excludeCredentials");
    put_list(d, s->account, &j, put_excluded);
    json_object_end(&j);
    reply->type = JSON_TYPE;
}

/* What a browser has made, checked; and what "passkey add" wants of it. */
void desk_passkeys_check(struct desk *d, struct web_request *r, struct web_reply *reply)
{
    uint8_t challenge[WEBAUTHN_CHALLENGE_LEN];
    struct credential c;
    struct err err;
    unsigned roles;
    const struct session *s = desk_session_of(d, r, &roles);
    if (!s || !have_passkeys(d, reply))
        return;
    struct login_json *o = login_body(r, reply);
    if (!o)
        return;
    read_credential(o, &c);
    struct webauthn_expect e = expect(d, challenge);
    struct webauthn_registration made = {c.client_data, c.authenticator, c.id, c.key};
    if (!find_challenge(d->passkeys, c.client_data, span_of(s->id, sizeof s->id), challenge))
        desk_refuse(reply, 422, "passkey: this answers no challenge of this session, or too late");
    else if (webauthn_check_registration(&e, &made, &err) < 0)
        desk_refuse(reply, 422, err.text);
    else if (!use_challenge(d->passkeys, challenge))
        desk_refuse(reply, 422, "passkey: this challenge was answered before");
    else {
        struct json j = json_to(&reply->body);
        json_object(&j);
        put_bytes(&j, "id", c.id);
        put_bytes(&j, "key", c.key);
        json_key(&j, "rp_id");
        json_str(&j, d->rp_id);
        json_object_end(&j);
        reply->type = JSON_TYPE;
    }
    buf_free(&c.bytes);
    login_json_free(o);
}
