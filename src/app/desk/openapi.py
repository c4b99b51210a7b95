#!/usr/bin/env python3
"""Makes a C file of the description of the desk's API: openapi.py DESCRIPTION.yaml OUT.c. Without PyYAML the
description is an empty object, and the desk does without it."""
import json
import sys

try:
    import yaml
    with open(sys.argv[1], encoding="utf-8") as f:
        text = json.dumps(yaml.safe_load(f), ensure_ascii=True, separators=(",", ":"))
except ImportError:
    text = "{}"
data = text.encode()
lines = ['#include "app/desk/live.h"', "", "static const uint8_t text[] = {"]
lines += ["    " + "".join("%d," % b for b in data[i : i + 32]) for i in range(0, len(data), 32)]
lines += ["};", "const struct span desk_openapi = {text, sizeof text};"]
with open(sys.argv[2], "w", encoding="ascii") as f:
    f.write("\n".join(lines) + "\n")
