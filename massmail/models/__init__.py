"""The data: one model and its queryset per file."""

from massmail.models.alert import Alert
from massmail.models.delivery import Delivery
from massmail.models.delivery_event import DeliveryEvent
from massmail.models.email_account import (
    AccountEvent,
    AccountLane,
    EmailAccount,
    EmlAccountsQueue,
)
from massmail.models.eml_message import (
    Attachment,
    EmlMessage,
    LibraryImage,
    MessageVersion,
    VersionPart,
)
from massmail.models.heartbeat import Heartbeat
from massmail.models.mailing_out import MailingOut
from massmail.models.mass_contact import MassContact
from massmail.models.massmail_settings import MassmailSettings
from massmail.models.sample_values import SampleValues
from massmail.models.selected_chunk import SelectedChunk
from massmail.models.send_attempt import SendAttempt
from massmail.models.signature import Signature
from massmail.models.suppressed_address import SuppressedAddress

__all__ = [
    "AccountEvent",
    "AccountLane",
    "Alert",
    "Attachment",
    "Delivery",
    "DeliveryEvent",
    "EmailAccount",
    "EmlAccountsQueue",
    "EmlMessage",
    "Heartbeat",
    "LibraryImage",
    "MailingOut",
    "MassContact",
    "MassmailSettings",
    "MessageVersion",
    "SampleValues",
    "SelectedChunk",
    "SendAttempt",
    "Signature",
    "SuppressedAddress",
    "VersionPart",
]
