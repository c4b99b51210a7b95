#include "app/node/node_request.h"

#include <errno.h>

#include "journal/note_text.h"

#define TITLE "ebb node statement v1"

struct span node_note_text(struct span note)
{
    for (size_t i = note.n; i-- > 1;) /* signatures come behind the last blank line */
        if (note.p[i] == '\n' && note.p[i - 1] == '\n')
            return span_of(note.p, i);
    return span_of(NULL, 0);
}

/* ---- add-checkpoint ---- */

int node_request_parse(struct span body, struct node_request *out, struct err *err)
{
    struct cur c = cur_of(body);
    struct span line, rest;
    *out = (struct node_request){0};
    if (body.n > NODE_REQUEST_MAX)
        return err_set(err, -EBADMSG, "more than %u bytes", NODE_REQUEST_MAX);
    if (!note_line(&c, &line) || !note_word(line, "old", &rest) || !note_decimal(rest, &out->old))
        return err_set(err, -EBADMSG, "the first line is not \"old\" and a size");
    for (;;) {
        if (!note_line(&c, &line))
            return err_set(err, -EBADMSG, "no empty line behind the proof");
        if (!line.n)
            break;
        if (out->n_proof == NODE_PROOF_MAX)
            return err_set(err, -EBADMSG, "more than %d hashes of a proof", NODE_PROOF_MAX);
        if (!note_hash(line, out->proof[out->n_proof++]))
            return err_set(err, -EBADMSG, "a line of the proof is not base64 of a hash");
    }
    out->note = span_of(c.p, cur_left(&c));
    out->text = node_note_text(out->note);
    if (!out->text.n || out->note.p[out->note.n - 1] != '\n' || out->text.n + 1 == out->note.n)
        return err_set(err, -EBADMSG, "no signed checkpoint behind the empty line");
    return checkpoint_parse(out->text, &out->top, err);
}

/* ---- statements ---- */

static void put_hash(struct buf *out, const uint8_t hash[SHA256_LEN])
{
    base64_encode(out, span_of(hash, SHA256_LEN));
    buf_byte(out, '\n');
}

void node_statement_put(const struct node_statement *s, struct buf *out)
{
    buf_printf(out, TITLE "\n%s\ntime %llu\nsize %llu ", s->origin, (unsigned long long)s->time,
               (unsigned long long)s->size);
    put_hash(out, s->root);
    buf_printf(out, "known %llu ", (unsigned long long)s->known);
    if (s->known <= s->size)
        put_hash(out, s->known_root);
    else
        buf_str(out, "-\n");
    if (!s->census)
        return;
    buf_printf(out, "census %llu %llu\n", (unsigned long long)s->position,
               (unsigned long long)s->bytes);
    for (unsigned i = 0; i < s->parts; i++) {
        char hex[2 * SHA256_LEN + 1];
        hex_encode(s->part[i], SHA256_LEN, hex);
        buf_printf(out, "part %s\n", hex);
    }
}

/* "SIZE ROOT"; *has false: the root is "-". */
static bool read_tree(struct span rest, uint64_t *size, uint8_t root[SHA256_LEN], bool *has)
{
    const uint8_t *blank = rest.n ? memchr(rest.p, ' ', rest.n) : NULL;
    if (!blank)
        return false;
    struct span hash = span_of(blank + 1, rest.n - (size_t)(blank - rest.p) - 1);
    *has = !span_is(hash, "-");
    return note_decimal(span_of(rest.p, (size_t)(blank - rest.p)), size) &&
           (!*has || note_hash(hash, root));
}

static bool read_census(struct cur *c, struct node_statement *s)
{
    struct span line, rest;
    const uint8_t *blank = NULL;
    if (!cur_left(c))
        return true;
    if (!note_line(c, &line) || !note_word(line, "census", &rest))
        return false;
    blank = memchr(rest.p, ' ', rest.n);
    if (!blank || !note_decimal(span_of(rest.p, (size_t)(blank - rest.p)), &s->position) ||
        !note_decimal(span_of(blank + 1, rest.n - (size_t)(blank - rest.p) - 1), &s->bytes) ||
        !s->bytes || s->bytes > NODE_CENSUS_MAX)
        return false;
    s->census = true;
    s->parts = node_parts(s->bytes);
    for (unsigned i = 0; i < s->parts; i++)
        if (!note_line(c, &line) || !note_word(line, "part", &rest) || rest.n != 2 * SHA256_LEN ||
            !hex_decode(rest, s->part[i], SHA256_LEN))
            return false;
    return !cur_left(c);
}

int node_statement_parse(struct span text, struct node_statement *out, struct err *err)
{
    struct cur c = cur_of(text);
    struct span line, rest;
    bool has, has_known;
    *out = (struct node_statement){0};
    if (text.n > NODE_REQUEST_MAX || !note_line(&c, &line) || !span_is(line, TITLE))
        return err_set(err, -EBADMSG, "not a node's statement");
    if (!note_line(&c, &line) || !note_name_valid(line))
        return err_set(err, -EBADMSG, "a statement of which log?");
    memcpy(out->origin, line.p, line.n);
    if (!note_line(&c, &line) || !note_word(line, "time", &rest) ||
        !note_decimal(rest, &out->time) || out->time > INT32_MAX * 2ull)
        return err_set(err, -EBADMSG, "a statement of which time?");
    if (!note_line(&c, &line) || !note_word(line, "size", &rest) ||
        !read_tree(rest, &out->size, out->root, &has) || !has)
        return err_set(err, -EBADMSG, "a statement without the log's size and root");
    if (!note_line(&c, &line) || !note_word(line, "known", &rest) ||
        !read_tree(rest, &out->known, out->known_root, &has_known) ||
        has_known != (out->known <= out->size))
        return err_set(err, -EBADMSG, "a statement without what the centre knows");
    if (!read_census(&c, out))
        return err_set(err, -EBADMSG, "a statement with no good list of the census's parts");
    if (out->census && out->position > out->size)
        return err_set(err, -EBADMSG, "a census of more entries than the log has");
    return 0;
}
