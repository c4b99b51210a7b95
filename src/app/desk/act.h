/* Acts of the desk: made by their commands, signed in the browser. `prepare` runs the command in a
 * child in which case_acts() gives out what would go on the log (case_act.h) and keeps it here, for
 * a while, under an id; `commit` puts the signatures in and hands all to the recorder, which checks
 * signature and right once more. The desk has nobody's key. */
#pragma once

#include "app/desk/desk_session.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "event/act_signed.h"

#define ACT_PREPARED_MS    (5 * 60 * 1000) /* how long prepared acts are good */
#define ACT_PREPARED_MAX   16              /* of one session; the oldest go */
#define ACT_PREPARED_ALL   256             /* of all */
#define ACT_PREPARED_BYTES (16u << 20)     /* of one: its acts and files */
#define ACT_STORE_BYTES    (128u << 20)    /* of all */
#define ACT_AT_ONCE_MAX    256             /* acts of one command */
#define ACT_BODY_MAX       (24u << 20)     /* of a request */
#define ACT_ID_TEXT        33
#define ACT_SEEN_MS        3000 /* how long commit waits for the views to see it */

/* What a child hands to the desk behind its output: frames, their length (8 bytes), ACT_TRAILER. A
 * frame is a letter and fields, each with its length (4 bytes) before it:
 *   A  kind (one byte), payload with "account", what is to be signed, words (JSON), file
 *   P  a part that some act's blob names */
#define ACT_TRAILER "EBBACTS1"

struct act_prepared_act {
    uint8_t kind;
    struct span plain, sign, words, file;
};
struct act_frames {
    struct act_prepared_act act[ACT_AT_ONCE_MAX];
    struct span part[ACT_AT_ONCE_MAX];
    unsigned acts, parts;
};
/* Takes the frames off the end of a child's text: 0, -1 not of that shape. Spans lie in it. */
int act_frames_take(struct buf *text, struct act_frames *out);

/* ---- in a child ---- */

struct act_made {
    const char *case_dir, *account, *command;
    unsigned roles;
    int argc;
    char **argv;
    struct {
        const char *path;
        struct span data;
    } file[8];
    unsigned files;
};
/* Runs the command and writes the frames; the exit code, where it returns. */
int act_make(const struct act_made *m);
/* The acts that are no commands ("passkey add" ...): as a command does. */
bool act_passkey_is(const char *command);
int act_passkey_make(const struct act_made *m, struct err *err);

struct act_commit {
    const char *case_dir;
    const struct act_frames *frames;
    const uint8_t (*signatures)[ACT_SIGNATURE_LEN];
};
int act_commit_run(const struct act_commit *m);

struct act_store;
void act_store_turn(struct act_store *s); /* drops what is too old */
