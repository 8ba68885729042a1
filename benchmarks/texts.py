"""Texts for measuring: sentences in ten languages, code, odd characters, and prompts of a chosen length."""

import itertools

SENTENCES = {
    "en": [
        "What is the capital of Australia?",
        "Prove that the square root of two is irrational.",
        "Write a short story about a lighthouse keeper who is afraid of the dark.",
        "The quarterly report shows a 12.5% increase in revenue, from $3.2M to $3.6M.",
        "Please summarize the following e-mail in two sentences and list the open questions.",
        "How do vaccines train the immune system?",
    ],
    "zh": [
        "澳大利亚的首都是哪里？",
        "证明根号二是无理数。",
        "写一个关于害怕黑暗的灯塔看守人的短篇故事。",
        "季度报告显示收入增长了12.5%，从320万美元增至360万美元。",
        "请用两句话概括下面的电子邮件，并列出未解决的问题。",
        "疫苗如何训练免疫系统？",
    ],
    "es": [
        "¿Cuál es la capital de Australia?",
        "Demuestra que la raíz cuadrada de dos es irracional.",
        "Escribe un cuento breve sobre un farero que teme a la oscuridad.",
        "El informe trimestral muestra un aumento del 12,5 % en los ingresos.",
        "Resume el siguiente correo en dos frases y enumera las preguntas abiertas.",
        "¿Cómo entrenan las vacunas al sistema inmunitario?",
    ],
    "de": [
        "Was ist die Hauptstadt von Australien?",
        "Beweise, dass die Quadratwurzel aus zwei irrational ist.",
        "Schreibe eine Kurzgeschichte über einen Leuchtturmwärter, der sich im Dunkeln fürchtet.",
        "Der Quartalsbericht zeigt einen Umsatzanstieg von 12,5 % auf 3,6 Mio. Euro.",
        "Fasse die folgende E-Mail in zwei Sätzen zusammen und nenne die offenen Fragen.",
        "Wie trainieren Impfstoffe das Immunsystem?",
    ],
    "fr": [
        "Quelle est la capitale de l'Australie ?",
        "Démontrez que la racine carrée de deux est irrationnelle.",
        "Écris une courte histoire sur un gardien de phare qui a peur du noir.",
        "Le rapport trimestriel montre une hausse de 12,5 % du chiffre d'affaires.",
        "Résume le courriel suivant en deux phrases et dresse la liste des questions ouvertes.",
        "Comment les vaccins entraînent-ils le système immunitaire ?",
    ],
    "ja": [
        "オーストラリアの首都はどこですか？",
        "2の平方根が無理数であることを証明してください。",
        "暗闇を怖がる灯台守についての短い物語を書いてください。",
        "四半期報告書によると、売上高は12.5%増加しました。",
        "次のメールを二文で要約し、未解決の質問を列挙してください。",
        "ワクチンはどのように免疫系を訓練するのですか？",
    ],
    "ar": [
        "ما هي عاصمة أستراليا؟",
        "أثبت أن الجذر التربيعي للعدد اثنين غير نسبي.",
        "اكتب قصة قصيرة عن حارس منارة يخاف من الظلام.",
        "يُظهر التقرير الفصلي زيادة في الإيرادات بنسبة 12.5٪.",
        "لخص الرسالة التالية في جملتين واذكر الأسئلة المفتوحة.",
        "كيف تدرب اللقاحات جهاز المناعة؟",
    ],
    "ru": [
        "Какой город является столицей Австралии?",
        "Докажите, что квадратный корень из двух иррационален.",
        "Напиши короткий рассказ о смотрителе маяка, который боится темноты.",
        "Квартальный отчёт показывает рост выручки на 12,5 %.",
        "Изложи следующее письмо в двух предложениях и перечисли открытые вопросы.",
        "Как вакцины тренируют иммунную систему?",
    ],
    "ko": [
        "호주의 수도는 어디입니까?",
        "2의 제곱근이 무리수임을 증명하시오.",
        "어둠을 무서워하는 등대지기에 관한 짧은 이야기를 써 주세요.",
        "분기 보고서에 따르면 매출이 12.5% 증가했습니다.",
        "다음 이메일을 두 문장으로 요약하고 남은 질문을 나열하세요.",
        "백신은 면역 체계를 어떻게 훈련시키나요?",
    ],
    "th": [
        "เมืองหลวงของออสเตรเลียคือที่ไหน",
        "จงพิสูจน์ว่ารากที่สองของสองเป็นจำนวนอตรรกยะ",
        "เขียนเรื่องสั้นเกี่ยวกับคนเฝ้าประภาคารที่กลัวความมืด",
        "รายงานรายไตรมาสแสดงรายได้เพิ่มขึ้น 12.5%",
        "สรุปอีเมลต่อไปนี้เป็นสองประโยคและระบุคำถามที่ค้างอยู่",
        "วัคซีนฝึกระบบภูมิคุ้มกันอย่างไร",
    ],
}

