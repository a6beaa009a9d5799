"""Names that mean the very same, what kind of thing a word asks for, and which vaccine is meant.

The synonyms of the search lead to what is near; `phr had` may only say yes to what is the same, so it has its own short
list of equal names. Facts of general medical knowledge.
"""

from __future__ import annotations

import re
from typing import Any, cast

from phr.views.words import stem, tokens

_EQUAL = """
chickenpox|chicken pox|varicella
shingles|herpes zoster|zoster
measles|rubeola|morbilli
mumps|epidemic parotitis
german measles|rubella
whooping cough|pertussis
flu|influenza
covid|covid 19|sars cov 2|coronavirus disease 2019|coronavirus disease
    |disease caused by severe acute respiratory syndrome coronavirus 2|coronavirus|2019 ncov
heart attack|myocardial infarction|stemi|nstemi|mi
high blood pressure|hypertension|hypertensive disorder|essential hypertension|htn|hypertensive disease
stroke|cerebrovascular accident|cva|cerebral infarction|ischemic stroke|hemorrhagic stroke
mini stroke|tia|transient ischemic attack
mono|mononucleosis|infectious mononucleosis|glandular fever|kissing disease
gallstones|cholelithiasis|gallstone|biliary calculus|calculus of gallbladder
kidney stones|kidney stone|nephrolithiasis|renal calculus|kidney calculus|urolithiasis|renal stone
    |calculus of kidney|ureteral calculus|ureterolithiasis
blood clot|thrombosis|embolism|thromboembolism|blood clot in leg|dvt
dvt|deep vein thrombosis|deep venous thrombosis
pulmonary embolism|pulmonary embolus|blood clot in lung|clot in lung|lung clot
acid reflux|gerd|gastroesophageal reflux|reflux|gastro esophageal reflux
hay fever|allergic rhinitis|pollen allergy|seasonal allergies
strep throat|streptococcal pharyngitis|streptococcal sore throat|strep pharyngitis|streptococcal tonsillitis
pink eye|conjunctivitis
tuberculosis|tb
uti|urinary tract infection|urinary infection|bladder infection|cystitis
copd|chronic obstructive lung disease|chronic obstructive pulmonary disease|chronic obstructive airway disease
afib|atrial fibrillation|a fib
broken arm|fracture of arm|arm fracture|fracture of humerus|fracture of radius|fracture of ulna
    |fracture of forearm
broken leg|fracture of leg|leg fracture|fracture of tibia|fracture of femur|fracture of fibula
broken hip|hip fracture|fracture of hip|fracture of neck of femur
broken wrist|wrist fracture|fracture of wrist|distal radius fracture
broken ankle|ankle fracture|fracture of ankle
high cholesterol|hyperlipidemia|hypercholesterolemia|dyslipidemia
low thyroid|hypothyroidism|underactive thyroid
overactive thyroid|hyperthyroidism
piles|hemorrhoids
heartburn|pyrosis
ms|multiple sclerosis
ibs|irritable bowel syndrome
sleep apnea|obstructive sleep apnea|osa
emphysema|pulmonary emphysema
breast cancer|malignant neoplasm of breast|malignant tumor of breast|carcinoma of breast|breast carcinoma
colon cancer|malignant neoplasm of colon|malignant tumor of colon|carcinoma of colon|bowel cancer
lung cancer|malignant neoplasm of lung|carcinoma of lung|malignant tumor of lung|lung carcinoma
prostate cancer|malignant neoplasm of prostate|malignant tumor of prostate|carcinoma of prostate
skin cancer|malignant neoplasm of skin|malignant melanoma|melanoma|basal cell carcinoma
    |squamous cell carcinoma of skin
melanoma|malignant melanoma
hepatitis b|viral hepatitis b|hep b|hbv
hepatitis c|viral hepatitis c|hep c|hcv
hepatitis a|viral hepatitis a|hep a
hiv|human immunodeficiency virus|hiv 1
lyme|lyme disease|borreliosis
concussion|commotio cerebri|concussion injury of brain
seizure|epileptic seizure|seizure disorder|convulsion
water pill|diuretic
aspirin|acetylsalicylic acid|asa
tylenol|acetaminophen|paracetamol
advil|ibuprofen|motrin
penicillin|benzylpenicillin|penicillin g|penicillin v
albuterol|salbutamol|ventolin|proair
adrenaline|epinephrine|epipen
z pack|azithromycin|zithromax
augmentin|amoxicillin clavulanate|amoxicillin and clavulanate
prednisone|deltasone
pregnancy test|hcg|choriogonadotropin|human chorionic gonadotropin
hiv test|hiv|human immunodeficiency virus
strep test|streptococcus pyogenes|group a strep|rapid strep
covid test|sars cov 2|covid 19|coronavirus 2019|covid
flu test|influenza
urine test|urinalysis|urine
hepatitis c test|hepatitis c
psa test|prostate specific antigen
blood type|abo and rh|abo group|abo|rh type|blood group
ana|antinuclear antibody|nuclear ab|antinuclear ab
afp|alpha fetoprotein|alpha 1 fetoprotein
aat|alpha 1 antitrypsin|alpha 1 proteinase inhibitor
"""


_LINES = _EQUAL.strip().replace("\n    |", "|").split("\n")


def _key(phrase: str) -> str:
    return " ".join(stem(word) for word in tokens(phrase))


def _equal() -> dict[str, tuple[tuple[str, ...], ...]]:
    found: dict[str, list[tuple[str, ...]]] = {}
    for line in _LINES:
        names = [_key(name) for name in line.split("|")]
        for name in names:
            found.setdefault(name, []).extend(tuple(other.split()) for other in names if other != name)
    return {name: tuple(dict.fromkeys(others)) for name, others in found.items()}


