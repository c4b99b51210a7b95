/* Manifests and lists: the bytes of what is sealed. */
#include <errno.h>

#include "base/cbor.h"
#include "lead/seal_impl.h"

_Static_assert(SEAL_PART_MAX <= 8u << 20, "a part is a blob that the recorder takes");
_Static_assert(SEAL_OVERHEAD == crypto_secretstream_xchacha20poly1305_ABYTES, "");
/* Padding adds less than an eighth. */
_Static_assert(SEAL_PARTS_MAX > (SEAL_TOTAL_MAX + SEAL_MANIFEST_MAX) / 8 * 9 /
                                    (SEAL_PART_MESSAGES * SEAL_MESSAGE),
               "the largest lead's parts fit in a list");

uint64_t seal_files_size(const struct seal_manifest *m)
{
    uint64_t size = 0;
    for (size_t i = 0; i < m->n_files; i++)
        size += m->files[i].size;
    return size;
}

int seal_manifest_check(const struct seal_manifest *m, struct err *err)
{
    uint64_t total = 0;
    if (m->text.n > SEAL_TEXT_MAX)
        return err_set(err, -EFBIG, "the text is over %u KiB: give it as a file",
                       SEAL_TEXT_MAX >> 10);
    if (m->contact.n > SEAL_CONTACT_MAX)
        return err_set(err, -EFBIG, "the contact is over %u KiB", SEAL_CONTACT_MAX >> 10);
    if (m->language.n > SEAL_LANGUAGE_MAX || !span_is_plain(m->language))
        return err_set(err, -EINVAL, "the language is not a tag like \"en\"");
    if (!span_is_utf8(m->text) || !span_is_utf8(m->contact))
        return err_set(err, -EINVAL, "the %s is not UTF-8, or has a NUL",
                       span_is_utf8(m->text) ? "contact" : "text");
    if (m->n_files > SEAL_FILES_MAX)
        return err_set(err, -EFBIG, "%zu files: %d at most", m->n_files, SEAL_FILES_MAX);
    for (size_t i = 0; i < m->n_files; i++) {
        if (!m->files[i].name.n || m->files[i].name.n > SEAL_NAME_MAX)
            return err_set(err, -EINVAL, "file %zu: a name has 1 to %d bytes", i + 1,
                           SEAL_NAME_MAX);
        if (m->files[i].size > SEAL_TOTAL_MAX || (total += m->files[i].size) > SEAL_TOTAL_MAX)
            return err_set(err, -EFBIG, "the files are over %llu GiB together",
                           SEAL_TOTAL_MAX >> 30);
    }
    return 0;
}

/* ---- manifests ---- */

#define MANIFEST_SPARE 128 /* bytes of keys and heads: of all of it, and of a file */

/* All of it at once: a buffer that grows leaves copies of what is secret behind. */
static void reserve_manifest(const struct seal_manifest *m, struct buf *out)
{
    size_t n = MANIFEST_SPARE + m->text.n + m->contact.n + m->language.n;
    for (size_t i = 0; i < m->n_files; i++)
        n += MANIFEST_SPARE + m->files[i].name.n;
    buf_reserve(out, n);
}

void seal_manifest_put(const struct seal_manifest *m, struct buf *out)
{
    size_t head = out->n;
    reserve_manifest(m, out);
    buf_be32(out, 0);
    cbor_put_head(out, CBOR_MAP, 4);
    cbor_put_key(out, "text");
    cbor_put_bytes(out, m->text);
    cbor_put_key(out, "files");
    cbor_put_head(out, CBOR_ARRAY, m->n_files);
    for (size_t i = 0; i < m->n_files; i++) {
        cbor_put_head(out, CBOR_ARRAY, 2);
        cbor_put_bytes(out, m->files[i].name);
        cbor_put_uint(out, m->files[i].size);
    }
    cbor_put_key(out, "contact");
    cbor_put_bytes(out, m->contact);
    cbor_put_key(out, "language");
    cbor_put_bytes(out, m->language);
    be32_put(out->p + head, (uint32_t)(out->n - head - 4));
}

void seal_digest_begin(const struct seal_manifest *m, sha256_ctx *c)
{
    struct buf bytes = {0};
    seal_manifest_put(m, &bytes);
    sha256_begin(c);
    sha256_add(c, bytes.p, bytes.n);
    sodium_memzero(bytes.p, bytes.n);
    buf_free(&bytes);
}

