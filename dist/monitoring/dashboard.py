#!/usr/bin/env python3
"""Writes Grafana's dashboard of ebb: the rows and panels below, as the JSON that Grafana imports (schema 38, Grafana 10 and newer take it).

Usage: dashboard.py OUTPUT
"""
import json
import sys

SOURCE = {"type": "prometheus", "uid": "${source}"}
ONE = 'case=~"$case",instance=~"$instance"'  # which series a panel is about
WIDTH = 24

# Row: title, panels. Panel: title, unit, [(expression, legend)], what it says. "%s" takes the choice of case and instance.
ROWS = [
    ("Is it well", [
        ("Sensors that run", "none", [("sum(ebb_sensor_up{%s})", "")], "stat", "Processes that face the network.", {}),
        ("Roles that run", "none", [("sum(ebb_role_up{%s})", "")], "stat", "Supervisor, recorder, desk and what else is turned on.", {}),
        ("Recording", "none", [("1 - max(ebb_storage_full{%s})", "")], "stat", "0 while the disk is full and nothing is recorded.",
         {"red_below": 1}),
        ("Lost since the start", "none", [("sum(ebb_recorder_lost_total{%s})", "")], "stat", "Observations that gap entries speak of.", {"red_from": 1}),
        ("Entries of the log", "none", [("sum(ebb_log_entries{%s})", "")], "stat", "Durable ones.", {}),
        ("Last commit", "s", [("time() - max(ebb_recorder_last_commit_timestamp_seconds{%s})", "")], "stat",
         "How long ago; grows when nothing comes in.", {}),
    ]),
    ("What comes in", [
        ("Observations", "ops", [("sum by (instance) (rate(ebb_recorder_events_total{%s}[5m]))", "{{instance}}")], "timeseries",
         "Journalled a second.", {}),
        ("By protocol", "ops", [
            ("sum(rate(ebb_sensor_dns_queries_total{%s}[5m]))", "DNS queries"),
            ("sum(rate(ebb_sensor_http_requests_total{%s}[5m]))", "HTTP requests"),
            ("sum(rate(ebb_sensor_smtp_mails_total{%s}[5m]))", "mails"),
            ("sum(rate(ebb_sensor_raw_connections_total{%s}[5m]))", "raw connections"),
            ("sum(rate(ebb_sensor_raw_datagrams_total{%s}[5m]))", "raw datagrams")], "timeseries", "Taken in a second.", {}),
        ("Outside the case's authority", "ops", [
            ("sum(rate(ebb_sensor_dns_refused_total{%s}[5m]))", "DNS"),
            ("sum(rate(ebb_sensor_http_refused_total{%s}[5m]))", "HTTP"),
            ("sum(rate(ebb_sensor_tls_refused_total{%s}[5m]))", "TLS"),
            ("sum(rate(ebb_sensor_smtp_refused_total{%s}[5m]))", "SMTP"),
            ("sum(rate(ebb_sensor_raw_refused_total{%s}[5m]))", "raw")], "timeseries",
         "Refused and not recorded. A rise may be an order that ended, or a name that is not under one.", {}),
        ("Traffic", "Bps", [
            ("sum(rate(ebb_sensor_received_bytes_total{%s}[5m]))", "received"),
            ("sum(rate(ebb_sensor_sent_bytes_total{%s}[5m]))", "sent")], "timeseries", "Bytes a second of all protocols.", {}),
    ]),
    ("Is anything lost", [
        ("Drops, and what was left out", "ops", [
            ("sum(rate(ebb_sensor_dropped_total{%s}[5m]))", "ring full"),
            ("sum(rate(ebb_sensor_suppressed_total{%s}[5m]))", "beyond address_events"),
            ("sum(rate(ebb_sensor_smtp_deferred_total{%s}[5m]))", "mails told to come again")], "timeseries", "", {}),
        ("Rings", "percentunit", [("ebb_ring_depth_bytes{%s} / ebb_ring_capacity_bytes{%s}", "sensor {{sensor}}")], "timeseries",
         "What waits for the recorder. At 100 % observations are dropped, and the log says so.", {}),
        ("Lag of the recorder", "s", [("max by (instance) (ebb_recorder_lag_seconds{%s})", "{{instance}}")], "timeseries",
         "Age of the oldest observation of a batch when it was durable.", {}),
        ("Connections", "none", [
            ("sum(ebb_sensor_connections{%s})", "open"),
            ("sum(rate(ebb_sensor_connections_limited_total{%s}[5m]))", "closed by a limit, a second"),
            ("sum(rate(ebb_sensor_timeouts_total{%s}[5m]))", "timed out, a second")], "timeseries", "", {}),
    ]),
    ("Shipping to the cluster", [
        ("Shards", "none", [("ebb_ship_up{%s}", "{{shard}}")], "timeseries", "1 while the shard's last answer was good.", {}),
        ("Not shipped yet", "none", [("ebb_ship_lag_entries{%s}", "{{shard}}")], "timeseries", "Entries of the log that a shard lacks.", {}),
        ("Rows", "ops", [("sum by (shard) (rate(ebb_ship_rows_total{%s}[5m]))", "{{shard}}")], "timeseries", "Taken a second, by shard.", {}),
        ("Batches, and failures", "ops", [
            ("sum(rate(ebb_ship_batches_total{%s}[5m]))", "batches"), ("sum(rate(ebb_ship_retries_total{%s}[5m]))", "failures")], "timeseries", "", {}),
    ]),
    ("Nodes, at the centre", [
        ("Alarms", "none", [("ebb_node_alarms{%s}", "{{node}}")], "timeseries", "A log that was rolled back, forked, or is silent: none is right.", {}),
        ("Last heard", "s", [("time() - ebb_node_heard_timestamp_seconds{%s}", "{{node}}")], "timeseries", "How long ago each node pushed.", {}),
        ("Logs", "none", [("ebb_node_log_entries{%s}", "{{node}}")], "timeseries", "Entries that the centre has cosigned.", {}),
        ("New entries", "ops", [("deriv(ebb_node_log_entries{%s}[15m])", "{{node}}")], "timeseries", "A second, by node.", {}),
    ]),
    ("Processes", [
        ("Restarts", "none", [
            ("sum by (role) (increase(ebb_role_restarts_total{%s}[1h]))", "{{role}}"),
            ("sum(increase(ebb_sensor_restarts_total{%s}[1h]))", "sensors")], "timeseries", "In an hour: none is right.", {}),
        ("Buffers of the sensors", "bytes", [("ebb_sensor_memory_bytes{%s}", "sensor {{sensor}}")], "timeseries", "", {}),
        ("Commits", "ops", [("sum(rate(ebb_recorder_commits_total{%s}[5m]))", "commits")], "timeseries", "Groups made durable a second.", {}),
        ("Acts refused", "ops", [
            ("sum(rate(ebb_recorder_refused_acts_total{%s}[5m]))", "without the right or the signature"),
            ("sum(rate(ebb_recorder_refused_public_total{%s}[5m]))", "to the public process")], "timeseries",
         "Something that asks for what it may not have is worth a look.", {}),
    ]),
]


