"""Postfix's smtp-sink, which takes all mail, and smtp-source, the limit.

Both are in Debian's package `postfix`, of which nothing else is used.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

HOST = "127.0.0.1"
PLACES = os.pathsep.join(("/usr/sbin", "/usr/libexec/postfix", os.environ["PATH"]))
SESSIONS = 4


def program(name: str) -> str:
    found = shutil.which(name, path=PLACES)
    if found is None:
        sys.exit(f"{name} is not there. Debian: apt install postfix (do not start it).")
    return found


@contextlib.contextmanager
def sink() -> Iterator[int]:
    """A server on loopback that answers at once; its port."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    command = [program("smtp-sink"), *user, f"{HOST}:{port}", "1000"]
    process = subprocess.Popen(command)
    try:
        wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=10)


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
            return
        if time.monotonic() > deadline:
            raise TimeoutError("smtp-sink does not listen")
        time.sleep(0.05)


def limit(port: int, messages: int, size: int, *, reconnects: bool = False) -> float:
    """Messages a second of smtp-source over four connections.

    It keeps them, unless it `reconnects` for each message.
    """
    keep = [] if reconnects else ["-d"]
    command = [program("smtp-source"), *keep, "-s", str(SESSIONS), "-m", str(messages)]
    command += ["-l", str(size), "-f", "news@example.com", "-t", "reader@example.com"]
    began = time.monotonic()
    subprocess.run([*command, f"{HOST}:{port}"], check=True)
    return messages / (time.monotonic() - began)
