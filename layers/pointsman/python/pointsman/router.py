"""The router: a prompt in, a decision out. The façade over everything else.

    request - view - embed - difficulty - P(complete) - cost - policy - decision - history

The router holds what was loaded and nothing about any request.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from pointsman.artifact.load import Artifact, load_artifact, load_embedder
from pointsman.artifact.signature import public_keys
from pointsman.decision import Decision
from pointsman.embedders import Embedder
from pointsman.errors import Fault, NoCandidate, PayloadTooLarge, RegistryError, RequestError
from pointsman.faults import faults_of
from pointsman.history import History
from pointsman.history.durable import Recorder
from pointsman.history.ids import Ids
from pointsman.history.prompts import kept_prompt
from pointsman.registry import Model, Registry, RouterConfig, load_registry
from pointsman.routing.asked import NOTHING, Asked, barred_by, bars_of, candidates_of
from pointsman.routing.candidates import CandidatePool, pool_of
from pointsman.routing.conversation import conversation_of_text
from pointsman.routing.deciding import decided
from pointsman.routing.forecast import Lengths, fit_lengths
from pointsman.routing.images import TOKENS_AN_IMAGE, without_images
from pointsman.routing.inputs import Inputs, read_request
from pointsman.routing.predictor import Reading
from pointsman.routing.view import View, select_view
from pointsman.routing.weighing import Weighed, weigh
from pointsman.settings import Settings, load_settings

# Told of every decision, with the milliseconds of its stages: embed, choose, record.
Observer = Callable[[Decision, Mapping[str, float]], None]

# Prompts up to this size are counted to the token, longer ones by the ratio found in their first part.
COUNTED_BYTES = 65_536
# Choices of candidates by requests that are kept ready; a caller who asks for ever new ones starts them over.
KEPT_POOLS = 64


class Router:
    """Decides which model should serve a prompt. Safe to share between threads."""

    def __init__(
        self,
        registry: Registry,
        artifact: Artifact,
        embedder: Embedder,
        history: History | None = None,
        settings: Settings | None = None,
        observe: Observer | None = None,
    ) -> None:
        self.registry = registry
        self.artifact = artifact
        self.embedder = embedder
        self.history = history
        self.settings = settings or load_settings()
        self.recorder = self._recorder(history)
        self.predictor = artifact.predictor if self.settings.refinement else artifact.predictor.formula()
        self.observe = observe
        self._ids = Ids()
        self._pools = _Pools(registry)

    def _recorder(self, history: History | None) -> Recorder | None:
        if history is None:
            return None
        return Recorder(history, log_prompt=self.settings.log_prompts, deadline_s=self.settings.store_deadline_s)

    @classmethod
    def load(
        cls,
        artifact: Path | str | None = None,
        registry: Path | str | None = None,
        history: History | None = None,
    ) -> "Router":
        """The router of an artifact folder and a registry folder; the bundled ones by default.

        Decisions are recorded only where a history is given.

        Raises:
            StartupError: the artifact, the registry or the settings cannot be used.
        """
        settings = load_settings(artifact=artifact, registry=registry)
        known = load_registry(settings.registry)
        loaded = load_artifact(settings.artifact, public_keys(settings.artifact_keys))
        return cls(known, loaded, load_embedder(loaded, settings.threads, settings.embedder), history, settings)

    def decide(self, prompt: str, config: str = "auto", *, caller: str | None = None, **asked: Any) -> Decision:
        """The decision for a prompt, recorded where the router has a history.

        `asked` are the fields of `routing.asked.Asked`: what the request needs, and how it is to be chosen for.

        Raises:
            RequestError: the prompt is empty, too large or not text, a field makes no sense or asks for more than the
                config allows, there is no such config or model, or no candidate can serve the prompt.
        """
        registry, request = self.registry, Asked(**asked) if asked else NOTHING
        router_config = registry.config(config)
        size = self._check_prompt(prompt)
        if request.task is not None:
            _check_text("task", request.task)
        if request is not NOTHING:
            request.check()
        bars = bars_of(request, router_config)
        pool = self._pool_of(registry, router_config, request)
        barred = barred_by(request, registry) if request.exclude else frozenset()
        now = datetime.now(UTC)
        started = perf_counter()
        counted, view, reading = self._read(prompt, size)
        embedded = perf_counter()
        strict = router_config.strict_supports if request.strict_supports is None else request.strict_supports
        weighed = weigh(
            pool, self.predictor, reading, counted, request, bars, strict_supports=strict, barred=barred, now=now
        )
        if not len(weighed.order):
            raise _nothing_left(router_config.name, weighed)
        decision = decided(
            weighed,
            reading,
            request,
            bars,
            router_config,
            kept_prompt(prompt, view.text, self.settings.store_prompts, self.settings.hash_key),
            decision_id=self._ids.next(now),
            now=now,
            caller=caller,
            artifact=self.artifact.digest,
        )
        chosen = perf_counter()
        if self.recorder is not None:
            decision.recorded = self.recorder.record(decision.record())
        if self.observe is not None:
            ends = {"embed": embedded - started, "choose": chosen - embedded, "record": perf_counter() - chosen}
            self.observe(decision, {stage: seconds * 1000 for stage, seconds in ends.items()})
        return decision

    def predict(self, prompt: str, model_ids: Sequence[str] | None = None) -> dict[str, float]:
        """P(complete) by id for models of the registry (all of them by default), given ids or aliases.

        A name may carry an effort (`model@effort`); without one, a model is taken at its default effort.

        Raises:
            RequestError: the prompt cannot be read, or there is no such model.
        """
        registry = self.registry
        names = list(registry.models) if model_ids is None else list(model_ids)
        candidates = [registry.candidate(name) for name in names]
        _, _, reading = self._read(prompt, self._check_prompt(prompt))
        mu, _ = self.predictor.complete(self.predictor.features(candidates), reading)
        # Told under the model's id, or under the candidate's where an effort was named.
        keys = [one.candidate_id if "@" in name else one.model_id for name, one in zip(names, candidates, strict=True)]
        return dict(zip(keys, mu.tolist(), strict=True))

    def add_model(self, profile: Model | Mapping[str, Any], configs: Sequence[str] = ()) -> Model:
        """Make a model known to this router, and a candidate of `configs`; the fields are a model file's.

        It lasts as long as the router; to keep a model, add a file to the registry.

        Raises:
            RegistryError: the profile is not valid; `faults` lists every field.
            UnknownConfig: a config does not exist.
        """
        model = profile if isinstance(profile, Model) else _model(profile)
        self.registry = self.registry.with_model(model, configs)
        return model

    def _check_prompt(self, prompt: str) -> int:
        """The size of a prompt in bytes, once it is known to be text that can be routed."""

        def refuse(message: str, remedy: str) -> RequestError:
            return RequestError(f"prompt: {message}. {remedy}", [Fault("prompt", message, remedy)])

        if not isinstance(prompt, str):
            raise refuse(f"expected text, found {type(prompt).__name__}", "Send the prompt as a string.")
        if not prompt or prompt.isspace():
            raise refuse("the prompt is empty", "Send the text that the model is to answer.")
        size = _check_text("prompt", prompt)
        limit = self.settings.max_prompt_bytes
        if size > limit:
            message = f"the prompt has {size:,} bytes; at most {limit:,} are routed"
            remedy = "Send a shorter prompt, or raise POINTSMAN_MAX_PROMPT_BYTES."
            raise PayloadTooLarge(f"prompt: {message}. {remedy}", [Fault("prompt", message, remedy)])
        return size

    def _read(self, prompt: str, size: int) -> tuple[int, View, Reading]:
        """Tokens of the whole prompt, the view, and what the predictor made of it."""
        prompt, images = without_images(prompt)
        if images:
            size = len(prompt.encode())
        exact = size <= COUNTED_BYTES
        part = prompt if exact else prompt.encode()[:COUNTED_BYTES].decode(errors="ignore")
        ids = self.embedder.tokenize(part)
        counted = len(ids) - self.embedder.special_tokens
        if not exact:
            counted = round(counted * size / len(part.encode()))
        settings, learned = self.artifact.manifest.view, self.predictor.learned
        inputs: Inputs | NDArray[np.float32]
        if learned is None:
            view = select_view(prompt, settings, self.embedder, ids if exact else None)
            ids_in_view = view.token_ids
            inputs = (
                self.embedder.embed([view.text]) if ids_in_view is None else self.embedder.embed_tokens([ids_in_view])
            )
        else:
            turns = conversation_of_text(prompt)
            known = ids if exact and len(turns) == 1 and turns[0].text == prompt else None
            inputs, view, _ = read_request(turns, self.embedder, settings, learned.difficulty.gate, known)
        return counted + images * TOKENS_AN_IMAGE, view, self.predictor.read(inputs).row(0)

    def _pool_of(self, registry: Registry, config: RouterConfig, asked: Asked) -> CandidatePool:
        """The pool of a request's candidates; kept as long as the registry is the same."""
        kept = self._pools
        if kept.registry is not registry:
            kept = self._pools = _Pools(registry)
        key = (config.name, None if asked.models is None else tuple(asked.models), tuple(asked.efforts or ()))
        pool = kept.by_request.get(key)
        if pool is None:
            pool = pool_of(candidates_of(asked, config, registry), self.predictor, kept.lengths)
            if len(kept.by_request) >= KEPT_POOLS:
                kept.by_request.clear()
            kept.by_request[key] = pool
        return pool


