"""Getting into a mailbox: encryption, login, and every way in which it fails."""

from __future__ import annotations

import time

import pytest

from common.fields import Undecryptable
from massmail.backends.causes import Cause
from massmail.backends.hosts import Endpoint
from massmail.backends.imap import ImapServer as Place
from massmail.backends.opening import default_ssl_context
from massmail.inbound.mailbox_help import HELP
from massmail.models import EmailAccount, Mailbox
from massmail.orchestrator.polling import Poll, poll_mailbox
from massmail.tests.imap_server import Fault, ImapServer
from massmail.tests.mailboxes.conftest import PASSWORD, USER, account_at, bounce
from massmail.tests.smtp_certificates import make_certificates

pytestmark = pytest.mark.embedded


@pytest.fixture(autouse=True)
def everything(db, receiver):
    """All of it needs rows."""


def poll_at(server: ImapServer, **fields: object) -> Poll:
    account = account_at(server, **fields)
    return poll_mailbox(account.pk)


def fails(server: ImapServer, **fields: object) -> str:
    poll = poll_at(server, **fields)
    assert poll.state == "failed"
    assert Mailbox.objects.get().reason == poll.reason
    return poll.reason


def logins(server: ImapServer) -> list[str]:
    return [verb for verb in server.verbs() if verb in ("LOGIN", "AUTHENTICATE")]


# --- encryption


@pytest.mark.parametrize(
    ("security", "implicit", "port", "protection"),
    [
        ("none", False, 993, "tls"),
        ("starttls", False, 993, "tls"),
        ("tls", False, 143, "starttls"),
        ("starttls", False, 143, "starttls"),
        ("tls", False, 10993, "tls"),
        ("none", False, 143, "none"),
    ],
)
def test_the_port_says_how_the_line_is_protected(security, implicit, port, protection):
    place = Place("imap.example.com", port, security)

    assert place.protection("127.0.0.1") == protection


@pytest.mark.parametrize("peer", ["192.0.2.1", "10.0.0.1", "2001:db8::1"])
def test_an_open_line_leads_to_this_machine_alone(peer):
    assert Place("imap.example.com", 143, "none").protection(peer) == "starttls"


def test_by_tls_with_a_certificate_that_is_trusted(certificates, trusted):
    with ImapServer(
        users={USER: PASSWORD},
        tls_context=certificates.server_context(),
        implicit_tls=True,
    ) as server:
        assert poll_at(server, security="tls").state == "read"
        assert poll_at(server, security="tls", imap_host="localhost").state == "read"


def test_by_starttls_the_password_goes_over_tls(certificates, trusted):
    with ImapServer(
        users={USER: PASSWORD}, tls_context=certificates.server_context()
    ) as server:
        assert poll_at(server, security="starttls").state == "read"

    verbs = server.verbs()
    assert verbs.index("STARTTLS") < verbs.index("AUTHENTICATE")


@pytest.mark.parametrize("implicit", [True, False])
def test_a_certificate_by_nobody_gets_no_password(tmp_path, implicit):
    with ImapServer(
        users={USER: PASSWORD},
        tls_context=make_certificates(tmp_path).server_context(),
        implicit_tls=implicit,
    ) as server:
        security = "tls" if implicit else "starttls"
        assert fails(server, security=security) == "certificate_invalid"

    assert logins(server) == []


def test_a_certificate_for_another_name_gets_no_password(tmp_path, monkeypatch):
    made = make_certificates(tmp_path, ["elsewhere.example.com"])
    monkeypatch.setenv("SSL_CERT_FILE", str(made.authority_file))
    default_ssl_context.cache_clear()
    with ImapServer(
        users={USER: PASSWORD}, tls_context=made.server_context(), implicit_tls=True
    ) as server:
        assert fails(server, security="tls") == "host_name_mismatch"
    default_ssl_context.cache_clear()

    assert logins(server) == []


def test_a_server_without_starttls_gets_no_password(server):
    assert fails(server, security="starttls") == "starttls_missing"
    assert logins(server) == []


