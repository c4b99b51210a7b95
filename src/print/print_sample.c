/* Prints a sample PDF to standard output, for looking at: page, or notice LANGUAGE SIZE. */
#include <stdio.h>

#include "print/advertisement.h"
#include "print/page.h"

static void put_table(struct page *p)
{
    static const struct page_columns c = {.n = 5,
                                          .width = {1, 3, 2, 4, 2},
                                          .mono = {[3] = true},
                                          .right = {[4] = true},
                                          .title = {"Entry", "What", "When", "SHA-256", "Bytes"}};
    page_table(p, &c);
    for (int i = 0; i < 90; i++) {
        char entry[16], bytes[16];
        snprintf(entry, sizeof entry, "%d", 1000 + i);
        snprintf(bytes, sizeof bytes, "%d", i * 7919);
        struct span cells[] = {
            span_str(entry),
            i % 7 ? span_str("A server at 192.0.2.17 was imaged")
                  : span_str("Образ диска сервера, снятый у хостинг-провайдера в присутствии "
                             "понятых, с описью и печатями"),
            span_str("2011-03-16T09:00:00Z"),
            span_str("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
            span_str(bytes)};
        page_row(p, cells);
    }
    page_table_end(p);
}

static int put_page(struct buf *out, struct err *err)
{
    static const char words[] =
        "The defendants control computers by way of a network of hosts at the addresses and names "
        "that are listed below. The plaintiff has asked the court for an order, and the court has "
        "granted it. What follows says what was seized, when, and how it is kept.";
    struct page_format f = page_a4;
    f.title = "A sample";
    f.language = "en";
    f.header = "Case 2:11-cv-00222";
    f.footer = "page %p of %n";
    struct page *p = page_open(&f);
    page_heading(p, 1, span_str("Affidavit of service"));
    page_field(p, span_str("Court"), span_str("United States District Court"));
    page_field(p, span_str("Docket number of the case"), span_str("2:11-cv-00222"));
    page_rule(p);
    page_heading(p, 2, span_str("What was done"));
    for (int i = 0; i < 6; i++) {
        char mark[8];
        snprintf(mark, sizeof mark, "%d.", i + 1);
        page_item(p, span_str(mark), span_str(words));
    }
    page_text(p, &(struct page_style){.align = PAGE_JUSTIFY, .before = 2, .after = 2},
              span_str(words));
    page_text(
        p, &(struct page_style){.mono = true, .size = 8},
        span_str("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a089f86d081884c"
                 "7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"));
    page_heading(p, 2, span_str("Evidence"));
    page_heading(p, 3, span_str("Servers"));
    put_table(p);
    page_text(p, NULL, span_str("I declare under penalty of perjury that this is true."));
    page_signature(p, span_str("Name\nPlace, date"));
    return page_close(p, out, err);
}

static struct advertisement notice_en(void)
{
    return (struct advertisement){
        .language = "en",
        .heading = span_str("LEGAL NOTICE"),
        .court = span_str("UNITED STATES DISTRICT COURT\nWESTERN DISTRICT OF EXAMPLE AT CITY"),
        .parties = span_str("EXAMPLE CORPORATION,\nPlaintiff,\nv.\nJOHN DOES 1-11 CONTROLLING A "
                            "COMPUTER BOTNET THEREBY INJURING THE PLAINTIFF AND ITS CUSTOMERS,\n"
                            "Defendants."),
        .docket = span_str("Case No. 2:11-cv-00222\nNOTICE BY PUBLICATION"),
        .title = span_str("SUMMONS AND NOTICE OF HEARING TO THE DEFENDANTS JOHN DOES 1-11"),
        .parts =
            {
                {ADVERTISEMENT_WORDS, span_str("What this is about"),
                 span_str("A lawsuit has been filed against you. The plaintiff says that you run a "
                          "network of infected computers, and that you sent unsolicited mail, "
                          "infringed trademarks and entered computers without leave by way of the "
                          "Internet domains and addresses that are listed below.\n\n"
                          "On 9 March 2011 the court ordered that these domains and addresses be "
                          "disabled and that the servers behind them be taken into evidence. The "
                          "order stays in force until the court decides otherwise.")},
                {ADVERTISEMENT_WORDS, span_str("What you can do"),
                 span_str("You may appear before the court in person or through counsel and "
                          "object to the order. If you do not answer within the time that is "
                          "given below, judgment by default may be entered against you for what "
                          "the complaint demands, and the domains and addresses may be taken from "
                          "you for good.\n\n"
                          "The complaint, the order and all other papers can be read, and copies "
                          "be had without charge, at the web page below.")},
                {ADVERTISEMENT_NAMES, span_str("Domains and addresses that were seized"),
                 span_str("alpha.example\nbravo.example\ncharlie.example\ndelta.example\n"
                          "echo-echo-echo.example\nfoxtrot.example.net\ngolf.example.net\n"
                          "hotel.example.net\nindia.example.org\njuliett.example.org\n"
                          "kilo.example.org\nlima.example\nmike.example\n192.0.2.17\n192.0.2.44\n"
                          "198.51.100.7\n198.51.100.23\n203.0.113.0/28\n2001:db8:1::/48\n"
                          "november.example\noscar.example\npapa.example\nquebec.example\n"
                          "romeo.example\nsierra.example\ntango.example")},
                {ADVERTISEMENT_BOX, span_str("How to answer, and until when"),
                 span_str("The court hears the matter on 6 April 2011 at 10:00, courtroom 14206, "
                          "700 Example Street, City.\n"
                          "Answer in writing within 21 days after the last publication of this "
                          "notice, at the latest on 5 August 2011, to the clerk of the court and "
                          "to the plaintiff's counsel.\n"
                          "All papers: https://www.example.com/notice/")},
            },
        .n = 4,
        .signature = span_str("Counsel for the plaintiff\nExample Law LLP, 701 Example Avenue\n"
                              "City, 15 June 2011"),
        .crop_marks = true,
    };
}

static struct advertisement notice_ru(void)
{
    struct advertisement a = notice_en();
    a.language = "ru";
    a.heading = span_str("СУДЕБНОЕ ИЗВЕЩЕНИЕ");
    a.court = span_str("ОКРУЖНОЙ СУД СОЕДИНЁННЫХ ШТАТОВ АМЕРИКИ\nЗАПАДНЫЙ ОКРУГ ШТАТА EXAMPLE");
    a.parties = span_str("EXAMPLE CORPORATION,\nистец,\nпротив\nНЕУСТАНОВЛЕННЫХ ЛИЦ 1–11, "
                         "УПРАВЛЯЮЩИХ БОТНЕТОМ И ПРИЧИНЯЮЩИХ ВРЕД ИСТЦУ И ЕГО КЛИЕНТАМ,\n"
                         "ответчики.");
    a.docket = span_str("Дело № 2:11-cv-00222\nИЗВЕЩЕНИЕ ЧЕРЕЗ ПУБЛИКАЦИЮ");
    a.title =
        span_str("ВЫЗОВ В СУД И ИЗВЕЩЕНИЕ О СЛУШАНИИ ОТВЕТЧИКАМ — НЕУСТАНОВЛЕННЫМ ЛИЦАМ 1–11");
    a.parts[0].head = span_str("О чём идёт речь");
    a.parts[0].words =
        span_str("Против вас подан иск. Истец утверждает, что вы управляете сетью заражённых "
                 "компьютеров и что с помощью перечисленных ниже доменных имён и адресов сети "
                 "Интернет вы рассылали непрошеные сообщения, нарушали права на товарные знаки и "
                 "без разрешения проникали в чужие компьютеры.\n\n"
                 "9 марта 2011 года суд постановил отключить эти домены и адреса и изъять "
                 "стоящие за ними серверы в качестве доказательств. Постановление действует до "
                 "тех пор, пока суд не решит иначе.");
    a.parts[1].head = span_str("Что вы можете сделать");
    a.parts[1].words =
        span_str("Вы вправе явиться в суд лично или через представителя и возразить против "
                 "постановления. Если вы не ответите в указанный ниже срок, суд может вынести "
                 "против вас заочное решение по требованиям иска, и домены и адреса могут быть "
                 "отобраны у вас навсегда.\n\n"
                 "Исковое заявление, постановление и все прочие документы можно прочитать и "
                 "бесплатно получить на указанной ниже странице.");
    a.parts[2].head = span_str("Изъятые домены и адреса");
    a.parts[3].head = span_str("Как и в какой срок ответить");
    a.parts[3].words =
        span_str("Суд рассмотрит дело 6 апреля 2011 года в 10:00, зал 14206, 700 Example Street, "
                 "City.\n"
                 "Ответ подаётся письменно в течение 21 дня после последней публикации этого "
                 "извещения, не позднее 5 августа 2011 года, в канцелярию суда и представителю "
                 "истца.\n"
                 "Все документы: https://www.example.com/notice/");
    a.signature = span_str("Представитель истца\nExample Law LLP, 701 Example Avenue\n"
                           "City, 15 июня 2011 года");
    return a;
}

int main(int argc, char **argv)
{
    struct buf out = {0};
    struct err err = {.text = "print_sample page | notice en|ru SIZE"};
    int rc = -1;
    if (argc == 2 && strcmp(argv[1], "page") == 0)
        rc = put_page(&out, &err);
    if (argc == 4 && strcmp(argv[1], "notice") == 0) {
        struct advertisement a = strcmp(argv[2], "ru") == 0 ? notice_ru() : notice_en();
        struct advertisement_size size;
        struct advertisement_fit fit;
        rc = advertisement_size_of(span_str(argv[3]), &size, &err);
        if (rc == 0)
            rc = advertisement_put(&a, &size, &out, &fit, &err);
        if (rc == 0)
            fprintf(stderr, "%.2f points, %u columns\n", fit.type, fit.columns);
    }
    if (rc < 0)
        fprintf(stderr, "%s\n", err.text);
    else
        fwrite(out.p, 1, out.n, stdout);
    buf_free(&out);
    return rc < 0;
}
