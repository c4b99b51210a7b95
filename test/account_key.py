"""A person's key file opened in Python, by libsodium: signing acts and opening what is sealed, as a page of the desk
does it in the browser (doc/accounts.md, doc/leads.md)."""
import base64
import ctypes
import ctypes.util
import hashlib
import struct

sodium = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so.23")
if sodium.sodium_init() < 0:
    raise RuntimeError("libsodium does not start")
ull = ctypes.c_ulonglong
ARGON2ID13 = 2
SEED, KEY, LIST_HEAD, MESSAGE, OVERHEAD, PART_MESSAGES = 32, 32, 14 + 8 + 24 + 4, 64 << 10, 17, 127


class AccountKey:
    """Both pairs, out of the seed."""

    def __init__(self, path, passphrase):
        lines = dict(line.split(" ", 1) for line in open(path).read().splitlines()[1:])
        secret = passphrase.encode()
        key, seed = ctypes.create_string_buffer(32), ctypes.create_string_buffer(SEED)
        salt, nonce, box = (bytes.fromhex(lines[k]) for k in ("salt", "nonce", "secret"))
        if sodium.crypto_pwhash(key, ull(32), secret, ull(len(secret)), salt, ull(int(lines["operations"])),
                                ctypes.c_size_t(int(lines["memory"])), ARGON2ID13):
            raise RuntimeError("no memory for Argon2id")
        if sodium.crypto_secretbox_xchacha20poly1305_open_easy(seed, box, ull(len(box)), nonce, key):
            raise RuntimeError("a wrong passphrase")
        self.name = lines["name"]
        sub = ctypes.create_string_buffer(SEED)
        self.box, self.box_secret = ctypes.create_string_buffer(32), ctypes.create_string_buffer(32)
        self.public, self.secret = ctypes.create_string_buffer(32), ctypes.create_string_buffer(64)
        sodium.crypto_kdf_derive_from_key(sub, ctypes.c_size_t(SEED), ctypes.c_uint64(1), b"ebb-acct", seed)
        sodium.crypto_box_seed_keypair(self.box, self.box_secret, sub)
        sodium.crypto_kdf_derive_from_key(sub, ctypes.c_size_t(SEED), ctypes.c_uint64(2), b"ebb-acct", seed)
        sodium.crypto_sign_seed_keypair(self.public, self.secret, sub)

    def sign(self, message):
        out = ctypes.create_string_buffer(64)
        sodium.crypto_sign_detached(out, None, message, ull(len(message)), self.secret)
        return out.raw

    def unwrap(self, wrap, content):
        """The key of something sealed, when this wrap is ours and of that list; else None."""
        out = ctypes.create_string_buffer(KEY + 32)
        if len(wrap) != len(out.raw) + 48 or sodium.crypto_box_seal_open(out, wrap, ull(len(wrap)), self.box, self.box_secret):
            return None
        return out.raw[:KEY] if out.raw[KEY:] == content else None


def unseal(listing, key, part):
    """The plain text without its padding's meaning: manifest (CBOR) and files' bytes. part(sha256 hex) -> bytes."""
    if listing[:14] != b"ebb sealed v1\n":
        raise RuntimeError("no list")
    padded, header, parts = struct.unpack(">Q", listing[14:22])[0], listing[22:46], struct.unpack(">I", listing[46:50])[0]
    state = ctypes.create_string_buffer(sodium.crypto_secretstream_xchacha20poly1305_statebytes())
    if sodium.crypto_secretstream_xchacha20poly1305_init_pull(state, header, key):
        raise RuntimeError("no header")
    plain, tag = b"", ctypes.c_ubyte()
    for i in range(parts):
        digest = listing[LIST_HEAD + 32 * i:LIST_HEAD + 32 * i + 32]
        sealed = part(digest.hex())
        if hashlib.sha256(sealed).digest() != digest:
            raise RuntimeError("another part")
        for at in range(0, len(sealed), MESSAGE + OVERHEAD):
            piece = sealed[at:at + MESSAGE + OVERHEAD]
            out, n = ctypes.create_string_buffer(MESSAGE), ull()
            if sodium.crypto_secretstream_xchacha20poly1305_pull(state, out, ctypes.byref(n), ctypes.byref(tag), piece,
                                                                 ull(len(piece)), None, ull(0)):
                raise RuntimeError("damaged")
            plain += out.raw[:n.value]
    if tag.value != 3 or len(plain) != padded:
        raise RuntimeError("cut short")
    return plain


def manifest(plain):
    n = struct.unpack(">I", plain[:4])[0]
    return plain[4:4 + n]


def b64(data):
    return base64.b64encode(data).decode()
