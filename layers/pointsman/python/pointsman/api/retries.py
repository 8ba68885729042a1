"""A request that is tried again with the same `Idempotency-Key` gets the same decision, for a day.

The first to come with a key keeps the id that its decision will have. Whoever comes after it finds the decision in the
history, or makes it under the same id, which the history keeps only once. Where nothing can be remembered, a request is
answered anew.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import orjson

from pointsman.dialects.request import dumped, refuse
from pointsman.errors import HistoryUnavailable, NotFound

if TYPE_CHECKING:
    from pointsman.decision import Decision
    from pointsman.router import Router

KEPT_S = 86_400


def decided_once(
    router: "Router", key: str, caller: str | None, body: object, decide: Callable[[str], "Decision"]
) -> "tuple[Decision | dict[str, Any], bool]":
    """The decision of a request with a key, and whether it was there already.

    Args:
        body: the request, by which it is known whether the key is used for another one.
        decide: makes the decision of an id.

    Raises:
        RequestError: the key was used for another request.
    """
    digest = blake2b(dumped(body).encode(errors="surrogatepass"), digest_size=12).hexdigest()
    sessions = router.sessions
    kept_under = sessions.hashed("retry", caller or "", key)
    mine = router.new_id()
    value = orjson.dumps([mine, digest])
    found = sessions.ask(lambda: sessions.store.add(kept_under, value, KEPT_S))
    if found is None:
        return decide(mine), False
    first, of = orjson.loads(found)
    if of != digest:
        refuse("idempotency-key", "used before, for another request", "Send a new key with a new request.", key)
    if router.history is not None:
        try:
            document = router.history.get(first)
        except (NotFound, HistoryUnavailable):
            pass
        else:
            document.pop("outcomes", None)
            return document, True
    return decide(first), True
