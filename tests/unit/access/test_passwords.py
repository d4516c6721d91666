"""What is asked of passwords, and what a known browser is worth."""

from __future__ import annotations

from datetime import timedelta

import pytest

from access import accounts, passwords
from access.accounts import SYSTEM
from access.credentials import ONE_TIME
from access.passwords import PasswordRules, SlowDown
from access.sessions import device_named
from metadata.errors import Invalid
from repository.clock import FixedClock
from repository.tables import Account
from tests.unit.access.conftest import County

PASSWORD = "兰台-lantai-2026"


def _account(county: County, name: str = "wang") -> str:
    with county.archive.sessions.begin() as session:
        return accounts.create_account(
            session,
            archive=county.archive,
            actor=SYSTEM,
            username=name,
            display_name="某人",
            organ_code="bureau",
            password=PASSWORD,
        ).id


def _signs_in(county: County, password: str, rules: PasswordRules = passwords.RULES) -> bool:
    with county.archive.sessions.begin() as session:
        found = accounts.authenticate(
            session,
            username="wang",
            password=password,
            archive=county.archive,
            slow_down=SlowDown(pause=lambda _: None),
            rules=rules,
        )
        return found is not None


@pytest.mark.parametrize(
    "password",
    [
        "1234567890",
        "Password123",
        "qwertyuiop",
        "WOAINI5201314",
        "１２３４５６７８９０",
        "wang.li2026",
        "Lantai123456!",
    ],
)
def test_what_guessers_try_first_is_refused(password: str) -> None:
    with pytest.raises(Invalid) as error:
        passwords.hashed(password, "wang.li")
    assert error.value.code in {"password.common", "password.weak"}
    assert password not in error.value.zh + error.value.en


def test_the_length_is_the_sites_to_choose() -> None:
    with pytest.raises(Invalid, match="at least 14"):
        passwords.hashed("zwölf-lange-", "wang", PasswordRules(shortest=14))
    assert passwords.hashed("acht-8-x", "wang", PasswordRules(shortest=1)).startswith("$argon2id$")


def test_past_passwords_do_not_come_back_until_others_lie_between(county: County) -> None:
    account_id, rules = _account(county), PasswordRules(remembered=2)
    current = PASSWORD
    with county.archive.sessions.begin() as session:
        account = session.get_one(Account, account_id)

        def change(new: str) -> None:
            nonlocal current
            accounts.change_password(
                session, archive=county.archive, account=account, current=current, new=new, rules=rules
            )
            current = new

        change("zweites-wort-hier")
        with pytest.raises(Invalid) as error:
            change(PASSWORD)
        assert error.value.code == "password.used_before"
        change("drittes-wort-hier")
        change("viertes-wort-hier")
        change(PASSWORD)
        assert len(account.past_passwords) == 2


def test_a_password_grows_old_only_where_the_site_says_so(county: County, clock: FixedClock) -> None:
    account_id = _account(county)
    clock.moment += timedelta(days=91)
    assert _signs_in(county, PASSWORD)
    with county.archive.reading() as session:
        assert not session.get_one(Account, account_id).must_change_password
    assert _signs_in(county, PASSWORD, PasswordRules(days=90))
    with county.archive.reading() as session:
        assert session.get_one(Account, account_id).must_change_password


def test_a_one_time_password_ends(county: County, clock: FixedClock) -> None:
    _account(county)
    with county.archive.sessions.begin() as session:
        given = accounts.reset_password(session, archive=county.archive, actor=SYSTEM, username="wang")
    clock.moment += ONE_TIME
    assert _signs_in(county, given)
    clock.moment += timedelta(minutes=1)
    assert not _signs_in(county, given)


def test_a_mark_is_of_one_account_and_one_password() -> None:
    first, second = passwords.hashed("erstes-wort-hier", "wang"), passwords.hashed("zweites-wort-hier", "wang")
    mark = passwords.device_mark(first, name="wang")
    assert passwords.known_device(first, mark, name="wang")
    assert not passwords.known_device(second, mark, name="wang")
    assert not passwords.known_device(first, mark, name="li")
    assert not passwords.known_device(None, mark, name="wang")
    for odd in ("", ".", "a.b", mark[:-1], mark[::-1], "\ud800.\ud800", "é" * 80):
        assert not passwords.known_device(first, odd, name="wang")


@pytest.mark.parametrize(
    ("agent", "named"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64) AppleWebKit/537.36 Chrome/86.0 Safari/537.36", "Chrome · Windows"),
        ("Mozilla/5.0 (Linux; Android 12) AppleWebKit Chrome/110 MicroMessenger/8.0", "WeChat · Android"),
        ("Mozilla/5.0 (X11; Linux aarch64; UOS) Chrome/93", "Chrome · UOS"),
        ("python-httpx/0.27", "program"),
        ("<script>alert(1)</script>", ""),
        ("", ""),
    ],
)
def test_devices_are_named_in_words_of_ours(agent: str, named: str) -> None:
    assert device_named(agent) == named
