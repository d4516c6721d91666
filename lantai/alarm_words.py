"""What alarms say, in sentences: the same on pages, in the API and at the console."""

from __future__ import annotations

from access.alarms import AlarmLine
from lantai import i18n
from repository.alarms import AlarmArea, AlarmKind


def title(language: str, kind: str) -> str:
    """What kind of thing happened, in a few words."""
    _ = i18n.translations(language).gettext
    return {
        AlarmKind.VIEWS: _("Very many files opened"),
        AlarmKind.EXPORTS: _("Very much taken out"),
        AlarmKind.REFUSALS: _("Refused again and again"),
        AlarmKind.SIGN_INS: _("Wrong passwords again and again"),
        AlarmKind.DAMAGE: _("Damage found"),
        AlarmKind.REPLICA_CONFLICT: _("A replica holds other bytes"),
        AlarmKind.PART_DOWN: _("Part of the site is down"),
        AlarmKind.BACKUP_OLD: _("The backup is too old"),
        AlarmKind.CLOCK_STEPPED: _("The clock jumped"),
    }.get(AlarmKind(kind), kind)


def area(language: str, code: str) -> str:
    """Whose work it is."""
    _ = i18n.translations(language).gettext
    return {
        AlarmArea.USE: _("About use"),
        AlarmArea.PRESERVATION: _("About what is kept"),
        AlarmArea.SYSTEM: _("About the site"),
    }[AlarmArea(code)]


def sentence(language: str, one: AlarmLine) -> str:
    """What happened, in one sentence: as whoever raised it said it, else by its kind."""
    said = one.detail.get(language)
    if said:
        return str(said)
    _ = i18n.translations(language).gettext
    if one.rows is not None:
        words = _("%(count)s exports with %(rows)s rows on this day; usual are at most %(limit)s exports.")
        return words % {"count": f"{one.count:,}", "rows": f"{one.rows:,}", "limit": f"{one.limit:,}"}
    if one.area == AlarmArea.USE:
        words = _("%(count)s within one hour; usual are at most %(limit)s.")
        return words % {"count": f"{one.count:,}", "limit": f"{one.limit:,}"}
    if one.kind == AlarmKind.DAMAGE:
        words = _("Incidents open on replica %(name)s when it was found last: %(count)s.")
        return words % {"name": one.subject, "count": f"{one.detail.get('incidents', 0):,}"}
    if one.kind == AlarmKind.REPLICA_CONFLICT:
        return _("Replica %(name)s holds other bytes than this site under the same key.") % {"name": one.subject}
    if one.kind == AlarmKind.BACKUP_OLD:
        return _("The newest backup is older than it should be, or there is none.")
    return _("It concerns: %(name)s.") % {"name": one.subject}


def subject(language: str, one: AlarmLine) -> str:
    """About whom or what, in words."""
    _ = i18n.translations(language).gettext
    if one.account_name:
        return one.account_name
    if one.kind == AlarmKind.SIGN_INS:
        return _("a name that no account has")
    if one.area == AlarmArea.USE:
        return one.subject
    if one.area == AlarmArea.PRESERVATION:
        return _("Replica %(name)s") % {"name": one.subject}
    return _("Backup") if one.kind == AlarmKind.BACKUP_OLD else one.subject
