#!/usr/bin/python3
"""Writes tests/vectors/vault: small vault files, each with one thing wrong.
Version 1 of the format, which is still read, (v2-...) version 2, and so on to version 5.

    make_vault_vectors.py [DIRECTORY]

A writer of its own, from docs/VAULT.md; every "random" byte is a hash of what
it is for, so the same files come out each time.  The keys in here open nothing
but these files.
"""

import hashlib
import os
import struct
import sys

import nacl.bindings as sodium

KEY_SLOT = 2          # most vectors are opened with a key: no Argon2id to wait for
PASSPHRASE = "correct horse battery staple"
CREATED = 1767225600
TAGS = ("name", "origin", "variable", "policy", "created", "changed", "used", "token")
SOURCE_TAGS = {9: "source", 10: "command", 11: "pick"}  # in the place of the token


def fixed(what, n):
    return hashlib.shake_256(b"ccrun vault vector: " + what.encode()).digest(n)


def seal(plain, ad, nonce, key):
    return sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, ad, nonce, key)


VAULT_ID = fixed("vault id", 16)
VAULT_KEY = fixed("vault key", 32)
SLOT_KEY = fixed("slot key", 32)


def checksum(data):
    return hashlib.blake2b(data, digest_size=32).digest()


def field(tag, value):
    return struct.pack("<HI", tag, len(value)) + value


def entry_fields(e):
    """The fields of an entry as a list, so that a vector can bend one."""
    out = []
    tags = dict(enumerate(TAGS, 1))
    if "source" in e:
        del tags[8]
        tags.update(SOURCE_TAGS)
    for tag, name in tags.items():
        value = e[name]
        if isinstance(value, int):
            value = struct.pack("<Q", value)
        elif isinstance(value, str):
            value = value.encode()
        out.append(field(tag, value))
    return out


def sized(data):
    return struct.pack("<I", len(data)) + data


def entry(e):
    return sized(b"".join(entry_fields(e)))


def entries_plain(entries, count=None, after=3, tail=b""):
    body = b"".join(e if isinstance(e, bytes) else entry(e) for e in entries)
    plain = struct.pack("<II", after, len(entries) if count is None else count) + body + tail
    return plain + bytes(-len(plain) % 512)


def settings_fields(idle=1800, longest=43200, events=5):
    """The settings as a list of fields, so that a vector can bend one."""
    return [field(1, struct.pack("<Q", idle)), field(2, struct.pack("<Q", longest)),
            field(3, struct.pack("<Q", events))]


def settings_plain(settings, entries=(), length=None):
    """A plaintext of version 2; settings: bytes."""
    body = b"".join(e if isinstance(e, bytes) else entry(e) for e in entries)
    plain = struct.pack("<III", 10, len(entries), len(settings) if length is None else length) \
        + settings + body
    return plain + bytes(-len(plain) % 512)


def slot(kind=2, ident=KEY_SLOT, label=b"vectors", key=SLOT_KEY, body=None, ops=1, mem=8 << 20,
         alg=2, vault_id=VAULT_ID, created=CREATED, material=b""):
    kdf = b""
    if kind == 1:
        salt = fixed("salt", 16)
        kdf = struct.pack("<IQQ", alg, ops, mem) + salt
        if key is None:
            key = sodium.crypto_pwhash_alg(32, PASSPHRASE.encode(), salt, ops, mem, 2)
    if body is None:
        body = len(kdf) + len(material) + 24 + 48
    head = struct.pack("<HHIQB", kind, body, ident, created, len(label)) + label + kdf + material
    nonce = fixed("slot nonce %d" % ident, 24)
    return head + nonce + seal(VAULT_KEY, vault_id + head, nonce, key)


def file(slots=None, plain=None, slot_count=None, version=1, flags=0, generation=7,
         box_length=None, total=None, box=None, tail=b""):
    slots = [slot()] if slots is None else slots
    plain = entries_plain([OPENROUTER, ZAI]) if plain is None else plain
    count = len(slots) if slot_count is None else slot_count
    size = 46 + sum(map(len, slots)) + 24 + 8 + len(plain if box is None else box[16:]) + 16 + 32
    head = (b"ccrunvlt" + struct.pack("<HHQQ", version, flags, size if total is None else total,
                                      generation)
            + VAULT_ID + struct.pack("<H", count) + b"".join(slots) + fixed("box nonce", 24))
    if box is None:
        box = seal(plain, head, fixed("box nonce", 24), VAULT_KEY)
    data = head + struct.pack("<Q", len(box) if box_length is None else box_length) + box + tail
    return data + checksum(data)


