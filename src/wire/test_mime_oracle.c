/* Our reading of mails beside GMime's (LGPL: in tests only): the same tree, the same decoded bytes
 * of each leaf, the same UTF-8 of texts, the same Subject and From, on 15,000 real mails and on
 * mails made to mislead. Where both differ, the difference must be of a class that is listed here
 * with its reason, and be no more often than it says. */
#include <gmime/gmime.h> /* before tap.h, whose macros are short */

#include "wire/test_mime_mails.h"

#include "base/tap.h"
#include "wire/mime.h"
#include "wire/text.h"

enum { LEAVES_MAX = 2 * MIME_PARTS_MAX, SHOWN_MAX = 20 };

enum class {
    SAME,
    BASE64_TAIL,
    BASE64_JOINED,
    QP_PADDED_BREAK,
    QP_BAD_ESCAPE,
    UU_DECODED,
    UU_IN_TEXT,
    NO_CHARSET,
    LATIN1_IS_1252,
    NOT_ASCII,
    NOT_UTF8,
    ONE_BYTE_ALL,
    SHIFT_JIS,
    EAST_ASIAN,
    TEXT_NUL,
    WORD_CHARSET,
    WORD_ALONE,
    HEADER_FIRST,
    REFUSED,
    HEADERLESS,
    BODY_READ,
    MESSAGE_DECODED,
    TYPE_DEFAULT,
    CLASSES,
    UNKNOWN = CLASSES,
};

static const struct {
    const char *name;
    unsigned most; /* on the real mails */
    const char *why;
} classes[CLASSES] = {
    [SAME] = {"same", 100000, ""},
    [BASE64_TAIL] = {"base64-tail", 150,
                     "a group that is cut short at the end: its whole bytes are "
                     "kept, GMime drops them"},
    [BASE64_JOINED] = {"base64-joined", 60,
                       "text behind padding: it is decoded on, GMime stops; what a "
                       "reader hides there is evidence"},
    [QP_PADDED_BREAK] = {"qp-padded-break", 10,
                         "white space between a soft break's = and the line end "
                         "was added on the way (RFC 2045, 6.7 (3)): no text"},
    [QP_BAD_ESCAPE] = {"qp-bad-escape", 20,
                       "= that begins neither a break nor two digits: it stays, and "
                       "reading goes on behind it, not two bytes on"},
    [UU_DECODED] = {"uu-decoded", 0,
                    "GMime decodes a uuencoded part only from its begin line to its "
                    "end"},
    [UU_IN_TEXT] = {"uu-in-text", 20, "uuencoded blocks are parts of their own here (mime.h)"},
    [NO_CHARSET] = {"no-charset", 3500,
                    "no charset or an unknown one: GMime hands out bytes as they "
                    "are or leaves out what is not ASCII; here it is UTF-8 or "
                    "Windows-1252, always well-formed"},
    [LATIN1_IS_1252] = {"latin1-is-1252", 600,
                        "0x80 to 0x9f in Latin-1 and its kin are controls for "
                        "iconv; mail readers show Windows-1252 (WHATWG)"},
    [NOT_ASCII] = {"not-ascii", 600,
                   "eight bits in US-ASCII: GMime leaves them out, here they are "
                   "read as without a charset"},
    [NOT_UTF8] = {"not-utf8", 40, "malformed UTF-8: U+FFFD here, left out by GMime"},
    [ONE_BYTE_ALL] = {"one-byte-all", 20,
                      "bytes that a charset of one byte lacks: controls (WHATWG) or "
                      "U+FFFD here, left out by iconv"},
    [SHIFT_JIS] = {"shift-jis", 60,
                   "ISO-2022-JP that is Shift_JIS: read so here, left out by iconv"},
    [EAST_ASIAN] = {"east-asian", 20,
                    "more characters than iconv's: WHATWG's supersets, NEC's row 13; "
                    "what lacks is U+FFFD here, left out by iconv"},
    [TEXT_NUL] = {"nul", 10, "GMime's texts end at NUL"},
    [WORD_CHARSET] = {"word-charset", 60,
                      "an encoded word in a charset that its bytes are not in: as "
                      "texts above"},
    [WORD_ALONE] = {"word-alone", 10,
                    "a word that follows another within white space, with folds or "
                    "without: white space between them is none"},
    [HEADER_FIRST] = {"header-first", 0, "of duplicate headers the first counts here"},
    [REFUSED] = {"refused", 0,
                 "what does not begin with a header: GMime refuses it, here it is a mail "
                 "all the same"},
    [HEADERLESS] = {"headerless", 0, "a part that begins with no header: all of it is text here"},
    [BODY_READ] = {"body-read", 0,
                   "a multipart whose boundary never comes: its text is read here, GMime "
                   "has it as a preamble"},
    [MESSAGE_DECODED] = {"message-decoded", 0,
                         "message/rfc822 in base64 is against RFC 2046, 5.2.1; it "
                         "is decoded here"},
    [TYPE_DEFAULT] = {"type-default", 0, "a type that is none: text/plain (RFC 2045, 5.2)"},
};

