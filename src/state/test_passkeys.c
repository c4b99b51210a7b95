#include "state/passkeys.h"

#include "state/test_acts.h"

static struct span id_of(const char *id)
{
    return span_of(id, strlen(id) + 1); /* with a NUL in it: it is bytes, not text */
}

static int take(void *ctx, const struct passkey *k)
{
    *(uint64_t *)ctx = *(uint64_t *)ctx * 100 + k->entry;
    return 0;
}

static uint64_t of(struct pursuit *p, const char *account)
{
    uint64_t entries = 0;
    return passkeys_of(p, span_str(account), take, &entries, NULL) < 0 ? 999 : entries;
}

static uint64_t find(struct pursuit *p, const char *id, const char *rp_id)
{
    uint64_t entry = 0;
    return passkeys_find(p, id_of(id), span_str(rp_id), take, &entry, NULL) < 0 ? 999 : entry;
}

static uint64_t add(const char *by, const char *id, const char *rp_id)
{
    return log_add(KIND_PASSKEY, by, act_passkey,
                   (&(struct act_passkey){.id = id_of(id),
                                          .key = span_str("key"),
                                          .name = span_str("a key of mine"),
                                          .rp_id = span_str(rp_id)}));
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    log_quiet();
    struct pursuit *p = log_begin();
    log_account("rita", "reviewer");
    log_account("carla", "custodian");
    is_int(add("rita", "one", "desk.example"), 3);
    add("carla", "two", "desk.example");
    add("rita", "three", "other.example");
    add("carla", "one", "desk.example"); /* another's id: the first has it */
    add("", "four", "desk.example");     /* nobody signed */
    log_feed(p);
    is_int(of(p, "rita"), 305);
    is_int(of(p, "carla"), 406);
    is_int(of(p, "nobody"), 0);
    is_int(of(p, ""), 3040506);
    is_int(find(p, "one", "desk.example"), 3);
    is_int(find(p, "three", "desk.example"), 0);
    is_int(find(p, "four", "desk.example"), 0);
    log_add(KIND_WITHDRAWN, "rita", act_withdrawn,
            (&(struct act_withdrawn){.entry = 3, .why = span_str("lost")}));
    log_feed(p);
    is_int(of(p, "rita"), 5);
    is_int(find(p, "one", "desk.example"), 6);
    log_check(p);
    log_end(p);
    return tap_done();
}