def test_a_server_that_says_we_are_in_already_is_not_believed(server):
    server.faults.append(Fault("GREETING", reply="* PREAUTH welcome"))

    assert fails(server, security="starttls") == "protocol_error"
    assert logins(server) == []


def test_what_was_said_before_the_encryption_counts_for_nothing(certificates, trusted):
    injected = "{tag} OK go ahead\r\n* OK [UIDVALIDITY 666] injected\r\n* BYE now"
    with ImapServer(
        users={USER: PASSWORD},
        tls_context=certificates.server_context(),
        faults=[Fault("STARTTLS", reply=injected, times=1)],
    ) as server:
        assert poll_at(server, security="starttls").state == "read"


def test_an_open_line_to_another_machine_carries_no_password(server, monkeypatch):
    """The server is one of this machine; the line is told that it is not."""
    monkeypatch.setattr("massmail.backends.imap.is_loopback", lambda host: False)

    assert fails(server, security="none") == "starttls_missing"
    assert logins(server) == []


# --- where it leads


def test_a_private_address_is_refused_where_the_site_forbids_it(server, set_massmail):
    set_massmail(ALLOW_PRIVATE_HOSTS=False)

    assert fails(server) == "private_address"
    assert server.connections == 0


def test_the_address_that_was_checked_is_connected_to(
    server, set_massmail, monkeypatch
):
    """A name that leads somewhere else the second time it is asked gains nothing."""
    answers = ["192.0.2.1", "127.0.0.1"]
    asked = []

    def look_up(host, port, flags=0):
        if flags:
            raise OSError("not a number")
        asked.append(host)
        return [Endpoint(2, (answers.pop(0), port))]

    monkeypatch.setattr("massmail.backends.hosts._look_up", look_up)
    monkeypatch.setattr("massmail.backends.hosts.is_public", lambda host: False)
    set_massmail(ALLOW_PRIVATE_HOSTS=False)

    assert fails(server, imap_host="rebind.example.com") == "private_address"
    assert asked == ["rebind.example.com"]


def test_a_name_in_letters_of_the_world_is_looked_up_as_a_label(server, monkeypatch):
    asked = []

    def look_up(host, port, flags=0):
        asked.append(host)
        return [Endpoint(2, ("127.0.0.1", port))]

    monkeypatch.setattr("massmail.backends.hosts._look_up", look_up)

    assert poll_at(server, imap_host="imap.bücher.example").state == "read"
    assert asked == ["imap.xn--bcher-kva.example"]


@pytest.mark.parametrize("host", ["", "imap example", "a" * 300 + ".com"])
def test_an_impossible_name_is_no_server(server, host):
    account = account_at(server)
    EmailAccount.objects.filter(pk=account.pk).update(imap_host=host[:253])

    poll = poll_mailbox(account.pk)

    assert (poll.state, poll.reason) in (
        ("off", ""),
        ("failed", "host_not_found"),
        ("failed", "resolver_unavailable"),
    )


def test_nobody_who_listens_is_a_failure(server):
    account = account_at(server)
    server.stop()

    assert poll_mailbox(account.pk).reason == "connection_refused"


# --- the login


def test_the_login_command_serves_where_no_mechanism_is_offered(server):
    server.mechanisms = ()
    server.users = {'anna "the" \\ boss': 'pass "word" \\'}
    fields = {"email_host_user": 'anna "the" \\ boss'}

    poll = poll_at(server, **fields, email_host_password='pass "word" \\')

    assert poll.state == "read"
    assert logins(server) == ["LOGIN"]


def test_a_password_in_letters_of_the_world_goes_by_plain(server):
    server.users = {"anna": "пароль"}

    assert poll_at(server, email_host_password="пароль").state == "read"


def test_a_password_in_letters_of_the_world_cannot_go_by_login(server):
    server.mechanisms = ()

    assert fails(server, email_host_password="пароль") == "login_impossible"
    assert logins(server) == []


