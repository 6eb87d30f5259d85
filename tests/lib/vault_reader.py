#!/usr/bin/python3
"""A second reader of the vault format (versions 1 to 5), written from docs/VAULT.md.

    vault_reader.py FILE < passphrase      prints the entries as JSON
    vault_reader.py --key HEX FILE         the same with a slot's 32-byte key
    vault_reader.py --vectors DIRECTORY    runs the vectors of that directory

It shares no code with ccrun's own reader.  It is a test tool: what it decrypts
is in ordinary memory and, with JSON, on standard output.
"""

import json
import os
import re
import struct
import sys

import nacl.bindings as sodium
import nacl.encoding
import nacl.exceptions
import nacl.hash

MAGIC = b"ccrunvlt"
FILE_MAX = 524288
KINDS = {1: "passphrase", 2: "keyring", 3: "keyfile", 4: "credential", 5: "tpm2", 6: "recovery"}
WITH_MATERIAL = ("keyfile", "tpm2")
MATERIAL_MAX = 1024
SETTINGS = {1: "idle", 2: "longest", 3: "events"}
SETTINGS_MAX = {"events": 7, "durable": 1}
SETTINGS_OF_VERSION_1 = {"idle": 0, "longest": 0, "events": 7}
LOCK_TIME_MAX = 366 * 24 * 3600
TAGS = {1: "name", 2: "origin", 3: "variable", 4: "policy",
        5: "created", 6: "changed", 7: "used", 8: "token"}
# version 3: these, or the token
SOURCE = {9: "source", 10: "command", 11: "pick"}
SOURCE_MAX = {"source": 1024, "command": 2048, "pick": 256}
# version 5
IMAGES_MAX = 8
IMAGE = {1: "name", 2: "path", 3: "file", 4: "owner", 5: "identity", 6: "digest"}
INTERPRETER = {7: "interpreter", 8: "interpreter_file", 9: "interpreter_owner"}
IMAGE_FORM = {"name": rb"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z", "identity": rb"[0-9.:+]{1,320}\Z",
              "digest": rb"[0-9a-f]{64}\Z"}
IMAGE_PATH = rb"/[^\x00-\x1f\x7f]{0,1023}\Z"
NAME = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
VARIABLE = re.compile(rb"([A-Za-z_][A-Za-z0-9_]{0,63})?\Z")
TEXT = re.compile(rb"[ -~]*\Z")
WORDS = re.compile(rb"[^\x00-\x1f\x7f]+\Z")


class VaultError(Exception):
    """Any reason not to read a vault; `name` is the protocol's error name."""
    name = "internal"


class TooLarge(VaultError):
    name = "too-large"


class Damaged(VaultError):
    name = "damaged"


class Truncated(VaultError):
    name = "truncated"


class Newer(VaultError):
    name = "newer"


class KdfBounds(VaultError):
    name = "kdf-bounds"


class WrongKey(VaultError):
    name = "wrong-key"


class NoEntry(VaultError):
    name = "no-entry"


class Reader:
    """Takes fields off a byte string; past the end is damage."""

    def __init__(self, data, what):
        self.data, self.what, self.at = data, what, 0

    def take(self, n):
        if n > len(self.data) - self.at:
            raise Damaged(self.what + " is cut off")
        piece = self.data[self.at:self.at + n]
        self.at += n
        return piece

    def number(self, n):
        return int.from_bytes(self.take(n), "little")

    def left(self):
        return len(self.data) - self.at


def blake2b(data):
    return nacl.hash.generichash(data, digest_size=32, encoder=nacl.encoding.RawEncoder)


def envelope(data):
    """Checks 1 to 7; the version."""
    if len(data) > FILE_MAX:
        raise TooLarge("more than %d bytes" % FILE_MAX)
    if not MAGIC.startswith(data[:8]):
        raise Damaged("not a vault")
    if len(data) < 20:
        raise Truncated("no whole header")
    version, flags, total = struct.unpack("<HHQ", data[8:20])
    if len(data) < total:
        raise Truncated("%d of %d bytes" % (len(data), total))
    if len(data) > total or total < 52:
        raise Damaged("length")
    if blake2b(data[:-32]) != data[-32:]:
        raise Damaged("checksum")
    if version == 0:
        raise Damaged("version 0")
    if version > 5 or flags != 0:
        raise Newer("version %d, flags %d" % (version, flags))
    return version


