"""A checkpoint by its hub id: the few files that the export reads, in the hub library's own cache.

The cache is resumed where a download was interrupted; a local folder needs neither network nor this library.
"""

import re
from pathlib import Path

from artifacts_build.errors import CheckpointError

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
FILES = ["config.json", "*.safetensors", "model.safetensors.index.json", "tokenizer.json", "1_Pooling/config.json"]


def checkpoint_folder(embedder: str) -> tuple[Path, dict[str, str]]:
    """A local folder as it is, or the folder that a hub id was downloaded to; and where it came from.

    Raises:
        CheckpointError: no such folder, the hub cannot be reached, or it has no such checkpoint.
    """
    folder = Path(embedder).expanduser()
    if folder.is_dir():
        return folder, {"checkpoint": folder.resolve().name}
    if folder.is_absolute() or embedder.startswith(".") or not HUB_ID.fullmatch(embedder):
        raise CheckpointError(
            f"{embedder}: no such folder. Name a checkpoint folder, a hub id such as Qwen/Qwen3-Embedding-0.6B, "
            "or use-multilingual."
        )
    downloaded = _download(embedder)
    # .../snapshots/<commit>
    return downloaded, {"checkpoint": embedder, "revision": downloaded.name}


def _download(hub_id: str) -> Path:
    try:
        from huggingface_hub import snapshot_download
    except ModuleNotFoundError:
        raise CheckpointError(
            f"{hub_id}: huggingface_hub is not installed: pip install -e '.[export]', or name a local folder."
        ) from None
    try:
        return Path(snapshot_download(hub_id, allow_patterns=FILES))
    except (OSError, RuntimeError, ValueError) as error:
        # The hub library's errors are of these three (its HTTP errors are OSError); the first line says which.
        reason = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
        raise CheckpointError(
            f"{hub_id}: cannot be downloaded from the hub ({reason}). Check the id and the network, or download the "
            "checkpoint elsewhere and name its folder."
        ) from None
