"""Countries."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.named import NamedModel


class Country(NamedModel):
    """A country; the fixture `countries` holds all of ISO 3166."""

    code = models.CharField(
        _("ISO code"),
        max_length=2,
        unique=True,
        validators=[RegexValidator(r"^[A-Z]{2}$", _("Two capital letters."))],
    )

    class Meta(NamedModel.Meta):
        verbose_name = _("country")
        verbose_name_plural = _("countries")
