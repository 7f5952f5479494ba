"""Users without Django's usual columns, and a record with a UUID for its key."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import (
    AbstractBaseUser,
    BaseUserManager,
    PermissionsMixin,
)
from django.db import models


class Seller(AbstractBaseUser, PermissionsMixin):
    """Has no name, no `username` and no `email`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    login = models.CharField(max_length=50, unique=True)
    mailbox = models.EmailField(blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=True)

    USERNAME_FIELD = "login"
    EMAIL_FIELD = "mailbox"

    sellers = BaseUserManager()

    def __str__(self) -> str:
        return self.login


class Person(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=100)
    mail = models.EmailField(blank=True, null=True, unique=True)
    seller = models.ForeignKey(Seller, on_delete=models.CASCADE)
    wants_mail = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.name


class Guest(Person):
    """The same rows, with a page of their own."""

    class Meta:
        proxy = True
