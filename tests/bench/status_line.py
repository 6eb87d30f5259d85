"""The status line in a repository of 10,000 files: against nothing at all, and
against what people run instead, all on one input."""
import json
import os
import shutil
import uuid
from datetime import datetime, timezone

from rows import BUILD, HERE, NPM, peak, row, skipped, spawns

OURS = [BUILD + "/bin/ccrun-statusline"]
FILES = 10_000


def repository(c):
    """Made by the real git, one commit; returns its directory."""
    app = c.home / "app"
    for i in range(FILES):
        path = app / f"d{i // 100:02}/f{i}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{i}\n")
    c.own()
    steps = ("git init -q -b main . && git config user.email a@example.invalid && git config user.name a && git add -A && "
             "git commit -q -m one && git remote add origin https://git.example.invalid/acme/app.git && git status --porcelain")
    r = c.run(["sh", "-c", steps], cwd=app, timeout=300)
    if r.rc != 0 or r.out:
        raise RuntimeError(str(r))
    return app


def given(c, app):
    """What the client writes after an answer, and the transcript that it names."""
    session = str(uuid.uuid4())
    usage = {"input_tokens": 8000, "output_tokens": 1200, "cache_creation_input_tokens": 4000, "cache_read_input_tokens": 12000}
    answer = {"type": "assistant", "sessionId": session, "timestamp": datetime.now(timezone.utc).isoformat(), "version": "2.1.330",
              "requestId": "r1", "costUSD": 0.42, "message": {"id": "m1", "model": "claude-opus-5-5", "usage": usage}}
    transcript = c.write(f".claude/projects/app/{session}.jsonl", json.dumps(answer) + "\n")
    now = int(datetime.now().timestamp())
    value = {"session_id": session, "transcript_path": str(transcript), "cwd": str(app), "version": "2.1.330",
             "model": {"id": "claude-opus-5-5", "display_name": "Opus 5.5"},
             "workspace": {"current_dir": str(app), "project_dir": str(app), "added_dirs": []},
             "cost": {"total_cost_usd": 0.42, "total_duration_ms": 9551, "total_api_duration_ms": 35,
                      "total_lines_added": 3, "total_lines_removed": 1},
             "context_window": {"total_input_tokens": 24000, "total_output_tokens": 1200, "context_window_size": 200000,
                                "current_usage": usage, "used_percentage": 12, "remaining_percentage": 88},
             "rate_limits": {"five_hour": {"used_percentage": 23.5, "resets_at": now + 7200},
                             "seven_day": {"used_percentage": 8.0, "resets_at": now + 90000}}}
    return c.write("statusline.json", json.dumps(value))


def native_ccusage():
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(os.uname().machine)
    return NPM / f"@ccusage/ccusage-linux-{machine}/bin/ccusage"


def says(c, command, text, *words):
    """It has to do its work, else its time means nothing."""
    r = c.run(command, input=text)
    missing = [w for w in words if w not in r.out]
    if r.rc != 0 or missing:
        raise RuntimeError(f"without {missing}: {r}")


def others(c, text):
    """(name, command, rounds, want, words of its output, why it cannot run)."""
    script, ccstatusline, ccusage = HERE / "tests/bench/statusline.sh", NPM / "ccstatusline/dist/ccstatusline.js", native_ccusage()
    tools = [t for t in ("bash", "jq", "git") if not shutil.which(t)]
    node = shutil.which("node")
    yield ("ccusage's native binary, run directly", [ccusage, "statusline"], 200, "> 1", ["Opus 5.5"],
           None if ccusage.exists() else "not installed")
    yield ("bash + jq + git script", [script], 30, ">= 50", ["12% ctx", "main"], f"without {tools}" if tools else None)
    yield ("ccstatusline", [node, ccstatusline], 8, ">= 200", ["Opus", "main"],
           None if node and ccstatusline.exists() else "not installed")


def status_line(c):
    app = repository(c)
    path = given(c, app)
    text = path.read_text()
    says(c, OURS, text, "12% ctx", "23", "main", "app")
    a, b = spawns(c, 400, OURS, ["/bin/true"], given=path)
    row("status line, 10,000 files : bare spawn of /bin/true", a, b, "<= 2")
    for name, command, rounds, want, words, why in others(c, text):
        if why:
            skipped(name, why)
            continue
        says(c, command, text, *words)
        a, b = spawns(c, rounds, OURS, command, given=path)
        row("the same : " + name, a, b, want)
    print(f"status line, most resident: {peak(c, OURS, path)} KiB (want < 3072)", flush=True)
