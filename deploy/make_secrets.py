"""Make the secrets that compose.yaml names, in deploy/secrets, where there are none yet. Only the standard library.

Back the folder up apart from the machine: `lantai_backup` holds the passphrase without which no backup can be restored.
"""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path


def documents() -> dict[str, str]:
    """File name -> content, all made anew."""
    words = {
        name: secrets.token_urlsafe(32)
        for name in ("postgres", "owner", "program", "elastic", "admin-a", "admin-b", "lantai-a", "lantai-b", "backup")
    }
    url = "postgresql+psycopg://{role}:{word}@postgres:5432/lantai"
    return {
        "postgres_password": words["postgres"],
        "owner_password": words["owner"],
        "program_password": words["program"],
        "elastic_password": words["elastic"],
        "lantai_database_url": url.format(role="lantai_program", word=words["program"]),
        "lantai_database_owner_url": url.format(role="lantai_owner", word=words["owner"]),
        "lantai_replica_secrets": json.dumps({"a": words["lantai-a"], "b": words["lantai-b"]}),
        "lantai_search": json.dumps({"password": words["elastic"]}),
        "lantai_backup": json.dumps({"passphrase": words["backup"]}),
        "s3_admins": json.dumps(
            {f"lantai-{one}": {"access_key": f"admin-{one}", "secret_key": words[f"admin-{one}"]} for one in "ab"}
        ),
        "s3_identities_a": _identities(words, "admin-a", "lantai-a"),
        "s3_identities_b": _identities(words, "admin-b", "lantai-b"),
    }


def _identities(words: dict[str, str], admin: str, writer: str) -> str:
    """Who may do what at one store: each has people of its own, so that one stolen key opens one replica."""
    actions = ["Read", "Write", "List", "Tagging"]
    found = [
        {"name": name, "credentials": [{"accessKey": name, "secretKey": words[name]}], "actions": allowed}
        for name, allowed in ((admin, ["Admin", *actions]), (writer, actions))
    ]
    return json.dumps({"identities": found})


def main(folder: Path = Path(__file__).parent / "secrets") -> None:
    """Write what is missing; a folder that is half filled is left alone, since its parts belong together."""
    made = documents()
    if folder.exists() and any(folder.iterdir()):
        missing = sorted(name for name in made if not (folder / name).exists())
        raise SystemExit(f"{folder} is not empty" + (f"; missing: {', '.join(missing)}" if missing else ""))
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)  # whatever the umask
    for name, text in made.items():
        # the containers' users are others than this one: the folder above it is what keeps strangers out
        with os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w") as out:
            os.fchmod(out.fileno(), 0o644)
            out.write(text)
    print(f"{folder}: {len(made)} secrets made")


if __name__ == "__main__":
    main()
