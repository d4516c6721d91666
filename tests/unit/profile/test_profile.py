"""The profile: complete, consistent, and exact about what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from metadata.errors import Invalid
from metadata.profile import Condition, builtin, load_bytes, load_profile
from metadata.profile.files import MODELS
from metadata.profile.models import STATUS_WORDS
from metadata.profile.positions import read
from metadata.rights import Permission

PROFILE = builtin("social_assistance")
FILES = PROFILE.files


def broken(file: str, old: str, new: str) -> tuple[Invalid, int]:
    """The error of a profile with one text replaced, and the line where it was."""
    text = FILES[file].decode()
    assert text.count(old) >= 1, old
    line = text[: text.index(old)].count("\n") + 1
    with pytest.raises(Invalid) as error:
        load_bytes({**FILES, file: text.replace(old, new, 1).encode()})
    return error.value, line


@pytest.mark.parametrize(
    ("file", "old", "new", "key", "says"),
    [
        ("roles.yaml", "level: VC", "level: ZZ", "roles[0].level", "organ level ZZ"),
        ("roles.yaml", "level: VC", "levle: VC", "roles[0].levle", "no such key"),
        (
            "roles.yaml",
            "[package.read, fixity.read, fixity.run",
            "[package.read, fly",
            "roles[8].permissions",
            "record.list",
        ),
        ("roles.yaml", "- [sys_admin, sec_admin]", "- [sys_admin, emperor]", "incompatible_roles[0]", "role emperor"),
        ("roles.yaml", "marks: [financial, medical, minor]", "marks: [secret]", "roles[1].marks", "mark secret"),
        ("roles.yaml", "identity_numbers: full", "identity_numbers: masked", "roles[1].identity_numbers", "unmask"),
        ("roles.yaml", "second: approve_destruction", "second: burn", "per_object_separation[0]", "act burn"),
        ("retention.yaml", "[REG03]", "[REG99]", "rules[3].applies_to", "document type REG99"),
        ("retention.yaml", "trigger: decision_final", "trigger: someday", "rules[1].trigger", "trigger someday"),
        ("retention.yaml", "events: [rejected]", "events: [refused]", "triggers[1].events", "event refused"),
        ("retention.yaml", "years: 5, floor_years: 3", "years: 2, floor_years: 3", "rules[0].years", "below its floor"),
        ("retention.yaml", "years: 30, floor_years: 5", "years: 40, floor_years: 5", "rules[3].code", "shorter"),
        ("retention.yaml", "years: null, code: Y", "years: null, code: D30", "rules[4].years", "permanent"),
        ("retention.yaml", "- {id: R02", "- {id: R01", "rules[1].id", "twice"),
        ("documents.yaml", "organ: VC", "organ: XX", "documents[0].organ", "organ level XX"),
        ("documents.yaml", "stage: apply, event: app", "stage: sleep, event: app", "documents[0].stage", "stage sleep"),
        ("documents.yaml", "event: application_submitted, r", "event: born, r", "documents[0].event", "event born"),
        ("documents.yaml", "when: not_accepted", "when: moonlight", "documents[13].when", "fact moonlight"),
        ("documents.yaml", "required: if, when: not_accepted", "required: if", "documents[13].required", "when"),
        ("documents.yaml", "first: [APP01", "first: [REG01", "file_order.first", "household document type REG01"),
        ("documents.yaml", "category: WS", "category: XX", "documents[66].category", "category XX"),
        ("classification.yaml", "{file:05d}'", "{folder:05d}'", "code_templates[0].template", "folder"),
        ("classification.yaml", "'^[A-Z][0-9]{3}$'", "'['", "fonds_pattern", "regular expression"),
        ("organs.yaml", "allowed: [CB, TS]", "allowed: [CB, XX]", "custody.allowed", "organ level XX"),
        ("borrowing.yaml", "approver: bureau_head", "approver: emperor", "requesters[3].approver", "role emperor"),
        ("borrowing.yaml", "CHK11, REV04]", "CHK11, REV99]", "redact_for_household", "document type REV99"),
        ("review.yaml", "period: P6M", "period: monthly", "periods[2].period", "pattern"),
        ("review.yaml", "overrides_allowed: true", "overrides_allowed: maybe", "overrides_allowed", "true or false"),
        ("profile.yaml", "effective_on: 2026-11-30", "effective_on: soon", "effective_on", "date"),
        ("profile.yaml", "[sha512, sm3]", "[sha512, md5]", "digest_algorithms[1]", "sm3"),
        ("profile.yaml", "zh: 社会救助\n", "", "zh", "missing"),
        ("profile.yaml", "{serial:06d}", "{serial:06d", "household_no.template", "braces"),
    ],
)
def test_an_error_names_file_line_and_key(file: str, old: str, new: str, key: str, says: str) -> None:
    error, line = broken(file, old, new)
    assert error.code == "profile.invalid"
    assert error.params["file"] == file
    assert str(error.params["key"]).startswith(key)
    assert says in error.en
    if new:
        assert error.params["line"] == line
    place = f"{file} 第 {error.params['line']} 行第 {error.params['column']} 列"
    assert place in error.zh
    assert f"line {error.params['line']}" in error.en


@pytest.mark.parametrize(
    ("data", "says", "line"),
    [
        (b"a: 1\nb: 2\na: 3\n", "twice", 3),
        (b"a: &x 1\nb: *x\n", "anchors", 1),
        (b"a: !!python/object:os.system 1\n", "tags", 1),
        (b"a: [1\nb: 2\n", "syntax", 2),
        (b"a: \xff\n", "UTF-8", 1),
        (b"- 1\n", "mapping", 1),
        (b"? [a]\n: 1\n", "key must be text", 1),
        (b"a: \x07\n", "forbidden", 1),
        (b"", "mapping", 1),
    ],
)
def test_yaml_is_read_strictly(data: bytes, says: str, line: int) -> None:
    with pytest.raises(Invalid) as error:
        read("x.yaml", data)
    assert says in error.value.en
    assert error.value.params["line"] == line


def test_scalars_are_not_guessed() -> None:
    text = b"a: 2026.1\nb: NO\nc: 12\nd: '12'\ne: true\nf: null\ng: 2026-01-01\nh: 0012\n"
    assert read("x.yaml", text).values == {
        "a": "2026.1",
        "b": "NO",
        "c": 12,
        "d": "12",
        "e": True,
        "f": None,
        "g": "2026-01-01",
        "h": "0012",
    }


def test_files_missing_or_foreign_are_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as error:
        load_bytes({name: data for name, data in FILES.items() if name != "roles.yaml"} | {"more.yaml": b""})
    assert error.value.params == {"missing": ["roles.yaml"], "unknown": ["more.yaml"]}
    with pytest.raises(Invalid):
        load_profile(tmp_path / "nothing")
    with pytest.raises(Invalid):
        builtin("../profiles/social_assistance")


def test_a_folder_gives_the_same_profile(tmp_path: Path) -> None:
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / ".note").write_text("x")
    again = load_profile(tmp_path)
    assert again.digest == PROFILE.digest == load_bytes(FILES).digest
    assert again.label == "social_assistance/2026.3"
    changed = {**FILES, "review.yaml": FILES["review.yaml"] + b"\n"}
    assert load_bytes(changed).digest != PROFILE.digest


def test_the_catalogue_is_whole() -> None:
    codes = PROFILE.document_types
    for prefix, count in {"APP": 15, "CHK": 12, "REV": 4, "CON": 6, "DYN": 10, "STP": 4, "REG": 12, "DSP": 3}.items():
        assert sum(code.startswith(prefix) for code in codes) == count
    assert len(PROFILE.events) == 27
    assert len(PROFILE.stages) == 9
    assert len(PROFILE.roles) == 19
    assert list(PROFILE.rules_by_id) == [f"R{number:02d}" for number in range(1, 17)]
    assert len(PROFILE.organ_levels) == 11
    assert list(PROFILE.programmes) == ["DB", "TK", "LS", "YL", "ZH", "BY", "GX"]
    assert PROFILE.digest_algorithms == ("sha512", "sm3")
    assert {one for fact in PROFILE.document_types.values() if fact.when for one in fact.when.names} <= set(
        PROFILE.facts
    )
    assert set(PROFILE.facts) == {n for d in codes.values() if d.when for n in d.when.names}


def test_every_household_type_has_one_place_in_the_file() -> None:
    household = {code for code, one in PROFILE.document_types.items() if one.level == "household"}
    assert sorted(PROFILE.file_order) == sorted(household)
    assert PROFILE.file_order[:5] == ("APP01", "CON01", "APP05", "APP04", "CHK01")
    assert [PROFILE.document_types[code].order for code in PROFILE.file_order] == list(range(1, len(household) + 1))
    assert all(one.order == 0 for one in PROFILE.document_types.values() if one.level == "volume")
    stages = list(PROFILE.stages)
    rest = [stages.index(PROFILE.document_types[code].stage) for code in PROFILE.file_order[10:]]
    assert rest == sorted(rest)


def test_every_rule_says_where_it_comes_from() -> None:
    ruled = [
        *PROFILE.retention_rules,
        *PROFILE.document_types.values(),
        *PROFILE.roles.values(),
        *PROFILE.organ_levels.values(),
        *PROFILE.code_templates.values(),
        *PROFILE.triggers.values(),
        *PROFILE.review.periods,
        *PROFILE.borrowing.requesters,
        *PROFILE.classification["ZY"].children,
        *PROFILE.programmes.values(),
        PROFILE.organs.confirmation,
    ]
    for one in ruled:
        assert one.provenance.version != "0", one
        assert len(one.provenance.citation) > 1
        assert one.provenance.status in STATUS_WORDS
    assert PROFILE.rules_by_id["R01"].provenance.status == "floor_verified"
    assert PROFILE.rules_by_id["R07"].provenance.status_words("en") == "text not read"


def test_permissions_keep_the_administrators_apart_and_away_from_content() -> None:
    content = {Permission.RECORD_READ, Permission.RECORD_LIST, Permission.RECORD_DOWNLOAD, Permission.CASE_READ}
    for code in ("sys_admin", "sec_admin", "audit_admin"):
        role = PROFILE.roles[code]
        assert not (role.permissions | role.own | role.on_grant) & (content | {Permission.UNMASK})
    writes = {
        code: {Permission.ACCOUNT_WRITE, Permission.GRANT_WRITE} & role.permissions
        for code, role in PROFILE.roles.items()
    }
    assert {code for code, held in writes.items() if held} == {"sys_admin", "sec_admin"}
    assert not any(len(held) > 1 for held in writes.values())


def test_conditions_are_facts_joined() -> None:
    married = PROFILE.document_types["APP07"].when
    assert married is not None
    assert married.holds(frozenset({"member_divorced"}))
    assert not married.holds(frozenset({"member_with_disability"}))
    both = Condition(all=("one", "two"), any=("three", "four"))
    assert both.holds(frozenset({"one", "two", "four"}))
    assert not both.holds(frozenset({"one", "two"}))
    assert not both.holds(frozenset({"one", "four"}))


def test_periods_of_review_are_months() -> None:
    assert {one.code: one.months for one in PROFILE.review.periods} == {"A": 12, "B": 12, "C": 6}


def test_every_file_is_plain_yaml_for_other_readers() -> None:
    assert set(FILES) == set(MODELS)
    for data in FILES.values():
        assert isinstance(yaml.safe_load(data), dict)
