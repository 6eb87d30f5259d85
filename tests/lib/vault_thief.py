"""What a keyfile is worth to whoever has the host's secret half, and can read the vault's file."""
import vault_reader as reader
from keyfile_reader import inspect_keyfile, open_keyfile


def stolen(keyfile, secret, vault, token):
    """What the owner of the other host reads."""
    slot = inspect_keyfile(keyfile)["slot"]
    entries = reader.open_with_key(vault, open_keyfile(keyfile, secret), slot)
    return f"the key is read: {entries[0]['token'] == token.encode()}"
