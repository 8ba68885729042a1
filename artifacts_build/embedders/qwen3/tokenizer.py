"""A checkpoint's `tokenizer.json`, exported as it is once it is known to fit.

The embedding is read at the end token, so the tokenizer itself must end every text with one, the same for all;
`pointsman` adds none. Qwen3's embedding checkpoints do so (`<|endoftext|>`, 151643), its chat checkpoints do not.
"""

from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from artifacts_build.embedders.qwen3.checkpoint import Shape
from artifacts_build.errors import CheckpointError

TOKENIZER_FILE = "tokenizer.json"
# Tables are padded to a multiple of a few hundred rows; one far larger is of another tokenizer.
SPARE_ROWS, SPARE_SHARE = 512, 0.01
PROBES = ("a", "What is 1+1?", "你好，世界", "")


@dataclass(frozen=True)
class CheckedTokenizer:
    """The bytes of tokenizer.json, and the token that it ends every text with."""

    text: str
    end_token: int
    end_word: str


def check_tokenizer(folder: Path, shape: Shape) -> CheckedTokenizer:
    """Read the tokenizer of a checkpoint and compare it with the network.

    Raises:
        CheckpointError: there is none, it cannot be read, or it is not the network's.
    """
    path = folder / TOKENIZER_FILE
    try:
        text = path.read_text(encoding="utf-8")
        tokenizer = Tokenizer.from_str(text)
    except OSError as error:
        raise CheckpointError(
            f"{path}: {error.strerror}. Download it, or write it from vocab.json and merges.txt with "
            "`transformers`: AutoTokenizer.from_pretrained(folder).save_pretrained(folder)."
        ) from None
    except Exception as error:  # tokenizers raises bare Exception
        raise CheckpointError(f"{path}: not a tokenizer ({_line(error)}). Download the file again.") from None
    _check_vocabulary(tokenizer, shape, path)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    ends = {tuple(tokenizer.encode(probe).ids[-1:]) for probe in PROBES}
    end = next(iter(ends))[-1] if len(ends) == 1 and () not in ends else None
    special = {index for index, token in tokenizer.get_added_tokens_decoder().items() if token.special}
    if end is None or end not in special:
        raise CheckpointError(
            f"{path}: texts do not end with one special token, which is what the embedding is read at. Use the "
            "tokenizer.json of an embedding checkpoint: its post_processor adds the end token."
        )
    return CheckedTokenizer(text, end, str(tokenizer.id_to_token(end)))


def _check_vocabulary(tokenizer: Tokenizer, shape: Shape, path: Path) -> None:
    rows = shape.vocabulary
    largest = max(tokenizer.get_vocab(with_added_tokens=True).values(), default=-1)
    if largest >= rows:
        raise CheckpointError(
            f"{path}: its largest token is {largest}, but the network has {rows} (vocab_size in config.json). "
            "The tokenizer is of another model: download both from one place."
        )
    if rows - 1 - largest > SPARE_ROWS + SPARE_SHARE * rows:
        raise CheckpointError(
            f"{path}: it has {largest + 1} tokens and the network {rows} (vocab_size in config.json). "
            "The tokenizer is of another model: download both from one place."
        )
    if shape.end_token is not None and tokenizer.id_to_token(shape.end_token) is None:
        raise CheckpointError(
            f"{path}: the network's end token {shape.end_token} (eos_token_id in config.json) is not in it. "
            "The tokenizer is of another model: download both from one place."
        )


def _line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
