/*
 * Bots that take their orders on IRC: the SDBot and rBot line and what was made of their source.
 * Their nicknames are drawn anew with each start, so none is taken for a bot id.
 */

rule irc_bot_command
{
    meta:
        family = "irc-bot"
        confidence = 85
        source = "Capture of an IRC botnet of December 2004 in the Suricata project's test set; commands of the published SDBot and rBot sources"
        description = "A channel's topic or a message orders bots to scan, flood or download"
    strings:
        $order = /\n:[^ \r\n]{1,120} (332 [^ \r\n]{1,40} |TOPIC |PRIVMSG )[#&][^ \r\n]{1,50} :[.!@$%][ ]?(advscan|asc|scanall|scanstop|ddos\.(syn|ack|random)|synflood|udpflood|icmpflood|tcpflood|ddos|download|dl|update|wget) / nocase
    condition:
        ebb_kind == "raw" and $order in (ebb_server_at..filesize)
}

rule irc_bot_report
{
    meta:
        family = "irc-bot"
        confidence = 90
        source = "Capture of an IRC botnet of December 2004 in the Suricata project's test set; messages of the published rBot source"
        description = "The bot reports to its channel what it does, in rBot's form"
    strings:
        $report = /\nPRIVMSG [#&][^ \r\n]{1,50} :\[(DOWNLOAD|SCAN|UPDATE|DDoS|SYN|UDP|PING|EXEC|KEYLOG|SOCKS4|TFTP|MAIN)\]: / nocase
    condition:
        ebb_kind == "raw" and $report in (0..ebb_server_at)
}

rule irc_bot_nick
{
    meta:
        family = "irc-bot"
        confidence = 40
        source = "Capture of an IRC botnet of December 2004 in the Suricata project's test set"
        description = "Logs in with a server password, and with a nickname of a word and a long random number that is its real name too"
    strings:
        $pass = /PASS [^ \r\n]{1,40}\r?\n/
        $nick = /\nNICK [\[\]{}|A-Za-z]{1,12}[-_|\]]{1,2}[0-9]{6,12}\r?\n/
        $user = /\nUSER [a-z]{4,16} [^ \r\n]{1,8} [^ \r\n]{1,40} :[\[\]{}|A-Za-z]{1,12}[-_|\]]{1,2}[0-9]{6,12}\r?\n/
    condition:
        ebb_kind == "raw" and $pass at 0 and $nick in (0..ebb_server_at) and
        $user in (0..ebb_server_at)
}
