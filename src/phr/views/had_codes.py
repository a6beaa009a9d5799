"""What the codes of common examinations and operations mean, for records that send a code without its name.

CPT (bills), LOINC (reports), SNOMED CT (procedures): single numbers with our own short words, which `had_exam` reads
like any other words. A code that is not here is read by the name that its source gives it.
"""

from __future__ import annotations

from functools import lru_cache

from phr.records.match_terms import code_system

_CPT = """
71250 71260 71270|CT chest
71271|low dose CT lung screening
71275|CT angiography chest
71045 71046 71047 71048 71010 71020|X-ray chest
71550 71551 71552|MRI chest
70450 70460 70470|CT head
70496|CT angiography head
70498|CT angiography neck
70486 70487 70488|CT sinus
70490 70491 70492|CT neck
72125 72126 72127|CT cervical spine
72128 72129 72130|CT thoracic spine
72131 72132 72133|CT lumbar spine
74150 74160 74170|CT abdomen
72192 72193 72194|CT pelvis
74176 74177 74178|CT abdomen and pelvis
75571|coronary calcium score
75574|CT coronary angiography
70551 70552 70553|MRI brain
70544 70545 70546|MR angiography head
72141 72142 72156|MRI cervical spine
72146 72147 72157|MRI thoracic spine
72148 72149 72158|MRI lumbar spine
74181 74182 74183|MRI abdomen
72195 72196 72197|MRI pelvis
72040 72050 72052|X-ray cervical spine
72070 72072|X-ray thoracic spine
72100 72110|X-ray lumbar spine
73030|X-ray shoulder
73070 73080|X-ray elbow
73090|X-ray forearm
73100 73110|X-ray wrist
73120 73130|X-ray hand
73501 73502 73503|X-ray hip
73560 73562 73564|X-ray knee
73590|X-ray lower leg
73600 73610|X-ray ankle
73620 73630|X-ray foot
74018 74019 74021|X-ray abdomen
76700 76705|ultrasound abdomen
76770 76775|ultrasound kidney
76856 76857 76830|ultrasound pelvis
76536|ultrasound thyroid
76641 76642|ultrasound breast
76870|ultrasound testicle
76801 76805 76811|ultrasound pregnancy
93880 93882|duplex ultrasound carotid
77065 77066|diagnostic mammogram
77067|screening mammogram
77080 77081|DXA bone density
78306|bone scan
78452 78451|myocardial perfusion imaging
78815 78816 78813 78814|PET CT
93306 93307 93308|transthoracic echocardiogram
93312|transesophageal echocardiogram
93350 93351|stress echocardiogram
93000 93005 93010|electrocardiogram
93015 93016 93017 93018|cardiovascular stress test
93224 93225 93226 93227|holter monitor
93454 93455 93456 93457 93458 93459 93460 93461|coronary angiography
94010 94060|spirometry
94726|lung volumes by plethysmography
94729|diffusing capacity
94070|methacholine challenge
94618|6 minute walk test
95810 95811 95806 95800 95801|sleep study
95819 95816 95822|EEG
95004|allergy skin prick test
95044|allergy patch test
45378 45380 45381 45384 45385 45388 45390|colonoscopy
45330 45331|flexible sigmoidoscopy
43235 43239 43248 43249|upper endoscopy
31622 31623 31624 31628|bronchoscopy
44970 44950 44960|appendectomy
47562 47563 47600|cholecystectomy
27447|total knee replacement
27130|total hip replacement
66984 66982|cataract surgery
59510 59514|cesarean section
42820 42821|tonsillectomy and adenoidectomy
42825 42826|tonsillectomy
58150 58570 58571|hysterectomy
36430|blood transfusion
62270|lumbar puncture
86480 86481|tuberculosis blood test
86580|tuberculosis skin test
82270 82274|fecal occult blood
81528|stool DNA
57500|cervical biopsy
"""
_LOINC = """
24627-2 24628-0 29252-4 24629-8 87279-1|CT chest
79086-9|LDCT chest
36643-5 30745-4 30746-2 24648-8 36572-6|X-ray chest
24725-4 30799-1 24726-2 24727-0|CT head
79103-2 36813-4|CT abdomen and pelvis
24590-2 24587-8 30657-1|MRI brain
24606-6|screening mammogram
24604-1 24605-8|diagnostic mammogram
26346-7 46335-6 26349-1|mammogram
24558-9|ultrasound abdomen
38269-7 24701-5 38268-9|DXA bone density
34552-0 42148-7|echocardiogram
11524-6|EKG study
28010-7|colonoscopy
18746-8 28016-4|colonoscopy
18751-8 28014-9|upper endoscopy
18744-3|bronchoscopy
18759-1 18760-9|ultrasound
28633-6|polysomnography sleep study
18752-6|exercise stress test
18754-2|holter monitor
18745-0|cardiac catheterization
20150-9 19868-9 19926-5|spirometry
"""
_SNOMED = """
169069000|CT chest
77477000|CT
399208008 168731009|X-ray chest
113091000|MRI
16310003|ultrasound
71651007 24623002|mammogram
312681000 391060001|bone density scan
40701008 433236007|echocardiogram
29303009|electrocardiogram
127783003|spirometry
23426006|lung function
60170009 82808001|sleep study
73761001 174158000|colonoscopy
44441009|flexible sigmoidoscopy
76009000 386831004|upper endoscopy
10847001|bronchoscopy
80146002 6025007|appendectomy
38102005 45595009|cholecystectomy
236886002 116140006|hysterectomy
173422009|tonsillectomy
609588000|total knee replacement
52734007|total hip replacement
54885007 110473004|cataract surgery
11466000|cesarean section
277762005|lumbar puncture
116859006|blood transfusion
41976001|cardiac catheterization
252465000|pulse oximetry
"""


_CONTRAST = (" without contrast", " with contrast", " with and without contrast")
"""CPT numbers CT and MRI of a part in threes, in this order."""


@lru_cache(maxsize=1)
def _words() -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for system, table in (("cpt", _CPT), ("loinc", _LOINC), ("snomed", _SNOMED)):
        for line in table.strip().split("\n"):
            codes, _, words = line.partition("|")
            listed = codes.split()
            threefold = system == "cpt" and len(listed) == 3 and words.startswith(("CT ", "MRI "))
            for code, contrast in zip(listed, _CONTRAST if threefold else [""] * len(listed), strict=True):
                found[system, code] = words + contrast
    return found


def words_of(system: str | None, code: str | None) -> str | None:
    """What a code means, in words; None for those that are not here."""
    return _words().get((code_system(system or ""), (code or "").strip())) if code else None


def codes_for(test: frozenset[str]) -> list[str]:
    """The codes of everything that is among these acts."""
    from phr.views.had_exam import exam

    return [code for (_, code), words in _words().items() if exam(words).acts & test]
