from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MassmailConfig(AppConfig):
    """Registers checks and finds the hosts' recipient sources."""

    name = "massmail"
    verbose_name = _("Mass mail")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from massmail import checks  # noqa: F401
        from massmail.forms.template_checks import message_errors
        from massmail.models import stored_files  # noqa: F401
        from massmail.models.eml_message import register_text_check
        from massmail.recipients.registry import autodiscover

        register_text_check(message_errors)
        autodiscover()
