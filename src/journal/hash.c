#include "journal/hash.h"

#include <stdatomic.h>

static void hash_one(const struct hash_job *j)
{
    sha256_ctx c;
    uint8_t prefix = (uint8_t)j->prefix;
    sha256_begin(&c);
    if (j->prefix != HASH_NO_PREFIX)
        sha256_add(&c, &prefix, 1);
    sha256_add(&c, j->data, j->n);
    sha256_end(&c, j->out);
}

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#define LANES 3
#define BLOCK 64

/* FIPS 180-4, 4.2.2 */
static const uint32_t round_constant[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/* A message on its way: whole blocks from where it lies, then one or two made here. */
struct lane {
    __m128i abef, cdgh; /* the state in the order the instructions want */
    const uint8_t *at;
    size_t blocks;  /* of the message that are left at `at` */
    unsigned tails; /* of tail[] that are left */
    uint8_t *out;   /* NULL: idle */
    uint8_t tail[2 * BLOCK];
};

#define SHA_TARGET __attribute__((target("sha,sse4.1,ssse3")))

/* One block of each lane. */
SHA_TARGET static inline void blocks_hash(struct lane *l, const uint8_t *const p[LANES])
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i a[LANES], c[LANES], m[LANES][4];
#pragma GCC unroll 4
    for (int i = 0; i < LANES; i++) {
        a[i] = l[i].abef;
        c[i] = l[i].cdgh;
    }
#pragma GCC unroll 16
    for (int r = 0; r < 16; r++) {
        __m128i k = _mm_load_si128((const __m128i *)(const void *)(round_constant + 4 * r));
#pragma GCC unroll 4
        for (int i = 0; i < LANES; i++) {
            __m128i *w = m[i];
            if (r < 4) {
                w[r] = _mm_loadu_si128((const __m128i *)(const void *)(p[i] + 16 * r));
                w[r] = _mm_shuffle_epi8(w[r], swap);
            } else {
                __m128i t = _mm_sha256msg1_epu32(w[r & 3], w[(r + 1) & 3]);
                t = _mm_add_epi32(t, _mm_alignr_epi8(w[(r + 3) & 3], w[(r + 2) & 3], 4));
                w[r & 3] = _mm_sha256msg2_epu32(t, w[(r + 3) & 3]);
            }
            __m128i x = _mm_add_epi32(w[r & 3], k);
            c[i] = _mm_sha256rnds2_epu32(c[i], a[i], x);
            a[i] = _mm_sha256rnds2_epu32(a[i], c[i], _mm_shuffle_epi32(x, 0x0e));
        }
    }
#pragma GCC unroll 4
    for (int i = 0; i < LANES; i++) {
        l[i].abef = _mm_add_epi32(l[i].abef, a[i]);
        l[i].cdgh = _mm_add_epi32(l[i].cdgh, c[i]);
    }
}

/* Pads what lies in tail[0, n) as the end of a message of `total` bytes. */
static void tail_pad(struct lane *l, size_t n, uint64_t total)
{
    l->tails = n + 9 > BLOCK ? 2 : 1;
    l->tail[n] = 0x80;
    memset(l->tail + n + 1, 0, l->tails * BLOCK - n - 9);
    be64_put(l->tail + l->tails * BLOCK - 8, total * 8);
}

SHA_TARGET static inline void lane_begin(struct lane *l, const struct hash_job *j)
{
    /* FIPS 180-4, 5.3.3 */
    l->abef = _mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c);
    l->cdgh = _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19);
    l->out = j->out;
    if (j->prefix == HASH_NO_PREFIX) {
        size_t rest = j->n % BLOCK;
        l->blocks = j->n / BLOCK;
        if (rest)
            memcpy(l->tail, j->data + l->blocks * BLOCK, rest);
        tail_pad(l, rest, j->n);
        l->at = l->blocks ? j->data : l->tail;
    } else { /* short: all of it is copied */
        l->tail[0] = (uint8_t)j->prefix;
        memcpy(l->tail + 1, j->data, j->n);
        tail_pad(l, 1 + j->n, 1 + j->n);
        l->blocks = 0;
        l->at = l->tail;
    }
}

SHA_TARGET static void lane_end(struct lane *l)
{
    /* from a b e f and c d g h to a b c d and e f g h, then to big-endian bytes */
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i abcd = _mm_unpackhi_epi64(l->cdgh, l->abef),
            efgh = _mm_unpacklo_epi64(l->cdgh, l->abef);
    abcd = _mm_shuffle_epi32(abcd, 0x1b);
    efgh = _mm_shuffle_epi32(efgh, 0x1b);
    abcd = _mm_shuffle_epi8(abcd, swap);
    efgh = _mm_shuffle_epi8(efgh, swap);
    _mm_storeu_si128((__m128i *)(void *)l->out, abcd);
    _mm_storeu_si128((__m128i *)(void *)(l->out + 16), efgh);
    l->out = NULL;
}

/* To the next block; false when the message is finished. */
static bool lane_advance(struct lane *l)
{
    if (l->blocks) {
        l->at += BLOCK;
        if (--l->blocks == 0)
            l->at = l->tail;
        return true;
    }
    l->at += BLOCK;
    return --l->tails > 0;
}

SHA_TARGET static void hash_lanes(const struct hash_job *jobs, size_t n)
{
    static const uint8_t idle_block[BLOCK];
    struct lane lane[LANES];
    size_t next = 0, busy = 0;
    for (int i = 0; i < LANES; i++) {
        lane[i].out = NULL;
        lane[i].abef = lane[i].cdgh = _mm_setzero_si128();
        if (next < n) {
            lane_begin(&lane[i], &jobs[next++]);
            busy++;
        }
    }
    while (busy) {
        const uint8_t *p[LANES];
        for (int i = 0; i < LANES; i++)
            p[i] = lane[i].out ? lane[i].at : idle_block;
        blocks_hash(lane, p);
        for (int i = 0; i < LANES; i++) {
            if (!lane[i].out || lane_advance(&lane[i]))
                continue;
            lane_end(&lane[i]);
            busy--;
            if (next < n) {
                lane_begin(&lane[i], &jobs[next++]);
                busy++;
            }
        }
    }
}

/* CPUID costs a microsecond and more in a virtual machine, so it is asked once. */
static bool have_sha(void)
{
    static atomic_int known; /* 0 not asked, 1 no, 2 yes */
    int k = atomic_load_explicit(&known, memory_order_relaxed);
    if (k == 0) {
        unsigned a, b, c, d;
        bool yes = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA) &&
                   __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_1) && (c & bit_SSSE3);
        k = yes ? 2 : 1;
        atomic_store_explicit(&known, k, memory_order_relaxed);
    }
    return k == 2;
}
#else
static bool have_sha(void)
{
    return false;
}
static void hash_lanes(const struct hash_job *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        hash_one(&jobs[i]);
}
#endif

void hash_many(const struct hash_job *jobs, size_t n)
{
    bool lanes = n > 1 && have_sha();
    for (size_t i = 0; i < n && lanes; i++)
        lanes = jobs[i].prefix == HASH_NO_PREFIX || jobs[i].n <= HASH_PREFIXED_MAX;
    if (lanes) {
        hash_lanes(jobs, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        hash_one(&jobs[i]);
}