CODE = [
    "def fib(n: int) -> int:\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\n",
    "SELECT user_id, COUNT(*) AS n FROM events WHERE ts > now() - interval '7 days' GROUP BY 1 HAVING COUNT(*) > 10;",
    '#include <stdio.h>\nint main(void) {\n\tfor (int i = 0; i < 10; ++i)\n\t\tprintf("%d\\n", i * i);\n}',
    "const sum = (xs) => xs.reduce((a, b) => a + b, 0); // O(n)\nexport default sum;",
    '{"model": "a/b", "messages": [{"role": "user", "content": "hi"}], "temperature": 0.7}',
    "curl -sS https://example.com/api/v1/items?limit=50 | jq '.items[] | select(.price > 9.99)'",
    "<html><body class='x'><p>Hello &amp; goodbye</p></body></html>",
    'Traceback (most recent call last):\n  File "x.py", line 3, in <module>\nZeroDivisionError: division by zero',
    "\\begin{equation}\\int_0^\\infty e^{-x^2}\\,dx = \\frac{\\sqrt{\\pi}}{2}\\end{equation}",
    'fn main() { let v: Vec<u8> = (0..=255).collect(); println!("{:?}", &v[..4]); }',
]

ODD = [
    ".",
    "?",
    "a",
    " x ",
    "\t\n x \n",
    "0",
    "--",
    "…",
    "🙂",
    "🙂🙂🙂",
    "Great job 👍🏽👍🏽 see you at 🕗!",
    "👩‍👩‍👧‍👦 family",
    "naïve café résumé",
    "e\u0301cole a\u0308hnlich",
    "ﬁne ﬂow ﷺ ① ² ½ ™",
    "ＦＵＬＬ　ＷＩＤＴＨ　１２３",
    "ｶﾀｶﾅ",
    "zero\u200bwidth\u200djoiner",
    "non\u00a0breaking",
    "\u202eoverride\u202c",
    "<s> </s> <unk>",
    "▁meta▁space",
    "tab\tseparated\tvalues",
    "ALL CAPS SHOUTING!!!",
    "a" * 300,
    "=" * 120,
    "1234567890" * 20,
    "https://example.com/a/very/long/path?with=query&and=more#fragment",
    "x = 𝑎² + 𝛽 ∑∫√∞ ≠ ≤ ≥",
    "नमस्ते दुनिया, आप कैसे हैं?",
]

ENGLISH = (
    "The quick brown fox jumps over the lazy dog while seventeen physicists argue about entanglement, entropy and "
    "the price of coffee in Copenhagen; nobody in the room remembers who asked the question in the first place. "
)


def parity_texts() -> list[str]:
    """At least 500 texts: ten languages alone, in pairs and in long runs; code; odd characters; very long ones."""
    texts: list[str] = []
    for sentences in SENTENCES.values():
        texts += sentences
        texts += [f"{a} {b}" for a, b in itertools.permutations(sentences, 2)]
        texts += ["\n".join(sentences), " ".join(sentences * 8)]
    texts += CODE + [f"Explain this:\n\n```\n{code}\n```\n" for code in CODE] + ["\n\n".join(CODE)]
    texts += ODD + [f"{odd} means what?" for odd in ODD]
    languages = list(SENTENCES.values())
    texts += [f"{a[i]} {b[i]}" for a, b in itertools.pairwise(languages) for i in range(6)]
    texts += [" ".join(itertools.chain.from_iterable(languages)) * 5, "".join(CODE) * 10]
    return list(dict.fromkeys(texts))


def prompt_of(tokens: int, offsets: list[tuple[int, int]], text: str) -> str:
    """The beginning of `text` that has this many tokens, given the offsets of its tokens."""
    return text[: offsets[tokens - 1][1]]
