/* Referral: what an agency is handed about subjects: summary, what is known with its sources,
 * timeline, losses, evidence, custody, leads, exhibits; as a folder with a manifest that the
 * account signs, and as a tar that only the agency can open. doc/referral.md has the form. */
#pragma once

#include "app/account/account.h"
#include "app/referral/losses.h"
#include "app/referral/openpgp.h"
#include "app/subject/subject_rows.h"
#include "app/referral/tar.h"
#include "print/page.h"

#define REFERRAL_SUBJECTS_MAX 200
#define REFERRAL_LEADS_MAX    200
#define REFERRAL_EXHIBITS_MAX 100
#define REFERRAL_FILES_MAX    100000
#define REFERRAL_BYTES_MAX    (64ull << 30)
#define REFERRAL_SUMMARY_MAX  (1u << 20)
#define REFERRAL_EVIDENCE_MAX 200000 /* rows */
#define REFERRAL_TEXT_MAX     1000   /* bytes of --agency, --limits */
#define REFERRAL_NAME_MAX     64
#define REFERRAL_PATH_MAX     240 /* of a file below the folder */

/* What may be left out, for masks; in the order of referral_without_name(). */
enum {
    REFERRAL_LEADS = 1,      /* that anything came from an informant */
    REFERRAL_CONFIDENCE = 2, /* our figures */
    REFERRAL_NAMES = 4,      /* of our people: they are "person 1", "person 2" */
    REFERRAL_NOTES = 8,
    REFERRAL_VICTIMS = 16, /* rows of the losses; exhibits must not have their addresses */
    REFERRAL_WITHOUTS = 5,
};
const char *referral_without_name(unsigned i); /* NULL from REFERRAL_WITHOUTS on */

struct referral_request {
    const char *name, *output;
    struct span agency, limits;
    unsigned without;
    const char *subjects;             /* by commas; NULL: all */
    const char *leads;                /* list of entries; NULL none */
    const char *summary, *losses;     /* files; NULL none */
    const char *exhibits;             /* folders, by commas; NULL none */
    const char *recipient;            /* key file */
    const struct account_key *signer; /* who makes it */
};

/* ---- gathered (referral_gather.c, referral_custody.c): spans lie in the arena ---- */

struct referral_subject {
    uint64_t entry;
    struct span name, kind, note;
    int64_t recorded;
    struct subject_rows rows;
};
/* What happened, in the order of its time. */
struct referral_event {
    int64_t time;
    uint64_t entry;
    struct span what, by;
};
/* A source of a fact or link, or an act of custody. */
enum referral_source { REFERRAL_ENTRY, REFERRAL_DOCUMENT, REFERRAL_LEAD };
struct referral_evidence {
    uint64_t fact; /* the entry that it is behind */
    enum referral_source source;
    uint64_t entry; /* of the log; 0 of a document */
    struct span what;
    int64_t time;               /* ACT_FOREVER: none */
    uint8_t sha256[SHA256_LEN]; /* leaf of the entry, of the document, commitment of the lead */
};
struct referral_act {
    uint64_t entry;
    int64_t time;
    struct span act, by, about;
};
struct referral_exhibit {
    struct span name, path; /* path: where it is */
    uint64_t files, bytes;
    uint8_t manifest[SHA256_LEN];
};
struct referral_lead {
    uint64_t entry;
    int64_t day;
    uint8_t commitment[SHA256_LEN];
    uint64_t files;
};

struct referral_row {
    char *path;
    uint64_t size;
    uint8_t sha256[SHA256_LEN];
};

struct referral {
    const struct referral_request *r;
    struct casedir *c;
    struct openpgp *to;
    int64_t now;
    uint64_t size;         /* entries of the log that were looked at */
    struct buf checkpoint; /* as published: of that many or fewer */
    struct arena arena;
    struct buf summary, losses_file;
    struct losses losses;
    struct referral_subject *subjects;
    struct referral_event *events;
    struct referral_evidence *evidence;
    struct referral_act *acts;
    struct referral_exhibit *exhibits;
    struct referral_lead *leads; /* whose contents go along */
    uint64_t *sources;           /* leads that something was drawn from, in order, none twice */
    struct span *people;         /* "person N", where names are left out */
    size_t n_subjects, n_events, n_evidence, n_acts, n_exhibits, n_leads, n_sources, n_people;
    size_t cap_events, cap_evidence, cap_acts, cap_sources, cap_people;
    /* the folder (referral_folder.c) */
    int top, dir; /* output, output/NAME; -1: not made */
    struct referral_row *rows;
    size_t n_rows, cap_rows;
    uint64_t bytes;
    uint8_t manifest[SHA256_LEN];
};

/* Everything that is checked, and read, before the first byte is written. */
int referral_gather(struct referral *x, struct err *err);
int referral_custody(struct referral *x, struct err *err);
void referral_free(struct referral *x);
bool referral_is_left_out(const struct referral *x, unsigned what);
/* The account's name, or "person N". */
struct span referral_person(struct referral *x, struct span account);
struct span referral_copy(struct referral *x, struct span s);
/* True for a link that an earlier subject of the list has, too. */
bool referral_is_again(const struct referral *x, size_t subject, const struct subject_row *row);
/* Where a fact or link is from, in words; appended. */
void referral_put_sources(const struct referral *x, const struct subject_row *row, struct buf *out);

/* ---- written ---- */

/* referral_folder.c: makes output and output/NAME. */
int referral_folder_make(struct referral *x, struct err *err);
/* A file, with its folders. -EINTR when the user wants to stop. */
int referral_put(struct referral *x, const char *path, struct span data, struct err *err);
/* The same in pieces. */
struct referral_file {
    struct referral *x;
    int fd;
    sha256_ctx sum;
    uint64_t size;
    char path[REFERRAL_PATH_MAX];
};
int referral_file_open(struct referral *x, const char *path, struct referral_file *f,
                       struct err *err);
int referral_file_add(struct referral_file *f, struct span data, struct err *err);
/* Into the manifest when `good`, else it is only closed. */
int referral_file_close(struct referral_file *f, bool good, struct err *err);
/* manifest.json, its signature; the tar. */
int referral_seal(struct referral *x, struct err *err);
int referral_encrypt(struct referral *x, struct err *err);
/* Removes all that was written. */
void referral_folder_undo(struct referral *x);

/* referral_words.c: README.txt, subjects.txt, .json, and the tables. */
int referral_words(struct referral *x, struct err *err);
/* referral_pdf.c */
int referral_pdf(struct referral *x, struct err *err);
/* referral_leads.c: checks that the account can read them; writes their contents. */
int referral_leads_check(struct referral *x, struct err *err);
int referral_leads(struct referral *x, struct err *err);
/* referral_exhibits.c: reads the manifests; copies the files, each against its hash. */
int referral_exhibits_check(struct referral *x, struct err *err);
int referral_exhibits(struct referral *x, struct err *err);
