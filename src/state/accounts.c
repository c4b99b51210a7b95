#include "state/accounts.h"

#include <errno.h>
#include <string.h>

#include "event/event.h"
#include "state/casebook_impl.h"

static const char *const role_names[ROLES_COUNT] = {"operator", "reviewer", "custodian", "counsel",
                                                    "auditor"};

const char *account_role_name(unsigned i)
{
    return i < ROLES_COUNT ? role_names[i] : NULL;
}

static unsigned role_by_name(struct span word)
{
    for (unsigned i = 0; i < ROLES_COUNT; i++)
        if (span_is(word, role_names[i]))
            return 1u << i;
    return 0;
}

unsigned account_roles_parse(struct span text)
{
    unsigned roles = 0;
    for (size_t i = 0; i < text.n;) {
        size_t from = i;
        while (i < text.n && text.p[i] != ' ' && text.p[i] != ',')
            i++;
        unsigned role = role_by_name(span_of(text.p + from, i - from));
        if (!role && i > from)
            return 0;
        roles |= role;
        i++;
    }
    return roles;
}

bool account_name_is_good(struct span name)
{
    if (!name.n || name.n > ACT_ACCOUNT_MAX || name.p[0] == '-' || name.p[0] == '.')
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (!name.p[i] ||
            !strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-@",
                    name.p[i]))
            return false;
    return true;
}

int casebook_take_account(struct casebook *cb, uint64_t index, int64_t time, struct span payload,
                          struct err *err)
{
    struct act_account a;
    if (act_account_read(payload, &a) < 0 || !account_name_is_good(a.name) ||
        a.sign.n != ACT_SIGN_PUBLIC || (a.box.n && a.box.n != ACCOUNT_BOX_LEN))
        return err_set(err, -EBADMSG, "not an account");
    return casebook_run(cb, err, "INSERT INTO accounts VALUES(?,?,?,?,?,?,?,?)", "ittbbiti",
                        (int64_t)index, a.name, a.roles, a.box, a.sign, a.until, a.why, time);
}

#define COLUMNS "entry, name, roles, box, sign, until_time, recorded"

static void read_account(sqlite3_stmt *s, struct account *out)
{
    struct span name = sql_text(s, 1), box = sql_text(s, 3), sign = sql_text(s, 4);
    *out = (struct account){.entry = (uint64_t)sqlite3_column_int64(s, 0),
                            .roles = account_roles_parse(sql_text(s, 2)),
                            .has_box = box.n == ACCOUNT_BOX_LEN,
                            .until = sqlite3_column_int64(s, 5),
                            .recorded = sqlite3_column_int64(s, 6)};
    memcpy(out->name, name.p, name.n);
    memcpy(out->sign, sign.p, ACT_SIGN_PUBLIC);
    if (out->has_box)
        memcpy(out->box, box.p, box.n);
}

int casebook_account(struct casebook *cb, struct span name, struct account *out, struct err *err)
{
    sqlite3_stmt *s = casebook_prepare(cb, err,
                                       "SELECT " COLUMNS " FROM accounts WHERE name=?"
                                       " ORDER BY entry DESC LIMIT 1",
                                       "t", name);
    if (!s)
        return -EIO;
    int rc = sqlite3_step(s) == SQLITE_ROW;
    if (rc)
        read_account(s, out);
    sqlite3_finalize(s);
    return rc;
}

int casebook_accounts(struct casebook *cb, int (*each)(void *ctx, const struct account *a),
                      void *ctx, struct err *err)
{
    struct account a;
    sqlite3_stmt *s = casebook_prepare(cb, err,
                                       "SELECT " COLUMNS " FROM accounts WHERE entry IN"
                                       " (SELECT max(entry) FROM accounts GROUP BY name)"
                                       " ORDER BY name",
                                       "");
    int rc = s ? 0 : -EIO;
    while (rc == 0 && sqlite3_step(s) == SQLITE_ROW) {
        read_account(s, &a);
        rc = each(ctx, &a);
    }
    sqlite3_finalize(s);
    return rc;
}

