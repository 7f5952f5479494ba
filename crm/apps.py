from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class CrmConfig(AppConfig):
    """The host: companies, contacts and leads."""

    name = "crm"
    verbose_name = _("CRM")

    def ready(self) -> None:
        from crm.roles import keep_roles

        post_migrate.connect(keep_roles, sender=self, dispatch_uid="crm.roles")


class CrmAdminConfig(AdminConfig):
    """The project has one admin site, the CRM's."""

    default_site = "crm.site.crm_site.CrmAdminSite"
