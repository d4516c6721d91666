"""What stands written of the job engine's tables is what the engine itself says of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from dbos._schemas.system_database import SystemSchema
from sqlalchemy import Table

from lantai.job_tables import INPUTS, JOBS, OUTPUTS, STEPS


@pytest.mark.parametrize(
    ("ours", "its_own"),
    [
        (JOBS, SystemSchema.workflow_status),
        (STEPS, SystemSchema.operation_outputs),
        (INPUTS, SystemSchema.workflow_input),
        (OUTPUTS, SystemSchema.workflow_output),
    ],
    ids=lambda one: one.name,
)
def test_names_and_types_are_the_engines(ours: Table, its_own: Table) -> None:
    assert ours.name == its_own.name
    assert [one.name for one in ours.primary_key] == [one.name for one in its_own.primary_key]
    for column in ours.c:
        assert type(column.type) is type(its_own.c[column.name].type), column.name


def test_a_command_that_reads_loads_neither_the_engine_nor_alembic(tmp_path: Path) -> None:
    program = (
        "import sys; from lantai.settings import load; from lantai.site import initialise;"
        f"initialise(load(home={str(tmp_path / 'home')!r}), bureau='县民政局', division='990101').close()"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    program = (
        "import sys; from lantai.settings import load; from lantai.site import open_site; from lantai.job_rows import JobFilter;"
        f"site = open_site(load(home={str(tmp_path / 'home')!r}));"
        "session = site.archive.reading().__enter__(); assert site.jobs.rows.listed(session, JobFilter()) == [];"
        "print(sorted({'dbos', 'alembic', 'psycopg'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
