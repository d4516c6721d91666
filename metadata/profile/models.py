"""What the files of a profile may say: one pydantic model per kind of entry, unknown keys refused.

Every entry carries its ``provenance`` (citation, version, effective date, status); where an entry is silent the loader
gives it the one at the head of its file.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from metadata.rights import AccessLevel, Permission

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,47}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=400, strip_whitespace=True)]
Days = Annotated[int, Field(ge=0, le=3660)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
Status = Literal[
    "verified", "verified_local", "verified_secondary", "floor_verified", "from_memory", "unverified", "design"
]

STATUS_WORDS: dict[str, tuple[str, str]] = {
    "verified": ("已核对原文", "verified in the norm's text"),
    "verified_local": ("已核对地方规定", "verified in a local rule"),
    "verified_secondary": ("据二手资料", "from a secondary source"),
    "floor_verified": ("下限已核对，期限为本地决定", "floor verified, the period is a local decision"),
    "from_memory": ("未核对原文", "text not read"),
    "unverified": ("未核实，须由管理员确认", "unverified, to be confirmed by an administrator"),
    "design": ("产品设计", "product decision"),
}
"""Status -> what a screen says beside the rule, in Chinese and English."""


class Entry(BaseModel):
    """Root of all models of a profile: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Provenance(Entry):
    """Where a rule comes from and how far that was checked."""

    citation: Text
    version: Text
    effective_on: date
    status: Status

    def status_words(self, language: str = "zh") -> str:
        """What a screen says beside the rule."""
        return STATUS_WORDS[self.status][1 if language.startswith("en") else 0]


UNSTATED = Provenance(citation="—", version="0", effective_on=date(1, 1, 1), status="unverified")
"""Stands in an entry only until the loader has given it the provenance of its file."""


class Named(Entry):
    """An entry with a code and its names."""

    code: Code
    zh: Text
    en: Text

    def label(self, language: str = "zh") -> str:
        """The name in ``zh`` or ``en``."""
        return self.en if language.startswith("en") else self.zh


class Ruled(Entry):
    """An entry that says where it comes from."""

    provenance: Provenance = UNSTATED


class Programme(Named, Ruled):
    """A programme of assistance (救助项目)."""


class HouseholdNumber(Ruled):
    """How a household's permanent number is made (一户一号)."""

    template: Text
    note_zh: Text
    note_en: Text


class OrganLevel(Named, Ruled):
    """A level of organs; ``division_digits`` are the lengths its division code may have, empty for none."""

    division_digits: tuple[Annotated[int, Field(ge=2, le=12)], ...]
    duties_zh: Text
    duties_en: Text


class Custody(Ruled):
    """Where household files are kept."""

    default: Code
    allowed: tuple[Code, ...]
    layout_zh: Text
    layout_en: Text


class Confirmation(Ruled):
    """Which level confirms, and to which it may be delegated."""

    default: Code
    may_be_delegated_to: tuple[Code, ...]


class Stage(Named, Ruled):
    """A stage of the procedure; the order of the list is the order of the stages."""


class CaseEventType(Named, Ruled):
    """Something that happens in the life of a case; ``decision``: it grants or refuses what was applied for.

    ``entered``: a person may enter it; the others follow from an act of the program.
    """

    decision: Literal["granted", "refused"] | None = None
    entered: bool = True


class CaseFact(Named, Ruled):
    """A yes-or-no fact of a case; ``event``: holds as soon as that event stands in the file."""

    event: Code | None = None


class Condition(Entry):
    """Facts joined: all of ``all``, and at least one of ``any`` where it is given."""

    all: tuple[Code, ...] = ()
    any: tuple[Code, ...] = ()

    def holds(self, facts: frozenset[str]) -> bool:
        """Whether the condition holds when exactly ``facts`` are true."""
        return set(self.all) <= facts and (not self.any or bool(facts & set(self.any)))

    @property
    def names(self) -> tuple[str, ...]:
        """Every fact the condition speaks of."""
        return (*self.all, *self.any)


def _one_fact(value: object) -> object:
    return {"all": [value]} if isinstance(value, str) else value


class DocumentType(Named, Ruled):
    """A kind of document in the catalogue (文件类型).

    ``level``: ``household`` items go into the household file, ``volume`` items cover many households. ``programmes``
    empty means all. ``order`` is the place in the household file, counted from 1 (0 for volumes).
    """

    organ: Code
    stage: Code
    event: Code
    required: Literal["always", "if", "optional"]
    when: Annotated[Condition | None, BeforeValidator(_one_fact)] = None
    level: Literal["household", "volume"]
    category: Code = "ZY"
    programmes: tuple[Code, ...] = ()
    order: int = 0

    def serves(self, programme: str) -> bool:
        """Whether the type belongs to files of ``programme``."""
        return not self.programmes or programme in self.programmes


class FileOrder(Ruled):
    """Order inside a household file (卷内排列): ``first`` in this order, the rest by stage."""

    first: tuple[Code, ...]
    then: Literal["stage"]


class Mark(Named, Ruled):
    """An access control mark (控制标识)."""


class Act(Named, Ruled):
    """An act of a procedure that roles may do."""


