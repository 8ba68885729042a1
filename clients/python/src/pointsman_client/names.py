"""What a caller calls its models, by what the service calls them, in both directions.

What always holds: an id of the service means one model of the caller, or the map is refused when it is made.
"""

from collections.abc import Iterable, Mapping


class NamesError(ValueError):
    """A map of names in which one name has two meanings, or that holds something else than text."""


def folded(name: str) -> str:
    """A name as names are compared."""
    return name.strip().lower()


class Names:
    """The caller's models. An empty map stands for callers that use the service's own names.

    Args:
        models: the service's id (`model` or `model@effort`) by the caller's name; or names that both use.

    Raises:
        NamesError: a name of the caller stands for two ids, or an id for two names.
    """

    def __init__(self, models: Mapping[str, str] | Iterable[str | tuple[str, str]] = ()) -> None:
        pairs = models.items() if isinstance(models, Mapping) else [_pair(one) for one in models]
        self.ours: dict[str, str] = {}
        self._theirs: dict[str, str] = {}
        for theirs, ours in pairs:
            if not all(isinstance(name, str) and name.strip() for name in (theirs, ours)):
                raise NamesError(f"models: {theirs!r}: {ours!r} are not two names. Map your name to Pointsman's id.")
            if (known := self.ours.get(theirs)) not in (None, ours):
                raise NamesError(f"models: {theirs!r} stands for {known!r} and for {ours!r}. Keep one of them.")
            if (other := self._theirs.get(folded(ours))) not in (None, theirs):
                raise NamesError(
                    f"models: {ours!r} is {other!r} and {theirs!r}: an answer could not be told back. Keep one of "
                    "them, or name an effort (model@effort) in each."
                )
            self.ours[theirs] = ours
            self._theirs[folded(ours)] = theirs

    def __bool__(self) -> bool:
        return bool(self.ours)

    def ask(self, names: Iterable[str] | None) -> list[str] | None:
        """The service's ids of these names of the caller; of all of them where none are given."""
        if names is None:
            return list(self.ours.values()) or None
        return [self.ours.get(name, name) for name in names]

    def tell(self, model_id: str, effort: str | None, said: str | None = None) -> str | None:
        """What the caller calls a model at an effort; None where it has no such model.

        `said` is the name that the service told beside its id, which is the one that it was asked with.
        """
        told = [name for name in (said, model_id) if name]
        if not self:
            return told[0].removesuffix(f"@{effort}")
        for spelled in (*(f"{name}@{effort}" for name in told), *told):
            if (found := self._theirs.get(folded(spelled))) is not None:
                return found
        return None

    def report(self, theirs: str) -> str:
        """The service's id of a name of the caller, which may be the service's own."""
        return self.ours.get(theirs, theirs)


def _pair(one: object) -> tuple[str, str]:
    if isinstance(one, str):
        return one, one
    if isinstance(one, tuple) and len(one) == 2:
        return one
    raise NamesError(f"models: {one!r} is neither a name nor a pair of names.")
