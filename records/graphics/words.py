"""Text without meaning, in the shapes of prose, labels, numbers and code of several scripts."""

from deblock.records.graphics import choices as choices_lib

_PROSE = """
the of and to in is that for it as was with be by on not he his but at are this have from or had an
they which one you were all her she there would their we him been has when who will no more if out
so up said what its about than into them can only other time new some could these two may first then
do any like my now over such our man me even most made after also well many before must through
years where much your way down should because long each just state people those too mister little
good world make very year still work life quality image block table
und der die das nicht auch sich über für können größe Straße les des une est pour été français que
años según mañana español città perché più está não ação świat łódź český žluťoučký åtta
"""
_PARTS = """
ka lo mi ter ven sol tra qui bex dor fin gul hap jur nex pli rog sty urn vim wob yel zag ack eff ing
ous ion ment ght sch ffi tt ll mm
"""
_OF_PROGRAMS = """
File Edit View Insert Format Tools Window Help Open Save Cancel OK Apply Close Settings Search Home
Back Next Menu Profile Share Download Upload Delete Copy Paste Undo Login Total Price January March
Monday Revenue Users Speed Latency Model Input Output Layer Server Client Error
"""
_WORDS, _SYLLABLES, _LABELS = (tuple(text.split()) for text in (_PROSE, _PARTS, _OF_PROGRAMS))
_CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
_GREEK = "αβγδεζηθικλμνξοπρσςτυφχψω"
_OTHERS = {
  "georgian": "აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ",
  "armenian": "աբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆ",
  "hebrew": "אבגדהוזחטיךכלםמןנסעףפץצקרשת",
}
_WIDE_FACES = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique")
_KEYWORDS = ("def", "return", "if", "else", "for", "while", "import", "class", "const", "int")
_OPERATORS = ("=", "+", "-", "*", "==", "!=", "<=", "->", "=>", "&&", "||", "+=", ":=")


def word(choices: choices_lib.Choices) -> str:
  """Returns a word of Latin letters, at times a number or with a mark."""
  roll = choices.number(0.0, 1.0)
  if roll < 0.06:
    return number(choices)
  made = (
    choices.pick(_WORDS)
    if roll < 0.7
    else "".join(choices.pick(_SYLLABLES) for _ in range(choices.integer(1, 3)))
  )
  if choices.happens(0.12):
    made = made.capitalize()
  if choices.happens(0.03):
    made = made.upper()
  return made + (choices.pick((",", ".", ".", ";", ":", "?", "!", ")")) * choices.happens(0.13))


def letters_of(choices: choices_lib.Choices, face: str) -> str:
  """Returns the letters of a script that a face has, "" for Latin: most of the time."""
  if not face.startswith(("DejaVu", "STIX")) or choices.happens(0.65):
    return ""
  scripts = [_CYRILLIC, _GREEK]
  if face in _WIDE_FACES:
    scripts += _OTHERS.values()
  return choices.pick(scripts)


def line(choices: choices_lib.Choices, count: int, letters: str = "") -> str:
  """Returns that many words with spaces between; of the letters, if there are any."""
  if not letters:
    return " ".join(word(choices) for _ in range(count))
  made = []
  for _ in range(count):
    indices = choices.generator.integers(len(letters), size=choices.integer(1, 9))
    made.append("".join(letters[index] for index in indices) + "," * choices.happens(0.1))
  return " ".join(made)


def label(choices: choices_lib.Choices) -> str:
  """Returns a word or two as buttons, axes and menus have."""
  made = choices.pick(_LABELS)
  return f"{made} {choices.pick(_LABELS).lower()}" if choices.happens(0.25) else made


def number(choices: choices_lib.Choices) -> str:
  """Returns a number, a price, a share, a date or a time."""
  value = choices.number(0.0, 1.0) * 10.0 ** choices.integer(0, 5)
  kind = choices.integer(0, 5)
  if kind == 0:
    return f"{value:,.0f}"
  if kind == 1:
    return f"{value:.2f}"
  if kind == 2:
    return f"{choices.pick('$€£')}{value:,.2f}"
  if kind == 3:
    return f"{value % 100:.1f}%"
  if kind == 4:
    return (
      f"{choices.integer(1970, 2030)}-{choices.integer(1, 12):02d}-{choices.integer(1, 28):02d}"
    )
  return f"{choices.integer(0, 23):02d}:{choices.integer(0, 59):02d}"


def code(choices: choices_lib.Choices) -> list[tuple[str, str]]:
  """Returns a line of a program as (text, role) pairs.

  The roles are keyword, name, call, string, number, comment and mark.
  """
  if choices.happens(0.1):
    return []
  if choices.happens(0.13):
    return [(f"{choices.pick(('#', '//'))} {line(choices, choices.integer(2, 9))}", "comment")]
  made = []
  if choices.happens(0.5):
    made.append((choices.pick(_KEYWORDS) + " ", "keyword"))
  for _ in range(choices.integer(1, 4)):
    made += _term(choices)
    made.append((f" {choices.pick(_OPERATORS)} ", "mark"))
  made += _term(choices)
  made.append((choices.pick((";", ":", " {", ",", "", ")")), "mark"))
  return made


def _name(choices):
  parts = [choices.pick(_WORDS[:100]) for _ in range(choices.integer(1, 2))]
  return "_".join(parts) if choices.happens(0.6) else parts[0] + parts[-1].capitalize()


def _term(choices):
  roll = choices.number(0.0, 1.0)
  if roll < 0.4:
    return [(_name(choices), "name")]
  if roll < 0.6:
    return [(_name(choices), "call"), ("(", "mark"), (_name(choices), "name"), (")", "mark")]
  if roll < 0.8:
    return [(f'"{line(choices, choices.integer(1, 3))}"', "string")]
  return [(str(choices.integer(0, 9999)), "number")]
