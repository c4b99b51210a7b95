#include "app/datadir.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <unistd.h>

int datadir_rules(const char *configured, char out[FILE_PATH_MAX], struct err *err)
{
    char exe[FILE_PATH_MAX];
    const char *env = getenv("EBB_RULES");
    if (configured[0] || env)
        return file_path(out, err, "%s", configured[0] ? configured : env);
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n > 0) {
        exe[n] = 0;
        int rc = file_path(out, err, "%s/../rules", dirname(exe));
        if (rc < 0 || file_exists(out))
            return rc;
    }
    int rc = file_path(out, err, "%s", EBB_DATADIR "/rules");
    if (rc == 0 && !file_exists(out))
        rc = err_set(err, -ENOENT, "rules: none found: set `rules` in ebb.yaml (%s)", out);
    return rc;
}
