"""Accounts for tests: people with keys and roles, who run ebb under their names."""
import os

from ebbtest import EBB, folder, run, write

PASSPHRASE = "a passphrase for tests"


class Person:
    """A key file of its own; `ebb` runs as this person."""

    def __init__(self, name):
        self.name, self.dir = name, folder()
        self.key = os.path.join(self.dir, name + ".key")
        self.public = os.path.join(self.dir, name + ".pub")
        secret = write(os.path.join(self.dir, "passphrase"), PASSPHRASE + "\n")
        self.env = dict(os.environ, EBB_ACCOUNT=name, EBB_KEY=self.key, EBB_PASSPHRASE_FILE=secret)
        made = run(EBB, "account", "key", name, "--cost", "interactive", "--output", self.key, env=self.env)
        if made.code:
            raise RuntimeError(made.err)
        write(self.public, made.out)

    def ebb(self, case, *args, **more):
        return case.ebb(*args, env=self.env, **more)

    def rows(self, case, *args):
        result = self.ebb(case, *args, "--json")
        if result.code:
            raise RuntimeError("ebb %s: %s" % (" ".join(map(str, args)), result.err.strip()))
        return result.rows()


def people(case, **roles):
    """Persons by name, with these roles in the case; the first one is a custodian, or it cannot add the others."""
    made, first = {}, None
    for name, role in roles.items():
        made[name] = Person(name)
        by = (lambda *a: first.ebb(case, *a)) if first else case.ebb
        result = by("account", "add", made[name].public, "--roles", role)
        if result.code:
            raise RuntimeError(result.err)
        first = first or made[name]
    return made