def flipped(data, at, mend=False):
    """One bit changed at `at`; mend: with a checksum that fits again."""
    data = bytearray(data)
    data[at] ^= 1
    return bytes(data[:-32]) + (checksum(bytes(data[:-32])) if mend else bytes(data[-32:]))


def made(name, origin="bearer https://api.z.ai/api/anthropic", variable="ANTHROPIC_AUTH_TOKEN",
         policy="delivery=auto nested=deny strict=no exposed=no", token=b"vector-token-0123456789",
         created=CREATED, changed=CREATED + 1, used=0):
    return dict(name=name, origin=origin, variable=variable, policy=policy, token=token,
                created=created, changed=changed, used=used)


def elsewhere(name, source="pass:ai/openrouter", command="/usr/bin/pass show ai/openrouter", pick="first-line"):
    e = made(name)
    del e["token"]
    return dict(e, source=source, command=command, pick=pick)


ZAI = made("zai")
OPENROUTER = made("openrouter", "bearer https://openrouter.ai/api", used=CREATED + 99,
                  token=b"sk-or-vector-" + b"x" * 60)
PLAIN_KEY = made("a", "", "", "", token=b"k")
FULL = made("A" + "b" * 63, "o" * 512, "V" * 64, "p" * 448, token=b"T" * 16384,
            created=2 ** 64 - 1, changed=2 ** 63, used=1)
GOOD_BOX_AT = 46 + len(slot()) + 24 + 8


def good_vectors():
    """name, bytes, slot, secret, entries"""
    key = "key:" + SLOT_KEY.hex()
    pair = [slot(1, 1, b"passphrase", None), slot()]
    fields = entry_fields(ZAI)
    yield "ok-two-entries", file(), KEY_SLOT, key, [OPENROUTER, ZAI]
    yield "ok-empty", file(plain=entries_plain([])), KEY_SLOT, key, []
    yield "ok-passphrase", file(pair), 1, "pass:" + PASSPHRASE, [OPENROUTER, ZAI]
    yield "ok-other-slot", file(pair), KEY_SLOT, key, [OPENROUTER, ZAI]
    yield "ok-key-without-provider", file(plain=entries_plain([PLAIN_KEY])), KEY_SLOT, key, \
        [PLAIN_KEY]
    yield "ok-longest-fields", file(plain=entries_plain([FULL])), KEY_SLOT, key, [FULL]
    yield "ok-fields-in-another-order", \
        file(plain=entries_plain([sized(b"".join(reversed(fields)))])), KEY_SLOT, key, [ZAI]
    yield "ok-no-label-long-label", \
        file([slot(label=b""), slot(6, 9, b"~" * 64)], entries_plain([], after=10)), KEY_SLOT, \
        key, []
    yield "ok-generation-largest", file(generation=2 ** 64 - 1), KEY_SLOT, key, [OPENROUTER, ZAI]


def envelope_vectors():
    good, box = file(), GOOD_BOX_AT
    yield "not-a-vault", "damaged", b"-----BEGIN PGP MESSAGE-----\n\nnot ours\n"
    yield "flip-magic", "damaged", flipped(good, 3)
    yield "empty", "truncated", b""
    yield "cut-in-magic", "truncated", good[:5]
    yield "cut-in-header", "truncated", good[:19]
    yield "cut-in-slot", "truncated", good[:60]
    yield "cut-in-box", "truncated", good[:box + 40]
    yield "cut-last-byte", "truncated", good[:-1]
    yield "bytes-after-the-end", "damaged", good + b"\n"
    yield "total-too-small", "damaged", (good[:12] + struct.pack("<Q", 51))[:20] + good[20:51]
    yield "flip-version", "damaged", flipped(good, 8)
    yield "total-one-less", "damaged", good[:12] + struct.pack("<Q", len(good) - 1) + good[20:]
    yield "total-one-more", "truncated", good[:12] + struct.pack("<Q", len(good) + 1) + good[20:]
    short = good[:12] + struct.pack("<Q", len(good) - 1) + good[20:-32]
    yield "total-one-less-checksum-mended", "damaged", short + checksum(short)
    yield "flip-generation", "damaged", flipped(good, 20)
    yield "flip-slot", "damaged", flipped(good, 70)
    yield "flip-box", "damaged", flipped(good, box + 33)
    yield "flip-checksum", "damaged", flipped(good, len(good) - 1)
    yield "version-0", "damaged", file(version=0)
    yield "version-6", "newer", file(version=6)
    yield "version-6-of-other-shape", "newer", newer_shape()
    yield "version-6-cut", "truncated", file(version=6)[:-7]
    yield "version-6-flipped", "damaged", flipped(file(version=6), 100)
    yield "flags-1", "newer", file(flags=1)


