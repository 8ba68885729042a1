"""Flatten: another program's router gives the same probabilities, and nothing that its file says is run.

The files are written by joblib and scikit-learn themselves, with stand-ins of the program's own classes: of those,
only names and attributes are in such a file.
"""

import gzip
import io
import json
import os
import pickle
import sys
import types
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path, PosixPath
from typing import Any

import joblib
import numpy as np
import pytest
from numpy.typing import NDArray
from pointsman.artifact.load import load_artifact
from sklearn.decomposition import TruncatedSVD
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from artifacts_build.errors import ForeignRouterError
from artifacts_build.xrouter import inert_joblib
from artifacts_build.xrouter.flatten import CLASSES, flatten_router
from artifacts_build.xrouter.inert_joblib import Name, Record, read_joblib
from tests.fakes import candidates

D, PROMPTS, MODELS = 24, 300, 12
RNG = np.random.default_rng(5)
Vectors = NDArray[np.float32]


class Call:
    """Pickles as a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self._call = function, arguments

    def __reduce__(self) -> Any:
        return self._call


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Makes an object of a class of the other program, with attributes."""
    for module in {module for module, _ in CLASSES if module.startswith("xrouter_llm")} | {"xrouter_llm"}:
        monkeypatch.setitem(sys.modules, module, types.ModuleType(module))
    for module, name in CLASSES:
        if module.startswith("xrouter_llm"):
            setattr(sys.modules[module], name, type(name, (), {"__module__": module}))

    def make(name: str, **attributes: Any) -> Any:
        module = next(module for module, known in CLASSES if known == name)
        made = getattr(sys.modules[module], name)()
        made.__dict__.update(attributes)
        return made

    return make


@pytest.fixture
def vectors() -> Vectors:
    x = RNG.normal(size=(PROMPTS, D)) * RNG.uniform(0.2, 3, D)
    unit: Vectors = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
    return unit


def router_of(foreign: Callable[..., Any], vectors: Vectors, components: int | None = None, **changes: Any) -> Any:
    """A trained router, as the other program keeps one."""
    scaler = StandardScaler().fit(vectors.astype(float))
    scaled = scaler.transform(vectors.astype(float))
    svd = TruncatedSVD(components, random_state=0).fit(scaled) if components else None
    features = svd.transform(scaled) if svd else scaled
    difficulty = vectors @ RNG.normal(size=D) * 4
    ridge = Ridge().fit(features, difficulty)
    capability = RNG.uniform(0.2, 0.9, MODELS)
    both = np.stack([np.repeat(capability, PROMPTS), np.tile(ridge.predict(features), MODELS)], axis=1)
    done = RNG.random(len(both)) < 1 / (1 + np.exp(-(5 * both[:, 0] - both[:, 1] - 2)))
    encoder = foreign(
        "EmbeddingEncoder",
        backend=foreign("SentenceTransformerBackend", model_name="some/embedder", normalize=True),
        cache_dir=PosixPath("artifacts/cache"),
        include_numeric=False,
        embedding_scaler_=scaler,
        numeric_scaler_=None,
        svd_=svd,
        _mem_cache={},
    )
    attributes = {
        "profile_catalog": foreign("BenchmarkProfileCatalog", _profiles={"m": foreign("ModelBenchmarkProfile")}),
        "embedding_model": "some/embedder",
        "embedding_max_seq_length": 512,
        "embedding_head_chars": 600,
        "embedding_tail_chars": 400,
        "capability_benchmarks": ("gpqa_diamond", "livecodebench"),
        "sigma": 0.12,
        "encoder_": encoder,
        "difficulty_model_": ridge,
        "difficulty_min_": float(np.quantile(difficulty, 0.1)),
        "difficulty_max_": float(np.quantile(difficulty, 0.9)),
        "combine_model_": LogisticRegression().fit(both, done.astype(float)),
        "capability_means_": {"gpqa_diamond": np.float64(0.5), "livecodebench": 0.4},
        "capability_mean_": 0.45,
        "model_ids_": ("m0", "m1"),
    }
    return foreign("IRTRouter", **{**attributes, **changes})


def write_embedder(folder: Path, dimensions: int = D) -> Path:
    folder.mkdir(exist_ok=True)
    settings = {"name": "stand-in", "fingerprint": "0" * 64, "dimensions": dimensions, "max_tokens": 4096}
    (folder / "embedder.json").write_text(json.dumps({**settings, "output": "embedding", "files": {}}))
    return folder


