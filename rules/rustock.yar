/*
 * Rustock's check-ins, from what was published about them. No capture of this traffic is public,
 * so these rules have been tried on hand-made requests only.
 */

rule rustock_checkin_2007
{
    meta:
        family = "rustock"
        confidence = 70
        source = "Wolf and Lanstein, July 2011; public write-ups of the 2007-08 samples"
        description = "POST /data.php of 2007-08: multipart, gzip, MSIE 6.0, a bare address as host. No capture of it is public: untested on real traffic"
    strings:
        $type = "\nContent-Type: multipart/form-data" nocase
        $gzip = "\nContent-Encoding: gzip\r" nocase
        $fresh = "\nPragma: no-cache\r" nocase
    condition:
        ebb_kind == "http" and ebb_method == "POST" and ebb_target == "/data.php" and
        ebb_version == "HTTP/1.0" and
        ebb_host matches /^[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}(:[0-9]{1,5})?$/ and
        ebb_user_agent contains "MSIE 6.0" and ebb_user_agent contains "Windows NT 5.1" and
        ebb_user_agent contains "SV1" and
        all of them in (0..ebb_body_at)
}

rule rustock_checkin_2009
{
    meta:
        family = "rustock"
        confidence = 80
        source = "Wolf and Lanstein, July 2011; public write-ups of the 2009-10 samples"
        description = "POST /index.php?topic=N.N of 2009-10: says gzip, but the body is encrypted and no gzip. No capture of it is public: untested on real traffic"
    strings:
        $type = "\nContent-Type: application/x-www-form-urlencoded" nocase
        $gzip = "\nContent-Encoding: gzip\r" nocase
        $cpu = "\nUA-CPU: x86\r" nocase
    condition:
        ebb_kind == "http" and ebb_method == "POST" and ebb_version == "HTTP/1.1" and
        ebb_target matches /^\/(index\.php\?topic=[0-9]+\.[0-9]+|(login|main|data)\.php(\?topic=[0-9]+\.[0-9]+)?)$/ and
        ebb_host != "" and ebb_referer contains ebb_host and
        ebb_referer matches /^http:\/\/[^\/]+\/?$/ and
        ebb_user_agent contains "MSIE 7.0" and ebb_user_agent contains "Windows NT 5.1" and
        all of them in (0..ebb_body_at) and
        filesize >= ebb_body_at + 2 and uint16be(ebb_body_at) != 0x1f8b
}
