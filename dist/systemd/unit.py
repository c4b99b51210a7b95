#!/usr/bin/env python3
"""Writes a systemd unit: puts in the files that its lines "#include NAME" name, and the places of this build.

Usage: unit.py INPUT OUTPUT @NAME@=VALUE...
"""
import os
import re
import sys


def expanded(path):
    folder = os.path.dirname(path)
    out = []
    with open(path) as f:
        for line in f:
            m = re.match(r"#include (\S+)$", line)
            out += expanded(os.path.join(folder, m[1])) if m else [line]
    return out


def main():
    source, target, *places = sys.argv[1:]
    text = "".join(expanded(source))
    for place in places:
        name, value = place.split("=", 1)
        text = text.replace(name, value)
    if re.search(r"@[A-Z]+@", text):
        sys.exit("unit.py: %s: what is %s?" % (source, re.search(r"@[A-Z]+@", text)[0]))
    with open(target, "w") as f:
        f.write(text)


main()
