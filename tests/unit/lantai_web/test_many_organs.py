"""The tree of organs of a county that has more of them than fit on a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select

from access import epochs
from lantai.settings import load
from lantai.site import Site, initialise
from metadata.identifiers import new_id
from repository.tables import Organ
from tests.unit.lantai_web import conftest as shared
from tests.unit.lantai_web.conftest import Browser, serving

TOWNSHIPS, VILLAGES, FLAT = 8, 14, 130


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A county of 8 townships with 14 villages each; under the first stand 130 more bodies."""
    home = tmp_path_factory.mktemp("organs") / "home"
    made = initialise(load(home=home, synthetic=True), bureau="云岭县民政局", division="990101")
    shared._people(made)
    with made.archive.sessions.begin() as session:
        bureau = session.scalars(select(Organ.id).where(Organ.code == "bureau")).one()
        for number in range(10, 10 + TOWNSHIPS):
            township = new_id()
            session.add(_organ(township, f"town{number}", f"990101{number:03d}", "TS", bureau))
            session.flush()
            for below in range(1, 1 + VILLAGES):
                code = f"990101{number:03d}{below:03d}"
                session.add(_organ(new_id(), f"v{code}", code, "VC", township))
            if number == 10:
                session.add_all(_organ(new_id(), f"body{one:03d}", "", "OD", township) for one in range(FLAT))
        epochs.moved(session)
    yield made
    made.close()


def _organ(organ_id: str, code: str, division: str, level: str, parent: str) -> Organ:
    return Organ(
        id=organ_id,
        code=code,
        name_zh=f"合成机构{code}",
        name_en=f"Synthetic {code}",
        level=level,
        division_prefix=division,
        parent_id=parent,
    )


@pytest.fixture(scope="module")
def base(site: Site) -> Iterator[str]:
    """The site on a loopback port."""
    with serving(site) as address:
        yield address


def _rows(text: str) -> list[str]:
    return re.findall(r'class="branch branch--\d"><a href="/system/organs/([^"]+)"', text)


def _next(text: str) -> str:
    found = re.search(r'rel="next" href="([^"]+)"', text)
    return found.group(1).replace("&amp;", "&") if found else ""


def test_a_large_tree_is_folded_and_opens_by_township(visit: Callable[..., Browser]) -> None:
    browser = visit("sysadmin")
    top = browser.get("/system/organs").text
    shown = _rows(top)
    assert shown[0] == "bureau"
    assert {f"town{number}" for number in range(10, 10 + TOWNSHIPS)} <= set(shown)
    assert not [one for one in shown if one.startswith("v990101")]
    assert f"下辖 {VILLAGES} 个机构" in top
    assert f"下辖 {VILLAGES + FLAT} 个机构" in top
    opened = _rows(browser.get("/system/organs?below=town11").text)
    assert opened == ["town11", *(f"v990101011{below:03d}" for below in range(1, 1 + VILLAGES))]


def test_what_does_not_fit_goes_on_by_key(visit: Callable[..., Browser]) -> None:
    browser = visit("sysadmin")
    seen: list[str] = []
    address = "/system/organs?below=town10"
    while address:
        text = browser.get(address).text
        assert len(_rows(text)) <= 100
        seen += _rows(text)
        address = _next(text)
    assert len(seen) == len(set(seen)) == 1 + VILLAGES + FLAT


def test_it_can_be_searched(visit: Callable[..., Browser]) -> None:
    browser = visit("sysadmin")
    assert _rows(browser.get("/system/organs?q=BODY007").text) == ["body007"]
    found = browser.get("/system/organs?q=990101012014&below=town10").text
    assert _rows(found) == ["v990101012014"]
    assert "<bdi>合成机构town12</bdi>" in found, "below which township it stands"
    nothing = browser.get("/system/organs?q=<b>").text
    assert _rows(nothing) == []
    assert "没有名称或代码含此内容的机构" in nothing
    assert len(_rows(browser.get("/system/organs?q=合成机构body").text)) == 100
    assert browser.get("/system/organs?below=no-such-organ").status_code == 404
    assert len(browser.api("GET", "/organs").json()) > 200, "programs get the whole tree"


def test_a_new_organ_stands_in_every_list_at_once(visit: Callable[..., Browser]) -> None:
    browser, other = visit("sysadmin"), visit("sysadmin")
    assert "合成新办" not in other.get("/system/organs?q=newoffice").text
    browser.get("/system/organs")
    fields = {"code": "newoffice", "name_zh": "合成新办", "level": "OD", "superior": "bureau"}
    assert browser.post("/system/organs", fields).status_code == 303
    assert _rows(other.get("/system/organs?q=newoffice").text) == ["newoffice"]
    assert "合成新办" in other.get("/system/accounts").text
    assert browser.post("/system/organs/newoffice/close").status_code == 303
    assert "合成新办" not in other.get("/system/accounts").text