def read_slot(r, version):
    start = r.at
    slot = {"kind": r.number(2)}
    body = r.number(2)
    slot["id"] = r.number(4)
    slot["created"] = r.number(8)
    label = r.take(r.number(1))
    if len(label) > 64 or not TEXT.match(label):
        raise Damaged("label")
    slot["label"] = label.decode("ascii")
    if slot["id"] == 0:
        raise Damaged("slot 0")
    if slot["kind"] not in KINDS:
        raise Newer("slot kind %d" % slot["kind"])
    material = body - (108 if slot["kind"] == 1 else 72)
    room = MATERIAL_MAX if version > 1 and KINDS[slot["kind"]] in WITH_MATERIAL else 0
    if not 0 <= material <= room:
        raise Damaged("slot length")
    if slot["kind"] == 1:
        slot["alg"], slot["ops"], slot["mem"] = r.number(4), r.number(8), r.number(8)
        slot["salt"] = r.take(16)
    slot["material"] = r.take(material)
    slot["bytes"] = r.data[start:r.at]
    slot["nonce"] = r.take(24)
    slot["wrapped"] = r.take(48)
    return slot


def inspect(data):
    """Checks 1 to 10: what a vault shows without a key."""
    version = envelope(data)
    r = Reader(data[:-32], "the header")
    r.at = 20
    out = {"version": version, "generation": r.number(8), "id": r.take(16), "slots": []}
    count = r.number(2)
    if not 1 <= count <= 64:
        raise Damaged("slot count")
    for _ in range(count):
        slot = read_slot(r, version)
        if slot["id"] in [s["id"] for s in out["slots"]]:
            raise Damaged("slot id twice")
        out["slots"].append(slot)
    out["nonce"] = r.take(24)
    out["ad"] = data[:r.at]
    size = r.number(8)
    if size != r.left() or size < 512 + 16 or (size - 16) % 512 != 0:
        raise Damaged("box length")
    out["box"] = r.take(size)
    for slot in out["slots"]:
        if slot["kind"] == 1:
            check_kdf(slot)
    return out


def check_kdf(slot):
    if slot["alg"] != 2:
        raise KdfBounds("algorithm %d" % slot["alg"])
    if not 1 <= slot["ops"] <= 16:
        raise KdfBounds("%d passes" % slot["ops"])
    if not 8 << 20 <= slot["mem"] <= 2048 << 20:
        raise KdfBounds("%d bytes" % slot["mem"])


def derive(slot, passphrase):
    return sodium.crypto_pwhash_alg(32, passphrase, slot["salt"], slot["ops"], slot["mem"],
                                    sodium.crypto_pwhash_ALG_ARGON2ID13)


def decrypt(box, ad, nonce, key, error):
    try:
        return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(box, ad, nonce, key)
    except nacl.exceptions.CryptoError:
        raise error from None


def check_field(name, value):
    if name in ("created", "changed", "used"):
        good = len(value) == 8
    elif name == "name":
        good = NAME.match(value)
    elif name == "variable":
        good = VARIABLE.match(value)
    elif name == "origin":
        good = len(value) <= 512 and TEXT.match(value)
    elif name == "policy":
        good = len(value) <= 448 and TEXT.match(value)
    elif name in SOURCE_MAX:
        good = len(value) <= SOURCE_MAX[name] and WORDS.match(value)
    else:
        good = 1 <= len(value) <= 16384
    if not good:
        raise Damaged("field " + name)