/* ---- rights ---- */

static unsigned who_may(uint8_t kind)
{
    static const struct {
        uint8_t first, last;
        unsigned roles;
    } rights[] = {
#define OPERATOR                    ROLE_OPERATOR
#define REVIEWER                    ROLE_REVIEWER
#define CUSTODIAN                   ROLE_CUSTODIAN
#define COUNSEL                     ROLE_COUNSEL
#define AUDITOR                     ROLE_AUDITOR
#define RIGHT(first_, last_, roles) {first_, last_, roles},
#define UNSIGNED(first_, last_)
#include "state/rights.def"
    };
    for (size_t i = 0; i < sizeof rights / sizeof *rights; i++)
        if (kind >= rights[i].first && kind <= rights[i].last)
            return rights[i].roles;
    return 0;
}

static bool may_be_unsigned(uint8_t kind)
{
    static const struct {
        uint8_t first, last;
    } kinds[] = {
#define RIGHT(first_, last_, roles)
#define UNSIGNED(first_, last_) {first_, last_},
#include "state/rights.def"
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kind >= kinds[i].first && kind <= kinds[i].last)
            return true;
    return false;
}

/* The first account: somebody has to begin. */
static int may_begin(struct casebook *cb, struct span payload, struct err *err)
{
    struct act_account a;
    sqlite3_stmt *s = casebook_prepare(cb, err, "SELECT 1 FROM accounts LIMIT 1", "");
    if (!s)
        return -EIO;
    bool any = sqlite3_step(s) == SQLITE_ROW;
    sqlite3_finalize(s);
    if (any)
        return err_set(err, -EPERM, "a custodian adds accounts: say who you are (--account)");
    if (act_account_read(payload, &a) < 0 || !(account_roles_parse(a.roles) & ROLE_CUSTODIAN))
        return err_set(err, -EPERM, "the first account of a case is a custodian");
    return 0;
}

static void put_roles(unsigned roles, struct buf *out)
{
    for (unsigned i = 0, n = 0; i < ROLES_COUNT; i++)
        if (roles & 1u << i) {
            buf_str(out, n++ ? " or " : "");
            buf_str(out, role_names[i]);
        }
}

static int signed_may(struct casebook *cb, const char *origin, uint8_t kind, struct span payload,
                      struct span name, int64_t now, struct err *err)
{
    struct account a;
    struct buf roles = {0};
    int rc = casebook_account(cb, name, &a, err);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return err_set(err, -EPERM, "no such account: see `ebb account list` (%.*s)", (int)name.n,
                       (const char *)name.p);
    if (!account_is_open(&a, now))
        return err_set(err, -EPERM, "account %s is %s", a.name, a.roles ? "over" : "closed");
    if (act_signature_holds(payload, kind, origin, a.sign) != 1)
        return err_set(err, -EKEYREJECTED, "the signature is not that of account %s", a.name);
    if (a.roles & who_may(kind))
        return 0;
    put_roles(who_may(kind), &roles);
    rc = err_set(err, -EPERM, "account %s may not do this (%s): it wants a role: %.*s", a.name,
                 event_kind_name(kind), (int)roles.n, (const char *)roles.p);
    buf_free(&roles);
    return rc;
}

int casebook_may(struct casebook *cb, const char *origin, uint8_t kind, struct span payload,
                 int64_t now, struct err *err)
{
    struct span name;
    if (act_signer(payload, &name) < 0)
        return err_set(err, -EBADMSG, "an act that is not of the form that acts have");
    if (name.n)
        return signed_may(cb, origin, kind, payload, name, now, err);
    if (kind == KIND_ACCOUNT)
        return may_begin(cb, payload, err);
    return may_be_unsigned(kind) ? 0
                                 : err_set(err, -EPERM,
                                           "this act is signed: say who you are (--account, or "
                                           "EBB_ACCOUNT)");
}
