#include "event/act_map.h"

static int read_uint(struct span payload, const char *key, uint64_t *out)
{
    struct cur at;
    struct cbor_item it;
    if (cbor_find(cur_of(payload), key, &at) != 1 || cbor_get(&at, &it) < 0 || it.type != CBOR_UINT)
        return -1;
    *out = it.n;
    return 0;
}

static int read_string(struct span payload, const char *key, struct span *out)
{
    struct cur at;
    struct cbor_item it;
    if (cbor_find(cur_of(payload), key, &at) != 1 || cbor_get(&at, &it) < 0 ||
        (it.type != CBOR_TEXT && it.type != CBOR_BYTES))
        return -1;
    *out = it.s;
    return 0;
}

static int read_digest(struct span payload, const char *key, struct span *out)
{
    return read_string(payload, key, out) < 0 || out->n != SHA256_LEN ? -1 : 0;
}

/* ---- acts ---- */

void act_case_opened(struct buf *out, const char *origin, const char *version)
{
    cbor_put_head(out, CBOR_MAP, 2);
    put_text(out, "origin", span_str(origin));
    put_text(out, "version", span_str(version));
}

void act_sensor(struct buf *out, const char *name)
{
    cbor_put_head(out, CBOR_MAP, 1);
    put_text(out, "name", span_str(name));
}

int act_sensor_read(struct span payload, struct span *name)
{
    return read_string(payload, "name", name);
}

void act_ruleset(struct buf *out, uint64_t rules, const uint8_t digest[SHA256_LEN])
{
    cbor_put_head(out, CBOR_MAP, 2);
    put_uint(out, "rules", rules);
    put_digest(out, "sha256", span_of(digest, SHA256_LEN));
}

int act_ruleset_read(struct span payload, uint64_t *rules, struct span *digest)
{
    return read_uint(payload, "rules", rules) < 0 ? -1 : read_digest(payload, "sha256", digest);
}

void act_enrichment(struct buf *out, const struct act_enrichment *a)
{
    cbor_put_head(out, CBOR_MAP, 3);
    put_text(out, "date", a->date);
    put_text(out, "name", a->name);
    put_digest(out, "sha256", a->sha256);
}

int act_enrichment_read(struct span payload, struct act_enrichment *a)
{
    if (read_string(payload, "date", &a->date) < 0 || read_string(payload, "name", &a->name) < 0)
        return -1;
    return read_digest(payload, "sha256", &a->sha256);
}

void act_import_begun(struct buf *out, const struct act_import_begun *a)
{
    cbor_put_head(out, CBOR_MAP, 5);
    put_text(out, "file", a->file);
    cbor_put_key(out, "kept");
    cbor_put_bool(out, a->kept);
    put_uint(out, "size", a->size);
    put_text(out, "format", a->format);
    put_digest(out, "sha256", a->sha256);
}

int act_import_begun_read(struct span payload, struct act_import_begun *a)
{
    struct cur at;
    struct cbor_item kept;
    if (cbor_find(cur_of(payload), "kept", &at) != 1 || cbor_get(&at, &kept) < 0 ||
        kept.type != CBOR_SIMPLE)
        return -1;
    a->kept = kept.n == CBOR_TRUE;
    if (read_string(payload, "file", &a->file) < 0 || read_uint(payload, "size", &a->size) < 0 ||
        read_string(payload, "format", &a->format) < 0)
        return -1;
    return read_digest(payload, "sha256", &a->sha256);
}

void act_import_done(struct buf *out, const struct act_import_done *a)
{
    cbor_put_head(out, CBOR_MAP, 4);
    put_uint(out, "events", a->events);
    put_uint(out, "import", a->import);
    put_uint(out, "records", a->records);
    put_uint(out, "rejected", a->rejected);
}

int act_import_done_read(struct span payload, struct act_import_done *a)
{
    if (read_uint(payload, "events", &a->events) < 0 ||
        read_uint(payload, "import", &a->import) < 0 ||
        read_uint(payload, "records", &a->records) < 0)
        return -1;
    return read_uint(payload, "rejected", &a->rejected);
}

/* ---- authority ---- */

void act_order(struct buf *out, const struct act_order *a)
{
    struct map m = map_begin(out);
    map_text(&m, "id", a->id);
    map_time(&m, "from", a->from);
    map_text(&m, "note", a->note);
    map_text(&m, "court", a->court);
    map_text(&m, "scope", a->scope);
    map_time(&m, "until", a->until);
    map_text(&m, "docket", a->docket);
    map_digest(&m, "sha256", a->sha256);
    map_text(&m, "contact", a->contact);
    map_text(&m, "document", a->document);
    map_text(&m, "jurisdiction", a->jurisdiction);
    map_end(&m);
}

