"""Adding to the "don't mail" list by hand."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from massmail.models import SuppressedAddress
from massmail.models.address import Address, InvalidAddress, ascii_domain


class SuppressedAddressForm(forms.ModelForm):
    """One address that is not on the list yet."""

    class Meta:
        model = SuppressedAddress
        fields = ["address"]
        help_texts: ClassVar[dict[str, object]] = {
            "address": _("No mailing of anybody reaches it any more.")
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Where a domain can be given instead, the model says that one is missing.
        if list(self.fields) == ["address"]:
            self.fields["address"].required = True

    def clean_address(self) -> str:
        address: str = self.cleaned_data["address"]
        if address:
            self.refuse_known(address_key=normalised(Address.parse, address).key)
        return address

    def refuse_known(self, **lookup: str) -> None:
        """The key is no field of the form, so its constraint is not checked by it."""
        known = SuppressedAddress.objects.for_all().filter(**lookup)
        # Said again for SQLite, whose indexes leave out what is blank.
        if known.exclude(**dict.fromkeys(lookup, "")).exists():
            raise forms.ValidationError(_("This is on the list already."))


class FullSuppressedAddressForm(SuppressedAddressForm):
    """Also a domain, and any reason."""

    class Meta(SuppressedAddressForm.Meta):
        fields = ["address", "domain", "reason"]

    def clean_domain(self) -> str:
        domain: str = self.cleaned_data["domain"].strip().lstrip("@")
        if domain:
            self.refuse_known(domain=normalised(ascii_domain, domain))
        return domain


def normalised(parse: Any, text: str) -> Any:
    try:
        return parse(text)
    except InvalidAddress as error:
        raise forms.ValidationError(str(error)) from error
