"""A service of the person's that was there before any session and runs what it is told, as
systemd's user manager, at, cron, an SSH server or a D-Bus service do.

    service.py SOCKET"""
import os
import socket
import subprocess
import sys

with socket.socket(socket.AF_UNIX) as listener:
    listener.bind(sys.argv[1])
    listener.listen()
    while True:
        peer, _ = listener.accept()
        with peer:
            command = peer.recv(1 << 16).decode()
            done = subprocess.run(["bash", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, env=os.environ, check=False)
            try:
                peer.sendall(done.stdout + b"\nended\n")
            except OSError:
                pass