class Role(Named, Ruled):
    """A role and what it permits; see the comments in ``roles.yaml`` for each field."""

    level: Code
    also_levels: tuple[Code, ...] = ()
    permissions: frozenset[Permission] = frozenset()
    own: frozenset[Permission] = frozenset()
    on_grant: frozenset[Permission] = frozenset()
    identity_numbers: Literal["none", "masked", "own", "full"]
    access_level: AccessLevel
    marks: frozenset[Code] = frozenset()
    acts: frozenset[Code] = frozenset()

    @property
    def levels(self) -> tuple[str, ...]:
        """Levels of organs in which the role may be held."""
        return (self.level, *self.also_levels)

    @property
    def access_levels(self) -> tuple[str, ...]:
        """Access levels of records that the role sees, least protected first."""
        return tuple(level.value for level in AccessLevel if level.rank <= self.access_level.rank)


class Separation(Entry):
    """Two acts that one person may not both do on the same object."""

    first: Code
    second: Code


class Subclass(Named, Ruled):
    """A class below a category."""

    arrange: Literal["by_file", "by_item"] | None = None


class Category(Named, Ruled):
    """A category of records (档案门类) of DA/T 13."""

    arrange: Literal["by_file", "by_item"]
    children: tuple[Subclass, ...] = ()


class CodeTemplate(Named, Ruled):
    """A template of archival codes (档号)."""

    template: Text


class Trigger(Named, Ruled):
    """What starts a retention period.

    ``event``: the last of ``events``, unless a later one of ``reset_by`` brought the case back. ``reset_by`` lists the
    steps of a return in order; one of ``reset_undone_by`` before the last of them takes the reset back. ``same_day``:
    whether the starting event stands ``first`` or ``last`` among those of its day, whose hours nobody knows.
    ``year_end``: 1 January after the year of the record.
    """

    kind: Literal["event", "year_end"]
    events: tuple[Code, ...] = ()
    reset_by: tuple[Code, ...] = ()
    reset_undone_by: tuple[Code, ...] = ()
    same_day: Literal["first", "last"] = "first"


class RetentionRule(Ruled):
    """A rule of the retention schedule; ``years`` ``None`` means permanent."""

    id: Code
    zh: Text
    en: Text
    applies_to: Literal["household", "rejected"] | tuple[Code, ...]
    programme: Code | None = None
    trigger: Code
    years: Annotated[int, Field(ge=1, le=200)] | None
    floor_years: Annotated[int, Field(ge=1, le=200)] | None = None
    code: Annotated[str, StringConstraints(pattern=r"^(Y|D[1-9][0-9]{0,2})$")]
    after: Literal["appraise", "transfer", "destroy_on_approval", "never", "never_before_records"]

    def label(self, language: str = "zh") -> str:
        """The name in ``zh`` or ``en``."""
        return self.en if language.startswith("en") else self.zh


class ReviewPeriod(Named, Ruled):
    """How often a class of households is verified again; ISO 8601 years or months."""

    period: Annotated[str, StringConstraints(pattern=r"^P[1-9][0-9]?[YM]$")]

    @property
    def months(self) -> int:
        """The period in months."""
        return int(self.period[1:-1]) * (12 if self.period.endswith("Y") else 1)


class Reason(Named, Ruled):
    """A reason from a controlled list."""


class LoanDays(Entry):
    """Days a loan lasts by its form."""

    screen: Days
    paper: Days
    statutory_original: Days


class BulkAlarm(Entry):
    """From how many looks, exports, rows, refusals and failed sign-ins of one person an alarm is raised.

    Beyond the exports or rows of a day the next export waits: first ``wait_seconds``, twice as long each time, at most
    ``longest_wait_seconds``.
    """

    views_per_hour: Count
    exports_per_day: Count
    rows_per_day: Count
    refusals_per_hour: Count
    sign_ins_per_hour: Count
    wait_seconds: Count
    longest_wait_seconds: Count


class IdentityCheck(Entry):
    """What is looked at before a household sees its own file."""

    id_card_sighted: Literal["required", "optional"]
    dibao_papers_sighted: Literal["required", "optional"]
    face_compare: Literal["required", "optional"]


class Purpose(Named, Ruled):
    """What a look is for; ``everyday`` purposes are chosen for looks that a role permits without a request."""

    everyday: bool = False


class RefuseReason(Named, Ruled):
    """Why a request may be refused; ``formal``: also one of a requester whose requests ``must_grant`` covers."""

    formal: bool = False


Need = Literal["letter", "legal_basis", "case_reference", "officers", "identity", "mandate", "plan_number"]


class Requester(Named, Ruled):
    """A kind of borrower; ``approver`` is a role, or ``none`` (no request is needed, the look is logged).

    ``roles`` may ask as this; ``needs`` is what a request must bring, ``forms`` what it may ask for, ``numbers`` how far
    ID, bank and telephone numbers may be shown at most; ``must_grant``: not to be refused when formally right;
    ``own_file``: only the own household's file, without what ``redact_for_household`` names. ``purposes``: which of
    the profile's purposes its form offers (none named: all); whether a purpose holds is for the approver to judge.
    """

    roles: tuple[Code, ...] = ()
    needs: tuple[Need, ...] = ()
    forms: tuple[Literal["screen", "copy"], ...] = ()
    numbers: Literal["masked", "full"] = "masked"
    must_grant: bool = False
    own_file: bool = False
    purposes: tuple[Code, ...] = ()

    needs_zh: Text
    needs_en: Text
    sees_zh: Text
    sees_en: Text
    takes_zh: Text
    takes_en: Text
    approver: Code
    tell_subject: Literal["no", "yes", "policy"]