int act_order_read(struct span payload, struct act_order *a)
{
    struct reader r = read_begin(payload);
    *a = (struct act_order){
        .id = get_text(&r, "id"),
        .court = get_text(&r, "court"),
        .docket = get_text(&r, "docket"),
        .jurisdiction = get_text(&r, "jurisdiction"),
        .document = get_text(&r, "document"),
        .sha256 = get_digest(&r, "sha256"),
        .from = get_time(&r, "from"),
        .until = get_time(&r, "until"),
        .scope = get_text(&r, "scope"),
        .contact = get_text(&r, "contact"),
        .note = get_text(&r, "note"),
    };
    return a->id.n ? read_end(&r) : -1;
}

void act_order_closed(struct buf *out, const struct act_order_closed *a)
{
    struct map m = map_begin(out);
    map_text(&m, "id", a->id);
    map_text(&m, "why", a->why);
    map_time(&m, "when", a->when);
    map_uint(&m, "order", a->order);
    map_end(&m);
}

int act_order_closed_read(struct span payload, struct act_order_closed *a)
{
    struct reader r = read_begin(payload);
    *a = (struct act_order_closed){
        .order = get_uint(&r, "order"),
        .id = get_text(&r, "id"),
        .why = get_text(&r, "why"),
        .when = get_time(&r, "when"),
    };
    return read_end(&r);
}

static const char *const asset_kinds[ASSET_KINDS] = {
    [ASSET_DOMAIN] = "domain",   [ASSET_WILDCARD] = "wildcard", [ASSET_ADDRESS] = "address",
    [ASSET_NETWORK] = "network", [ASSET_PORT] = "port",
};

const char *act_asset_kind_name(enum act_asset_kind kind)
{
    return kind < ASSET_KINDS ? asset_kinds[kind] : "";
}

static enum act_asset_kind get_asset_kind(struct reader *r)
{
    struct span name = get_text(r, "kind");
    for (int k = 0; k < ASSET_KINDS; k++)
        if (span_is(name, asset_kinds[k]))
            return (enum act_asset_kind)k;
    r->bad = true;
    return ASSET_DOMAIN;
}

void act_asset(struct buf *out, const struct act_asset *a)
{
    struct map m = map_begin(out);
    map_time(&m, "from", a->from);
    map_text(&m, "kind", span_str(act_asset_kind_name(a->kind)));
    map_text(&m, "name", a->name);
    map_text(&m, "note", a->note);
    map_uint(&m, "port", a->port);
    map_uint(&m, "order", a->order);
    map_time(&m, "until", a->until);
    map_text(&m, "family", a->family);
    map_text(&m, "policy", a->policy);
    map_true(&m, "identify", a->identify);
    map_text(&m, "registrar", a->registrar);
    map_text(&m, "transport", a->transport);
    map_time(&m, "registered_until", a->registered_until);
    map_end(&m);
}

int act_asset_read(struct span payload, struct act_asset *a)
{
    struct reader r = read_begin(payload);
    uint64_t port = get_uint(&r, "port");
    *a = (struct act_asset){
        .order = get_uint(&r, "order"),
        .kind = get_asset_kind(&r),
        .name = get_text(&r, "name"),
        .port = (uint16_t)port,
        .transport = get_text(&r, "transport"),
        .family = get_text(&r, "family"),
        .policy = get_text(&r, "policy"),
        .identify = get_bool(&r, "identify"),
        .from = get_time(&r, "from"),
        .until = get_time(&r, "until"),
        .registered_until = get_time(&r, "registered_until"),
        .registrar = get_text(&r, "registrar"),
        .note = get_text(&r, "note"),
    };
    return port > UINT16_MAX ? -1 : read_end(&r);
}

void act_asset_list(struct buf *out, const struct act_asset_list *a)
{
    struct map m = map_begin(out);
    map_text(&m, "file", a->file);
    map_time(&m, "from", a->from);
    map_text(&m, "note", a->note);
    map_uint(&m, "rows", a->rows);
    map_uint(&m, "order", a->order);
    map_time(&m, "until", a->until);
    map_text(&m, "family", a->family);
    map_text(&m, "policy", a->policy);
    map_digest(&m, "sha256", a->sha256);
    map_true(&m, "identify", a->identify);
    map_uint(&m, "rejected", a->rejected);
    map_text(&m, "registrar", a->registrar);
    map_end(&m);
}

