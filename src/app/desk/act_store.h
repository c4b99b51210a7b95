/* Prepared acts that wait for their signatures, in memory alone. Of act*.c. */
#pragma once

#include "app/desk/act.h"

struct act_prepared {
    struct act_prepared *next;
    uint8_t session[DESK_SESSION_ID_LEN];
    char id[ACT_ID_TEXT], account[ACT_ACCOUNT_MAX + 1];
    int64_t made; /* monotonic, ms */
    unsigned roles_wanted;
    struct buf text; /* the child's, which the frames point into */
    struct act_frames *frames;
};
struct act_store *act_store_new(void);
void act_store_free(struct act_store *s);
/* What that session has prepared is dropped. */
void act_store_forget(struct act_store *s, const uint8_t id[DESK_SESSION_ID_LEN]);
/* Takes the text over, which the frames lie in. NULL: no room. */
struct act_prepared *act_store_put(struct act_store *s, const struct desk_session *session,
                                   unsigned roles_wanted, struct buf *text,
                                   struct act_frames *frames);
/* Out of the store; the caller frees it. NULL: none of this session has the id, or it is too old.
 */
struct act_prepared *act_store_take(struct act_store *s, const struct desk_session *session,
                                    struct span id);
void act_prepared_free(void *prepared);
