"""The commands that the documents show: README.md, docs/*.md and EXAMPLES of the man pages.

    for story in stories():
        story.page, story.lines      # [Line(host, text)], as a person would type them

A story is one block of a page (those that name hosts are one), or a table of README.md whose first column has commands.  A block that
begins with a command of ours is typed as it stands; of another (a diagram), what begins with one.
"""
import re
from dataclasses import dataclass

from built import REPO

PROMPT = re.compile(r"(?:([a-z]*)\$ )?(.*)", re.S)
OURS = re.compile(r"(?:ccrun|ccctl)(?: |\Z)")
PIPED = re.compile(r"[|&] *(?:ccrun|ccctl) ")
DRAWN = re.compile(r"\s+──.*", re.S)


@dataclass(frozen=True)
class Line:
    host: str       # before its $; '' where the page names none
    text: str

    @property
    def ours(self):
        return bool(OURS.match(self.text) or PIPED.search(self.text))


@dataclass(frozen=True)
class Story:
    page: str
    lines: tuple

    @property
    def name(self):
        return f"{self.page}: {command(self.lines[0])}"


def command(line):
    """Without the remark behind it, and what a shell would do for it."""
    return re.split(r"  +#| --passphrase-fd 3", line.text)[0].strip()


def typed(block):
    """The lines of a block, those that go on joined to the one before."""
    lines = []
    for row in block:
        if lines and re.search(r"(?:\||\\)\Z", lines[-1].text):
            lines[-1] = Line(lines[-1].host, lines[-1].text + "\n" + row)
        elif row.strip():
            host, text = PROMPT.match(row).groups()
            lines.append(Line(host or "", DRAWN.sub("", text).rstrip()))
    if not lines:
        return ()
    begins = lines[0].ours
    return tuple(line for line in lines if begins or OURS.match(line.text))


def markdown_blocks(text):
    block, fenced = [], False
    for row in [*text.splitlines(), "end"]:
        if row.startswith("```"):
            fenced = not fenced
        elif fenced:
            block.append(row)
            continue
        elif row.startswith("    ") or (block and not row):
            block.append(row[4:])
            continue
        yield block
        block = []


def markdown_tables(text):
    """The first column of each table."""
    table = []
    for row in [*text.splitlines(), "end"]:
        if row.startswith("|"):
            table += re.findall(r"`([^`]+)`", row.split("|")[1])
            continue
        yield table
        table = []


def mdoc_blocks(text):
    examples = re.search(r"^\.Sh EXAMPLES\n(.*?)^\.Sh ", text, re.S | re.M)
    examples = examples.group(1).replace("\\(dq", '"').replace("\\e", "\\") if examples else ""
    yield re.findall(r"^\.Dl (.*)$", examples, re.M)
    for block in re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", examples, re.S | re.M):
        yield block.splitlines()


def stories():
    found = []
    for path in [REPO / "README.md", *sorted((REPO / "docs").glob("*.md"))]:
        text = path.read_text()
        found += [(path, typed(block)) for block in markdown_blocks(text)]
        if path.name == "README.md":
            found += [(path, tuple(Line("", t) for t in table if OURS.match(t))) for table in markdown_tables(text)]
    for path in sorted((REPO / "man").glob("*.[1-8]")):
        found += [(path, typed(block)) for block in mdoc_blocks(path.read_text())]
    return joined([Story(str(path.relative_to(REPO)), lines) for path, lines in found if lines])


def joined(found):
    """Those of a page that name hosts become one."""
    whole = []
    for story in found:
        first = next((s for s in whole if s.page == story.page and s.lines[0].host), None)
        if first and story.lines[0].host:
            whole[whole.index(first)] = Story(first.page, first.lines + story.lines)
        else:
            whole.append(story)
    return whole


if __name__ == "__main__":
    for shown in stories():
        print(shown.name, *(f"\n    {line.host}$ {line.text}" for line in shown.lines), sep="")
