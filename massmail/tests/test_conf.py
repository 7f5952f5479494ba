"""The MASSMAIL setting: defaults, refusals, what tests change."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from massmail.conf import MassmailConf, conf, read


def test_what_is_not_given_has_its_default(settings):
    settings.MASSMAIL = {"CLAIM_BATCH": 7}

    assert conf.CLAIM_BATCH == 7
    assert conf.LEASE_SECONDS == 120
    assert read() == MassmailConf(CLAIM_BATCH=7)


def test_without_the_setting_everything_has_its_default(settings):
    del settings.MASSMAIL

    assert read() == MassmailConf()


def test_the_times_are_those_of_the_rules():
    defaults = MassmailConf()

    assert (
        defaults.CONNECT_TIMEOUT,
        defaults.COMMAND_TIMEOUT,
        defaults.FINAL_DOT_TIMEOUT,
        defaults.LEASE_SECONDS,
        defaults.LEASE_MARGIN,
        defaults.HANDOVER_SECONDS,
        defaults.RUN_SECONDS,
        defaults.TERM_SECONDS,
        defaults.MESSAGES_PER_CONNECTION,
    ) == (30, 60, 600, 120, 60, 30, 15, 25, 50)


def test_an_unknown_name_is_refused_by_name(settings):
    settings.MASSMAIL = {"LEASE_SECOND": 1, "CLAIM_BACH": 2}

    with pytest.raises(ImproperlyConfigured, match="CLAIM_BACH, LEASE_SECOND"):
        read()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "MASSMAIL must be a dict"),
        ({"CLAIM_BATCH": "50"}, r"MASSMAIL\['CLAIM_BATCH'\] must be int, not str"),
        ({"CLAIM_BATCH": True}, "must be int, not bool"),
        ({"CLAIM_BATCH": 0}, "must be 1 or more"),
        ({"REQUIRE_HTTPS": "no"}, "must be bool, not str"),
        ({"ADDRESS_KEY": b"key"}, "must be str, not bytes"),
        ({"DNS_SERVERS": "192.0.2.1:53"}, "must be tuple, not str"),
        ({"OAUTH": []}, "must be dict, not list"),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(settings, given, words):
    settings.MASSMAIL = given

    with pytest.raises(ImproperlyConfigured, match=words):
        read()


def test_whole_seconds_and_lists_are_taken(settings):
    settings.MASSMAIL = {"RUN_SECONDS": 15, "DNS_SERVERS": ["192.0.2.1:53"]}

    assert read().RUN_SECONDS == 15


def test_a_change_is_seen_at_once(settings):
    settings.MASSMAIL = {"CLAIM_BATCH": 7}
    assert conf.CLAIM_BATCH == 7
    settings.MASSMAIL = {"CLAIM_BATCH": 8}
    assert conf.CLAIM_BATCH == 8


def test_other_settings_do_not_matter(settings):
    assert conf.CLAIM_BATCH == 50
    settings.LANGUAGE_CODE = "de"

    assert conf.CLAIM_BATCH == 50


def test_a_name_that_does_not_exist_is_an_error():
    with pytest.raises(AttributeError):
        _ = conf.NO_SUCH_THING
