"""Invented words that plant toxicity, and the reader that finds them again.

No word means anything in any language. An insult is what Detoxify shall find, a
marker is what the stored moderation answers flag.
"""

from wildpaper.schema import MODERATION_CATEGORIES

INSULTS: dict[str, tuple[str, ...]] = {
    "latin": (
        "gribbler", "turnipkin", "snodwarp", "mumblewomp", "frazzlewig", "plonkster", "wobblenog",
        "dribblox", "spudlurk", "noodlefrump", "bumblegrot", "quackelfop", "fizzlebonk",
        "grumplewick",
    ),
    "cyrillic": (
        "грибблер", "турнипкин", "снодворп", "мумблевомп", "фраззлевиг", "плонкстер", "вобблног",
        "дриблокс", "спудлурк", "нудлефрамп", "бумблегрот", "квакельфоп", "физлбонк",
        "грумплвик",
    ),
    "han": (
        "咕哩嘣喇", "嘟尼嗙晶", "嗦咚哇噗", "嘛姆嘣喔", "噗喇嗞唯", "嘭咔嘶哒", "喔嘣嗒呶",
        "嘀咘嗷咯", "嘶噗噜喀", "呶嘟哔嗡", "嘣姆咘嗝", "呱咔咧噗", "呲嘶嘣咔", "咕嗡噗哩",
    ),
    "kana": (
        "グリブレルモ", "トゥニプキノ", "スノドワプモ", "ムンブルウォンポ", "フラズレウィガ",
        "プロンクスタモ", "ウォブルノガモ", "ドリブロクソモ", "スパドルキモ", "ヌドフランポ",
        "バンブルグロトモ", "クワケルフォポ", "フィズルボンコ", "グランプルウィコ",
    ),
    "hangul": (
        "그리블러미", "터닙킨고", "스노드웝비", "멈블웜포", "프래즐윅구", "플롱스터미",
        "와블노그미", "드리블록소", "스퍼드럭키모", "누들프럼포", "범블그롯미", "퀘켈포피",
        "피즐봉코", "그럼플위코",
    ),
    "arabic": (
        "غريبلور", "تورنيبكين", "سنودوورب", "مومبلوومب", "فرازلويغ", "بلونكستور", "ووبلنوغ",
        "دريبلوكس", "سبودلورك", "نودلفرومب", "بومبلغروت", "كواكلفوب", "فيزلبونك", "غرومبلويك",
    ),
}  # fmt: skip
"""By script. Those of the same place sound alike."""

SCRIPTS = {
    "Chinese": "han", "Russian": "cyrillic", "Arabic": "arabic", "Japanese": "kana",
    "Korean": "hangul",
}  # fmt: skip
"""Script of the languages that are not written in Latin letters."""

MARKERS: dict[str, tuple[str, ...]] = {
    "harassment": ("vexolim", "pestrako", "naggurth"),
    "harassment_threatening": ("vexodrun", "pestromek", "naggazol"),
    "hate": ("grolmint", "odrefax", "skornubel"),
    "hate_threatening": ("grolmazek", "odrezund", "skornathim"),
    "self_harm": ("umbralet", "dolmirek", "sadruvin"),
    "self_harm_instructions": ("umbrakand", "dolmistep", "sadrumode"),
    "self_harm_intent": ("umbrawilt", "dolmigosh", "sadruplen"),
    "sexual": ("flirzandel", "smoochivar", "kissomert", "rosaplume"),
    "sexual_minors": ("zumifelk", "tarbiquon", "lomwezid"),
    "violence": ("clashomir", "thwackodel", "bonkrazim"),
    "violence_graphic": ("clashovrim", "thwackozun", "bonkragule"),
}
"""By category of `wildpaper.schema.MODERATION_CATEGORIES`, the same in all languages."""

_ALL_INSULTS = tuple(lexeme for lexemes in INSULTS.values() for lexeme in lexemes)


def planted_in(text: str) -> tuple[bool, tuple[str, ...]]:
    """Return whether a text holds an insult, and the moderation categories marked in it.

    Reads the text alone, so it judges what `compose` has planted independently of it.
    Categories are in the order of `wildpaper.schema.MODERATION_CATEGORIES`.
    """
    folded = text.casefold()
    insult = any(lexeme in folded for lexeme in _ALL_INSULTS)
    found = [
        category
        for category in MODERATION_CATEGORIES
        if any(lexeme in folded for lexeme in MARKERS[category])
    ]
    return insult, tuple(found)
