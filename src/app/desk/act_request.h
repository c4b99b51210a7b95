/* Bodies of /api/acts/prepare and /api/acts/commit (JSON, RFC 8259), taken apart and bounded. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define ACT_REQUEST_FILES_MAX      8
#define ACT_REQUEST_OPTIONS_MAX    64
#define ACT_REQUEST_ARGS_MAX       400
#define ACT_REQUEST_SIGNATURES_MAX 256
#define ACT_REQUEST_NAME_MAX       255      /* bytes of a file's name */
#define ACT_REQUEST_GIVEN          "given/" /* where files that came along are said to be */

enum act_request_type { ACT_REQUEST_TEXT, ACT_REQUEST_NUMBER, ACT_REQUEST_TRUE, ACT_REQUEST_FALSE };

/* Strings end with a NUL and have none within; all of it lies in the arena but the files. */
struct act_request {
    struct arena arena;
    const char *command, *id; /* NULL: absent */
    struct {
        const char *name, *value; /* value: "" of true and false */
        enum act_request_type type;
    } option[ACT_REQUEST_OPTIONS_MAX];
    struct {
        const char *option; /* NULL: it is an argument */
        const char *path;   /* ACT_REQUEST_GIVEN and its name */
        struct buf data;
    } file[ACT_REQUEST_FILES_MAX];
    const char *arg[ACT_REQUEST_ARGS_MAX]; /* of a file its path */
    const uint8_t (*signature)[64];
    unsigned options, files, args, signatures;
};

/* 0; -EINVAL with what is wrong. Free it also after a failure. */
int act_request_read(struct span body, struct act_request *out, struct err *err);
/* Wipes what files had. */
void act_request_free(struct act_request *q);
