#!/usr/bin/env python3
"""Makes a manual page of one in man/, by way of scdoc: what is written there, and what is said elsewhere once already. Lines that begin with @:

  @synopsis WORD...        a SYNOPSIS of the commands of options.def whose first word it is
  @commands WORD...        these commands with their options
  @pages SECTION           the other pages of a section of the manual
  @limits                  net/limits.def, as keys of ebb.yaml
  @doc FILE HEADING        a section of doc/FILE (its subsections, too): text, lists, tables, examples
  @end PAGE...             EXIT STATUS of a command's page, and SEE ALSO

The date on a page is that of the newest entry of debian/changelog: not of the day on which it is built.

Usage: page.py INPUT OUTPUT --scdoc SCDOC --version VERSION [--depfile FILE]
"""
import argparse
import email.utils
import functools
import os
import re
import subprocess
import sys
import textwrap

WIDTH = 78
CELL = re.compile(r"(?<!\\)\|")


def escaped(text):
    """Words of others, in which nothing is to be formatted."""
    return re.sub(r"([\\*_])", r"\\\1", text)


# ---- options.def ----

def c_strings(text):
    return "".join(re.sub(r"\\(.)", r"\1", s) for s in re.findall(r'"((?:[^"\\]|\\.)*)"', text))


def arguments(text):
    """Those of a macro call, at commas outside of strings."""
    parts, depth = [""], 0
    for token in re.findall(r'"(?:[^"\\]|\\.)*"|[,()]|[^",()]+', text):
        depth += (token == "(") - (token == ")")
        if token == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += token
    return [p.strip() for p in parts]


def value(text):
    return None if text == "NULL" else c_strings(text)


