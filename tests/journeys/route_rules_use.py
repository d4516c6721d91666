"""What signing in, the use register, requests and grants ask for."""

from __future__ import annotations

from tests.journeys.route_shapes import EVERYBODY, PUBLIC, REGISTER, P, Rule, any_one, at_all

ALARMS = (P.ALARM_READ, P.FIXITY_READ, P.STATUS_READ)

RULES: dict[str, Rule] = {
    # signing in, one's own things
    "GET /": EVERYBODY,
    "GET /help": EVERYBODY,
    "GET /help/{code}": Rule(ok=(404,)),
    "GET /sign-in": Rule(public=True, ok=(200, 303)),
    "POST /sign-in": Rule(public=True, ok=(400, 403, 422)),
    "POST /sign-out": EVERYBODY,
    "GET /password": EVERYBODY,
    "POST /password": EVERYBODY,
    "POST /preferences": EVERYBODY,
    "GET /tokens": EVERYBODY,
    "POST /tokens": EVERYBODY,
    "POST /tokens/{token_id}/revoke": EVERYBODY,
    "POST /api/v1/session": Rule(public=True, ok=(400, 403, 422)),
    "GET /api/v1/session": EVERYBODY,
    "DELETE /api/v1/session": Rule(public=True, ok=(204,)),
    "GET /api/v1/tokens": EVERYBODY,
    "POST /api/v1/tokens": EVERYBODY,
    "DELETE /api/v1/tokens/{token_id}": EVERYBODY,
    "GET /healthz": PUBLIC,
    "GET /readyz": PUBLIC,
    "GET /metrics": Rule(public=True, ok=(404,)),
    "GET /api/v1/openapi.json": PUBLIC,
    # the use register
    "GET /use": Rule(names=True),
    "GET /use.csv": at_all(P.USE_REGISTER_EXPORT, names=True),
    "GET /use.xlsx": at_all(P.USE_REGISTER_EXPORT, names=True),
    "GET /use/print": at_all(P.USE_REGISTER_EXPORT, names=True),
    "POST /use/printed": Rule(names=True, ok=(404,)),
    "GET /api/v1/use-register": REGISTER,
    "GET /api/v1/use-register/export": at_all(P.USE_REGISTER_EXPORT, names=True),
    # alarms: nobody knows of one that is not there
    "GET /alarms": any_one(*ALARMS, names=True),
    "GET /alarms/{alarm_id}": any_one(*ALARMS, ok=404),
    "POST /alarms/{alarm_id}/take": any_one(*ALARMS, ok=404),
    "POST /alarms/{alarm_id}/close": any_one(*ALARMS, ok=404),
    "GET /api/v1/alarms": any_one(*ALARMS, names=True),
    "GET /api/v1/alarms/{alarm_id}": any_one(*ALARMS, ok=404),
    "POST /api/v1/alarms/{alarm_id}/take": any_one(*ALARMS, ok=(404, 422)),
    "POST /api/v1/alarms/{alarm_id}/close": any_one(*ALARMS, ok=(404, 422)),
    # requests and grants: nobody knows of a request that is not there
    "GET /requests": Rule(),
    "POST /requests": at_all(P.REQUEST_FILE, ok=400),
    "GET /requests/new": at_all(P.REQUEST_FILE),
    "GET /reading": Rule(),
    **{
        route: Rule(ok=(404,))
        for route in (
            "GET /requests/{request_id}",
            "GET /requests/{request_id}/letter",
            "POST /requests/{request_id}/answer",
            "POST /requests/{request_id}/withdraw",
            "POST /requests/{request_id}/renew",
            "POST /requests/{request_id}/give-back",
            "POST /requests/{request_id}/question",
            "POST /requests/{request_id}/named",
            "POST /requests/{request_id}/revoke",
            "GET /api/v1/requests/{request_id}",
            "GET /api/v1/requests/{request_id}/letter",
            "POST /api/v1/requests/{request_id}/answer",
            "POST /api/v1/requests/{request_id}/withdrawal",
            "POST /api/v1/requests/{request_id}/renewal",
            "POST /api/v1/requests/{request_id}/question",
            "POST /api/v1/requests/{request_id}/records",
            "POST /api/v1/requests/{request_id}/decision",
            "POST /api/v1/grants/{request_id}/return",
            "POST /api/v1/grants/{request_id}/revocation",
        )
    },
    "POST /requests/{request_id}/decide": Rule(ok=(404, 422)),
    "GET /api/v1/requests": Rule(),
    "POST /api/v1/requests": at_all(P.REQUEST_FILE, ok=(201, 422)),
    "GET /api/v1/grants": Rule(),
}
