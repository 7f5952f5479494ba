"""What is asked of a user, whatever model the site has for its users."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Q


def address_of(user: Any) -> str:
    """His own mailbox; "" without one."""
    return str(getattr(user, user.get_email_field_name(), "") or "")


def name_of(user: Any) -> str:
    """His full name; "" where the model keeps none."""
    full_name = getattr(user, "get_full_name", None)
    return str(full_name()) if full_name else ""


def has_address(prefix: str = "") -> Q:
    """A condition on users, or by a path (`recipient__`) on what is theirs."""
    model = get_user_model()
    name = model.get_email_field_name()
    if all(field.name != name for field in model._meta.concrete_fields):
        return Q(pk__in=[])
    return ~Q(**{f"{prefix}{name}": ""}) & ~Q(**{f"{prefix}{name}": None})
