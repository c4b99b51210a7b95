/* Cosignatures: vectors made with `openssl pkeyutl -sign -rawin` (key: seed 00 01 .. 1f). */
#include "base/tap.h"
#include "journal/cosignature.h"

#include <errno.h>

static const char vkey[] =
    "witness.example/w1+e75f6532+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
static const char note_vkey[] =
    "witness.example/w1+3218362d+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
static const char text[] = "log.example/case\n1234\nSBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I=\n";
static const char in_2011[] =
    "\xe2\x80\x94 witness.example/w1 519lMgAAAABNgHwQEvFgfMNWXMhRm8ft6PZb2/eHzj7x5HpcXz"
    "K+YwHHlrAf1RMppSZoOMB6/hctjCU0ScMy3z657Bo7tnneJmuoAw==\n";
static const char in_1970[] =
    "\xe2\x80\x94 witness.example/w1 519lMgAAAAAAAAAA3HxUus7dUKOXdDsb7w/csDgmTrQKmqx13T"
    "Fi0qB1eIhifKQL3nubCvsGGyql9ADatGB7x1xsxyHZOePrVn4lAQ==\n";
static const char at_the_end[] =
    "\xe2\x80\x94 witness.example/w1 519lMn//////////eapTRQiS4+wNWGBPVUw/sgumRjw1n2+q"
    "8Ze9qGn52NkUVozK9ghc3X3J+LB1IMlptbxxGQNjvsrQn1HrZGpqAw==\n";
static const char beyond[] =
    "\xe2\x80\x94 witness.example/w1 519lMoAAAAAAAAAAwyYm7GfIcs+xdsm0VKPfVRaSRY3zzo06Nms6"
    "KGawUvUPFvNYFJAsXbNg7W8N6U/u4asaBYu6C+rPV4Xq5XsLCg==\n";
static const char other[] =
    "\xe2\x80\x94 elsewhere.example/w2 AAAAAAAAAABNgHwQEvFgfMNWXMhRm8ft6PZb2w==\n";

static int find(const char *lines, const char *of, uint64_t *time)
{
    struct note_key key;
    struct span line;
    struct err err;
    if (note_key_parse_cosigner(span_str(vkey), &key, &err) < 0)
        return -ENOKEY;
    return cosignature_find(span_str(lines), span_str(of), &key, &line, time, &err);
}

static void test_keys(void)
{
    struct note_key key;
    struct err err;
    is_int(note_key_parse_cosigner(span_str(vkey), &key, &err), 0);
    is_str(key.name, "witness.example/w1");
    is_int(key.id, 0xe75f6532);
    is_int(note_key_parse_cosigner(span_str(note_vkey), &key, &err), -ENOTSUP);
    is_int(note_key_parse_verifier(span_str(vkey), &key, &err), -ENOTSUP);
    is_int(note_key_parse_verifier(span_str(note_vkey), &key, &err), 0);
    char wrong[sizeof vkey];
    memcpy(wrong, vkey, sizeof vkey);
    wrong[19] = 'f'; /* of the id */
    is_int(note_key_parse_cosigner(span_str(wrong), &key, &err), -EBADMSG);
}

static void test_holds(void)
{
    uint64_t time = 1;
    is_int(find(in_2011, text, &time), 1);
    is_int(time, 1300266000);
    is_int(find(in_1970, text, &time), 1);
    is_int(time, 0);
    is_int(find(at_the_end, text, &time), 1);
    ok(time == UINT64_MAX >> 1);
    is_int(find(beyond, text, &time), -EBADMSG); /* well signed, but no time may be so large */
    is_int(find(other, text, &time), 0);
    is_int(find("", text, &time), 0);
    char both[sizeof other + sizeof in_2011];
    snprintf(both, sizeof both, "%s%s", other, in_2011);
    is_int(find(both, text, &time), 1);
}

static void test_does_not(void)
{
    uint64_t time;
    char line[sizeof in_2011], changed[sizeof text];
    memcpy(changed, text, sizeof text);
    changed[17] = '2';
    is_int(find(in_2011, changed, &time), -EBADMSG);
    unsigned held = 0;
    for (size_t i = 0; i + 1 < sizeof in_2011; i++) { /* any other byte */
        memcpy(line, in_2011, sizeof line);
        line[i] ^= 1;
        held += find(line, text, &time) == 1;
    }
    is_int(held, 0);
    memcpy(line, in_2011, sizeof line);
    line[sizeof line - 2] = 0; /* without the line's end */
    is_int(find(line, text, &time), -EBADMSG);
    is_int(find("\n", text, &time), -EBADMSG);
    is_int(find("\xe2\x80\x94 witness.example/w1 519lMgAA\n", text, &time), -EBADMSG);
}

static void test_in_note(void)
{
    struct buf note = {0};
    struct note_key key;
    struct span body;
    struct err err;
    is_int(note_key_generate("log.example/case", &key, &err), 0);
    is_int(note_sign(&key, span_str(text), &note, &err), 0);
    buf_str(&note, in_2011); /* readers of the log pass over it */
    is_int(note_open(buf_as_span(&note), &key, &body, &err), 0);
    ok(span_is(body, text));
    buf_free(&note);
}

/* A witness of our own: its lines are found by who has its public half; its key's text comes back.
 */
static void test_cosigner(void)
{
    struct note_key key, again, pub;
    struct buf secret = {0}, vk = {0}, lines = {0};
    struct span line;
    struct err err;
    uint64_t time = 0;
    is_int(cosigner_generate("witness.example/w", &key, &err), 0);
    is_int(cosigner_generate("a b", &again, &err), -EINVAL);
    cosigner_put_signer(&key, &secret);
    cosigner_put_verifier(&key, &vk);
    is_int(cosigner_parse_signer(buf_as_span(&secret), &again, &err), 0);
    ok(again.id == key.id && memcmp(again.seed, key.seed, NOTE_SEED_LEN) == 0 && again.can_sign);
    is_int(note_key_parse_signer(buf_as_span(&secret), &pub, &err), -ENOTSUP);
    is_int(note_key_parse_cosigner(buf_as_span(&vk), &pub, &err), 0);
    ok(pub.id == key.id && memcmp(pub.public_key, key.public_key, NOTE_PUBLIC_LEN) == 0);
    is_int(cosignature_put(&again, span_str(text), 1300266000, &lines, &err), 0);
    is_int(cosignature_find(buf_as_span(&lines), span_str(text), &pub, &line, &time, &err), 1);
    is_int(time, 1300266000);
    is_int(cosignature_find(buf_as_span(&lines), span_str("x\n1\ny\n"), &pub, &line, &time, &err),
           -EBADMSG);
    is_int(cosignature_put(&pub, span_str(text), 1300266000, &lines, &err), -EINVAL);
    is_int(cosignature_put(&key, span_str(text), 0, &lines, &err), -EINVAL);
    unsigned held = 0;
    for (size_t i = 0; i < secret.n; i++) { /* a cut key is none */
        held += cosigner_parse_signer(span_of(secret.p, i), &again, &err) == 0;
    }
    is_int(held, 0);
    buf_free(&secret);
    buf_free(&vk);
    buf_free(&lines);
}

int main(void)
{
    test_keys();
    test_holds();
    test_does_not();
    test_in_note();
    test_cosigner();
    return tap_done();
}
