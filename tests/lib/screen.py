"""A terminal for the full-screen client: pexpect drives it, pyte draws it."""
import re
import time

import pexpect
import pyte


class Canvas(pyte.Screen):
    """pyte's screen, which answers the terminal queries and forgives the
    private sequences that it does not know."""

    def __init__(self, columns, lines, reply):
        super().__init__(columns, lines)
        self.reply = reply

    def write_process_input(self, data):
        self.reply(data)

    def select_graphic_rendition(self, *attrs, **private):
        # CSI > 4 m and CSI ? 4 m set key modes, not colours.
        if not private:
            super().select_graphic_rendition(*attrs)

    def report_device_status(self, mode, **private):
        if not private:
            super().report_device_status(mode)


class Screen:
    """A program on a terminal of its own, started in a World."""

    def __init__(self, world, argv, env=None, cwd=None, rows=40, columns=120):
        argv = world.argv(argv)
        self.raw = bytearray()  # everything it ever wrote
        self.child = pexpect.spawn(argv[0], argv[1:], env=world.env(env),
                                   cwd=str(cwd or world.cwd), dimensions=(rows, columns),
                                   timeout=30)
        self.child.delaybeforesend = None
        self.canvas = Canvas(columns, rows, lambda data: self.child.send(data))
        self.stream = pyte.ByteStream(self.canvas)

    @property
    def pid(self):
        return self.child.pid

    def pump(self, seconds=0.0):
        """Take in what it writes, for that long; False when it has ended."""
        deadline = time.monotonic() + seconds
        while True:
            wait = max(deadline - time.monotonic(), 0)
            try:
                data = self.child.read_nonblocking(65536, min(wait, 0.1))
            except pexpect.TIMEOUT:
                data = b""
            except (pexpect.EOF, OSError):
                return False
            self.raw += data
            self.stream.feed(data)
            if not data and wait == 0:
                return True

    def text(self):
        """What the screen shows, without trailing blanks."""
        return "\n".join(line.rstrip() for line in self.canvas.display).rstrip()

    def wait(self, pattern, timeout=30):
        """Until the regular expression is on the screen; returns the match."""
        deadline = time.monotonic() + timeout
        while True:
            going = self.pump(0.05)
            found = re.search(pattern, self.text())
            if found:
                return found
            if not going:
                raise EOFError(f"ended before {pattern!r} was shown:\n{self.text()}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"no {pattern!r} within {timeout} s:\n{self.text()}")

    def send(self, data):
        """Keys as they are: "\\r" is Enter, "\\x1b" Escape, "\\x03" ctrl-C."""
        self.child.send(data)

    def ask(self, prompt):
        """Type a prompt once the input box is there, and press Enter."""
        self.wait("❯")
        self.child.send(prompt)
        # Enter in the same read as text counts as pasted, so let it be drawn.
        self.wait(re.escape(prompt[:20]))
        self.child.send("\r")

    def exit(self, timeout=20):
        """/exit, and its exit status (negative: the signal that ended it)."""
        self.ask("/exit")
        return self.finish(timeout)

    def finish(self, timeout=20):
        """Wait for the end of the program; its exit status."""
        deadline = time.monotonic() + timeout
        while self.pump(0.1) or self.child.isalive():  # its output may end before it does
            if time.monotonic() > deadline:
                raise TimeoutError(f"still there after {timeout} s:\n{self.text()}")
            time.sleep(0.02)
        self.child.close()
        if self.child.signalstatus is not None:
            return -self.child.signalstatus
        return self.child.exitstatus

    def close(self):
        """End it, gently first; harmless twice."""
        if not self.child.closed:
            self.child.close(force=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
