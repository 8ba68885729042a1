"""A span for every request for a decision, by OpenTelemetry; `gen_ai.*` where its conventions have a name for it.

It is asked for by POINTSMAN_SPANS, or else by the environment that every OpenTelemetry program reads (`asked_for`). The
rest of that environment holds as well: exporter, protocol, headers, sampler, resource, limits of the batches. Spans
wait in a bounded queue and are sent by a thread of their own: a collector that is down costs spans and no time.

A decision calls no model, so nothing here is called usage or response: those belong to the span of the call.
"""

import logging
import math
import os
import threading
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

import pointsman
from pointsman.errors import SettingsError
from pointsman.settings import Settings
from pointsman.telemetry.watching import Watched

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

    from pointsman.decision import Decision

INSTALL = "pip install 'pointsman[telemetry]'"
ASKING = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER")
# No operation of the conventions chooses a model, and they let others be named.
OPERATION = "route"
# How long a server that stops waits for what was not sent yet.
FLUSH_S = 2.0
GRPC = "pip install opentelemetry-exporter-otlp-proto-grpc"

log = logging.getLogger("pointsman.telemetry")


def asked_for(setting: bool | None, environment: Mapping[str, str]) -> bool:
    """Whether spans are wanted: as the setting says, else as OpenTelemetry's own environment does."""
    if setting is not None:
        return setting
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if environment.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none":
        return False
    return any(environment.get(name, "").strip() for name in ASKING)


class Spans:
    """Makes spans of watched requests with a provider's tracer."""

    def __init__(self, provider: "TracerProvider") -> None:
        from opentelemetry import propagate, trace

        self.provider = provider
        self._tracer = provider.get_tracer("pointsman", pointsman.__version__)
        self._extract = propagate.extract
        self._server = trace.SpanKind.SERVER
        self._failed = trace.StatusCode.ERROR

    def __call__(self, watched: Watched) -> None:
        """Make the span of a request that was answered."""
        from opentelemetry.context import Context

        decision = watched.decision
        span = self._tracer.start_span(
            OPERATION if decision is None else f"{OPERATION} {decision.config}",
            context=self._extract(watched.headers, context=Context()),
            kind=self._server,
            attributes=attributes_of(watched),
            start_time=watched.began_ns,
        )
        if watched.error is not None:
            span.set_status(self._failed, watched.error)
        span.end(watched.began_ns + int(watched.seconds * 1e9))

    def close(self) -> None:
        """Send what is waiting, as far as the collector takes it now."""
        # The exporter tries anew for ten seconds, whatever limit it is given.
        closing = threading.Thread(target=self.provider.shutdown, name="spans", daemon=True)
        closing.start()
        closing.join(FLUSH_S)


def open_spans(settings: Settings, environment: Mapping[str, str] | None = None) -> Spans | None:
    """What makes spans, where something asks for them.

    Raises:
        SettingsError: POINTSMAN_SPANS asks for them and the packages are not installed, or the environment names an
            exporter that is not.
    """
    environment = os.environ if environment is None else environment
    if not asked_for(settings.spans, environment):
        return None
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "opentelemetry":
            raise
        if settings.spans:
            raise SettingsError(f"POINTSMAN_SPANS=true needs OpenTelemetry: {INSTALL}, or unset it.") from None
        log.warning("OTEL_* asks for spans, and OpenTelemetry is not installed: there are none. %s", INSTALL)
        return None
    about = {"service.name": "pointsman", "service.version": pointsman.__version__}
    # What the environment says of the service wins.
    resource = Resource(about).merge(Resource.create({})) if _is_named(environment) else Resource.create(about)
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    for exporter in _exporters(environment):
        provider.add_span_processor(BatchSpanProcessor(exporter))
    return Spans(provider)


def _is_named(environment: Mapping[str, str]) -> bool:
    named = environment.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return bool(environment.get("OTEL_SERVICE_NAME")) or "service.name=" in named


def _exporters(environment: Mapping[str, str]) -> "list[SpanExporter]":
    """The exporters that the environment names, from what is installed; OTLP over HTTP where it names none."""
    found = []
    for name in environment.get("OTEL_TRACES_EXPORTER", "").split(",") or [""]:
        wanted = name.strip() or "otlp"
        if wanted == "otlp":
            protocol = environment.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environment.get(
                "OTEL_EXPORTER_OTLP_PROTOCOL"
            )
            wanted = "otlp_proto_grpc" if protocol == "grpc" else "otlp_proto_http"
        known = {one.name: one for one in entry_points(group="opentelemetry_traces_exporter")}
        if wanted not in known:
            remedy = f"Install its package, or name one of: {', '.join(sorted(known))}"
            if wanted == "otlp_proto_grpc":
                remedy = f"Set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, or {GRPC}"
            raise SettingsError(f"OTEL_* asks for the exporter {wanted[:60]}, which is not installed. {remedy}.")
        found.append(known[wanted].load()())
    return found


def attributes_of(watched: Watched) -> dict[str, Any]:
    """The attributes of a request's span; what is not known is left out."""
    found: dict[str, Any] = {
        "gen_ai.operation.name": OPERATION,
        "http.request.method": "POST",
        "http.route": watched.route,
        "http.response.status_code": watched.status,
        "error.type": watched.error,
        "pointsman.replayed": watched.replayed is not None or None,
        "pointsman.decision.id": watched.replayed,
    }
    if watched.decision is not None:
        found |= _of_decision(watched.decision)
        found |= {f"pointsman.time.{stage}_ms": round(ms, 3) for stage, ms in watched.stages.items()}
    return {name: value for name, value in found.items() if _is_known(value)}


def _of_decision(decision: "Decision") -> dict[str, Any]:
    session, shadow, call = decision.session or {}, decision.shadow or {}, decision.calls[0]
    place = decision.candidates.model_id.index(decision.selected[0])
    return {
        # A caller names a config where it would name a model.
        "gen_ai.request.model": decision.config,
        "gen_ai.request.max_tokens": decision.asked.get("max_output_tokens"),
        "gen_ai.conversation.id": session.get("id"),
        "pointsman.decision.id": decision.id,
        "pointsman.config": decision.config,
        "pointsman.policy": decision.policy,
        "pointsman.selected.model": call.model_id,
        "pointsman.selected.effort": call.effort,
        "pointsman.selected": list(decision.selected),
        "pointsman.reason": decision.reason,
        "pointsman.p_complete": decision.expected_quality,
        "pointsman.threshold": decision.completion_threshold,
        "pointsman.cost_usd": decision.cost,
        "pointsman.strongest.model": decision.strongest.model_id,
        "pointsman.strongest.cost_usd": decision.strongest.cost,
        "pointsman.input_tokens": decision.candidates.input_tokens[place],
        "pointsman.output_tokens": decision.tokens.expected,
        "pointsman.difficulty": decision.difficulty,
        "pointsman.candidates": len(decision.candidates),
        "pointsman.excluded": len(decision.excluded),
        "pointsman.fallbacks": [one.model_id for one in decision.fallbacks],
        "pointsman.recorded": decision.recorded,
        "pointsman.session.turn": session.get("turn"),
        "pointsman.session.state": session_state(session),
        "pointsman.shadow.selected": list(shadow["selected"]) if shadow else None,
        "pointsman.shadow.cost_usd": shadow.get("cost"),
        "pointsman.artifact": decision.artifact,
    }


def session_state(session: Mapping[str, Any]) -> str | None:
    """Whether a conversation began, stayed with its model or left it; None where there is none."""
    if not session:
        return None
    return "switched" if session["switched"] else "stayed" if session["stayed"] else "new"


def _is_known(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and math.isnan(value))
