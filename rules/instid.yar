/* Check-ins that name the installation: InstID={GUID} in the request's target. */

rule instid_checkin
{
    meta:
        family = "instid"
        confidence = 50
        source = "Capture of a check-in with InstID in the Suricata project's test set"
        description = "A request whose target carries InstID={GUID}; whose it is stays open"
        bot_id = "$id"
        bot_id_skip = 8
        bot_id_trim = 1
    strings:
        $id = /InstID=\{[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}\}/ nocase
    condition:
        ebb_kind == "http" and $id in (0..ebb_headers_at)
}

rule btgrab_checkin
{
    meta:
        family = "btgrab"
        confidence = 85
        source = "Capture of a check-in of the BTGrab adware (host btg.btgrab.com) in the Suricata project's test set"
        description = "ROUTINE_CHECKIN with the installation's GUID in the target and, again, in the user agent"
        bot_id = "$id"
        bot_id_skip = 8
        bot_id_trim = 1
    strings:
        $id = /InstID=\{[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}\}/ nocase
    condition:
        ebb_kind == "http" and ebb_target contains "adcontext=ROUTINE_CHECKIN" and
        ebb_user_agent matches /^\{[0-9A-Fa-f-]{36}\}\|/ and
        $id in (0..ebb_headers_at)
}
