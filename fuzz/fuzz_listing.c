/* Manifests of exhibits from anywhere. What is taken names files below its folder alone. */
#include "must.h"

#include "app/exhibit/exhibit_listing.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct exhibit_listing l;
    struct err err;
    if (exhibit_listing_parse(span_of(data, size), &l, &err) == 0)
        for (size_t i = 0; i < l.n; i++) {
            const char *path = l.files[i].path;
            must(path[0] && path[0] != '/' && path[0] != '.' && !strstr(path, "/.") &&
                 !strstr(path, "//") && path[strlen(path) - 1] != '/');
            must(strlen(path) < sizeof l.files[i].path && l.files[i].size <= INT64_MAX);
        }
    exhibit_listing_free(&l);
    return 0;
}