def flattened(router: Any, tmp_path: Path, **how: Any) -> Path:
    joblib.dump(router, tmp_path / "router.joblib", **how)
    flatten_router(tmp_path / "router.joblib", write_embedder(tmp_path / "embedder"), tmp_path / "weights", "flat")
    return tmp_path / "weights"


def refused(router: Any, tmp_path: Path) -> str:
    with pytest.raises(ForeignRouterError) as raised:
        flattened(router, tmp_path)
    assert not (tmp_path / "weights").exists()
    assert "router.joblib" in raised.value.detail
    assert "\n" not in raised.value.detail
    return raised.value.detail


@pytest.mark.parametrize("components", [None, 7])
def test_the_probabilities_are_those_of_the_router(
    components: int | None, foreign: Callable[..., Any], vectors: Vectors, tmp_path: Path
) -> None:
    router = router_of(foreign, vectors, components)
    predictor = load_artifact(flattened(router, tmp_path)).predictor
    features = router.encoder_.embedding_scaler_.transform(vectors.astype(float))
    if components:
        features = router.encoder_.svd_.transform(features)
    difficulty = np.clip(router.difficulty_model_.predict(features), router.difficulty_min_, router.difficulty_max_)
    reading = predictor.read(vectors)
    found = reading.difficulty
    np.testing.assert_allclose(found, difficulty, atol=1e-6)
    assert 30 <= (found == predictor.difficulty_low).sum() + (found == predictor.difficulty_high).sum() < 200
    for capability in (0.2, 0.55, 0.9):
        both = np.stack([np.full(PROMPTS, capability), difficulty], axis=1)
        expected = router.combine_model_.predict_proba(both)[:, 1]
        mu, sigma = predictor.complete(candidates(*[capability] * PROMPTS), reading)
        np.testing.assert_allclose(mu, expected, atol=1e-6)
        assert sigma.max() <= 0.12 + 1e-9


def test_what_is_known_of_the_router_is_in_the_weights(
    foreign: Callable[..., Any], vectors: Vectors, tmp_path: Path
) -> None:
    artifact = load_artifact(flattened(router_of(foreign, vectors), tmp_path))
    assert artifact.predictor.capability_mean == 0.45
    assert artifact.manifest.view.model_dump() == {"max_tokens": 512, "head_tokens": 128, "tail_tokens": 100}
    source = artifact.manifest.training["flattened_from"]
    assert source["embedding_model"] == "some/embedder"
    assert source["capability_means"] == {"gpqa_diamond": 0.5, "livecodebench": 0.4}
    card = (tmp_path / "weights/MODEL_CARD.md").read_text()
    assert "its licence" in card
    assert "some/embedder" in card


@pytest.mark.parametrize("compress", [("zlib", 3), ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)])
def test_a_compressed_file_is_read(
    compress: tuple[str, int], foreign: Callable[..., Any], vectors: Vectors, tmp_path: Path
) -> None:
    router = router_of(foreign, vectors)
    plain, packed = flattened(router, tmp_path), tmp_path / "packed"
    packed.mkdir()
    one, two = load_artifact(plain).predictor, load_artifact(flattened(router, packed, compress=compress)).predictor
    assert one.to_arrays().keys() == two.to_arrays().keys()
    assert all((one.to_arrays()[name] == two.to_arrays()[name]).all() for name in one.to_arrays())


def test_lz4_is_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\x04\x22\x4d\x18" + b"\0" * 20)
    with pytest.raises(ForeignRouterError, match="without compress="):
        read_joblib(tmp_path / "a", CLASSES)


