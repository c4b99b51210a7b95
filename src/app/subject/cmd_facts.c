/* ebb case facts: what was known at a moment, the commitment to it, and what shows one fact of it
 */
#include <errno.h>
#include <stdio.h>

#include "app/subject/facts_tree.h"
#include "app/subject/subject_cli.h"
#include "base/json.h"
#include "event/event.h"

/* ---- the list ---- */

/* subject: the one that it counted for then; of: the one it was recorded of. */
static const struct table_column columns[] = {
    {"index", "entry", TABLE_ID},
    {"what", "what", TABLE_WORDS},
    {"subject", "subject", TABLE_WORDS},
    {"type", "type", TABLE_WORDS},
    {"value", "value", TABLE_WORDS},
    {"confidence", "conf.", TABLE_ID},
    {"observed", "observed", TABLE_WORDS},
    {"entries", "entries", TABLE_WORDS},
    {"document", "document", TABLE_WORDS},
    {"lead", "lead", TABLE_ID},
    {"recorded", "recorded", TABLE_WORDS},
    {"account", "account", TABLE_WORDS},
    {"of", NULL, TABLE_ID},
    {"subject_entry", NULL, TABLE_ID},
    {"sha256", NULL, TABLE_WORDS},
    {"note", NULL, TABLE_WORDS},
    {"asset", NULL, TABLE_ID},
    {"other", NULL, TABLE_ID},
    {"campaign", NULL, TABLE_ID},
    {0},
};

struct listing {
    struct table *t;
    struct subject_names names;
};

static struct span root_name(struct listing *l, uint64_t entry, uint64_t *root)
{
    const struct subject_as_was *s = subject_names_of(&l->names, entry);
    const struct subject_as_was *top = s ? subject_names_of(&l->names, s->root) : NULL;
    *root = top ? top->entry : 0;
    return top ? top->name : span_str("");
}

/* What facts and links have alike; f: source, confidence. */
static void put_row(struct listing *l, uint64_t entry, const char *what, const struct act_fact *f,
                    int64_t recorded, struct span account)
{
    struct table *t = l->t;
    uint64_t root;
    table_uint(t, entry);
    table_str(t, what);
    table_text(t, root_name(l, f->subject, &root));
    table_words(t, f->type);
    table_words(t, f->value);
    table_index(t, f->confidence);
    case_put_time(t, f->observed);
    table_words(t, f->entries);
    table_words(t, f->document);
    table_index(t, f->lead);
    case_put_time(t, recorded);
    table_words(t, account);
    table_uint(t, f->subject);
    table_uint(t, root);
    table_digest(t, f->sha256);
    table_words(t, f->note);
}

static int put_fact(void *ctx, const struct subject_fact *f)
{
    struct listing *l = ctx;
    put_row(l, f->entry, "fact", &f->act, f->recorded, f->account);
    table_row_end(l->t);
    return 0;
}

static int put_link(void *ctx, const struct subject_link *k)
{
    struct listing *l = ctx;
    char to[SUBJECT_NAME_MAX + 64];
    const struct subject_as_was *other = subject_names_of(&l->names, k->act.other);
    if (k->act.other)
        snprintf(to, sizeof to, "%.*s", other ? (int)other->name.n : 0,
                 other ? (const char *)other->name.p : "");
    else if (k->act.name.n)
        snprintf(to, sizeof to, "%.*s", (int)k->act.name.n, (const char *)k->act.name.p);
    else
        snprintf(to, sizeof to, "%s %llu", k->act.asset ? "asset" : "campaign",
                 (unsigned long long)(k->act.asset ? k->act.asset : k->act.campaign));
    struct act_fact row = {.subject = k->act.subject,
                           .type = k->act.relation,
                           .value = span_str(to),
                           .confidence = k->act.confidence,
                           .observed = ACT_FOREVER,
                           .entries = k->act.entries,
                           .document = k->act.document,
                           .sha256 = k->act.sha256,
                           .lead = k->act.lead,
                           .note = k->act.note};
    put_row(l, k->entry, "link", &row, k->recorded, k->account);
    table_index(l->t, k->act.asset);
    table_index(l->t, k->act.other);
    table_index(l->t, k->act.campaign);
    table_row_end(l->t);
    return 0;
}

static int list(const struct cli *cli, struct casedir *c, uint64_t size, struct err *err)
{
    struct listing l = {0};
    int rc = subject_names_load(c, size, &l.names, err);
    l.t = table_open(cli_shape(cli), columns, stdout);
    if (rc == 0)
        rc = subjects_facts(c->pursuit, 0, size, false, put_fact, &l, err);
    if (rc == 0)
        rc = subjects_links(c->pursuit, 0, size, false, put_link, &l, err);
    if (table_close(l.t) < 0 && rc == 0)
        rc = err_set(err, -EIO, "output could not be written");
    subject_names_free(&l.names);
    return rc;
}

/* ---- the commitment ---- */

/* committed: the entry that says so, if there is one. */
static const struct table_column root_columns[] = {{"size", "size", TABLE_ID},
                                                   {"facts", "facts", TABLE_COUNT},
                                                   {"root", "root", TABLE_WORDS},
                                                   {"index", "committed by entry", TABLE_ID},
                                                   {0}};

static int print_root(const struct cli *cli, const struct facts_tree *tree, uint64_t entry,
                      struct err *err)
{
    struct table *t = table_open(cli_shape(cli), root_columns, stdout);
    table_uint(t, tree->size);
    table_uint(t, tree->n);
    table_hex(t, tree->root, SHA256_LEN);
    table_index(t, entry);
    table_row_end(t);
    return table_close(t) < 0 ? err_set(err, -EIO, "output could not be written") : 0;
}

