/* Doctor: what ebb was given from outside, and how old it is. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <maxminddb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libpsl.h>

#include "app/care/certificate.h"
#include "app/care/doctor.h"
#include "app/datadir.h"
#include "base/buf.h"

#define LIBLOC_MAGIC   "LOCDBXX"
#define LIBLOC_HEAD    16     /* magic, version, then the time it was made, 8 bytes */
#define NETWORKS_WARN  45.0   /* days: addresses move between networks */
#define NETWORKS_WRONG 1826.0 /* five years */
#define CONTACTS_WARN  90.0
#define CONTACTS_WRONG 400.0
#define SUFFIXES_WARN  400.0
#define CA_FILE        "/etc/ssl/certs/ca-certificates.crt"

static double days_since(const struct doctor *d, int64_t time)
{
    return (double)(d->now - time) / (double)UTC_DAY;
}

/* Of something that was made then. */
static void say_age(struct doctor *d, const char *what, int64_t made, double warn, double wrong,
                    const char *todo)
{
    double days = days_since(d, made);
    enum doctor_state s = days < -1 ? DOCTOR_WARN : doctor_over(days, warn, wrong);
    doctor_say(d, s, what, s == DOCTOR_OK ? "" : todo,
               days < -1 ? "of a day that is still to come" : "%.0f days old", days);
}

static bool libloc_made(const char *path, int64_t *out)
{
    uint8_t head[LIBLOC_HEAD];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool good = fd >= 0 && read(fd, head, sizeof head) == (ssize_t)sizeof head &&
                memcmp(head, LIBLOC_MAGIC, sizeof LIBLOC_MAGIC - 1) == 0;
    if (good)
        *out = (int64_t)be64_get(head + 8) * UTC_SECOND;
    if (fd >= 0)
        close(fd);
    return good;
}

static bool mmdb_made(const char *path, int64_t *out)
{
    MMDB_s db;
    if (MMDB_open(path, MMDB_MODE_MMAP, &db) != MMDB_SUCCESS)
        return false;
    *out = (int64_t)db.metadata.build_epoch * UTC_SECOND;
    MMDB_close(&db);
    return true;
}

static void network(struct doctor *d, const char *what, const char *path,
                    bool (*made)(const char *path, int64_t *out), const char *todo)
{
    int64_t when;
    if (!path[0])
        return;
    if (made(path, &when))
        say_age(d, what, when, NETWORKS_WARN, NETWORKS_WRONG, todo);
    else
        doctor_say(d, DOCTOR_WRONG, what, "imports and `ebb serve` fail until it is there",
                   "cannot be read: %s (%s)", errno ? strerror(errno) : "another format", path);
}

static void networks(struct doctor *d)
{
    static const char loc[] = "install libloc-database anew, or let `location update` run daily";
    static const char mmdb[] = "fetch the new edition (geoipupdate)";
    if (!d->c.config) {
        doctor_say(d, DOCTOR_SKIPPED, "", "", "ebb.yaml cannot be read");
        return;
    }
    network(d, "libloc", d->c.config->enrichment.libloc, libloc_made, loc);
    network(d, "mmdb_asn", d->c.config->enrichment.mmdb_asn, mmdb_made, mmdb);
    network(d, "mmdb_country", d->c.config->enrichment.mmdb_country, mmdb_made, mmdb);
    if (!d->rows)
        doctor_say(d, DOCTOR_WARN, "", "enrichment: in ebb.yaml",
                   "none: networks and countries are not known");
}

static void suffixes(struct doctor *d)
{
    const char *file = psl_dist_filename();
    struct stat st;
    if (file && *file && stat(file, &st) == 0)
        say_age(d, "", (int64_t)st.st_mtim.tv_sec * UTC_SECOND, SUFFIXES_WARN, 4 * SUFFIXES_WARN,
                "upgrade the package publicsuffix");
    else
        say_age(d, "built in", (int64_t)psl_builtin_file_time() * UTC_SECOND, SUFFIXES_WARN,
                4 * SUFFIXES_WARN, "install the package publicsuffix");
}

