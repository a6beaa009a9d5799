"""What can be done to a body, and where: the words of `phr had`, as tables.

One list for what people type ("gallbladder out") and for what records say ("laparoscopic cholecystectomy", "US RUQ"), so
that both are read alike. A line names what its phrases mean: acts (`ct`, `biopsy`), parts of the body (`chest`), flags
(`angio`). The longest phrase counts, so that a thoracic spine is no thorax. Facts of general medical knowledge; names of
examinations as RadLex, LOINC and SNOMED CT spell them.
"""

from __future__ import annotations

from phr.views.had_body import PARTS
from phr.views.had_operations import ORGANS, SURGERY, TAKEN_OUT

_IMAGES = """
ct: ct|cat scan|computed tomography|computerized tomography|computer tomography|computed tomographic|ct scan
    |cat scanning
ct chest?: hrct|high resolution ct|high resolution computed tomography
ct chest: ldct|lung cancer screening|lung cancer screening ct|low dose ct lung screening|lung screening
ct angio: cta|ct angiography|ct angiogram|computed tomography angiography|computed tomographic angiography
ct chest angio: ctpa|ct pulmonary angiogram|ct pulmonary angiography|pulmonary ct angiography
ct heart angio: ccta|ct coronary angiography|ct coronary angiogram|coronary ct angiography|coronary ct
    |ct coronary|ct angiography coronary|cta coronary
ct heart: calcium score|coronary calcium score|coronary artery calcium|cardiac scoring|coronary calcium
    |calcium scoring
ct colon: ct colonography|virtual colonoscopy
ct kidney: ct kub|ct urogram|ct urography|ct renal stone
mri: mri|mr|mri scan|magnetic resonance|magnetic resonance imaging|nuclear magnetic resonance|fmri|magnet scan
mri angio: mra|mrv|mr angiography|mr angiogram|magnetic resonance angiography|mr venography
mri bileduct: mrcp|magnetic resonance cholangiopancreatography
xray: xray|x ray|xr|radiograph|radiography|radiographic|plain film|plain x ray|roentgenogram
    |radiologic examination|plain radiograph|skiagram
xray chest: cxr
xray abdomen: kub
views: 1 view|2 view|3 view|4 view|two view|single view|three view|pa and lateral|ap and lateral|pa lateral
    |2vw|1vw|3vw|1v|2v|3v
us: ultrasound|sonogram|sonography|ultrasonography|us|ultrasonographic|ultrasound scan|ultrasonic|echography
    |usg
us vessel: doppler|duplex|vascular ultrasound
us fetus: pregnancy scan|obstetric ultrasound|baby ultrasound|fetal ultrasound|anatomy scan
    |ultrasound pregnancy|nuchal translucency
mammo: mammogram|mammography|breast tomosynthesis|tomosynthesis|mg breast|mg screening|breast screening
    |mammographic|3d mammogram|mg mammogram|breast mg|mammo|mg mammo
pet: pet|pet scan|positron emission tomography|positron emission|fdg
pet ct: pet ct|ct pet|positron emission tomography with computed tomography
dexa: dexa|dxa|bone density|bone densitometry|bone mineral density|dual energy x ray absorptiometry|dxa scan
    |dexa scan|absorptiometry|densitometry|bone density scan|bone density test
    |dual energy xray absorptiometry
echo: echo|echocardiogram|echocardiography|echocardiographic|heart ultrasound
    |ultrasound of heart|cardiac ultrasound|ultrasound heart|us heart|us cardiac
echo tte: tte|transthoracic echo|transthoracic echocardiogram|transthoracic echocardiography
    |echocardiogram transthoracic
tte: transthoracic
echo tee: tee|transesophageal echo|transesophageal echocardiogram|transesophageal echocardiography
tee: transesophageal
echo stress: stress echo|stress echocardiogram|stress echocardiography|exercise echocardiogram|dobutamine echo
nuclear: scintigraphy|nuclear medicine|nm|spect|nuclear scan|scintigram|radionuclide|nuclear imaging
    |isotope scan
nuclear wholebody: bone scan|bone scintigraphy|whole body bone scan
nuclear chest: v q scan|vq scan|ventilation perfusion|ventilation perfusion scan|lung perfusion scan
nuclear gallbladder: hida|hida scan|hepatobiliary scan
nuclear heart: muga|muga scan
stress nuclear heart: nuclear stress test|myocardial perfusion|myocardial perfusion imaging
    |myocardial perfusion scan|thallium stress test
fluoro: fluoroscopy|fluoroscopic|rf|upper gi series|barium study
fluoro esophagus: barium swallow|esophagram|swallow study|modified barium swallow|videofluoroscopy
fluoro colon: barium enema
fluoro uterus: hysterosalpingogram|hysterosalpingography|hsg
angiography: angiogram|angiography|arteriogram|arteriography|venogram|venography
cath: cardiac catheterization|heart cath|heart catheterization|coronary angiogram|coronary angiography
    |left heart cath|right heart cath|catheterization of heart|left heart catheterization
    |right heart catheterization|coronary arteriography|coronary angiogram left heart
scan: scan|scanning
imaging: imaging|diagnostic imaging study
"""

