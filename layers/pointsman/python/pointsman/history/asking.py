"""What a caller asks the history for, in the history's own words: ids as they are kept, models by their ids.

A name that nobody knows is refused with the nearest one that somebody does, so that a slip is not an empty page. A
model or a config that is gone from the registry can still be asked for, as long as there are decisions of it.
"""

import re
from collections.abc import Callable
from dataclasses import replace

from pointsman.errors import PointsmanError, RequestError, UnknownModel
from pointsman.history.base import Filter, History, Page, no_such_decision
from pointsman.registry import Registry

LOOKED_AT = 1_000
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", re.ASCII)


def decision_id_of(text: str) -> str:
    """The id of a decision as it is kept: ULIDs are read in either letter case.

    Raises:
        NotFound: it is no ULID, so there is no decision of it.
    """
    if not _ULID.fullmatch(text.upper()) or not text.isascii():
        raise no_such_decision(text)
    return text.upper()


def page_of(
    history: History,
    registry: Registry,
    limit: int,
    cursor: str | None,
    where: Filter,
    visible: Callable[[str | None], bool] | None = None,
) -> Page:
    """A page of the history; `where` may name a model by an alias, and one of its efforts with it.

    `visible` says whether the decisions of a caller may be shown. No more than LOOKED_AT decisions are looked at for a
    page, so it may hold less than `limit`, or nothing, and still have a next one.

    Raises:
        UnknownModel, UnknownConfig: the registry does not know the name, and neither does the history.
        InvalidCursor: the cursor was not made by a page.
    """
    unknown: list[PointsmanError] = []
    if where.model is not None:
        try:
            where = replace(where, model=registry.id_of(where.model))
        except UnknownModel as error:
            faults = [replace(fault, field="model") for fault in error.faults]
            unknown.append(UnknownModel(error.detail, faults))
    if where.config is not None:
        try:
            registry.config(where.config)
        except RequestError as error:
            unknown.append(error)
    found = history.page(limit, cursor, where)
    if unknown and cursor is None and not found.calls:
        raise unknown[0]
    return found if visible is None else _visible_of(found, history, limit, where, visible)


def _visible_of(
    found: Page, history: History, limit: int, where: Filter, visible: Callable[[str | None], bool]
) -> Page:
    calls = []
    looked_at = 0
    while True:
        for call in found.calls:
            looked_at += 1
            if visible(call["caller"]):
                calls.append(call)
        if found.next is None or len(calls) >= limit or looked_at >= LOOKED_AT:
            break
        found = history.page(min(limit - len(calls), LOOKED_AT), found.next, where)
    return Page(calls, found.next)
