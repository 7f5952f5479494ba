"""A signature as the beginning of another one."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from massmail.models import Signature
from massmail.recipients.access import access_policy


def copy_signature(signature: Signature, *, by: Any) -> Signature:
    """The signature as `by`'s own; which one is his default does not change."""
    limit = Signature._meta.get_field("name").max_length
    name = _("%(name)s (copy)") % {"name": signature.name}
    return Signature.objects.create(
        owner=by,
        department=access_policy().departments(by).first(),
        name=name[:limit],
        type=signature.type,
        content=signature.content,
    )
