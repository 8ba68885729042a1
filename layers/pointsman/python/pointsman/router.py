"""The router: a prompt in, a decision out. The façade over everything else.

    request - view - embed - difficulty - P(complete) - cost - policy - decision - history

The router holds what was loaded and nothing about any request.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from pydantic import ValidationError

from pointsman.artifact.load import Artifact, load_artifact, load_embedder
from pointsman.decision import Decision, Excluded, Strongest
from pointsman.embedders import Embedder
from pointsman.errors import Fault, NoCandidate, PayloadTooLarge, RegistryError, RequestError
from pointsman.faults import faults_of
from pointsman.history import History, append_or_log
from pointsman.history.ids import Ids, timestamp
from pointsman.history.prompts import kept_prompt
from pointsman.registry import Model, Registry, RouterConfig, load_registry
from pointsman.routing.candidates import (
    CandidatePool,
    excluded_from,
    input_tokens,
    output_tokens,
    pool_of,
    priced_candidates,
)
from pointsman.routing.explanation import explain
from pointsman.routing.policy import choose
from pointsman.routing.predictor import Reading
from pointsman.routing.view import View, select_view
from pointsman.settings import Settings, load_settings

# Told of every decision, with the milliseconds of its stages: embed, choose, record.
Observer = Callable[[Decision, Mapping[str, float]], None]

# Prompts up to this size are counted to the token, longer ones by the ratio found in their first part.
COUNTED_BYTES = 65_536


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
        self.predictor = artifact.predictor if self.settings.refinement else artifact.predictor.formula()
        self.observe = observe
        self._ids = Ids()
        self._pools: dict[str, tuple[Registry, CandidatePool]] = {}

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
        loaded = load_artifact(settings.artifact)
        return cls(known, loaded, load_embedder(loaded, settings.threads, settings.embedder), history, settings)

    def decide(
        self,
        prompt: str,
        config: str = "auto",
        *,
        task: str | None = None,
        preferred_input_modalities: Sequence[str] = (),
        supports: Sequence[str] = (),
        max_output_tokens: int | None = None,
        caller: str | None = None,
    ) -> Decision:
        """The decision for a prompt, recorded where the router has a history.

        Raises:
            RequestError: the prompt is empty, too large or not text, there is no such config, or no
                candidate of it can serve the prompt.
        """
        registry = self.registry
        router_config = registry.config(config)
        size = self._check_prompt(prompt)
        if task is not None:
            _check_text("task", task)
        if max_output_tokens is not None and max_output_tokens < 1:
            message, remedy = f"{max_output_tokens} is less than 1", "Give at least 1, or leave it out."
            raise RequestError(f"max_output_tokens: {message}. {remedy}", [Fault("max_output_tokens", message, remedy)])
        now = datetime.now(UTC)
        started = perf_counter()
        counted, view, reading = self._read(prompt, size)
        embedded = perf_counter()
        pool = self._pool_of(registry, router_config)
        difficulty = float(reading.difficulty)
        tokens_in = input_tokens(pool, counted)
        tokens_out = output_tokens(pool, max_output_tokens, self.predictor.length_factor(difficulty))
        excluded = excluded_from(pool, tokens_in, tokens_out, preferred_input_modalities, supports)
        if len(excluded) == len(pool.models):
            raise _nothing_left(router_config.name, list(excluded.values()))
        candidates = priced_candidates(pool, tokens_in, tokens_out, self.predictor, reading, now, excluded)
        mu = [candidate.mu for candidate in candidates]
        choice = choose(
            [candidate.model_id for candidate in candidates],
            np.array(mu),
            np.array([candidate.cost for candidate in candidates]),
            np.array([candidate.latency_s or np.nan for candidate in candidates]),
            completion_threshold=router_config.completion_threshold,
            fallback_quality_margin=router_config.fallback_quality_margin,
            max_k=router_config.max_k,
            caution=router_config.caution,
            sigma=np.array([candidate.sigma for candidate in candidates]),
        )
        selected = tuple(candidates[i].model_id for i in choice.members)
        # Candidates are cheapest first, so this is the cheapest of equally strong ones.
        strongest = candidates[mu.index(max(mu))]
        kept = kept_prompt(prompt, view.text, self.settings.store_prompts)
        decision = Decision(
            id=self._ids.next(now),
            ts=timestamp(now),
            caller=caller,
            config=router_config.name,
            completion_threshold=router_config.completion_threshold,
            fallback_quality_margin=router_config.fallback_quality_margin,
            max_k=router_config.max_k,
            caution=router_config.caution,
            prompt=kept.prompt,
            prompt_bytes=kept.prompt_bytes,
            prompt_sha256=kept.prompt_sha256,
            task=task,
            selected=selected,
            candidates=tuple(candidates),
            excluded=tuple(excluded.values()),
            difficulty=difficulty,
            expected_quality=choice.expected_quality,
            cost=choice.cost,
            latency=choice.latency,
            utility=choice.expected_quality
            - router_config.lambda_cost * choice.cost
            - router_config.lambda_latency * (choice.latency or 0.0),
            strongest=Strongest(strongest.model_id, strongest.cost),
            reason=choice.reason,
            explanation=explain(
                selected,
                choice,
                router_config.completion_threshold,
                router_config.fallback_quality_margin,
                router_config.caution,
                len(candidates),
            ),
            recorded=self.history is not None,
            artifact=self.artifact.digest,
        )
        chosen = perf_counter()
        if self.history is not None and not append_or_log(
            self.history, decision.to_dict(), log_prompt=self.settings.log_prompts
        ):
            decision = replace(decision, recorded=False)
        if self.observe is not None:
            ends = {"embed": embedded - started, "choose": chosen - embedded, "record": perf_counter() - chosen}
            self.observe(decision, {stage: seconds * 1000 for stage, seconds in ends.items()})
        return decision

    def predict(self, prompt: str, model_ids: Sequence[str] | None = None) -> dict[str, float]:
        """P(complete) by model id for models of the registry (all of them by default), given ids or aliases.

        Raises:
            RequestError: the prompt cannot be read, or there is no such model.
        """
        names = list(self.registry.models) if model_ids is None else list(model_ids)
        models = [self.registry.model(name) for name in names]
        _, _, reading = self._read(prompt, self._check_prompt(prompt))
        mu, _ = self.predictor.complete(self.predictor.features(models), reading)
        return {model.model_id: float(p) for model, p in zip(models, mu, strict=True)}

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
        exact = size <= COUNTED_BYTES
        part = prompt if exact else prompt.encode()[:COUNTED_BYTES].decode(errors="ignore")
        ids = self.embedder.tokenize(part)
        counted = len(ids) - self.embedder.special_tokens
        if not exact:
            counted = round(counted * size / len(part.encode()))
        view = select_view(prompt, self.artifact.manifest.view, self.embedder, ids if exact else None)
        if view.token_ids is None:
            vectors = self.embedder.embed([view.text])
        else:
            vectors = self.embedder.embed_tokens([view.token_ids])
        return counted, view, self.predictor.read(vectors).row(0)

    def _pool_of(self, registry: Registry, config: RouterConfig) -> CandidatePool:
        """The pool of a config; kept as long as the registry is the same."""
        kept = self._pools.get(config.name)
        if kept is None or kept[0] is not registry:
            models = list({one.model_id: one.model for one in registry.candidates(config)}.values())
            kept = registry, pool_of(models, self.predictor)
            self._pools[config.name] = kept
        return kept[1]


def _check_text(field: str, text: str) -> int:
    """The size of a text in UTF-8 bytes. Raises RequestError for a lone surrogate, which has no encoding."""
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        message = f"not valid Unicode: a lone surrogate at character {error.start}"
        remedy = "Send whole characters: a surrogate must be one of a pair."
        raise RequestError(f"{field}: {message}. {remedy}", [Fault(field, message, remedy)]) from None


def _nothing_left(config: str, excluded: Sequence[Excluded]) -> NoCandidate:
    remedy = "Ask for less, or use a config with other models."
    return NoCandidate(
        f"None of the {len(excluded)} models of {config!r} can serve this prompt: "
        f"{excluded[0].model_id} {excluded[0].why}. {remedy}",
        [Fault("config", f"{one.model_id} {one.why}", remedy) for one in excluded],
    )


def _model(profile: Mapping[str, Any]) -> Model:
    try:
        return Model.model_validate(dict(profile))
    except ValidationError as error:
        faults = faults_of(error, kind=Model)
        told = " ".join(f"{fault.field}: {fault.message}. {fault.remedy}" for fault in faults)
        raise RegistryError(f"The model profile is not valid. {told}", faults) from None
