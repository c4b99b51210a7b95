#include "app/public/face.h"

#include <errno.h>

int public_run(const struct role_setup *setup, struct err *err)
{
    (void)setup;
    return err_set(err, -ENOSYS, "public: not yet");
}