int act_asset_list_read(struct span payload, struct act_asset_list *a)
{
    struct reader r = read_begin(payload);
    *a = (struct act_asset_list){
        .order = get_uint(&r, "order"),
        .file = get_text(&r, "file"),
        .sha256 = get_digest(&r, "sha256"),
        .family = get_text(&r, "family"),
        .policy = get_text(&r, "policy"),
        .identify = get_bool(&r, "identify"),
        .from = get_time(&r, "from"),
        .until = get_time(&r, "until"),
        .registrar = get_text(&r, "registrar"),
        .rows = get_uint(&r, "rows"),
        .rejected = get_uint(&r, "rejected"),
        .note = get_text(&r, "note"),
    };
    return a->sha256.n ? read_end(&r) : -1;
}

void act_asset_released(struct buf *out, const struct act_asset_released *a)
{
    struct map m = map_begin(out);
    map_text(&m, "why", a->why);
    map_text(&m, "name", a->name);
    map_time(&m, "when", a->when);
    map_uint(&m, "asset", a->asset);
    map_end(&m);
}

int act_asset_released_read(struct span payload, struct act_asset_released *a)
{
    struct reader r = read_begin(payload);
    *a = (struct act_asset_released){
        .asset = get_uint(&r, "asset"),
        .name = get_text(&r, "name"),
        .why = get_text(&r, "why"),
        .when = get_time(&r, "when"),
    };
    return read_end(&r);
}

/* ---- the sinkhole ---- */

void act_gap(struct buf *out, const struct act_gap *a)
{
    struct map m = map_begin(out);
    map_text(&m, "what", a->what);
    map_uint(&m, "count", a->count);
    map_time(&m, "since", a->since);
    map_time(&m, "until", a->until);
    map_text(&m, "sensor", a->sensor);
    map_text(&m, "source", a->source);
    map_end(&m);
}

int act_gap_read(struct span payload, struct act_gap *a)
{
    struct reader r = read_begin(payload);
    *a = (struct act_gap){
        .what = get_text(&r, "what"),
        .sensor = get_text(&r, "sensor"),
        .since = get_time(&r, "since"),
        .until = get_time(&r, "until"),
        .count = get_uint(&r, "count"),
        .source = get_text(&r, "source"),
    };
    return a->what.n ? read_end(&r) : -1;
}

void act_serve(struct buf *out, const struct act_serve *a)
{
    struct map m = map_begin(out);
    map_text(&m, "phase", a->phase);
    map_text(&m, "config", a->config);
    map_text(&m, "version", a->version);
    map_end(&m);
}

int act_serve_read(struct span payload, struct act_serve *a)
{
    struct reader r = read_begin(payload);
    *a = (struct act_serve){
        .phase = get_text(&r, "phase"),
        .config = get_text(&r, "config"),
        .version = get_text(&r, "version"),
    };
    return read_end(&r);
}

/* ---- campaigns ---- */

void act_campaigns(struct buf *out, const struct act_campaigns *a)
{
    struct map m = map_begin(out);
    map_text(&m, "by", a->by);
    map_text(&m, "why", a->why);
    map_uint(&m, "into", a->into);
    map_uint(&m, "merged", a->from);
    map_end(&m);
}

int act_campaigns_read(struct span payload, struct act_campaigns *a)
{
    struct reader r = read_begin(payload);
    *a = (struct act_campaigns){
        .into = get_uint(&r, "into"),
        .from = get_uint(&r, "merged"),
        .by = get_text(&r, "by"),
        .why = get_text(&r, "why"),
    };
    return read_end(&r);
}

void act_dialect(struct buf *out, const struct act_dialect *a)
{
    struct map m = map_begin(out);
    map_text(&m, "why", a->why);
    map_text(&m, "name", a->name);
    map_text(&m, "sign", a->sign);
    map_text(&m, "text", a->text);
    map_text(&m, "family", a->family);
    map_end(&m);
}

int act_dialect_read(struct span payload, struct act_dialect *a)
{
    struct reader r = read_begin(payload);
    *a = (struct act_dialect){
        .sign = get_text(&r, "sign"),
        .text = get_text(&r, "text"),
        .name = get_text(&r, "name"),
        .family = get_text(&r, "family"),
        .why = get_text(&r, "why"),
    };
    return a->text.n ? read_end(&r) : -1;
}
