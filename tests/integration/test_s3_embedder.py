"""An embedder from S3: the same vectors as from its folder, nothing on disk, and a clear refusal at start."""

import gc
import hashlib
import json
import tempfile
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from mmap import mmap
from pathlib import Path
from threading import Lock
from typing import Any

import boto3
import numpy as np
import onnx
import pytest
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws
from pointsman.artifact.load import Artifact, load_embedder
from pointsman.artifact.manifest import EmbedderIdentity
from pointsman.embedders import s3 as module
from pointsman.embedders.onnx import DATA_FILE, MODEL_FILE, SETTINGS_FILE, TOKENIZER_FILE
from pointsman.errors import ArtifactError, SettingsError
from pointsman.router import Router
from tokenizers import Tokenizer, models, pre_tokenizers

from artifacts_build.embedders.onnx_graph import Graph
from tests.conftest import ROOT, use_fake_account
from tests.fakes import fake_artifact

BUCKET, PREFIX, SIZE = "embedders", "qwen3/v1", 16
LOCATION = f"s3://{BUCKET}/{PREFIX}"
FINGERPRINT = "a" * 64
TEXTS = ["prove that one is one", "one", "hello there"]


def write_embedder(folder: Path, *, outside: bool) -> None:
    """A small embedder, the mean of its tokens' vectors; with its weights outside the graph or inside."""
    words = ["[UNK]", *" ".join(TEXTS).split(), *(f"word{i}" for i in range(500))]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(dict.fromkeys(words))}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / TOKENIZER_FILE))
    table = np.random.default_rng(7).standard_normal((len(words), SIZE)).astype(np.float32)
    with (folder / DATA_FILE).open("wb") as data:
        g = Graph(data if outside else None, DATA_FILE)
        rows = g.add("Gather", "rows", g.constant("table", table), "input_ids")
        g.add("Identity", "unread", "attention_mask")
        mean = g.add("ReduceMean", "mean", rows, g.integers("axes", 1), keepdims=0)
        g.add("LpNormalization", "embedding", mean, axis=-1, p=2)
    onnx.save(g.embedder("mean", SIZE), folder / MODEL_FILE)
    files = [MODEL_FILE, TOKENIZER_FILE, *([DATA_FILE] if outside else [])]
    if not outside:
        (folder / DATA_FILE).unlink()
    settings = {
        "name": "mean",
        "fingerprint": FINGERPRINT,
        "dimensions": SIZE,
        "max_tokens": 64,
        "output": "embedding",
        "files": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files},
    }
    (folder / SETTINGS_FILE).write_text(json.dumps(settings))


@pytest.fixture(params=["weights outside", "weights inside"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """An exported embedder."""
    folder = tmp_path / "exported"
    folder.mkdir()
    write_embedder(folder, outside=request.param == "weights outside")
    return folder


@pytest.fixture
def artifact() -> Artifact:
    """Weights that were trained for it; their folder has no embedder inside."""
    fake = fake_artifact()
    trained = EmbedderIdentity(name="mean", fingerprint=FINGERPRINT, dimensions=SIZE)
    return replace(fake, manifest=fake.manifest.model_copy(update={"embedder": trained}))


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[Any]:
    """S3 with the embedder in it, read in ranges of 1,000 bytes."""
    use_fake_account(monkeypatch)
    monkeypatch.setattr(module, "RANGE_BYTES", 1000)
    monkeypatch.setattr(module, "PIECE_BYTES", 300)
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.0)
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        for path in folder.iterdir():
            client.put_object(Bucket=BUCKET, Key=f"{PREFIX}/{path.name}", Body=path.read_bytes())
        yield client
        client.close()


def refused(artifact: Artifact, location: str = LOCATION) -> str:
    with pytest.raises(ArtifactError) as raised:
        load_embedder(artifact, source=location)
    assert "\n" not in raised.value.detail
    return raised.value.detail


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize("location", [LOCATION, f"{LOCATION}/"])
def test_it_gives_the_vectors_that_its_folder_gives(artifact: Artifact, folder: Path, location: str) -> None:
    from_folder, from_s3 = (load_embedder(artifact, source=source) for source in (folder, location))
    assert from_s3.fingerprint == FINGERPRINT
    assert np.array_equal(from_s3.embed(TEXTS), from_folder.embed(TEXTS))


@pytest.mark.usefixtures("bucket")
def test_no_file_is_written(artifact: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.chdir(scratch)
    load_embedder(artifact, source=LOCATION)
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("name", [SETTINGS_FILE, MODEL_FILE, TOKENIZER_FILE, DATA_FILE])
def test_a_missing_object_is_named(bucket: Any, artifact: Artifact, folder: Path, name: str) -> None:
    if not (folder / name).exists():
        pytest.skip("this embedder has its weights inside the graph")
    bucket.delete_object(Bucket=BUCKET, Key=f"{PREFIX}/{name}")
    assert f"{LOCATION}/{name}: there is no such object" in refused(artifact)


@pytest.mark.usefixtures("bucket")
def test_a_missing_bucket_is_named(artifact: Artifact) -> None:
    assert "s3://nowhere/x/embedder.json: there is no such" in refused(artifact, "s3://nowhere/x")


def test_one_changed_byte_is_noticed(bucket: Any, artifact: Artifact, folder: Path) -> None:
    for name in (MODEL_FILE, TOKENIZER_FILE, DATA_FILE):
        if not (folder / name).exists():
            continue
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        bucket.put_object(Bucket=BUCKET, Key=f"{PREFIX}/{name}", Body=bytes(content))
        assert f"{LOCATION}/{name}: sha256" in refused(artifact)
        bucket.put_object(Bucket=BUCKET, Key=f"{PREFIX}/{name}", Body=(folder / name).read_bytes())


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b" " * (2**20 + 1)])
def test_settings_that_are_none_are_refused(bucket: Any, artifact: Artifact, content: bytes) -> None:
    bucket.put_object(Bucket=BUCKET, Key=f"{PREFIX}/{SETTINGS_FILE}", Body=content)
    assert SETTINGS_FILE in refused(artifact)


