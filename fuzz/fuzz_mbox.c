/* mbox of each kind, and eml, whose choice is the second byte. */
#include "mail_events.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct import_format *const formats[] = {
        &import_mbox, &import_eml, &import_mboxo, &import_mboxrd, &import_mboxcl, &import_mboxcl2};
    if (size < 2)
        return 0;
    return mail_events(formats[data[0] % 6], data + 1, size - 1);
}
