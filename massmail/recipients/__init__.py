"""The plug: how a host offers its contacts, companies and leads as recipients."""

from massmail.recipients.access import AccessPolicy
from massmail.recipients.filtering import RecipientFilter
from massmail.recipients.registry import register
from massmail.recipients.source import RecipientSource

__all__ = ["AccessPolicy", "RecipientFilter", "RecipientSource", "register"]