def newer_shape():
    """What a later version may look like: only the envelope is as here."""
    body = b"ccrunvlt" + struct.pack("<HHQ", 6, 3, 20 + 40 + 32) + fixed("something else", 40)
    return body + checksum(body)


def slot_vectors():
    yield "no-slots", "damaged", file([])
    yield "slots-65", "damaged", file([slot(ident=i + 1) for i in range(65)])
    yield "slot-count-too-high", "damaged", file(slot_count=40)
    yield "slot-id-0", "damaged", file([slot(ident=0)])
    yield "slot-id-twice", "damaged", file([slot(), slot(3)])
    yield "slot-label-65", "damaged", file([slot(label=b"x" * 65)])
    yield "slot-label-control", "damaged", file([slot(label=b"a\x1b[2Jb")])
    yield "slot-label-not-ascii", "damaged", file([slot(label=b"b\xc3\xbcro")])
    yield "slot-body-too-short", "damaged", file([slot(body=71)])
    yield "slot-body-too-long", "damaged", file([slot(body=65535)])
    yield "slot-kind-7", "newer", file([slot(kind=7)])
    yield "slot-kind-0", "newer", file([slot(kind=0)])
    yield "box-length-short", "damaged", file(box_length=512 + 16 - 1)
    yield "box-length-huge", "damaged", file(box_length=2 ** 64 - 1)
    yield "box-without-plaintext", "damaged", file(box=bytes(16))
    yield "box-not-a-step", "damaged", file(plain=entries_plain([]) + b"\0")
    for name, bend in (("alg-1", dict(alg=1)), ("ops-0", dict(ops=0)), ("ops-17", dict(ops=17)),
                       ("ops-huge", dict(ops=2 ** 63)), ("mem-8191-kib", dict(mem=8191 << 10)),
                       ("mem-2-gib-and-1", dict(mem=(2 << 30) + 1)),
                       ("mem-huge", dict(mem=2 ** 64 - 1))):
        yield "kdf-" + name, "kdf-bounds", \
            file([slot(1, 1, b"passphrase", SLOT_KEY, **bend), slot()])


def key_vectors():
    """name, result, bytes, slot, secret: what only a key can tell"""
    key, good = "key:" + SLOT_KEY.hex(), file()
    pair = file([slot(1, 1, b"passphrase", None), slot()])
    yield "wrong-key", "wrong-key", good, KEY_SLOT, "key:" + fixed("another key", 32).hex()
    yield "wrong-passphrase", "wrong-key", pair, 1, "pass:incorrect horse battery staple"
    yield "empty-passphrase", "wrong-key", pair, 1, "pass:"
    yield "no-such-slot", "no-entry", good, 5, key
    yield "slot-of-another-vault", "wrong-key", file([slot(vault_id=fixed("other", 16))]), \
        KEY_SLOT, key
    # what someone does who can write the file and mends the checksum
    yield "forged-slot-label", "wrong-key", flipped(good, 46 + 17, True), KEY_SLOT, key
    yield "forged-slot-date", "wrong-key", flipped(good, 46 + 9, True), KEY_SLOT, key
    yield "forged-slot-wrapped", "wrong-key", flipped(good, 46 + 17 + 7 + 24, True), KEY_SLOT, key
    yield "forged-generation", "damaged", flipped(good, 20, True), KEY_SLOT, key
    yield "forged-box-nonce", "damaged", flipped(good, GOOD_BOX_AT - 9, True), KEY_SLOT, key
    yield "forged-box", "damaged", flipped(good, GOOD_BOX_AT, True), KEY_SLOT, key
    yield "forged-box-tag", "damaged", flipped(good, len(good) - 33, True), KEY_SLOT, key
    yield "forged-slot-added", "damaged", forged_slot(good), KEY_SLOT, key


def forged_slot(good):
    """A slot put behind the first by someone without the vault key."""
    extra = slot(ident=1, key=fixed("attacker", 32))
    head = good[:12] + struct.pack("<Q", len(good) + len(extra)) + good[20:44] + \
        struct.pack("<H", 2)
    data = head + good[46:GOOD_BOX_AT - 32] + extra + good[GOOD_BOX_AT - 32:-32]
    return data + checksum(data)


