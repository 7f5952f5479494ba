"""Whom to erase: the address is typed, so that nobody is erased by a slip."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from massmail.models.address import Address, InvalidAddress


class ErasureForm(forms.Form):
    address = forms.CharField(label=_("Address"), max_length=320)

    def clean_address(self) -> Address:
        try:
            return Address.parse(self.cleaned_data["address"])
        except InvalidAddress as error:
            raise forms.ValidationError(str(error)) from error
