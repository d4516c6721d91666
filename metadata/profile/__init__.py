"""The profile: every rule that belongs to a field of work and not to the engine, as data.

``builtin("social_assistance")`` comes with the program; ``load_profile(folder)`` reads a site's own;
``load_bytes(files)`` reads one back from what a replica preserved.
"""

from metadata.profile.loader import Profile, builtin, load_bytes, load_profile
from metadata.profile.models import (
    CaseEventType,
    Condition,
    DocumentType,
    OrganLevel,
    Programme,
    Provenance,
    Purpose,
    Requester,
    RetentionRule,
    Role,
    Trigger,
)

__all__ = [
    "CaseEventType",
    "Condition",
    "DocumentType",
    "OrganLevel",
    "Profile",
    "Programme",
    "Provenance",
    "Purpose",
    "Requester",
    "RetentionRule",
    "Role",
    "Trigger",
    "builtin",
    "load_bytes",
    "load_profile",
]
