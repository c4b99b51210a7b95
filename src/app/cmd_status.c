/* ebb status */
#include <stdio.h>
#include <string.h>

#include "app/casedir.h"
#include "app/cli.h"
#include "app/ctl.h"
#include "base/json.h"
#include "event/act.h"

static void put_views(struct json *j, const struct casedir *c)
{
    uint64_t size = journal_committed(c->journal);
    json_key(j, "views");
    json_object(j);
    for (const char *const *view = casedir_view_names; *view; view++) {
        if (!casedir_view_loaded(c, *view))
            continue;
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

/* What a running `ebb serve` says of itself; daemon->text is empty when none runs. */
static int ask_daemon(const struct cli *cli, struct ctl_reply *daemon, struct err *err)
{
    struct ctl_request request = {.verb = CTL_STATUS, .kind = cli_shape(cli) != TABLE_JSON};
    int rc = ctl_call(cli->case_dir, &request, daemon, err);
    return rc < 0 ? rc : 0;
}

static void print_json(struct casedir *c, const struct ctl_reply *daemon)
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
    json_key(&j, "drops"); /* an importer never drops */
    json_uint(&j, daemon->index);
    json_key(&j, "serve");
    if (daemon->text.n)
        buf_span(&b, buf_as_span(&daemon->text)); /* a JSON object of its own */
    else
        json_null(&j);
    json_object_end(&j);
    json_newline(&j);
    fwrite(b.p, 1, b.n, stdout);
    buf_free(&b);
}

static void print_daemon(struct table *t, const struct ctl_reply *daemon)
{
    struct cur c = cur_of(buf_as_span(&daemon->text));
    while (cur_left(&c)) {
        struct span line = cur_line(&c);
        const uint8_t *tab = line.n ? memchr(line.p, '\t', line.n) : NULL;
        if (!tab)
            return;
        size_t name = (size_t)(tab - line.p);
        table_text(t, span_of(line.p, name));
        table_text(t, span_of(tab + 1, line.n - name - 1));
        table_row_end(t);
    }
}

static void print_rows(struct casedir *c, const struct ctl_reply *daemon, enum table_shape shape)
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
        if (!casedir_view_loaded(c, *view))
            continue;
        snprintf(text, sizeof text, "view %s", *view);
        table_str(t, text);
        snprintf(
            text, sizeof text, "at %llu, lag %llu",
            (unsigned long long)casedir_view_position(c, *view),
            (unsigned long long)(journal_committed(c->journal) - casedir_view_position(c, *view)));
        table_str(t, text);
        table_row_end(t);
    }
    table_str(t, "serve");
    table_str(t, daemon->text.n ? "running" : "not running");
    table_row_end(t);
    print_daemon(t, daemon);
    table_close(t);
}

int cmd_status(const struct cli *cli)
{
    struct casedir c = {0};
    struct ctl_reply daemon = {0};
    struct err err;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "status: takes no argument (%s)", cli->args[0]);
    int rc = casedir_open(&c, cli->case_dir, JOURNAL_READ, &err);
    if (rc == 0)
        rc = casedir_peek_views(&c, &err);
    if (rc == 0)
        rc = ask_daemon(cli, &daemon, &err);
    if (rc == 0 && cli_shape(cli) == TABLE_JSON)
        print_json(&c, &daemon);
    else if (rc == 0)
        print_rows(&c, &daemon, cli_shape(cli));
    buf_free(&daemon.text);
    casedir_close(&c, NULL);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}
