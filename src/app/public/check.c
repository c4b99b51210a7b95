#include "app/public/face.h"

#include "base/mem.h"

#define VIEWS        (VIEW_CASEBOOK | VIEW_SOURCES | VIEW_JUDGEMENTS)
#define READ_ENTRIES 20000 /* of the log between two looks at the network */

struct face_check {
    struct casedir c; /* its own: nothing here ever catches up with the pursuit */
};

int face_check_open(const char *case_dir, struct face_check **out, struct err *err)
{
    struct face_check *k = mem_zeroed(1, sizeof *k);
    k->c.quiet = true;
    int rc = casedir_open(&k->c, case_dir, JOURNAL_READ, err);
    if (rc == 0)
        rc = casedir_load_views(&k->c, VIEWS, err);
    if (rc < 0)
        face_check_close(k);
    else
        *out = k;
    return rc;
}

void face_check_close(struct face_check *k)
{
    if (!k)
        return;
    casedir_close(&k->c, NULL);
    free(k);
}

int face_check_read(struct face_check *k, struct err *err)
{
    return casedir_catch_up(&k->c, VIEWS, READ_ENTRIES, err);
}

struct casebook *face_check_casebook(struct face_check *k)
{
    return k->c.casebook;
}

void face_check(struct face_view *v)
{
    v->reply->status = 501;
}
void face_check_json(struct face_view *v)
{
    v->reply->status = 501;
}
