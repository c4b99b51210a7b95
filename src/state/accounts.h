/* Accounts: the people who act, their keys and roles, and what each role may do (rights.def). Part
 * of the casebook. The newest ACCOUNT of a name counts; one with empty roles is closed. */
#pragma once

#include "event/act_pursuit.h"
#include "event/act_signed.h"
#include "state/casebook.h"

#define ACCOUNT_BOX_LEN 32 /* X25519 */

/* Roles, for masks; in the order of account_role_name(). */
enum {
    ROLE_OPERATOR = 1,
    ROLE_REVIEWER = 2,
    ROLE_CUSTODIAN = 4,
    ROLE_COUNSEL = 8,
    ROLE_AUDITOR = 16,
    ROLES_COUNT = 5,
};
const char *account_role_name(unsigned i); /* NULL from ROLES_COUNT on */
/* "reviewer custodian" (blanks or commas between) as a mask; 0 when a word is no role. */
unsigned account_roles_parse(struct span text);

struct account {
    uint64_t entry;
    char name[ACT_ACCOUNT_MAX + 1];
    unsigned roles; /* 0: closed */
    bool has_box;   /* leads can be sealed to it */
    uint8_t box[ACCOUNT_BOX_LEN], sign[ACT_SIGN_PUBLIC];
    int64_t recorded, until;
};
/* Letters, digits, ".", "_", "-", "@"; ACT_ACCOUNT_MAX bytes at most. */
bool account_name_is_good(struct span name);
/* In force: not closed, not over. */
static inline bool account_is_open(const struct account *a, int64_t now)
{
    return a->roles && now < a->until;
}

/* The newest of that name: 1 found, 0 not; negative. */
int casebook_account(struct casebook *cb, struct span name, struct account *out, struct err *err);
/* The newest of each name, by name. each() returns 0 to go on. */
int casebook_accounts(struct casebook *cb, int (*each)(void *ctx, const struct account *a),
                      void *ctx, struct err *err);

/* Whether that act may go on the log now: signed by an account in force that has the right, or of a
 * kind that needs no signature. The first account of a case may be added without one; it is a
 * custodian. -EPERM with what is missing; -EKEYREJECTED: a signature that does not hold. */
int casebook_may(struct casebook *cb, const char *origin, uint8_t kind, struct span payload,
                 int64_t now, struct err *err);

/* For casebook.c: takes in an ACCOUNT. */
int casebook_take_account(struct casebook *cb, uint64_t index, int64_t time, struct span payload,
                          struct err *err);
