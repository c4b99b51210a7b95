/* IRC (RFC 1459, RFC 2812; capability negotiation and tags as in the IRCv3 specifications), as much
 * of it as lets a client log in and join: it is alone on the server, in every channel, for ever. No
 * topic, no message, nobody who could send one: nothing that a bot could take for an order.
 *
 * What a client chose comes back to it only as the protocol asks for it: its nickname, a channel
 * that it names, and a PING's token. Everything else it sends is passed over. */
#pragma once

#include "base/ip.h"

#define IRC_LINE_MAX    (512 + 8191) /* a message and its tags, endings included */
#define IRC_NICK_MAX    64           /* longer ones are cut, as servers do */
#define IRC_CHANNEL_MAX 64
#define IRC_TOKEN_MAX   128   /* of a PING; longer ones are not sent back */
#define IRC_JOINS_MAX   64    /* JOINs answered on one connection */
#define IRC_PARAMS_MAX  15    /* RFC 2812, 2.3 */
#define IRC_SERVER_MAX  63    /* RFC 2812, 1.1 */
#define IRC_REPLY_MAX   16384 /* what one line can bring forth at most */

struct irc {
    uint8_t nick_len;
    char nick[IRC_NICK_MAX];
    bool user, negotiating; /* USER was sent; CAP LS or REQ was, but no END yet */
    bool welcomed;          /* 001 was sent */
    bool spoken;            /* something came that only IRC's clients say */
    uint8_t joins;
};

/* Who we say we are, and whom we speak to. */
struct irc_names {
    struct span server; /* irc_server_name() is true of it */
    struct span host;   /* the client's address as text */
};

/* True when the text can stand for a server in a message's prefix. */
bool irc_server_name(struct span text);
/* What a server says before anybody asked. */
void irc_greet(const struct irc_names *names, struct buf *out);
/* One line without its ending; appends the replies, IRC_REPLY_MAX bytes at most. False: QUIT. */
bool irc_line(struct irc *irc, const struct irc_names *names, struct span line, struct buf *out);
/* Whether only a client of IRC would begin with this (tags, a prefix and a PASS before it are
 * passed over): 1 yes, 0 it could, -1 no. */
int irc_looks_like_client(struct span first);
