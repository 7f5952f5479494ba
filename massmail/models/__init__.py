"""The data: one model and its queryset per file."""

from massmail.models.account_event import AccountEvent
from massmail.models.account_lane import AccountLane
from massmail.models.accounts_queue import EmlAccountsQueue
from massmail.models.alert import Alert
from massmail.models.delivery import Delivery
from massmail.models.delivery_event import DeliveryEvent
from massmail.models.email_account import EmailAccount
from massmail.models.eml_message import (
    Attachment,
    EmlMessage,
    LibraryImage,
    MessageVersion,
    VersionPart,
)
from massmail.models.heartbeat import Heartbeat
from massmail.models.mailbox import Mailbox
from massmail.models.mailbox_folder import MailboxFolder
from massmail.models.mailing_out import MailingOut
from massmail.models.mass_contact import MassContact
from massmail.models.massmail_settings import MassmailSettings
from massmail.models.oauth_request import OAuthRequest
from massmail.models.sample_values import SampleValues
from massmail.models.selected_chunk import SelectedChunk
from massmail.models.send_attempt import SendAttempt
from massmail.models.signature import Signature
from massmail.models.suppressed_address import SuppressedAddress
from massmail.models.suppression_change import SuppressionChange
from massmail.models.target_list import TargetList, TargetListMember
from massmail.models.tracked_link import NamedLink, TrackedLink
from massmail.models.tracking_hit import TrackingHit

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
    "Mailbox",
    "MailboxFolder",
    "MailingOut",
    "MassContact",
    "MassmailSettings",
    "MessageVersion",
    "NamedLink",
    "OAuthRequest",
    "SampleValues",
    "SelectedChunk",
    "SendAttempt",
    "Signature",
    "SuppressedAddress",
    "SuppressionChange",
    "TargetList",
    "TargetListMember",
    "TrackedLink",
    "TrackingHit",
    "VersionPart",
]
