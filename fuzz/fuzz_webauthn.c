/* What a browser says of a passkey: a byte that chooses, then client data, authenticator data, a
 * key and a signature, each behind its length (two bytes). Nothing that was not made with the key
 * is taken; what is read lies within what was given. */
#include "must.h"

#include "web/base64url.h"
#include "web/webauthn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct span take(struct cur *c)
{
    struct span s = {0};
    uint16_t n;
    if (!cur_u16(c, &n) || !cur_take(c, n < cur_left(c) ? n : cur_left(c), &s))
        return span_of("", 0);
    return s;
}

static void check_base64url(struct span text)
{
    struct buf bytes = {0}, again = {0};
    if (base64url_decode(&bytes, text)) {
        base64url_put(&again, buf_as_span(&bytes));
        must(span_eq(buf_as_span(&again), text)); /* one text for the same bytes */
    } else {
        must(!bytes.n);
    }
    buf_free(&bytes);
    buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t challenge[WEBAUTHN_CHALLENGE_LEN] = {0};
    const struct webauthn_expect e = {
        {challenge, sizeof challenge}, "https://desk.example", "desk.example"};
    struct cur c = cur_of(span_of(data, size));
    struct webauthn_data d;
    uint32_t count = 7;
    uint8_t how;
    if (!cur_u8(&c, &how))
        return 0;
    struct span client = take(&c), authenticator = take(&c), key = take(&c), signature = take(&c);
    const char *type = how & 1 ? "webauthn.get" : "webauthn.create";
    webauthn_check_client_data(client, type, &e, NULL);
    if (webauthn_read_data(authenticator, e.rp_id, &d, NULL) == 0 && d.id.p) {
        inside(authenticator, d.id);
        must(d.id.n && d.id.n <= WEBAUTHN_ID_MAX);
    }
    webauthn_check_key(key, NULL);
    struct webauthn_assertion a = {client, authenticator, signature, key, &count};
    must(webauthn_check_assertion(&e, &a, NULL) < 0 ? count == 7 : count > 7 || !count);
    struct webauthn_registration r = {client, authenticator, d.id, key};
    webauthn_check_registration(&e, &r, NULL);
    check_base64url(signature);
    return 0;
}
