"""What enhanced status codes (RFC 3463) say, in a reply and in a report alike.

Patterns match all of a code; the words are those that the ledger keeps as reasons.
"""

from __future__ import annotations

# The address itself is wrong: it is never to be mailed again.
ADDRESS_IS_GONE = {
    "unknown_address": r"5\.1\.(1|10)",
    "unknown_domain": r"5\.1\.2",
    "bad_address": r"5\.1\.3",
    "moved_away": r"5\.1\.6",
}
# Google and Microsoft refuse a domain's mail without valid SPF, DKIM and DMARC.
NOT_AUTHENTICATED = r"5\.7\.(26|27|30|32|509|515)"
# What a recipient's own settings refuse.
RESTRICTED = r"5\.7\.(12|13)."
RESTRICTED_TEXT = r"RESOLVER\.RST"
MAILBOX_DISABLED = r"5\.2\.1"
# 5.2.3 is the limit of one mailbox, 5.3.4 that of the system.
MAILBOX_LIMIT = r"5\.2\.3"
SYSTEM_LIMIT = r"5\.3\.4"
POLICY = r"5\.7\..+"
