"""Debian's Dovecot on loopback; no file of the system is used.

Of version 2.3: newer ones are configured in other words.
"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from massmail.tests.smtp_certificates import Certificates
from massmail.tests.stories.own_servers import free_port
from massmail.tests.stories.processes import wait_until

# Any user may log in with it; each has a mailbox of his own.
PASSWORD = "right-horse"
CONFIGURATION = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <{chain}
ssl_key = <{key}
mail_location = maildir:{folder}/mail/%u
first_valid_uid = 0
default_internal_user = {me}
default_login_user = {me}
default_internal_group = {group}
auth_mechanisms = plain login
auth_failure_delay = 0
passdb {{
  driver = static
  args = password={{PLAIN}}{password}
}}
userdb {{
  driver = static
  args = uid={me} gid={group} home={folder}
}}
namespace inbox {{
  inbox = yes
  mailbox Spam {{
    special_use = \\Junk
    auto = create
  }}
  mailbox "Отправленные" {{
    special_use = \\Sent
    auto = create
  }}
}}
service anvil {{
  chroot =
  # Nobody waits because of a wrong password.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {starttls_port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
"""


class Maildir:
    """A mailbox as files, whose names tell what became of the mails."""

    def __init__(self, folder: Path, owner: str) -> None:
        self._folder, self._owner = folder, owner

    def deliver(self, raw: bytes, name: str, folder: str = "") -> None:
        """As a delivery agent does: a file in `new`, under a name of its own."""
        place = self._folder / f".{folder}" if folder else self._folder
        for path in (place, place / "new"):
            path.mkdir(exist_ok=True)
            shutil.chown(path, self._owner)
        (place / "new" / name).write_bytes(raw)
        shutil.chown(place / "new" / name, self._owner)

    def flags(self) -> set[str]:
        """Of all mails; "2,S" has been read."""
        places = ("new", "cur")
        files = (path for path in self._folder.rglob("*") if path.parent.name in places)
        return {path.name.partition(":")[2] for path in files}

    def renumber(self) -> None:
        """As after a restored backup: the mails get other numbers."""
        numbers = self._folder / "dovecot-uidlist"
        head, _, mails = numbers.read_text().partition(" V")
        validity, _, rest = mails.partition(" ")
        numbers.write_text(f"{head} V{int(validity) + 1} {rest}")
        for path in self._folder.glob("dovecot.index*"):
            path.unlink()


class Dovecot:
    """Its ports, and the users' mailboxes."""

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        self.tls_port, self.starttls_port = free_port(), free_port()
        self._mail = folder / "mail"
        self._configuration = folder / "dovecot.conf"
        self._log = folder / "log"
        # Dovecot refuses to give out mail as root.
        user = pwd.getpwuid(os.getuid()) if os.getuid() else pwd.getpwnam("dovecot")
        text = CONFIGURATION.format(
            folder=folder,
            chain=certificates.chain_file,
            key=certificates.key_file,
            me=user.pw_name,
            group=grp.getgrgid(user.pw_gid).gr_name,
            password=PASSWORD,
            tls_port=self.tls_port,
            starttls_port=self.starttls_port,
        )
        self._configuration.write_text(text, encoding="utf-8")
        self._mail.mkdir()
        self._owner = user.pw_name
        for path in (folder, self._mail):
            shutil.chown(path, self._owner)

    def maildir(self, user: str) -> Maildir:
        return Maildir(self._mail / user, self._owner)

    @contextlib.contextmanager
    def running(self) -> Iterator[Dovecot]:
        program = shutil.which("dovecot") or "/usr/sbin/dovecot"
        assert Path(program).exists(), "This starts Dovecot: install dovecot-imapd."
        process = subprocess.Popen([program, "-F", "-c", str(self._configuration)])
        try:
            wait_until(lambda: self._answers(process), "Dovecot answers")
            yield self
        finally:
            process.terminate()
            process.wait()

    def _answers(self, process: subprocess.Popen) -> bool:
        assert process.poll() is None, self._log.read_text()
        try:
            socket.create_connection(("127.0.0.1", self.tls_port), 1).close()
        except OSError:
            return False
        return True
