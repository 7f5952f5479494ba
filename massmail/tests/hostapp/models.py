"""Three kinds of recipients that differ in their primary keys."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models


class Person(models.Model):
    """What each recipient of the test host has."""

    name = models.CharField(max_length=300)
    email = models.CharField(max_length=320, blank=True)
    city = models.CharField(max_length=100, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+"
    )
    accepts_mailings = models.BooleanField(default=True)
    disqualified = models.BooleanField(default=False)
    born = models.DateField(null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class Customer(Person):
    """Integer primary key."""


class Subscriber(Person):
    """UUID primary key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)


class Member(Person):
    """String primary key."""

    code = models.CharField(max_length=40, primary_key=True)
