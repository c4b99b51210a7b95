/* Signed notes, checkpoints and proof texts against the examples of their specifications. */
#include <errno.h>

#include "base/tap.h"
#include "journal/note.h"
#include "journal/proof.h"

/* Keys, text and signatures of golang.org/x/mod/sumdb/note (package documentation and tests). */
#define PETER_SIGNER                                                                               \
    "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
#define PETER_VERIFIER "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define ENOCH_VERIFIER "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
#define TEXT                                                                                       \
    "If you think cryptography is the answer to your problem,\n"                                   \
    "then you don't know what your problem is.\n"
#define PETER_LINE                                                                                 \
    "— PeterNeumann "                                                                            \
    "x08go/ZJkuBS9UG/"                                                                             \
    "SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
#define ENOCH_LINE                                                                                 \
    "— EnochRoot "                                                                               \
    "rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/"                                                 \
    "5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"

static const char *text_of(struct buf *b)
{
    buf_byte(b, 0);
    return (const char *)b->p;
}

static void test_keys(void)
{
    struct note_key k, again;
    struct buf b = {0};
    struct err err;
    is_int(note_key_parse_signer(span_str(PETER_SIGNER), &k, &err), 0);
    is_str(k.name, "PeterNeumann");
    is_int(k.id, 0xc74f20a3);
    note_key_put_verifier(&k, &b);
    is_str(text_of(&b), PETER_VERIFIER);
    b.n = 0;
    note_key_put_signer(&k, &b);
    is_str(text_of(&b), PETER_SIGNER);
    is_int(note_key_parse_verifier(span_str(ENOCH_VERIFIER), &k, &err), 0);
    is_int(k.id, 0xaf0cfe78);
    ok(!k.can_sign);
    b.n = 0;
    note_key_put_verifier(&k, &b);
    is_str(text_of(&b), ENOCH_VERIFIER);
    /* transparency-dev/formats: a vkey whose base64 has a '+' of its own */
    is_int(note_key_parse_verifier(
               span_str("TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6"), &k, &err),
           0);
    is_int(note_key_generate("example.com/log", &k, &err), 0);
    b.n = 0;
    note_key_put_signer(&k, &b);
    is_int(note_key_parse_signer(buf_as_span(&b), &again, &err), 0);
    ok(memcmp(&k, &again, sizeof k) == 0, "a fresh key reads back");
    buf_free(&b);
}

