"""Parts of the body, sides and contrast: the words of `phr had` for where something was done (see `had_lexicon`)."""

from __future__ import annotations

PARTS = """
chest: chest|thorax|thoracic|lung|pulmonary|thoracic structure|mediastinum|mediastinal|chest wall
    |intrathoracic|bronchus|bronchial|lung structure
rib: rib|sternum|ribcage
heart: heart|cardiac|coronary|myocardial|left ventricle|pericardium|cardiovascular
breast: breast|mammary
abdomen: abdomen|abdominal|belly|tummy|upper abdomen|ruq|upper quadrant|retroperitoneum
    |retroperitoneal|intra abdominal
liver: liver|hepatic
kidney: kidney|renal|nephro|kidney stone
bladder: bladder|urinary bladder
gallbladder: gallbladder|gall bladder
bileduct: bile duct|biliary
pancreas: pancreas|pancreatic
spleen: spleen|splenic
stomach: stomach|gastric
esophagus: esophagus|esophageal
colon: colon|bowel|large intestine|rectum|rectal|colorectal
pelvis: pelvis|pelvic|transvaginal
uterus: uterus|uterine|endometrium|endometrial|womb
cervix: cervix|cervix uteri|uterine cervix
ovary: ovary|ovarian|adnexa
prostate: prostate|prostatic
testis: testicle|testis|testicular|scrotum|scrotal
fetus: fetal|fetus|pregnancy|obstetric|gestation
head: head|brain|skull|cranial|intracranial|cerebral|cranium|pituitary|brain structure|craniocerebral
sinus: sinus|paranasal sinus|sinuses
face: face|facial|maxillofacial|facial bone
jaw: jaw|mandible|tmj|temporomandibular
orbit: orbit|orbital
eye: eye|ocular|retina|retinal
ear: ear|temporal bone|mastoid|internal auditory canal|iac
nose: nose|nasal
teeth_: tooth|teeth|dental
neck: neck|soft tissue neck|larynx|throat
thyroid: thyroid
carotid: carotid|carotid artery
spine: spine|spinal|vertebral|back|vertebra|vertebral column
cspine: cervical spine|c spine|cervical|cervical vertebra|spine cervical|neck spine
tspine: thoracic spine|t spine|dorsal spine|spine thoracic|thoracic vertebra|mid back|upper back
    |thoracolumbar spine
lspine: lumbar spine|l spine|lumbar|lumbosacral|lumbosacral spine|low back|lower back|spine lumbar
    |lumbar vertebra|spine lumbosacral
sacrum: sacrum|coccyx|sacral|sacroiliac|tailbone|si joint
shoulder: shoulder|rotator cuff|glenohumeral
clavicle: clavicle|collarbone|collar bone
arm: arm|upper extremity|upper limb
upperarm: humerus|upper arm
elbow: elbow
forearm: forearm|radius|ulna|lower arm
wrist: wrist|carpal|scaphoid
hand: hand|metacarpal
finger: finger|thumb
hip: hip|femoral neck|femoral head
leg: leg|lower extremity|lower limb
thigh: thigh|femur
knee: knee|patella|kneecap
lowerleg: tibia|fibula|lower leg|calf|shin|tibia and fibula
ankle: ankle
foot: foot|feet|metatarsal|calcaneus|heel
toe: toe
skin: skin|mole|cutaneous|dermal
node: lymph node
bonemarrow: bone marrow
muscle: muscle
vessel: vessel|vascular|vein|venous|artery|arterial|aorta|aortic|peripheral vascular
wholebody: whole body|skull base to mid thigh|skull to thigh|total body|full body
joint: joint
groin: inguinal|groin
navel: umbilical|navel
hiatus: hiatal
belly: incisional
with: with contrast|w contrast|with iv contrast|w iv contrast|contrast enhanced|wcontrast|enhanced
    |with intravenous contrast|w dye|with dye|w con|w iv con|with con
without: without contrast|w o contrast|wo contrast|without iv contrast|w o iv contrast|noncontrast
    |non contrast|unenhanced|wocontrast|no contrast|without intravenous contrast|without dye
    |wo con|w o con|wo iv con|w o iv con
withboth: with and without contrast|without and with contrast|w and w o contrast|w wo contrast
    |w and wo contrast|with and without iv contrast|wo w contrast|w o and w contrast
    |without contrast and with contrast|wo and w contrast|w wo iv contrast|w wo con|w and wo con
    |w and w o iv contrast
"""

PARENT = {
    "liver": "abdomen",
    "kidney": "abdomen",
    "gallbladder": "abdomen",
    "bileduct": "abdomen",
    "pancreas": "abdomen",
    "spleen": "abdomen",
    "stomach": "abdomen",
    "colon": "abdomen",
    "bladder": "pelvis",
    "uterus": "pelvis",
    "cervix": "uterus",
    "ovary": "pelvis",
    "prostate": "pelvis",
    "cspine": "spine",
    "tspine": "spine",
    "lspine": "spine",
    "sacrum": "spine",
    "upperarm": "arm",
    "forearm": "arm",
    "thigh": "leg",
    "lowerleg": "leg",
    "finger": "hand",
    "toe": "foot",
    "jaw": "face",
    "teeth_": "jaw",
    "orbit": "head",
    "sinus": "head",
    "face": "head",
    "ear": "head",
    "carotid": "neck",
    "thyroid": "neck",
    "eye": "orbit",
    "nose": "face",
}
"""A part, and what it is a part of: a picture of the part is one of the whole's kind, a picture of the whole may show it."""
CALLED = {("neck", "cspine")}
"""What people call by the name of the part around it: a neck X-ray is mostly one of the spine there."""
PAIRED = frozenset(
    "breast kidney ovary testis eye orbit ear shoulder clavicle arm upperarm elbow forearm wrist hand finger hip leg"
    " thigh knee lowerleg ankle foot toe rib groin cataract lasik".split()
)
"""What there is on either side: there a lone `L` or `R` is a side."""
EYES = frozenset("eye orbit cataract lasik eyeexam visualfield oct".split())
"""Where `OD`, `OS` and `OU` are the right eye, the left one, and both."""
AT = {
    "cataract": "eye",
    "mastectomy": "breast",
    "lumpectomy": "breast",
    "mammo": "breast",
    "echo": "heart",
    "nephrectomy": "kidney",
    "acl": "knee",
    "meniscus": "knee",
    "rotator": "shoulder",
    "carpal": "wrist",
    "laminectomy": "spine",
    "colonoscopy": "colon",
    "cholecystectomy": "gallbladder",
    "hysterectomy": "uterus",
    "prostatectomy": "prostate",
    "thyroidectomy": "thyroid",
    "splenectomy": "spleen",
    "lobectomy": "chest",
    "cabg": "heart",
    "pci": "heart",
    "valve": "heart",
    "pacemaker": "heart",
    "sinussurgery": "sinus",
    "ecg": "heart",
    "holter": "heart",
    "stress": "heart",
    "sigmoidoscopy": "colon",
    "stooltest": "colon",
    "capsule": "stomach",
    "pap": "cervix",
    "colposcopy": "cervix",
    "appendectomy": "abdomen",
    "tonsillectomy": "neck",
    "cath": "heart",
    "bronchoscopy": "chest",
    "fibroscan": "liver",
    "egd": "stomach",
    "gastrectomy": "stomach",
    "colectomy": "colon",
    "bariatric": "stomach",
    "cystoscopy": "bladder",
    "pft": "chest",
}
"""Where what is always done at one place is done."""
