#!/usr/bin/env python3
"""Makes the C file that holds the catalogues: embed.py OUT STAMP FOLDER.

FOLDER has LANGUAGE/TOPIC.words: lines `TOPIC.key = text`, `#` comments; a line that begins with a blank goes on with the
text before it. What is wrong is said with file and line, and stops the build; that a language lacks a key is a test's
business (src/web/test_words.c). STAMP gets the names of the files, for the build to watch."""
import os
import re
import sys

KEY = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)+")
KEY_MAX, TEXT_MAX = 100, 4000


def fail(path, line, why):
    sys.exit("%s:%d: %s" % (path, line, why))


def read(path, topic, into):
    key = None
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            line = line.rstrip()
            if not line or line.startswith("#"):
                key = None if not line else key
            elif line[0] in " \t":
                if key is None:
                    fail(path, number, "goes on with nothing")
                into[key] += " " + line.strip()
            else:
                key, equals, text = (part.strip() for part in line.partition("="))
                if not equals or not KEY.fullmatch(key) or len(key) > KEY_MAX:
                    fail(path, number, "wants `%s.key = text`" % topic)
                if not key.startswith(topic + "."):
                    fail(path, number, "a key of this file begins with %s." % topic)
                if key in into:
                    fail(path, number, "%s is there already" % key)
                into[key] = text
    for key, text in into.items():
        if len(text.encode()) > TEXT_MAX:
            fail(path, 0, "%s: longer than %d bytes" % (key, TEXT_MAX))


def quoted(text):
    out = []
    for b in text.encode():
        plain = 32 <= b < 127 and b not in b'"\\?'
        out.append(chr(b) if plain else "\\%03o" % b)
    return '"%s"' % "".join(out)


def main():
    out, stamp, folder = sys.argv[1:]
    lines = ['#include "web/words_impl.h"', "", "#include <stddef.h>", ""]
    table, files = [], [folder]
    for language in sorted(os.listdir(folder)):
        place = os.path.join(folder, language)
        if not os.path.isdir(place) or language.startswith("_"):
            continue
        into = {}
        files.append(place) # a file that comes, or goes, changes its folder
        for name in sorted(os.listdir(place)):
            if name.endswith(".words"):
                read(os.path.join(place, name), name[: -len(".words")], into)
                files.append(os.path.join(place, name))
        c_name = language.replace("-", "_")
        lines.append("static const struct words_entry words_%s[] = {" % c_name)
        for key in sorted(into, key=lambda k: k.encode()):
            lines.append("    {%s, %s}," % (quoted(key), quoted(into[key])))
        lines += ["};", ""]
        table.append("    {%s, words_%s, sizeof words_%s / sizeof *words_%s}," % (quoted(language), c_name, c_name, c_name))
    lines += ["const struct words words_table[] = {", *table, "    {NULL, NULL, 0},", "};"]
    with open(out, "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")
    with open(stamp, "w", encoding="utf-8") as f: # Make's syntax, as meson's depfile wants it
        f.write("%s: %s\n" % (os.path.basename(out), " ".join(files)))


main()