def read_entry(data, version):
    tags = {**TAGS, **(SOURCE if version > 2 else {})}
    r = Reader(data, "a field")
    entry = {}
    while r.left():
        tag, size = r.number(2), r.number(4)
        value = r.take(size)
        if tag not in tags:
            raise Newer("field %d" % tag)
        name = tags[tag]
        if name in entry:
            raise Damaged("field %s twice" % name)
        check_field(name, value)
        if name in ("created", "changed", "used"):
            entry[name] = int.from_bytes(value, "little")
        elif name == "token":
            entry[name] = value
        else:
            entry[name] = value.decode("utf-8" if name in SOURCE_MAX else "ascii", "surrogateescape")
    always = set(TAGS.values()) - {"token"}
    if set(entry) not in (always | {"token"}, always | set(SOURCE.values())):
        raise Damaged("a field is missing")
    return entry


def read_settings(data, version):
    r = Reader(data, "a setting")
    known = {**SETTINGS, **({4: "durable"} if version > 3 else {})}
    settings = {}
    while r.left():
        tag, size = r.number(2), r.number(4)
        if tag not in known:
            raise Newer("setting %d" % tag)
        name = known[tag]
        if size != 8 or name in settings:
            raise Damaged("setting " + name)
        settings[name] = r.number(8)
        if settings[name] > SETTINGS_MAX.get(name, LOCK_TIME_MAX):
            raise Damaged("setting " + name)
    if len(settings) != len(known):
        raise Damaged("a setting is missing")
    return settings


def read_image(data):
    r = Reader(data, "a field of an image")
    image = {}
    while r.left():
        tag, size = r.number(2), r.number(4)
        value = r.take(size)
        name = {**IMAGE, **INTERPRETER}.get(tag)
        if not name:
            raise Newer("field %d of an image" % tag)
        good = len(value) == 8 if name.endswith("owner") else re.match(IMAGE_FORM.get(name, IMAGE_PATH), value)
        if not good or name in image:
            raise Damaged("field %s of an image" % name)
        image[name] = int.from_bytes(value, "little") if name.endswith("owner") else \
            value.decode("utf-8", "surrogateescape")
    if set(image) not in (set(IMAGE.values()), {*IMAGE.values(), *INTERPRETER.values()}):
        raise Damaged("a field of an image is missing")
    return image


def read_images(r):
    count = r.number(4)
    if not 1 <= count <= IMAGES_MAX:
        raise Damaged("number of images")
    images = [read_image(r.take(r.number(4))) for _ in range(count)]
    if len({i["name"] for i in images}) != count:
        raise Damaged("an image's name twice")
    return images


def read_box(plain, version, slots):
    """Checks 14 to 18: settings, images and entries."""
    r = Reader(plain, "an entry")
    after, count = r.number(4), r.number(4)
    if count > 1024:
        raise Damaged("entry count")
    if any(slot["id"] >= after for slot in slots):
        raise Damaged("next slot")
    settings = dict(SETTINGS_OF_VERSION_1) if version == 1 else read_settings(r.take(r.number(4)), version)
    images = read_images(r) if version > 4 else []
    entries = []
    for _ in range(count):
        entry = read_entry(r.take(r.number(4)), version)
        if entries and entries[-1]["name"].encode() >= entry["name"].encode():
            raise Damaged("order of names")
        entries.append(entry)
    if r.left() >= 512 or any(r.take(r.left())):
        raise Damaged("padding")
    return settings, images, entries


def open_vault(data, key, slot_id=None):
    """All of it, with the wrapping key of a slot (the first when not named): what
    inspect() gives, with `settings`, `images` and `entries`."""
    public = inspect(data)
    slots = [s for s in public["slots"] if slot_id in (None, s["id"])]
    if not slots:
        raise NoEntry("no slot %s" % slot_id)
    slot = slots[0]
    vault_key = decrypt(slot["wrapped"], public["id"] + slot["bytes"], slot["nonce"], key,
                        WrongKey("slot %d" % slot["id"]))
    plain = decrypt(public["box"], public["ad"], public["nonce"], vault_key, Damaged("box"))
    public["vault_key"] = vault_key
    public["settings"], public["images"], public["entries"] = read_box(plain, public["version"], public["slots"])
    return public


