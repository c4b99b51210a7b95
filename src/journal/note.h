/* Signed notes (C2SP signed-note) with Ed25519 keys, and the checkpoints they carry (C2SP
 * tlog-checkpoint). Text in, text out: no files. */
#pragma once

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

#define NOTE_NAME_MAX       255
#define NOTE_MAX            (256u << 10) /* bytes of a note that we read */
#define NOTE_SIGNATURES_MAX 100
#define NOTE_PUBLIC_LEN     32
#define NOTE_SEED_LEN       32

struct note_key {
    char name[NOTE_NAME_MAX + 1];
    uint32_t id;
    uint8_t public_key[NOTE_PUBLIC_LEN];
    uint8_t seed[NOTE_SEED_LEN]; /* zero unless it can sign */
    bool can_sign;
};

/* Not empty, UTF-8 without control characters, no Unicode space, no '+', not too long. */
bool note_name_valid(struct span name);
/* A fresh key; -EINVAL for a bad name. */
int note_key_generate(const char *name, struct note_key *out, struct err *err);
/* "PRIVATE+KEY+name+id+base64(0x01 || seed)", and back. -EBADMSG when it is not one. */
int note_key_parse_signer(struct span text, struct note_key *out, struct err *err);
void note_key_put_signer(const struct note_key *key, struct buf *out);
/* "name+id+base64(0x01 || public key)", and back; -EBADMSG, -ENOTSUP for other algorithms. */
int note_key_parse_verifier(struct span text, struct note_key *out, struct err *err);
void note_key_put_verifier(const struct note_key *key, struct buf *out);
/* The same of a witness, whose signatures are cosignatures (cosignature.h): another algorithm. */
int note_key_parse_cosigner(struct span text, struct note_key *out, struct err *err);

/* Appends text, blank line and signature. The text must end in a newline and be UTF-8 without
 * control characters (-EINVAL). */
int note_sign(const struct note_key *key, struct span text, struct buf *out, struct err *err);
/* One signature more, behind those of a note of that text that is in out. */
int note_sign_again(const struct note_key *key, struct span text, struct buf *out, struct err *err);
/* Checks the note's form and the key's signature; *text then points into the note. -EBADMSG: not
 * a note, a bad signature; -ENOKEY: not signed by that key. Other keys' signatures are ignored. */
int note_open(struct span note, const struct note_key *key, struct span *text, struct err *err);

/* One signature line without its newline: the name points into it, id (4 bytes) and signature are
 * appended to raw, which is empty before. -EBADMSG. */
int note_line_parse(struct span line, struct span *name, struct buf *raw, struct err *err);

struct checkpoint {
    struct span origin; /* points into the text */
    uint64_t size;
    uint8_t root[SHA256_LEN];
    struct span extensions; /* whole lines, may be empty */
};
/* A checkpoint's note text. -EBADMSG with what is wrong. */
int checkpoint_parse(struct span text, struct checkpoint *out, struct err *err);
void checkpoint_put(const struct checkpoint *c, struct buf *out);