/* The newest file of rules, and how many there are. */
static unsigned look_at_rules(const char *folder, int64_t *newest)
{
    unsigned n = 0;
    DIR *dir = opendir(folder);
    if (!dir)
        return 0;
    for (struct dirent *e; (e = readdir(dir));) {
        const char *dot = strrchr(e->d_name, '.');
        struct stat st;
        if (!dot || strcmp(dot, ".yar") != 0 || fstatat(dirfd(dir), e->d_name, &st, 0) < 0)
            continue;
        n++;
        if ((int64_t)st.st_mtim.tv_sec > *newest)
            *newest = st.st_mtim.tv_sec;
    }
    closedir(dir);
    return n;
}

static void rules(struct doctor *d)
{
    char folder[FILE_PATH_MAX];
    struct err err;
    int64_t newest = 0;
    int rc = datadir_rules(d->c.config ? d->c.config->rules : "", folder, &err);
    unsigned n = rc < 0 ? 0 : look_at_rules(folder, &newest);
    if (!n)
        doctor_say(d, DOCTOR_WRONG, "", "rules: in ebb.yaml, or EBB_RULES",
                   "no rules: nothing that comes is recognised (%s)", rc < 0 ? err.text : folder);
    else
        doctor_say(d, DOCTOR_OK, "", "", "%u files, the newest %.0f days old", n,
                   days_since(d, newest * UTC_SECOND));
}

/* ---- contacts ---- */

static int one_source(void *ctx, const struct contacts_source *s)
{
    struct doctor *d = ctx;
    char what[64];
    snprintf(what, sizeof what, "%.*s", (int)s->source.n, (const char *)s->source.p);
    say_age(d, what, s->made > 0 ? s->made : s->imported, CONTACTS_WARN, CONTACTS_WRONG,
            "fetch the data anew and `ebb contacts import` it");
    return 0;
}

static void contacts(struct doctor *d)
{
    if (d->c.contacts)
        contacts_sources(d->c.contacts, one_source, d);
    if (d->rows)
        return;
    bool wanted = d->c.config && d->c.config->cleanup.sending;
    doctor_say(d, wanted ? DOCTOR_WRONG : DOCTOR_SKIPPED, "", wanted ? "ebb contacts import" : "",
               "nothing was imported: nobody to tell is known");
}

/* ---- certificates ---- */

static void authorities(struct doctor *d)
{
    struct stat st;
    if (stat(CA_FILE, &st) == 0 && st.st_size > 0)
        doctor_say(d, DOCTOR_OK, "", "", "the system's certificate authorities are there");
    else
        doctor_say(d, DOCTOR_WARN, "", "install ca-certificates",
                   "%s: calls over TLS fail where ebb.yaml names no `ca`", CA_FILE);
}

static void certificates(struct doctor *d)
{
    struct certificate_use use[CERTIFICATES_MAX];
    unsigned n = d->c.config ? certificates_of(d->c.config, use) : 0;
    for (unsigned i = 0; i < n; i++) {
        struct certificate cert;
        struct err err;
        if (certificate_read(d->dir, use[i].path, &cert, &err) < 0) {
            doctor_say(d, DOCTOR_WRONG, use[i].where, "the listener does not start without it",
                       "%s", err.text);
            continue;
        }
        double days = -days_since(d, cert.until);
        enum doctor_state s =
            cert.from > d->now ? DOCTOR_WRONG : doctor_ends(cert.until, d->now, DOCTOR_ENDS_DAYS);
        doctor_say(d, s, use[i].where,
                   s == DOCTOR_OK ? "" : "put a new certificate in its place, then `ebb reload`",
                   cert.from > d->now ? "does not hold yet"
                   : days < 0         ? "is over since %.0f days"
                                      : "holds for %.0f days",
                   days < 0 ? -days : days);
    }
    if (!n)
        doctor_say(d, DOCTOR_SKIPPED, "", "", "ebb.yaml names none");
}

const struct doctor_check doctor_data_checks[] = {{"networks", networks},
                                                  {"public suffixes", suffixes},
                                                  {"rules", rules},
                                                  {"contacts", contacts},
                                                  {"authorities", authorities},
                                                  {"certificates", certificates},
                                                  {0}};