EQUIVALENT = _equal()
_ILLNESSES = frozenset(
    name
    for line in _LINES[: next(at for at, line in enumerate(_LINES) if line.startswith("water pill|"))]
    for name in map(_key, line.split("|"))
)


def is_illness(words: str) -> bool:
    """Whether these words are the name of an illness and of nothing else."""
    return _key(words) in _ILLNESSES


_NATURE = (
    ("immunization", "vaccine vaccination immunization immunisation jab booster vax shot vaccinated"),
    ("lab_result", "test level titer culture antibody pcr swab bloodwork assay screen screening antigen"),
    ("allergy", "allergy allergic intolerance"),
    ("procedure", "surgery operation removed removal procedure repair"),
    (
        "medication",
        "medicine medication pill tablet prescription drug inhaler injection infusion antibiotic cream drip",
    ),
    ("problem", "disease infection diagnosis illness disorder syndrome"),
)
NATURE_WORDS = frozenset(
    "vaccine vaccination immunization immunisation jab booster vax shot vaccinated test level titer bloodwork assay allergy"
    " allergic surgery operation medicine medication pill tablet prescription drug disease diagnosis illness procedure"
    " screen screening".split()
)


def nature_of(words: str) -> str | None:
    """The kind of record that the words ask for: a test, a shot, a medicine; None where they do not say."""
    said = {stem(word) for word in tokens(words)}
    if "allergy" in said and "shot" in said:  # an immunotherapy, which is no vaccine
        return None
    for kind, names in _NATURE:
        if said & set(names.split()):
            return kind
    return None


# ── vaccines ──────────────────────────────────────────────────────────────────────────────────────

_ALIAS = (
    (r"pneumonia", "pneumococcal"),
    (r"meningitis", "meningococcal"),
    (r"men ?b", "meningococcal b"),
    (r"men ?(?:acwy|c)", "meningococcal acwy"),
    (r"lockjaw", "tetanus"),
    (r"german measles", "rubella"),
    (r"whooping cough", "pertussis"),
    (r"corona(?:virus)?(?: disease)?", "covid"),
    (r"cervical cancer", "hpv"),
    (r"chicken pox", "chickenpox"),
    (r"shingles", "zoster"),
)
_ILLNESS_FIRST = frozenset(
    "chickenpox chicken pox varicella measles mumps rubella german shingles zoster herpes whooping cough pertussis"
    " diphtheria pneumonia meningitis papilloma tuberculosis mpox monkeypox encephalitis coronavirus".split()
)
"""Bare names that people mean as an illness: `phr had chickenpox` asks for the disease, `flu` for the shot."""
_AROUND = re.compile(
    r"\b(?:vaccines?|vaccinations?|immuni[sz]ations?|jabs?|boosters?|vax|shots?|vaccinated|against|19|virus|disease|the|my"
    r"|for|dose|doses|infection|seasonal|annual|new|first|second|third|\d)\b"
)


def falls_ill_of(words: str) -> bool:
    """Whether a bare name is that of an illness people have, and not only of its vaccine: `covid`, `flu`, `hepatitis b`."""
    first = (tokens(words) or ("",))[0]
    return is_illness(words) or first in (
        "covid",
        "flu",
        "influenza",
        "hepatitis",
        "hep",
        "rsv",
        "coronavirus",
    )


class _Like:
    """As much of a record as the groups of vaccines are found by."""

    def __init__(self, words: str, codes: tuple[tuple[str | None, ...], ...] = ()) -> None:
        self.codes, self.words, self.title = codes, (words,), ""


def groups_of(words: str, codes: tuple[tuple[str | None, ...], ...] = ()) -> list[str]:
    """What a vaccine protects against; empty where no group is known."""
    from phr.views.summary_vaccines import groups

    return [one for one in groups(cast(Any, _Like(words, codes))) if one]


def vaccine_groups(words: str) -> tuple[tuple[str, ...], bool, bool]:
    """The groups that a question names, whether that is all it says and means the shot, and whether pertussis matters."""
    small = words.lower()
    for pattern, name in _ALIAS:
        small = re.sub(rf"\b{pattern}\b", name, small)
    if re.fullmatch(r"\W*hep(?:atitis)?\W*(?:vaccin\w+|shots?)?\W*", small):
        return ("Hepatitis A", "Hepatitis B"), False, False
    found = groups_of(small)
    if not found:
        return (), False, False
    left = set(tokens(_AROUND.sub(" ", small)))
    from phr.views import summary_vaccines

    for name in found:
        left -= {
            word for word in left if re.search(summary_vaccines._GROUPS[name], word, re.IGNORECASE)
        } | set(
            tokens(
                "hepatitis hep a b acwy yellow fever tick borne japanese typhoid quadrivalent bivalent high dose"
            )
        )
    illness = bool(set(tokens(words)) & _ILLNESS_FIRST)
    return (
        tuple(found),
        not left and not illness,
        bool(re.search(r"pertussis|tdap|dtap|boostrix|adacel", small)),
    )


_PERTUSSIS = re.compile(
    r"pertussis|\b(?:tdap|dtap|dtp)\b|boostrix|adacel|pediarix|pentacel|vaxelis|infanrix|daptacel|kinrix",
    re.I,
)
_WITH_PERTUSSIS = frozenset("01 20 50 106 107 110 115 120 130 146 198".split())


def against_pertussis(words: str, cvx: set[str]) -> bool:
    """Whether a vaccine of the tetanus group protects against whooping cough too."""
    return bool(_PERTUSSIS.search(words)) or bool({code.zfill(2) for code in cvx} & _WITH_PERTUSSIS)
