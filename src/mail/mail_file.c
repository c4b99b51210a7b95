/* What a mail carries besides its text: each file's hash, and its kind by its first bytes. */
#include <xxhash.h>

#include "mail/mail_impl.h"
#include "wire/text.h"

#define JPEG_MARKERS_MAX 64 /* looked at for a picture's size */

struct magic {
    const char *bytes;
    uint8_t n, at;
    uint8_t kind;
    const char *type;
};

/* First bytes, as file(1) and the formats' own specifications have them. */
static const struct magic magics[] = {
    {"GIF87a", 6, 0, MAIL_FILE_IMAGE, "image/gif"},
    {"GIF89a", 6, 0, MAIL_FILE_IMAGE, "image/gif"},
    {"\x89PNG\r\n\x1a\n", 8, 0, MAIL_FILE_IMAGE, "image/png"},
    {"\xff\xd8\xff", 3, 0, MAIL_FILE_IMAGE, "image/jpeg"},
    {"BM", 2, 0, MAIL_FILE_IMAGE, "image/bmp"},
    {"II*\0", 4, 0, MAIL_FILE_IMAGE, "image/tiff"},
    {"MM\0*", 4, 0, MAIL_FILE_IMAGE, "image/tiff"},
    {"WEBP", 4, 8, MAIL_FILE_IMAGE, "image/webp"},
    {"PK\3\4", 4, 0, MAIL_FILE_ARCHIVE, "application/zip"},
    {"Rar!\x1a\7", 6, 0, MAIL_FILE_ARCHIVE, "application/vnd.rar"},
    {"7z\xbc\xaf\x27\x1c", 6, 0, MAIL_FILE_ARCHIVE, "application/x-7z-compressed"},
    {"\x1f\x8b", 2, 0, MAIL_FILE_ARCHIVE, "application/gzip"},
    {"BZh", 3, 0, MAIL_FILE_ARCHIVE, "application/x-bzip2"},
    {"\xfd"
     "7zXZ\0",
     6, 0, MAIL_FILE_ARCHIVE, "application/x-xz"},
    {"MSCF", 4, 0, MAIL_FILE_ARCHIVE, "application/vnd.ms-cab-compressed"},
    {"%PDF-", 5, 0, MAIL_FILE_DOCUMENT, "application/pdf"},
    {"{\\rtf", 5, 0, MAIL_FILE_DOCUMENT, "application/rtf"},
    {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8, 0, MAIL_FILE_DOCUMENT, "application/x-ole-storage"},
    {"MZ", 2, 0, MAIL_FILE_PROGRAM, "application/vnd.microsoft.portable-executable"},
    {"\x7f"
     "ELF",
     4, 0, MAIL_FILE_PROGRAM, "application/x-executable"},
    {"\xca\xfe\xba\xbe", 4, 0, MAIL_FILE_PROGRAM, "application/java-vm"},
    {"#!", 2, 0, MAIL_FILE_PROGRAM, "application/x-shellscript"},
};

static const struct magic *magic_of(struct span body)
{
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
        const struct magic *m = &magics[i];
        if (body.n >= (size_t)m->at + m->n && memcmp(body.p + m->at, m->bytes, m->n) == 0)
            return m;
    }
    return NULL;
}

/* Names that a click starts, whatever the bytes say. */
static bool is_program_name(struct span name)
{
    static const char *const ends[] = {".exe", ".scr", ".pif", ".com", ".bat", ".cmd",
                                       ".vbs", ".js",  ".jse", ".wsf", ".hta", ".cpl",
                                       ".lnk", ".ps1", ".jar", ".msi"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t n = strlen(ends[i]);
        if (name.n > n && text_is(text_behind(name, name.n - n), ends[i]))
            return true;
    }
    return false;
}

static enum mail_file_kind kind_by_type(struct span type)
{
    if (text_starts(type, "image/"))
        return MAIL_FILE_IMAGE;
    if (text_starts(type, "text/") || text_is(type, "application/pdf") ||
        text_is(type, "application/msword") || text_starts(type, "application/vnd."))
        return MAIL_FILE_DOCUMENT;
    return MAIL_FILE_OTHER;
}

/* ---- pictures ---- */

static uint16_t le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)le16(p) | (uint32_t)le16(p + 2) << 16;
}

/* ITU-T T.81, B.2.2: the frame header, behind segments that say how long they are. */
static void jpeg_size(struct span s, struct mail_file *f)
{
    size_t at = 2;
    for (unsigned i = 0; i < JPEG_MARKERS_MAX && at + 9 <= s.n && s.p[at] == 0xff; i++) {
        uint8_t marker = s.p[at + 1];
        if (marker == 0xff) {
            at++;
            continue;
        }
        if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 &&
            marker != 0xcc) {
            f->height = be16_get(s.p + at + 5);
            f->width = be16_get(s.p + at + 7);
            return;
        }
        at += 2 + (size_t)be16_get(s.p + at + 2);
    }
}

static void image_size(struct span s, struct mail_file *f)
{
    if (span_is(f->type, "image/gif") && s.n >= 10) {
        f->width = le16(s.p + 6);
        f->height = le16(s.p + 8);
    } else if (span_is(f->type, "image/png") && s.n >= 24) {
        f->width = be32_get(s.p + 16);
        f->height = be32_get(s.p + 20);
    } else if (span_is(f->type, "image/bmp") && s.n >= 26) {
        uint32_t height = le32(s.p + 22);
        f->width = le32(s.p + 18);
        f->height = height >> 31 ? 0 - height : height; /* negative: from the top */
    } else if (span_is(f->type, "image/jpeg")) {
        jpeg_size(s, f);
    }
}

/* ---- files ---- */

static void read_file(const struct mime *m, unsigned part, struct mail_file *f)
{
    const struct mime_part *p = &m->part[part];
    const struct magic *magic = magic_of(p->body);
    XXH128_hash_t hash = XXH3_128bits(p->body.p, p->body.n);
    *f = (struct mail_file){
        .hash = {hash.high64, hash.low64}, .size = p->size, .name = p->name, .part = part};
    f->type = magic ? span_str(magic->type) : p->type;
    f->kind = is_program_name(p->name) ? MAIL_FILE_PROGRAM
              : magic                  ? (enum mail_file_kind)magic->kind
                                       : kind_by_type(p->type);
    if (f->kind == MAIL_FILE_IMAGE)
        image_size(p->body, f);
}

static bool is_file(const struct mime_part *p)
{
    bool leaf = !p->multipart && !p->message;
    return leaf && (!p->text || span_is(p->disposition, "attachment")) && (p->body.n || p->name.n);
}

void mail_read_files(const struct mime *m, struct arena *arena, struct mail *out)
{
    unsigned n = 0;
    for (unsigned i = 0; i < m->parts; i++)
        n += is_file(&m->part[i]);
    if (n > MAIL_FILES_MAX) {
        n = MAIL_FILES_MAX;
        out->flags |= MAIL_CUT;
    }
    if (!n)
        return;
    out->file = arena_alloc(arena, n * sizeof *out->file);
    for (unsigned i = 0; i < m->parts && out->files < n; i++)
        if (is_file(&m->part[i]))
            read_file(m, i, &out->file[out->files++]);
}
