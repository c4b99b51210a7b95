"""What a load takes: arithmetic from unit costs to cores, nodes, disk, network, shards and money. Units: seconds,
bytes, events; a day has 86,400 s."""
import math

import queues

DAY = 86400.0
GBIT = 1e9 / 8
TB = 1e12
MAIL_MEASURED = 7600.0  # bytes of the mails that reading and keeping was measured on


def bots(d, case, times=1.0):
    """The load of the bots: a dictionary of rates (a second, mean and at the peak) and of amounts a day."""
    n = d.given("bots") * times
    on = d.given("active_share", case)
    polls = n * on * d.given("polls_a_day", case)
    peak = d.given("peak_to_mean", case)
    tls = d.given("tls_share", case)
    mean = polls / DAY
    lookups = d.given("polls_a_day", case) * on
    caches = int(d.given("dns_caches", case))
    dns = queues.seen_dns(n, caches, lookups, d.given("dns_ttl_s", case)) * d.given("dns_names", case)
    entries = polls + dns * DAY
    sensor_us = d.cost("http_us") + tls * d.cost("tls_us")
    return {
        "polls_day": polls, "mean": mean, "peak": mean * peak, "tls_peak": mean * peak * tls,
        "dns_mean": dns, "dns_peak": dns * peak, "entries_day": entries, "entries_peak": entries / DAY * peak,
        "packets_peak": mean * peak * d.given("packets_a_poll") + 2 * dns * peak,
        "bytes_peak": mean * peak * (d.given("bytes_a_poll") + tls * d.given("bytes_a_handshake")) + dns * peak * d.given("bytes_a_query"),
        "sensor_cores": (mean * sensor_us + dns * d.cost("dns_us")) * peak / 1e6,
        "recorder_cores": (mean * d.cost("recorder_us") + dns * d.cost("dns_recorder_us")) * peak / 1e6,
        "log_day": polls * (d.cost("http_entry_bytes") + d.cost("tile_bytes")) + dns * DAY * (d.cost("dns_entry_bytes") + d.cost("tile_bytes")),
        "blob_day": 0.0,
        "connections": mean * peak * d.given("connection_s"),
        "sightings_day": n * d.given("seen_share", case) * d.given("addresses_a_bot", case),
        "rows_day": entries, "row_bytes": d.cost("ch_row_bytes"),
    }


def mails(d, case, times=1.0):
    """The load of the mails. Every mail leaves an entry and its facts; one in `keep_one_in` its bytes."""
    n = d.given("mails_a_day") * times
    peak = d.given("peak_to_mean", case)
    size = d.given("mail_bytes", case)
    per = d.given("mails_a_connection", case)
    mean = n / DAY
    session_us = (d.cost("smtp_us") + (per - 1) * d.cost("smtp_kept_us")) / per
    kept = 1 / d.given("keep_one_in", case)
    recorder_us = d.cost("mail_recorder_us") + (d.cost("mail_us") + kept * d.cost("blob_us")) * size / MAIL_MEASURED
    packed = size / d.cost("blob_ratio")
    return {
        "polls_day": n, "mean": mean, "peak": mean * peak, "tls_peak": 0.0, "dns_mean": 0.0, "dns_peak": 0.0,
        "entries_day": n, "entries_peak": mean * peak,
        "packets_peak": mean * peak * (d.given("packets_a_mail") + size / 1460),
        "bytes_peak": mean * peak * (size * 1.05 + d.given("bytes_a_dialogue")),
        "sensor_cores": mean * peak * session_us / 1e6,
        "recorder_cores": mean * peak * recorder_us / 1e6,
        "log_day": n * (d.cost("smtp_entry_bytes") + d.cost("tile_bytes") + d.cost("fact_bytes")),
        "blob_day": n * packed * kept, "blob_day_all": n * packed,
        "connections": mean * peak / per * d.given("mail_connection_s"),
        "sightings_day": 0.0,
        "rows_day": n, "row_bytes": d.cost("ch_mail_bytes"),
    }


def sensors(d):
    """Cores of a machine that face the network."""
    return d.given("node_cores") - 2 * d.given("cases_a_node")


def limits(d, load):
    """Machines that each resource alone asks for, at the peak and the wanted utilisation; and shards."""
    use, cases = d.given("utilisation"), d.given("cases_a_node")
    store = d.cost("ch_rows_s") * d.given("shard_cores")
    return {
        "recorders (one a case)": load["recorder_cores"] / (use * cases),
        "sensors (cores)": load["sensor_cores"] / (use * sensors(d)),
        "shippers (one a case)": load["entries_peak"] / (use * cases * d.cost("ship_rows_s")),
        "network": load["bytes_peak"] / (use * d.given("node_gbit") * GBIT),
        "packets": load["packets_peak"] / (use * d.given("node_packets")),
        "disk, writing": (load["log_day"] + load["blob_day"]) / DAY * load["entries_peak"] * DAY / max(load["entries_day"], 1)
                         / (use * d.given("node_disk_mb_s") * 1e6),
        "disk, space": (load["log_day"] + load["blob_day"]) * d.given("node_days") / (d.given("node_disk_tb") * TB),
        "open connections": load["connections"] / (use * d.given("node_connections")),
        "ClickHouse, writing (shards)": load["entries_peak"] / (use * store),
        "ClickHouse, space (shards)": load["rows_day"] * load["row_bytes"] * d.given("shard_days") / (d.given("shard_disk_tb") * TB),
    }


def fleet(d, load):
    """Nodes and shards, with what is kept free for the loss of one in `spare_one_in`."""
    need = limits(d, load)
    spare = 1 + 1 / d.given("spare_one_in")
    nodes = max(v for k, v in need.items() if "shards" not in k)
    shards = max(v for k, v in need.items() if "shards" in k)
    first = max((k for k in need if "shards" not in k), key=lambda k: need[k])
    return {"nodes": max(2, math.ceil(nodes * spare)), "shards": max(2, math.ceil(shards * spare)), "first": first, "need": need}


def money(d, load, size, case):
    """A month, in the currency of the prices. Cores and disk of the nodes and shards that are bought, network by the
    peak; evidence that is kept longer than a node's days goes to cheap storage."""
    cores = size["nodes"] * d.given("node_cores") + size["shards"] * d.given("shard_cores") * d.given("shard_copies")
    disk = size["nodes"] * d.given("node_disk_tb") + size["shards"] * d.given("shard_disk_tb") * d.given("shard_copies")
    archive = (load["log_day"] / d.given("archive_ratio") + load["blob_day"]) * max(0.0, d.given("evidence_days") - d.given("node_days")) / TB
    gbit = load["bytes_peak"] / GBIT
    parts = {"cores": cores * d.price("core_month", case), "disk": disk * d.price("tb_month", case),
             "archive": archive * d.price("archive_tb_month", case), "network": gbit * d.price("gbit_month", case)}
    return {"cores": cores, "disk_tb": disk, "archive_tb": archive, "gbit": gbit, "parts": parts, "month": sum(parts.values())}