def thresholds(more):
    steps = [{"color": "green", "value": None}]
    if "red_below" in more:
        steps = [{"color": "red", "value": None}, {"color": "green", "value": more["red_below"]}]
    if "red_from" in more:
        steps.append({"color": "red", "value": more["red_from"]})
    return {"mode": "absolute", "steps": steps}


def panel(number, place, row):
    title, unit, series, kind, about, more = row
    targets = [{"refId": chr(ord("A") + i), "datasource": SOURCE, "expr": expr.replace("%s", ONE), "legendFormat": legend or "__auto",
                "range": kind == "timeseries", "instant": kind == "stat"} for i, (expr, legend) in enumerate(series)]
    options = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "colorMode": "value", "graphMode": "none"} \
        if kind == "stat" else {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True}, "tooltip": {"mode": "multi"}}
    return {"id": number, "type": kind, "title": title, "description": about, "datasource": SOURCE, "gridPos": place, "targets": targets,
            "options": options, "fieldConfig": {"defaults": {"unit": unit, "min": 0, "thresholds": thresholds(more)}, "overrides": []}}


def panels():
    made, y = [], 0
    for title, row in ROWS:
        made.append({"id": len(made) + 1, "type": "row", "title": title, "collapsed": False, "panels": [],
                     "gridPos": {"h": 1, "w": WIDTH, "x": 0, "y": y}})
        y += 1
        stats = row[0][3] == "stat"
        across, height = (len(row), 4) if stats else (min(len(row), 2), 8)
        width = WIDTH // across
        for i, one in enumerate(row):
            place = {"h": height, "w": width, "x": i % across * width, "y": y + i // across * height}
            made.append(panel(len(made) + 1, place, one))
        y += height * -(-len(row) // across)
    return made


def choice(name, label, query):
    return {"name": name, "label": label, "type": "query", "datasource": SOURCE, "query": {"query": query, "refId": name}, "refresh": 2,
            "includeAll": True, "multi": True, "allValue": ".*", "current": {"selected": True, "text": ["All"], "value": ["$__all"]}, "sort": 1}


def main():
    board = {
        "title": "ebb", "uid": "ebb-sinkhole", "tags": ["ebb"], "schemaVersion": 38, "version": 1, "editable": True, "timezone": "utc",
        "time": {"from": "now-6h", "to": "now"}, "refresh": "30s", "annotations": {"list": []}, "links": [], "panels": panels(),
        "templating": {"list": [
            {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus", "current": {}, "refresh": 1},
            choice("case", "case", "label_values(ebb_build_info, case)"),
            choice("instance", "instance", 'label_values(ebb_build_info{case=~"$case"}, instance)')]},
    }
    with open(sys.argv[1], "w") as f:
        json.dump(board, f, indent=1)
        f.write("\n")


main()
