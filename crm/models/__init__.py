"""The host's data: one model per file."""

from crm.models.client_type import ClientType
from crm.models.company import Company
from crm.models.contact import Contact
from crm.models.country import Country
from crm.models.department import Department
from crm.models.industry import Industry
from crm.models.lead import Lead
from crm.models.tag import Tag

__all__ = [
    "ClientType",
    "Company",
    "Contact",
    "Country",
    "Department",
    "Industry",
    "Lead",
    "Tag",
]
