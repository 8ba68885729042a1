"""The router: a prompt in, a decision out. The façade over everything else.

    request - view - embed - difficulty - P(complete) - cost - policy - decision - history

The router holds what was loaded and nothing about any request.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from pointsman.artifact.load import Artifact, load_artifact, load_embedder
from pointsman.artifact.signature import public_keys
from pointsman.decision import Decision
from pointsman.dialects.request import Request, of_prompt
from pointsman.embedders import Embedder
from pointsman.errors import Fault, NoCandidate, RegistryError
from pointsman.faults import faults_of
from pointsman.history import History
from pointsman.history.durable import Recorder
from pointsman.history.expiring import MemoryExpiring
from pointsman.history.ids import Ids
from pointsman.history.prompts import kept_prompt
from pointsman.instants import Clock, utc_now
from pointsman.registry import Model, Registry, RouterConfig, load_registry
from pointsman.routing.asked import NOTHING, Asked, barred_by, bars_of, candidates_of
from pointsman.routing.candidates import CandidatePool, pool_of
from pointsman.routing.checking import check_prompt, check_size, check_text
from pointsman.routing.conversation import Turn, conversation_of_text
from pointsman.routing.deciding import decided
from pointsman.routing.forecast import Lengths, fit_lengths
from pointsman.routing.images import TOKENS_AN_IMAGE, without_images
from pointsman.routing.inputs import Inputs, read_request
from pointsman.routing.observing import check_observed, observed_of
from pointsman.routing.predictor import Reading
from pointsman.routing.sessions import Sessions, given_of, sessions_of
from pointsman.routing.view import View, select_view
from pointsman.routing.weighing import Weighed, weigh
from pointsman.settings import Settings, load_settings

# Told of every decision, with the milliseconds of its stages: embed, choose, record.
Observer = Callable[[Decision, Mapping[str, float]], None]

# Prompts up to this size are counted to the token, longer ones by the ratio found in their first part.
COUNTED_BYTES = 65_536
# What a gateway withheld is only known by its characters.
CHARACTERS_A_TOKEN = 4
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
        sessions: Sessions | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self.registry = registry
        self.artifact = artifact
        self.embedder = embedder
        self.history = history
        self.settings = settings or load_settings()
        self.recorder = self._recorder(history)
        self.predictor = artifact.predictor if self.settings.refinement else artifact.predictor.formula()
        self.observe = observe
        # What time it is for a decision: its ts, its prices, and how long its conversation has rested.
        self.clock = clock
        self.sessions = sessions or sessions_of(MemoryExpiring(), self.settings)
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

    def decide(
        self,
        prompt: str | Request,
        config: str = "auto",
        *,
        caller: str | None = None,
        session_id: str | None = None,
        decision_id: str | None = None,
        patience_s: float | None = None,
        **asked: Any,
    ) -> Decision:
        """The decision for a prompt or a conversation, recorded where the router has a history.

        `asked` are the fields of `routing.asked.Asked`: what the request needs, and how it is to be chosen for; what a
        conversation needs by itself is added. `session_id` says which conversation it is, `decision_id` which decision;
        `patience_s` is how long it may wait to be recorded.

        Raises:
            RequestError: the prompt is empty, too large or not text, a field makes no sense or asks for more than the
                config allows, there is no such config or model, or no candidate can serve the prompt.
        """
        registry = self.registry
        router_config = registry.config(config)
        body, request = self._asked(prompt, asked)
        bars = bars_of(request, router_config)
        pool = self._pool_of(registry, router_config, request)
        observed = observed_of(request, body, router_config, registry, pool.candidates)
        if observed is not None and observed.candidate_id is not None:
            pool = self._pool_of(registry, router_config, request, observed.candidate_id)
        barred = barred_by(request, registry) if request.exclude else frozenset()
        sticky = request.sticky or router_config.sticky
        session = self.sessions.conversation(body, config, sticky, caller=caller, given=session_id)
        now = self.clock()
        started = perf_counter()
        counted, view, reading = self._read(body)
        embedded = perf_counter()
        counted += body.attachment_tokens + body.withheld_chars // CHARACTERS_A_TOKEN
        strict = router_config.strict_supports if request.strict_supports is None else request.strict_supports
        turn = None if session is None else session.turn(body, counted, now.timestamp())
        weighed = weigh(
            pool,
            self.predictor,
            reading,
            counted,
            request,
            bars,
            strict_supports=strict,
            barred=barred,
            now=now,
            images=body.images,
            turn=turn,
            hysteresis_usd=router_config.hysteresis_usd,
        )
        if not len(weighed.order):
            raise _nothing_left(router_config.name, weighed)
        if observed is not None:
            check_observed(observed, weighed)
        decision = decided(
            weighed,
            reading,
            request,
            bars,
            router_config,
            kept_prompt(body.prompt, view.text, self.settings.store_prompts, self.settings.hash_key),
            decision_id=decision_id or self.new_id(now),
            now=now,
            caller=caller,
            artifact=self.artifact.digest,
            given=observed or given_of(body, router_config, registry, session),
            session=None if session is None else session.told(),
        )
        if session is not None and turn is not None:
            session.remember(turn, registry.candidate(decision.selected[0]))
        chosen = perf_counter()
        if self.recorder is not None:
            decision.recorded = self.recorder.record(decision.record(), patience_s)
        if self.observe is not None:
            ends = {"embed": embedded - started, "choose": chosen - embedded, "record": perf_counter() - chosen}
            self.observe(decision, {stage: seconds * 1000 for stage, seconds in ends.items()})
        return decision

    def predict(self, prompt: str, model_ids: Sequence[str] | None = None) -> dict[str, float]:
        """P(complete) by the names asked with, ids or aliases, for models of the registry (all of them by default).

        A name may carry an effort (`model@effort`); without one, a model is taken at its default effort.

        Raises:
            RequestError: the prompt cannot be read, or there is no such model.
        """
        registry = self.registry
        names = list(registry.models) if model_ids is None else list(model_ids)
        candidates = [registry.candidate(name) for name in names]
        text = check_prompt(prompt, self.settings.max_prompt_bytes)
        _, _, reading = self._read(of_prompt(text))
        mu, _ = self.predictor.complete(self.predictor.features(candidates), reading)
        return dict(zip(names, mu.tolist(), strict=True))

    def new_id(self, now: datetime | None = None) -> str:
        """An id for a decision that is made now; above every one before."""
        return self._ids.next(now or self.clock())

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

    def _asked(self, prompt: str | Request, asked: Mapping[str, Any]) -> tuple[Request, Asked]:
        """A prompt as a request, and what is asked beside it; each is checked."""
        most = self.settings.max_prompt_bytes
        if isinstance(prompt, Request):
            body = prompt
            check_size("input" if body.dialect == "openai_responses" else "messages", body.whole, most)
            request = Asked(**body.needs(asked))
        else:
            body = of_prompt(check_prompt(prompt, most))
            request = Asked(**asked) if asked else NOTHING
        if request.task is not None:
            check_text("task", request.task)
        request.check()
        return body, request

    def _read(self, body: Request) -> tuple[int, View, Reading]:
        """Tokens of the whole request, the view of what is asked now, and what the predictor made of it."""
        whole, images = without_images(body.whole)
        encoded = whole.encode()
        exact = len(encoded) <= COUNTED_BYTES
        part = whole if exact else encoded[:COUNTED_BYTES].decode(errors="ignore")
        ids = self.embedder.tokenize(part)
        counted = len(ids) - self.embedder.special_tokens
        if not exact:
            counted = round(counted * len(encoded) / len(part.encode()))
        settings, learned = self.artifact.manifest.view, self.predictor.learned
        inputs: Inputs | NDArray[np.float32]
        if learned is None:
            read, _ = without_images(body.current)
            view = select_view(read, settings, self.embedder, ids if exact and read == whole else None)
            ids_in_view = view.token_ids
            inputs = (
                self.embedder.embed([view.text]) if ids_in_view is None else self.embedder.embed_tokens([ids_in_view])
            )
        else:
            turns = _turns(body)
            known = ids if exact and len(turns) == 1 and turns[0].text == whole else None
            inputs, view, _ = read_request(turns, self.embedder, settings, learned.difficulty.gate, known)
        return counted + images * TOKENS_AN_IMAGE, view, self.predictor.read(inputs).row(0)

    def _pool_of(self, registry: Registry, config: RouterConfig, asked: Asked, own: str | None = None) -> CandidatePool:
        """The pool of a request's candidates, and of the caller's own; kept as long as the registry is the same."""
        kept = self._pools
        if kept.registry is not registry:
            kept = self._pools = _Pools(registry)
        key = (config.name, None if asked.models is None else tuple(asked.models), tuple(asked.efforts or ()), own)
        pool = kept.by_request.get(key)
        if pool is None:
            found = candidates_of(asked, config, registry)
            if own is not None and own not in {one.candidate_id for one in found}:
                found = (*found, registry.candidate(own))
            pool = pool_of(found, self.predictor, kept.lengths)
            if len(kept.by_request) >= KEPT_POOLS:
                kept.by_request.clear()
            kept.by_request[key] = pool
        return pool


def _turns(body: Request) -> list[Turn]:
    """The turns of a request as they are read: a prompt may be a transcript, a conversation is one already."""
    if body.dialect is None:
        return conversation_of_text(without_images(body.current)[0])
    spoken = ((role, without_images(text)[0].strip()) for role, text, _ in body.messages)
    return [Turn(role, text) for role, text in spoken if text] or [Turn("user", "")]


class _Pools:
    """What was made of one registry: how long its candidates write, and the pools that requests asked for."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.lengths: Lengths = fit_lengths(registry.expand(registry.models, "all"))
        self.by_request: dict[tuple[Any, ...], CandidatePool] = {}


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
