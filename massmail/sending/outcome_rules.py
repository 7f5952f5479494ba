"""The outcome table: which reply, at which phase, means what. The first match counts.

Order matters: what is about the account comes before what is about the recipient, since
servers often report the former only at RCPT (Postfix's `smtpd_delay_reject`).
Sources: RFC 5321 and 3463, Google's "Gmail SMTP errors and codes", Microsoft's
"Email non-delivery reports and SMTP errors in Exchange Online" and its pages on limits
of SMTP AUTH submission, Postfix's postconf(5).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from massmail.backends import reply_codes as codes
from massmail.backends import reply_texts as texts
from massmail.backends.causes import Cause
from massmail.backends.phases import Phase, Reply
from massmail.sending.verdicts import (
    Outcome,
    back_off,
    distrust,
    give_up,
    reconnect,
    retry,
    stop,
    stop_mailing,
    suppress,
)

ANY = frozenset(Phase)
OPENING = frozenset({Phase.CONNECT, Phase.BANNER, Phase.EHLO, Phase.TLS})
STARTTLS = frozenset({Phase.STARTTLS})
AUTH = frozenset({Phase.AUTH})
BEFORE_MAIL = OPENING | STARTTLS | AUTH
MAIL = frozenset({Phase.MAIL})
RCPT = frozenset({Phase.RCPT})
CONTENT = frozenset({Phase.DATA, Phase.BODY, Phase.DOT})
DOT = frozenset({Phase.DOT})
# From here on the reply may be about the recipient, as mail has one each.
ADDRESSED = RCPT | CONTENT
CLOSING = frozenset({Phase.RSET, Phase.QUIT})


@dataclass(frozen=True, slots=True)
class Rule:
    """At which replies an outcome applies."""

    phases: frozenset[Phase]
    outcome: Outcome
    code: re.Pattern[str]
    enhanced: re.Pattern[str]
    text: re.Pattern[str]

    def matches(self, phase: Phase, reply: Reply) -> bool:
        return bool(
            phase in self.phases
            and self.code.fullmatch(str(reply.code))
            and self.enhanced.fullmatch(reply.enhanced)
            and self.text.search(reply.text)
        )


def rule(
    phases: frozenset[Phase],
    outcome: Outcome,
    code: str = r"[45]..",
    enhanced: str = r".*",
    text: str = r"",
) -> Rule:
    """Patterns match all of the code and of the enhanced code, any part of the text."""
    words = re.compile(text, re.IGNORECASE)
    return Rule(phases, outcome, re.compile(code), re.compile(enhanced), words)


_ACCOUNT_RULES: tuple[Rule, ...] = (
    # Exchange Online speaks of itself at any phase.
    rule(ANY, stop("account_blocked"), "5..", r"5\.7\.(705|708|750)|5\.2\.253"),
    rule(ANY, stop("account_blocked"), "5..", text=texts.BLOCKED_SENDER),
    rule(ANY, stop("sender_mailbox_full"), "5..", r"5\.2\.251"),
    rule(
        ANY, stop("sender_mailbox_full"), "5..", r"5\.2\.2", r"STOREDRV\.(Client)?Submi"
    ),
    rule(ANY, stop("sender_not_allowed"), "5..", r"5\.2\.252|5\.7\.60"),
    rule(ANY, back_off("rate_limited"), "5..", r"5\.2\.25[45]"),
    rule(ANY, stop("password_login_disabled"), "5..", text=r"basic auth"),
    rule(AUTH | MAIL, stop("password_login_disabled"), "5..", r"5\.7\.30"),
    # What a recipient's own settings refuse is worded like a fault of the login, and a
    # busy recipient or a full mailbox like a limit of the sender.
    rule(ADDRESSED, give_up("recipient_restricted"), "5..", codes.RESTRICTED),
    rule(ADDRESSED, give_up("recipient_restricted"), "5..", text=codes.RESTRICTED_TEXT),
    rule(ADDRESSED, retry("mailbox_busy"), "4..", text=texts.MAILBOX_BUSY),
    rule(ADDRESSED, give_up("mailbox_busy"), "5..", text=texts.MAILBOX_BUSY),
    rule(ADDRESSED, retry("mailbox_full"), "4..", r"4\.2\.2"),
    rule(ADDRESSED, give_up("mailbox_full"), "5..", r"5\.2\.2"),
    rule(MAIL | ADDRESSED, reconnect("session_ended"), "421", text=texts.ENDS_SESSION),
    rule(ANY, back_off("too_many_connections"), text=texts.TOO_MANY_CONNECTIONS),
    rule(ANY, back_off("too_many_connections"), "432"),
    # Limits of the sender: the recipient is not to blame and goes later.
    rule(ANY, back_off("daily_limit"), "5..", r"5\.4\.5|5\.1\.90|5\.7\.23[23]"),
    rule(ANY - BEFORE_MAIL, back_off("daily_limit"), "5..", text=texts.LIMIT),
    rule(
        ANY - BEFORE_MAIL,
        back_off("daily_limit"),
        "4..",
        text=rf"(?s)^(?=.*({texts.PER_DAY}))(?=.*({texts.LIMIT}))",
    ),
    rule(ANY - BEFORE_MAIL, back_off("rate_limited"), "4..", text=texts.LIMIT),
    rule(ADDRESSED, back_off("rate_limited"), "4..", r"4\.5\.3"),
)

_OPENING_RULES: tuple[Rule, ...] = (
    rule(OPENING | MAIL, back_off("client_blocked"), text=texts.SPAM),
    rule(OPENING | MAIL | RCPT, back_off("client_blocked"), text=texts.CLIENT_BLOCKED),
    rule(OPENING, back_off("server_busy"), "4.."),
    rule(OPENING, back_off("server_refused"), "5.."),
    rule(STARTTLS, back_off("tls_failed"), "4.."),
    rule(STARTTLS, stop("starttls_missing"), "5.."),
    rule(AUTH, back_off("login_unavailable"), "4.."),
    rule(AUTH, stop("smtp_login_disabled"), text=r"SmtpClientAuth|security defaults"),
    rule(AUTH, stop("app_password_needed"), text=r"application.?specific|app password"),
    rule(AUTH, stop("app_password_needed"), "534", r"5\.7\.9"),
    rule(AUTH, stop("browser_login_needed"), text=r"web.?browser"),
    rule(AUTH, stop("browser_login_needed"), "534", r"5\.7\.14"),
    rule(AUTH, stop("encryption_required"), "538|5..", r"5\.7\.11"),
    rule(AUTH, stop("encryption_required"), "538"),
    rule(AUTH, stop("encryption_required"), "530", text=texts.NEEDS_TLS),
    rule(AUTH, stop("account_blocked"), text=texts.BLOCKED_ACCOUNT),
    rule(AUTH, stop("login_not_offered"), "50[0-4]"),
    rule(AUTH, stop("login_refused", needs_token_refresh=True)),
    rule(CLOSING, reconnect("session_ended")),
)

_SENDER_RULES: tuple[Rule, ...] = (
    rule(MAIL | ADDRESSED, stop("encryption_required"), "530", text=texts.NEEDS_TLS),
    rule(MAIL | RCPT | CONTENT, stop("login_required"), "530"),
    rule(MAIL | RCPT, stop("login_required"), "5..", r"5\.7\.57"),
    rule(MAIL | RCPT, stop("login_required"), "5..", text=texts.NEEDS_LOGIN),
    rule(MAIL | ADDRESSED, stop("relay_denied"), "5..", text=texts.RELAY),
    rule(MAIL | ADDRESSED, stop("relay_denied"), "5..", r"5\.7\.54"),
    # Postfix answers 454 4.7.1 where a login is missing, until somebody mends it.
    rule(MAIL | ADDRESSED, back_off("relay_denied"), "4..", text=texts.RELAY),
    rule(MAIL | ADDRESSED, stop("sender_not_allowed"), "5..", text=texts.SENDER),
    rule(MAIL | ADDRESSED, back_off("sender_unverified"), "4..", text=texts.SENDER),
    rule(MAIL | ADDRESSED, stop("sender_not_allowed"), "5..", r"5\.1\.[78]"),
    rule(MAIL | ADDRESSED, back_off("server_busy"), "421"),
    rule(MAIL | ADDRESSED, back_off("server_busy"), "4..", r"4\.3\.[12]"),
    rule(MAIL, back_off("server_busy"), "4.."),
    # At MAIL the size is the only thing said about the message: it fits for nobody.
    rule(MAIL, stop_mailing("message_too_big"), "552"),
    rule(MAIL, stop_mailing("message_too_big"), "5..", r"5\.(3\.4|2\.3)"),
    rule(MAIL, stop("account_blocked"), text=texts.BLOCKED_ACCOUNT),
    rule(MAIL, reconnect("protocol_error"), "50.|555"),
    # Nothing but the sender's address is known yet.
    rule(MAIL, stop("sender_not_allowed"), "55[013]"),
    rule(MAIL, back_off("server_refused")),
)

_RECIPIENT_RULES: tuple[Rule, ...] = (
    rule(ADDRESSED, give_up("message_too_big"), "5..", codes.MAILBOX_LIMIT),
    rule(RCPT, give_up("message_too_big"), "5..", codes.SYSTEM_LIMIT),
    rule(CONTENT, stop_mailing("message_too_big"), "5..", codes.SYSTEM_LIMIT),
    rule(CONTENT, stop_mailing("message_too_big"), "552", r"|5\.0\.0", texts.TOO_BIG),
    rule(
        ADDRESSED,
        distrust("sender_not_authenticated", immediate_mailing_stop=True),
        "5..",
        codes.NOT_AUTHENTICATED,
    ),
    *(
        rule(RCPT | DOT, suppress(reason), "5..", pattern)
        for reason, pattern in codes.ADDRESS_IS_GONE.items()
    ),
    rule(ADDRESSED, retry("mailbox_full"), "4..", text=texts.MAILBOX_FULL),
    rule(
        ADDRESSED, give_up("mailbox_full"), "5..", r"|5\.[02]\..+", texts.MAILBOX_FULL
    ),
    rule(RCPT, give_up("mailbox_full"), "552", r"|5\.0\.0"),
    rule(
        ADDRESSED,
        give_up("mailbox_disabled", hard_bounce=True),
        "5..",
        codes.MAILBOX_DISABLED,
    ),
    rule(ADDRESSED, give_up("recipient_not_ascii"), "5..", r"5\.6\.7"),
    rule(ADDRESSED, retry("greylisted"), "4..", text=r"gr[ea]y.?list"),
    rule(ADDRESSED, retry("temporarily_refused"), "4.."),
)

_REFUSAL_RULES: tuple[Rule, ...] = (
    rule(
        ADDRESSED,
        give_up("recipient_restricted"),
        "5..",
        r"5\.7\.[12]",
        texts.RESTRICTED,
    ),
    rule(ADDRESSED, distrust("taken_for_spam"), "5..", text=texts.SPAM),
    rule(ADDRESSED, distrust("against_policy"), "5..", codes.POLICY),
    # RCPT has only its argument to dislike where MAIL was understood just before.
    rule(ADDRESSED - DOT, reconnect("protocol_error"), "50[234]"),
    rule(CONTENT - DOT, reconnect("protocol_error"), "50.|555"),
    rule(DOT, distrust("message_refused"), "50.|55.", r"5\.[56]\..+"),
    rule(DOT, distrust("message_refused"), "50."),
    rule(
        ADDRESSED,
        give_up("unknown_address", hard_bounce=True),
        "5..",
        text=texts.UNKNOWN_USER,
    ),
    rule(RCPT, give_up("address_refused", hard_bounce=True), "5.."),
    rule(DOT, give_up("refused", hard_bounce=True), "5.."),
    rule(CONTENT, back_off("server_refused"), "5.."),
)

RULES: tuple[Rule, ...] = (
    *_ACCOUNT_RULES,
    *_OPENING_RULES,
    *_SENDER_RULES,
    *_RECIPIENT_RULES,
    *_REFUSAL_RULES,
)

WITHOUT_REPLY = {
    Cause.HOST_NOT_FOUND: stop("host_not_found"),
    Cause.PRIVATE_ADDRESS: stop("private_address"),
    Cause.CERTIFICATE_INVALID: stop("certificate_invalid"),
    Cause.HOST_NAME_MISMATCH: stop("host_name_mismatch"),
    Cause.STARTTLS_MISSING: stop("starttls_missing"),
    Cause.LOGIN_NOT_OFFERED: stop("login_not_offered"),
    Cause.LOGIN_IN_CLEAR: stop("login_in_clear"),
    Cause.LOGIN_IMPOSSIBLE: stop("login_impossible"),
    Cause.SECRET_UNREADABLE: stop("secret_unreadable"),
    Cause.NEEDS_RECONNECTING: stop("needs_reconnecting"),
    Cause.PROVIDER_REFUSED: stop("provider_refused"),
    Cause.PROVIDER_UNAVAILABLE: back_off("provider_unavailable"),
    Cause.SENDER_INVALID: stop("sender_invalid"),
    Cause.SENDER_NOT_ASCII: stop("sender_not_ascii"),
    Cause.RECIPIENT_NOT_ASCII: give_up("recipient_not_ascii"),
    Cause.RESOLVER_UNAVAILABLE: back_off("resolver_unavailable"),
    Cause.CONNECTION_REFUSED: back_off("connection_refused"),
    Cause.TLS_FAILED: back_off("tls_failed"),
    Cause.TIMED_OUT: reconnect("timed_out"),
    Cause.CONNECTION_LOST: reconnect("connection_lost"),
    Cause.PROTOCOL_ERROR: reconnect("protocol_error"),
}


def _reasons(flag: str) -> frozenset[str]:
    return frozenset(
        rule.outcome.reason for rule in RULES if getattr(rule.outcome, flag)
    )


# What the mailing's breakers count, and what lasts until a limit frees.
HARD_BOUNCE_REASONS = _reasons("hard_bounce")
REPUTATION_REASONS = _reasons("reputation")
LIMIT_REASONS = frozenset({"daily_limit"})
