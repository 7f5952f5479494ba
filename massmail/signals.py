"""Facts for the host; receivers get keyword arguments, after the commit.

`mailing_launched(mailing, by)`, `mailing_done(mailing)`,
`unsubscribed(content_type, object_ids, address, delivery)`,
`resubscribed(content_type, object_ids, address, delivery)`,
`account_stopped(email_account, reason)`.
"""

from django.dispatch import Signal

mailing_launched = Signal()
mailing_done = Signal()
unsubscribed = Signal()
resubscribed = Signal()
account_stopped = Signal()