def open_with_key(data, key, slot_id=None):
    """The entries alone."""
    return open_vault(data, key, slot_id)["entries"]


def read_vault(data, passphrase, slot_id=None):
    """The entries as a list of dicts (token: bytes), with a passphrase (bytes or str).

    Tries every passphrase slot, or the one named.  Raises a VaultError.
    """
    return open_with_passphrase(data, passphrase, slot_id)["entries"]


def open_with_passphrase(data, passphrase, slot_id=None):
    """As open_vault, with a passphrase (bytes or str)."""
    if isinstance(passphrase, str):
        passphrase = passphrase.encode()
    error = NoEntry("no passphrase slot")
    for slot in inspect(data)["slots"]:
        if slot["kind"] != 1 or slot_id not in (None, slot["id"]):
            continue
        try:
            return open_vault(data, derive(slot, passphrase), slot["id"])
        except WrongKey as wrong:
            error = wrong
    raise error


def last(e):
    """The token; of an entry that has a source "=" and its three texts."""
    if "source" in e:
        return "=" + ",".join(e[name].encode("utf-8", "surrogateescape").hex() for name in SOURCE.values())
    return e["token"].hex()


def shown(opened):
    """The last three columns of an INDEX line."""
    entries = ";".join("|".join([e["name"], e["origin"], e["variable"], e["policy"],
                                 str(e["created"]), str(e["changed"]), str(e["used"]),
                                 last(e)]) for e in opened["entries"])
    settings = "|".join([str(opened["settings"][name]) for name in SETTINGS.values()] +
                        ["durable"] * opened["settings"].get("durable", 0))
    material = ";".join("%d:%s" % (s["id"], s["material"].hex())
                        for s in opened["slots"] if s["material"])
    return [entries or "-", settings, material or "-"]


def run_vector(directory, line):
    """An empty string when the vector did what its line says, else what it did."""
    file, slot, secret, want, stage, *contents = line.split("\t")
    with open(os.path.join(directory, file), "rb") as f:
        data = f.read()
    got, at, found = "ok", "open", ["-"] * 3
    try:
        inspect(data)
    except VaultError as e:
        got, at = e.name, "inspect"
    if got == "ok":
        kind, _, value = secret.partition(":")
        try:
            if kind == "pass":
                found = shown(open_with_passphrase(data, value, int(slot)))
            else:
                found = shown(open_vault(data, bytes.fromhex(value), int(slot)))
        except VaultError as e:
            got = e.name
    if (got, at, found) == (want, stage, contents):
        return ""
    return "%s: wanted %s at %s, got %s at %s %s" % (file, want, stage, got, at, found[1:])


def run_vectors(directory):
    """All wrong answers, and how many vectors there are."""
    with open(os.path.join(directory, "INDEX"), encoding="ascii") as f:
        lines = [line.rstrip("\n") for line in f if line.strip() and line[0] != "#"]
    return [w for w in (run_vector(directory, line) for line in lines) if w], len(lines)


def main(argv):
    if len(argv) == 3 and argv[1] == "--vectors":
        wrong, count = run_vectors(argv[2])
        print("\n".join(wrong + ["%d vectors, %d wrong" % (count, len(wrong))]))
        return 1 if wrong or not count else 0
    if not (len(argv) == 2 or len(argv) == 4 and argv[1] == "--key"):
        print(__doc__, file=sys.stderr)
        return 2
    with open(argv[-1], "rb") as f:
        data = f.read()
    try:
        if len(argv) == 4:
            entries = open_with_key(data, bytes.fromhex(argv[2]))
        else:
            entries = read_vault(data, sys.stdin.buffer.readline().rstrip(b"\n"))
    except VaultError as e:
        print("vault_reader: %s: %s" % (e.name, e), file=sys.stderr)
        return 1
    print(json.dumps([dict(e, token=e["token"].decode("latin-1")) if "token" in e else e for e in entries],
                     indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
