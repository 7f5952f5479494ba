"""What comes back by mail, from its bytes to the rows."""

from __future__ import annotations

import pytest

from massmail.inbound.kinds import ReturnKind
from massmail.orchestrator.returns import receive
from massmail.tests.factories import NOW


@pytest.mark.parametrize("raw", [b"", b"\x00\xff", b"Subject: hello\n\nworld"])
def test_what_is_about_no_mail_of_ours_is_unknown(raw):
    returned = receive(raw, now=NOW)

    assert returned.kind == ReturnKind.UNKNOWN
    assert returned.delivery_ids == ()
    assert not returned.is_news
