#include "event/act_cleanup.h"

#include "event/act_map.h"

void act_roles_judged(struct buf *out, const struct act_roles_judged *a)
{
    struct map m = map_begin(out);
    map_uint(&m, "rows", a->rows);
    map_text(&m, "rules", a->rules);
    map_uint(&m, "others", a->others);
    map_digest(&m, "sha256", a->sha256);
    map_uint(&m, "victims", a->victims);
    map_uint(&m, "position", a->position);
    map_end(&m);
}

int act_roles_judged_read(struct span payload, struct act_roles_judged *a)
{
    struct reader r = read_begin(payload);
    *a = (struct act_roles_judged){
        .position = get_uint(&r, "position"),
        .rules = get_text(&r, "rules"),
        .sha256 = get_digest(&r, "sha256"),
        .rows = get_uint(&r, "rows"),
        .victims = get_uint(&r, "victims"),
        .others = get_uint(&r, "others"),
    };
    return read_end(&r);
}

void act_role_overruled(struct buf *out, const struct act_role_overruled *a)
{
    struct map m = map_begin(out);
    map_text(&m, "by", a->by);
    map_text(&m, "why", a->why);
    map_text(&m, "role", a->role);
    map_text(&m, "network", a->network);
    map_end(&m);
}

int act_role_overruled_read(struct span payload, struct act_role_overruled *a)
{
    struct reader r = read_begin(payload);
    *a = (struct act_role_overruled){
        .network = get_text(&r, "network"),
        .role = get_text(&r, "role"),
        .by = get_text(&r, "by"),
        .why = get_text(&r, "why"),
    };
    return read_end(&r);
}

void act_contacts_imported(struct buf *out, const struct act_contacts_imported *a)
{
    struct map m = map_begin(out);
    map_text(&m, "file", a->file);
    map_time(&m, "made", a->made);
    map_uint(&m, "rows", a->rows);
    map_text(&m, "format", a->format);
    map_digest(&m, "sha256", a->sha256);
    map_text(&m, "source", a->source);
    map_uint(&m, "rejected", a->rejected);
    map_digest(&m, "file_sha256", a->file_sha256);
    map_end(&m);
}

int act_contacts_imported_read(struct span payload, struct act_contacts_imported *a)
{
    struct reader r = read_begin(payload);
    *a = (struct act_contacts_imported){
        .source = get_text(&r, "source"),
        .file = get_text(&r, "file"),
        .format = get_text(&r, "format"),
        .file_sha256 = get_digest(&r, "file_sha256"),
        .sha256 = get_digest(&r, "sha256"),
        .rows = get_uint(&r, "rows"),
        .rejected = get_uint(&r, "rejected"),
        .made = get_time(&r, "made"),
    };
    return read_end(&r);
}

void act_rdap_answered(struct buf *out, const struct act_rdap_answered *a)
{
    struct map m = map_begin(out);
    map_text(&m, "handle", a->handle);
    map_text(&m, "server", a->server);
    map_digest(&m, "sha256", a->sha256);
    map_text(&m, "contact", a->contact);
    map_text(&m, "network", a->network);
    map_end(&m);
}

int act_rdap_answered_read(struct span payload, struct act_rdap_answered *a)
{
    struct reader r = read_begin(payload);
    *a = (struct act_rdap_answered){
        .network = get_text(&r, "network"),
        .contact = get_text(&r, "contact"),
        .handle = get_text(&r, "handle"),
        .server = get_text(&r, "server"),
        .sha256 = get_digest(&r, "sha256"),
    };
    return read_end(&r);
}

void act_trial_begun(struct buf *out, const struct act_trial_begun *a)
{
    struct map m = map_begin(out);
    map_time(&m, "from", a->from);
    map_text(&m, "name", a->name);
    map_text(&m, "seed", a->seed);
    map_time(&m, "until", a->until);
    map_digest(&m, "sha256", a->sha256);
    map_uint(&m, "percent", a->percent);
    map_uint(&m, "contacts", a->contacts);
    map_uint(&m, "controls", a->controls);
    map_end(&m);
}

int act_trial_begun_read(struct span payload, struct act_trial_begun *a)
{
    struct reader r = read_begin(payload);
    *a = (struct act_trial_begun){
        .name = get_text(&r, "name"),
        .seed = get_text(&r, "seed"),
        .percent = get_uint(&r, "percent"),
        .contacts = get_uint(&r, "contacts"),
        .controls = get_uint(&r, "controls"),
        .sha256 = get_digest(&r, "sha256"),
        .from = get_time(&r, "from"),
        .until = get_time(&r, "until"),
    };
    return read_end(&r);
}

