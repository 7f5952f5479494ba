"""Why a mailbox is not read, and what a person can do about it."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from massmail.backends.causes import Cause
from massmail.backends.imap_failures import ImapReason

INTERNAL_ERROR = "internal_error"

HELP: dict[str, Promise] = {
    # A person must mend it.
    ImapReason.LOGIN_REFUSED: _(
        "The IMAP server refused the login. Check user name and password, or connect "
        "the account anew; some providers allow IMAP in the mailbox's settings first."
    ),
    ImapReason.APP_PASSWORD_NEEDED: _(
        "The provider wants an app password instead of the mailbox's own. Make one in "
        "the security settings of the mailbox and enter it here, or connect the "
        "account by the provider's button."
    ),
    ImapReason.BROWSER_LOGIN_NEEDED: _(
        "The provider wants to see you log in with a web browser first. Log in to the "
        "mailbox there, and confirm that it was you."
    ),
    ImapReason.IMAP_DISABLED: _(
        "Reading by IMAP is switched off for this mailbox. Allow it in the mailbox's "
        "settings, or ask your administrator to."
    ),
    ImapReason.PASSWORD_LOGIN_DISABLED: _(
        "The provider does not take passwords for IMAP any more. Connect the account "
        "by the provider's button instead."
    ),
    Cause.LOGIN_NOT_OFFERED: _(
        "The IMAP server does not offer the account's login method. Choose another "
        "login method, or check server and port."
    ),
    Cause.LOGIN_IMPOSSIBLE: _(
        "This site cannot log in to the IMAP server that way. A user name and a "
        "password are needed, or a connection to the mailbox's provider, whose own "
        "IMAP server it must be."
    ),
    Cause.LOGIN_IN_CLEAR: _(
        "The password was not sent, because the connection is not encrypted. Use port "
        "993, or 143 with STARTTLS."
    ),
    Cause.STARTTLS_MISSING: _(
        "The IMAP server does not offer STARTTLS. Use port 993. Nothing was sent "
        "unencrypted."
    ),
    Cause.SECRET_UNREADABLE: _(
        "The stored password or access cannot be read with this site's keys. Ask the "
        "site's operator whether a key is missing; else enter the password again, or "
        "connect the account anew."
    ),
    Cause.NEEDS_RECONNECTING: _(
        "The mailbox's provider does not let this site use the mailbox any more. "
        "Connect the account again by the button on its page."
    ),
    Cause.PROVIDER_REFUSED: _(
        "The provider refuses this site, whatever the mailbox. Show its words to the "
        "site's operator: the site's registration there may have expired."
    ),
    Cause.SENDER_INVALID: _("The account's own address is not valid. Correct it."),
    # It is tried again by itself.
    ImapReason.LOGIN_UNAVAILABLE: _(
        "The IMAP server cannot check logins at the moment, or there were too many."
    ),
    ImapReason.FOLDER_REFUSED: _("The IMAP server does not open the inbox."),
    ImapReason.SERVER_REFUSED: _(
        "The IMAP server refused without a reason that is known here. If it goes on, "
        "show its words to the provider."
    ),
    ImapReason.SESSION_ENDED: _("The IMAP server ended the session."),
    Cause.HOST_NOT_FOUND: _(
        "There is no server of this name. Check the IMAP server for typing mistakes."
    ),
    Cause.PRIVATE_ADDRESS: _(
        "The IMAP server's name leads into a private network, which this site does not "
        "allow. Check the name, or ask the site's operator."
    ),
    Cause.CERTIFICATE_INVALID: _(
        "The IMAP server's certificate is expired or not by a known authority. Check "
        "the server's name, or tell its operator."
    ),
    Cause.HOST_NAME_MISMATCH: _(
        "The IMAP server's certificate is for another name. Enter the name that the "
        "provider states as IMAP server."
    ),
    Cause.RESOLVER_UNAVAILABLE: _(
        "The IMAP server's name cannot be looked up at the moment. If it goes on, the "
        "site's network needs attention."
    ),
    Cause.CONNECTION_REFUSED: _(
        "Nothing answers at this IMAP server and port. If it goes on, check the port: "
        "993 is usual."
    ),
    Cause.CONNECTION_LOST: _("The connection to the IMAP server broke."),
    Cause.TIMED_OUT: _(
        "The IMAP server did not answer in time. If it goes on, check server and port."
    ),
    Cause.TLS_FAILED: _(
        "No encrypted connection came about. If it goes on, check the port: 993 is for "
        "TLS, 143 for STARTTLS."
    ),
    Cause.PROTOCOL_ERROR: _(
        "The IMAP server's answers make no sense. If it goes on, check server and port."
    ),
    Cause.PROVIDER_UNAVAILABLE: _(
        "The mailbox's provider cannot renew the access at the moment."
    ),
    INTERNAL_ERROR: _(
        "Something went wrong on this site. Its operator finds more in the log."
    ),
}

# A login that was refused is not repeated: providers lock mailboxes for that.
NEEDS_PERSON = frozenset(
    {
        ImapReason.LOGIN_REFUSED,
        ImapReason.APP_PASSWORD_NEEDED,
        ImapReason.BROWSER_LOGIN_NEEDED,
        ImapReason.IMAP_DISABLED,
        ImapReason.PASSWORD_LOGIN_DISABLED,
        Cause.LOGIN_NOT_OFFERED,
        Cause.LOGIN_IMPOSSIBLE,
        Cause.LOGIN_IN_CLEAR,
        Cause.STARTTLS_MISSING,
        Cause.SECRET_UNREADABLE,
        Cause.NEEDS_RECONNECTING,
        Cause.PROVIDER_REFUSED,
        Cause.SENDER_INVALID,
    }
)


def help_for(reason: str) -> str:
    return str(HELP.get(reason, HELP[ImapReason.SERVER_REFUSED])) if reason else ""