static unsigned seen[CLASSES + 1], shown;
static struct mime_scanner *scanner;
static struct arena arena;

/* --- what both say --- */

struct leaves {
    GMimeObject *v[LEAVES_MAX];
    unsigned n;
};

/* All objects, depth first. */
static void walk(GMimeObject *o, struct leaves *l)
{
    if (!o || l->n == LEAVES_MAX)
        return;
    l->v[l->n++] = o;
    if (GMIME_IS_MULTIPART(o)) {
        for (int i = 0; i < g_mime_multipart_get_count(GMIME_MULTIPART(o)); i++)
            walk(g_mime_multipart_get_part(GMIME_MULTIPART(o), i), l);
    } else if (GMIME_IS_MESSAGE_PART(o)) {
        GMimeMessage *m = g_mime_message_part_get_message(GMIME_MESSAGE_PART(o));
        if (m)
            walk(g_mime_message_get_mime_part(m), l);
    }
}

static GByteArray *content_of(GMimeObject *o)
{
    GMimeStream *out = g_mime_stream_mem_new();
    GMimeDataWrapper *w = GMIME_IS_PART(o) ? g_mime_part_get_content(GMIME_PART(o)) : NULL;
    if (w)
        g_mime_data_wrapper_write_to_stream(w, out);
    GByteArray *bytes = g_byte_array_ref(g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(out)));
    g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(out), FALSE);
    g_object_unref(out);
    return bytes;
}

/* The part's bytes before the charset, all of them. */
static void decode(const struct mime_part *p, struct buf *out)
{
    uint32_t anomalies = 0;
    uint8_t *to = (out->n = 0, buf_reserve(out, p->raw.n + 1));
    switch (p->encoding) {
    case MIME_IDENTITY:
        buf_span(out, p->raw);
        break;
    case MIME_BASE64:
        out->n = mime_base64(p->raw, to, p->raw.n, &anomalies);
        break;
    case MIME_QP:
        out->n = mime_quoted_printable(p->raw, to, p->raw.n, &anomalies);
        break;
    case MIME_UU:
        out->n = mime_uudecode(p->raw, to, p->raw.n, &anomalies);
    }
}

/* --- classes of difference --- */

static bool starts_with(struct span whole, struct span start)
{
    return start.n <= whole.n && (start.n == 0 || memcmp(whole.p, start.p, start.n) == 0);
}

static bool has_padded_break(struct span raw)
{
    for (size_t i = 0; i + 1 < raw.n; i++)
        if (raw.p[i] == '=' && text_is_space(raw.p[i + 1]))
            return true;
    return false;
}

static enum class bytes_class(const struct mime_part *p, struct span ours, struct span theirs) {
    if (span_eq(ours, theirs)) return SAME;
    if (p->encoding == MIME_BASE64 && starts_with(ours, theirs) &&
        p->anomalies & MIME_BAD_BASE64) return ours.n -
                theirs.n <=
            2
        ? BASE64_TAIL
        : BASE64_JOINED;
    if (p->encoding == MIME_QP && p->anomalies & MIME_BAD_QP) return QP_BAD_ESCAPE;
    if (p->encoding == MIME_QP && has_padded_break(p->raw)) return QP_PADDED_BREAK;
    if (p->encoding == MIME_UU) return UU_DECODED;
    if (p->text && p->anomalies & MIME_NO_BOUNDARY && theirs.n == 0) return BODY_READ;
    if (p->headers == 0 && p->anomalies & MIME_BAD_HEADER) return HEADERLESS;
    return UNKNOWN;
}

static bool label_has(const struct mime_part *p, const char *const *words)
{
    for (; *words; words++)
        for (size_t i = 0; i < p->charset.n; i++)
            if (text_starts(text_behind(p->charset, i), *words))
                return true;
    return false;
}

