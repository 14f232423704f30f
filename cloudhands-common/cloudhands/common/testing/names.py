"""Names to make people of, in many scripts: common ones, and rare ones that are made of parts."""

import random
from dataclasses import dataclass
from itertools import product

# One family name in so many is made of a root and an ending, one of so many of these of syllables.
MADE, FOREIGN = 3, 4
USUAL = "{given} {family}"


@dataclass(frozen=True)
class Script:
    """The names of one script.

    :param weight: how often it is drawn, beside the others.
    :param given: given names.
    :param family: family names.
    :param roots: beginnings of further family names; none if there are no further ones.
    :param endings: their ends.
    :param syllables: parts of those that are nearly nobody else's; none if there are none.
    :param pattern: how people write a whole name.
    """

    weight: int
    given: tuple[str, ...]
    family: tuple[str, ...]
    roots: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()
    syllables: tuple[str, ...] = ()
    pattern: str = USUAL

    def draw(self, dice: random.Random) -> tuple[str, str]:
        """A given and a family name."""
        return _one(dice, self.given), self._family(dice)

    def _family(self, dice: random.Random) -> str:
        if not self.roots or dice.random() * MADE > 1:
            return _one(dice, self.family)
        if self.syllables and dice.random() * FOREIGN < 1:
            return "".join(_one(dice, self.syllables) for _ in range(3)).capitalize()
        return _one(dice, self.roots) + _one(dice, self.endings)


def _one(dice: random.Random, names: tuple[str, ...]) -> str:
    # A third of the time of `choice`, and as even as it has to be.
    return names[int(dice.random() * len(names))]


def _parts(*lists: str) -> tuple[str, ...]:
    """Every combination of one word of each list; "_" stands for nothing."""
    return tuple("".join(words).replace("_", "") for words in product(*map(str.split, lists)))


def _script(weight: int, given: str, family: str, pattern: str = USUAL) -> Script:
    return Script(weight, tuple(given.split()), tuple(family.split()), pattern=pattern)


LATIN = Script(
    70,
    _parts(
        "Anna Ben Clara David Emma Frank Hannah Ian Julia Kate Liam Maria Nora Oscar Paula "
        "Ruth Simon Thomas Victoria William John Jonathan Katherine Catherine Margaret "
        "Elizabeth Adam Alice Andrew Barbara Charles Daniel Deborah Edward Eleanor Fiona "
        "George Gillian Harriet Henry Isabel Jacob Jane Kenneth Laura Lewis Martin Michael "
        "Naomi Nicholas Olivia Patrick Peter Philippa Rachel Rebecca Robert Rosemary Samuel "
        "Sarah Stephen Susan Timothy Ursula Vincent"
    ),
    _parts(
        "Smith Jones Taylor Brown Wilson Evans Walker Wright Green Hall Clarke Baker Carter "
        "O'Brien Smith-Jones MacDonald Fletcher Harrison Lawrence Pembroke Thompson "
        "Whitfield Adams Bennett Campbell Chapman Cooper Davies Edwards Fisher Graham "
        "Griffiths Hughes Jackson Johnson Kennedy Lloyd Marshall Mitchell Murphy Palmer "
        "Phillips Richardson Robertson Simpson Stewart Watson"
    ),
    _parts(
        "Ald Ash Bar Black Brad Car Cold Dun East Fair Gold Had Har Hol Kirk Lang Lin Mar Nor Old "
        "Pem Rad Red Rock Sand Shel Stan Strat Thorn Wal Wes Whit Win Wood Wor Yar",
        "_ der en er ing more s",
    ),
    _parts(
        "borough bridge bury by combe cote dale don field ford ham hurst land ley low man mere "
        "mouth port ridge shaw son stead stoke ton well wick wood worth"
    ),
    _parts("b br d f g gr h k l m n p r s st t tr v w z", "a e i o u", "_ l n r s"),
)

SCRIPTS = (
    LATIN,
    Script(
        16,
        _parts(
            "José María Zoë François Jürgen Søren Łukasz Björn Željko Ağca Siân Renée Núria Dvořák "
            "Małgorzata Jiří Françoise Håkon"
        ),
        _parts(
            "García Müller Ångström Żółkiewski Nuñez Šimůnek Strauß Þórsson Lefèvre Ó'Dónaill Çelik"
        ),
        _parts("Bäck Böh Brüg Düs Fürs Grün Häus Kön Löw Mühl Nüs Öst Rüd Schön Süß Über"),
        _parts("er berg mann hofer ler lein holm qvist sson ström"),
    ),
    Script(
        4,
        _parts("Иван Ольга Сергей Наталья Дмитрий Екатерина Алексей Юлия"),
        _parts("Иванов Петрова Кузнецов Соколова Менделеев"),
        _parts("Берёз Вишнев Голуб Журавл Звер Ковал Лебед Морож Никит Орл Сидор Тимоф"),
        _parts("ов ова ин ина ский енко ченко ук"),
    ),
    _script(
        2,
        "Αλέξανδρος Ελένη Γιώργος Σοφία",
        "Παπαδόπουλος Νικολάου Καζαντζάκη Αγγελόπουλος",
    ),
    _script(3, "小明 美玲 伟 芳 建国 志强 秀英", "王 李 張 陳 欧阳 劉 黃 司马", "{family}{given}"),
    _script(2, "さくら 太郎 ハナ 健一 陽子", "田中 鈴木 山本 佐藤 渡辺", "{family} {given}"),
    _script(1, "철수 영희 민준 서연 지훈", "김 이 박 최 남궁", "{family}{given}"),
    _script(2, "محمد فاطمة ليلى أحمد", "الخوارزمي حسين النجار"),
    _script(1, "דוד רחל יוסף מרים", "כהן לוי מזרחי פרידמן"),
    _script(1, "अमित प्रिया राज सुनीता", "शर्मा गुप्ता चतुर्वेदी"),
)
