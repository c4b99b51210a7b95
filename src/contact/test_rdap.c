/* RDAP: whom an answer names. */
#include <errno.h>

#include "base/tap.h"
#include "contact/rdap.h"

#define NET                                                                                        \
    "\"objectClassName\":\"ip "                                                                    \
    "network\",\"startAddress\":\"192.0.2.0\",\"endAddress\":\"192.0.2.255\",\"handle\":\"H\","    \
    "\"name\":\"N\""
#define CARD(mail) "\"vcardArray\":[\"vcard\",[[\"email\",{},\"text\",\"" mail "\"]]]"

static const char *named(const char *json)
{
    static struct rdap_answer a;
    struct ip ip = ip_from_v4(0xc0000207);
    struct err err;
    int rc = rdap_read(span_str(json), &ip, &a, &err);
    return rc == 0 ? a.mail : rc == -ENOENT ? "(no network)" : "(no answer)";
}

static void test_entities(void)
{
    is_str(named("{" NET "}"), "");
    is_str(named("{" NET ",\"entities\":[{\"roles\":[\"abuse\"]," CARD("a@x.example") "}]}"),
           "a@x.example");
    is_str(named("{" NET ",\"entities\":[{\"roles\":\"Abuse\"," CARD("a@x.example") "}]}"),
           "a@x.example");
    is_str(named("{" NET ",\"entities\":[{\"roles\":[\"registrant\",\"technical\"]," CARD(
               "a@x.example") "}]}"),
           "");
    is_str(
        named("{" NET ",\"entities\":[{\"roles\":[\"registrant\"]," CARD(
            "r@x.example") ",\"entities\":[{\"roles\":[\"abuse\"]," CARD("deep@x.example") "}]},"
                                                                                           "{\"role"
                                                                                           "s\":["
                                                                                           "\"abuse"
                                                                                           "\"]"
                                                                                           "," CARD(
                                                                                               "nea"
                                                                                               "r@"
                                                                                               "x."
                                                                                               "exa"
                                                                                               "mpl"
                                                                                               "e") "}]}"),
        "near@x.example");
    is_str(named("{" NET ",\"entities\":[{\"roles\":[\"abuse\"]," CARD(
               "unread@ripe.net") "},{\"roles\":[\"abuse\"]," CARD("b@x.example") "}]}"),
           "b@x.example");
    is_str(named("{" NET ",\"entities\":[{\"roles\":[\"abuse\"],\"status\":[\"obscured\"]," CARD(
               "a@x.example") "}]}"),
           "");
    is_str(named("{" NET ",\"entities\":[{\"roles\":[\"abuse\"],\"vcardArray\":[\"vcard\",["
                 "[\"email\",{\"pref\":\"9\"},\"text\",\"nine@x.example\"],"
                 "[\"email\",{},\"text\",\"none@x.example\"],"
                 "[\"email\",{\"pref\":\"2\"},\"text\",\"two@x.example\"],"
                 "[\"email\",{\"pref\":2},\"text\",\"late@x.example\"]]]}]}"),
           "two@x.example");
    is_str(named("{" NET ",\"entities\":[{\"roles\":[\"abuse\"]," CARD(
               "a@x.example") ",\"remarks\":[{\"description\":[\"a@x.example is invalid\"]}]}]}"),
           "");
}

