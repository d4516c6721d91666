"""The page of replicas, as whoever looks after them uses it."""

from __future__ import annotations

from collections.abc import Callable

from tests.unit.lantai_web.conftest import Browser


def test_the_officer_compares_and_cannot_retire_one_of_two(visit: Callable[[str], Browser]) -> None:
    officer = visit("officer")
    page = officer.get("/preservation/replicas")
    assert page.status_code == 200, page.text[-300:]
    assert 'action="/preservation/replicas/compare"' in page.text
    sent = officer.post("/preservation/replicas/compare", {"first": "a", "second": "b"})
    assert sent.status_code == 303
    assert "a / b" in officer.get(sent.headers["location"]).text
    assert officer.post("/preservation/replicas/retire", {"name": "b"}).status_code == 409
    assert officer.http.post("/preservation/replicas/compare", data={"first": "a", "second": "b"}).status_code == 403
