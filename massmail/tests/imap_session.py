"""One connection of the test's IMAP server."""

from __future__ import annotations

import base64
import binascii
import contextlib
import datetime as dt
import re
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from massmail.tests.imap_server import Fault, Folder, ImapServer, Mail

_ITEM = re.compile(r"(BODY(?:\.PEEK)?)\[([^\]]*)\](?:<(\d+)\.(\d+)>)?|RFC822\.SIZE")
_CHANGING = frozenset(
    {"SELECT", "STORE", "COPY", "MOVE", "EXPUNGE", "APPEND", "DELETE", "CREATE"}
    | {"RENAME", "CLOSE", "SUBSCRIBE", "UNSUBSCRIBE"}
)


class Ended(Exception):
    """The connection is over."""


class Session:
    """Talks to one client until it goes, logs out or meets a fault that ends it."""

    def __init__(self, server: ImapServer, sock: socket.socket) -> None:
        self._server, self._sock = server, sock
        self._buffer = bytearray()
        self._is_encrypted = self._is_logged_in = False
        self._folder: Folder | None = None

    def run(self) -> None:
        with contextlib.closing(self), contextlib.suppress(Ended, OSError):
            if self._server.implicit_tls:
                self._encrypt()
            self._answer("GREETING", b"* OK test.example ready\r\n")
            while True:
                self._obey(self._read_line())

    def close(self) -> None:
        self._sock.close()

    def abort(self) -> None:
        """End the connection from another thread."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    # --- commands

    def _obey(self, line: str) -> None:
        tag, _, rest = line.partition(" ")
        verb, _, arguments = rest.partition(" ")
        verb = verb.upper()
        if verb == "UID":
            verb, _, arguments = arguments.partition(" ")
            verb = verb.upper()
        if verb in _CHANGING:
            self._server.changes.append(line)
        handler = getattr(self, f"_do_{verb.lower()}", None)
        needs_login = verb in ("LIST", "EXAMINE", "SEARCH", "FETCH")
        if handler is None or (needs_login and not self._is_logged_in):
            self._send(f"{tag} BAD not now\r\n".encode())
            return
        handler(tag, arguments)

    def _do_capability(self, tag: str, arguments: str) -> None:
        offers = ["IMAP4rev1", *self._server.capabilities]
        offers += [f"AUTH={name}" for name in self._server.mechanisms]
        if self._server.tls_context is not None and not self._is_encrypted:
            offers.append("STARTTLS")
        self._answer("CAPABILITY", f"* CAPABILITY {' '.join(offers)}\r\n", tag)

    def _do_noop(self, tag: str, arguments: str) -> None:
        self._answer("NOOP", b"", tag)

    def _do_logout(self, tag: str, arguments: str) -> None:
        self._answer("LOGOUT", b"* BYE see you\r\n", tag)
        raise Ended

    def _do_starttls(self, tag: str, arguments: str) -> None:
        self._answer("STARTTLS", b"", tag)
        self._buffer.clear()
        self._encrypt()

    def _do_login(self, tag: str, arguments: str) -> None:
        user, password = (
            re.sub(r"\\(.)", r"\1", quoted)
            for quoted in re.findall(r'"((?:[^"\\]|\\.)*)"', arguments)
        )
        self._let_in("LOGIN", tag, self._server.users.get(user) == password)

    def _do_authenticate(self, tag: str, arguments: str) -> None:
        response = self._challenge(b"")
        if arguments.upper() == "PLAIN":
            _, user, password = response.split(b"\0")
            known = self._server.users.get(user.decode())
            self._let_in("AUTHENTICATE", tag, known == password.decode())
        else:
            self._let_in("AUTHENTICATE", tag, self._knows_token(response))

    def _knows_token(self, response: bytes) -> bool:
        user, _, rest = response.decode().removeprefix("user=").partition("\1")
        token = rest.removeprefix("auth=Bearer ").rstrip("\1")
        if self._server.tokens.get(user) == token:
            return True
        # The error comes as a challenge, which wants an empty answer.
        self._challenge(b'{"status":"400"}')
        return False

    def _let_in(self, command: str, tag: str, is_known: bool) -> None:
        self._is_logged_in = is_known
        answer = "OK welcome" if is_known else "NO [AUTHENTICATIONFAILED] who is that?"
        self._answer(command, f"{tag} {answer}\r\n".encode(), tag, is_complete=True)

    def _do_list(self, tag: str, arguments: str) -> None:
        lines = [
            f'* LIST ({" ".join(folder.flags)}) "/" {_quoted(folder.name)}\r\n'
            for folder in self._server.folders.values()
        ]
        self._answer("LIST", "".join(lines), tag)

    def _do_examine(self, tag: str, arguments: str) -> None:
        self._server.waiting.release()
        self._server.gate.wait()
        name = re.sub(r"\\(.)", r"\1", arguments.strip().strip('"'))
        folder = self._server.folders.get(name)
        if folder is None:
            self._send(f"{tag} NO no such folder\r\n".encode())
            return
        self._folder = folder
        lines = [f"* {len(folder.mails)} EXISTS", "* 0 RECENT", "* FLAGS (\\Seen)"]
        lines.append(f"* OK [UIDVALIDITY {folder.uid_validity}] ok")
        if folder.says_uid_next:
            lines.append(f"* OK [UIDNEXT {folder.uid_next}] ok")
        text = "\r\n".join([*lines, f"{tag} OK [READ-ONLY] done"]) + "\r\n"
        self._answer(f"EXAMINE {name}", text, tag, is_complete=True)

    def _do_search(self, tag: str, arguments: str) -> None:
        folder = self._selected()
        with self._server.lock:
            found = [
                str(uid)
                for uid, mail in folder.mails.items()
                if _matches(folder, uid, mail, arguments)
            ]
        self._answer("SEARCH", f"* SEARCH {' '.join(found)}".rstrip() + "\r\n", tag)

    def _do_fetch(self, tag: str, arguments: str) -> None:
        folder = self._selected()
        numbers, _, items = arguments.partition(" ")
        answer = b""
        with self._server.lock:
            order = list(folder.mails)
            for uid in map(int, numbers.split(",")):
                if mail := folder.mails.get(uid):
                    answer += _fetched(order.index(uid) + 1, uid, mail, items)
        kind = "FETCH HEADER" if "HEADER" in items else "FETCH BODY"
        self._answer(kind, answer, tag)

    def _selected(self) -> Folder:
        assert self._folder is not None
        return self._folder

    # --- the wire

    def _answer(
        self, step: str, usual: bytes | str, tag: str = "", is_complete: bool = False
    ) -> None:
        """As usual, with OK at its end, or as a fault wants it."""
        data = usual.encode() if isinstance(usual, str) else usual
        if tag and not is_complete:
            data += f"{tag} OK done\r\n".encode()
        fault = self._server.next_fault(step)
        if fault is None:
            self._send(data)
        else:
            self._fail(fault, data, tag)

    def _fail(self, fault: Fault, usual: bytes, tag: str) -> None:
        if fault.hang:
            self._server.stopping.wait()
            raise Ended
        reply = fault.reply
        if isinstance(reply, str):
            reply = reply.replace("{tag}", tag).encode() + b"\r\n"
        data = usual if reply is None else reply
        if fault.drip is not None:
            self._drip(data, fault.drip)
        elif fault.cut is not None:
            self._send(data[: fault.cut])
            raise Ended
        elif not (fault.drop and reply is None):
            self._send(data)
        if fault.drop:
            raise Ended

    def _drip(self, data: bytes, seconds: float) -> None:
        for position in range(len(data)):
            self._server.stopping.wait(seconds)
            self._send(data[position : position + 1])

    def _encrypt(self) -> None:
        assert self._server.tls_context is not None
        tls = self._server.tls_context.wrap_socket(
            self._sock, server_side=True, do_handshake_on_connect=False
        )
        self._sock = tls
        tls.do_handshake()
        self._is_encrypted = True

    def _challenge(self, words: bytes) -> bytes:
        self._send(b"+ " + base64.b64encode(words) + b"\r\n")
        try:
            return base64.b64decode(self._read_line())
        except binascii.Error:
            return b""

    def _send(self, data: bytes) -> None:
        self._sock.sendall(data)

    def _read_line(self) -> str:
        while b"\n" not in self._buffer:
            data = self._sock.recv(65536)
            if not data:
                raise Ended
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        text = line.rstrip(b"\r").decode("utf-8", "replace")
        with self._server.lock:
            self._server.commands.append(text)
        return text


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _matches(folder: Folder, uid: int, mail: Mail, criteria: str) -> bool:
    if numbers := re.search(r"\bUID (\d+):\*", criteria):
        # RFC 3501 section 9: the last mail, even where its number is lower.
        last = max(folder.mails)
        if uid < int(numbers[1]) and uid != last:
            return False
    elif re.search(r"\bUID \*", criteria) and uid != max(folder.mails):
        return False
    if since := re.search(r"SINCE (\S+)", criteria):
        day = dt.datetime.strptime(since[1], "%d-%b-%Y").replace(tzinfo=dt.UTC).date()
        if mail.arrived_on < day:
            return False
    if wanted := re.search(r'HEADER "?([\w-]+)"? "?([^" ]+)', criteria):
        header, value = wanted[1].lower(), wanted[2]
        lines = mail.raw.decode("latin-1").splitlines()
        return any(
            line.lower().startswith(f"{header}:") and value in line for line in lines
        )
    return True


def _fetched(number: int, uid: int, mail: Mail, items: str) -> bytes:
    parts = [f"UID {uid}".encode()]
    for item in _ITEM.finditer(items):
        if item[0] == "RFC822.SIZE":
            size = len(mail.raw) if mail.said_size is None else mail.said_size
            parts.append(f"RFC822.SIZE {size}".encode())
            continue
        mail.is_seen |= item[1] == "BODY"
        text, place = _section(mail.raw, item[2]), ""
        if item[3] is not None:
            text = text[int(item[3]) : int(item[3]) + int(item[4])]
            place = f"<{item[3]}>"
        parts.append(f"BODY[{item[2]}]{place} {{{len(text)}}}\r\n".encode() + text)
    return f"* {number} FETCH (".encode() + b" ".join(parts) + b")\r\n"


def _section(raw: bytes, section: str) -> bytes:
    if not section:
        return raw
    names = section.partition("(")[2].rstrip(")").lower().split()
    header = raw.partition(b"\r\n\r\n")[0] + b"\r\n"
    fields = re.findall(rb"(?m)^[^\s:]+:.*\r\n(?:[ \t].*\r\n)*", header)
    kept = [
        text
        for text in fields
        if text.partition(b":")[0].lower().decode("latin-1") in names
    ]
    return b"".join(kept) + b"\r\n"
