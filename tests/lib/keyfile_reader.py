#!/usr/bin/python3
"""A second reader of what holds a slot's key outside the vault, written from
docs/VAULT.md: keyfiles, host key pairs, the one-line key text, recovery codes.

    keyfile_reader.py --vectors DIRECTORY     runs keyfile/INDEX and recovery.txt there

It shares no code with ccrun.  It is a test tool: keys are in ordinary memory.
"""

import base64
import hashlib
import os
import re
import sys

import nacl.exceptions
import nacl.public

from vault_reader import Damaged, Newer, Truncated, VaultError, WrongKey, blake2b

MAGIC = b"ccrunkey"
LENGTH = 174
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class BadValue(VaultError):
    name = "bad-value"


# ---- host key pairs ----

def host_secret(seed, machine):
    """The secret half, from what host.key holds and /etc/machine-id."""
    return hashlib.blake2b(b"ccrun host key 1\0" + machine.encode(), key=seed, digest_size=32).digest()


def host_public(secret):
    return bytes(nacl.public.PrivateKey(secret).public_key)


def read_host_public(text):
    """(key, name) of a host.pub line."""
    m = re.fullmatch(r"ccrun-host-1 ([A-Za-z0-9+/]{43}=) ([A-Za-z0-9._-]{1,64})[\r\n]*", text)
    if not m:
        raise Damaged("host.pub")
    return base64.b64decode(m[1], validate=True), m[2]


def read_host_secret(text):
    """The seed of a host.key line."""
    m = re.fullmatch(r"ccrun-host-secret-1 ([A-Za-z0-9+/]{43}=)[\r\n]*", text)
    if not m:
        raise Damaged("host.key")
    return base64.b64decode(m[1], validate=True)


# ---- keyfiles ----

def inspect_keyfile(data):
    """What a keyfile shows to everybody."""
    if data[:8] != MAGIC[:len(data[:8])]:
        raise Damaged("no keyfile")
    whole = len(data) >= 42 and blake2b(data[:-32]) == data[-32:]
    version = int.from_bytes(data[8:10], "little")
    if whole and version > 1:
        raise Newer("version %d" % version)
    if len(data) < LENGTH:
        raise Truncated("%d of %d bytes" % (len(data), LENGTH))
    if len(data) > LENGTH or not whole or version == 0:
        raise Damaged("length, checksum or version")
    return {"vault": data[10:26], "slot": int.from_bytes(data[26:30], "little"), "host": data[30:62],
            "sealed": data[62:142]}


def open_keyfile(data, secret):
    """The slot's key."""
    file = inspect_keyfile(data)
    private = nacl.public.PrivateKey(secret)
    if bytes(private.public_key) != file["host"]:
        raise WrongKey("another host")
    try:
        return nacl.public.SealedBox(private).decrypt(file["sealed"])
    except nacl.exceptions.CryptoError:
        raise WrongKey("it does not open") from None


def read_keytext(text):
    """(vault id, slot, key) of the one line that the Secret Service and credentials hold."""
    m = re.fullmatch(r"ccrun-key-1 ([0-9a-fA-F]{32}) ([0-9]{1,10}) ([0-9a-fA-F]{64})[\r\n]*", text)
    if not m or not 1 <= int(m[2]) < 2 ** 32:
        raise Damaged("key text")
    return bytes.fromhex(m[1]), int(m[2]), bytes.fromhex(m[3])


# ---- recovery codes ----

def recovery_checksum(code):
    """22 bits."""
    digest = hashlib.blake2b(code, key=b"ccrun recovery checksum 1\0", digest_size=32).digest()
    return int.from_bytes(digest[:3], "big") >> 2


def recovery_key(typed):
    """The slot's key that a code stands for."""
    text = re.sub("[ \t\u00a0\u00ad\u00b7\u2000-\u2015\u202f\u2060\u2212\u3000\ufe63\ufeff\uff0d-]", "", typed)
    text = "".join(chr(ord(c) - 0xff01 + ord("!")) if "\uff01" <= c <= "\uff5e" else c for c in text).upper()
    text = text.replace("O", "0").replace("I", "1").replace("L", "1")
    if len(text) != 30 or any(c not in ALPHABET for c in text):
        raise BadValue("no recovery code")
    number = 0
    for c in text:
        number = number << 5 | ALPHABET.index(c)
    code = (number >> 22).to_bytes(16, "big")
    if number & (1 << 22) - 1 != recovery_checksum(code):
        raise BadValue("checksum")
    return hashlib.blake2b(code, key=b"ccrun recovery key 1\0", digest_size=32).digest()


# ---- vectors ----

def run_keyfile(directory, line):
    file, seed, machine, want, stage, vault, slot, key = line.split("\t")
    with open(os.path.join(directory, file), "rb") as f:
        data = f.read()
    got, at, found = "ok", "inspect", ("-", "-", "-")
    try:
        shown = inspect_keyfile(data)
        at = "open"
        opened = open_keyfile(data, host_secret(bytes.fromhex(seed), "" if machine == "-" else machine))
        found = (shown["vault"].hex(), str(shown["slot"]), opened.hex())
    except VaultError as e:
        got = e.name
    if (got, at, found) == (want, stage, (vault, slot, key)):
        return ""
    return "%s: wanted %s at %s, got %s at %s" % (file, want, stage, got, at)


def run_recovery(line):
    typed, want, key = line.split("\t")
    got, found = "ok", "-"
    try:
        found = recovery_key(typed).hex()
    except VaultError as e:
        got = e.name
    return "" if (got, found) == (want, key) else "%s: wanted %s, got %s" % (typed, want, got)


def lines(path):
    with open(path, encoding="ascii") as f:
        return [line.rstrip("\n") for line in f if line.strip() and line[0] != "#"]


def run_vectors(directory):
    """All wrong answers, and how many vectors there are."""
    keyfiles = os.path.join(directory, "keyfile")
    done = [run_keyfile(keyfiles, line) for line in lines(os.path.join(keyfiles, "INDEX"))]
    done += [run_recovery(line) for line in lines(os.path.join(directory, "recovery.txt"))]
    return [w for w in done if w], len(done)


def main(argv):
    if len(argv) != 3 or argv[1] != "--vectors":
        print(__doc__, file=sys.stderr)
        return 2
    wrong, count = run_vectors(argv[2])
    print("\n".join(wrong + ["%d vectors, %d wrong" % (count, len(wrong))]))
    return 1 if wrong or not count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