static int read_bytes(struct cur *c, const char *key, struct span *out)
{
    struct cbor_item k, v;
    if (cbor_get(c, &k) != 1 || k.type != CBOR_TEXT || !span_is(k.s, key) || cbor_get(c, &v) != 1 ||
        v.type != CBOR_BYTES)
        return -1;
    *out = v.s;
    return 0;
}

static int read_files(struct cur *c, struct seal_manifest *out)
{
    struct cbor_item key, list, pair, name, size;
    if (cbor_get(c, &key) != 1 || key.type != CBOR_TEXT || !span_is(key.s, "files") ||
        cbor_get(c, &list) != 1 || list.type != CBOR_ARRAY || list.n > SEAL_FILES_MAX)
        return -1;
    for (out->n_files = 0; out->n_files < list.n; out->n_files++) {
        if (cbor_get(c, &pair) != 1 || pair.type != CBOR_ARRAY || pair.n != 2 ||
            cbor_get(c, &name) != 1 || name.type != CBOR_BYTES || cbor_get(c, &size) != 1 ||
            size.type != CBOR_UINT)
            return -1;
        out->files[out->n_files] = (struct seal_file){name.s, size.n};
    }
    return 0;
}

int seal_manifest_read(struct span cbor, struct seal_manifest *out)
{
    struct cur c = cur_of(cbor);
    struct cbor_item map;
    *out = (struct seal_manifest){0};
    if (cbor_get(&c, &map) != 1 || map.type != CBOR_MAP || map.n != 4 ||
        read_bytes(&c, "text", &out->text) < 0 || read_files(&c, out) < 0 ||
        read_bytes(&c, "contact", &out->contact) < 0 ||
        read_bytes(&c, "language", &out->language) < 0 || cur_left(&c))
        return -1;
    return seal_manifest_check(out, NULL) < 0 ? -1 : 0;
}

/* ---- sizes ---- */

/* Padme: lengths whose binary mantissa has at most log2(log2 n) + 1 bits. */
uint64_t seal_padded(uint64_t plain)
{
    if (plain <= SEAL_SIZE_MIN)
        return SEAL_SIZE_MIN;
    unsigned exponent = 63 - (unsigned)__builtin_clzll(plain);
    unsigned bits = 32 - (unsigned)__builtin_clz(exponent);
    uint64_t mask = (1ull << (exponent - bits)) - 1;
    return (plain + mask) & ~mask;
}

uint64_t seal_sealed_size(uint64_t padded)
{
    return padded + (padded + SEAL_MESSAGE - 1) / SEAL_MESSAGE * SEAL_OVERHEAD;
}

/* ---- lists ---- */

int seal_list_parse(struct span list, struct seal_list *out, struct err *err)
{
    if (list.n < SEAL_LIST_HEAD || list.n > SEAL_LIST_MAX ||
        memcmp(list.p, SEAL_HEADING, SEAL_HEADING_LEN) != 0)
        return err_set(err, -EBADMSG, "not a list of sealed parts");
    out->padded = be64_get(list.p + SEAL_HEADING_LEN);
    out->header = list.p + SEAL_HEADING_LEN + 8;
    out->parts = be32_get(out->header + SEAL_HEADER_LEN);
    out->digests = list.p + SEAL_LIST_HEAD;
    uint64_t messages = out->padded / SEAL_MESSAGE + (out->padded % SEAL_MESSAGE != 0);
    if (out->padded > 2 * SEAL_TOTAL_MAX || out->padded < SEAL_SIZE_MIN ||
        out->padded != seal_padded(out->padded) ||
        out->parts != (messages + SEAL_PART_MESSAGES - 1) / SEAL_PART_MESSAGES ||
        list.n != SEAL_LIST_HEAD + out->parts * SHA256_LEN)
        return err_set(err, -EBADMSG, "a list of sealed parts that does not fit together");
    return 0;
}

int seal_parts(struct span list, const uint8_t **digests, size_t *n, struct err *err)
{
    struct seal_list l;
    int rc = seal_list_parse(list, &l, err);
    *digests = rc == 0 ? l.digests : NULL;
    *n = rc == 0 ? l.parts : 0;
    return rc;
}