static void test_junk(void)
{
    static const char *const junk[] = {
        "",
        "{",
        "[]",
        "null",
        "\"x\"",
        "{}",
        "{\"objectClassName\":\"domain\"}",
        "{\"objectClassName\":\"ip network\"}",
        "{\"objectClassName\":\"ip network\",\"startAddress\":5,\"endAddress\":[]}",
        "{\"objectClassName\":\"ip "
        "network\",\"startAddress\":\"192.0.2.0\",\"endAddress\":\"::1\"}",
        "{\"objectClassName\":\"ip "
        "network\",\"startAddress\":\"192.0.2.255\",\"endAddress\":\"192.0.2.0\"}",
        "{\"objectClassName\":\"ip "
        "network\",\"startAddress\":\"0.0.0.0\",\"endAddress\":\"255.255.255.255\"}",
        "{\"errorCode\":500}",
        "{" NET "}{" NET "}"};
    for (size_t i = 0; i < sizeof junk / sizeof junk[0]; i++)
        is_str(named(junk[i]), "(no answer)");
    is_str(named("{\"errorCode\":404}"), "(no network)");
    static const char *const odd[] = {
        "{" NET ",\"entities\":5}",
        "{" NET ",\"entities\":{\"a\":1}}",
        "{" NET ",\"entities\":[1,null,[],\"x\",{\"roles\":[1,null],\"vcardArray\":5}]}",
        "{" NET ",\"entities\":[{\"roles\":[\"abuse\"],\"vcardArray\":[\"vcard\",5]}]}",
        "{" NET ",\"entities\":[{\"roles\":[\"abuse\"],\"vcardArray\":[\"vcard\",[[],[\"email\"],"
        "[\"email\",5,6,7],[\"email\",{\"pref\":[[]]},\"text\",[\"a@b.example\"]]]]}]}",
        "{" NET ",\"entities\":[{\"roles\":[\"abuse\"],\"remarks\":[5,{\"description\":\"x\"}]}]}"};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        is_str(named(odd[i]), "");
}

/* Entities within entities beyond the limit, and more of them than are looked at. */
static void test_bounds(void)
{
    struct buf b = {0};
    buf_str(&b, "{" NET);
    for (int i = 0; i < 200; i++)
        buf_str(&b, ",\"entities\":[{\"x\":1");
    buf_str(&b, ",\"roles\":[\"abuse\"]," CARD("a@x.example"));
    for (int i = 0; i < 200; i++)
        buf_str(&b, "}]");
    buf_byte(&b, '}');
    buf_byte(&b, 0);
    is_str(named((char *)b.p), "");
    b.n = 0;
    buf_str(&b, "{" NET ",\"entities\":[{}");
    for (int i = 0; i < 20000; i++)
        buf_str(&b, ",{}");
    buf_str(&b, ",{\"roles\":[\"abuse\"]," CARD("a@x.example") "}]}");
    buf_byte(&b, 0);
    is_str(named((char *)b.p), "");
    b.n = 0;
    for (int i = 0; i < 100000; i++)
        buf_byte(&b, '[');
    buf_byte(&b, 0);
    is_str(named((char *)b.p), "(no answer)");
    buf_free(&b);
}

static void is_network(const char *first, const char *last, const char *asked, const char *want)
{
    struct rdap_answer a;
    struct buf b = {0};
    struct ip ip;
    struct err err;
    char text[NET_TEXT_MAX] = "";
    buf_printf(&b,
               "{\"objectClassName\":\"ip network\",\"startAddress\":\"%s\",\"endAddress\":\"%s\"}",
               first, last);
    ip_parse(span_str(asked), &ip);
    if (rdap_read(buf_as_span(&b), &ip, &a, &err) == 0)
        net_format(&a.network, text);
    is_str(text, want);
    buf_free(&b);
}

int main(void)
{
    test_entities();
    test_junk();
    test_bounds();
    is_network("192.0.2.0", "192.0.2.255", "192.0.2.9", "192.0.2.0/24");
    is_network("192.0.2.0", "192.0.4.255", "192.0.3.9", "192.0.2.0/23");
    is_network("192.0.2.0", "192.0.4.255", "192.0.4.9", "192.0.4.0/24");
    is_network("192.0.2.1", "192.0.2.6", "192.0.2.6", "192.0.2.6/32");
    is_network("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::1",
               "2001:db8::/32");
    is_network("10.0.0.0", "11.255.255.255", "10.0.0.1", "");
    return tap_done();
}
