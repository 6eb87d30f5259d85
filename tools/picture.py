#!/usr/bin/python3
"""Draw docs/run.svg: a real `ccrun` in full screen, from the terminal's cells.

    tools/picture.py            (as an ordinary user, after make)

The provider is a loopback endpoint under the name of a real one; everything
else is the real thing: vault, broker, client.
"""
import os
import sys
from html import escape

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(HERE, "tests/lib"))
import canary  # noqa: E402
from ccrun import CCRUN, Ccrun  # noqa: E402
from endpoint import Bash, Endpoint, Text  # noqa: E402

WIDTH, HEIGHT = 8.4, 18
COLOURS = {"default": "#d8d8d8", "black": "#333333", "red": "#e06c75", "green": "#98c379", "brown": "#e5c07b",
           "blue": "#61afef", "magenta": "#c678dd", "cyan": "#56b6c2", "white": "#ffffff"}


def colour(name, fallback):
    if name == "default":
        return fallback
    return COLOURS.get(name) or ("#" + name if len(name) == 6 else fallback)


def row(y, cells, columns):
    """Runs of equal style as one text element each."""
    out, x = [], 0
    while x < columns:
        style = (cells[x].fg, cells[x].bold, cells[x].reverse)
        end = x
        while end < columns and (cells[end].fg, cells[end].bold, cells[end].reverse) == style:
            end += 1
        text = "".join(cells[i].data for i in range(x, end))
        if text.strip():
            lead = len(text) - len(text.lstrip())
            weight = ' font-weight="bold"' if style[1] else ""
            out.append(f'<text x="{12 + (x + lead) * WIDTH:.1f}" y="{30 + y * HEIGHT}" fill="{colour(style[0], "#d8d8d8")}"'
                       f'{weight} textLength="{len(text.strip()) * WIDTH:.1f}" xml:space="preserve">{escape(text.strip())}</text>')
        x = end
    return out


def draw(screen, path):
    canvas = screen.canvas
    lines = [y for y in range(canvas.lines) if "".join(canvas.buffer[y][x].data for x in range(canvas.columns)).strip()]
    last = max(lines) + 1
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{24 + canvas.columns * WIDTH:.0f}" height="{last * HEIGHT + 34}" '
             'font-family="DejaVu Sans Mono, monospace" font-size="14">',
             '<rect width="100%" height="100%" rx="8" fill="#1e1e1e"/>']
    for y in range(last):
        parts += row(y, canvas.buffer[y], canvas.columns)
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(parts + ["</svg>"]) + "\n")


def main():
    look = "env | grep -c TOKEN; cat /proc/$PPID/environ; ccctl get zai"
    script = [Bash(look), Text("I looked: no variable holds a token, I may not read my own parent, and the broker says no.\n"
                               "A relay outside adds the key to my requests: it is not anywhere that I can see.")]
    with Endpoint(script) as ep, Ccrun(ep, delivery=None) as c:
        c.provider("zai", base_url=ep.url, extra="[statusline]\nlabel = GLM\n")
        c.ready(canary.new_token(), "zai")
        c.ccctl("statusline", "install", "--yes")
        c.run(["git", "init", "-q", "-b", "feature"])
        with c.screen([CCRUN, "zai", "--model", "opus"], rows=20, columns=96) as s:
            s.ask("Can you find the API key that you are running on?")
            s.wait("not anywhere that I can see")
            s.wait("GLM | ")
            s.pump(1.0)
            draw(s, sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "docs/run.svg"))
            print(s.text())
            s.exit()


main()
