"""Code words of the ledger in the words of people."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from massmail.models import Delivery
from massmail.models.delivery_states import DOMAIN_LIMIT
from massmail.sending.outcomes import HELP

# What happened to one recipient's message; reasons to skip have their own labels.
OF_RECIPIENTS: dict[str, str | Promise] = {
    "unknown_address": _("there is no such mailbox"),
    "unknown_domain": _("there is no such domain"),
    "bad_address": _("the address is not valid"),
    "moved_away": _("the mailbox has moved away"),
    "mailbox_full": _("the mailbox is full"),
    "mailbox_busy": _("the mailbox gets too much mail at the moment"),
    "mailbox_disabled": _("the mailbox is switched off"),
    "recipient_not_ascii": _("the server cannot take an address with such letters"),
    "recipient_restricted": _("the recipient takes mail from known senders only"),
    "address_refused": _("the server refused the address"),
    "greylisted": _("the server wants a second try"),
    "temporarily_refused": _("refused for the time being"),
    "message_too_big": _("the message is too big for the recipient"),
    "sender_not_authenticated": _("the sender's domain lacks SPF, DKIM or DMARC"),
    "taken_for_spam": _("taken for spam"),
    "against_policy": _("against the rules of the recipient's server"),
    "message_refused": _("the server refused the message"),
    "refused": _("the server refused it"),
    "came_back": _("it came back, and the report does not say why"),
    "gave_up": _("given up after several tries"),
    "no_answer_after_dot": _("the connection broke before the server answered"),
    "worker_lost": _("the sender stopped before the server answered"),
    "put_back": _("put back to be sent again"),
    DOMAIN_LIMIT: _("waits: so many messages an hour go to one domain"),
}
CLOSED_HOURS = _("waits for business hours where the recipient is")


def reason_words(reason: str) -> str:
    """A word that nothing is known about is shown as it is, "" for none."""
    if reason in Delivery.SkipReason.values:
        return str(Delivery.SkipReason(reason).label)
    words = OF_RECIPIENTS.get(reason) or HELP.get(reason)
    return str(words or reason.replace("_", " "))
