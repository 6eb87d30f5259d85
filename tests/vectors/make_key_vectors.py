#!/usr/bin/python3
"""Writes tests/vectors/keyfile and tests/vectors/recovery.txt: keyfiles and
recovery codes, each wrong one with one thing wrong.

    make_key_vectors.py [DIRECTORY]

As make_vault_vectors.py: from docs/VAULT.md, the same bytes each time, and keys
that open nothing but these files.
"""

import hashlib
import os
import struct
import sys

import nacl.bindings as sodium

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
MACHINE = "0123456789abcdef0123456789abcdef"
SLOT = 3


def fixed(what, n):
    return hashlib.shake_256(b"ccrun key vector: " + what.encode()).digest(n)


def blake2b(data, key=b""):
    return hashlib.blake2b(data, key=key, digest_size=32).digest()


VAULT, KEY, SEED = fixed("vault id", 16), fixed("slot key", 32), fixed("host seed", 32)


def pair(seed, machine):
    secret = blake2b(b"ccrun host key 1\0" + machine.encode(), seed)
    return sodium.crypto_scalarmult_base(secret), secret


def sealed(key, public):
    """A sealed box whose ephemeral key is not random."""
    ephemeral = fixed("ephemeral", 32)
    epk = sodium.crypto_scalarmult_base(ephemeral)
    nonce = hashlib.blake2b(epk + public, digest_size=24).digest()
    return epk + sodium.crypto_box(key, nonce, public, ephemeral)


def keyfile(host=None, magic=b"ccrunkey", version=1, box=None, vault=VAULT, slot=SLOT, tail=b""):
    public = pair(SEED, MACHINE)[0] if host is None else host
    data = magic + struct.pack("<H", version) + vault + struct.pack("<I", slot) + public
    data += (sealed(KEY, public) if box is None else box) + tail
    return data + blake2b(data)


def flipped(data, at, mend=False):
    data = bytearray(data)
    data[at] ^= 1
    return bytes(data[:-32]) + (blake2b(bytes(data[:-32])) if mend else bytes(data[-32:]))


def keyfiles():
    """name, bytes, seed, machine, result, stage, slot"""
    good = keyfile()
    yield "ok", good, SEED, MACHINE, "ok", "open", SLOT
    yield "ok-no-machine-id", keyfile(pair(SEED, "")[0]), SEED, "-", "ok", "open", SLOT
    yield "ok-largest-slot", keyfile(slot=2 ** 32 - 1), SEED, MACHINE, "ok", "open", 2 ** 32 - 1
    for name, result, data in (
            ("empty", "truncated", b""), ("cut-in-magic", "truncated", good[:5]),
            ("cut-in-version", "truncated", good[:9]), ("cut-in-box", "truncated", good[:100]),
            ("cut-last-byte", "truncated", good[:-1]), ("trailing-byte", "damaged", good + b"\n"),
            ("not-a-keyfile", "damaged", keyfile(magic=b"ccrunvlt")),
            ("flip-magic", "damaged", flipped(good, 0)), ("flip-version", "damaged", flipped(good, 9)),
            ("flip-vault", "damaged", flipped(good, 10)), ("flip-slot", "damaged", flipped(good, 26)),
            ("flip-host", "damaged", flipped(good, 30)), ("flip-box", "damaged", flipped(good, 100)),
            ("flip-checksum", "damaged", flipped(good, 173)),
            ("version-0", "damaged", keyfile(version=0)), ("version-2", "newer", keyfile(version=2)),
            ("version-2-longer", "newer", keyfile(version=2, tail=b"more")),
            ("version-2-shorter", "newer", keyfile(version=2, box=b"")),
            ("version-2-cut", "truncated", keyfile(version=2)[:-1]),
            ("longer-checksum-mended", "damaged", keyfile(tail=b"more"))):
        yield name, data, SEED, MACHINE, result, "inspect", None
    other = pair(fixed("other seed", 32), MACHINE)[0]
    for name, data, seed, machine in (
            ("another-host", keyfile(other), SEED, MACHINE),
            ("another-machine-id", good, SEED, MACHINE[::-1]),
            ("no-machine-id", good, SEED, "-"),
            ("another-seed", good, fixed("other seed", 32), MACHINE),
            ("forged-host", flipped(good, 30, True), SEED, MACHINE),
            ("forged-box", flipped(good, 130, True), SEED, MACHINE),
            ("forged-ephemeral", flipped(good, 62, True), SEED, MACHINE),
            ("box-for-another-host", keyfile(box=sealed(KEY, other)), SEED, MACHINE)):
        yield name, data, seed, machine, "wrong-key", "open", None