def calls(text):
    """(macro, arguments) of every call in options.def, its own macros expanded."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S).replace("\\\n", " ")
    macros = dict(re.findall(r"^#define ([A-Z_]+)\(command\)(.*)$", text, re.M))
    text = re.sub(r"^#.*$", "", text, flags=re.M)

    def walk(text):
        for m in re.finditer(r'([A-Z_]+)\(((?:"(?:[^"\\]|\\.)*"|[^"()])*)\)', text):
            if m[1] in macros:
                yield from walk(re.sub(r"\bcommand\b", lambda _: m[2], macros[m[1]]))
            else:
                yield m[1], arguments(m[2])
    yield from walk(text)


@functools.lru_cache
def table(root):
    """[(name, arguments, about, [(option, argument or None, about)])] in the order of options.def."""
    commands = {}
    with open(os.path.join(root, "src", "app", "options.def")) as f:
        for macro, args in calls(f.read()):
            if macro == "COMMAND":
                commands[value(args[0])] = (value(args[0]), value(args[2]), value(args[3]), [])
            elif macro == "OPTION":
                commands[value(args[0])][3].append((value(args[1]), value(args[2]), value(args[3])))
    return list(commands.values())


def arguments_shown(args):
    """FILE|MAILDIR... as _FILE_|_MAILDIR_..."""
    return re.sub(r"[A-Za-z][A-Za-z0-9_-]*", lambda m: "_%s_" % m[0].replace("_", r"\_"), args)


def synopsis(commands, words):
    lines = ["# SYNOPSIS", ""]
    for name, args, _, options in commands:
        if name.split()[0] in words:
            parts = ["*ebb*", "[*-C* _CASE_]", "*%s*" % name] + (["[_OPTION_...]"] if options else []) + ([arguments_shown(args)] if args else [])
            lines.append(" ".join(parts) + "++")
    lines[-1] = lines[-1][:-2]
    return lines


def sentence(about):
    return escaped(about[:1].upper() + about[1:] + ("" if about[-1] in ".!?" else "."))


def described(commands, words):
    lines = ["# COMMANDS", ""]
    for name, args, about, options in sorted((c for c in commands if c[0].split()[0] in words), key=lambda c: c[0]):
        lines += ["## ebb %s%s" % (name, " " + escaped(args) if args else ""), "", sentence(about), ""]
        for option, arg, text in options:
            lines += ["*--%s*%s" % (option, " _%s_" % escaped(arg) if arg else ""), "\t" + guarded(escaped(text)), ""]
    return lines


def limits(root):
    lines = []
    with open(os.path.join(root, "src", "net", "limits.def")) as f:
        for name, usual, least, most, about in re.findall(r'^LIMIT\((\w+), (\d+), (\d+), (\d+), "([^"]*)"\)', f.read(), re.M):
            lines += ["*%s* (%s; %s to %s)" % (name, usual, least, most), "\t" + guarded(escaped(about)), ""]
    return lines


def pages(folder, section_number):
    """Every page of that section, with what its NAME says."""
    lines = []
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name)) as f:
            m = re.match(r"^([a-z.-]+)\((\d)\)\n\n# NAME\n\n.*? - (.*)\n", f.read()) if name.endswith(".scd") else None
        if m and m[2] == section_number and m[1] != "ebb":
            lines += ["*%s*(%s)" % (m[1], m[2]), "\t" + m[3], ""]
    return lines


# ---- doc/*.md ----

def span(text, bold=True):
    """A line of Markdown as one of scdoc."""
    out, at = "", 0
    for m in re.finditer(r"`([^`]+)`|\[([^\]]+)\]\(([^)]+)\)|\*\*([^*]+)\*\*|(?<![\w*])\*([^*\s][^*]*)\*", text):
        out += escaped(text[at:m.start()])
        if m[1]:
            out += "*%s*" % escaped(m[1]) if bold else escaped(m[1])
        elif m[2]:
            where = m[3]
            out += span(m[2], bold) + (" <%s>" % escaped(where) if re.match(r"https?:", where) else "")
        else:
            out += "_%s_" % escaped(m[4] or m[5])
        at = m.end()
    return out + escaped(text[at:])


def guarded(line):
    """Nothing that scdoc takes for a list, heading or comment."""
    return re.sub(r"^([#\[|\]:;.*-])", lambda m: "\\" + m[0], line) if not re.match(r"^\*\S", line) else line


def rows(lines):
    out = []
    cells = [[c.strip() for c in CELL.split(line.strip().strip("|"))] for line in lines if not re.match(r"^\|[-| :]+\|$", line)]
    width = max(len(r) for r in cells)
    for k, row in enumerate(cells):
        row += [""] * (width - len(row))
        if k == 0 and not any(row):
            continue
        for i, cell in enumerate(row):
            align = " " if out[width - 1:] else "<" if i == width - 1 else "["
            text = span(cell.replace("\\|", "|")).strip()
            if k == 0 and text and "*" not in text:
                text = "*%s*" % text
            out.append("%s%s %s" % ("|" if i == 0 else ":", align, text))
    return out + [""]


def code(lines):
    return ["```"] + lines + ["```", ""]


def list_items(lines):
    out = []
    for line in lines:
        m = re.match(r"^\s*(?:[-*]|\d+\.) (.*)$", line)
        if m:
            number = re.match(r"^\s*\d", line)
            out.append(("." if number else "-") + " " + span(m[1]))
        elif out:
            out[-1] += " " + span(line.strip())
    return out + [""]


def converted(text, depth):
    """Markdown (as doc/ has it) as lines of scdoc. Headings below `depth` become subsections."""
    out, lines, at = [], text.split("\n"), 0
    while at < len(lines):
        line = lines[at]
        end = at + 1
        if line.startswith("```"):
            while not lines[end].startswith("```"):
                end += 1
            out += code(lines[at + 1:end])
            end += 1
        elif line.startswith("    "):
            while end < len(lines) and (lines[end].startswith("    ") or (not lines[end].strip() and end + 1 < len(lines) and lines[end + 1].startswith("    "))):
                end += 1
            out += code([part[4:] for part in lines[at:end]])
        elif line.startswith("|"):
            while end < len(lines) and lines[end].startswith("|"):
                end += 1
            out += rows(lines[at:end])
        elif line.startswith("#"):
            out += ["## " + escaped(line.lstrip("# ")), ""]
        elif re.match(r"^(?:[-*]|\d+\.) ", line):
            while end < len(lines) and lines[end].strip() and not lines[end].startswith("|"):
                end += 1
            out += list_items(lines[at:end])
        elif line.strip():
            while end < len(lines) and lines[end].strip() and not re.match(r"^(```|\||#|- |    )", lines[end]):
                end += 1
            whole = span(" ".join(part.strip() for part in lines[at:end]))
            out += [guarded(whole), ""]
        at = end
    return out


def section(root, name, heading):
    """What is below a heading of doc/NAME, up to the next one of its level or above. "" is what stands before the first."""
    with open(os.path.join(root, "doc", name)) as f:
        text = f.read()
    masked = re.sub(r"```.*?```", lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.S)
    heads = [(m.start(), m.end(), len(m[1]), m[2]) for m in re.finditer(r"^(#+) (.*)$", masked, re.M)]
    for i, (_, end, level, title) in enumerate(heads):
        if title == heading:
            stop = next((h[0] for h in heads[i + 1:] if h[2] <= level), len(text)) if level > 1 \
                else heads[i + 1][0] if i + 1 < len(heads) else len(text)
            return converted(text[end:stop], level)
    sys.exit("page.py: doc/%s has no section \"%s\"" % (name, heading))


# ---- a page ----

def end(pages, command):
    lines = []
    if command:
        lines = ["# EXIT STATUS", "", "0 done; 1 failed, or does not hold; 2 wrong usage or config. Errors are one line on standard error.", ""]
    see = sorted(p for p in pages if "/" not in p) + [p for p in pages if "/" in p]
    return lines + ["# SEE ALSO", "", ", ".join("*%s*(%s)" % tuple(p[:-1].split("(")) if "/" not in p else "_%s_" % p for p in see)]


def page(path, root, version, used):
    commands = table(root)
    out = []
    with open(path) as f:
        lines = f.read().rstrip("\n").split("\n")
    named = re.match(r"^([a-z.-]+)\((\d)\)$", lines[0])
    out.append('%s "ebb %s" "ebb"' % (lines[0], version))
    for line in lines[1:]:
        word, _, rest = line.partition(" ")
        if word == "@synopsis":
            out += synopsis(commands, rest.split())
        elif word == "@commands":
            out += described(commands, rest.split())
        elif word == "@pages":
            out += pages(os.path.dirname(path), rest)
            used += [os.path.join(os.path.dirname(path), n) for n in sorted(os.listdir(os.path.dirname(path))) if n.endswith(".scd")]
        elif word == "@limits":
            out += limits(root)
        elif word == "@doc":
            name, _, heading = rest.partition(" ")
            used.append(os.path.join(root, "doc", name))
            out += section(root, name, heading)
        elif word == "@end":
            out += end(rest.split(), named[2] == "1")
        elif line.startswith("@"):
            sys.exit("page.py: %s: what is %s?" % (path, line))
        else:
            out.append(line)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(out)) + "\n"


# ---- what scdoc makes of it, as mandoc -T lint wants it ----

def wrapped(line):
    """A line of text in lines of WIDTH; a word that roff would take for a request is guarded."""
    width = WIDTH if line.isascii() else WIDTH - 12  # mandoc counts what else there is as \\[u2264]
    out = textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False)
    return [r"\&" + part if i and part[0] in ".'" else part for i, part in enumerate(out)] or [line]


def tidy(roff):
    """scdoc's roff without paragraphs that are empty, and in short lines."""
    lines, literal = [], False
    for line in roff.split("\n"):
        if line == ".RE" and lines and lines[-1] == ".P":
            lines[-1:] = [".RE", ".P"]
            continue
        if line in (".nf", ".TS"):
            literal = True
        elif line in (".fi", ".TE"):
            literal = False
        if line.startswith(".TH "):
            line = re.sub(r'^\.TH "([^"]*)"', lambda m: '.TH "%s"' % m[1].upper(), line)
        lines += [line] if literal or len(line) <= 60 or line[:1] in (".", "'") else wrapped(line)
    while lines and lines[-1] in ("", ".P"):
        lines.pop()
    out = []
    for i, line in enumerate(lines):
        before = out[-1] if out else ""
        behind = lines[i + 1] if i + 1 < len(lines) else ".SH"
        if line == ".P" and (before == ".P" or before[:3] in (".SH", ".SS", ".TH") or behind[:3] in (".SH", ".SS", ".RE")):
            continue
        out.append(line)
    return "\n".join(out) + "\n"


