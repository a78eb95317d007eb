"""The sounds of the synthetic voice and how the spoken words are pronounced."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Sound:
    """A target for the vocal tract.

    Attributes:
      formants: centre frequencies of three resonances, Hz.
      voice: strength of the glottal pulses.
      noise: strength of the noise.
      noise_at, noise_width: centre and half width of the noise, Hz.
      length: seconds.
    """

    formants: tuple[float, float, float]
    voice: float = 1.0
    noise: float = 0.0
    noise_at: float = 4000.0
    noise_width: float = 1500.0
    length: float = 0.07


def _vowel(first: float, second: float, third: float, length: float = 0.085) -> tuple[Sound, ...]:
    return (Sound((first, second, third), length=length),)


def _glide(*targets: tuple[float, float, float]) -> tuple[Sound, ...]:
    return tuple(Sound(target, length=0.06) for target in targets)


def _stop(formants: tuple[float, float, float], at: float, width: float, voiced: bool) -> tuple[Sound, ...]:
    """A closure and the burst after it."""
    closure = Sound(formants, voice=0.12 if voiced else 0.0, length=0.035)
    return closure, Sound(
        formants,
        voice=0.45 if voiced else 0.0,
        noise=0.5 if voiced else 0.8,
        noise_at=at,
        noise_width=width,
        length=0.022,
    )


def _hiss(
    formants: tuple[float, float, float], at: float, width: float, noise: float, voice: float = 0.0
) -> tuple[Sound, ...]:
    return (Sound(formants, voice=voice, noise=noise, noise_at=at, noise_width=width, length=0.07),)


SILENCE = Sound((500, 1500, 2500), voice=0.0, length=0.04)

# ARPAbet. Formants of vowels after Peterson and Barney (1952).
SOUNDS: dict[str, tuple[Sound, ...]] = {
    "IY": _vowel(280, 2250, 2950),
    "IH": _vowel(400, 1950, 2550, 0.065),
    "EH": _vowel(550, 1800, 2500),
    "AE": _vowel(690, 1650, 2420),
    "AA": _vowel(740, 1120, 2450),
    "AO": _vowel(570, 850, 2420),
    "UH": _vowel(450, 1050, 2250, 0.065),
    "UW": _vowel(310, 880, 2250),
    "AH": _vowel(630, 1220, 2400, 0.06),
    "ER": _vowel(490, 1350, 1680),
    "EY": _glide((480, 1950, 2550), (320, 2250, 2800)),
    "AY": _glide((740, 1200, 2450), (340, 2150, 2700)),
    "OW": _glide((520, 950, 2400), (350, 780, 2300)),
    "AW": _glide((740, 1250, 2450), (400, 850, 2300)),
    "OY": _glide((520, 850, 2400), (360, 2100, 2700)),
    "M": (Sound((250, 950, 2200), voice=0.5, length=0.065),),
    "N": (Sound((250, 1500, 2500), voice=0.5, length=0.06),),
    "NG": (Sound((260, 2000, 2600), voice=0.5, length=0.065),),
    "L": (Sound((360, 1050, 2800), voice=0.7, length=0.06),),
    "R": (Sound((340, 1150, 1500), voice=0.75, length=0.06),),
    "W": (Sound((300, 650, 2200), voice=0.7, length=0.055),),
    "Y": (Sound((270, 2300, 3050), voice=0.7, length=0.05),),
    "B": _stop((300, 800, 2200), 700, 500, True),
    "D": _stop((300, 1750, 2600), 3600, 900, True),
    "G": _stop((300, 2000, 2300), 1900, 500, True),
    "P": _stop((400, 800, 2200), 900, 700, False),
    "T": _stop((400, 1750, 2600), 4600, 1300, False),
    "K": _stop((400, 1900, 2300), 2100, 600, False),
    "S": _hiss((320, 1600, 2600), 6300, 1100, 0.7),
    "Z": _hiss((280, 1600, 2600), 6100, 1100, 0.45, 0.3),
    "SH": _hiss((320, 1850, 2500), 3300, 900, 0.75),
    "F": _hiss((340, 1100, 2200), 5200, 3000, 0.28),
    "V": _hiss((290, 1100, 2200), 4800, 3000, 0.16, 0.4),
    "TH": _hiss((340, 1400, 2600), 7200, 1500, 0.2),
    "DH": _hiss((300, 1400, 2600), 6800, 1500, 0.08, 0.5),
    "HH": _hiss((500, 1500, 2500), 1600, 1100, 0.3),
    "CH": (
        Sound((400, 1800, 2500), voice=0.0, length=0.035),
        Sound((400, 1800, 2500), voice=0.0, noise=0.8, noise_at=3400, noise_width=900, length=0.055),
    ),
    "JH": (
        Sound((300, 1800, 2500), voice=0.12, length=0.03),
        Sound((300, 1800, 2500), voice=0.3, noise=0.6, noise_at=3300, noise_width=900, length=0.05),
    ),
}

_SPOKEN = """
the DH AH | a AH | my M AY | this DH IH S | is IH Z | in IH N | on AO N | under AH N D ER
behind B IH HH AY N D
man M AE N | woman W UH M AH N | boy B OY | girl G ER L | king K IH NG | queen K W IY N
teacher T IY CH ER | child CH AY L D
dog D AO G | cat K AE T | bird B ER D | horse HH AO R S | bear B EH R
ball B AO L | book B UH K | key K IY | hat HH AE T | boat B OW T | car K AA R | chair CH EH R
table T EY B AH L
letter L EH T ER | picture P IH K CH ER | hospital HH AA S P IH T AH L
house HH AW S | garden G AA R D AH N | tree T R IY | school S K UW L
clever K L EH V ER | hungry HH AH NG G R IY | beautiful B Y UW T AH F AH L
red R EH D | blue B L UW | green G R IY N | white W AY T | black B L AE K
small S M AO L | big B IH G | old OW L D | young Y AH NG | new N UW | happy HH AE P IY | sad S AE D
tired T AY ER D
likes L AY K S | sees S IY Z | hears HH IH R Z | finds F AY N D Z
sleeping S L IY P IH NG | singing S IH NG IH NG | working W ER K IH NG | playing P L EY IH NG
waiting W EY T IH NG | dancing D AE N S IH NG
"""

# What the pictures need besides, so that any scene can be told aloud.
_PICTURED = """
there DH EH R | of AH V | left L EH F T | right R AY T | above AH B AH V | below B IH L OW | an AE N
bell B EH L | bottle B AA T AH L | cloud K L AW D | crown K R AW N | cup K AH P | fish F IH SH
flag F L AE G | flower F L AW ER
heart HH AA R T | ladder L AE D ER | lamp L AE M P | moon M UW N | mushroom M AH SH R UW M | star S T AA R
umbrella AH M B R EH L AH
brown B R AW N | golden G OW L D AH N | gray G R EY | purple P ER P AH L
water W AO T ER | grass G R AE S | sand S AE N D | snow S N OW
"""


def _lexicon(table: str) -> dict[str, tuple[str, ...]]:
    entries = [entry.split() for line in table.strip().splitlines() for entry in line.split("|")]
    return {word: tuple(sounds) for word, *sounds in entries}


SPOKEN = frozenset(_lexicon(_SPOKEN))  # the words of the speech corpus
LEXICON = _lexicon(_SPOKEN) | _lexicon(_PICTURED)