class Refusing:
    """Stands in for one method of the client and refuses from the given call on, with the code S3 would give."""

    def __init__(self, method: Callable[..., Any], code: str, status: int, after: int = 0) -> None:
        self._method, self._error, self._left = method, (code, status), after
        self.calls: list[dict[str, Any]] = []

    def __call__(self, **parameters: Any) -> Any:
        from botocore.exceptions import ClientError

        self.calls.append(parameters)
        self._left -= 1
        if self._left >= 0:
            return self._method(**parameters)
        code, status = self._error
        raise ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "operation")


@pytest.fixture
def source(bucket: Any) -> Any:
    """The reader of the bucket, whose client tests may tamper with."""
    assert bucket
    return module._Source(LOCATION)


def loaded(source: Any, monkeypatch: pytest.MonkeyPatch, artifact: Artifact) -> Callable[[], Any]:
    monkeypatch.setattr(module, "_Source", lambda _: source)
    return partial(load_embedder, artifact, source=LOCATION)


@pytest.mark.parametrize(
    ("method", "code", "said"),
    [
        ("head_object", "403", "Let the role do s3:GetObject"),
        ("get_object", "AccessDenied", "Let the role do s3:GetObject"),
        ("get_object", "PreconditionFailed", "it was replaced while it was read"),
        ("get_object", "InvalidObjectState", "InvalidObjectState"),
    ],
)
def test_a_refusal_of_s3_is_explained(
    source: Any, artifact: Artifact, monkeypatch: pytest.MonkeyPatch, method: str, code: str, said: str
) -> None:
    refusing = Refusing(getattr(source._client, method), code, 403, after=1)
    monkeypatch.setattr(source._client, method, refusing)
    with pytest.raises(ArtifactError, match=said) as raised:
        loaded(source, monkeypatch, artifact)()
    assert LOCATION in raised.value.detail


