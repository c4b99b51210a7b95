/* What the commands of the spam gauge share. */
#pragma once

#include "app/casedir.h"
#include "app/cli.h"
#include "app/cluster/engine_open.h"
#include "view/series.h"

/* Opens the case for reading with its spam view; casedir_close() also after a failure. */
int spam_case_open(const struct cli *cli, struct casedir *c, struct err *err);
/* The same for what asks the engine only: volumes and what is made of them. `c` has the spam view
 * when the engine is the local one. spam_case_done() also after a failure. */
int spam_case_engine(const struct cli *cli, struct casedir *c, struct engine **e, struct err *err);
/* --since --until --family --topic --brand --campaign --country --asn --sensor, as far as the
 * command has them; checks --baseline and --cohort along. 0, or EXIT_USAGE. */
int spam_case_filter(const struct cli *cli, struct volume_filter *out);
/* The daily series of the filter: over the fixed cohort for the baseline's day, or over all sensors
 * with --cohort all. 1 when there is no mail in the range. `days` (or NULL) has the rows by day, to
 * be freed also then. */
struct spam_case_series {
    struct series series;
    struct series_cohort cohort;
    bool fixed;
    int32_t baseline; /* day since 1970 */
};
int spam_case_series(const struct cli *cli, struct engine *e, const struct volume_filter *f,
                     struct spam_case_series *out, struct volume *days, struct err *err);
void spam_case_series_free(struct spam_case_series *s);
/* One line on standard error: which sensors the figures rest on. */
void spam_case_say_cohort(const struct cli *cli, const struct spam_case_series *s);
/* A day option as a day since 1970. 0, or EXIT_USAGE. */
int spam_case_day(const struct cli *cli, const char *name, int32_t fallback, int32_t *out);

/* Cells. */
void spam_case_put_day(struct table *t, int32_t day);
void spam_case_put_time(struct table *t, int64_t time);
/* A campaign's id, or an empty cell. */
void spam_case_put_campaign(struct table *t, uint64_t id);
/* Cells with a campaign's domains, brands, families, most mails first. */
void spam_case_put_domains(struct table *t, const struct campaign *c);
void spam_case_put_brands(struct table *t, const struct spam *s, const struct campaign *c);
void spam_case_put_families(struct table *t, const struct campaign *c);
/* What most of its mails sell. */
enum topic spam_case_topic(const struct campaign *c);
/* A campaign's id in an argument; known to the view. 0, or an exit code. */
int spam_case_campaign(const struct cli *cli, struct casedir *c, const char *text,
                       struct campaign *out);
/* An SMTP event of the log with its mail: everything in the arena. -EINVAL when the entry is no
 * mail, -ENOENT when its bytes are gone. */
int spam_case_mail(struct casedir *c, uint64_t index, struct arena *arena, struct event *ev,
                   struct span *raw, struct mail *mail, struct err *err);
/* Closes table (NULL: not begun) and case; the exit code. */
int spam_case_end(struct casedir *c, struct table *t, int rc, struct err *err);
int spam_case_done(struct casedir *c, struct engine *e, struct table *t, int rc, struct err *err);
