#!/usr/bin/env python3
"""Makes a C file that holds files: embed.py OUT HEADER STRUCT NAME.ext..."""
import os
import sys

out, header, struct, files = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
lines = ['#include "%s"' % header, ""]
table = []
for path in files:
    name = os.path.splitext(os.path.basename(path))[0]
    with open(path, "rb") as f:
        data = f.read()
    lines.append("static const uint8_t file_%s[] = {" % name)
    for i in range(0, len(data), 24):
        lines.append("    " + ",".join(str(b) for b in data[i : i + 24]) + ",")
    lines.append("};")
    table.append('    {"%s", file_%s, sizeof file_%s},' % (name, name, name))
lines += ["", "const struct %s %s[] = {" % (struct, struct), *table, "    {NULL, NULL, 0},", "};"]
with open(out, "w") as f:
    f.write("\n".join(lines) + "\n")
