#include "report/uuid.h"

#include "base/digest.h"

static void stamp(uint8_t uuid[UUID_LEN], unsigned version)
{
    uuid[6] = (uint8_t)((uuid[6] & 0x0f) | version << 4);
    uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
}

void uuid_of_name(const uint8_t space[UUID_LEN], struct span name, uint8_t out[UUID_LEN])
{
    uint8_t digest[SHA_DIGEST_LENGTH];
    SHA_CTX c;
    SHA1_Init(&c);
    SHA1_Update(&c, space, UUID_LEN);
    SHA1_Update(&c, name.p, name.n);
    SHA1_Final(digest, &c);
    memcpy(out, digest, UUID_LEN);
    stamp(out, 5);
}

void uuid_of_seed(struct span seed, uint8_t out[UUID_LEN])
{
    uint8_t digest[SHA256_LEN];
    sha256(seed.p, seed.n, digest);
    memcpy(out, digest, UUID_LEN);
    stamp(out, 4);
}

void uuid_format(const uint8_t uuid[UUID_LEN], char out[UUID_TEXT_MAX])
{
    char hex[2 * UUID_LEN + 1], *p = out;
    hex_encode(uuid, UUID_LEN, hex);
    for (unsigned i = 0; i < 2 * UUID_LEN; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20)
            *p++ = '-';
        *p++ = hex[i];
    }
    *p = 0;
}
