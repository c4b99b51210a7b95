/* Passkeys: the two acts that have no command, because a browser makes what is in them. */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "app/case_act.h"
#include "app/cli.h"
#include "app/desk/act.h"
#include "app/notice/notice.h"
#include "event/event.h"

#define ID_MAX    1023 /* WebAuthn Level 2, 4: Credential ID */
#define KEY_MAX   1024 /* SubjectPublicKeyInfo: RSA with 4096 bits has 550 bytes */
#define NAME_MAX_ 64
#define RP_ID_MAX 253

bool act_passkey_is(const char *command)
{
    return strcmp(command, "passkey add") == 0 || strcmp(command, "passkey withdraw") == 0;
}

/* "--name=value" of argv; NULL. */
static const char *option(const struct act_made *m, const char *name)
{
    size_t n = strlen(name);
    for (int i = 0; i < m->argc && strcmp(m->argv[i], "--") != 0; i++)
        if (strncmp(m->argv[i], "--", 2) == 0 && strncmp(m->argv[i] + 2, name, n) == 0 &&
            m->argv[i][2 + n] == '=')
            return m->argv[i] + 3 + n;
    return NULL;
}

static int take_bytes(const struct act_made *m, const char *name, uint8_t *out, size_t max,
                      struct span *span, struct err *err)
{
    const char *text = option(m, name);
    size_t n = 0;
    if (!text ||
        sodium_base642bin(out, max, text, strlen(text), NULL, &n, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) < 0 ||
        !n)
        return err_set(err, -EINVAL,
                       "passkey add: %s: base64url without padding, %zu bytes at most", name, max);
    *span = span_of(out, n);
    return 0;
}

static int take_text(const struct act_made *m, const char *name, size_t max, struct span *out,
                     struct err *err)
{
    *out = span_str(option(m, name));
    const char *fault = out->n ? notice_text_fault(*out, max) : "missing";
    return fault ? err_set(err, -EINVAL, "passkey add: %s: %s", name, fault) : 0;
}

static int record(const struct act_made *m, uint8_t kind, struct buf *payload, struct err *err)
{
    const struct cli cli = {.case_dir = m->case_dir, .quiet = true, .account = m->account};
    struct case_act act = {.kind = kind, .payload = buf_as_span(payload)};
    int rc = case_acts(&cli, &act, 1, err);
    buf_free(payload);
    return rc;
}

static int add(const struct act_made *m, struct err *err)
{
    uint8_t id[ID_MAX], key[KEY_MAX];
    struct act_passkey a = {0};
    struct buf payload = {0};
    int rc = take_bytes(m, "id", id, sizeof id, &a.id, err);
    if (rc == 0)
        rc = take_bytes(m, "key", key, sizeof key, &a.key, err);
    if (rc == 0)
        rc = take_text(m, "name", NAME_MAX_, &a.name, err);
    if (rc == 0)
        rc = take_text(m, "rp_id", RP_ID_MAX, &a.rp_id, err);
    if (rc < 0)
        return rc;
    act_passkey(&payload, &a);
    return record(m, KIND_PASSKEY, &payload, err);
}

/* One's own alone; not twice. */
static int check_own(const struct act_made *m, uint64_t entry, struct err *err)
{
    const struct cli cli = {.case_dir = m->case_dir, .quiet = true};
    struct pursuit_acted acted;
    char name[PURSUIT_NAME_MAX];
    struct casedir c;
    int rc = case_open_views(&cli, &c, VIEW_PURSUIT, err);
    if (rc == 0)
        rc = pursuit_acted(c.pursuit, entry, &acted, name, err);
    if (rc == 0 || (rc == 1 && (acted.kind != KIND_PASSKEY || !span_is(acted.account, m->account))))
        rc = err_set(err, -ENOENT, "account %s has no such passkey", m->account);
    if (rc == 1 && pursuit_is_withdrawn(c.pursuit, entry))
        rc = err_set(err, -EALREADY, "it is withdrawn already");
    casedir_close(&c, NULL);
    return rc < 0 ? rc : 0;
}

static int take_back(const struct act_made *m, struct err *err)
{
    struct buf payload = {0};
    const char *why = option(m, "why");
    uint64_t entry;
    if (m->argc < 2 || strcmp(m->argv[m->argc - 2], "--") != 0 ||
        !cli_parse_u64(m->argv[m->argc - 1], &entry))
        return err_set(err, -EINVAL, "passkey withdraw: wants one entry");
    int rc = check_own(m, entry, err);
    if (rc < 0)
        return rc;
    act_withdrawn(&payload, &(struct act_withdrawn){.entry = entry, .why = span_str(why)});
    return record(m, KIND_WITHDRAWN, &payload, err);
}

int act_passkey_make(const struct act_made *m, struct err *err)
{
    return strcmp(m->command, "passkey add") == 0 ? add(m, err) : take_back(m, err);
}