def code(raw, checksum=None):
    if checksum is None:
        checksum = int.from_bytes(blake2b(raw, b"ccrun recovery checksum 1\0")[:3], "big") >> 2
    number = int.from_bytes(raw, "big") << 22 | checksum
    text = "".join(ALPHABET[number >> 5 * (29 - i) & 31] for i in range(30))
    return "-".join(text[i:i + 5] for i in range(0, 30, 5))


def codes():
    """typed, result, key"""
    raw = fixed("recovery", 16)
    good, key = code(raw), blake2b(raw, b"ccrun recovery key 1\0").hex()
    yield good, "ok", key
    yield good.lower(), "ok", key
    yield good.replace("-", ""), "ok", key
    yield " " + good.replace("-", "  ") + " ", "ok", key
    yield "-".join(good.replace("-", "")), "ok", key
    for what in (bytes(16), b"\xff" * 16):
        yield code(what), "ok", blake2b(what, b"ccrun recovery key 1\0").hex()
    # all 0 and 1, as somebody may read and type them
    ones = bytes.fromhex("08421084210842108421084210842108")
    yield code(ones), "ok", blake2b(ones, b"ccrun recovery key 1\0").hex()
    yield "IiLlI" + code(ones)[5:], "ok", blake2b(ones, b"ccrun recovery key 1\0").hex()
    yield "OoOo0" + code(bytes(16))[5:], "ok", blake2b(bytes(16), b"ccrun recovery key 1\0").hex()
    check = int.from_bytes(blake2b(raw, b"ccrun recovery checksum 1\0")[:3], "big") >> 2
    yield code(raw, check ^ 1), "bad-value", "-"
    yield code(raw, check ^ 1 << 21), "bad-value", "-"
    yield code(raw[:15] + bytes([raw[15] ^ 1]), check), "bad-value", "-"
    yield code(bytes([raw[0] ^ 128]) + raw[1:], check), "bad-value", "-"
    for bad in (good[:-1], good + "0", good[1:], "U" + good[1:], good[:7] + "u" + good[8:], good[:-1] + "!",
                good[:4] + "*" + good[4:], "-----", good[:17] + "_" + good[18:], good + good):
        yield bad, "bad-value", "-"


def main(argv):
    where = argv[1] if len(argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    os.makedirs(os.path.join(where, "keyfile"), exist_ok=True)
    lines = ["# written by make_key_vectors.py; docs/VAULT.md, \"Vectors\", says what this is",
             "# file\tseed\tmachine\tresult\tstage\tvault\tslot\tkey"]
    for name, data, seed, machine, result, stage, slot in keyfiles():
        with open(os.path.join(where, "keyfile", name + ".keyfile"), "wb") as f:
            f.write(data)
        found = [VAULT.hex(), str(slot), KEY.hex()] if result == "ok" else ["-"] * 3
        lines.append("\t".join([name + ".keyfile", seed.hex(), machine, result, stage] + found))
    with open(os.path.join(where, "keyfile", "INDEX"), "w", encoding="ascii") as f:
        f.write("\n".join(lines) + "\n")
    lines = ["# written by make_key_vectors.py; docs/VAULT.md, \"Vectors\", says what this is",
             "# typed\tresult\tkey"] + ["\t".join(c) for c in codes()]
    with open(os.path.join(where, "recovery.txt"), "w", encoding="ascii") as f:
        f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv)