def test_a_server_that_forbids_the_login_command_gets_none(server):
    server.mechanisms, server.capabilities = (), ("LOGINDISABLED",)

    assert fails(server) == "login_not_offered"
    assert logins(server) == []


def test_an_account_that_sends_without_a_login_reads_with_its_password(server):
    assert poll_at(server, auth="none").state == "read"


def test_an_account_without_user_and_password_cannot_log_in(server):
    fields = {"email_host_user": "", "email_host_password": ""}

    assert fails(server, auth="none", **fields) == "login_impossible"
    assert server.connections == 0


def test_a_wrong_password_is_told_without_showing_it(server):
    echo = "{tag} NO [AUTHENTICATIONFAILED] you said wrong-horse"
    server.faults.append(Fault("AUTHENTICATE", reply=echo))

    poll = poll_at(server, email_host_password="wrong-horse")

    assert poll.reason == "login_refused"
    assert poll.words == "[AUTHENTICATIONFAILED] you said ***"
    assert "wrong-horse" not in Mailbox.objects.get().last_error


def test_a_password_that_cannot_be_decrypted_is_told(server):
    account = account_at(server)
    EmailAccount.objects.filter(pk=account.pk).update(
        email_host_password=Undecryptable("sealed")
    )

    assert poll_mailbox(account.pk).reason == "secret_unreadable"
    assert server.connections == 0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("NO [UNAVAILABLE] the directory is away", "login_unavailable"),
        ("NO [INUSE] too busy", "login_unavailable"),
        ("NO [ALERT] Too many simultaneous connections.", "login_unavailable"),
        ("NO [AUTHENTICATIONFAILED] Invalid credentials", "login_refused"),
        ("NO LOGIN failed.", "login_refused"),
        ("BAD what", "login_refused"),
        ("NO [ALERT] Application-specific password required", "app_password_needed"),
        ("NO [WEBALERT] Web login required.", "browser_login_needed"),
        ("NO [ALERT] Your account is not enabled for IMAP use.", "imap_disabled"),
        ("NO IMAP access is disabled for this user", "imap_disabled"),
        ("NO Basic authentication is disabled.", "password_login_disabled"),
    ],
)
@pytest.mark.parametrize("mechanisms", [("PLAIN",), ()], ids=["plain", "login"])
def test_the_answer_to_a_login_says_what_is_wrong(server, mechanisms, answer, reason):
    server.mechanisms = mechanisms
    step = "AUTHENTICATE" if mechanisms else "LOGIN"
    server.faults.append(Fault(step, reply=f"{{tag}} {answer}"))

    assert fails(server) == reason


# --- servers that break off, hang, or talk nonsense

STEPS = ["GREETING", "CAPABILITY", "AUTHENTICATE", "LIST", "EXAMINE", "FETCH HEADER"]
STEPS += ["SEARCH", "FETCH BODY"]


@pytest.fixture
def with_a_bounce(server):
    """Every step comes up."""
    account = account_at(server)
    poll_mailbox(account.pk)
    server.deliver(bounce())
    return account


@pytest.mark.parametrize("step", STEPS)
def test_a_line_that_breaks_is_a_failure_that_passes(server, with_a_bounce, step):
    server.faults.append(Fault(step, drop=True, times=1))

    poll = poll_mailbox(with_a_bounce.pk)

    assert poll.reason in ("connection_lost", "session_ended")
    assert poll.next_at is not None
    assert poll_mailbox(with_a_bounce.pk).kinds == {"bounce": 1}


@pytest.mark.parametrize("step", STEPS)
def test_a_silent_server_is_not_waited_for_longer_than_a_step(
    server, with_a_bounce, set_massmail, step
):
    set_massmail(CONNECT_TIMEOUT=0.05, COMMAND_TIMEOUT=0.1)
    server.faults.append(Fault(step, hang=True, times=1))
    began_at = time.monotonic()

    assert poll_mailbox(with_a_bounce.pk).reason == "timed_out"
    assert time.monotonic() - began_at < 1.0


