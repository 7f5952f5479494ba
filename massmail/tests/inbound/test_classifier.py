"""What a report's code and words mean."""

from __future__ import annotations

import pytest

from massmail.inbound.classifier import failure_of


@pytest.mark.parametrize(
    ("status", "words", "expected"),
    [
        ("5.1.1", "550 5.1.1 no such user", "hard unknown_address"),
        ("5.1.10", "", "hard unknown_address"),
        ("5.1.2", "", "hard unknown_domain"),
        ("5.1.3", "", "hard bad_address"),
        ("5.1.6", "", "hard moved_away"),
        ("5.1.0", "550 5.1.1 unknown", "hard unknown_address"),
        ("5.0.0", "550 5.1.1 unknown", "hard unknown_address"),
        ("", "sorry, no mailbox (#5.1.1)", "hard unknown_address"),
        # Without a code it is a guess: it counts, and the address stays.
        ("5.0.0", "550 user unknown", "other unknown_address"),
        ("", "550 no such user", "other unknown_address"),
        ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied", "other "),
        ("5.4.4", "Host or domain name not found", "other unknown_domain"),
        ("5.2.2", "over quota", "soft mailbox_full"),
        ("4.2.2", "over quota", "soft mailbox_full"),
        ("5.0.0", "552 mailbox is full", "soft mailbox_full"),
        ("5.2.1", "mailbox disabled", "other mailbox_disabled"),
        ("5.2.3", "too long", "other message_too_big"),
        ("5.3.4", "size limit", "other message_too_big"),
        ("4.4.7", "expired", "soft gave_up"),
        ("4.4.1", "connection timed out", "soft gave_up"),
        ("4.7.1", "greylisted", "soft gave_up"),
        ("5.4.7", "delivery time expired", "soft gave_up"),
        ("4.7.0", "blocked using a blocklist", "reputation taken_for_spam"),
        ("5.7.1", "rejected as spam", "reputation taken_for_spam"),
        ("5.7.1", "not allowed by policy", "reputation against_policy"),
        ("5.7.26", "", "reputation sender_not_authenticated"),
        ("5.7.515", "", "reputation sender_not_authenticated"),
        ("5.7.1", "you are not allowed to post to this list", "other recipient_re"),
        ("5.7.133", "", "other recipient_restricted"),
        # The words speak of spam: the address may be good.
        ("5.1.1", "rejected: blacklisted sender", "reputation taken_for_spam"),
        ("5.0.0", "554 message looks like spam", "reputation taken_for_spam"),
        # The account's matter, not the recipient's.
        ("5.7.705", "tenant has exceeded threshold", "other account_blocked"),
        ("5.1.90", "daily limit", "other daily_limit"),
        ("5.6.0", "conversion failed", "other address_refused"),
        ("", "554 transaction failed", "other refused"),
        ("", "it did not work", "other came_back"),
        ("", "", "other came_back"),
        ("9.9.9", "", "other came_back"),
    ],
)
def test_a_failure_is_of_a_sort(status, words, expected):
    failure = failure_of(status, words)

    assert f"{failure.sort} {failure.reason}".startswith(expected)


@pytest.mark.parametrize("minor", range(100))
def test_a_policy_never_says_that_an_address_is_gone(minor):
    assert failure_of(f"5.7.{minor}", "user unknown").sort != "hard"


def test_only_a_missing_authentication_stops_a_mailing_at_once():
    assert failure_of("5.7.26", "").stops_mailing
    assert not failure_of("5.7.1", "spam").stops_mailing
