"""Writes a vault's file anew with fewer of its slots (docs/VAULT.md): what ccrun itself
does not make, such as one that only a keyring opens.  Beside vault_reader, from that page."""
import os
import struct

import nacl.bindings as sodium

import vault_reader as reader

NEXT_SLOT = 0  # where its number is in the box


def keep_slots(data, key, slot_id, keep):
    """The file with the slots of these ids alone; key opens slot slot_id of what there is."""
    v = reader.open_vault(data, key, slot_id)
    plain = reader.decrypt(v["box"], v["ad"], v["nonce"], v["vault_key"], AssertionError("box"))
    slots = [s for s in v["slots"] if s["id"] in keep]
    assert [s["id"] for s in slots] == list(keep)
    return assembled(v, slots, plain)


def assembled(v, slots, plain):
    """The file with these slots and this box, under the vault's own key."""
    table = b"".join(s["bytes"] + s["nonce"] + s["wrapped"] for s in slots)
    total = 20 + 8 + 16 + 2 + len(table) + 24 + 8 + len(v["box"]) + 32
    nonce = os.urandom(24)
    head = (reader.MAGIC + struct.pack("<HHQQ", v["version"], 0, total, v["generation"]) + v["id"] +
            struct.pack("<H", len(slots)) + table + nonce)
    box = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, head, nonce, v["vault_key"])
    body = head + struct.pack("<Q", len(box)) + box
    out = body + reader.blake2b(body)
    reader.inspect(out)
    return out


def plant_recovery(data, key, slot_id, planted):
    """The file with one more slot, a recovery code's, that opens with the key `planted`; and its id."""
    v = reader.open_vault(data, key, slot_id)
    plain = bytearray(reader.decrypt(v["box"], v["ad"], v["nonce"], v["vault_key"], AssertionError("box")))
    new = struct.unpack_from("<I", plain, NEXT_SLOT)[0]
    struct.pack_into("<I", plain, NEXT_SLOT, new + 1)
    label = b"recovery"
    slot = {"bytes": struct.pack("<HHIQB", 6, 72, new, 1700000000, len(label)) + label, "nonce": os.urandom(24)}
    slot["wrapped"] = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(v["vault_key"], v["id"] + slot["bytes"],
                                                                        slot["nonce"], planted)
    return assembled(v, [*v["slots"], slot], bytes(plain)), new


def with_text(data, key, slot_id, was, now):
    """The file with other bytes of the same length in its box."""
    v = reader.open_vault(data, key, slot_id)
    plain = reader.decrypt(v["box"], v["ad"], v["nonce"], v["vault_key"], AssertionError("box"))
    assert plain.count(was) == 1 and len(was) == len(now)
    return assembled(v, v["slots"], plain.replace(was, now))


def set_passphrase(data, old, new, slot_id=1, cost=None):
    """The file whose slot slot_id opens with the bytes `new` in place of the passphrase `old`; a new
    cost is passes and bytes of Argon2id."""
    slot = next(s for s in reader.inspect(data)["slots"] if s["id"] == slot_id)
    v = reader.open_vault(data, reader.derive(slot, old), slot_id)
    was = struct.pack("<QQ", slot["ops"], slot["mem"])
    bytes_ = slot["bytes"]
    if cost:
        slot["ops"], slot["mem"] = cost
        assert bytes_.count(was) == 1
        bytes_ = bytes_.replace(was, struct.pack("<QQ", *cost))
    ad = v["id"] + bytes_
    wrapped = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(v["vault_key"], ad, slot["nonce"],
                                                                reader.derive(slot, new))
    plain = reader.decrypt(v["box"], v["ad"], v["nonce"], v["vault_key"], AssertionError("box"))
    assert data.count(slot["wrapped"]) == 1
    head = v["ad"].replace(slot["bytes"], bytes_).replace(slot["wrapped"], wrapped)
    box = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, head, v["nonce"], v["vault_key"])
    body = head + struct.pack("<Q", len(box)) + box
    out = body + reader.blake2b(body)
    reader.inspect(out)
    return out
