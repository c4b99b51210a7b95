/* A registry's answer: whoever is named has a mailbox that may be written to, and the network has
 * the address that was asked about. */
#include "contact/contact_table.h"
#include "contact/rdap.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_for(struct span json, const char *address)
{
    struct rdap_answer a;
    struct ip ip;
    char again[MAILBOX_MAX + 1];
    struct err err = {0};
    must(ip_parse(span_str(address), &ip));
    int rc = rdap_read(json, &ip, &a, &err);
    if (rc < 0) {
        must(err.text[0] && !a.mail[0]);
        return;
    }
    must(net_has(&a.network, &ip) && contact_network_ok(&a.network));
    must(!a.mail[0] || mailbox_read(span_str(a.mail), again) == MAILBOX_GOOD);
    must(strlen(a.handle) <= RDAP_TEXT_MAX && strlen(a.name) <= RDAP_TEXT_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_for(span_of(data, size), "192.0.2.7");
    try_for(span_of(data, size), "2001:db8::7");
    return 0;
}
