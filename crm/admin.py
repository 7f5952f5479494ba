"""Registers the CRM's lists; they are defined in `crm.site`."""

from __future__ import annotations

from django.contrib import admin

from crm.models import (
    ClientType,
    Company,
    Contact,
    Country,
    Department,
    Industry,
    Lead,
    Tag,
)
from crm.site.company_admin import CompanyAdmin
from crm.site.contact_admin import ContactAdmin
from crm.site.lead_admin import LeadAdmin
from crm.site.list_admins import CountryAdmin, DepartmentAdmin, NamedAdmin

admin.site.register(Company, CompanyAdmin)
admin.site.register(Contact, ContactAdmin)
admin.site.register(Lead, LeadAdmin)
admin.site.register(Country, CountryAdmin)
admin.site.register([ClientType, Industry, Tag], NamedAdmin)
admin.site.register(Department, DepartmentAdmin)
