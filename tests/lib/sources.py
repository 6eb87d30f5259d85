"""Managers that stand in for real ones, and what a source file says: taken apart
here a second time, so that what ccrun makes of it has something to differ from.

    s = SourceFile("share/sources/pass.conf")
    m = Standin(world, s.program)
    m.plays(out=b"the-token\\n")
    m.runs()                              # the argv of each run, the program's name first
"""
import configparser
import json
import re
import shlex

PROGRAM = '''#!/usr/bin/python3
import json, os, pathlib, signal, sys, time
here = pathlib.Path(__file__).resolve()
play = json.loads(here.with_name(here.name + ".play").read_text())
with open(here.with_name(here.name + ".runs"), "a") as log:
    log.write(json.dumps({"argv": sys.argv, "pid": os.getpid(), "env": sorted(os.environ),
                          "cwd": os.getcwd(), "PATH": os.environ.get("PATH"),
                          "gpg_tty": os.environ.get("GPG_TTY"), "tty": sys.stdin.isatty(),
                          "out": os.readlink("/proc/self/fd/1")}) + "\\n")
if play.get("ask"):
    import termios
    mode = termios.tcgetattr(0)
    mode[3] &= ~termios.ECHO
    termios.tcsetattr(0, termios.TCSANOW, mode)
    sys.stderr.write(play["ask"])
    sys.stderr.flush()
    answer = sys.stdin.readline()
    sys.stdout.write(answer)
    sys.stdout.flush()
sys.stderr.write(play.get("err", ""))
sys.stderr.flush()
if play.get("wait"):
    while not os.path.exists(play["wait"]):
        time.sleep(0.01)
sys.stdout.buffer.write(bytes.fromhex(play.get("out", "")))
sys.stdout.flush()
if play.get("signal"):
    os.kill(os.getpid(), play["signal"])
if play.get("hang"):
    # with a child, which is to go too
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(1000)
sys.exit(play.get("exit", 0))
'''


class Standin:
    """A program NAME in the world's bin, which plays what it is told."""

    def __init__(self, world, name):
        self.path = world.write(f"managers/{name}", PROGRAM, 0o755)
        self.world = world
        self.plays()

    @property
    def bin(self):
        return self.path.parent

    def plays(self, out=b"", **how):
        how["out"] = (out if isinstance(out, bytes) else out.encode()).hex()
        self.world.write(self.path.with_name(self.path.name + ".play"), json.dumps(how))

    def runs(self):
        log = self.path.with_name(self.path.name + ".runs")
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def forget(self):
        self.path.with_name(self.path.name + ".runs").unlink(missing_ok=True)


class SourceFile:
    """One *.conf, read with another parser."""

    def __init__(self, path):
        self.path = path
        self.kind = path.name[:-len(".conf")]
        ini = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=(" ;",), strict=True)
        ini.read_string(path.read_text())
        self.ini = ini
        get = ini["source"].get
        self.title = get("title", self.kind)
        self.scheme = get("scheme", self.kind + ":")
        self.output = get("output", "line")
        self.package = get("package")
        self.words = shlex.split(get("command"))
        self.program = self.words[0] if self.words[0] != "{words}" else "any-program"

    def has_field(self):
        return self.output == "json" or any("{field}" in word for word in self.words)

    def reference(self, field="token", extra=""):
        """One that fits."""
        if "{attributes}" in self.words:
            return f"{self.scheme}service=openrouter{extra},user=me"
        if "{words}" in self.words:
            return f"{self.scheme}{self.program} --of 'two words'{extra}"
        path = f"/dir/some file{extra}" if any("{file}" in w for w in self.words) else f"Some/thing of mine{extra}"
        return self.scheme + path + (f"#{field}" if self.has_field() else "")

    def argv(self, ref):
        """What is to be run for it, after the program."""
        path = ref[len(self.scheme):]
        field = ""
        if self.has_field() and "#" in path:
            path, field = path.rsplit("#", 1)
        argv = []
        for word in self.words:
            if word == "{attributes}":
                argv += [part for pair in path.split(",") for part in pair.split("=", 1)]
            elif word == "{words}":
                argv += shlex.split(path)
            else:
                values = {"ref": ref, "path": path, "file": path, "field": field}
                argv.append(re.sub(r"\{(\w+)\}", lambda m, v=values: v[m[1]], word))
        return argv[1:]

    def gives(self, token, field="token"):
        """The output of a manager that holds the token."""
        if self.output == "json":
            return json.dumps({"other": "not-this-one-1234", field: token}) + "\n"
        return token + "\n"

    def signs(self):
        """(section, a text or None, an exit code) of each sign that the file has."""
        for section in ("cancelled", "signed-out", "missing"):
            if section not in self.ini:
                continue
            texts = [t.strip() for t in self.ini[section].get("text", "").split("|") if t.strip()]
            for text in texts:
                yield section, text, 1
            for code in self.ini[section].get("exit", "").split():
                yield section, None, int(code)
