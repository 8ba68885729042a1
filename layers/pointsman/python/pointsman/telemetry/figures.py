"""Figures of decisions for Prometheus, at `/metrics` of the local server where POINTSMAN_METRICS asks for them.

Every label has few values: names of the registry, kinds of errors of `errors.py`, routes of ours. What a caller wrote
is never one. Nothing tells one caller from another.
"""

import math
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

import pointsman
from pointsman.api.doors import AccessOf
from pointsman.errors import SettingsError
from pointsman.settings import Settings
from pointsman.telemetry.spans import session_state
from pointsman.telemetry.watching import Watched

if TYPE_CHECKING:
    from pointsman.decision import Decision
    from pointsman.router import Router

PATH = "/metrics"
# Seconds; a decision takes some milliseconds, and one that waits for its turn or the store up to a second.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Figures:
    """Counts watched requests, in a registry of its own."""

    def __init__(self) -> None:
        """Raises ModuleNotFoundError where prometheus_client is not installed."""
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)

        def counter(name: str, told: str, *labels: str) -> Counter:
            return Counter(f"pointsman_{name}", told, labels, registry=registry)

        self._decisions = counter(
            "decisions", "Decisions by what was chosen, as the caller was told.", "config", "model", "effort", "reason"
        )
        self._shadow = counter(
            "shadow_decisions", "Decisions of shadow mode, by what would have been chosen.", "config", "selected"
        )
        self._errors = counter("errors", "Requests for a decision that got none.", "route", "kind", "status")
        self._replays = counter("replays", "Retries that got the decision of their first try.", "route")
        self._recorded = counter("recorded", "Decisions by whether the history holds them.", "recorded")
        self._turns = counter("session_turns", "Decisions in conversations: new, stayed or switched.", "state")
        self._priced = counter("priced_decisions", "Decisions that the costs below are of: all prices known.", "config")
        self._cost = counter("predicted_cost_usd", "Predicted cost of what the caller was told to call.", "config")
        self._shadow_cost = counter(
            "shadow_cost_usd", "Predicted cost of what shadow mode would have chosen.", "config"
        )
        self._strongest = counter("strongest_cost_usd", "What the strongest candidate would have cost.", "config")
        self._duration = Histogram(
            "pointsman_request_duration_seconds",
            "From a request for a decision to the end of its answer, waiting included.",
            ["route"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._stage = Histogram(
            "pointsman_stage_duration_seconds",
            "Stages of a decision: embed (count and embed the text), choose, record.",
            ["stage"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._build = Gauge(
            "pointsman_build_info",
            "What this process serves; always 1.",
            ["version", "artifact", "digest", "embedder", "registry"],
            registry=registry,
        )
        self._recording = Gauge(
            "pointsman_history_recording", "1 where the last decision was recorded, else 0.", registry=registry
        )

    def of_router(self, router: "Router") -> None:
        """Tell what a router serves, and how its recording goes."""
        manifest = router.artifact.manifest
        self._build.labels(
            pointsman.__version__,
            manifest.name,
            router.artifact.digest,
            manifest.embedder.name,
            router.registry.digest,
        ).set(1)
        recorder = router.recorder
        if recorder is not None:
            self._recording.set_function(lambda: float(recorder.state().recording))

    def __call__(self, watched: Watched) -> None:
        """Count a request that was answered."""
        self._duration.labels(watched.route).observe(watched.seconds)
        if watched.error is not None:
            self._errors.labels(watched.route, watched.error, str(watched.status or "")).inc()
        if watched.replayed is not None and watched.decision is None:
            self._replays.labels(watched.route).inc()
        if watched.decision is not None:
            self._count(watched.decision)
            for stage, milliseconds in watched.stages.items():
                self._stage.labels(stage).observe(milliseconds / 1000)

    def _count(self, decision: "Decision") -> None:
        config, call = decision.config, decision.calls[0]
        self._decisions.labels(config, call.model_id, call.effort or "", decision.reason).inc()
        self._recorded.labels("true" if decision.recorded else "false").inc()
        if (state := session_state(decision.session or {})) is not None:
            self._turns.labels(state).inc()
        shadow = decision.shadow
        costs = {self._cost: decision.cost, self._strongest: decision.strongest.cost}
        if shadow is not None:
            self._shadow.labels(config, " + ".join(shadow["selected"])).inc()
            costs[self._shadow_cost] = shadow["cost"]
        # Only decisions of which every price is known: the sums can then be compared.
        if all(math.isfinite(usd) for usd in costs.values()):
            self._priced.labels(config).inc()
            for sum_of, usd in costs.items():
                sum_of.labels(config).inc(usd)


def open_figures(settings: Settings) -> Figures | None:
    """What counts, where the settings ask for it.

    Raises:
        SettingsError: the package is not installed.
    """
    if not settings.metrics:
        return None
    try:
        import prometheus_client

        # When a counter began is a series more for each that nobody asks for.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        return Figures()
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "prometheus_client":
            raise
        remedy = "pip install 'pointsman[metrics]', or unset it."
        raise SettingsError(f"POINTSMAN_METRICS=true needs prometheus-client: {remedy}") from None


def metrics_routes(figures: Figures, access_of: AccessOf) -> APIRouter:
    """`GET /metrics`, in the text format that the scraper asks for. Where tokens are asked for, one that may read."""
    from prometheus_client.exposition import choose_encoder

    routes = APIRouter()

    @routes.get(PATH, include_in_schema=False)
    def metrics(http: Request) -> Response:
        access_of(http).need("read")
        encode, content_type = choose_encoder(http.headers.get("accept", ""))
        return Response(encode(figures.registry), headers={"content-type": content_type})

    return routes
