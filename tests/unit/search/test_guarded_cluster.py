"""The index on a cluster that asks who is there: TLS of an own CA, passwords, keys, and no more rights than needed."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from access.accounts import Actor
from metadata.errors import Unavailable
from repository.archive import Archive
from search.checking import compare
from search.cluster import ClusterHome, Reach
from search.indexer import follow, rebuild
from tests.conftest import served
from tests.services.certificates import make_certificates
from tests.services.elastic import Elastic
from tests.unit.search.test_cluster import begin, code_of, entry, total

if TYPE_CHECKING:
    from tests.unit.search.conftest import Shelf

GUIDE = Path(__file__).parents[3] / "docs/howto/elasticsearch.md"


@pytest.fixture(scope="module")
def guarded() -> Iterator[Elastic]:
    """A cluster behind TLS and passwords; ``program`` may do what the guide asks for, ``reader`` only read."""
    told = re.search(r"```json\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert told is not None
    reading = {"indices": [{"names": ["lantai", "lantai-*"], "privileges": ["read", "view_index_metadata"]}]}
    roles = {"program": json.loads(told[1]), "reader": reading}
    yield from served(Elastic(tls=True, roles=roles), "no Elasticsearch here")


def test_behind_tls_and_passwords(guarded: Elastic, tmp_path: Path) -> None:
    good = Reach(
        (guarded.url,), "lantai", "h", guarded.ca_file, user=guarded.user, password=guarded.password, replicas=0, seconds=60
    )  # fmt: skip
    home = ClusterHome(good)
    begin(home)
    home.open_live().apply([entry("a", 1)], [])
    assert home.open_live().count() == 1
    make_certificates(tmp_path, name="another CA")
    (tmp_path / "broken.pem").write_text("no certificate")
    for change, code in (
        ({"password": "wrong-Passwort-7"}, "index.login"),
        ({"user": "", "api_key": "d3Jvbmc6d3Jvbmc="}, "index.login"),
        ({"user": ""}, "index.login"),
        ({"ca_file": tmp_path / "ca.pem"}, "index.tls"),
        ({"ca_file": None}, "index.tls"),
        ({"urls": (guarded.url.replace("https", "http"),)}, "index.unreachable"),
    ):
        wrong = ClusterHome(dataclasses.replace(good, **change))
        with pytest.raises(Unavailable) as caught:
            wrong.check()
        assert caught.value.code == code, change
        for secret in ("wrong-Passwort-7", guarded.password, "d3Jvbmc6d3Jvbmc"):
            assert secret not in str(caught.value) + caught.value.zh + caught.value.en + repr(good)
        wrong.close()
    for path in (tmp_path / "absent.pem", tmp_path / "broken.pem"):
        assert code_of(ClusterHome(dataclasses.replace(good, ca_file=path)).check) == "index.settings"
    home.close()


def test_the_rights_that_the_guide_names_suffice_and_nothing_beyond_them(
    guarded: Elastic, archive: Archive, shelf: Shelf, console: Actor
) -> None:
    reach = Reach(
        (guarded.url,), "lantai", "h", guarded.ca_file, user="program", password=guarded.password, shards=3, replicas=0, seconds=60
    )  # fmt: skip
    home = ClusterHome(reach)
    for number in range(20):
        shelf.record(f"申请书 {number}", ("a.txt", "低保申请"))
    assert follow(archive, home, "test") == 20
    assert home.condition().state == "ok"
    assert total(archive, home, console, "申请") == 20
    rebuild(archive, home)
    home.sweep(abandoned_after=0.0)
    assert compare(archive, home.open_live()).agrees
    assert total(archive, home, console, "申请") == 20
    elsewhere = ClusterHome(dataclasses.replace(reach, index="payroll"))
    assert code_of(lambda: begin(elsewhere)) == "index.rights"
    elsewhere.close()
    home.close()
    home = ClusterHome(dataclasses.replace(reach, user="reader"))
    assert code_of(lambda: home.open_live().apply([entry("a", 1)], [])) == "index.rights"
    home.close()
