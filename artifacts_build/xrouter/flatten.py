"""A trained router of the `xrouter-llm` program to a weights folder of ours.

    its    P = logistic(combine . [capability, clip(ridge . scaled(e) + ridge0)])      scaled(e) = (e - mean) / scale
    ours   P = sigmoid(a * capability + b * clip(w . e + w0) + c)

With the scaler folded into the ridge, w = ridge / scale and w0 = ridge0 - w . mean, the two are the same formula.
A router trained on fewer prompts than its vectors have dimensions projects them between scaler and ridge; the
projection is linear and is folded in as well.
The file is read as inert data (inert_joblib.py): nothing that it says is executed, and that program is not needed.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pointsman.artifact.integrity import sha256_of
from pointsman.artifact.manifest import FORMAT, FORMAT_VERSION
from pointsman.embedders.onnx import EmbedderSettings, read_settings
from pointsman.registry import CAPABILITY_BENCHMARKS
from pointsman.routing.predictor import Predictor
from pointsman.routing.view import ViewSettings

from artifacts_build.errors import ForeignRouterError
from artifacts_build.packaging.weights import write_weights
from artifacts_build.xrouter.inert_joblib import Record, read_joblib

ROUTER = "IRTRouter"
CLASSES = {
    ("xrouter_llm.irt_router", ROUTER),
    # Another formula: read so far that it can be refused by its name.
    ("xrouter_llm.prompt_conditioned_irt", "PromptConditionedIRTRouter"),
    ("xrouter_llm.profiles", "BenchmarkProfileCatalog"),
    ("xrouter_llm.profiles", "ModelBenchmarkProfile"),
    ("xrouter_llm.profiles", "UtcPriceOverride"),
    ("xrouter_llm.score", "ScoreNormalizer"),
    ("xrouter_llm.encoders", "EmbeddingEncoder"),
    ("xrouter_llm.encoders", "SentenceTransformerBackend"),
    ("xrouter_llm.encoders", "XinferenceEmbeddingBackend"),
    ("sklearn.preprocessing._data", "StandardScaler"),
    ("sklearn.decomposition._truncated_svd", "TruncatedSVD"),
    ("sklearn.linear_model._ridge", "Ridge"),
    ("sklearn.linear_model._logistic", "LogisticRegression"),
}
# English prose has about four characters a token; the view is cut by characters there and by tokens here.
CHARACTERS_A_TOKEN = 4
SMALLEST_VIEW = 16

Floats = NDArray[np.float64]


def flatten_router(joblib: Path, embedder: Path, out: Path, name: str) -> dict[str, Any]:
    """Write the weights folder `out`; returns its manifest.

    Raises:
        ForeignRouterError: the file is no such router, is damaged, or has parts that our formula has no place for.
        ArtifactError: the embedder's settings cannot be read.
    """
    settings = read_settings(embedder)
    router = read_joblib(joblib, CLASSES)
    if not isinstance(router, Record) or router.kind.name != ROUTER:
        found = router.kind.name if isinstance(router, Record) else type(router).__name__
        raise ForeignRouterError(f"{joblib}: holds a {found}; only a trained {ROUTER} has the formula we serve.")
    parts = _Parts(joblib, router.state, ROUTER)
    try:
        with np.errstate(all="ignore"):
            predictor = _predictor(parts, settings)
        manifest = _manifest(parts, settings, name)
    except (TypeError, ValueError, OverflowError) as error:
        raise ForeignRouterError(f"{joblib}: damaged: {str(error)[:200]}. Save the router again.") from None
    write_weights(out, manifest, predictor, _card(manifest, predictor))
    return manifest


def _manifest(parts: "_Parts", settings: EmbedderSettings, name: str) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "name": name,
        "created": datetime.now(UTC).date().isoformat(),
        "embedder": {
            "name": settings.name,
            "fingerprint": settings.fingerprint,
            "dimensions": settings.dimensions,
        },
        "view": _view(parts, settings).model_dump(),
        "training": {
            "flattened_from": {
                "program": "xrouter-llm",
                "file": parts.path.name,
                "sha256": sha256_of(parts.path),
                "embedding_model": parts.text("embedding_model"),
                "models": len(parts.value("model_ids_", tuple)),
                "capability_means": _means(parts),
            }
        },
        "metrics": {},
    }


class _Parts:
    """The attributes of a record, each checked for what it must be."""

    def __init__(self, path: Path, state: dict[str, Any], where: str) -> None:
        self.path, self.state, self.where = path, state, where

    def fault(self, name: str, message: str) -> ForeignRouterError:
        return ForeignRouterError(f"{self.path}: {self.where}.{name}: {message}.")

    def value(self, name: str, *kinds: type) -> Any:
        if name not in self.state:
            raise self.fault(name, "missing: the router was not trained, or is of a version this cannot read")
        value = self.state[name]
        if kinds and not isinstance(value, kinds):
            raise self.fault(name, f"found {type(value).__name__}, expected {kinds[0].__name__}")
        return value

    def text(self, name: str) -> str:
        text: str = self.value(name, str)
        text.encode()  # raises where it is no text
        return text

    def part(self, name: str, kind: str) -> "_Parts":
        record = self.value(name, Record)
        if record.kind.name != kind:
            raise self.fault(name, f"a {record.kind.name}, expected {kind}")
        return _Parts(self.path, record.state, f"{self.where}.{name}")

    def numbers(self, name: str, size: int) -> Floats:
        """`size` finite numbers, whatever shape they are kept in."""
        numbers = np.asarray(self.value(name, np.ndarray, float, int), dtype=np.float64).ravel()
        if len(numbers) != size:
            raise self.fault(name, f"has {len(numbers):,} numbers, expected {size:,}")
        if not np.isfinite(numbers).all():
            raise self.fault(name, "holds a number that is not finite")
        return numbers

    def number(self, name: str) -> float:
        return float(self.numbers(name, 1)[0])


def _predictor(router: _Parts, settings: EmbedderSettings) -> Predictor:
    encoder = router.part("encoder_", "EmbeddingEncoder")
    if encoder.value("include_numeric") or encoder.value("numeric_scaler_") is not None:
        raise encoder.fault("include_numeric", "features beside the embedding, which our formula has no place for")
    benchmarks = router.value("capability_benchmarks", tuple, list)
    if set(benchmarks) != set(CAPABILITY_BENCHMARKS):
        raise router.fault("capability_benchmarks", f"{benchmarks}, where ours are {CAPABILITY_BENCHMARKS}")
    scaler = encoder.part("embedding_scaler_", "StandardScaler")
    size = settings.dimensions
    if (found := int(scaler.number("n_features_in_"))) != size:
        raise ForeignRouterError(
            f"{router.path}: trained on vectors of {found:,} dimensions ({router.text('embedding_model')}), and the "
            f"embedder {settings.name} gives {size:,}. Export the embedder it was trained with, and name it with "
            "--embedder."
        )
    scale = scaler.numbers("scale_", size) if scaler.value("with_std") else np.ones(size)
    mean = scaler.numbers("mean_", size) if scaler.value("with_mean") else np.zeros(size)
    if (scale == 0).any():
        raise scaler.fault("scale_", "a scale of 0")
    ridge = router.part("difficulty_model_", "Ridge")
    weights = _through_projection(encoder, ridge, size) / scale
    combine = router.part("combine_model_", "LogisticRegression")
    if combine.numbers("classes_", 2).tolist() != [0, 1]:
        raise combine.fault("classes_", "expected 0 and 1")
    a, b = combine.numbers("coef_", 2)
    low, high = router.number("difficulty_min_"), router.number("difficulty_max_")
    if low > high:
        raise router.fault("difficulty_min_", f"{low:g} is above difficulty_max_, {high:g}")
    predictor = Predictor(
        difficulty_weights=weights.astype(np.float32),
        difficulty_bias=ridge.number("intercept_") - float(weights @ mean),
        difficulty_low=low,
        difficulty_high=high,
        # Its sigma is one constant; ours is largest at P = 1/2, where this makes the two equal.
        difficulty_sd=router.number("sigma") * 4 / max(abs(float(b)), 1e-12),
        a=float(a),
        b=float(b),
        c=combine.number("intercept_"),
        capability_mean=router.number("capability_mean_"),
    )
    for array, values in predictor.to_arrays().items():
        if not np.isfinite(values).all():
            raise ForeignRouterError(f"{router.path}: {array} would hold a number that is not finite. Save it again.")
    return predictor


def _through_projection(encoder: _Parts, ridge: _Parts, size: int) -> Floats:
    """[size]: the ridge as seen by scaled vectors."""
    if encoder.value("svd_") is None:
        return ridge.numbers("coef_", size)
    svd = encoder.part("svd_", "TruncatedSVD")
    kept = np.size(ridge.value("coef_", np.ndarray))
    components = svd.numbers("components_", kept * size).reshape(kept, size)
    projected: Floats = ridge.numbers("coef_", kept) @ components
    return projected


def _view(router: _Parts, settings: EmbedderSettings) -> ViewSettings:
    """Our view of about the same size. Prompts that fit it whole are embedded alike; longer ones are cut otherwise."""
    most = max(SMALLEST_VIEW, min(int(router.number("embedding_max_seq_length")), settings.max_tokens))
    head, tail = (
        min(int(router.number(f"embedding_{end}_chars")) // CHARACTERS_A_TOKEN, most // 4) for end in ("head", "tail")
    )
    return ViewSettings(max_tokens=most, head_tokens=max(head, 0), tail_tokens=max(tail, 0))


def _means(router: _Parts) -> dict[str, float]:
    means = router.value("capability_means_", dict)
    return {name: round(float(means[name]), 6) for name in CAPABILITY_BENCHMARKS if name in means}


def _card(manifest: dict[str, Any], predictor: Predictor) -> str:
    source, embedder = manifest["training"]["flattened_from"], manifest["embedder"]
    low, high = predictor.difficulty_low, predictor.difficulty_high
    sigma = predictor.difficulty_sd * abs(predictor.b) / 4
    return f"""# Model card: the `{manifest["name"]}` weights

Flattened on {manifest["created"]} by `python -m artifacts_build flatten` from `{source["file"]}`
(sha256 `{source["sha256"][:16]}…`), a router that the program xrouter-llm trained on responses of {source["models"]}
models. **The numbers are that router's: its licence and that of its training data hold for them.**

    P(model completes prompt) = sigmoid(a * capability + b * difficulty + c)
    a = {predictor.a:.3f}    b = {predictor.b:.3f}    c = {predictor.c:.3f}

Difficulty is clipped to [{low:.2f}, {high:.2f}]; a model without published scores has capability
{predictor.capability_mean:.3f}.

It was trained on vectors of `{source["embedding_model"]}`. The embedder here is `{embedder["name"]}`, which has
as many dimensions; whether it is the same model is for whoever flattened it to know.

Not known here: how well it predicts, since no held-out figures come with such a file. A prompt longer than the view
({manifest["view"]["max_tokens"]} tokens) is cut in another way than that program cuts it. `sigma` is at most
{sigma:.3f}, the constant that the router was made with, and was not measured.
"""
