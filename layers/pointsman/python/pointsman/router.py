"""The router: a prompt in, a decision out. The façade over everything else.

    request - view - embed - difficulty - P(complete) - cost - policy - decision - history

The router holds what was loaded and nothing about any request.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from pointsman.artifact import Artifact, load_artifact, load_embedder
from pointsman.decision import (
    Candidate,
    Decision,
    Excluded,
    Ids,
    Strongest,
    explain,
    kept_prompt,
    timestamp,
)
from pointsman.embedders import Embedder
from pointsman.errors import Fault, NoCandidate, PayloadTooLarge, RegistryError, RequestError
from pointsman.history import History, record
from pointsman.policy import choose
from pointsman.pricing import cost_usd, input_tokens, output_tokens, prices_at
from pointsman.registry import Model, Registry, RouterConfig, load_registry
from pointsman.settings import Settings, load_settings
from pointsman.view import View, select_view

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
    ) -> None:
        self.registry = registry
        self.artifact = artifact
        self.embedder = embedder
        self.history = history
        self.settings = settings or load_settings()
        self._ids = Ids()

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
        return cls(known, loaded, load_embedder(loaded, settings.threads), history, settings)

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
        router_config = self.registry.config(config)
        size = self._check_prompt(prompt)
        now = datetime.now(UTC)
        counted, view, difficulty = self._read(prompt, size)
        able, excluded = self._able(router_config, counted, preferred_input_modalities, supports, max_output_tokens)
        candidates = self._candidates(able, counted, difficulty, max_output_tokens, now)
        choice = choose(
            [candidate.model_id for candidate in candidates],
            np.array([candidate.mu for candidate in candidates]),
            np.array([candidate.cost for candidate in candidates]),
            np.array([candidate.latency_s or np.nan for candidate in candidates]),
            completion_threshold=router_config.completion_threshold,
            fallback_quality_margin=router_config.fallback_quality_margin,
            max_k=router_config.max_k,
        )
        selected = tuple(candidates[i].model_id for i in choice.members)
        strongest = max(candidates, key=lambda candidate: (candidate.mu, -candidate.cost))
        kept = kept_prompt(prompt, view.text, self.settings.prompt_logging)
        decision = Decision(
            id=self._ids.next(now),
            ts=timestamp(now),
            caller=caller,
            config=router_config.name,
            completion_threshold=router_config.completion_threshold,
            fallback_quality_margin=router_config.fallback_quality_margin,
            max_k=router_config.max_k,
            prompt=kept.prompt,
            prompt_bytes=kept.prompt_bytes,
            prompt_sha256=kept.prompt_sha256,
            task=task,
            selected=selected,
            candidates=tuple(candidates),
            excluded=tuple(excluded),
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
                choice.expected_quality,
                choice.reason,
                router_config.completion_threshold,
                router_config.fallback_quality_margin,
                len(candidates),
            ),
            recorded=self.history is not None,
            artifact=self.artifact.digest,
        )
        if self.history is not None and not record(self.history, decision.to_dict()):
            return replace(decision, recorded=False)
        return decision

    def predict(self, prompt: str, model_ids: Sequence[str] | None = None) -> dict[str, float]:
        """P(complete) by model id for models of the registry (all of them by default), given ids or aliases.

        Raises:
            RequestError: the prompt cannot be read, or there is no such model.
        """
        names = list(self.registry.models) if model_ids is None else list(model_ids)
        models = [self.registry.model(name) for name in names]
        _, _, difficulty = self._read(prompt, self._check_prompt(prompt))
        mu, _ = self.artifact.predictor.complete(self._capabilities(models), difficulty)
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
        try:
            size = len(prompt.encode())
        except UnicodeEncodeError as error:
            raise refuse(
                f"not valid Unicode: a lone surrogate at character {error.start}",
                "Send whole characters: a surrogate must be one of a pair.",
            ) from None
        limit = self.settings.max_prompt_bytes
        if size > limit:
            message = f"the prompt has {size:,} bytes; at most {limit:,} are routed"
            remedy = "Send a shorter prompt, or raise POINTSMAN_MAX_PROMPT_BYTES."
            raise PayloadTooLarge(f"prompt: {message}. {remedy}", [Fault("prompt", message, remedy)])
        return size

    def _read(self, prompt: str, size: int) -> tuple[int, View, float]:
        """Tokens of the whole prompt, the view, and the difficulty."""
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
        return counted, view, float(self.artifact.predictor.difficulty(vectors)[0])

    def _able(
        self,
        config: RouterConfig,
        counted: int,
        modalities: Sequence[str],
        supports: Sequence[str],
        max_output_tokens: int | None,
    ) -> tuple[list[Model], list[Excluded]]:
        """The models of a config that can serve the request, and the others with the reason."""
        able: list[Model] = []
        excluded: list[Excluded] = []
        for model in (self.registry.models[model_id] for model_id in config.models):
            needed = input_tokens(model, counted) + output_tokens(model, max_output_tokens)
            if lacking := [m for m in modalities if m not in model.input_modalities]:
                excluded.append(Excluded(model.model_id, f"does not take {', '.join(lacking)}"))
            elif needed > model.context_length:
                why = f"needs {needed:,} tokens, its context holds {model.context_length:,}"
                excluded.append(Excluded(model.model_id, why))
            elif lacking := [feature for feature in supports if feature not in model.supports]:
                excluded.append(Excluded(model.model_id, f"is not known to support {', '.join(lacking)}"))
            else:
                able.append(model)
        if not able:
            remedy = "Ask for less, or use a config with other models."
            faults = [Fault("config", f"{x.model_id} {x.why}", remedy) for x in excluded]
            raise NoCandidate(
                f"None of the {len(excluded)} models of {config.name!r} can serve this prompt: "
                f"{excluded[0].model_id} {excluded[0].why}. {remedy}",
                faults,
            )
        return able, excluded

    def _capabilities(self, models: Sequence[Model]) -> np.ndarray[Any, np.dtype[np.float64]]:
        mean = self.artifact.predictor.capability_mean
        return np.array([mean if model.capability is None else model.capability for model in models])

    def _candidates(
        self,
        models: Sequence[Model],
        counted: int,
        difficulty: float,
        max_output_tokens: int | None,
        now: datetime,
    ) -> list[Candidate]:
        """One candidate a model, cheapest first."""
        capability = self._capabilities(models)
        mu, sigma = self.artifact.predictor.complete(capability, difficulty)
        candidates = []
        for i, model in enumerate(models):
            tokens_in = input_tokens(model, counted)
            tokens_out = output_tokens(model, max_output_tokens)
            candidates.append(
                Candidate(
                    model_id=model.model_id,
                    mu=float(mu[i]),
                    sigma=float(sigma[i]),
                    cost=cost_usd(prices_at(model, now), tokens_in, tokens_out),
                    capability=float(capability[i]),
                    capability_known=model.capability is not None,
                    input_tokens=tokens_in,
                    output_tokens=tokens_out,
                    latency_s=model.latency_s,
                )
            )
        return sorted(candidates, key=lambda candidate: (candidate.cost, candidate.model_id))


def _model(profile: Mapping[str, Any]) -> Model:
    from pydantic import ValidationError

    try:
        return Model.model_validate(dict(profile))
    except ValidationError as error:
        faults = [
            Fault(".".join(str(part) for part in item["loc"]), item["msg"], "correct it") for item in error.errors()
        ]
        fields = ", ".join(f"{fault.field}: {fault.message}" for fault in faults)
        raise RegistryError(f"The model profile is not valid: {fields}.", faults) from None
