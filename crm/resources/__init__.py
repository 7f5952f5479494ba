"""Companies, contacts and leads as rows of a spreadsheet, in and out."""

from crm.resources.records import (
    CompanyResource,
    ContactResource,
    LeadResource,
    RecordResource,
)

__all__ = ["CompanyResource", "ContactResource", "LeadResource", "RecordResource"]
