"""What a caller asks the history for, in the history's own words: ids as they are kept, models by their ids.

A name that nobody knows is refused with the nearest one that somebody does, so that a slip is not an empty page. A
model or a config that is gone from the registry can still be asked for, as long as there are decisions of it.
"""

import re
from dataclasses import replace

from pointsman.errors import PointsmanError, RequestError, UnknownModel
from pointsman.history.base import Filter, History, Page, no_such_decision
from pointsman.registry import Registry

_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", re.ASCII)


def decision_id_of(text: str) -> str:
    """The id of a decision as it is kept: ULIDs are read in either letter case.

    Raises:
        NotFound: it is no ULID, so there is no decision of it.
    """
    if not _ULID.fullmatch(text.upper()) or not text.isascii():
        raise no_such_decision(text)
    return text.upper()


def page_of(history: History, registry: Registry, limit: int, cursor: str | None, where: Filter) -> Page:
    """A page of the history; `where` may name a model by an alias, and one of its efforts with it.

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
    return found