static bool has_bytes(struct span s, uint8_t low, uint8_t high)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] >= low && s.p[i] <= high)
            return true;
    return false;
}

#define WORDS(...)                                                                                 \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

static enum class text_class(const struct mime_part *p, struct span bytes, struct span ours,
                             struct span theirs) {
    if (span_eq(ours, theirs)) return SAME;
    if (p->anomalies & MIME_NUL && starts_with(ours, theirs)) return TEXT_NUL;
    if (!has_bytes(bytes, 0x80, 0xff) && !has_bytes(bytes, 0x1b, 0x1b)) return UNKNOWN;
    if (p->charset.n == 0 || p->anomalies & MIME_UNKNOWN_CHARSET) return NO_CHARSET;
    if (label_has(p, WORDS("ascii", "ansi_x3.4"))) return NOT_ASCII;
    if (label_has(p, WORDS("8859-1", "8859-9", "latin1")) &&
        has_bytes(bytes, 0x80, 0x9f)) return LATIN1_IS_1252;
    if (label_has(p, WORDS("utf-8")) && p->anomalies & MIME_BAD_CHARSET) return NOT_UTF8;
    if (label_has(p, WORDS("iso-2022-jp")) && p->anomalies & MIME_BAD_CHARSET) return SHIFT_JIS;
    if (label_has(p, WORDS("windows-", "cp125", "8859-", "koi8"))) return ONE_BYTE_ALL;
    if (label_has(p, WORDS("iso-2022", "big5", "gb", "ks_c", "euc", "jis"))) return EAST_ASIAN;
    return UNKNOWN;
}

/* --- comparing --- */

static void count(enum class class, const char *where, const char *what, struct span ours,
                  struct span theirs)
{
    seen[class]++;
    if (class != UNKNOWN || shown++ >= SHOWN_MAX)
        return;
    size_t at = 0;
    while (at < ours.n && at < theirs.n && ours.p[at] == theirs.p[at])
        at++;
    printf("# %s, %s: %zu bytes here, %zu there, from %zu on:\n", where, what, ours.n, theirs.n,
           at);
    for (int side = 0; side < 2; side++) {
        struct span s = side ? theirs : ours;
        printf("#   %s", side ? "there " : "here  ");
        for (size_t i = at; i < s.n && i < at + 40; i++)
            s.p[i] >= ' ' && s.p[i] < 0x7f ? printf("%c", s.p[i]) : printf("\\x%02x", s.p[i]);
        printf("\n");
    }
}

static void leaf_compare(const struct mime_part *p, GMimeObject *o, const char *where)
{
    static struct buf bytes;
    GByteArray *content = content_of(o);
    struct span theirs = span_of(content->data, content->len);
    decode(p, &bytes);
    enum class class = bytes_class(p, buf_as_span(&bytes), theirs);
    count(class, where, "bytes", buf_as_span(&bytes), theirs);
    if (class == SAME && p->text && GMIME_IS_TEXT_PART(o) && !(p->anomalies & MIME_CUT_BYTES)) {
        char *text = g_mime_text_part_get_text(GMIME_TEXT_PART(o));
        class = p->anomalies & MIME_UUENCODED
                    ? UU_IN_TEXT
                    : text_class(p, buf_as_span(&bytes), p->body, span_str(text));
        count(class, where, "text", p->body, span_str(text));
        g_free(text);
    }
    g_byte_array_unref(content);
}

static void tree_text(const struct mime *m, const struct leaves *l, struct buf *ours,
                      struct buf *theirs)
{
    ours->n = theirs->n = 0;
    for (unsigned i = 0; i < m->parts; i++) {
        if (m->part[i].anomalies & MIME_UUENCODED && !m->part[i].text)
            continue;
        buf_span(ours, m->part[i].type);
        buf_byte(ours, ' ');
    }
    for (unsigned i = 0; i < l->n; i++) {
        char *type = g_mime_content_type_get_mime_type(g_mime_object_get_content_type(l->v[i]));
        char *small = g_ascii_strdown(type, -1);
        buf_str(theirs, small);
        buf_byte(theirs, ' ');
        g_free(small);
        g_free(type);
    }
}