def plain_vectors():
    """name, result, plaintext: sealed as it should be, wrong inside"""
    f = entry_fields(ZAI)
    two = [OPENROUTER, ZAI]

    def bent(at, value):
        return entries_plain([sized(b"".join(f[:at] + [value] + f[at + 1:]))])

    yield "next-slot-not-above", "damaged", entries_plain(two, after=2)
    yield "entry-count-too-high", "damaged", entries_plain(two, count=3)
    yield "entry-count-too-low", "damaged", entries_plain(two, count=1)
    yield "entry-count-1025", "damaged", entries_plain([], count=1025)
    yield "entry-cut-off", "damaged", entries_plain([struct.pack("<I", 2 ** 32 - 1)])
    yield "entry-empty", "damaged", entries_plain([sized(b"")])
    yield "entry-trailing-bytes", "damaged", entries_plain([sized(b"".join(f) + b"\x01\x00\x00")])
    yield "entries-out-of-order", "damaged", entries_plain([ZAI, OPENROUTER])
    yield "entry-twice", "damaged", entries_plain([ZAI, ZAI])
    yield "field-twice", "damaged", entries_plain([sized(b"".join(f + f[:1]))])
    yield "field-unknown", "newer", entries_plain([sized(b"".join(f) + field(9, b"x"))])
    yield "field-tag-0", "newer", entries_plain([sized(b"".join(f) + field(0, b""))])
    yield "field-cut-off", "damaged", bent(7, struct.pack("<HI", 8, 2 ** 31) + b"abc")
    for tag, name in enumerate(TAGS, 1):
        yield "field-missing-" + name, "damaged", bent(tag - 1, b"")
    yield "name-empty", "damaged", bent(0, field(1, b""))
    yield "name-65", "damaged", bent(0, field(1, b"z" * 65))
    yield "name-slash", "damaged", bent(0, field(1, b"../zai"))
    yield "name-nul", "damaged", bent(0, field(1, b"zai\0"))
    yield "origin-513", "damaged", bent(1, field(2, b"o" * 513))
    yield "origin-newline", "damaged", bent(1, field(2, b"bearer https://a\nb"))
    yield "variable-digit", "damaged", bent(2, field(3, b"1TOKEN"))
    yield "variable-equals", "damaged", bent(2, field(3, b"LD_PRELOAD=x"))
    yield "policy-449", "damaged", bent(3, field(4, b"p" * 449))
    yield "policy-escape", "damaged", bent(3, field(4, b"nested=\x1b[0mdeny"))
    yield "time-of-7-bytes", "damaged", bent(4, field(5, bytes(7)))
    yield "time-of-9-bytes", "damaged", bent(6, field(7, bytes(9)))
    yield "token-empty", "damaged", bent(7, field(8, b""))
    yield "token-16385", "damaged", bent(7, field(8, b"T" * 16385))
    yield "padding-not-zero", "damaged", entries_plain([])[:-1] + b"\x01"
    yield "padding-512", "damaged", entries_plain([]) + bytes(512)


# ---- version 2 ----

HOST = fixed("host public key", 32)
BLOB = fixed("tpm blob", 1024)
LONGEST = 366 * 24 * 3600
MATERIAL_AT = 46 + 17 + 7


def file2(slots=None, plain=None, **more):
    return file(slots, settings_plain(b"".join(settings_fields()), [OPENROUTER, ZAI])
                if plain is None else plain, version=2, **more)


def good_vectors_2():
    """name, bytes, slot, secret, entries, settings, material"""
    key, two = "key:" + SLOT_KEY.hex(), [OPENROUTER, ZAI]
    usual = "1800|43200|5"
    first = slot(1, 1, b"passphrase", None)
    host, chip = slot(3, 3, b"build-7", material=HOST), slot(5, 4, material=BLOB)
    yield "ok-two-entries", file2(), KEY_SLOT, key, two, usual, "-"
    yield "ok-empty", file2(plain=settings_plain(b"".join(settings_fields(0, 0, 7)))), KEY_SLOT, \
        key, [], "0|0|7", "-"
    yield "ok-settings-largest", \
        file2(plain=settings_plain(b"".join(settings_fields(LONGEST, LONGEST, 0)), two)), \
        KEY_SLOT, key, two, "%d|%d|0" % (LONGEST, LONGEST), "-"
    yield "ok-settings-in-another-order", \
        file2(plain=settings_plain(b"".join(reversed(settings_fields())), two)), KEY_SLOT, key, \
        two, usual, "-"
    yield "ok-passphrase", file2([first, slot()]), 1, "pass:" + PASSPHRASE, two, usual, "-"
    yield "ok-keyfile-material", file2([host]), 3, key, two, usual, "3:" + HOST.hex()
    yield "ok-tpm2-material-1024", file2([chip]), 4, key, two, usual, "4:" + BLOB.hex()
    yield "ok-material-of-one-byte", file2([slot(5, material=b"\0")]), KEY_SLOT, key, two, usual, \
        "2:00"
    yield "ok-without-material", file2([slot(3, 3), slot(5, 4)]), 4, key, two, usual, "-"
    yield "ok-every-kind", file2([first, slot(), host, slot(4, 5), chip, slot(6, 6)]), 6, key, \
        two, usual, "3:%s;4:%s" % (HOST.hex(), BLOB.hex())


