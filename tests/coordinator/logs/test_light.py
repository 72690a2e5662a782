"""The supervisor imports the writing side of the log: it must stay cheap to start."""

from __future__ import annotations

import os
import subprocess
import sys

import bough

FORBIDDEN = {
    "asyncio",
    "contextlib",
    "dataclasses",
    "enum",
    "json",
    "logging",
    "pathlib",
    "psutil",
    "pydantic",
    "re",
    "shutil",
    "sqlite3",
    "subprocess",
    "tempfile",
    "typing",
    "yaml",
}

SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
from bough.coordinator.logs.writer import LogWriter
from bough.coordinator.secrets import secret_values
secrets = [value.encode() for value in secret_values({"API_KEY": "s3cr3t-value"})]
writer = LogWriter(sys.argv[2], max_size=4000, sample_every=1, secrets=secrets)
writer.status("started", "job", argv=["a"], n=1)
for number in range(300):
    writer.feed("stdout", b"line %d\\xff s3cr3t-value\\n" % number)
writer.finish("finished", exit_code=0)
writer.close()
writer = LogWriter(sys.argv[2], max_size=4000, sample_every=1)
writer.close()
print(",".join(sorted(sys.modules)))
"""


def test_writing_a_log_imports_nothing_heavy(tmp_path: os.PathLike[str]) -> None:
    root = os.path.dirname(os.path.dirname(bough.__file__))
    log = os.path.join(tmp_path, "output.jsonl")
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", SCRIPT, root, log],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    loaded = set(done.stdout.strip().split(","))
    assert "bough.coordinator.logs.writer" in loaded
    assert loaded & FORBIDDEN == set()
    with open(log, "rb") as file:
        content = file.read()
    assert b'"status":"truncated"' in content
    assert b"s3cr3t" not in content
