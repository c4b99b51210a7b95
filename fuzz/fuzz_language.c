/* Accept-Language as browsers and others send it: there is always a language, and it is one of the
 * site's. */
#include "must.h"

#include "web/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static char *const sets[][4] = {
        {"en", "ru", "ar", NULL}, {"ru", "en", NULL}, {"xx", "ar", NULL}, {"ar", NULL}};
    struct span accept = span_of(data, n);
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        const struct words *w = words_negotiated(accept, sets[i]);
        bool offered = false;
        for (char *const *l = sets[i]; *l; l++)
            offered |= words_in(span_str(*l)) == w;
        must(w && offered);
    }
    const struct words *w = words_in(accept);
    must(!w || words_in(span_str(words_language(w))) == w);
    return 0;
}
