"""Registers massmail's pages; they are defined in `massmail.site`."""

from __future__ import annotations

from django.contrib import admin

from massmail import models
from massmail.site.delivery import DeliveryAdmin
from massmail.site.email_account import EmailAccountAdmin
from massmail.site.eml_message import EmlMessageAdmin
from massmail.site.health import (
    AccountEventAdmin,
    AlertAdmin,
    DeliveryEventAdmin,
    EmlAccountsQueueAdmin,
    HeartbeatAdmin,
    SendAttemptAdmin,
)
from massmail.site.library_image import LibraryImageAdmin
from massmail.site.mailing_out import MailingOutAdmin
from massmail.site.mass_contact import MassContactAdmin
from massmail.site.massmail_settings import MassmailSettingsAdmin
from massmail.site.message_version import MessageVersionAdmin
from massmail.site.named_link import NamedLinkAdmin
from massmail.site.signature import SignatureAdmin
from massmail.site.suppressed_address import (
    SuppressedAddressAdmin,
    SuppressionChangeAdmin,
)
from massmail.site.target_list import TargetListAdmin

admin.site.register(models.MailingOut, MailingOutAdmin)
admin.site.register(models.Delivery, DeliveryAdmin)
admin.site.register(models.EmlMessage, EmlMessageAdmin)
admin.site.register(models.MessageVersion, MessageVersionAdmin)
admin.site.register(models.Signature, SignatureAdmin)
admin.site.register(models.LibraryImage, LibraryImageAdmin)
admin.site.register(models.EmailAccount, EmailAccountAdmin)
admin.site.register(models.AccountEvent, AccountEventAdmin)
admin.site.register(models.EmlAccountsQueue, EmlAccountsQueueAdmin)
admin.site.register(models.MassContact, MassContactAdmin)
admin.site.register(models.NamedLink, NamedLinkAdmin)
admin.site.register(models.TargetList, TargetListAdmin)
admin.site.register(models.SuppressedAddress, SuppressedAddressAdmin)
admin.site.register(models.SuppressionChange, SuppressionChangeAdmin)
admin.site.register(models.Alert, AlertAdmin)
admin.site.register(models.Heartbeat, HeartbeatAdmin)
admin.site.register(models.SendAttempt, SendAttemptAdmin)
admin.site.register(models.DeliveryEvent, DeliveryEventAdmin)
# A project may give them another place, by a proxy of its own.
if not models.MassmailSettings.__subclasses__():
    admin.site.register(models.MassmailSettings, MassmailSettingsAdmin)
