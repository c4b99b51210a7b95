/* Doctor: ebb.yaml, and things in it that are turned on without what they need. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "app/care/doctor.h"
#include "base/file.h"
#include "state/nodes.h"

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

static void file_there(struct doctor *d, const char *what, const char *name, bool folder,
                       const char *todo)
{
    char path[FILE_PATH_MAX];
    struct stat st;
    if (doctor_stat(d, what, name, todo, path, &st) == 1 && folder != (bool)S_ISDIR(st.st_mode))
        doctor_say(d, DOCTOR_WRONG, what, todo, "%s: not a %s", path, folder ? "folder" : "file");
}

static int count_node(void *ctx, const struct node_entry *n)
{
    *(unsigned *)ctx += n->entry != 0;
    return 0;
}

/* What the reading of ebb.yaml cannot know: whether what it names is there. */
static void whole(struct doctor *d)
{
    const struct config *c = d->c.config;
    unsigned nodes = 0;
    if (!c) {
        doctor_say(d, DOCTOR_SKIPPED, "", "", "ebb.yaml cannot be read");
        return;
    }
    file_there(d, "cleanup.returns", c->cleanup.returns, true, "make the Maildir, or name another");
    file_there(d, "cleanup.smarthost.ca", c->cleanup.smarthost.ca, false, "reports cannot be sent");
    file_there(d, "evidence.tsa.ca", c->evidence.tsa.ca, false,
               "the authority's root: a time stamp is checked before it is kept");
    file_there(d, "cluster.ca", c->cluster.ca, false, "nothing can be shipped");
    file_there(d, "nodes.ca", c->nodes.ca, false, "the centre cannot be told");
    if (c->web.public[0] && !c->web.public_url[0])
        doctor_say(d, DOCTOR_WARN, "web.public", "web.public_url",
                   "the public pages do not know their own address");
    if (c->cleanup.sending && !c->cleanup.returns[0])
        doctor_say(d, DOCTOR_WARN, "cleanup.sending", "cleanup.returns: a Maildir",
                   "bounces and answers are not read");
    if (c->nodes.listen[0] && d->views)
        nodes_list(d->c.pursuit, count_node, &nodes, NULL);
    if (c->nodes.listen[0] && !nodes)
        doctor_say(d, DOCTOR_WARN, "nodes.listen", "ebb node add", "no node is known");
    if (!d->rows)
        doctor_say(d, DOCTOR_OK, "", "", "what ebb.yaml names is there");
}

const struct doctor_check doctor_config_checks[] = {
    {"config", parses}, {"listeners", listeners}, {"config whole", whole}, {0}};