@pytest.mark.parametrize("step", ["GREETING", "LIST", "FETCH BODY"])
def test_a_server_that_drips_is_as_slow_as_one_that_is_silent(
    server, with_a_bounce, set_massmail, step
):
    set_massmail(CONNECT_TIMEOUT=0.05, COMMAND_TIMEOUT=0.2)
    server.faults.append(Fault(step, drip=0.02, times=1))

    assert poll_mailbox(with_a_bounce.pk).reason == "timed_out"


NONSENSE = {
    "no protocol": "HTTP/1.1 400 Bad Request",
    "no numbers": "* SEARCH one two\r\n{tag} OK done",
    "open bracket": "* LIST (\\Junk\r\n{tag} OK done",
    "wrong fetch": "* 1 FETCH (UID x BODY[] {3}\r\nabc)\r\n{tag} OK done",
    "deep": f"* 1 FETCH {'(' * 3000}\r\n{{tag}} OK done",
    "not asked for": "* 99 FETCH (UID 99 RFC822.SIZE 5)\r\n{tag} OK done",
    "another tag": "XYZ9 OK done",
    "bytes": b"\xff\xfe\x00\r\n",
    "endless literal": "* 1 FETCH (UID 1 BODY[] {99999999999}\r\nabc",
    "bad": "{tag} BAD go away",
    "no": "{tag} NO go away",
}


@pytest.mark.parametrize("step", [step for step in STEPS if step != "AUTHENTICATE"])
@pytest.mark.parametrize("reply", NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_is_a_failure_and_never_an_exception(
    server, with_a_bounce, set_massmail, step, reply
):
    set_massmail(CONNECT_TIMEOUT=0.05, COMMAND_TIMEOUT=0.1)
    server.faults.append(Fault(step, reply=reply, drop=step == "GREETING", times=1))

    poll = poll_mailbox(with_a_bounce.pk)

    assert poll.reason != "internal_error"
    if poll.state == "failed":
        assert poll.next_at is not None
        assert Mailbox.objects.get().reason == poll.reason


def test_a_flood_is_not_taken_in(server, with_a_bounce, monkeypatch):
    monkeypatch.setattr("massmail.inbound.mailbox.USUAL_BYTES", 10_000)
    flood = b'* LIST () "/" x\r\n' * 200_000
    server.faults.append(Fault("LIST", reply=flood, times=1))

    poll = poll_mailbox(with_a_bounce.pk)

    assert (poll.reason, poll.next_at is not None) == ("session_ended", True)


def test_a_goodbye_says_why(server, with_a_bounce):
    server.faults.append(Fault("EXAMINE", reply="* BYE going down", drop=True, times=1))

    poll = poll_mailbox(with_a_bounce.pk)

    assert (poll.reason, "going down" in poll.words) == ("session_ended", True)


def test_what_mails_say_goes_into_no_log(server, with_a_bounce, caplog):
    caplog.set_level("DEBUG")
    server.deliver(b"Subject: dinner\r\n\r\nsecret")

    poll_mailbox(with_a_bounce.pk)

    assert "dinner" not in caplog.text
    assert PASSWORD not in caplog.text
    assert "MAILER-DAEMON" not in caplog.text


def test_every_cause_that_can_come_up_has_words():
    unlikely = {Cause.SENDER_NOT_ASCII, Cause.RECIPIENT_NOT_ASCII}
    assert set(Cause) - unlikely <= set(HELP)


@pytest.mark.parametrize("mechanisms", [("PLAIN",), ()], ids=["plain", "login"])
@pytest.mark.parametrize("answer", ["* BYE {}\r\n{{tag}} NO gone", "{{tag}} NO {}"])
def test_a_server_that_repeats_the_password_does_not_get_it_shown(
    account, server, mechanisms, answer
):
    server.mechanisms = mechanisms
    reply = answer.format(f"no {PASSWORD}")
    server.faults += [Fault(step, reply=reply) for step in ("LOGIN", "AUTHENTICATE")]

    poll = poll_mailbox(account.pk)

    assert (poll.state, poll.words) == ("failed", "no ***")
    assert Mailbox.objects.get().last_error == "no ***"
