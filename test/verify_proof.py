#!/usr/bin/env python3
"""Checks a C2SP tlog-proof without a line of ebb: Python's standard library and the openssl
command (for Ed25519).

    verify_proof.py VKEY PROOF LEAF [SALT PAYLOAD]

VKEY is a file with the log's note verifier key (log/vkey), PROOF the tlog-proof, LEAF the 68 bytes
of leaf data (header and commitment), or the folder of the published log that has them in its entry
bundles (C2SP tlog-tiles). With SALT (16 bytes) and PAYLOAD the commitment in the leaf is
checked as well. Exits 0 and prints what was proved, or 1 and says what does not hold.
"""
import base64
import hashlib
import os
import subprocess
import sys
import tempfile


class Wrong(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Wrong(what)


def b64(text):
    raw = base64.b64decode(text, validate=True)
    need(base64.b64encode(raw).decode() == text, "base64 that is not canonical")
    return raw


def read_vkey(text):
    """name+id+base64(0x01 || Ed25519 public key), C2SP signed-note."""
    need(text.endswith("\n"), "the verifier key is not a line")
    name, key_id, key = text[:-1].split("+", 2)
    raw = b64(key)
    need(len(raw) == 33 and raw[0] == 1, "the verifier key is not an Ed25519 key")
    want = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
    need(bytes.fromhex(key_id) == want, "the verifier key's id does not fit the key")
    return name, want, raw[1:]


def ed25519_holds(public_key, signature, message):
    # SubjectPublicKeyInfo of an Ed25519 key, RFC 8410
    der = bytes.fromhex("302a300506032b6570032100") + public_key
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for name, data in (("key", der), ("sig", signature), ("msg", message)):
            paths[name] = os.path.join(folder, name)
            with open(paths[name], "wb") as f:
                f.write(data)
        done = subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", paths["key"],
             "-rawin", "-in", paths["msg"], "-sigfile", paths["sig"]],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return done.returncode == 0


def open_note(note, vkey):
    """The text of a signed note, C2SP signed-note."""
    name, key_id, public_key = vkey
    text, blank, signatures = note.rpartition("\n\n")
    need(blank and signatures.endswith("\n"), "not a signed note")
    text += "\n"
    good = 0
    for line in signatures[:-1].split("\n"):
        need(line.startswith("\u2014 "), "not a signature line")
        signer, signature = line[2:].split(" ")
        raw = b64(signature)
        if signer == name and raw[:4] == key_id:
            need(ed25519_holds(public_key, raw[4:], text.encode()), "the signature does not hold")
            good += 1
    need(good, "the checkpoint is not signed by this log")
    return text


def root_of(leaf_hash, index, size, path):
    """RFC 9162, 2.1.3.2: the root that the path leads to."""
    need(index < size, "the index is beyond the tree")
    fn, sn, r = index, size - 1, leaf_hash
    for p in path:
        need(sn > 0, "the path is too long")
        if fn & 1 or fn == sn:
            r = hashlib.sha256(b"\x01" + p + r).digest()
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            r = hashlib.sha256(b"\x01" + r + p).digest()
        fn >>= 1
        sn >>= 1
    need(sn == 0, "the path is too short")
    return r


def leaf_from_log(folder, index, size):
    """The entry's bytes from its bundle: 16-bit lengths, each followed by an entry."""
    tile = index // 256
    path = f"{tile % 1000:03d}"
    while tile >= 1000:
        tile //= 1000
        path = f"x{tile % 1000:03d}/{path}"
    path = os.path.join(folder, "tile", "entries", path)
    width = size - index // 256 * 256
    if width < 256 and os.path.exists(f"{path}.p/{width}"):
        path = f"{path}.p/{width}"
    with open(path, "rb") as f:
        bundle = f.read()
    for _ in range(index % 256):
        bundle = bundle[2 + int.from_bytes(bundle[:2], "big"):]
    length = int.from_bytes(bundle[:2], "big")
    need(len(bundle) >= 2 + length, "the bundle does not have the entry")
    return bundle[2:2 + length]


def check(vkey_text, proof_text, leaf, salt=None, payload=None):
    vkey = read_vkey(vkey_text)
    head, blank, note = proof_text.partition("\n\n")
    need(blank, "no checkpoint in the proof")
    lines = head.split("\n")
    need(lines.pop(0) == "c2sp.org/tlog-proof@v1", "not a tlog-proof")
    if lines and lines[0].startswith("extra "):
        b64(lines.pop(0)[6:])
    need(lines and lines[0].startswith("index "), "no index in the proof")
    number = lines.pop(0)[6:]
    index = int(number)
    need(str(index) == number and index >= 0, "the index is not a number")
    path = [b64(line) for line in lines]
    need(all(len(h) == 32 for h in path), "a hash is not 32 bytes")
    text = open_note(note, vkey).split("\n")
    need(len(text) >= 4 and text[0] == vkey[0], "the checkpoint is another log's")
    size, root = int(text[1]), b64(text[2])
    need(str(size) == text[1] and len(root) == 32, "not a checkpoint")
    if isinstance(leaf, str):
        leaf = leaf_from_log(leaf, index, size)
    need(len(leaf) == 68, "the leaf is not 68 bytes")
    leaf_hash = hashlib.sha256(b"\x00" + leaf).digest()
    need(root_of(leaf_hash, index, size, path) == root, "the entry is not in the log")
    if salt is not None:
        need(len(salt) == 16, "the salt is not 16 bytes")
        need(hashlib.sha256(salt + payload).digest() == leaf[36:],
             "salt and payload are not what the entry commits to")
    return index, size, text[0]


def main(argv):
    if len(argv) not in (4, 6):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        with open(argv[1], encoding="utf-8", newline="") as f:
            vkey = f.read()
        with open(argv[2], encoding="utf-8", newline="") as f:
            proof = f.read()
        rest = []
        for name in argv[3:]:
            if os.path.isdir(name):
                rest.append(name)
                continue
            with open(name, "rb") as f:
                rest.append(f.read())
        index, size, origin = check(vkey, proof, *rest)
    except (Wrong, ValueError, OSError) as wrong:
        print(f"does not hold: {wrong}", file=sys.stderr)
        return 1
    print(f"entry {index} is in the log {origin} of {size} entries")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
