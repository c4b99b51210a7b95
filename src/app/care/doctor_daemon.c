#include "app/care/doctor_daemon.h"

#include <string.h>

#include <jansson.h>

#include "app/ctl.h"

#define ASK_WAIT_MS 5000

bool doctor_daemon(const char *case_dir, long *recorder)
{
    struct ctl_request request = {.verb = CTL_STATUS};
    struct ctl_reply reply = {0};
    struct err err;
    *recorder = 0;
    ctl_wait(ASK_WAIT_MS);
    bool runs = ctl_call(case_dir, &request, &reply, &err) == 0;
    json_t *doc =
        reply.text.n ? json_loadb((const char *)reply.text.p, reply.text.n, 0, NULL) : NULL;
    json_t *one;
    size_t i;
    json_array_foreach(json_object_get(doc, "processes"), i, one)
    {
        const char *role = json_string_value(json_object_get(one, "role"));
        if (role && strcmp(role, "recorder") == 0)
            *recorder = (long)json_integer_value(json_object_get(one, "pid"));
    }
    json_decref(doc);
    buf_free(&reply.text);
    return runs;
}
