"""A signature is part of messages, so its text has the same rules."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.site.owned import OwnedModelForm
from massmail.forms.library_addresses import with_picture_tags
from massmail.forms.template_checks import signature_errors
from massmail.models import Signature


class SignatureForm(OwnedModelForm):
    class Meta:
        model = Signature
        fields = ["name", "type", "content", "is_default", "owner", "department"]
        widgets = {
            "content": forms.Textarea(
                {"class": "vLargeTextField message-source", "spellcheck": "false"}
            )
        }
        help_texts = {
            "type": _("HTML, or text as it is with its line breaks."),
            "content": _(
                "Variables such as {{ sender_name }} and {{ sender_email }} are filled"
                " in for the account that sends the message."
            ),
            "is_default": _(
                "New messages begin with it. What was the default before no longer is."
            ),
        }

    def _get_validation_exclusions(self) -> set[str]:
        """One default per owner: not a reason to refuse it, saving sees to it."""
        return super()._get_validation_exclusions() | {"owner"}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("content"):
            signature = Signature(
                owner_id=self.instance.owner_id,
                department=cleaned.get("department"),
                type=cleaned.get("type", Signature.Type.PLAIN),
            )
            cleaned["content"] = with_picture_tags(cleaned["content"], signature)
            signature.content = cleaned["content"]
            if errors := signature_errors(signature):
                self.add_error("content", errors)
        return cleaned
