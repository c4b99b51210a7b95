/* What others have to do for the centre: the supervisor its listener and folder. */
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
