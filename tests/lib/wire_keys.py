"""Slots' keys outside the vault, written from docs/VAULT.md with PyNaCl: host key
pairs, keyfiles sealed to them, and key texts."""
import base64
import hashlib
import struct
from pathlib import Path

import nacl.bindings as sodium

KEYFILE_LEN = 174


def key(n):
    """A slot's key, another one for each n."""
    return hashlib.blake2b(b"key of slot %d" % n, digest_size=32).digest()


def machine():
    """MACHINE of the page."""
    try:
        text = Path("/etc/machine-id").read_text()
    except OSError:
        return ""
    return "" if len(text) > 64 else "".join(text.split()[:1])[:63]


def host_pair(seed):
    """(public, secret) that the seed makes on this machine."""
    secret = hashlib.blake2b(b"ccrun host key 1\0" + machine().encode(), key=seed,
                             digest_size=32).digest()
    return sodium.crypto_scalarmult_base(secret), secret


def host_text(seed):
    return "ccrun-host-secret-1 " + base64.b64encode(seed).decode() + "\n"


def write_private(path, data):
    path.unlink(missing_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    path.chmod(0o400)


def give_host_key(broker, seed=b"s" * 32):
    """This broker's host has a key pair from now on; its public half."""
    write_private(broker.data / "host.key", host_text(seed))
    return host_pair(seed)[0]


def keyfile(vault, slot, slot_key, public, version=1):
    body = b"ccrunkey" + struct.pack("<H", version) + vault + struct.pack("<I", slot) + public
    body += sodium.crypto_box_seal(slot_key, public)
    return body + hashlib.blake2b(body, digest_size=32).digest()


def key_text(vault, slot, slot_key):
    return f"ccrun-key-1 {vault.hex()} {slot} {slot_key.hex()}\n"
