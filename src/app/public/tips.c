/* GET /tips: how the line works, and how to stay safe on it. */
#include "app/public/tips_impl.h"

static void put_item(struct face_view *v, const char *key)
{
    buf_str(v->out, "<li>");
    words_put(v->out, v->words, key, NULL);
    buf_str(v->out, "</li>\n");
}

static void put_items(struct face_view *v, const char *list, const char *const *keys, size_t n)
{
    buf_printf(v->out, "<%s>\n", list);
    for (size_t i = 0; i < n; i++)
        put_item(v, keys[i]);
    buf_printf(v->out, "</%s>\n", list);
}
#define PUT_ITEMS(v, list, keys) put_items(v, list, keys, sizeof(keys) / sizeof *(keys))

static void put_way_in(struct face_view *v)
{
    char href[TIPS_HREF_MAX];
    buf_str(v->out, "<p class=\"actions\"><a class=\"button\" href=\"");
    face_href(v, "/tips/new");
    buf_str(v->out, "\">");
    words_put(v->out, v->words, "tips.go.new", NULL);
    buf_str(v->out, "</a> <a class=\"button second\" href=\"");
    face_href(v, "/tips/return");
    buf_str(v->out, "\">");
    words_put(v->out, v->words, "tips.go.return", NULL);
    buf_str(v->out, "</a></p>\n");
    tips_put_paragraph(v, "", "tips.reward", tips_href(v, "/reward", href));
}

static void put_onion(struct face_view *v)
{
    const char *onion = v->face->config->web.onion;
    if (!onion[0])
        return;
    buf_str(v->out, "<p class=\"note\">");
    words_put(v->out, v->words, "tips.onion", NULL);
    buf_str(v->out, " <a dir=\"ltr\" rel=\"noreferrer\"");
    html_attribute(v->out, "href", span_str(onion));
    buf_byte(v->out, '>');
    html_str(v->out, onion);
    buf_str(v->out, "</a></p>\n");
}

void face_tips(struct face_view *v)
{
    static const char *const before[] = {"tips.safe.tor",      "tips.safe.place",
                                         "tips.safe.computer", "tips.safe.address",
                                         "tips.safe.history",  "tips.safe.silence"};
    static const char *const words[] = {"tips.safe.names", "tips.safe.files", "tips.safe.photos",
                                        "tips.safe.paper"};
    static const char *const steps[] = {"tips.how.tell", "tips.how.receipt", "tips.how.read",
                                        "tips.how.back", "tips.how.after"};
    static const char *const never[] = {"tips.see.not.content", "tips.see.not.who",
                                        "tips.see.not.receipt", "tips.see.not.browser"};
    static const char *const can[] = {"tips.see.can.size", "tips.see.can.day",
                                      "tips.see.can.network", "tips.see.can.words",
                                      "tips.see.can.server"};
    face_begin(v, "tips.title");
    face_heading(v, "tips.title", NULL);
    face_paragraph(v, "tips.about");
    put_way_in(v);
    buf_str(v->out, "<div class=\"warn\">\n");
    face_paragraph(v, "tips.danger");
    buf_str(v->out, "</div>\n");
    face_section(v, "tips.safe.title", "safe");
    PUT_ITEMS(v, "ul", before);
    put_onion(v);
    face_section(v, "tips.safe.words.title", "words");
    PUT_ITEMS(v, "ul", words);
    face_section(v, "tips.how.title", "how");
    PUT_ITEMS(v, "ol", steps);
    face_section(v, "tips.receipt.about.title", "receipt");
    face_paragraph(v, "tips.receipt.about");
    face_section(v, "tips.see.title", "see");
    face_paragraph(v, "tips.see.not");
    PUT_ITEMS(v, "ul", never);
    face_paragraph(v, "tips.see.can");
    PUT_ITEMS(v, "ul", can);
    face_end(v);
}
