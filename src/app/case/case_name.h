/* What an asset is called on the command line: example.com, *.example.com, 192.0.2.1,
 * 192.0.2.1:8080, [2001:db8::1]:25, 192.0.2.0/24, port:8080; addresses with a port and ports may
 * end with /tcp or /udp. */
#pragma once

#include "app/cli.h"
#include "event/act.h"

#define CASE_NAME_MAX 256

struct case_name {
    enum act_asset_kind kind;
    char name[CASE_NAME_MAX]; /* as on the log: lower case, an address in canonical text */
    uint16_t port;
    char transport[4];
};

/* NULL, or what is wrong with it. */
const char *case_name_parse(const char *text, struct case_name *out);
/* The kind of that name; ASSET_KINDS for none. */
enum act_asset_kind case_kind(const char *name);
/* The same text again, from an asset; out holds CASE_NAME_MAX + 16. */
void case_name_format(const struct act_asset *a, char *out, size_t size);

/* Public suffixes (com, co.uk): a name that is one belongs to everybody below it. One list a run.
 */
struct case_suffixes;
struct case_suffixes *case_suffixes_open(void);
void case_suffixes_close(struct case_suffixes *s);
bool case_suffixes_has(const struct case_suffixes *s, const char *name);