def test_an_object_that_is_replaced_while_it_is_read_is_never_mixed(
    bucket: Any, source: Any, folder: Path, artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    get = source._client.get_object
    name = TOKENIZER_FILE
    other = (folder / name).read_bytes() + b" "

    replaced: list[Any] = []
    one_at_a_time = Lock()

    def replacing(**parameters: Any) -> Any:
        # The stand-in closes an object that is replaced, so nobody may be reading it then.
        with one_at_a_time:
            if parameters["Key"].endswith(name) and not parameters["Range"].startswith("bytes=0-") and not replaced:
                replaced.append(bucket.put_object(Bucket=BUCKET, Key=parameters["Key"], Body=other))
            return get(**parameters)

    monkeypatch.setattr(source._client, "get_object", replacing)
    with pytest.raises(ArtifactError, match="was replaced while it was read"):
        loaded(source, monkeypatch, artifact)()


class BreakingBody:
    """A body whose connection breaks off after some bytes."""

    def __init__(self, body: Any) -> None:
        self._body, self._left = body, 250

    def readinto(self, view: memoryview) -> int:
        if not self._left:
            raise ReadTimeoutError(endpoint_url="s3")
        count: int = self._body.readinto(view[: self._left])
        self._left -= count
        return count

    def close(self) -> None:
        self._body.close()


def test_a_connection_that_breaks_off_is_taken_up_where_it_ended(
    source: Any, artifact: Artifact, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    get, spans = source._client.get_object, []

    def breaking(**parameters: Any) -> Any:
        answer = get(**parameters)
        spans.append((parameters["Key"].rpartition("/")[2], parameters["Range"]))
        return {**answer, "Body": BreakingBody(answer["Body"])}

    monkeypatch.setattr(source._client, "get_object", breaking)
    monkeypatch.setattr(module, "TRIES", 5)
    found = loaded(source, monkeypatch, artifact)()
    assert np.array_equal(found.embed(TEXTS), load_embedder(artifact, source=folder).embed(TEXTS))
    assert {("tokenizer.json", f"bytes={start}-999") for start in (0, 250, 500, 750)} <= set(spans)
    monkeypatch.setattr(module, "TRIES", 2)
    with pytest.raises(ArtifactError, match=r"cannot be read, in 2 tries: .*timeout"):
        loaded(source, monkeypatch, artifact)()


def test_the_memory_of_the_download_is_given_back_though_connections_broke_off(
    source: Any, artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    get, make, buffers = source._client.get_object, mmap, []

    class Failing(BreakingBody):
        def readinto(self, view: memoryview) -> int:
            try:
                return super().readinto(view)
            except ReadTimeoutError as error:
                error.kwargs["error"] = error  # as urllib3's and botocore's hold each other
                raise

    def breaking(**parameters: Any) -> Any:
        answer = get(**parameters)
        return {**answer, "Body": Failing(answer["Body"])}

    def made(*arguments: Any, **options: Any) -> Any:
        buffer = make(*arguments, **options)
        buffers.append(weakref.ref(buffer))
        return buffer

    monkeypatch.setattr(source._client, "get_object", breaking)
    monkeypatch.setattr(module, "TRIES", 5)
    monkeypatch.setattr(module, "mmap", made)
    gc.disable()
    try:
        loaded(source, monkeypatch, artifact)()
        assert [ref() for ref in buffers] == [None] * len(buffers)
    finally:
        gc.enable()
    assert len(buffers) >= 3


def test_weights_of_another_embedder_are_refused_before_anything_large_is_read(
    source: Any, artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = EmbedderIdentity(name="other", fingerprint="b" * 64, dimensions=SIZE)
    artifact = replace(artifact, manifest=artifact.manifest.model_copy(update={"embedder": other}))
    seen = Refusing(source._client.get_object, "", 0, after=100)
    monkeypatch.setattr(source._client, "get_object", seen)
    with pytest.raises(ArtifactError, match="is not the one that the weights were trained for"):
        loaded(source, monkeypatch, artifact)()
    assert [call["Key"] for call in seen.calls] == [f"{PREFIX}/{SETTINGS_FILE}"]


@pytest.mark.usefixtures("bucket")
def test_too_little_memory_is_said_and_not_died_of(artifact: Artifact, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1")
    assert "the function of 1 MB has 0 MB left. Raise the function's memory" in refused(artifact)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "100000")
    load_embedder(artifact, source=LOCATION)
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
    monkeypatch.setattr(module, "_available", lambda: 10)
    assert "this machine has 0 MB available. Free some memory" in refused(artifact)


def test_a_model_that_is_no_onnx_is_refused_in_one_line(bucket: Any, artifact: Artifact, folder: Path) -> None:
    settings = json.loads((folder / SETTINGS_FILE).read_text())
    settings["files"][MODEL_FILE] = hashlib.sha256(b"no model").hexdigest()
    for name, content in ((MODEL_FILE, b"no model"), (SETTINGS_FILE, json.dumps(settings).encode())):
        bucket.put_object(Bucket=BUCKET, Key=f"{PREFIX}/{name}", Body=content)
    assert "onnxruntime cannot load it" in refused(artifact)


def test_no_credentials_are_said(artifact: Artifact, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use_fake_account(monkeypatch)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    assert "redentials" in refused(artifact)


@pytest.mark.parametrize("location", ["s3://", "s3:/bucket/x", "s3://B/x", "s3:bucket"])
def test_what_is_no_place_in_s3_is_refused(artifact: Artifact, location: str) -> None:
    with pytest.raises(SettingsError, match="Write s3://bucket/prefix"):
        load_embedder(artifact, source=location)


def test_without_boto3_it_says_what_to_install(artifact: Artifact, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r"pip install 'pointsman\[aws\]'"):
        load_embedder(artifact, source=LOCATION)


def test_weights_without_an_embedder_inside_route_with_one_from_elsewhere(
    artifact_folder: Path, monkeypatch: pytest.MonkeyPatch, real_router: Router
) -> None:
    monkeypatch.setenv("POINTSMAN_EMBEDDER", str(artifact_folder / "embedder"))
    router = Router.load(artifact=ROOT / "weights/default", registry=ROOT / "registry")
    assert router.decide("What is 1+1?").difficulty == real_router.decide("What is 1+1?").difficulty


def test_a_data_file_beside_a_graph_that_does_not_list_it_is_refused(artifact: Artifact, tmp_path: Path) -> None:
    write_embedder(tmp_path, outside=False)
    (tmp_path / DATA_FILE).write_bytes(b"left over")
    with pytest.raises(ArtifactError, match="it is of another build"):
        load_embedder(artifact, source=tmp_path)


def test_an_empty_place_is_the_artifacts_own(artifact_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTSMAN_EMBEDDER", "")
    assert Router.load(artifact=artifact_folder, registry=ROOT / "registry").predict("What is 1+1?")
