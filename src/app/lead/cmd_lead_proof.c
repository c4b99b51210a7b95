/* ebb lead proof: no case is opened; what is checked is the file. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>

#include "app/cli.h"
#include "app/lead/lead_content.h"
#include "app/lead/lead_proof.h"
#include "app/lead/lead_receipt.h"
#include "base/file.h"

static const struct table_column columns[] = {{"lead", "lead", TABLE_ID},
                                              {"day", "day", TABLE_WORDS},
                                              {"log", "log", TABLE_WORDS},
                                              {"size", "under a tree of", TABLE_COUNT},
                                              {"key", "log's key", TABLE_WORDS},
                                              {"yours", "by your receipt", TABLE_WORDS},
                                              {"content", "your content", TABLE_WORDS},
                                              {0}};

static int read_line(const char *path, struct buf *out, struct err *err)
{
    int rc = path ? file_read(path, 4096, out, err) : 0;
    while (rc == 0 && out->n && (out->p[out->n - 1] == '\n' || out->p[out->n - 1] == '\r'))
        out->n--;
    return rc;
}

/* That the receipt is this lead's: it makes the keys that the log has. */
static int check_receipt(const char *path, const struct lead_proof *p, struct receipt_keys *keys,
                         struct err *err)
{
    struct receipt r;
    int rc = lead_receipt_read(path, &r, err);
    if (rc == 0 && (p->lead.salt.n != RECEIPT_SALT_LEN || p->lead.public.n != sizeof keys->box))
        rc = err_set(err, -EBADMSG, "the lead's keys are not of that shape");
    if (rc == 0)
        rc = receipt_keys(&r, p->lead.salt.p, keys, err);
    if (rc == 0 && sodium_memcmp(keys->box, p->lead.public.p, sizeof keys->box) != 0)
        rc = err_set(err, -EBADMSG, "the receipt is not this lead's");
    receipt_wipe(&r);
    return rc;
}

static bool has_content(const struct cli *cli)
{
    return cli_has(cli, "text") || cli->n_args > 1;
}

static int check_content(const struct cli *cli, const struct lead_proof *p,
                         const struct receipt_keys *keys, struct err *err)
{
    const struct lead_input in = {.text = cli_get(cli, "text"),
                                  .contact = cli_get(cli, "contact"),
                                  .language = cli_get(cli, "language"),
                                  .paths = cli->args + 1,
                                  .n = cli->n_args - 1};
    struct lead_content c = {0};
    uint8_t commitment[SHA256_LEN];
    int rc = lead_content_read(&in, &c, err);
    if (rc == 0) {
        receipt_commitment(keys, c.digest, commitment);
        if (!span_eq(p->lead.commitment, span_of(commitment, sizeof commitment)))
            rc =
                err_set(err, -EBADMSG,
                        "what was submitted is not this: text, contact, language and files are all "
                        "wanted as they were, the files in their order");
    }
    lead_content_free(&c);
    return rc;
}

static void print(const struct cli *cli, const struct lead_proof *p)
{
    char day[UTC_TEXT_MAX];
    struct buf vkey = {0};
    struct table *t = table_open(cli_shape(cli), columns, stdout);
    note_key_put_verifier(&p->key, &vkey);
    table_uint(t, p->index);
    table_text(t, span_of(day, utc_format_date(p->time, day)));
    table_str(t, p->key.name);
    table_uint(t, p->size);
    table_text(t, buf_as_span(&vkey));
    table_str(t, cli_has(cli, "receipt") ? "yes" : "not asked");
    table_str(t, has_content(cli) ? "yes" : "not asked");
    table_row_end(t);
    table_close(t);
    buf_free(&vkey);
}

int cmd_lead_proof(const struct cli *cli)
{
    struct buf text = {0}, vkey = {0};
    struct lead_proof p = {0};
    struct receipt_keys keys = {0};
    struct err err;
    const char *receipt = cli_get(cli, "receipt");
    if (!cli->n_args)
        return cli_fail(EXIT_USAGE, "lead proof: wants a proof");
    if (has_content(cli) && !receipt)
        return cli_fail(EXIT_USAGE, "lead proof: wants --receipt to check what was submitted");
    lead_keep_private();
    int rc = file_read(cli->args[0], LEAD_PROOF_FILE_MAX, &text, &err);
    if (rc == 0)
        rc = read_line(cli_get(cli, "vkey"), &vkey, &err);
    if (rc == 0)
        rc = lead_proof_check(buf_as_span(&text), buf_as_span(&vkey), &p, &err);
    if (rc == 0 && receipt)
        rc = check_receipt(receipt, &p, &keys, &err);
    if (rc == 0 && has_content(cli))
        rc = check_content(cli, &p, &keys, &err);
    if (rc == 0)
        print(cli, &p);
    receipt_keys_wipe(&keys);
    lead_proof_free(&p);
    buf_free(&vkey);
    buf_free(&text);
    return rc < 0 ? cli_fail(EXIT_FAILED, "lead proof: %s (%s)", err.text, cli->args[0])
                  : EXIT_DONE;
}
