/* Whose marks are found, what is said of them, and what the register's reader refuses. */
#include "mail/test_judge.h"

static struct made made;
static struct brands *brands;
static struct brands_found found;

static void judge(const char *from, const char *subject, const char *text, const char *hidden)
{
    make_mail(&made, from, subject, text, hidden);
    brands_judge(brands, &made.mail, &found);
}

/* The signs of a brand as words; "" when it is not found. */
static const char *signs(const char *brand)
{
    static char text[200];
    struct buf b = {0};
    text[0] = 0;
    for (unsigned i = 0; i < found.n; i++) {
        if (!span_is(brand_name(brands, found.v[i].brand), brand))
            continue;
        brand_sign_words(found.v[i].signs, &b);
        snprintf(text, sizeof text, "%.*s", (int)b.n, (const char *)b.p);
    }
    buf_free(&b);
    return text;
}

static unsigned count(const char *brand)
{
    for (unsigned i = 0; i < found.n; i++)
        if (span_is(brand_name(brands, found.v[i].brand), brand))
            return found.v[i].count;
    return 0;
}

#define SAYS(text, brand, want) (judge(NULL, NULL, text, NULL), is_str(signs(brand), want))

static void test_writings(void)
{
    SAYS("Buy Viagra now", "viagra", "plain");
    SAYS("buy VIAGRA now", "viagra", "plain");
    SAYS("buy v1agra now", "viagra", "disguised");
    SAYS("buy V1AGRA now", "viagra", "disguised");
    SAYS("buy v i a g r a now", "viagra", "disguised");
    SAYS("buy V I A G R A now", "viagra", "disguised");
    SAYS("buy V.I.A.G.R.A now", "viagra", "disguised");
    SAYS("buy Viaagra now", "viagra", "disguised");
    SAYS("buy Vaigra now", "viagra", "plain"); /* listed */
    SAYS("buy Levirta or Meirdia now", "meridia", "disguised");
    SAYS("buy V1aggrra now", "viagra", "disguised");
    SAYS("buy VlAGRA now", "viagra", "disguised");
    SAYS("buy vi\xe2\x80\x8b"
         "agra now",
         "viagra", "disguised");                                        /* zero width space */
    SAYS("buy v\xd1\x96\xd0\xb0gr\xd0\xb0 now", "viagra", "disguised"); /* Cyrillic i and a */
    SAYS("buy Vi@gra now", "viagra", "disguised");
    SAYS("buy C|AL|S now", "cialis", "disguised");
    SAYS("buy Cia1is now", "cialis", "disguised");
    SAYS("buy Clialis now", "cialis", "disguised");
    SAYS("buy CIALlS now", "cialis", "disguised");
    SAYS("buy Ciails now", "cialis", "plain"); /* listed */
    SAYS("a specialist in socialism", "cialis", "");
    SAYS("class, Paris, files", "cialis", "");
    SAYS("a vinegar, a niagara", "viagra", "");
    SAYS("the news channel", "chanel", "");
    SAYS("by Chanel", "chanel", "plain");
    SAYS("from Bank of America, member", "bank-of-america", "plain");
    SAYS("from a bank of Americans", "bank-of-america", "");
    SAYS("of America", "bank-of-america", "");
    SAYS("Bank of", "bank-of-america", "");
}

static void test_context(void)
{
    SAYS("we chase the cat", "chase", "");
    SAYS("your Chase account", "chase", "plain");
    SAYS("chase one two three four five six seven eight nine ten eleven account", "chase", "");
    SAYS("open the windows, please", "windows", "");
    SAYS("Microsoft Windows", "windows", "plain");
    is_int(count("windows"), 1, "the phrase is there once, not the word within it again");
    SAYS("Windows XP and Windows Vista", "windows", "plain");
    is_int(count("windows"), 2);
    SAYS("an omega and an alpha", "omega", "");
    SAYS("watches: Omega, Rolex", "omega", "plain");
    SAYS("omega omega", "omega", "");
    judge("Security <alert@chase.com>", "Chase", NULL, NULL);
    is_str(signs("chase"), "plain subject own-sender");
    judge("Security <alert@purchase.com>", "Chase", NULL, NULL);
    is_str(signs("chase"), "");
}

