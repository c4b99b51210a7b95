"""Each parser of outside bytes has its fuzz target, each target its seeds and its dictionary, and is built."""
import os
import re

from ebbtest import ROOT, done, equal, ok

FUZZ = os.path.join(ROOT, "fuzz")
SEEDS_MIN = 2
# Whose input has no words.
NO_DICTIONARY = set()
targets = sorted(f[5:-2] for f in os.listdir(FUZZ) if f.startswith("fuzz_") and f.endswith(".c"))
with open(os.path.join(FUZZ, "meson.build")) as f:
    wired = set(re.findall(r"'(\w+)': *\[", f.read()))
equal(sorted(wired), targets, "every fuzz_*.c is built, and nothing else")
corpus = os.path.join(FUZZ, "corpus")
few = {t: n for t in targets
       for n in [len(os.listdir(os.path.join(corpus, t))) if os.path.isdir(os.path.join(corpus, t)) else 0]
       if n < SEEDS_MIN}
equal(few, {}, "each target has %d seeds or more" % SEEDS_MIN)
equal(sorted(set(os.listdir(corpus)) - set(targets)), [], "no seeds without a target")
empty = [os.path.join(t, f) for t in targets if os.path.isdir(os.path.join(corpus, t)) for f in
         os.listdir(os.path.join(corpus, t)) if os.path.getsize(os.path.join(corpus, t, f)) > 1 << 20]
equal(empty, [], "no seed is larger than 1 MiB")
dicts = sorted(f[:-5] for f in os.listdir(FUZZ) if f.endswith(".dict"))
equal(sorted(set(targets) - set(dicts) - NO_DICTIONARY), [], "each target has a dictionary, or is said to need none")
equal(sorted(set(dicts) - set(targets)), [], "no dictionary without a target")
with open(os.path.join(ROOT, "scripts", "fuzz")) as f:
    text = f.read()
ok(".dict" in text and "corpus" in text, "scripts/fuzz takes both")

# Layers that read what strangers wrote: a parser there without a target is a question.
PARSER = re.compile(r"^(?:int|bool|size_t|ssize_t|enum \w+)\s+(\w+_(?:parse|decode))\(", re.M)
called = "".join(open(os.path.join(FUZZ, f)).read() for f in os.listdir(FUZZ) if f.endswith((".c", ".h")))
# Reached through another function that a target calls, or reads nothing from outside: why, in a word.
ELSEWHERE = {
    "packet_decode": "by the captures' importer: pcap",
    "seal_list_parse": "by opening what is sealed: unseal",
    "base32_decode": "reads desk/logins, which `ebb desk login` wrote",
}
lone = {}
for layer in ("wire", "import", "contact", "lead", "mail", "report", "net", "web"):
    where = os.path.join(ROOT, "src", layer)
    for name in sorted(os.listdir(where)):
        if name.endswith(".h") and "internal" not in name:
            for function in PARSER.findall(open(os.path.join(where, name)).read()):
                if function not in called and function not in ELSEWHERE:
                    lone[function] = "src/%s/%s" % (layer, name)
equal(lone, {}, "every *_parse and *_decode of these layers is called by a target, or named above with the reason")
done()