def made(text, scdoc, root):
    """The page as roff."""
    with open(os.path.join(root, "debian", "changelog")) as f:
        date = re.search(r"^ -- .*>  (.*)$", f.read(), re.M)[1]
    env = dict(os.environ, SOURCE_DATE_EPOCH=str(int(email.utils.mktime_tz(email.utils.parsedate_tz(date)))), TZ="UTC")
    run = subprocess.run([scdoc], input=text, stdout=subprocess.PIPE, env=env, text=True)
    if run.returncode:
        sys.exit("page.py: scdoc does not take it:\n%s" % text)
    return tidy(run.stdout)


def listed_commands(paths, root):
    """(page, command) for all that pages have behind @commands."""
    for path in paths:
        with open(path) as f:
            words = [w for m in re.finditer(r"^@commands (.*)$", f.read(), re.M) for w in m[1].split()]
        yield from ((os.path.basename(path)[:-4], c[0]) for c in table(root) if c[0].split()[0] in words)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser.add_argument("--version", default="")
    parser.add_argument("--scdoc")
    parser.add_argument("--depfile")
    args = parser.parse_args()
    source, target = args.source, args.target
    used = [os.path.join(args.root, "src", "app", "options.def"), os.path.join(args.root, "src", "net", "limits.def")]
    text = page(source, args.root, args.version, used)
    with open(target, "w") as f:
        f.write(made(text, args.scdoc, args.root) if args.scdoc else text)
    if args.depfile:
        with open(args.depfile, "w") as f:
            f.write("%s: %s\n" % (target, " ".join(sorted(set(used)))))


if __name__ == "__main__":
    main()
