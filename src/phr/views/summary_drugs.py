"""Which medicines matter in an emergency, and which are only ever taken for a while: by ATC class and by name.

Names are international nonproprietary names with their usual stems, and the brands most people say. ATC: WHO
Collaborating Centre for Drug Statistics Methodology (B01A, A10A, H02, L04, N03A, J01).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from phr.views.summary_rows import Row

_ATC = "http://www.whocc.no/atc"
CLASSES: tuple[tuple[str, str, re.Pattern[str]], ...] = (
    (
        "blood thinner",
        "B01A",
        re.compile(
            r"warfarin|coumadin|jantoven|phenprocoumon|acenocoumarol|apixaban|eliquis|rivaroxaban|xarelto|edoxaban"
            r"|savaysa|lixiana|dabigatran|pradaxa|heparin|\w+parin\b|fondaparinux|arixtra|lovenox|clopidogrel|plavix"
            r"|prasugrel|effient|ticagrelor|brilinta|argatroban|bivalirudin"
        ),
    ),
    (
        "insulin",
        "A10A",
        re.compile(
            r"insulin|humulin|novolin|humalog|novolog|novorapid|lantus|levemir|tresiba|toujeo|basaglar|apidra"
        ),
    ),
    (
        "steroid",
        "H02",
        re.compile(
            r"prednis(?:o(?:lo)?ne)|(?<!fluoro)methylprednisolone|dexamethasone|(?<!inhaled )hydrocortisone|cortisone"
            r"|deflazacort|fludrocortisone|betamethasone"
        ),
    ),
    (
        "immunosuppressant",
        "L04",
        re.compile(
            r"tacrolimus|prograf|c[iy]closporin|mycophenol|cellcept|myfortic|azathioprine|imuran|methotrexate|sirolimus"
            r"|everolimus|leflunomide|cyclophosphamide|\w+(?:li|tu|xi|zu|mu)mab\b|etanercept|enbrel|humira|remicade"
            r"|abatacept|belatacept|tofacitinib|upadacitinib|baricitinib|ruxolitinib|rituxan"
        ),
    ),
    (
        "seizure medicine",
        "N03A",
        re.compile(
            r"levetiracetam|keppra|valpro|depakote|carbamazepine|phenytoin|lamotrigine|oxcarbazepine|lacosamide|phenobarbital"
        ),
    ),
)
"""What to call it, its ATC class, its names. The first that fits."""
_ON_THE_SKIN = re.compile(
    r"\b(?:cream|ointment|lotion|gel|topical|shampoo|eye|ophthalmic|otic|ear drops|nasal)\b"
)
_SHORT = re.compile(
    r"\w+cillin\b|\w+mycin\b|\w+floxacin\b|\bcef\w+|\bceph\w+|\w*cycline\b|sulfamethoxazole|nitrofurantoin|fosfomycin"
    r"|metronidazole|oseltamivir|nirmatrelvir|clavulan|azithro|zithromax|\bbactrim|\bkeflex|\baugmentin"
)
_NOT_SHORT = re.compile(r"allopurinol|rapamycin|bleomycin|prophyla")
_FOR_DAYS = re.compile(r"\b(?:for|x)\s?(\d{1,2})\s?(?:more )?(day|week)s?\b", re.IGNORECASE)


def emergency_class(row: Row) -> str | None:
    """What a rescuer has to know of this medicine; None for most."""
    said = " ".join(row.words).casefold()
    for name, atc, names in CLASSES:
        if any(code[0] == _ATC and (code[1] or "").upper().startswith(atc) for code in row.codes):
            return name
        if names.search(said) and not _ON_THE_SKIN.search(said):
            return name
    return None


def is_short_course(row: Row) -> bool:
    """Whether this is taken for days or weeks: an antibiotic, an antiviral against influenza."""
    said = " ".join(row.words).casefold()
    if any(code[0] == _ATC and (code[1] or "").upper().startswith("J01") for code in row.codes):
        return True
    return _SHORT.search(said) is not None and not _NOT_SHORT.search(said) and not _ON_THE_SKIN.search(said)


def course_days(sentences: Iterable[str | None]) -> int | None:
    """For how many days it is to be taken, where the instruction says so: `for 5 days`."""
    for words in sentences:
        found = _FOR_DAYS.search(words or "")
        if found and (words or "").casefold().count(" for ") <= 2:
            return int(found[1]) * (7 if found[2].casefold() == "week" else 1)
    return None
