/* Doctor: ebb.yaml, and things in it that are turned on without what they need. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/care/doctor.h"

static void parses(struct doctor *d)
{
    struct config *again;
    struct err err;
    if (config_load(d->dir, &again, &err) < 0) {
        doctor_say(d, DOCTOR_WRONG, "", "mend ebb.yaml: `ebb serve` and all commands need it", "%s",
                   err.text);
        return;
    }
    config_free(again);
    doctor_say(d, DOCTOR_OK, "", "", "ebb.yaml is read");
}

/* What `ebb serve` would read of it: listeners, policies, pages. */
static void listeners(struct doctor *d)
{
    struct net_config net = {0};
    struct err err;
    if (!d->c.config) {
        doctor_say(d, DOCTOR_SKIPPED, "", "", "ebb.yaml cannot be read");
        return;
    }
    if (config_serve_net(&d->c.config->serve, d->dir, &net, &err) < 0) {
        doctor_say(d, DOCTOR_WRONG, "",
                   "`ebb serve` does not start, and `ebb reload` changes nothing", "%s", err.text);
        return;
    }
    if (net.listeners_count && !d->c.config->serve.help_url[0])
        doctor_say(d, DOCTOR_WARN, "serve.help_url", "a page where people get help",
                   "those who are shown that their machine is infected are told nothing to do");
    if (!d->rows)
        doctor_say(d, DOCTOR_OK, "", "", "%u listeners, %u policies", net.listeners_count,
                   net.policies_count);
    config_serve_net_free(&net);
}

static void need(struct doctor *d, bool on, bool has, const char *what, const char *lacks)
{
    if (on && !has)
        doctor_say(d, DOCTOR_WRONG, what, lacks, "turned on, and cannot work");
}

static void whole(struct doctor *d)
{
    const struct config *c = d->c.config;
    if (!c) {
        doctor_say(d, DOCTOR_SKIPPED, "", "", "ebb.yaml cannot be read");
        return;
    }
    need(d, c->cleanup.sending, c->cleanup.smarthost.host[0], "cleanup.sending",
         "cleanup.smarthost.host: reports go out by it");
    need(d, c->cleanup.sending, c->cleanup.from.mail[0], "cleanup.sending", "cleanup.from.mail");
    need(d, c->cleanup.sending && c->cleanup.smarthost.user[0],
         c->cleanup.smarthost.password_file[0], "cleanup.smarthost.user",
         "cleanup.smarthost.password_file");
    need(d, c->evidence.tsa.url[0], c->evidence.tsa.ca[0], "evidence.tsa.url",
         "evidence.tsa.ca: a time stamp is checked before it is kept");
    need(d, c->cluster.ship, c->cluster.shards_count, "cluster.ship", "cluster.shards");
    need(d, c->nodes.centre[0], c->nodes.centre_vkey[0], "nodes.centre", "nodes.centre_vkey");
    if (c->web.public[0] && !c->web.public_url[0])
        doctor_say(d, DOCTOR_WARN, "web.public", "web.public_url",
                   "the public pages do not know their own address");
    if (c->cleanup.sending && !c->cleanup.returns[0])
        doctor_say(d, DOCTOR_WARN, "cleanup.sending", "cleanup.returns: a Maildir",
                   "bounces and answers are not read");
    if (!d->rows)
        doctor_say(d, DOCTOR_OK, "", "", "what is turned on has what it needs");
}

const struct doctor_check doctor_config_checks[] = {
    {"config", parses}, {"listeners", listeners}, {"config whole", whole}, {0}};