_TESTS = """
ecg: ecg|ekg|electrocardiogram|electrocardiography|electrocardiographic|12 lead|electrocardiogram 12 lead
    |heart tracing|electrocardiographic procedure
holter: holter|holter monitor|ambulatory ecg|event monitor|24 hour ecg|ambulatory electrocardiogram
    |zio patch|cardiac event recorder|ambulatory electrocardiographic monitoring|loop recorder
abpm: ambulatory blood pressure|24 hour blood pressure
stress: stress test|cardiac stress test|exercise stress test|treadmill test|exercise tolerance test
    |exercise ecg|treadmill stress test|exercise test|cardiovascular stress test|stress ecg
    |cardiac stress testing|exercise electrocardiogram|exercise tolerance testing|treadmill
    |cardiovascular stress
cpet: cardiopulmonary exercise test|cpet
sixmin: 6 minute walk|six minute walk|6mwt|6 minute walk test|six minute walk test
pft: pft|pulmonary function|pulmonary function test|lung function|lung function test|breathing test
    |lung test|lung function study|pulmonary function testing|pulmonary function study
    |respiratory function test
pft spirometry: spirometry|spirometric|fev1|fvc|bronchodilator response|spirogram
pft dlco: dlco|tlco|gas transfer|diffusing capacity|diffusion capacity
pft pleth: plethysmography|lung volume
pft methacholine: methacholine challenge|bronchial challenge|methacholine
feno: feno|exhaled nitric oxide
sleepstudy: sleep study|polysomnography|polysomnogram|psg|sleep apnea test|sleep test|home sleep apnea test
    |home sleep study|home sleep test|sleep apnea study|hsat|polysomnographic
eeg: eeg|electroencephalogram|electroencephalography|brain wave test|brain wave
emg: emg|electromyography|nerve conduction|nerve conduction study|electromyogram|nerve test
hearing: hearing test|audiometry|audiogram|audiologic evaluation|audiology test|audiometric
eyeexam: eye exam|eye examination|ophthalmic examination|dilated eye exam|retinal exam|retinal photography
    |diabetic eye exam|vision test|fundus photography|ophthalmologic examination
visualfield: visual field|perimetry
oct: optical coherence tomography
allergytest: allergy test|allergy testing|skin prick|skin prick test|prick test|scratch test
    |allergy skin test|patch test|allergen specific ige|ige ab|intradermal test|rast|allergy panel|allergen panel
    |specific ige|percutaneous allergy|ige panel|allergy skin testing|allergy blood test|immunocap
    |allergy screen|patch testing
genetictest: genetic test|genetic testing|gene test|genotype|genotyping|dna test|gene sequencing
    |gene mutation|mutation analysis|sequencing|karyotype|exome|genome|gene panel|chromosome analysis
    |gene variant|gene deletion|gene analysis|genetic analysis|microarray|hereditary cancer panel
    |carrier screening|targeted mutation analysis|genetic panel|carrier screen|genomic
    |chromosomal microarray|full gene
pap: pap|pap smear|pap test|cervical smear|cervical cytology|papanicolaou|cervical cancer screening
    |smear test|cytology cervical|cytologic cervical
stooltest: stool test|stool screening|stool based test
stooltest stoolblood: fobt|fecal occult blood|fit test|occult blood|fecal immunochemical|ifobt|gfobt
    |stool test for blood|hemoccult|blood in stool test|fecal immunochemical test
stooltest stooldna: cologuard|stool dna|fit dna|dna and occult blood|mt sdna|fecal dna|stool dna test
tbtest: tb test|tuberculosis test|tuberculosis screening|tb screening
tbtest tbskin: tb skin test|tuberculin|ppd|ppd test|mantoux|tuberculin skin test|tuberculosis skin test|tst
tbtest tbblood: quantiferon|igra|t spot|tb blood test|quantiferon tb|interferon gamma release assay|qft
    |tuberculosis blood test
lumbarpuncture: lumbar puncture|spinal tap
urodynamics: urodynamics|urodynamic
tilt: tilt table|tilt table test
fibroscan: fibroscan|elastography|liver stiffness|transient elastography
capsule: capsule endoscopy|pill camera|capsule study
manometry: manometry
breathtest: h pylori breath test|hydrogen breath test|urea breath test
"""