static void test_places(void)
{
    judge("Viagra <a@b.example>", "hello", "text", NULL);
    is_str(signs("viagra"), "plain sender");
    judge("a@cheap-viagra.example", NULL, NULL, NULL);
    is_str(signs("viagra"), "plain sender");
    judge("a@b.example", "Viagra", NULL, NULL);
    is_str(signs("viagra"), "plain subject");
    judge("a@b.example", "hello", "hello", "a viagra in white on white");
    is_str(signs("viagra"), "plain hidden");
    judge("a@b.example", "Viagra viagra", "v1agra", NULL);
    is_str(signs("viagra"), "plain disguised subject");
    is_int(count("viagra"), 3);
}

static const char *in_url(const char *host, const char *path, const char *brand)
{
    make_mail(&made, "a@b.example", "hello", "hello", NULL);
    add_url(&made, host, path, false);
    brands_judge(brands, &made.mail, &found);
    return signs(brand);
}

static void test_urls(void)
{
    is_str(in_url("viagra.shop.example", "/", "viagra"), "plain url links-elsewhere");
    is_str(in_url("buyviagra.example", "", "viagra"), "plain url links-elsewhere");
    is_str(in_url("v1agra-online.example", "", "viagra"), "disguised url links-elsewhere");
    is_str(in_url("a.example", "/x/Viagra_soft.html", "viagra"), "plain url links-elsewhere");
    is_str(in_url("specialist.example", "/socialist", "cialis"), "");
    is_str(in_url("bank-of-america.example", "/", "bank-of-america"), "plain url links-elsewhere");
    is_str(in_url("www.bankofamerica.com.evil.example", "/", "bank-of-america"),
           "plain url links-elsewhere");
    is_str(in_url("www.bankofamerica.com", "/", "bank-of-america"), "");
    is_str(in_url("purchase.example", "/bank", "chase"), "");
    is_str(in_url("chase.evil.example", "/bank", "chase"), "plain url links-elsewhere");
    is_str(in_url("chase.example", "/cats", "chase"), "");
    is_str(in_url("1.2.3.4", "/paypal/login", "paypal"), "plain url links-elsewhere");
    is_str(in_url("rebayer.example", "/", "ebay"), "");
    is_str(in_url("ebay.evil.example", "/", "ebay"), "plain url links-elsewhere");
}

static void test_own(void)
{
    make_mail(&made, "PayPal <service@paypal.com>", "News from PayPal", "Read on", NULL);
    add_url(&made, "www.paypal.com", "/news", false);
    add_url(&made, "images.paypal.com", "/logo.gif", true);
    brands_judge(brands, &made.mail, &found);
    is_str(signs("paypal"), "plain subject sender own-links own-sender");

    add_url(&made, "10.9.8.7", "/webscr", false);
    brands_judge(brands, &made.mail, &found);
    is_str(signs("paypal"), "plain subject sender own-links own-sender links-elsewhere");

    make_mail(&made, "service@notpaypal.com", "PayPal", NULL, NULL);
    add_url(&made, "notpaypal.com", "/", true);
    brands_judge(brands, &made.mail, &found);
    is_str(signs("paypal"), "plain subject sender url");

    judge("Somebody <somebody@yahoo.com>", "Yahoo", NULL, NULL);
    is_str(signs("yahoo"), "plain subject"); /* a mailbox there says nothing */
    int viagra = brand_named(brands, span_str("VIAGRA"));
    ok(viagra >= 0 && brand_owns(brands, (unsigned)viagra, span_str("www.pfizer.com")));
    ok(!brand_owns(brands, (unsigned)viagra, span_str("xpfizer.com")));
    ok(!brand_owns(brands, (unsigned)viagra, span_str("pfizer.com.example")));
    is_int(brand_named(brands, span_str("nosuch")), -1);
}

static void test_nothing(void)
{
    judge(NULL, NULL, NULL, NULL);
    is_int(found.n, 0);
    make_mail(&made, "a@b.example", "hi", NULL, NULL);
    add_file(&made, "p.gif", MAIL_FILE_IMAGE);
    made.mail.flags = MAIL_IMAGE_ONLY;
    brands_judge(brands, &made.mail, &found);
    is_int(found.n, 0, "of a picture nothing is claimed");
    judge("a@b.example", NULL,
          "Viagra Cialis Levitra Xanax Valium Ambien Meridia Propecia Zoloft Prozac Paxil "
          "Zocor Nexium Lunesta Lipitor Celebrex Zyban Ultram",
          NULL);
    is_int(found.n, BRANDS_FOUND_MAX);
    ok(found.more);
    ok(span_is(brand_name(brands, found.v[0].brand), "viagra"), "in the order in which they come");
}