class _Pools:
    """What was made of one registry: how long its candidates write, and the pools that requests asked for."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.lengths: Lengths = fit_lengths(registry.expand(registry.models, "all"))
        self.by_request: dict[tuple[Any, ...], CandidatePool] = {}


def _check_text(field: str, text: str) -> int:
    """The size of a text in UTF-8 bytes. Raises RequestError for a lone surrogate, which has no encoding."""
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        message = f"not valid Unicode: a lone surrogate at character {error.start}"
        remedy = "Send whole characters: a surrogate must be one of a pair."
        raise RequestError(f"{field}: {message}. {remedy}", [Fault(field, message, remedy)]) from None


def _nothing_left(config: str, weighed: Weighed) -> NoCandidate:
    remedy = "Ask for less, or use a config with other models."
    ids, why = weighed.pool.ids, dict(sorted(weighed.excluded.items()))
    first = next(iter(why))
    none = (
        f"None of the {len(why)} candidates of {config!r} can"
        if len(why) > 1
        else f"The candidate of {config!r} cannot"
    )
    return NoCandidate(
        f"{none} serve this prompt: {ids[first]} {why[first]}. {remedy}",
        [Fault("config", f"{ids[place]} {reason}", remedy) for place, reason in why.items()],
    )


def _model(profile: Mapping[str, Any]) -> Model:
    try:
        return Model.model_validate(dict(profile))
    except ValidationError as error:
        faults = faults_of(error, kind=Model)
        told = " ".join(f"{fault.field}: {fault.message}. {fault.remedy}" for fault in faults)
        raise RegistryError(f"The model profile is not valid. {told}", faults) from None