def slot_vectors_2():
    for kind, name in ((1, "passphrase"), (2, "keyring"), (4, "credential"), (6, "recovery")):
        yield "material-on-" + name, "damaged", file2([slot(kind, material=HOST), slot(ident=1)])
    yield "material-1025", "damaged", file2([slot(5, material=BLOB + b"\0")])
    yield "material-past-the-file", "damaged", \
        file2([slot(5, body=72 + 1024)], settings_plain(b"".join(settings_fields())))
    yield "material-not-counted", "damaged", file2([slot(3, body=72, material=HOST)])
    yield "slot-body-too-short", "damaged", file2([slot(3, body=71)])
    yield "flip-material", "damaged", flipped(file2([slot(3, material=HOST)]), MATERIAL_AT + 9)
    yield "forged-version-1-material", "damaged", as_version(file2([slot(3, material=HOST)]), 1)


def as_version(data, version):
    data = data[:8] + struct.pack("<H", version) + data[10:-32]
    return data + checksum(data)


def shorter_material():
    """A byte of the material taken out, all lengths and the checksum mended."""
    good, body = file2([slot(3, material=HOST)]), 72 + len(HOST)
    data = bytearray(good[:MATERIAL_AT + 31] + good[MATERIAL_AT + 32:-32])
    data[12:20] = struct.pack("<Q", len(good) - 1)
    data[48:50] = struct.pack("<H", body - 1)
    return bytes(data) + checksum(bytes(data))


def key_vectors_2():
    good = file2([slot(3, material=HOST)])
    yield "wrong-key", "wrong-key", good, "key:" + fixed("another key", 32).hex()
    yield "forged-material", "wrong-key", flipped(good, MATERIAL_AT, True), None
    yield "forged-material-last-byte", "wrong-key", flipped(good, MATERIAL_AT + 31, True), None
    yield "forged-material-shorter", "wrong-key", shorter_material(), None
    yield "forged-slot-kind", "wrong-key", swapped_kind(good), None
    yield "forged-version-1", "damaged", as_version(file2(), 1), None
    yield "forged-version-2", "damaged", as_version(file(), 2), None
    yield "forged-box", "damaged", flipped(good, len(good) - 40, True), None
    other = file2([slot(ident=KEY_SLOT), slot(3, 3, material=HOST)])
    at = 46 + len(slot()) + MATERIAL_AT - 46
    yield "forged-material-of-another-slot", "damaged", flipped(other, at, True), None


def swapped_kind(good):
    """The keyfile slot called a tpm2 slot."""
    data = bytearray(good[:-32])
    data[46] = 5
    return bytes(data) + checksum(bytes(data))


def plain_vectors_2():
    """name, result, plaintext"""
    s = settings_fields()
    two = [OPENROUTER, ZAI]

    def bent(at, value):
        return settings_plain(b"".join(s[:at] + [value] + s[at + 1:]), two)

    def number(tag, value):
        return field(tag, struct.pack("<Q", value))

    yield "settings-none", "damaged", settings_plain(b"", two)
    for at, name in enumerate(("idle", "longest", "events")):
        yield "settings-missing-" + name, "damaged", bent(at, b"")
        yield "settings-twice-" + name, "damaged", settings_plain(b"".join(s + [s[at]]), two)
        yield "settings-huge-" + name, "damaged", bent(at, number(at + 1, 2 ** 64 - 1))
    yield "settings-tag-0", "newer", settings_plain(b"".join(s) + number(0, 0), two)
    yield "settings-tag-4", "newer", settings_plain(b"".join(s) + number(4, 1), two)
    yield "settings-tag-4-long", "newer", settings_plain(field(4, b"x" * 40) + b"".join(s), two)
    yield "settings-value-of-7-bytes", "damaged", bent(0, field(1, bytes(7)))
    yield "settings-value-of-9-bytes", "damaged", bent(2, field(3, bytes(9)))
    yield "settings-value-empty", "damaged", bent(1, field(2, b""))
    yield "settings-value-length-huge", "damaged", bent(2, struct.pack("<HI", 3, 2 ** 31) + bytes(8))
    yield "settings-idle-367-days", "damaged", bent(0, number(1, LONGEST + 1))
    yield "settings-longest-367-days", "damaged", bent(1, number(2, LONGEST + 1))
    yield "settings-events-8", "damaged", bent(2, number(3, 8))
    yield "settings-events-above-32-bits", "damaged", bent(2, number(3, 2 ** 32 + 7))
    yield "settings-cut-off", "damaged", settings_plain(b"".join(s)[:-1], two)
    yield "settings-trailing-bytes", "damaged", settings_plain(b"".join(s) + b"\1\0\0", two)
    yield "settings-length-past-the-end", "damaged", settings_plain(b"".join(s), [], 512)
    yield "settings-length-huge", "damaged", settings_plain(b"".join(s), [], 2 ** 32 - 1)
    # the entries of a vault of version 1, where the settings should be
    yield "settings-not-there", "damaged", entries_plain(two)


