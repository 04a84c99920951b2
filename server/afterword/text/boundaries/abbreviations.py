"""Words that a full stop belongs to, in several languages at once, since most texts do not name their language.

What lives here: the lists. What follows from them is in ends.py. They are short on purpose: a missing word makes
a suggestion end early, and a word too many makes it go on for another sentence.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Before names. They count with a capital only, because in small letters several are ordinary words.
TITLES = _words(
    """
    Capt Col Dr Fr Gen Gov Hon Lt Messrs Mr Mrs Ms Mt Pres Prof Rep Rev Sen Sgt St Supt
    Drs Frl Herr Hr Mlle MM Mme Ste Sra Srta Ud Uds Dra Dott Sig Dhr Mw
    """
)
# Inside sentences.
ABBREVIATIONS = _words(
    """
    al approx ca cf dept e.g eg esp i.e ie incl resp viz vs
    bspw bzw d.h evtl fam ggf inkl kl o.ä s.o s.u sog u.a u.ä u.u v.a vgl z.b z.t zzgl
    env p.ex p.ej bijv напр см т.е т.к ул им
    """
)
# Before numbers.
BEFORE_NUMBERS = _words(
    """
    apr aug ch dec eq ex feb fig jan jul jun mar no nos nov oct p pp sec sect sep sept tel vol
    abs art bd dez kap nr okt s str tab núm n° pág гл г р рис стр т
    """
)
# Inside sentences or at their end; the word that follows tells.
EITHER = _words("a.m bros co corp etc inc jr ltd p.m sr usw ecc ff др т.д т.п")
# Languages (by tag) that write ordinal numbers with a full stop.
ORDINAL_LANGUAGES = _words("cs da de et fi hr hu is lb lt lv nb nn no pl sk sl sr tr")
