"""Make the virtual environment hold what requirements.txt pins, or find that it does.

Run by `make install` as `python requirements/install.py FOLDER`; the Python that runs
it is the one that the environment is made of. Uses nothing but the standard library.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements.txt"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def main(folder: str) -> None:
    venv = Path(folder).absolute()
    stamp = venv / ".installed"
    wanted = wanted_stamp(venv)
    current = read_stamp(stamp)
    if current == wanted and works(venv, "import sys"):
        return
    # An interrupted update must not pass for either state.
    stamp.unlink(missing_ok=True)
    if not can_be_updated(venv, current, wanted):
        create(venv)
    install(venv)
    stamp.write_text(json.dumps(wanted), encoding="utf-8")


def wanted_stamp(venv: Path) -> dict[str, str]:
    """What the environment depends on; scripts in it know the folder by name."""
    return {
        "requirements": hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest(),
        "python": PYTHON,
        "folder": str(venv),
    }


def read_stamp(stamp: Path) -> dict[str, str]:
    try:
        return json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def can_be_updated(venv: Path, current: dict[str, str], wanted: dict[str, str]) -> bool:
    """True for a working environment of this Python that was made in this folder."""
    moved = current.get("folder", wanted["folder"]) != wanted["folder"]
    check = f"import pip, sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    return not moved and works(venv, check)


def works(venv: Path, statement: str) -> bool:
    command = [venv / "bin" / "python", "-c", statement]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def create(venv: Path) -> None:
    if importlib.util.find_spec("ensurepip") is None:
        sys.exit(
            f"This Python {PYTHON} cannot make virtual environments. On Debian and "
            f"Ubuntu: apt install python{PYTHON}-venv"
        )
    say(f"Making {venv.name} with Python {PYTHON} …")
    run([sys.executable, "-m", "venv", "--clear", venv])


def install(venv: Path) -> None:
    say("Installing requirements.txt; the first time takes a minute or two …")
    command = [venv / "bin" / "python", "-m", "pip", "install", "--quiet"]
    command += ["--no-input", "--disable-pip-version-check", "--require-hashes"]
    run([*command, "--requirement", REQUIREMENTS])
    say(f"{venv.name} is ready.")


def run(command: list[str | Path]) -> None:
    status = subprocess.run(command, check=False).returncode
    if status:
        sys.exit(f"Not installed: {Path(command[0]).name} ended with status {status}.")


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main(sys.argv[1])