static void test_bad_keys(void)
{
    static const char *const bad[] = {
        "",
        "PeterNeumann",
        "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", /* another id */
        "PeterNeumann+c74f20+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T",
        "PeterNeumann+c74f20a3+AQ==",
        "PeterNeumann+c74f20a3+",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWAAAA"};
    struct note_key k;
    struct err err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        is_int(note_key_parse_verifier(span_str(bad[i]), &k, &err), -EBADMSG);
    /* an ECDSA key (type 2): Sigstore's Rekor */
    is_int(note_key_parse_verifier(
               span_str("rekor.sigstore.dev+c0d23d6a+AjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNhtmPtrW"
                        "m3U1eQXBogSMdGvXwBcK5AW5i0hrZLOC96l+smGNM7nwZ4QvFK/4sueRoVj//QP22Ni4Qt9D"
                        "PfkWLc="),
               &k, &err),
           -ENOTSUP);
    is_int(note_key_parse_signer(span_str(PETER_VERIFIER), &k, &err), -EBADMSG);
    is_int(note_key_generate("a b", &k, &err), -EINVAL);
    is_int(note_key_generate("a+b", &k, &err), -EINVAL);
    is_int(note_key_generate("", &k, &err), -EINVAL);
    ok(!note_name_valid(span_str("a\xc2\xa0"
                                 "b")),
       "a no-break space");
    ok(!note_name_valid(span_str("a\xe2\x80\x83"
                                 "b")),
       "an em space");
    ok(!note_name_valid(span_str("a\xff")), "not UTF-8");
    ok(note_name_valid(span_str("quasimodo.example/salvatore")));
    ok(note_name_valid(span_str("b\xc3\xbc"
                                "cher.example")),
       "letters of other alphabets");
}

static void test_sign_and_open(void)
{
    struct note_key peter, enoch;
    struct buf b = {0};
    struct span text;
    struct err err;
    note_key_parse_signer(span_str(PETER_SIGNER), &peter, NULL);
    note_key_parse_verifier(span_str(ENOCH_VERIFIER), &enoch, NULL);
    is_int(note_sign(&peter, span_str(TEXT), &b, &err), 0);
    is_str(text_of(&b), TEXT "\n" PETER_LINE); /* Ed25519 gives the same signature each time */
    is_int(note_open(span_str(TEXT "\n" PETER_LINE), &peter, &text, &err), 0);
    ok(span_is(text, TEXT));
    is_int(note_open(span_str(TEXT "\n" PETER_LINE ENOCH_LINE), &peter, &text, &err), 0);
    is_int(note_open(span_str(TEXT "\n" PETER_LINE ENOCH_LINE), &enoch, &text, &err), 0);
    is_int(note_open(span_str(TEXT "\n" ENOCH_LINE), &peter, &text, &err), -ENOKEY);
    is_int(note_sign(&enoch, span_str(TEXT), &b, &err), -EINVAL);
    is_int(note_sign(&peter, span_str("no newline"), &b, &err), -EINVAL);
    is_int(note_sign(&peter, span_str("a\tb\n"), &b, &err), -EINVAL);
    is_int(note_sign(&peter, span_str("\xff\n"), &b, &err), -EINVAL);
    is_int(note_sign(&peter, span_str(""), &b, &err), -EINVAL);
    /* a text with an empty line in it: the last one separates */
    b.n = 0;
    is_int(note_sign(&peter, span_str("a\n\nb\n"), &b, &err), 0);
    is_int(note_open(buf_as_span(&b), &peter, &text, &err), 0);
    ok(span_is(text, "a\n\nb\n"));
    buf_free(&b);
}

static void test_bad_notes(void)
{
    static const char *const bad[] = {
        "",
        "\n",
        "\n\n",
        TEXT,
        TEXT "\n",
        TEXT PETER_LINE,
        "\n" PETER_LINE,
        TEXT "\n" PETER_LINE "\n",          /* the last blank line has nothing behind it */
        TEXT "x\n" PETER_LINE,              /* no blank line */
        "x" TEXT "\n" PETER_LINE,           /* another text */
        TEXT "\n- PeterNeumann x08go/ZJ\n", /* a hyphen */
        TEXT "\n— PeterNeumann\n",
        TEXT "\n— PeterNeumann !\n",
        TEXT "\n—  x08go/ZJ\n",
        TEXT "\n— PeterNeumann x08gow==\n", /* four bytes: an id alone */
        TEXT "\n— PeterNeumann x08go/ZJ\n", /* too short a signature of a known key */
        TEXT "\t\n\n" PETER_LINE};
    struct note_key peter;
    struct span text;
    struct err err;
    note_key_parse_verifier(span_str(PETER_VERIFIER), &peter, NULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        is_int(note_open(span_str(bad[i]), &peter, &text, &err), -EBADMSG);
    /* every single byte counts */
    char note[] = TEXT "\n" PETER_LINE;
    unsigned accepted = 0;
    for (size_t i = 0; i < sizeof note - 1; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            note[i] ^= (char)(1 << bit);
            accepted += note_open(span_of(note, sizeof note - 1), &peter, &text, NULL) == 0;
            note[i] ^= (char)(1 << bit);
        }
    is_int(accepted, 0);
}

/* The example of C2SP tlog-checkpoint. */
#define SOFA "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"

static void test_checkpoints(void)
{
    static const char *const bad[] = {
        "",
        "a\n",
        "a\n1\n",
        "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "a\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "a\n-1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "a\n+1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "a\n18446744073709551616\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
        "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw==\n", /* 31 bytes */
        "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2IA\n", /* 33 bytes */
        "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n", /* trailing bits */
        SOFA "\n",
        SOFA "x\n\n"};
    struct checkpoint c;
    struct buf b = {0};
    struct err err;
    is_int(checkpoint_parse(span_str(SOFA), &c, &err), 0);
    ok(span_is(c.origin, "example.com/behind-the-sofa"));
    is_int(c.size, 20852163);
    is_int(c.root[0], 0x0a);
    is_int(c.extensions.n, 0);
    checkpoint_put(&c, &b);
    is_str(text_of(&b), SOFA);
    is_int(checkpoint_parse(span_str(SOFA "one\ntwo\n"), &c, &err), 0);
    ok(span_is(c.extensions, "one\ntwo\n"));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        is_int(checkpoint_parse(span_str(bad[i]), &c, &err), -EBADMSG);
    is_int(checkpoint_parse(span_str("a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"), &c,
                            &err),
           0);
    is_int(c.size, 0);
    buf_free(&b);
}

#define HASH "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ="

static void test_proof_texts(void)
{
    static const char *const bad[] = {
        "",
        "c2sp.org/tlog-proof@v2\nindex 0\n\nx\n",
        "c2sp.org/tlog-proof@v1\nindex 00\n\nx\n",
        "c2sp.org/tlog-proof@v1\nindex\n\nx\n",
        "c2sp.org/tlog-proof@v1\nindex -1\n\nx\n",
        "c2sp.org/tlog-proof@v1\nindex 1\n" HASH "\n", /* no blank line */
        "c2sp.org/tlog-proof@v1\nindex 1\ngSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPg==\n\nx\n",
        "c2sp.org/tlog-proof@v1\nindex 1\n" HASH "AAAA\n\nx\n",
        "c2sp.org/tlog-proof@v1\nextra !\nindex 1\n\nx\n",
        "c2sp.org/tlog-proof@v1\nindex 1\nextra AAAA\n\nx\n"};
    struct proof p;
    struct buf b = {0};
    struct err err;
    is_int(proof_parse(span_str("c2sp.org/tlog-proof@v1\nextra AAAA\nindex 73894\n" HASH "\n" HASH
                                "\n\n" SOFA),
                       &p, &err),
           0);
    is_int(p.index, 73894);
    is_int(p.path.n, 2);
    ok(span_is(p.extra, "AAAA"));
    ok(span_is(p.checkpoint, SOFA));
    proof_put(p.index, &p.path, p.checkpoint, &b);
    is_str(text_of(&b), "c2sp.org/tlog-proof@v1\nindex 73894\n" HASH "\n" HASH "\n\n" SOFA);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        is_int(proof_parse(span_str(bad[i]), &p, &err), -EBADMSG);
    b.n = 0;
    buf_str(&b, "c2sp.org/tlog-proof@v1\nindex 1\n");
    for (unsigned i = 0; i <= MERKLE_PROOF_MAX; i++)
        buf_str(&b, HASH "\n");
    buf_str(&b, "\nx\n");
    is_int(proof_parse(buf_as_span(&b), &p, &err), -EBADMSG);
    buf_free(&b);
}

int main(void)
{
    test_keys();
    test_bad_keys();
    test_sign_and_open();
    test_bad_notes();
    test_checkpoints();
    test_proof_texts();
    return tap_done();
}
