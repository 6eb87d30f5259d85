"""Files of hosts to which keyfiles are sealed (docs/VAULT.md, "host.key and host.pub")."""
import base64
from pathlib import Path


def public_line(public, name="server"):
    return f"ccrun-host-1 {base64.b64encode(public).decode()} {name}\n"


def agreed_host(path):
    """The words with which a script says that this host.pub is the right one."""
    return "--allow", f"host={Path(path).read_text().split()[1]}"