void act_report_queued(struct buf *out, const struct act_report_queued *a)
{
    struct map m = map_begin(out);
    map_uint(&m, "gone", a->gone);
    map_uint(&m, "part", a->part);
    map_uint(&m, "fresh", a->fresh);
    map_uint(&m, "parts", a->parts);
    map_time(&m, "since", a->since);
    map_uint(&m, "still", a->still);
    map_text(&m, "trial", a->trial);
    map_time(&m, "until", a->until);
    map_text(&m, "format", a->format);
    map_digest(&m, "sha256", a->sha256);
    map_text(&m, "channel", a->channel);
    map_text(&m, "contact", a->contact);
    map_text(&m, "language", a->language);
    map_uint(&m, "returning", a->returning);
    map_text(&m, "message_id", a->message_id);
    map_end(&m);
}

int act_report_queued_read(struct span payload, struct act_report_queued *a)
{
    struct reader r = read_begin(payload);
    *a = (struct act_report_queued){
        .contact = get_text(&r, "contact"),
        .format = get_text(&r, "format"),
        .language = get_text(&r, "language"),
        .channel = get_text(&r, "channel"),
        .message_id = get_text(&r, "message_id"),
        .trial = get_text(&r, "trial"),
        .sha256 = get_digest(&r, "sha256"),
        .since = get_time(&r, "since"),
        .until = get_time(&r, "until"),
        .fresh = get_uint(&r, "fresh"),
        .returning = get_uint(&r, "returning"),
        .still = get_uint(&r, "still"),
        .gone = get_uint(&r, "gone"),
        .part = get_uint(&r, "part"),
        .parts = get_uint(&r, "parts"),
    };
    return read_end(&r);
}

void act_report_tried(struct buf *out, const struct act_report_tried *a)
{
    struct map m = map_begin(out);
    map_text(&m, "by", a->by);
    map_text(&m, "why", a->why);
    map_text(&m, "reply", a->reply);
    map_uint(&m, "report", a->report);
    map_text(&m, "result", a->result);
    map_uint(&m, "attempt", a->attempt);
    map_end(&m);
}

int act_report_tried_read(struct span payload, struct act_report_tried *a)
{
    struct reader r = read_begin(payload);
    *a = (struct act_report_tried){
        .report = get_uint(&r, "report"),
        .attempt = get_uint(&r, "attempt"),
        .result = get_text(&r, "result"),
        .reply = get_text(&r, "reply"),
        .by = get_text(&r, "by"),
        .why = get_text(&r, "why"),
    };
    return read_end(&r);
}

void act_report_returned(struct buf *out, const struct act_report_returned *a)
{
    struct map m = map_begin(out);
    map_text(&m, "text", a->text);
    map_text(&m, "what", a->what);
    map_uint(&m, "report", a->report);
    map_digest(&m, "sha256", a->sha256);
    map_text(&m, "status", a->status);
    map_text(&m, "contact", a->contact);
    map_end(&m);
}

int act_report_returned_read(struct span payload, struct act_report_returned *a)
{
    struct reader r = read_begin(payload);
    *a = (struct act_report_returned){
        .report = get_uint(&r, "report"),
        .what = get_text(&r, "what"),
        .contact = get_text(&r, "contact"),
        .status = get_text(&r, "status"),
        .text = get_text(&r, "text"),
        .sha256 = get_digest(&r, "sha256"),
    };
    return read_end(&r);
}

void act_contact_state(struct buf *out, const struct act_contact_state *a)
{
    struct map m = map_begin(out);
    map_text(&m, "by", a->by);
    map_text(&m, "why", a->why);
    map_text(&m, "state", a->state);
    map_text(&m, "contact", a->contact);
    map_end(&m);
}

int act_contact_state_read(struct span payload, struct act_contact_state *a)
{
    struct reader r = read_begin(payload);
    *a = (struct act_contact_state){
        .contact = get_text(&r, "contact"),
        .state = get_text(&r, "state"),
        .by = get_text(&r, "by"),
        .why = get_text(&r, "why"),
    };
    return read_end(&r);
}

void act_partner(struct buf *out, const struct act_partner *a)
{
    struct map m = map_begin(out);
    map_text(&m, "by", a->by);
    map_text(&m, "why", a->why);
    map_text(&m, "name", a->name);
    map_digest(&m, "token", a->token);
    map_time(&m, "until", a->until);
    map_text(&m, "networks", a->networks);
    map_end(&m);
}

int act_partner_read(struct span payload, struct act_partner *a)
{
    struct reader r = read_begin(payload);
    *a = (struct act_partner){
        .name = get_text(&r, "name"),
        .networks = get_text(&r, "networks"),
        .token = get_digest(&r, "token"),
        .by = get_text(&r, "by"),
        .why = get_text(&r, "why"),
        .until = get_time(&r, "until"),
    };
    return read_end(&r);
}
