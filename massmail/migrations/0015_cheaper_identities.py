import uuid

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Exists, OuterRef

import massmail.models.planned_accounts


def leave_room(apps, schema_editor):
    """Each identity is soon bound to its account: in its place, if the page has room."""
    set_parameter(schema_editor, "SET (fillfactor = 45)")


def leave_none(apps, schema_editor):
    set_parameter(schema_editor, "RESET (fillfactor)")


def set_parameter(schema_editor, words):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"ALTER TABLE massmail_masscontact {words}")


def forget_dangling(apps, schema_editor):
    """On the way back the constraints refuse what names a row that is gone."""
    forget(apps, schema_editor, 'Delivery', 'mass_contact')
    forget(apps, schema_editor, 'MassContact', 'email_account')


def forget(apps, schema_editor, name, field):
    alias = schema_editor.connection.alias
    model = apps.get_model('massmail', name)
    related = model._meta.get_field(field).related_model.objects.using(alias)
    target = related.filter(pk=OuterRef(f'{field}_id'))
    rows = model.objects.using(alias).filter(**{f'{field}__isnull': False})
    rows.exclude(Exists(target)).update(**{field: None})


class Migration(migrations.Migration):

    dependencies = [
        ('massmail', '0014_lighter_attempts'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='masscontact',
            name='mass_contact_by_account',
        ),
        migrations.AlterField(
            model_name='delivery',
            name='mass_contact',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='deliveries', to='massmail.masscontact'),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='email_account',
            field=models.ForeignKey(db_index=False, null=True, on_delete=massmail.models.planned_accounts.keep_unless_planned, related_name='deliveries', to='massmail.emailaccount', verbose_name='email account'),
        ),
        migrations.AlterField(
            model_name='masscontact',
            name='email_account',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, help_text='Later mailings keep to this account where its owner may use it.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='mass_contacts', to='massmail.emailaccount', verbose_name='email account'),
        ),
        migrations.AlterField(
            model_name='masscontact',
            name='uuid',
            field=models.UUIDField(default=uuid.uuid4, editable=False, verbose_name='UUID'),
        ),
        migrations.RunPython(leave_room, leave_none),
        migrations.RunPython(migrations.RunPython.noop, forget_dangling),
    ]
