"""Whatever a server says is a reply or a failure, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massmail.backends.phases import MAX_WORDS
from massmail.backends.replies import (
    MalformedReply,
    join_reply,
    parse_features,
    parse_line,
)
from massmail.backends.smtp import Phase, Reply, SmtpFailure, drive
from massmail.tests.backends.clients import facts, failure_of, new_connection, send
from massmail.tests.smtp_server import Fault, FaultServer


@pytest.mark.parametrize(
    ("line", "parsed"),
    [
        (b"250 ok\r\n", (250, False, "ok")),
        (b"250-more\r\n", (250, True, "more")),
        (b"250\r\n", (250, False, "")),
        (b"354 \n", (354, False, "")),
        ("550 größer\r\n".encode(), (550, False, "größer")),
        (b"550 \xff\r\n", (550, False, "\ufffd")),
    ],
)
def test_a_line_is_taken_apart(line, parsed) -> None:
    assert parse_line(line) == parsed


@pytest.mark.parametrize(
    "line",
    [b"\r\n", b"hello\r\n", b"25 x\r\n", b"150 x\r\n", b"650 x\r\n", b"250x\r\n"],
)
def test_a_line_that_is_no_reply_is_refused(line) -> None:
    with pytest.raises(MalformedReply):
        parse_line(line)


@pytest.mark.parametrize(
    ("code", "lines", "reply"),
    [
        (550, ["5.1.1 no such user"], Reply(550, "5.1.1", "no such user")),
        (550, ["5.1.1 no", "5.1.1 user"], Reply(550, "5.1.1", "no user")),
        (550, ["#5.1.0 Address rejected."], Reply(550, "5.1.0", "Address rejected.")),
        (553, ["sorry (#5.7.1)"], Reply(553, "5.7.1", "sorry (#5.7.1)")),
        (550, ["4.2.2 confused"], Reply(550, "", "4.2.2 confused")),
        (554, ["5.6.7.8 is listed"], Reply(554, "", "5.6.7.8 is listed")),
        (535, ["5.7.139 no"], Reply(535, "5.7.139", "no")),
        (250, [""], Reply(250, "", "")),
        (250, ["a\x00b\x1b[1m\tc"], Reply(250, "", "a b [1m c")),
        (250, ["x" * 9999], Reply(250, "", "x" * MAX_WORDS)),
    ],
)
def test_lines_become_one_reply(code, lines, reply) -> None:
    assert join_reply(code, lines) == reply


def test_a_reply_reads_as_the_server_wrote_it() -> None:
    assert str(Reply(550, "5.1.1", "no such user")) == "550 5.1.1 no such user"
    assert str(Reply(550)) == "550"


def test_features_are_read_in_any_case() -> None:
    lines = ["host greets", "size 1000", "AUTH=LOGIN", "AUTH PLAIN", "pipelining", ""]
    features = parse_features(lines)
    assert features["SIZE"] == "1000"
    assert features["AUTH"] == "LOGIN PLAIN"
    assert "PIPELINING" in features


@pytest.mark.parametrize(
    "nonsense",
    [
        "hello",
        "220-a\r\n221 b",
        "220 " + "x" * 5000,
        "x" * 100_000,
        "220-more\r\n" * 200 + "220 end",
        "999 what",
    ],
    ids=lambda text: text[:12],
)
@pytest.mark.parametrize("phase", [Phase.BANNER, Phase.EHLO, Phase.MAIL, Phase.RCPT])
def test_nonsense_is_a_failure(start_server, connection_to, phase, nonsense) -> None:
    connection = connection_to(start_server(faults=[Fault(phase, reply=nonsense)]))

    def converse() -> None:
        drive(connection.open())
        send(connection)

    failure = failure_of(converse)
    assert facts(failure) == (phase, None)
    assert failure.detail.startswith("protocol_error: ")
    assert not connection.usable


@given(st.binary(max_size=300), st.sampled_from([Phase.BANNER, Phase.EHLO, Phase.DOT]))
def test_any_bytes_end_in_a_reply_or_a_failure(noise, phase) -> None:
    words = noise.decode("utf-8", "surrogateescape")
    # Hanging up after the noise, as it may be the beginning of a reply.
    fault = Fault(phase, reply=words, drop="close")
    with FaultServer(faults=[fault]) as server:
        connection = new_connection(server)
        try:
            drive(connection.open())
            send(connection)
        except SmtpFailure as failure:
            assert failure.reply is None or 200 <= failure.reply.code < 600
        finally:
            connection.close()
