#!/usr/bin/env python3
"""Makes the JSON that is served of an OpenAPI description: openapi.py IN.yaml OUT.json"""
import json
import sys

import yaml

with open(sys.argv[1], encoding="utf-8") as f:
    description = yaml.safe_load(f)
with open(sys.argv[2], "w", encoding="utf-8") as f:
    json.dump(description, f, ensure_ascii=False, separators=(",", ":"))
    f.write("\n")
