/* ebb status */
#include <stdio.h>
#include <string.h>

#include "app/casedir.h"
#include "app/cli.h"
#include "base/json.h"
#include "event/act.h"

static void put_views(struct json *j, const struct casedir *c)
{
    uint64_t size = journal_committed(c->journal);
    json_key(j, "views");
    json_object(j);
    for (const char *const *view = casedir_view_names; *view; view++) {
        uint64_t at = casedir_view_position(c, *view);
        json_key(j, *view);
        json_object(j);
        json_key(j, "position");
        json_uint(j, at);
        json_key(j, "lag");
        json_uint(j, size > at ? size - at : 0);
        json_object_end(j);
    }
    json_object_end(j);
}

static void put_sensors(struct json *j, const struct registry *registry)
{
    uint8_t kind;
    uint64_t index;
    struct span payload, name;
    json_key(j, "sensors");
    json_array(j);
    for (size_t i = 0; registry_reference_at(registry, i, &kind, &index, &payload); i++)
        if (kind == KIND_SENSOR && act_sensor_read(payload, &name) == 0)
            json_span(j, name);
    json_array_end(j);
}

static void put_enrichment(struct json *j, const struct registry *registry)
{
    uint8_t kind;
    uint64_t index;
    struct span payload;
    struct act_enrichment a;
    json_key(j, "enrichment");
    json_array(j);
    for (size_t i = 0; registry_reference_at(registry, i, &kind, &index, &payload); i++) {
        if (kind != KIND_ENRICHMENT || act_enrichment_read(payload, &a) < 0)
            continue;
        json_object(j);
        json_key(j, "name");
        json_span(j, a.name);
        json_key(j, "date");
        json_span(j, a.date);
        json_key(j, "sha256");
        json_hex(j, a.sha256.p, a.sha256.n);
        json_object_end(j);
    }
    json_array_end(j);
}

static void put_checkpoint(struct json *j, struct journal *journal)
{
    struct buf text = {0};
    json_key(j, "checkpoint");
    if (journal_checkpoint(journal, &text, NULL) == 0)
        json_span(j, buf_as_span(&text));
    else
        json_null(j);
    buf_free(&text);
}

static void print_json(struct casedir *c)
{
    struct buf b = {0};
    struct json j = json_to(&b);
    json_object(&j);
    json_key(&j, "case");
    json_str(&j, c->config->name);
    json_key(&j, "origin");
    json_str(&j, journal_origin(c->journal));
    json_key(&j, "log_size");
    json_uint(&j, journal_committed(c->journal));
    put_checkpoint(&j, c->journal);
    put_views(&j, c);
    put_sensors(&j, c->registry);
    put_enrichment(&j, c->registry);
    json_key(&j, "drops"); /* an importer never drops; sensors come with `ebb serve` */
    json_uint(&j, 0);
    json_object_end(&j);
    json_newline(&j);
    fwrite(b.p, 1, b.n, stdout);
    buf_free(&b);
}

static void print_rows(struct casedir *c, enum table_shape shape)
{
    static const struct table_column columns[] = {
        {"what", "", TABLE_WORDS}, {"value", "", TABLE_WORDS}, {0}};
    struct table *t = table_open(shape, columns, stdout);
    char text[64];
    table_str(t, "case");
    table_str(t, c->config->name);
    table_row_end(t);
    table_str(t, "log");
    table_str(t, journal_origin(c->journal));
    table_row_end(t);
    table_str(t, "log size");
    snprintf(text, sizeof text, "%llu", (unsigned long long)journal_committed(c->journal));
    table_str(t, text);
    table_row_end(t);
    for (const char *const *view = casedir_view_names; *view; view++) {
        snprintf(text, sizeof text, "view %s", *view);
        table_str(t, text);
        snprintf(
            text, sizeof text, "at %llu, lag %llu",
            (unsigned long long)casedir_view_position(c, *view),
            (unsigned long long)(journal_committed(c->journal) - casedir_view_position(c, *view)));
        table_str(t, text);
        table_row_end(t);
    }
    table_close(t);
}

int cmd_status(const struct cli *cli)
{
    struct casedir c = {0};
    struct err err;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "status: takes no argument (%s)", cli->args[0]);
    int rc = casedir_open(&c, cli->case_dir, JOURNAL_READ, &err);
    if (rc == 0)
        rc = casedir_peek_views(&c, &err);
    if (rc == 0 && cli_shape(cli) == TABLE_JSON)
        print_json(&c);
    else if (rc == 0)
        print_rows(&c, cli_shape(cli));
    casedir_close(&c, NULL);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}
