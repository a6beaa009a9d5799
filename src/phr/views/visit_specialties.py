"""Specialties as people say them, and by which beginnings of words a role, a place or a visit tells one.

NUCC names them `Pulmonary Disease Physician`, SNOMED CT `Respiratory medicine`, a sign on a door `Lung clinic`.
"""

from __future__ import annotations

from collections.abc import Iterable

from phr.views.visit_names import words_of

# what people say | beginnings of words that tell it; two words with + have to stand together
_TABLE = """
pulmonology pulmonologist pulmonary pulmonology-clinic lung lungs respiratory chest | pulmon pneumolog respirat lung
pneumology pneumologist pneumonology | pulmon pneumolog respirat lung
cardiology cardiologist cardiac heart | cardi heart
dermatology dermatologist skin | dermat skin
gastroenterology gastroenterologist gastro gi stomach | gastroent gastro endoscop
hepatology hepatologist liver | hepat liver
neurology neurologist | neurolog
neurosurgery neurosurgeon | neurosurg
psychiatry psychiatrist | psychiatr behavioral+health mental+health
psychology psychologist therapist counselor | psycholog psychother counsel
ophthalmology ophthalmologist eye eyes optometry optometrist | ophthalm optom eye
ent otolaryngology otolaryngologist | otolaryng otorhino ent ear+nose
audiology audiologist hearing | audiol hearing
oncology oncologist cancer | oncolog cancer
hematology haematology hematologist blood | hematolog haematolog
endocrinology endocrinologist diabetes thyroid | endocrin diabet
nephrology nephrologist kidney | nephrol renal kidney dialys
urology urologist | urolog
gynecology gynaecology gynecologist obgyn obstetrics women | gynec gynaec obstet ob+gyn obgyn women
midwife midwifery | midwif
pediatrics paediatrics pediatrician | pediat paediat
geriatrics geriatrician | geriat
rheumatology rheumatologist | rheumat
orthopedics orthopaedics orthopedist orthopedic ortho | orthop
podiatry podiatrist foot | podiat
allergy allergist immunology | allerg immunol
infectious-disease infectious | infectious
surgery surgeon surgical | surg
anesthesiology anesthesia pain | anesth anaesth pain+m
radiology radiologist imaging | radiol imaging
genetics geneticist genetic | genetic
dentist dental dentistry teeth | dent
physiotherapy physiotherapist physical-therapy pt | physiother physical+therap
rehabilitation rehab | rehab
nutrition nutritionist dietitian dietician | nutrit dietit dietic
vascular | vascul
infusion infusions | infusion
transplant transplantation | transplant
emergency er | emergency
pharmacy pharmacist | pharmac
primary-care family-doctor family-medicine pcp gp | family+med family+prac general+prac primary+care internal+med
family-practice family-physician primary-physician primary-doctor | family+med family+prac general+prac primary+care
general-practitioner general-practice internist internal-medicine | internal+med internist general+prac family+med
"""


def _read() -> dict[str, tuple[tuple[str, ...], ...]]:
    table: dict[str, tuple[tuple[str, ...], ...]] = {}
    for line in _TABLE.strip().splitlines():
        said, _, told = line.partition("|")
        stems = tuple(tuple(stem.split("+")) for stem in told.split())
        table.update((word.replace("-", " "), stems) for word in said.split())
    return table


SPECIALTIES = _read()
_ARTICLES = frozenset("my our the a an".split())
_BESIDE = frozenset(
    "my the a an dr doctor clinic office department dept specialist visit appointment team".split()
)


def stems_of(query: str) -> tuple[tuple[str, ...], ...]:
    """The beginnings of words that tell the specialty that was asked for; none where it is no specialty."""
    every = words_of(query)
    for left_out in (_ARTICLES, _BESIDE):
        found = SPECIALTIES.get(" ".join(word for word in every if word not in left_out))
        if found:
            return found
    return ()


def tells(stems: Iterable[tuple[str, ...]], text: str) -> bool:
    """Whether a text tells one of these."""
    words = words_of(text)
    return any(_stands(stem, words) for stem in stems)


def _stands(stem: tuple[str, ...], words: tuple[str, ...]) -> bool:
    last = len(words) - len(stem) + 1
    return any(
        all(
            word == part if len(stem) == 1 and len(part) < 4 else word.startswith(part)
            for part, word in zip(stem, words[at : at + len(stem)], strict=True)
        )
        for at in range(max(0, last))
    )