static bool tree_compare(const struct mime *m, GMimeMessage *message, const char *where,
                         enum class expected)
{
    static struct buf ours, theirs;
    struct leaves l;
    l.n = 0;
    walk(g_mime_message_get_mime_part(message), &l);
    tree_text(m, &l, &ours, &theirs);
    bool same = span_eq(buf_as_span(&ours), buf_as_span(&theirs));
    count(same ? SAME : expected, where, "tree", buf_as_span(&ours), buf_as_span(&theirs));
    for (unsigned i = 0, k = 0; same && i < m->parts; i++) {
        const struct mime_part *p = &m->part[i];
        if (p->anomalies & MIME_UUENCODED && !p->text)
            continue;
        GMimeObject *o = l.v[k++];
        if (!p->multipart && !p->message)
            leaf_compare(p, o, where);
    }
    return same;
}

/* White space runs as one space, none at the ends: folding is read in more than one way. */
static struct span squeezed(struct span s)
{
    uint8_t *out = arena_alloc(&arena, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        bool space = text_is_space_or_end(s.p[i]);
        if (!space || (n && out[n - 1] != ' '))
            out[n++] = space ? ' ' : s.p[i];
    }
    return span_of(out, n && out[n - 1] == ' ' ? n - 1 : n);
}

static enum class header_class(struct span value, struct span ours, struct span theirs) {
    uint32_t words = 0; if (span_eq(ours, theirs)) return SAME;
    for (size_t i = 0; i + 1 < value.n; i++) words += value.p[i] == '=' && value.p[i + 1] == '?';
    if (!words) return charset_is_utf8(value) ? UNKNOWN : NO_CHARSET;
    if (memmem(theirs.p, theirs.n, "?", 1) && !memmem(ours.p, ours.n, "?", 1)) return WORD_CHARSET;
    return words > 1 ? WORD_ALONE : UNKNOWN;
}

static void header_compare(const struct mime *m, GMimeMessage *message, const char *name,
                           const char *where, enum class expected)
{
    GMimeHeaderList *list = g_mime_object_get_header_list(GMIME_OBJECT(message));
    GMimeHeader *theirs = g_mime_header_list_get_header(list, name);
    const struct mime_header *ours = mime_header(m, 0, name);
    if (!ours != !theirs) {
        count(expected, where, name, span_str(ours ? "yes" : "no"),
              span_str(theirs ? "yes" : "no"));
        return;
    }
    if (!ours)
        return;
    char *unfolded = g_mime_utils_header_unfold(g_mime_header_get_raw_value(theirs));
    char *text = g_mime_utils_header_decode_text(NULL, unfolded);
    struct span a = squeezed(mime_text(scanner, ours->value, &arena)), b = squeezed(span_str(text));
    enum class class = header_class(ours->value, a, b);
    count(class == UNKNOWN ? expected : class, where, name, a, b);
    g_free(text);
    g_free(unfolded);
}

static void mail_compare(struct span mail, const char *where, enum class expected)
{
    struct mime m;
    arena_reset(&arena);
    mime_scan(scanner, mail, &arena, &m);
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer((const char *)mail.p, mail.n);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
    if (message) {
        header_compare(&m, message, "Subject", where, expected);
        header_compare(&m, message, "From", where, expected);
        tree_compare(&m, message, where, expected);
        g_object_unref(message);
    } else {
        count(expected, where, "a mail", mail, span_str(NULL));
    }
    g_object_unref(parser);
    g_object_unref(stream);
}

/* --- mails made to mislead --- */

