"""Links from a page to the section of the user guide that explains it."""

from __future__ import annotations

from massmail.conf import conf

# By the name of the page's URL, or of its model; headings of docs/user_guide.md.
SECTIONS = {
    "app_list": "where-to-begin",
    "create_mailing": "choose",
    "massmail_alert": "when-an-account-is-stopped",
    "massmail_delivery": "who-is-not-mailed",
    "massmail_emailaccount": "before-the-first-mailing",
    "massmail_emailaccount_hand_over": "when-an-account-is-stopped",
    "massmail_emlmessage": "write",
    "massmail_emlmessage_import": "bring-in-an-old-text",
    "massmail_emlmessage_preview": "preview",
    "massmail_emlmessage_test": "send-a-test",
    "massmail_emlmessage_versions": "copy-versions-corrections",
    "massmail_emlmessage_waiting": "copy-versions-corrections",
    "massmail_libraryimage": "write",
    "massmail_mailingout": "watch-pause-cancel",
    "massmail_mailingout_create": "choose",
    "massmail_mailingout_create_for": "choose",
    "massmail_mailingout_launch": "launch",
    "massmail_mailingout_schedule": "launch",
    "massmail_mailingout_send_again": "failed-messages",
    "massmail_mailingout_uncertain": "uncertain-messages",
    "massmail_messageversion": "copy-versions-corrections",
    "massmail_messageversion_preview": "preview",
    "massmail_namedlink": "who-opened-it-who-clicked",
    "massmail_signature": "before-the-first-mailing",
    "massmail_suppressedaddress": "who-is-not-mailed",
    "massmail_targetlist": "target-lists",
}


def help_url(anchor: str = "") -> str:
    """ "" where the deployment names no guide."""
    if not conf.USER_GUIDE_URL:
        return ""
    return f"{conf.USER_GUIDE_URL}#{anchor}" if anchor else conf.USER_GUIDE_URL


def section_of(url_name: str) -> str:
    """That of the page itself, else of its model; "" for the guide's beginning."""
    model = "_".join(url_name.split("_")[:2])
    return SECTIONS.get(url_name) or SECTIONS.get(model, "")
