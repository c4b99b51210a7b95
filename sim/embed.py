#!/usr/bin/env python3
"""Makes the C file that holds the bundled scenarios: embed.py OUT NAME.yaml..."""
import os
import sys

out, files = sys.argv[1], sys.argv[2:]
lines = ['#include "sim/scenario.h"', ""]
table = []
for path in files:
    name = os.path.splitext(os.path.basename(path))[0]
    with open(path, "rb") as f:
        data = f.read()
    lines.append("static const uint8_t %s[] = {" % name)
    for i in range(0, len(data), 24):
        lines.append("    " + ",".join(str(b) for b in data[i : i + 24]) + ",")
    lines.append("};")
    table.append('    {"%s", %s, sizeof %s},' % (name, name, name))
lines += ["", "const struct scenario_bundled scenario_bundled[] = {", *table, "    {NULL, NULL, 0},", "};"]
with open(out, "w") as f:
    f.write("\n".join(lines) + "\n")