/* The commitment to this size that is on the log: its entry; 0: none. Another root than ours is an
 * error: one of both is wrong, or something was redacted since. */
static int find_commitment(struct casedir *c, const struct facts_tree *tree, uint64_t *entry,
                           struct err *err)
{
    struct subject_knowledge k;
    *entry = 0;
    int rc = subjects_knowledge(c->pursuit, tree->size, span_of(tree->root, SHA256_LEN), &k, err);
    if (rc == 1)
        *entry = k.entry;
    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = subjects_knowledge(c->pursuit, tree->size, span_of(NULL, 0), &k, err);
    if (rc == 1)
        return err_set(err, -EBADMSG,
                       "entry %llu commits to another root for tree size %llu: it is wrong, or"
                       " entries were redacted since",
                       (unsigned long long)k.entry, (unsigned long long)tree->size);
    return rc < 0 ? rc : 0;
}

static int record(const struct cli *cli, const struct facts_tree *tree, uint64_t *entry,
                  struct err *err)
{
    struct buf payload = {0};
    act_knowledge(&payload, &(struct act_knowledge){.root = span_of(tree->root, SHA256_LEN),
                                                    .size = tree->size,
                                                    .facts = tree->n});
    struct case_act act = {.kind = KIND_KNOWLEDGE, .payload = buf_as_span(&payload)};
    int rc = case_acts(cli, &act, 1, err);
    *entry = act.index;
    buf_free(&payload);
    return rc;
}

/* ---- the proof of one ---- */

static void put_hex(struct json *j, const char *key, struct span s)
{
    json_key(j, key);
    json_hex(j, s.p, s.n);
}

static void put_uint(struct json *j, const char *key, uint64_t v)
{
    json_key(j, key);
    json_uint(j, v);
}

static void put_proof(struct json *j, const struct facts_tree *tree, const struct facts_proof *p,
                      const struct entry *e, uint64_t commitment)
{
    uint8_t hash[SHA256_LEN];
    merkle_leaf(p->leaf, sizeof p->leaf, hash);
    json_object(j);
    put_uint(j, "size", tree->size);
    put_uint(j, "facts", tree->n);
    put_hex(j, "root", span_of(tree->root, SHA256_LEN));
    json_key(j, "committed");
    if (commitment)
        json_uint(j, commitment);
    else
        json_null(j);
    put_uint(j, "entry", e->index);
    put_uint(j, "leaf_index", p->index);
    put_hex(j, "payload", e->payload);
    put_hex(j, "blinding", span_of(p->salt, sizeof p->salt));
    put_hex(j, "leaf", span_of(p->leaf, sizeof p->leaf));
    put_hex(j, "leaf_hash", span_of(hash, sizeof hash));
    json_key(j, "path");
    json_array(j);
    for (size_t i = 0; i < p->path.n; i++)
        json_hex(j, p->path.hash[i], SHA256_LEN);
    json_array_end(j);
    json_object_end(j);
}

static int prove(struct casedir *c, const struct facts_tree *tree, uint64_t entry,
                 uint64_t commitment, struct err *err)
{
    struct facts_proof proof;
    struct entry e;
    struct buf out = {0};
    struct json j = json_to(&out);
    int rc = facts_tree_prove(c, tree, entry, &proof, err);
    if (rc == 0)
        rc = journal_get(c->journal, entry, &e, err);
    if (rc == 0 && e.redacted)
        rc = err_set(err, -ENODATA, "entry %llu was redacted: nothing is left to show",
                     (unsigned long long)entry);
    if (rc == 0) {
        put_proof(&j, tree, &proof, &e, commitment);
        json_newline(&j);
        if (fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout) != 0)
            rc = err_set(err, -EIO, "output could not be written");
    }
    buf_free(&out);
    return rc;
}

/* ---- the command ---- */

static int root_or_proof(const struct cli *cli, struct casedir *c, uint64_t size, uint64_t entry,
                         uint64_t *committed, struct facts_tree *tree, struct err *err)
{
    int rc = facts_tree_make(c, size, tree, err);
    if (rc == 0)
        rc = find_commitment(c, tree, committed, err);
    if (rc == 0 && cli_has(cli, "commit") && *committed)
        rc = err_set(err, -EALREADY, "tree size %llu is committed to already (entry %llu)",
                     (unsigned long long)size, (unsigned long long)*committed);
    if (rc == 0 && cli_has(cli, "prove"))
        rc = prove(c, tree, entry, *committed, err);
    return rc;
}

int cmd_case_facts(const struct cli *cli)
{
    struct casedir c;
    struct facts_tree tree = {0};
    struct err err;
    uint64_t size = 0, entry = 0, committed = 0;
    bool commit = cli_has(cli, "commit"), root = cli_has(cli, "root"), one = cli_has(cli, "prove");
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "case facts: takes no argument (%s)", cli->args[0]);
    if (commit + root + one > 1)
        return cli_fail(EXIT_USAGE, "case facts: one of --commit, --root, --prove");
    int code = cli_number(cli, "prove", 0, &entry);
    if (code)
        return code;
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, &err);
    if (rc == 0)
        code = subject_cli_at(cli, &c, &size);
    if (rc == 0 && code == 0)
        rc = commit || root || one ? root_or_proof(cli, &c, size, entry, &committed, &tree, &err)
                                   : list(cli, &c, size, &err);
    casedir_close(&c, NULL); /* writing takes its lock */
    if (rc == 0 && code == 0 && commit)
        rc = record(cli, &tree, &committed, &err);
    if (rc == 0 && code == 0 && (commit || root))
        rc = print_root(cli, &tree, committed, &err);
    facts_tree_free(&tree);
    return code ? code : rc < 0 ? cli_err(&err) : EXIT_DONE;
}
