"""Words for codes of accounts, roles and permissions; ``lantai.web.labels`` holds them with the others."""

from __future__ import annotations

from lantai.i18n import N_

PEOPLE: dict[str, dict[str, str]] = {
    "account_state": {
        "open": N_("open"),
        "closed": N_("closed"),
        "half_waits": N_("password half waits"),
    },
    "held": {
        "in_force": N_("in force"),
        "coming": N_("not begun"),
        "ended": N_("ended"),
    },
    "numbers_shown": {
        "none": N_("none"),
        "masked": N_("masked"),
        "own": N_("in clear where typed by oneself"),
        "full": N_("in clear when asked for"),
    },
    "permitted": {
        "yes": N_("yes, in its divisions"),
        "own": N_("only of its own organ"),
        "on_grant": N_("only what a grant names"),
    },
    "permission": {
        "record.list": N_("List records"),
        "record.read": N_("Read records"),
        "record.download": N_("Take originals away"),
        "case.read": N_("See household files"),
        "deposit": N_("Deposit"),
        "accept": N_("Accept deposits"),
        "search": N_("Search"),
        "unmask": N_("See numbers in clear"),
        "describe": N_("Describe"),
        "fixity.read": N_("See the state of storage"),
        "fixity.run": N_("Start audits"),
        "repair": N_("Repair damage"),
        "retention.read": N_("See retention"),
        "use_register.read": N_("Read the use register"),
        "use_register.own": N_("Read one's own looks"),
        "use_register.export": N_("Export the use register"),
        "alarm.read": N_("See and close alarms about use"),
        "alarm.handle": N_("Deal with alarms about what is kept and how the site runs"),
        "request.file": N_("Ask for access"),
        "request.read": N_("See requests"),
        "request.decide": N_("Decide requests"),
        "hold.read": N_("See holds"),
        "hold.place": N_("Place holds"),
        "hold.lift": N_("Lift holds"),
        "statistics.read": N_("See statistics"),
        "ledger.read": N_("Read the log"),
        "account.write": N_("Keep organs and accounts"),
        "grant.write": N_("Grant and end roles"),
        "package.read": N_("Take packages"),
        "status.read": N_("See the state of the site"),
        "job.control": N_("Stop, resume and retry jobs"),
    },
}