HOSTILE = {
    "posix.system": Call(os.system, "touch EXPLODED"),
    "builtins.eval": Call(eval, "open('EXPLODED', 'w')"),
    "builtins.exec": Call(exec, "open('EXPLODED', 'w')"),
    "builtins.getattr": Call(getattr, "text", "upper"),
    "subprocess.Popen": Call(__import__("subprocess").Popen, ["touch", "EXPLODED"]),
    "posix.mkdir": Call(os.mkdir, "EXPLODED"),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("where", ["alone", "inside", "state"])
def test_a_planted_call_is_refused_by_name_and_not_made(
    name: str,
    where: str,
    foreign: Callable[..., Any],
    vectors: Vectors,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    bomb = HOSTILE[name]
    router = {"alone": bomb, "inside": router_of(foreign, vectors, sigma=bomb)}.get(where)
    if where == "state":
        router = router_of(foreign, vectors)
        router.profile_catalog.__dict__["_profiles"] = {"m": [bomb]}
    message = refused(router, tmp_path)
    assert name in message
    assert "Nothing of it was run" in message
    assert not (tmp_path / "EXPLODED").exists()


@pytest.mark.parametrize("protocol", range(6))
def test_a_planted_call_is_refused_in_every_protocol(protocol: int, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(pickle.dumps(Call(eval, "1"), protocol=protocol))
    with pytest.raises(ForeignRouterError, match=r"eval|opcode"):
        read_joblib(tmp_path / "a", CLASSES)


def test_an_array_of_objects_is_refused(foreign: Callable[..., Any], vectors: Vectors, tmp_path: Path) -> None:
    objects = np.empty(2, dtype=object)
    objects[0] = HOSTILE["posix.mkdir"]
    assert "dtype 'O8'" in refused(router_of(foreign, vectors, sigma=objects), tmp_path)


@pytest.mark.parametrize(
    "raw",
    [
        b"\x80\x04cos\nsystem\n(S'true'\ntR.",  # a plain GLOBAL
        b"\x80\x04(S'true'\nios\nsystem\n.",  # INST
        b"\x80\x04(cos\nsystem\nS'true'\no.",  # OBJ
        b"\x80\x04\x82\x01.",  # an extension code
        b"\x80\x04Pname\n.",  # a persistent id
        b"\x80\x04]cnumpy\ndtype\nb.",  # a state for a list
        b"\x80\x04cnumpy\nndarray\n)R.",  # a call of an allowed class
        b"\x80\x04cnumpy\nndarray\nK\x01\x85\x81.",  # made with arguments
    ],
)
def test_other_ways_to_have_something_done_are_refused(raw: bytes, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(raw)
    with pytest.raises(ForeignRouterError, match="Nothing of it was run"):
        read_joblib(tmp_path / "a", CLASSES)


def test_a_router_that_is_cut_off_anywhere_is_refused(
    foreign: Callable[..., Any], vectors: Vectors, tmp_path: Path
) -> None:
    flattened(router_of(foreign, vectors), tmp_path)
    whole = (tmp_path / "router.joblib").read_bytes()
    cut = tmp_path / "cut.joblib"
    for size in range(0, len(whole) - 1, 61):
        cut.write_bytes(whole[:size])
        with pytest.raises(ForeignRouterError):
            read_joblib(cut, CLASSES)
    packed = zlib.compress(whole)
    cut.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(ForeignRouterError, match="cut off"):
        read_joblib(cut, CLASSES)


def test_bytes_that_were_changed_never_end_in_another_error(
    foreign: Callable[..., Any], vectors: Vectors, tmp_path: Path
) -> None:
    flattened(router_of(foreign, vectors), tmp_path)
    whole = (tmp_path / "router.joblib").read_bytes()
    broken = tmp_path / "broken.joblib"
    random = np.random.default_rng(1)
    embedder, out = tmp_path / "embedder", tmp_path / "other"
    for _ in range(400):
        content = bytearray(whole)
        for at in random.integers(0, len(content), 3):
            content[at] = random.integers(0, 256)
        broken.write_bytes(content)
        with suppress(ForeignRouterError):
            flatten_router(broken, embedder, out, "flat")


@pytest.mark.parametrize("pack", [zlib.compress, gzip.compress])
def test_a_bomb_is_refused_before_it_is_unpacked_whole(
    pack: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inert_joblib, "MOST_BYTES", 2**20)
    (tmp_path / "bomb").write_bytes(pack(b"\0" * 2**24))
    assert (tmp_path / "bomb").stat().st_size < 2**15
    with pytest.raises(ForeignRouterError, match="far more than a router"):
        read_joblib(tmp_path / "bomb", CLASSES)


def test_an_array_that_claims_more_than_there_is_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    joblib.dump(np.zeros(4), buffer)
    raw = buffer.getvalue()
    assert raw.count(b"K\x04\x85") == 1
    (tmp_path / "a").write_bytes(raw.replace(b"K\x04\x85", b"J\xff\xff\xff\x7f\x85"))
    with pytest.raises(ForeignRouterError, match="an array of 17,179,869,176 bytes where"):
        read_joblib(tmp_path / "a", CLASSES)


def test_arrays_and_numbers_are_read_as_they_are(tmp_path: Path) -> None:
    shared = RNG.normal(size=3)
    value = {
        "c": np.arange(6, dtype=np.int32).reshape(2, 3),
        "f": np.asfortranarray(RNG.normal(size=(3, 4)).astype(np.float32)),
        "big": np.arange(3, dtype=">f8"),
        "flags": np.array([True, False]),
        "empty": np.zeros((0, 5)),
        "scalar": np.float64(0.25),
        "twice": [shared, shared],
        "plain": (1, -5, 2**70, 1.5, None, True, "é", b"raw", []),
    }
    joblib.dump(value, tmp_path / "a")
    found = read_joblib(tmp_path / "a", CLASSES)
    for name in ("c", "f", "big", "flags", "empty"):
        np.testing.assert_array_equal(found[name], value[name])
        assert found[name].dtype == value[name].dtype  # type: ignore[attr-defined]
    np.testing.assert_array_equal(found["twice"][1], shared)
    assert found["scalar"] == 0.25
    assert found["plain"] == value["plain"]


def test_an_allowed_class_becomes_a_record(tmp_path: Path) -> None:
    joblib.dump(StandardScaler(), tmp_path / "a")
    found = read_joblib(tmp_path / "a", CLASSES)
    assert isinstance(found, Record)
    assert found.kind == Name("sklearn.preprocessing._data", "StandardScaler")


@pytest.mark.parametrize("raw", [b"", b"hello", b"\x80", b".", b"PK\x03\x04", b"\x80\x04.", b"\x80\x04K\x01"])
def test_what_is_no_joblib_file_is_refused(raw: bytes, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(raw)
    with pytest.raises(ForeignRouterError, match="not a joblib file"):
        read_joblib(tmp_path / "a", CLASSES)


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ForeignRouterError, match="a folder"):
        read_joblib(tmp_path, CLASSES)
    with pytest.raises(ForeignRouterError, match="no such file"):
        read_joblib(tmp_path / "nowhere", CLASSES)


def test_an_embedder_of_other_dimensions_is_refused_with_both(
    foreign: Callable[..., Any], vectors: Vectors, tmp_path: Path
) -> None:
    joblib.dump(router_of(foreign, vectors), tmp_path / "router.joblib")
    embedder = write_embedder(tmp_path / "embedder", D + 1)
    with pytest.raises(ForeignRouterError, match=f"{D} dimensions.*gives {D + 1}"):
        flatten_router(tmp_path / "router.joblib", embedder, tmp_path / "weights", "flat")


def test_another_router_of_that_program_is_refused_by_name(foreign: Callable[..., Any], tmp_path: Path) -> None:
    assert "a PromptConditionedIRTRouter" in refused(foreign("PromptConditionedIRTRouter"), tmp_path)
    assert "holds a dict" in refused({"a": 1}, tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"difficulty_min_": float("nan")}, "difficulty_min_: holds a number that is not finite"),
        ({"difficulty_min_": 1e9}, "is above difficulty_max_"),
        ({"capability_benchmarks": ("gpqa_diamond",)}, "capability_benchmarks"),
        ({"capability_mean_": "high"}, "capability_mean_: found str"),
        ({"encoder_": None}, "encoder_: found NoneType"),
        ({"combine_model_": Ridge()}, "combine_model_: a Ridge, expected LogisticRegression"),
        ({"difficulty_model_": Ridge()}, "coef_: missing: the router was not trained"),
    ],
)
def test_a_part_that_cannot_be_is_named(
    change: dict[str, Any], said: str, foreign: Callable[..., Any], vectors: Vectors, tmp_path: Path
) -> None:
    assert said in refused(router_of(foreign, vectors, **change), tmp_path)


def test_features_that_we_have_no_place_for_are_refused(
    foreign: Callable[..., Any], vectors: Vectors, tmp_path: Path
) -> None:
    router = router_of(foreign, vectors)
    router.encoder_.include_numeric = True
    assert "include_numeric" in refused(router, tmp_path)
