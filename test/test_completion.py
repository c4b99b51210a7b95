"""What shells offer: the scripts that `ebb completion` prints, tried in real shells where there are any."""
import os
import re
import shlex
import shutil
import subprocess
import tempfile

from ebbtest import EBB, ROOT, done, equal, ok, skip

SECONDS = 30


def script(shell):
    r = subprocess.run([EBB, "completion", shell], capture_output=True, text=True, timeout=SECONDS)
    if r.returncode or r.stderr:
        return ""
    return r.stdout


def table():
    """The commands of options.def."""
    with open(os.path.join(ROOT, "src", "app", "options.def")) as f:
        return re.findall(r'^COMMAND\("([a-z0-9 -]+)"', f.read(), re.M)


equal(subprocess.run([EBB, "completion", "tcsh"], capture_output=True, timeout=SECONDS).returncode, 2, "no other shell")
equal(subprocess.run([EBB, "completion"], capture_output=True, timeout=SECONDS).returncode, 2, "no shell")
ok(len(table()) > 100, "the commands")

with tempfile.TemporaryDirectory() as work:
    for shell in ("bash", "zsh", "fish"):
        with open(os.path.join(work, shell), "w") as f:
            f.write(script(shell))
        ok(os.path.getsize(f.name) > 10000, "%s: a script" % shell)
    os.mkdir(os.path.join(work, "here"))
    for name in ("feed.csv", "feed two.csv"):
        open(os.path.join(work, "here", name), "w").close()
    os.mkdir(os.path.join(work, "here", "folder"))

    def bash(*words):
        """What bash offers for the last word."""
        # As readline splits them: = is a word of its own
        quoted = " ".join(shlex.quote(w) for w in words)
        run = "source ../bash; COMP_WORDS=(ebb %s); COMP_CWORD=%d; _ebb; printf '%%s\\n' \"${COMPREPLY[@]}\"" % (quoted, len(words))
        r = subprocess.run(["bash", "--norc", "-c", run], cwd=os.path.join(work, "here"), capture_output=True, text=True, timeout=SECONDS)
        return sorted(line for line in r.stdout.split("\n") if line) if not r.stderr else [r.stderr]

    equal(bash("cen"), ["census"], "bash: a command")
    equal([w for w in bash("") if w in ("case", "census", "order", "init")], ["case", "census", "init"], "bash: first words only")
    equal(bash("case", ""), ["asset", "facts", "order", "subject"], "bash: second words")
    equal(bash("case", "asset", "e"), ["export"], "bash: third words")
    equal(bash("case", "asset", "export", "--f"), ["--family", "--format"], "bash: its options")
    equal(bash("case", "asset", "export", "--format", ""), ["ipset", "nftables", "rpz", "text"], "bash: an option's words")
    equal(bash("case", "asset", "export", "--format", "="), ["ipset", "nftables", "rpz", "text"], "bash: behind an =")
    equal(bash("case", "asset", "export", "--format", "=", "n"), ["nftables"], "bash: begun behind an =")
    equal(bash("census", "ex"), ["explain"], "bash: a command that begins another")
    equal([w for w in bash("census", "--by", "") if w != "address"], ["asn", "country", "day", "family", "network"], "bash: census --by")
    equal(bash("import", "feed"), ["feed two.csv", "feed.csv"], "bash: files, with blanks, too")
    equal(bash("-C", "f"), ["folder"], "bash: a case is a folder")
    equal(bash("-C", "folder", "cen"), ["census"], "bash: a command behind -C")
    equal(bash("--key", "feed.csv", "cen"), ["census"], "bash: and behind who acts")
    equal(bash("census", "--limit", "5", "--victims", "--js"), ["--json"], "bash: options behind options")
    equal(bash("census", "--limit", "5", "ex"), [], "bash: no command behind an option")
    equal(bash("completion", ""), ["bash", "fish", "zsh"], "bash: an argument's words")
    equal(bash("--engine", ""), ["clickhouse", "local"], "bash: who is asked")
    equal(bash("no'; touch there; '"), [], "bash: what is typed is not run")
    ok(not os.path.exists(os.path.join(work, "here", "there")), "and nothing came of it")
    missing = []
    for command in table():
        words = command.split()
        if words[-1] not in bash(*words[:-1], words[-1]):
            missing.append(command)
        if len(missing) > 3:
            break
    equal(missing, [], "bash: every command is offered")

    if shutil.which("zsh"):
        equal(subprocess.run(["zsh", "-n", "zsh"], cwd=work, capture_output=True, text=True, timeout=SECONDS).stderr, "", "zsh takes it")
        run = ("autoload -U compinit; compinit -u -d %s/dump; source %s/zsh; _ebb_table 'case asset export'; echo -- ${_comps[ebb]}"
               % (work, work))
        out = subprocess.run(["zsh", "-f", "-c", run], capture_output=True, text=True, timeout=SECONDS).stdout
        ok("--format|w|rpz nftables ipset text|" in out and "-- _ebb" in out, "zsh: registered, and knows an option's words")
    else:
        skip("zsh", "it is not here")
    if shutil.which("fish"):
        equal(subprocess.run(["fish", "-n", "fish"], cwd=work, capture_output=True, text=True, timeout=SECONDS).stderr, "", "fish takes it")

        def fish(line):
            run = "source ../fish; complete -C '%s'" % line
            out = subprocess.run(["fish", "--no-config", "-c", run], cwd=os.path.join(work, "here"), capture_output=True, text=True,
                                 env=dict(os.environ, HOME=work), timeout=SECONDS).stdout
            return sorted(set(l.split("\t")[0] for l in out.split("\n") if l))
        equal(fish("ebb cen"), ["census"], "fish: a command")
        equal(fish("ebb case asset e"), ["export"], "fish: third words")
        equal(fish("ebb case asset export --format "), ["ipset", "nftables", "rpz", "text"], "fish: an option's words")
        equal(fish("ebb import feed"), ["feed two.csv", "feed.csv"], "fish: files")
        equal(fish("ebb -C folder census ex"), ["explain"], "fish: a command that begins another")
    else:
        skip("fish", "it is not here")
done()