#define MULTI "From: a@b.example\nSubject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; "
static const struct {
    const char *name, *text;
    enum class expected; /* of what differs in tree or headers */
} made[] = {
    {"plain", "From: a\nSubject: b\n\nhello\n", UNKNOWN},
    {"crlf", "From: a\r\nSubject: b\r\n c\r\n\r\nhello\r\nyou\r\n", UNKNOWN},
    {"no body", "From: a\nSubject: b\n", UNKNOWN},
    {"no space", "From:a\nSubject:b\n\nhello\n", UNKNOWN},
    {"space before colon", "From : a\nSubject : b\n\nhello\n", UNKNOWN},
    {"two parts", MULTI "boundary=b\n\n--b\n\none\n--b\nContent-Type: text/html\n\ntwo\n--b--\n",
     UNKNOWN},
    {"crlf parts",
     "Content-Type: multipart/mixed; boundary=\"b b\"\r\n\r\npre\r\n--b b\r\n\r\none\r\n--b b  \r\n"
     "Content-Type: image/gif\r\nContent-Transfer-Encoding: base64\r\n\r\nR0lG\r\n--b "
     "b--\r\nepi\r\n",
     UNKNOWN},
    {"unclosed", MULTI "boundary=b\n\n--b\n\none\n", UNKNOWN},
    {"nested twins",
     MULTI
     "boundary=b\n\n--b\nContent-Type: multipart/alternative; boundary=b\n\n--b\n\ninner\n--b--\n"
     "--b\n\nouter\n--b--\n",
     UNKNOWN},
    {"outer ends inner",
     MULTI "boundary=o\n\n--o\nContent-Type: multipart/alternative; boundary=i\n\n--i\n\none\n--o\n"
           "Content-Type: text/html\n\ntwo\n--o--\n",
     UNKNOWN},
    {"prefixes",
     MULTI
     "boundary=b\n\n--b\nContent-Type: multipart/alternative; boundary=bb\n\n--bb\n\none\n--bb--\n"
     "--b\n\ntwo\n--bx\n--b--\n",
     UNKNOWN},
    {"boundary in headers", MULTI "boundary=b\n\n--b\nContent-Type: text/html\n--b\n\ntwo\n--b--\n",
     UNKNOWN},
    {"never comes", MULTI "boundary=b\n\nhello\n--c\n", BODY_READ},
    {"no boundary", MULTI "charset=utf-8\n\nhello\n", BODY_READ},
    {"digest",
     "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: in\n\nhello\n--b\n"
     "Content-Type: text/plain\n\nplain\n--b--\n",
     UNKNOWN},
    {"message",
     MULTI "boundary=b\n\n--b\nContent-Type: message/rfc822\n\nSubject: in\nContent-Type: "
           "multipart/mixed; boundary=c\n\n--c\n\ndeep\n--c--\n--b\n\nlast\n--b--\n",
     UNKNOWN},
    {"message base64",
     "Content-Type: message/rfc822\nContent-Transfer-Encoding: "
     "base64\n\nU3ViamVjdDogaW4KCmhlbGxvCg==\n",
     MESSAGE_DECODED},
    {"type none", "Content-Type: text\n\nhello\n", TYPE_DEFAULT},
    {"type strange", "Content-Type: hello world\n\nhello\n", TYPE_DEFAULT},
    {"type capitals", "Content-Type: TEXT/Html; Charset=\"UTF-8\"\n\ngr\xc3\xbc\xc3\x9f\n",
     UNKNOWN},
    {"types", "Content-Type: text/html\nContent-Type: text/plain\n\nhello\n", HEADER_FIRST},
    {"unclosed quote", MULTI "boundary=\"b\n\n--b\n\none\n--b--\n", BODY_READ},
    {"comments", "Content-Type: (c) text/html (d); (e) charset=utf-8\n\nhello\n", TYPE_DEFAULT},
    {"2231 boundary", MULTI "boundary*0=\"b\"; boundary*1=\"c\"\n\n--bc\n\none\n--bc--\n", UNKNOWN},
    {"lines without colon", "From: a\nthis is none\nSubject: b\n\nhello\n", UNKNOWN},
    {"no headers", "hello world\n\nhow are you\n", REFUSED},
    {"no empty line", MULTI "boundary=b\n\n--b\nContent-Type: text/html\nhello\n\nyou\n--b--\n",
     UNKNOWN},
    {"part without headers", MULTI "boundary=b\n\n--b\nhello\n\nyou\n--b--\n", HEADERLESS},
    {"empty", "", REFUSED},
    {"leading empty line", "\nhello\n", UNKNOWN},
    {"leading space", " folded\nSubject: x\n\nhello\n", REFUSED},
    {"white line", "Subject: x\n \nFrom: a\n\nhello\n", UNKNOWN},
    {"name with space", "Sub ject: x\nFrom: a\n\nhello\n", REFUSED},
    {"envelope", "From a@b Mon Jan  1 00:00:00 2007\nSubject: b\n\nhello\n", UNKNOWN},
    {"qp", "Content-Transfer-Encoding: quoted-printable\n\na=3Db=\nc=\r\nd=e9 \t\ne=20\n=41=\n",
     UNKNOWN},
    {"qp odd", "Content-Transfer-Encoding: quoted-printable\n\na=b=4\n==41=zz=\n", UNKNOWN},
    {"qp padded", "Content-Transfer-Encoding: quoted-printable\n\na= \t\nb\n", UNKNOWN},
    {"base64 odd", "Content-Transfer-Encoding: base64\n\naGVs!bG8*\n gd29ybGQ\n", UNKNOWN},
    {"base64 joined", "Content-Transfer-Encoding: base64\n\naGVsbG8=\nd29ybGQ=\n", UNKNOWN},
    {"uu part",
     "Content-Type: image/gif\nContent-Transfer-Encoding: x-uuencode\n\nbegin 644 a.gif\n"
     "#0V%T\n`\nend\n",
     UNKNOWN},
    {"uu text", "Subject: x\n\nhello\nbegin 644 cat.txt\n#0V%T\n`\nend\nbye\n", UNKNOWN},
    {"words", "Subject: =?utf-8?Q?gr=C3=BC?= =?utf-8?B?w58=?= =?iso-8859-1?q?_=e4?= b\n\n",
     UNKNOWN},
    {"words split",
     "Subject: =?utf-8?B?4oI=?=\n =?utf-8?B?rA==?=\n =?UTF-8?Q?=E2=82?= =?utf-8?q?=AC?=\n\n",
     UNKNOWN},
    {"words no ends", "Subject: =?utf-8?Q?a =?utf-8?x?b?= =?=?= ?=\n\n", UNKNOWN},
    {"words quoted", "From: \"=?utf-8?Q?gr=C3=BC?=\" <a@b>\nSubject: x\n\n", UNKNOWN},
    {"raw 8 bit", "From: a\nSubject: gr\xfc\xdf\n\nhello\n", UNKNOWN},
    {"koi8", "Content-Type: text/plain; charset=koi8-r\n\n\xf0\xd2\xc9\xd7\xc5\xd4\n", UNKNOWN},
    {"gb2312", "Content-Type: text/plain; charset=gb2312\n\n\xc4\xe3\xba\xc3\n", UNKNOWN},
    {"big5", "Content-Type: text/plain; charset=big5\n\n\xa7\x41\xa6\x6e\n", UNKNOWN},
    {"shift_jis", "Content-Type: text/plain; charset=Shift_JIS\n\n\x82\xb1\x82\xf1\n", UNKNOWN},
    {"euc-jp", "Content-Type: text/plain; charset=euc-jp\n\n\xa4\xb3\xa4\xf3\n", UNKNOWN},
    {"euc-kr", "Content-Type: text/plain; charset=euc-kr\n\n\xb0\xa1\n", UNKNOWN},
    {"iso-2022-jp", "Content-Type: text/plain; charset=iso-2022-jp\n\n\x1b$B$3$s\x1b(B!\n",
     UNKNOWN},
    {"utf-7", "Content-Type: text/plain; charset=utf-7\n\n+AOQ-bc\n", UNKNOWN},
    {"utf-16",
     "Content-Type: text/plain; charset=utf-16le\nContent-Transfer-Encoding: base64\n\nYQBiAA==\n",
     UNKNOWN},
};

