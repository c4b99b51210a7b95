#include "lead/receipt.h"

#include <sodium.h>
#include <time.h>

#include "base/tap.h"

static double cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static struct err err;

static void parsing(void)
{
    struct receipt r, back;
    struct buf text = {0}, odd = {0};
    receipt_make(&r);
    receipt_put(&r, &text);
    is_int(receipt_parse(buf_as_span(&text), &back, &err), 0);
    ok(memcmp(&r, &back, sizeof r) == 0, "there and back");
    buf_str(&odd, "  My Receipt");
    odd.n = 0;
    for (size_t i = 0, in_word = 0; i < text.n; i++) { /* four letters of each, in capitals */
        uint8_t c = text.p[i];
        in_word = c == ' ' ? 0 : in_word + 1;
        if (c == ' ')
            buf_str(&odd, " -\r\n 3. ");
        else if (in_word <= 4)
            buf_byte(&odd, (uint8_t)(c - 32));
    }
    is_int(receipt_parse(buf_as_span(&odd), &back, &err), 0);
    ok(memcmp(&r, &back, sizeof r) == 0, "four letters, capitals, hyphens, numbers");
    buf_str(&text, " able");
    is_int(receipt_parse(buf_as_span(&text), &back, &err), -22);
    ok(strstr(err.text, "11 words, not 12") != NULL, "too many words");
    is_int(receipt_parse(span_str("able about above"), &back, &err), -22);
    ok(strstr(err.text, "not 3") != NULL, "too few");
    is_int(receipt_parse(span_str("able about xyzzy above"), &back, &err), -22);
    ok(strstr(err.text, "word 3") != NULL && strstr(err.text, "xyzzy") != NULL,
       "it says which word is wrong");
    is_int(receipt_parse(span_str("able \xff\xfe"), &back, &err), -22);
    ok(strstr(err.text, "word 2") != NULL, "bytes that are no letters");
    is_int(receipt_parse(span_str(""), &back, &err), -22);
    uint8_t long_text[RECEIPT_TEXT_MAX + 1];
    memset(long_text, ' ', sizeof long_text);
    is_int(receipt_parse(span_of(long_text, sizeof long_text), &back, &err), -22);
    buf_free(&text);
    buf_free(&odd);
}

static void keys(void)
{
    struct receipt r, wrong;
    struct receipt_keys k, other, opened;
    uint8_t salt[RECEIPT_SALT_LEN], salt2[RECEIPT_SALT_LEN], decoy[RECEIPT_DECOY_LEN] = {1};
    uint8_t content[SHA256_LEN] = {7}, a[SHA256_LEN], b[SHA256_LEN];
    receipt_make(&r);
    randombytes_buf(salt, sizeof salt);
    randombytes_buf(salt2, sizeof salt2);
    double before = cpu();
    is_int(receipt_keys(&r, salt, &k, &err), 0);
    double cost = cpu() - before;
    printf("# a receipt's keys cost %.0f ms of a processor\n", cost * 1e3);
    ok(cost > 0.02, "guessing costs at least 20 ms");
    is_int(receipt_keys(&r, salt2, &other, &err), 0);
    ok(memcmp(k.box, other.box, 32) && memcmp(k.verify, other.verify, 32) &&
           memcmp(k.opening, other.opening, 32),
       "another salt, other keys");
    ok(memcmp(k.box, k.verify, 32) && memcmp(k.box_secret, k.opening, 32),
       "each use has its own key");
    receipt_commitment(&k, content, a);
    receipt_commitment(&other, content, b);
    ok(memcmp(a, b, sizeof a) != 0, "the same content by another receipt is another commitment");

    struct receipt_lead lead = {salt, k.box}, none = {NULL, NULL};
    is_int(receipt_open(&r, &lead, decoy, &opened, &err), 1);
    ok(memcmp(&opened, &k, sizeof k) == 0, "the right receipt opens");
    before = cpu();
    is_int(receipt_open(&r, &none, decoy, &opened, &err), 0);
    ok(cpu() - before > 0.02, "a lead that is not there costs as much");
    ok(sodium_is_zero((uint8_t *)&opened, sizeof opened), "and gives nothing");
    wrong = r;
    wrong.word[RECEIPT_WORDS - 1] ^= 1;
    is_int(receipt_open(&wrong, &lead, decoy, &opened, &err), 0);
    ok(sodium_is_zero((uint8_t *)&opened, sizeof opened), "a wrong one gives nothing");
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    parsing();
    keys();
    return tap_done();
}
