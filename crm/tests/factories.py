"""Objects for tests, each with no more than what makes it valid."""

from __future__ import annotations

from typing import Any

import factory
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from factory import LazyAttribute, Sequence, SubFactory
from factory.django import DjangoModelFactory

from crm.models import Company, Contact, Department, Lead


class DepartmentFactory(DjangoModelFactory):
    class Meta:
        model = Department

    class Params:
        name = Sequence("Department {}".format)

    group = LazyAttribute(lambda self: Group.objects.create(name=self.name))


class UserFactory(DjangoModelFactory):
    """A colleague; `roles` are group names, `department` is a Department."""

    class Meta:
        model = get_user_model()
        skip_postgeneration_save = True

    username = Sequence("user{}".format)
    is_staff = True

    @factory.post_generation
    def roles(self: Any, create: bool, names: tuple[str, ...], **kwargs: Any) -> None:
        self.groups.add(*Group.objects.filter(name__in=names or ()))

    @factory.post_generation
    def department(
        self: Any, create: bool, department: Department | None, **kwargs: Any
    ) -> None:
        if department:
            self.groups.add(department.group)


class RecordFactory(DjangoModelFactory):
    class Meta:
        abstract = True

    owner = SubFactory(UserFactory, roles=("managers",))


class CompanyFactory(RecordFactory):
    class Meta:
        model = Company

    name = Sequence("Company {}".format)
    email = Sequence("office@company{}.example.com".format)


class PersonFactory(RecordFactory):
    class Meta:
        abstract = True

    first_name = "Ada"
    last_name = Sequence("Lovelace {}".format)


class ContactFactory(PersonFactory):
    class Meta:
        model = Contact

    email = Sequence("contact{}@example.com".format)


class LeadFactory(PersonFactory):
    class Meta:
        model = Lead

    email = Sequence("lead{}@example.com".format)