# ---- version 3 ----

LONGEST_SOURCE = elsewhere("long", "gpg:/" + "r" * 1019, "/" + "c" * 2047, "json:" + "f" * 251)


def file3(entries, slots=None, version=3):
    return file(slots, settings_plain(b"".join(settings_fields()), entries), version=version)


def good_vectors_3():
    """name, bytes, entries"""
    op = elsewhere("openrouter", "op://Private/Schl\u00fcssel/api key",
                   '/opt/1p/op read --no-newline "op://Private/Schl\u00fcssel/api key"', "line")
    aws = elsewhere("a", "aws-sm:id#a.b", "/usr/bin/aws secretsmanager get-secret-value --secret-id id", "json:a.b")
    yield "ok-source", file3([op]), [op]
    yield "ok-sources-and-a-token", file3([aws, op, ZAI]), [aws, op, ZAI]
    yield "ok-longest-source", file3([LONGEST_SOURCE]), [LONGEST_SOURCE]
    yield "ok-without-a-source", file3([ZAI]), [ZAI]
    yield "ok-empty", file3([]), []
    yield "ok-fields-in-another-order", file3([sized(b"".join(reversed(entry_fields(op))))]), [op]
    yield "ok-keyfile-material", file3([op], [slot(3, KEY_SLOT, material=HOST)]), [op]


def entry_vectors_3():
    """name, result, entries"""
    f = entry_fields(elsewhere("zai"))
    token = field(8, b"vector-token-0123456789")

    def bent(at, value):
        return [sized(b"".join(f[:at] + [value] + f[at + 1:]))]

    yield "source-and-token", "damaged", [sized(b"".join(f + [token]))]
    yield "neither-source-nor-token", "damaged", [sized(b"".join(f[:7]))]
    yield "command-and-token", "damaged", [sized(b"".join(f[:7] + [token, f[8]]))]
    for at, (tag, name) in enumerate(SOURCE_TAGS.items(), 7):
        yield "missing-" + name, "damaged", bent(at, b"")
        yield "twice-" + name, "damaged", [sized(b"".join(f + [f[at]]))]
        yield "empty-" + name, "damaged", bent(at, field(tag, b""))
        yield "newline-" + name, "damaged", bent(at, field(tag, b"a\nb"))
        yield "nul-" + name, "damaged", bent(at, field(tag, b"a\0b"))
        yield "escape-" + name, "damaged", bent(at, field(tag, b"a\x1b[2Jb"))
        yield "delete-" + name, "damaged", bent(at, field(tag, b"a\x7fb"))
    yield "source-1025", "damaged", bent(7, field(9, b"s" * 1025))
    yield "command-2049", "damaged", bent(8, field(10, b"c" * 2049))
    yield "pick-257", "damaged", bent(9, field(11, b"p" * 257))
    yield "field-unknown", "newer", [sized(b"".join(f) + field(12, b"x"))]


# ---- version 4 ----

def file4(settings, entries, version=4):
    return file(plain=settings_plain(b"".join(settings), entries), version=version)


def good_vectors_4():
    """name, bytes, entries, settings"""
    yes, no = field(4, struct.pack("<Q", 1)), field(4, bytes(8))
    s, aws = settings_fields(), elsewhere("a")
    yield "ok-durable", file4(s + [yes], [OPENROUTER, ZAI]), [OPENROUTER, ZAI], "1800|43200|5|durable"
    yield "ok-durable-first", file4([yes] + s, [ZAI]), [ZAI], "1800|43200|5|durable"
    yield "ok-not-durable", file4(s + [no], [ZAI]), [ZAI], "1800|43200|5"
    yield "ok-source", file4(s + [yes], [aws, ZAI]), [aws, ZAI], "1800|43200|5|durable"


