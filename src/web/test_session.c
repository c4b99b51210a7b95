#include "web/session.h"

#include <sodium.h>

#include "base/tap.h"
#include "web/base64url.h"
#include "web/password.h"
#include "web/throttle.h"

#define MINUTE 60000ll

static unsigned ended;

static void on_end(void *ctx, const struct session *s)
{
    ended++;
}

static struct sessions *fresh(void)
{
    ended = 0;
    return sessions_new(10 * MINUTE, 60 * MINUTE, on_end, NULL);
}

static void test_life(void)
{
    char token[SESSION_TOKEN_LEN + 1], other[SESSION_TOKEN_LEN + 1];
    struct sessions *s = fresh();
    const struct session *one = sessions_begin(s, "rita", "password", 1000, token);
    ok(one && strlen(token) == SESSION_TOKEN_LEN && strcmp(token, one->csrf) != 0);
    ok(sessions_find(s, span_str(token), 2000, false) == one);
    memcpy(other, token, sizeof other);
    other[5] ^= 1;
    ok(!sessions_find(s, span_str(other), 2000, true) &&
       !sessions_find(s, span_str(""), 2000, true));
    ok(session_csrf_is(one, span_str(one->csrf)) && !session_csrf_is(one, span_str(token)) &&
       !session_csrf_is(one, span_str("")));
    int64_t now = 1000;
    for (; now < 50 * MINUTE; now += 9 * MINUTE)
        ok(sessions_find(s, span_str(token), now, true) == one);
    ok(!sessions_find(s, span_str(token), now + 6 * MINUTE + 1000, true), "an hour at most");
    is_int(ended, 1);
    one = sessions_begin(s, "rita", "password", now, token);
    ok(!sessions_find(s, span_str(token), now + 10 * MINUTE, true), "idle");
    one = sessions_begin(s, "rita", "password", now, token);
    sessions_end(s, one);
    ok(!sessions_find(s, span_str(token), now, true), "logged out");
    is_int(ended, 3);
    one = sessions_begin(s, "rita", "password", now, token);
    sessions_wipe(s);
    ok(!sessions_find(s, span_str(token), now, true), "wiped");
    sessions_free(s);
}

static void test_bounds(void)
{
    char token[SESSION_TOKEN_LEN + 1], first[SESSION_TOKEN_LEN + 1], name[80];
    struct sessions *s = fresh();
    ok(sessions_begin(s, "rita", "link", 1, first) != NULL);
    for (unsigned i = 1; i <= SESSIONS_PER_ACCOUNT; i++)
        ok(sessions_begin(s, "rita", "link", 1 + i, token) != NULL);
    ok(!sessions_find(s, span_str(first), 20, true), "the longest idle one made place");
    ok(sessions_find(s, span_str(token), 20, true) != NULL);
    is_int(ended, 1);
    sessions_end_account(s, "rita");
    is_int(ended, 1 + SESSIONS_PER_ACCOUNT);
    for (unsigned i = 0; i < SESSIONS_MAX; i++) {
        snprintf(name, sizeof name, "a%u", i);
        if (!sessions_begin(s, name, "link", 30, token))
            ok(false, "as many as there may be");
    }
    ok(!sessions_begin(s, "one more", "link", 30, token));
    ok(sessions_begin(s, "one more", "link", 30 + 10 * MINUTE, token) != NULL, "time makes room");
    memset(name, 'a', 70);
    name[70] = 0;
    ok(!sessions_begin(s, name, "link", 30 + 10 * MINUTE, token));
    sessions_free(s);
}

static void test_throttle(void)
{
    struct throttle *t = throttle_new(4, 3, 1000);
    int64_t now = 5000;
    for (int i = 0; i < 3; i++)
        is_int(throttle_take(t, span_str("a"), now), 0);
    is_int(throttle_take(t, span_str("a"), now), 1000);
    is_int(throttle_take(t, span_str("b"), now), 0);
    is_int(throttle_take(t, span_str("a"), now + 400), 600);
    is_int(throttle_take(t, span_str("a"), now + 1000), 0);
    is_int(throttle_take(t, span_str("a"), now + 1000), 1000);
    throttle_clear(t, span_str("a"));
    is_int(throttle_take(t, span_str("a"), now + 1000), 0);
    for (int i = 0; i < 10; i++) { /* more keys than it has places for */
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        is_int(throttle_take(t, span_str(key), now + 2000 + i), 0);
    }
    throttle_free(t);
}

static void test_password(void)
{
    char hash[PASSWORD_HASH_MAX];
    ok(password_hash(span_str("a long password"), hash));
    ok(strncmp(hash, "$argon2id$", 10) == 0);
    ok(password_check(hash, span_str("a long password")));
    ok(!password_check(hash, span_str("a long passwore")));
    ok(!password_check(NULL, span_str("a long password")));
    ok(!password_check("nonsense", span_str("a long password")));
}

static void test_base64url(void)
{
    struct buf b = {0};
    base64url_put(&b, span_of("\xff\xef\x01\x02", 4));
    ok(span_is(buf_as_span(&b), "_-8BAg"));
    b.n = 0;
    ok(base64url_decode(&b, span_str("_-8BAg")) && b.n == 4);
    ok(base64url_decode(&b, span_str("")) && b.n == 4);
    static const char *const bad[] = {"_-8BAh", "_-8BAg==", "/+8BAg", "_-8BA g", "A", "\xbeQID"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ok(!base64url_decode(&b, span_str(bad[i])) && b.n == 4);
    buf_free(&b);
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    test_life();
    test_bounds();
    test_throttle();
    test_password();
    test_base64url();
    return tap_done();
}
