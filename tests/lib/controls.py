"""The controls of the project (base/control.h), and switching them off in the test build.

    with without(Broker(), "mark") as b:      # a broker, a world, whatever has an env
        ...
"""
import subprocess

from built import REPO

VARIABLE = "CCRUN_WITHOUT"


def names():
    text = subprocess.run([REPO / "tools/controls", "--list"], stdout=subprocess.PIPE, check=True, text=True).stdout
    return [line.split()[0] for line in text.splitlines()]


def off(*controls):
    """The variable that switches them off; nothing for none."""
    return {VARIABLE: ",".join(controls)} if controls else {}


def without(broker, *controls):
    """The same wire_client.Broker, to be started without them."""
    broker.env.update(off(*controls))
    return broker