_SCOPES = """
colonoscopy: colonoscopy|coloscopy|colonoscope|bowel scope|colon scope|colonoscopic|lower endoscopy|lower gi endoscopy
sigmoidoscopy: sigmoidoscopy|flexible sigmoidoscopy|flex sig
egd: egd|upper endoscopy|gastroscopy|esophagogastroduodenoscopy|upper gi endoscopy
    |upper gastrointestinal endoscopy|esophagoscopy|ogd|stomach scope|upper gi scope|endoscopy of stomach
endoscopy: endoscopy|endoscopic|scope
bronchoscopy: bronchoscopy|bronchoscopic|lung scope|bronchoalveolar lavage
cystoscopy: cystoscopy|bladder scope|cystourethroscopy
laryngoscopy: laryngoscopy|nasal endoscopy|nasopharyngoscopy
hysteroscopy: hysteroscopy
colposcopy: colposcopy
arthroscopy: arthroscopy|arthroscopic
laparoscopy: diagnostic laparoscopy|laparoscopy
thoracoscopy: thoracoscopy|vats
ercp: ercp|endoscopic retrograde cholangiopancreatography
eus: endoscopic ultrasound|endoscopic ultrasonography
biopsy: biopsy|fine needle aspiration|fna|core needle biopsy|needle biopsy|punch biopsy|shave biopsy
biopsy cervix: cervical biopsy|cervical punch biopsy
biopsy bonemarrow: bone marrow biopsy|bone marrow aspiration|bone marrow aspirate
biopsy muscle: muscle biopsy
biopsy node: lymph node biopsy|sentinel node biopsy|sentinel lymph node biopsy
"""

_NOTHING = """
: pet dander|pet therapy|pet assisted|pet exposure|pet allergy|pet owner|pet hair|pet in home|pet visit
    |head lice|heart rate|groin pain|abdominal pain|us army|heart failure|back pain|chest pain|heart attack
    |kidney disease|liver disease|knee pain|pregnancy test|blood vessel|follow up scan|ct guided radiation
"""

ORGAN_ACTS = frozenset(ORGANS)
IMAGES = frozenset(
    "ct mri xray us mammo pet dexa echo nuclear fluoro angiography cath scan imaging oct".split()
)
SITED = frozenset(
    "ct mri xray us pet nuclear fluoro angiography biopsy replacement arthroscopy ablation transplant amputation orif"
    " fusion hernia jointinjection scan imaging surgery endoscopy guided radiation".split()
)
"""What is a different thing at another part of the body."""
GROUPS = {
    "scan": frozenset("ct mri pet us nuclear dexa mammo echo".split()),
    "imaging": frozenset("ct mri pet us nuclear dexa mammo echo xray fluoro angiography".split()),
    "endoscopy": frozenset(("egd",)),
    "surgery": ORGAN_ACTS
    | frozenset(
        "cesarean replacement valve cabg pci cataract lasik hernia lumpectomy fusion laminectomy acl meniscus rotator"
        " carpal bariatric tubal vasectomy sinussurgery septoplasty transplant amputation orif arthroscopy"
        " lungvolume".split()
    ),
    "angiography": frozenset(("cath",)),
}
"""A word for many things, and which of them it means."""
SCOPES = frozenset(
    "colonoscopy sigmoidoscopy stooltest egd capsule bronchoscopy cystoscopy pap colposcopy".split()
)
"""Looks into the body, which are near to each other at the same place (`had_body.AT`)."""
BROAD = frozenset(("pft", "tbtest", "stooltest"))
"""Named beside what it is in particular: spirometry is a lung function test, but not each lung function test is one."""
NARROW = frozenset("spirometry dlco pleth methacholine tbskin tbblood stoolblood stooldna".split())
FLAGS = frozenset("angio tee tte views left right both with without withboth screening diagnostic".split())
Entry = tuple[tuple[str, ...], tuple[str, ...]]


def _lines(table: str) -> list[Entry]:
    found: list[Entry] = []
    for line in table.strip().replace("\n    |", "|").split("\n"):
        ids, _, phrases = line.partition(":")
        found.append((tuple(ids.split()), tuple(phrases.strip().split("|"))))
    return found


def _organs() -> list[Entry]:
    found: list[Entry] = []
    for act, (organs, names) in ORGANS.items():
        said = [form.replace("{}", organ) for organ in organs.split("|") for form in TAKEN_OUT.split("|")]
        found.append(((act,), (*names.split("|"), *said)))
    return found


def entries() -> list[Entry]:
    """Every line: what it means, and its phrases."""
    tables = (_IMAGES, _TESTS, _SCOPES, SURGERY, PARTS, _NOTHING)
    return [*(line for table in tables for line in _lines(table)), *_organs()]


PART_IDS = frozenset(one for ids, _ in _lines(PARTS) for one in ids) - FLAGS
