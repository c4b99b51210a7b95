/* What others have to do for the centre: the supervisor its listener and folder, the recorder to
 * know it. */
#include <errno.h>

#include "app/node/centre.h"
#include "app/serve/supervise_net.h"
#include "base/file.h"

int centre_bind(const struct config *config, int *fd, struct err *err)
{
    const struct config_nodes *n = &config->nodes;
    return n->listen[0]
               ? supervise_service_bind("nodes", n->listen, n->certificate, n->key, fd, err)
               : 0;
}

int centre_prepare(const char *case_dir, const struct config *config, struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = config->nodes.listen[0] ? file_path(path, err, "%s/nodes", case_dir) : 0;
    return rc == 0 && config->nodes.listen[0] ? file_mkdirs(path, 0700, err) : rc;
}

bool centre_is(const struct serve_board *b, int32_t pid)
{
    if (pid <= 0)
        return false;
    if (__atomic_load_n(&b->centre.pid, __ATOMIC_ACQUIRE) == pid)
        return true;
    for (unsigned i = 0; i < SERVE_PUBLIC_WAS; i++)
        if (__atomic_load_n(&b->centre_was[i], __ATOMIC_ACQUIRE) == pid)
            return true;
    return false;
}

void centre_died(struct serve_board *b, int32_t pid)
{
    __atomic_store_n(&b->centre_was[b->centre_deaths++ % SERVE_PUBLIC_WAS], pid, __ATOMIC_RELEASE);
}
