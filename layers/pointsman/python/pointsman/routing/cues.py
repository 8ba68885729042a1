"""Words that bear on how hard a request is, whatever it is about, in the languages of the embedder and the anchors.

Six cues: an exact bound, a demand for proof, something left out, a request made small, everything at once, and a
negation. A pooled embedding forgets them in a long text. Words are matched whole or by how they begin; in scripts
without spaces by what the text contains (`_` stands for a space there).
"""

from collections import Counter

CUES = ("exact", "prove", "without", "merely", "every", "negated")

WORDS = {
    "exact": "decimals least most genau mindestens höchstens exactement exactamente exactas exactos exatamente precies "
    "precieze ровно точно tam đúng hasa kamili",
    "prove": "prove proof proofs prova provare preuve leite beweise beweis bewijs dowód dowieść",
    "without": "without ohne sans sin senza sem zonder bez без bila बिना دون بدون",
    "merely": "just only simple simply simplest easy short quick plain nur bloß einfach einfachen kurz kurze juste "
    "seulement simplement court courte solo sólo breve simples apenas só alleen gewoon kort tylko prosto krótko только "
    "просто коротко кратко sadece yalnızca basit kısa فقط chỉ ngắn सिर्फ सिर्फ़ केवल सरल tu rahisi fupi",
    "every": "each every all any both jede jeder jedes jeden alle allen chaque tous toutes tout cada todos todas todo "
    "ogni tutti tutte elke ieder każdy każda wszystkie каждый каждая каждое все всех her tüm bütün كل جميع mỗi mọi हर "
    "सभी kila yote zote",
    "negated": "no not never don doesn mustn can none nor nobody nothing nicht kein keine keinen nie pas jamais aucun "
    "aucune nunca ningún ninguna non não nenhum niet geen не ни değil  không नहीं si ليس لم لا",
}
STEMS = {
    "exact": "exact precise esatt dokładn точн",
    "prove": "provab provin deriv justif beweis démontr demuestr demostra dimostr demonstr bewij udowodn доказ докаж "
    "kanıtl ispat thibitish सिद्ध",
    "without": "",
    "merely": "einfach sencill semplic soltant eenvoud prost krótk",
    "every": "wszystk",
    "negated": "ningun",
}
UNSPACED = {
    "exact": "恰好 剛好 正好 精确 精確 ちょうど 正確 정확 พอดี بالضبط",
    "prove": "证明 證明 推导 推導 証明 導出 증명 พิสูจน์ أثبت برهان chứng_minh",
    "without": "不用 不得 不能 なしで 使わず 없이 โดยไม่ không_dùng",
    "merely": "只 简单 簡單 简短 だけ 簡単 短く 간단 짧 แค่ ง่าย สั้น đơn_giản باختصار",
    "every": "每 所有 任意 すべて 各 毎 모든 각 ทุก ทั้งหมด tất_cả",
    "negated": "不 没 沒 無 ない ません 않 없 못 ไม่",
}
_WORDS = {word: cue for cue, words in WORDS.items() for word in words.split()}
_STEMS = {stem: cue for cue, stems in STEMS.items() for stem in stems.split()}
_LENGTHS = sorted({len(stem) for stem in _STEMS})
_UNSPACED = [(term.replace("_", " "), cue) for cue, terms in UNSPACED.items() for term in terms.split()]


def cue_of(word: str) -> str | None:
    """The cue of a word in lower case, or None."""
    found = _WORDS.get(word)
    if found is None and len(word) >= _LENGTHS[0]:
        found = next((cue for length in _LENGTHS if (cue := _STEMS.get(word[:length]))), None)
    return found


def unspaced_cues(text: str) -> Counter[str]:
    """How often each cue of `UNSPACED` is in a text."""
    found: Counter[str] = Counter()
    for term, cue in _UNSPACED:
        found[cue] += text.count(term)
    return found
