"""A PostgreSQL cluster and a Redis of the test's own, to be killed and restarted."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import redis
from django.core.management import call_command
from django.db import connection

from massmail.tests.stories.processes import wait_until

# PostgreSQL refuses to run as root.
SERVER_USER = "postgres"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def programs() -> Path:
    """Where Debian keeps what is not meant for the PATH of everybody."""
    found = shutil.which("pg_ctl")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    assert found or folders, "This test starts PostgreSQL: install postgresql."
    return Path(found).resolve().parent if found else folders[-1]


class Cluster:
    """PostgreSQL with an empty database `stories`."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._user = SERVER_USER if os.geteuid() == 0 else None
        if self._user:
            shutil.chown(folder, self._user)

    def start(self) -> None:
        options = f"-p {self.port} -h 127.0.0.1 -k {self._folder}"
        self._run("initdb", "-D", self._data, "-A", "trust", "-U", "postgres")
        self._control("start", "-o", options)
        login = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]
        self._run("createdb", *login, "stories")

    def restart_at_once(self) -> None:
        """As after a crash: sessions break, what was not committed is gone."""
        self._control("restart", "-m", "immediate")
        connection.close()

    def stop(self) -> None:
        self._control("stop", "-m", "immediate")

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def _control(self, *arguments: str) -> None:
        log = str(self._folder / "log")
        self._run("pg_ctl", "-D", self._data, "-l", log, "-w", *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [programs() / program, *arguments],
            user=self._user,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            check=True,
        )


@contextlib.contextmanager
def own_cluster() -> Iterator[Cluster]:
    """The test's connection, and so all processes it starts, use a new cluster."""
    folder = Path(tempfile.mkdtemp(prefix="massmail-cluster-"))
    cluster = Cluster(folder)
    shared = dict(connection.settings_dict)
    place = {"HOST": "127.0.0.1", "PORT": cluster.port, "NAME": "stories"}
    try:
        cluster.start()
        connection.close()
        connection.settings_dict.update(place | {"USER": "postgres", "PASSWORD": ""})
        call_command("migrate", verbosity=0)
        yield cluster
    finally:
        connection.close()
        connection.settings_dict.update(shared)
        cluster.stop()
        shutil.rmtree(folder)


class Broker:
    """Redis that keeps nothing on the disk."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self.start()

    def start(self) -> None:
        program = shutil.which("redis-server")
        assert program, "This test starts Redis: install redis-server."
        self._process = subprocess.Popen(
            [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
        )
        wait_until(self._answers, "Redis answers")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _answers(self) -> bool:
        with redis.Redis.from_url(self.url) as client:
            try:
                return client.ping()
            except redis.ConnectionError:
                return False
