"""Why an account or mailing waits or stopped, and what a person can do about it."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

HELP: dict[str, str | Promise] = {
    # The account stopped.
    "login_refused": _(
        "The server refused the login. Check user name and password, or connect the "
        "account anew; the password may have been changed or the access withdrawn."
    ),
    "login_required": _(
        "The server takes mail only after a login. Choose a login method for this "
        "account and enter user name and password."
    ),
    "login_not_offered": _(
        "The server does not offer the chosen login method on this port. Check port "
        "and security (587 with STARTTLS or 465 with TLS are usual), or choose another "
        "login method."
    ),
    "login_in_clear": _(
        "The password was not sent, because the connection is not encrypted. Choose "
        "STARTTLS or TLS as security."
    ),
    "login_impossible": _(
        "This site cannot log in that way. Choose another login method, or connect the "
        "account anew."
    ),
    "sender_invalid": _(
        "The account's own address, or its reply address, is not valid. Correct it."
    ),
    "secret_unreadable": _(
        "The stored password or access cannot be read with this site's keys. Ask the "
        "site's operator whether a key is missing; else enter the password again, or "
        "connect the account anew."
    ),
    "needs_reconnecting": _(
        "The account needs reconnecting: its provider does not let this site use the "
        "mailbox any more. Connect it again by the button on the account's page; what "
        "is waiting then goes on."
    ),
    "provider_refused": _(
        "The provider refuses this site, whatever the mailbox. Show its words to the "
        "site's operator: the site's registration there may have expired."
    ),
    "encryption_required": _(
        "The server wants an encrypted connection. Choose STARTTLS or TLS as security."
    ),
    "app_password_needed": _(
        "The provider wants an app password instead of the mailbox's own. Make one in "
        "the security settings of the mailbox and enter it here, or connect the "
        "account by the provider's button."
    ),
    "browser_login_needed": _(
        "The provider wants to see you log in with a web browser first. Log in to the "
        "mailbox there, confirm that it was you, and start the account again."
    ),
    "smtp_login_disabled": _(
        "Sending by SMTP is switched off for this mailbox or organisation. A Microsoft "
        "365 administrator can allow “Authenticated SMTP” for the mailbox."
    ),
    "password_login_disabled": _(
        "Microsoft has ended sending with a password (basic authentication for SMTP). "
        "Connect the account by the Microsoft button instead."
    ),
    "account_blocked": _(
        "The provider has blocked this mailbox from sending, mostly after it looked "
        "like spam. Ask the provider or your administrator to lift the block, and send "
        "more slowly afterwards."
    ),
    "sender_not_allowed": _(
        "The server does not let this login send with the account's address. Check the "
        "address, or ask for the right to send as it."
    ),
    "sender_not_ascii": _(
        "The account's address has letters before the @ that most servers cannot take. "
        "Use an address of plain letters, digits and dots."
    ),
    "sender_mailbox_full": _(
        "The account's own mailbox is full, so the provider lets it send nothing. "
        "Empty it, for instance the folder of sent mail."
    ),
    "relay_denied": _(
        "The server does not take mail for other domains from this account. It is "
        "mostly a missing login, or a server that only receives mail."
    ),
    "starttls_missing": _(
        "The server does not offer STARTTLS. Check server and port, or choose TLS "
        "(usually port 465). Nothing was sent unencrypted."
    ),
    "certificate_invalid": _(
        "The server's certificate is expired or not by a known authority. Check the "
        "server's name, or tell its operator."
    ),
    "host_name_mismatch": _(
        "The server's certificate is for another name. Enter the name that the "
        "provider states as SMTP server."
    ),
    "host_not_found": _(
        "There is no server of this name. Check the SMTP server for typing mistakes."
    ),
    "private_address": _(
        "The server's name leads into a private network, which this site does not "
        "allow. Check the name, or ask the site's operator."
    ),
    # The account waits and goes on by itself.
    "daily_limit": _(
        "The provider's limit for sending is reached. Sending goes on when it frees; "
        "lower the account's limits so that it is not met again."
    ),
    "rate_limited": _(
        "The provider finds that mail is sent too fast. Lengthen the account's gaps or "
        "lower its limits."
    ),
    "too_many_connections": _(
        "The provider allows fewer connections at a time. Lower the account's number "
        "of connections, and close other programs that send through it."
    ),
    "client_blocked": _(
        "The server refuses this site's network address, mostly because of a block "
        "list. Ask the site's operator to have the address delisted."
    ),
    "server_busy": _("The server is busy. Sending goes on by itself."),
    "server_refused": _(
        "The server refused without a reason that is known here. If it goes on, show "
        "its words to the provider."
    ),
    "login_unavailable": _(
        "The server cannot check logins at the moment, or there were too many. Sending "
        "goes on by itself."
    ),
    "provider_unavailable": _(
        "The mailbox's provider cannot renew the access at the moment. Sending goes on "
        "by itself."
    ),
    "sender_unverified": _(
        "The server cannot verify the account's address at the moment. If it goes on, "
        "check that the address' domain exists and receives mail."
    ),
    "resolver_unavailable": _(
        "The server's name cannot be looked up at the moment. If it goes on, the "
        "site's network needs attention."
    ),
    "connection_refused": _(
        "Nothing answers at this server and port. If it goes on, check the port."
    ),
    "connection_lost": _("The connection broke. Sending goes on by itself."),
    "session_ended": _("The server ended the session. Sending goes on by itself."),
    "timed_out": _(
        "The server did not answer in time. If it goes on, check server, port and "
        "security: a port for TLS waits for ever when STARTTLS is chosen."
    ),
    "tls_failed": _(
        "No encrypted connection came about. If it goes on, check port and security: "
        "465 is usual for TLS, 587 for STARTTLS."
    ),
    "protocol_error": _(
        "The server's answers make no sense. If it goes on, check server and port."
    ),
    "no_answer_after_dot": _(
        "The connection broke before the server answered for a message, so it may have "
        "been delivered or not. Sending goes on by itself with the others."
    ),
    # The mailing stopped.
    "message_too_big": _(
        "The message is bigger than the server takes. Make attachments or pictures "
        "smaller and launch the message anew."
    ),
}