/* Every class that occurred, with its number and reason. */
static void report(const char *what)
{
    for (unsigned i = SAME; i < CLASSES; i++)
        if (seen[i])
            printf("# %s: %6u %-16s %s\n", what, seen[i], classes[i].name, classes[i].why);
}

static void made_mails(void)
{
    memset(seen, 0, sizeof seen);
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        mail_compare(span_str(made[i].text), made[i].name, made[i].expected);
    report("made");
    is_int(seen[UNKNOWN], 0);
}

static void real_mails(void)
{
    struct mails mails;
    if (mails_open(&mails) != 0) {
        tap_skip("real mails", "no " MAILS_FILE " beside the project");
        return;
    }
    memset(seen, 0, sizeof seen);
    for (size_t i = 0; i < mails.n; i++) {
        char where[32];
        snprintf(where, sizeof where, "mail %zu", i + 1);
        mail_compare(mails.mail[i], where, UNKNOWN);
    }
    report("real");
    ok(mails.n >= 15000, "all of the real mails");
    is_int(seen[UNKNOWN], 0);
    for (unsigned i = SAME; i < CLASSES; i++)
        if (!ok(seen[i] <= classes[i].most, "no more than was seen"))
            printf("# %s: %u\n", classes[i].name, seen[i]);
    mails_close(&mails);
}

int main(void)
{
    g_mime_init();
    scanner = mime_scanner_new();
    made_mails();
    real_mails();
    mime_scanner_free(scanner);
    arena_free(&arena);
    g_mime_shutdown();
    return tap_done();
}