def plain_vectors_4():
    """name, result, bytes"""
    s, two = settings_fields(), [OPENROUTER, ZAI]

    def number(tag, value):
        return field(tag, struct.pack("<Q", value))

    yield "settings-missing-durable", "damaged", file4(s, two)
    yield "settings-twice-durable", "damaged", file4(s + [number(4, 1)] * 2, two)
    yield "settings-durable-2", "damaged", file4(s + [number(4, 2)], two)
    yield "settings-durable-huge", "damaged", file4(s + [number(4, 2 ** 64 - 1)], two)
    yield "settings-durable-of-7-bytes", "damaged", file4(s + [field(4, bytes(7))], two)
    yield "settings-tag-5", "newer", file4(s + [number(4, 1), number(5, 1)], two)
    yield "forged-version-3", "damaged", as_version(file4(s + [number(4, 1)], two), 3)


# ---- version 5 ----

SCRIPT = {"interpreter": "/usr/bin/node", "interpreter_file": "/usr/bin/node", "interpreter_owner": 0}


def image_fields(name="claude", owner=1000, script=False, **more):
    """The fields of an image as a list, so that a vector can bend one."""
    i = {"name": name, "path": "/home/u/.local/bin/" + name, "file": "/home/u/.local/share/claude/versions/2.1.330",
         "owner": owner, "identity": "66:1:381121040:1764374400.000000001", "digest": "0123456789abcdef" * 4,
         **(SCRIPT if script else {}), **more}
    return [field(tag, struct.pack("<Q", value) if isinstance(value, int) else value.encode())
            for tag, value in enumerate(i.values(), 1)]


def image(*args, **more):
    return sized(b"".join(image_fields(*args, **more)))


def file5(images, entries=(ZAI,), count=None, version=5, settings=None):
    body = b"".join(e if isinstance(e, bytes) else entry(e) for e in entries)
    settings = b"".join(settings_fields() + [field(4, bytes(8))] if settings is None else settings)
    plain = struct.pack("<III", 10, len(entries), len(settings)) + settings + \
        struct.pack("<I", len(images) if count is None else count) + b"".join(images) + body
    return file(plain=plain + bytes(-len(plain) % 512), version=version)


def good_vectors_5():
    """name, bytes, entries"""
    op = elsewhere("openrouter")
    yield "ok-program", file5([image()]), [ZAI]
    yield "ok-script", file5([image(script=True)]), [ZAI]
    yield "ok-durable", file5([image()], settings=settings_fields() + [field(4, struct.pack("<Q", 1))]), [ZAI]
    yield "ok-eight", file5([image("claude%d" % i) for i in range(8)], [op, ZAI]), [op, ZAI]
    yield "ok-longest", file5([image("n" * 64, path="/" + "p" * 1023, file="/" + "f" * 1023, identity="1" * 320,
                                     script=True)], []), []
    yield "ok-fields-in-another-order", file5([sized(b"".join(reversed(image_fields(script=True))))]), [ZAI]


def image_vectors_5():
    """name, result, bytes"""
    f = image_fields(script=True)

    def bent(at, value):
        return file5([sized(b"".join(f[:at] + [value] + f[at + 1:]))])

    yield "no-images", "damaged", file5([])
    yield "nine-images", "damaged", file5([image("claude%d" % i) for i in range(9)])
    yield "image-twice", "damaged", file5([image(), image(script=True)])
    yield "fewer-images", "damaged", file5([image()], count=2)
    yield "image-cut", "damaged", file5([struct.pack("<I", 1 << 30) + image()[4:]])
    yield "image-empty", "damaged", file5([sized(b"")])
    for at, name in enumerate(["name", "path", "file", "owner", "identity", "digest", *SCRIPT]):
        yield "missing-" + name, "damaged", bent(at, b"")
        yield "twice-" + name, "damaged", file5([sized(b"".join(f + [f[at]]))])
        yield "empty-" + name, "damaged", bent(at, field(at + 1, b""))
    for at in (1, 2, 6, 7):
        yield "relative-%d" % (at + 1), "damaged", bent(at, field(at + 1, b"bin/claude"))
        yield "newline-%d" % (at + 1), "damaged", bent(at, field(at + 1, b"/bin\n/claude"))
        yield "nul-%d" % (at + 1), "damaged", bent(at, field(at + 1, b"/bin\0/claude"))
        yield "long-%d" % (at + 1), "damaged", bent(at, field(at + 1, b"/" + b"x" * 1024))
    yield "name-of-a-path", "damaged", bent(0, field(1, b"bin/claude"))
    yield "identity-letters", "damaged", bent(4, field(5, b"66:x"))
    yield "identity-321", "damaged", bent(4, field(5, b"1" * 321))
    yield "digest-63", "damaged", bent(5, field(6, b"0" * 63))
    yield "digest-upper-case", "damaged", bent(5, field(6, b"A" * 64))
    yield "owner-short", "damaged", bent(3, field(4, b"1234"))
    yield "image-field-unknown", "newer", file5([sized(b"".join(f) + field(10, b"x"))])
    yield "settings-missing-durable", "damaged", file5([image()], settings=settings_fields())
    # a program of version 4 takes the number of images for an entry's length
    yield "version-4-of-images", "damaged", file5([image()], version=4)
    yield "forged-version-4", "damaged", as_version(file5([image()]), 4)