static void test_register(void)
{
    ok(brands_count(brands) > 100);
    int pfizer = 0, microsoft = 0, bad = 0;
    for (unsigned i = 0; i < brands_count(brands); i++) {
        pfizer += span_is(brand_owner(brands, i), "Pfizer");
        microsoft += span_is(brand_owner(brands, i), "Microsoft");
        /* each mark is found where it is written, in the context that it wants */
        for (unsigned k = 0; k < brand_marks(brands, i); k++) {
            char text[256];
            struct span mark = brand_mark(brands, i, k);
            snprintf(text, sizeof text,
                     "adobe macromedia microsoft watches bank card gift %.*s mg dvd antivirus ipod "
                     "jewelry fedex "
                     "order",
                     (int)mark.n, (const char *)mark.p);
            judge(NULL, NULL, text, NULL);
            char name[80];
            snprintf(name, sizeof name, "%.*s", (int)brand_name(brands, i).n,
                     (const char *)brand_name(brands, i).p);
            if (!count(name) && !found.more && ++bad)
                printf("# %s: \"%.*s\" is not found\n", name, (int)mark.n, (const char *)mark.p);
        }
    }
    ok(pfizer >= 5 && microsoft >= 5, "Pfizer's and Microsoft's are there");
    is_int(bad, 0);
}

static void refused(const char *text, const char *want)
{
    struct err err = {0};
    struct brands *b = NULL;
    int r = brands_open(rules_file(text), made.words, &b, &err);
    const char *behind = strstr(err.text, rules_path) ? err.text + strlen(rules_path) : err.text;
    ok(r < 0 && b == NULL);
    if (!tap_check(strncmp(behind, want, strlen(want)) == 0, want, __FILE__, __LINE__, want))
        printf("#   got \"%s\"\n", err.text);
    if (r == 0)
        brands_close(b);
}

#define A "brand a\nowner A\nkind web\n"
static void test_refused(void)
{
    struct err err;
    struct brands *b = NULL;
    refused("mark Viagra\n", ":1: there is no \"brand\"");
    refused("# x\n\nbrand A b\n", ":3: a brand's name");
    refused(A "mark Wordone\n" A "mark Wordtwo\n", ":5: this brand is there");
    refused("brand a\nkind web\nmark Wordone\n", ":1: the brand \"a\" lacks an owner");
    refused("brand a\nowner A\nmark Wordone\nbrand b\n", ":1: the brand \"a\" lacks a kind");
    refused(A, ":1: the brand \"a\" lacks a mark");
    refused(A "mark one two three four five\n", ":4: \"one two three four five\" is no mark");
    refused(A "mark ,\n", ":4: \"\" is no mark");
    refused(A "mark\n", ":4: there is no mark");
    refused(A "mark Wordone near\n", ":4: there is nothing behind");
    refused(A "mark Wordone near two words\n", ":4: behind \"near\"");
    refused(A "mark http://a.example/\n", ":4: \"http://a.example/\" is no mark");
    refused(A "domains a..b\n", ":4: this is no domain name");
    refused(A "domains com\n", ":4: this is no domain name");
    refused(A "owner B\n", ":4: wanted one owner");
    refused(A "colour blue\n", ":4: wanted brand,");
    refused(A "mark W\x01\n", ":4: control characters");
    refused(A "mark W\xff\n", ":4: control characters");
    ok(brands_open("/nonexistent/x.rules", made.words, &b, &err) < 0 && b == NULL);
    is_int(brands_open(rules_file(""), made.words, &b, &err), 0, "an empty register is one");
    make_mail(&made, "a@b.example", "Viagra", "Viagra", NULL);
    brands_judge(b, &made.mail, &found);
    is_int(found.n, 0);
    brands_close(b);
    brands_close(NULL);
}

int main(void)
{
    char path[FILE_PATH_MAX];
    struct err err;
    made.words = words_open();
    if (brands_open(shipped(path, "brands.rules"), made.words, &brands, &err) < 0) {
        printf("Bail out! %s\n", err.text);
        return 1;
    }
    test_writings();
    test_context();
    test_places();
    test_urls();
    test_own();
    test_nothing();
    test_register();
    test_refused();
    rules_gone();
    brands_close(brands);
    words_close(made.words);
    arena_free(&made.arena);
    return tap_done();
}
