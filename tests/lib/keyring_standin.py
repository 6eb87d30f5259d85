"""A Secret Service that misbehaves on request, with one item in one keyring.

    keyring_standin.py [--hang METHOD] [--die METHOD] [--locked] [--bare]
                       [--prompt grant|dismiss|wait] [--secret TEXT]

Every method called is a line on stdout.  --hang *: not even properties are
answered.  --bare: no keyring at all.  It knows plain sessions only.
"""
import argparse
import os

import dbus
import dbus.lowlevel
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

NAME, ROOT = "org.freedesktop.secrets", "/org/freedesktop/secrets"
SERVICE, COLLECTION, ITEM, PROMPT = (f"org.freedesktop.Secret.{kind}"
                                     for kind in ("Service", "Collection", "Item", "Prompt"))
KEYRING, KEY, ASK = (dbus.ObjectPath(ROOT + end) for end in ("/collection/one", "/collection/one/1", "/prompt/1"))
NOTHING = dbus.ObjectPath("/")

state = argparse.Namespace()


class NotSupported(dbus.DBusException):
    _dbus_error_name = "org.freedesktop.DBus.Error.NotSupported"


class Object(dbus.service.Object):
    @dbus.service.method(dbus.PROPERTIES_IFACE, in_signature="s", out_signature="a{sv}")
    def GetAll(self, interface):
        return self.properties()

    @dbus.service.method(dbus.PROPERTIES_IFACE, in_signature="ss", out_signature="v")
    def Get(self, interface, name):
        return self.properties()[name]


class Service(Object):
    def properties(self):
        return {"Collections": dbus.Array([] if state.bare else [KEYRING], signature="o")}

    @dbus.service.method(SERVICE, in_signature="sv", out_signature="vo")
    def OpenSession(self, algorithm, given):
        if algorithm != "plain":
            raise NotSupported("plain only")
        return dbus.String("", variant_level=1), dbus.ObjectPath(ROOT + "/session/1")

    @dbus.service.method(SERVICE, in_signature="s", out_signature="o")
    def ReadAlias(self, name):
        return NOTHING if state.bare else KEYRING

    @dbus.service.method(SERVICE, in_signature="a{ss}", out_signature="aoao")
    def SearchItems(self, attributes):
        found = dbus.Array([] if state.bare else [KEY], signature="o")
        none = dbus.Array([], signature="o")
        return (none, found) if state.locked else (found, none)

    @dbus.service.method(SERVICE, in_signature="ao", out_signature="aoo")
    def Unlock(self, objects):
        return dbus.Array([], signature="o"), ASK

    @dbus.service.method(SERVICE, in_signature="aoo", out_signature="a{o(oayays)}")
    def GetSecrets(self, items, session):
        return dbus.Dictionary({KEY: self.secret(session)}, signature="o(oayays)")

    @staticmethod
    def secret(session):
        return dbus.Struct([session, dbus.ByteArray(b""), dbus.ByteArray(state.secret.encode()), "text/plain"],
                           signature="oayays")


class Keyring(Object):
    def properties(self):
        return {"Items": dbus.Array([KEY], signature="o"), "Label": "one", "Locked": dbus.Boolean(state.locked),
                "Created": dbus.UInt64(1), "Modified": dbus.UInt64(1)}


class Key(Object):
    def properties(self):
        return {"Locked": dbus.Boolean(state.locked), "Attributes": dbus.Dictionary({}, signature="ss"),
                "Label": "key", "Created": dbus.UInt64(1), "Modified": dbus.UInt64(1)}

    @dbus.service.method(ITEM, in_signature="o", out_signature="(oayays)")
    def GetSecret(self, session):
        return Service.secret(session)


class Prompt(dbus.service.Object):
    @dbus.service.method(PROMPT, in_signature="s")
    def Prompt(self, window):
        if state.prompt == "grant":
            state.locked = False
        if state.prompt != "wait":
            GLib.idle_add(self.Completed, state.prompt == "dismiss", dbus.Array([KEY], signature="o", variant_level=1))

    @dbus.service.method(PROMPT)
    def Dismiss(self):
        pass

    @dbus.service.signal(PROMPT, signature="bv")
    def Completed(self, dismissed, result):
        pass


def seen(conn, message):
    """Before anybody handles it; what is handled here gets no answer."""
    if not isinstance(message, dbus.lowlevel.MethodCallMessage):
        return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED
    method = message.get_member()
    print(method, flush=True)
    if state.die == method:
        os._exit(1)
    hang = state.hang in ("*", method)
    return dbus.lowlevel.HANDLER_RESULT_HANDLED if hang else dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--hang")
    p.add_argument("--die")
    p.add_argument("--locked", action="store_true")
    p.add_argument("--bare", action="store_true")
    p.add_argument("--prompt", choices=["grant", "dismiss", "wait"], default="dismiss")
    p.add_argument("--secret", default="stand-in")
    p.parse_args(namespace=state)
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    conn = dbus.SessionBus()
    conn.add_message_filter(seen)
    kept = [kind(conn, path) for kind, path in ((Service, ROOT), (Keyring, KEYRING), (Key, KEY), (Prompt, ASK))]
    conn.request_name(NAME)
    GLib.MainLoop().run()
    return kept


if __name__ == "__main__":
    main()