def shown(entries):
    """The last part is the token; of an entry that has a source "=" and three texts."""
    def last(e):
        if "source" in e:
            return "=" + ",".join(e[name].encode().hex() for name in SOURCE_TAGS.values())
        return e["token"].hex()
    return ";".join("|".join([e["name"], e["origin"], e["variable"], e["policy"],
                              str(e["created"]), str(e["changed"]), str(e["used"]),
                              last(e)]) for e in entries) or "-"


def vectors():
    """name, bytes, slot, secret, result, stage, entries, settings, material"""
    key = "key:" + SLOT_KEY.hex()
    nothing = ("-", "-", "-")
    for name, data, ident, secret, entries in good_vectors():
        yield name, data, ident, secret, "ok", "open", shown(entries), "0|0|7", "-"
    for name, result, data in list(envelope_vectors()) + list(slot_vectors()):
        yield (name, data, KEY_SLOT, key, result, "inspect") + nothing
    for name, result, data, ident, secret in key_vectors():
        yield (name, data, ident, secret, result, "open") + nothing
    for name, result, plain in plain_vectors():
        yield (name, file(plain=plain), KEY_SLOT, key, result, "open") + nothing
    yield ("material-in-version-1", file([slot(3, material=HOST)]), KEY_SLOT, key, "damaged",
           "inspect") + nothing
    for name, data, ident, secret, entries, settings, material in good_vectors_2():
        yield "v2-" + name, data, ident, secret, "ok", "open", shown(entries), settings, material
    for name, result, data in slot_vectors_2():
        yield ("v2-" + name, data, KEY_SLOT, key, result, "inspect") + nothing
    for name, result, data, secret in key_vectors_2():
        yield ("v2-" + name, data, KEY_SLOT, secret or key, result, "open") + nothing
    for name, result, plain in plain_vectors_2():
        yield ("v2-" + name, file2(plain=plain), KEY_SLOT, key, result, "open") + nothing
    for name, data, entries in good_vectors_3():
        material = "%d:%s" % (KEY_SLOT, HOST.hex()) if "material" in name else "-"
        yield "v3-" + name, data, KEY_SLOT, key, "ok", "open", shown(entries), "1800|43200|5", material
    for name, result, entries in entry_vectors_3():
        yield ("v3-" + name, file3(entries), KEY_SLOT, key, result, "open") + nothing
    for name, data, entries, settings in good_vectors_4():
        yield "v4-" + name, data, KEY_SLOT, key, "ok", "open", shown(entries), settings, "-"
    for name, result, data in plain_vectors_4():
        yield ("v4-" + name, data, KEY_SLOT, key, result, "open") + nothing
    for name, data, entries in good_vectors_5():
        yield ("v5-" + name, data, KEY_SLOT, key, "ok", "open", shown(entries),
               "1800|43200|5" + ("|durable" if "durable" in name else ""), "-")
    for name, result, data in image_vectors_5():
        yield ("v5-" + name, data, KEY_SLOT, key, result, "open") + nothing
    # so does one of version 3 of a log that is to be durable
    yield ("v3-durable", file4(settings_fields() + [field(4, struct.pack("<Q", 1))], [ZAI], 3), KEY_SLOT, key,
           "newer", "open") + nothing
    # a program of version 2 knows nothing of sources, and skips nothing
    yield ("v2-source", file3([elsewhere("zai")], version=2), KEY_SLOT, key, "newer", "open") + nothing
    yield ("v3-forged-version-2", as_version(file3([ZAI]), 2), KEY_SLOT, key, "damaged", "open") + nothing


def main(argv):
    where = argv[1] if len(argv) > 1 else \
        os.path.join(os.path.dirname(os.path.abspath(__file__)), "vault")
    os.makedirs(where, exist_ok=True)
    lines = ["# written by make_vault_vectors.py; docs/VAULT.md, \"Vectors\", says what this is",
             "# file\tslot\tsecret\tresult\tstage\tentries\tsettings\tmaterial"]
    for name, data, ident, *rest in vectors():
        with open(os.path.join(where, name + ".vault"), "wb") as f:
            f.write(data)
        lines.append("\t".join([name + ".vault", str(ident)] + rest))
    with open(os.path.join(where, "INDEX"), "w", encoding="ascii") as f:
        f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv)
