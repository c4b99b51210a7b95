/* Doctor: `ebb doctor` looks at the case and the machine, a check after the other. A check is a
 * name and a function, which says one row or more; it changes nothing but a file below run/ that
 * goes away again, reads what is there as it is, and makes no traffic unless it was told to
 * (--ask). doc/doctor.md has every check with its thresholds. */
#pragma once

#include <sys/stat.h>

#include "app/casedir.h"
#include "app/cli.h"
#include "app/care/doctor_judge.h"
#include "base/file.h"

#define DOCTOR_ROWS_MAX 50 /* rows of one check; what is more is counted */

struct doctor {
    const char *dir;
    int64_t now;
    struct casedir c; /* config and journal may be NULL: the check that looks at them said why */
    bool views;       /* casebook and pursuit are loaded and at the log's end */
    bool serving;     /* `ebb serve` runs */
    long pid;         /* of its recorder; 0 */
    const char *ask;  /* NULL: no traffic; "": the system's resolver; else ADDRESS[:PORT] */
    struct table *table;
    unsigned count[DOCTOR_STATES];
    const char *check; /* the one that runs */
    unsigned rows;     /* of it */
};

struct doctor_check {
    const char *name;
    void (*run)(struct doctor *d);
};

/* One row of the check that runs. what: of its parts the one that it is about, "" none. todo: ""
 * for nothing to be done. */
void doctor_say(struct doctor *d, enum doctor_state state, const char *what, const char *todo,
                const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* doctor_clock.c ... doctor_people.c: the checks, by subject. Each array ends with a NULL name. */
extern const struct doctor_check doctor_config_checks[], doctor_clock_checks[],
    doctor_disk_checks[], doctor_limit_checks[], doctor_log_checks[], doctor_data_checks[],
    doctor_order_checks[], doctor_dns_checks[], doctor_key_checks[], doctor_people_checks[],
    doctor_node_checks[];

/* A file or folder that ebb.yaml names, below the case where it is not absolute: 1 it is there; 0
 * ebb.yaml names none; negative: it is not, and a row says so. */
int doctor_stat(struct doctor *d, const char *what, const char *name, const char *todo,
                char path[FILE_PATH_MAX], struct stat *st);

/* A whole small file ("/proc/swaps"), its first bytes at most, as text; empty when it cannot be
 * read. */
#define DOCTOR_TEXT_MAX 4096
const char *doctor_text(const char *path, char out[DOCTOR_TEXT_MAX]);
/* The number that such a file begins with; UINT64_MAX for none ("max", not there). */
uint64_t doctor_number(const char *path);
