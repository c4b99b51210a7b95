/* Many messages at once against one at a time. */
#include "base/tap.h"
#include "journal/hash.h"

static uint8_t expected(const struct hash_job *j, uint8_t out[SHA256_LEN])
{
    uint8_t in[1200];
    size_t at = 0;
    if (j->prefix != HASH_NO_PREFIX)
        in[at++] = (uint8_t)j->prefix;
    if (j->n)
        memcpy(in + at, j->data, j->n);
    sha256(in, at + j->n, out);
    return out[0];
}

int main(void)
{
    static uint8_t data[1000], out[64][SHA256_LEN];
    struct hash_job jobs[64];
    unsigned bad = 0, seed = 1;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * i >> 3);
    /* every length, in batches of every size, mixed with leaves and nodes */
    for (size_t n = 0; n < 64; n++)
        for (size_t round = 0; round < 40; round++) {
            for (size_t i = 0; i < n; i++) {
                seed = seed * 1103515245 + 12345;
                int prefix = (int)(seed >> 20) % 3 - 1;
                size_t length = (seed >> 8) % (prefix < 0 ? 400 : 118);
                jobs[i] = (struct hash_job){data + (seed >> 4) % 500, length, out[i], prefix};
            }
            hash_many(jobs, n);
            for (size_t i = 0; i < n; i++) {
                uint8_t want[SHA256_LEN];
                expected(&jobs[i], want);
                bad += memcmp(want, out[i], SHA256_LEN) != 0;
            }
        }
    is_int(bad, 0);
    for (size_t length = 0; length < 300; length++) {
        uint8_t want[SHA256_LEN];
        for (size_t i = 0; i < 4; i++)
            jobs[i] = (struct hash_job){data + i, length, out[i], HASH_NO_PREFIX};
        hash_many(jobs, 4);
        for (size_t i = 0; i < 4; i++) {
            sha256(data + i, length, want);
            bad += memcmp(want, out[i], SHA256_LEN) != 0;
        }
    }
    is_int(bad, 0);
    /* FIPS 180-4's example messages, as NIST publishes them */
    char hex[SHA256_HEX_MAX];
    struct hash_job known[] = {
        {(const uint8_t *)"abc", 3, out[0], HASH_NO_PREFIX},
        {(const uint8_t *)"", 0, out[1], HASH_NO_PREFIX},
        {(const uint8_t *)"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, out[2],
         HASH_NO_PREFIX}};
    hash_many(known, 3);
    hex_encode(out[0], SHA256_LEN, hex);
    is_str(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hex_encode(out[1], SHA256_LEN, hex);
    is_str(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    hex_encode(out[2], SHA256_LEN, hex);
    is_str(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    return tap_done();
}
