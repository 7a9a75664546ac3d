"""Which language a line in Latin letters is in: English, French or German, by its small words."""

import re

_WORDS = {
    "en": "the a an and or but of to in on at for with from by as is are was were be been am i you "
    "he she it we they me him her us them my your his our their this that these those not no yes "
    "so if when what who how do does did have has had will would can could all just like love oh "
    "there here now then never always one down up out over into through night day time feel know",
    "fr": "le la les l un une des du de d et ou mais dans sur avec pour par est sont était suis es "
    "je tu il elle nous vous ils elles me m te t se s moi toi mon ton son ma ta sa mes tes ses "
    "notre votre leur ce c cette ces qui que qu quoi où ne n pas plus si quand comme tout toute "
    "tous jour nuit amour vie coeur cœur bonjour oui non au aux en y a ai as j aujourd hui très",
    "de": "der die das den dem des ein eine einen einem einer und oder aber in im an am auf mit "
    "für von vom zu zum zur bei nach aus ist sind war waren bin bist ich du er sie es wir ihr "
    "mich dich mir dir uns euch mein dein sein unser kein nicht noch nur schon so wenn wie was "
    "wer wo hier da heute immer nie alle viel sehr liebe nacht tag zeit leben herz habe hast hat "
    "haben kann will",
}
_KNOWN = {language: frozenset(words.split()) for language, words in _WORDS.items()}
_LETTERS = {"fr": "àâçèéêëîïôœùû", "de": "äöüß"}
_WORD = re.compile(r"[^\W\d_]+")


def latin_language(text: str) -> str:
    """``en``, ``fr`` or ``de``: the one with most of its small words and own letters in ``text``.

    English when none is ahead: a few words alone can be any of them.
    """
    words = _WORD.findall(text.lower())
    marks = {
        language: sum(word in _KNOWN[language] for word in words)
        + sum(any(letter in _LETTERS.get(language, "") for letter in word) for word in words)
        for language in _KNOWN
    }
    best = max(marks, key=lambda language: marks[language])
    return best if marks[best] > marks["en"] else "en"
