/* ebb unseal INDEX */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>

#include "app/casedir.h"
#include "app/cli.h"
#include "app/account/seal_key.h"
#include "base/arena.h"
#include "net/seal.h"

#define SECRETS_MAX 256

/* Each secret on a line. */
static int open_chain(const char *dir, struct span chain, struct arena *arena, struct buf *out,
                      struct err *err)
{
    struct seal_pair pairs[SEAL_KEYS_MAX];
    struct span found[SECRETS_MAX];
    int keys = seal_key_all(dir, pairs, err);
    if (keys < 0)
        return keys;
    int n = seal_open_any(pairs, (size_t)keys, chain, arena, found, SECRETS_MAX);
    sodium_memzero(pairs, sizeof pairs);
    if (n < 0)
        return err_set(err, -EBADMSG, "the credentials were not sealed for this case");
    for (int i = 0; i < n; i++) {
        buf_span(out, found[i]);
        buf_byte(out, '\n');
    }
    return 0;
}

static int unseal(struct casedir *c, uint64_t index, struct buf *out, struct err *err)
{
    struct arena arena;
    struct event ev;
    struct entry e;
    int rc = journal_get(c->journal, index, &e, err);
    if (rc < 0)
        return rc;
    arena_init(&arena);
    if (!event_kind_is_event(e.header.kind) || e.redacted ||
        event_decode(e.payload, &arena, &ev) < 0 || !ev.smtp.auth.n)
        rc = err_set(err, -ENODATA, "entry %llu: it has no sealed credentials",
                     (unsigned long long)index);
    else
        rc = open_chain(c->dir, ev.smtp.auth, &arena, out, err);
    arena_free(&arena);
    return rc;
}

int cmd_unseal(const struct cli *cli)
{
    struct casedir c = {.quiet = cli->quiet};
    struct buf text = {0};
    struct err err;
    uint64_t index;
    if (cli->n_args != 1 || !cli_parse_u64(cli->args[0], &index))
        return cli_fail(EXIT_USAGE, "unseal: wants one log index");
    int rc = casedir_open(&c, cli->case_dir, JOURNAL_READ, &err);
    if (rc == 0)
        rc = unseal(&c, index, &text, &err);
    if (rc == 0)
        fwrite(text.p, 1, text.n, stdout);
    buf_free(&text);
    casedir_close(&c, NULL);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}
