"""Operations and treatments: the second half of the words of `phr had` (see `had_lexicon`)."""

from __future__ import annotations

SURGERY = """
cesarean: c section|cesarean|cesarean section|cesarean delivery|caesarean
replacement: replacement|arthroplasty|total joint replacement|prosthesis|artificial joint
replacement hip: thr|tha|total hip|new hip|artificial hip
replacement knee: tkr|tka|total knee|new knee|artificial knee
valve: valve replacement|valve repair|aortic valve replacement|mitral valve repair|tavr|tavi
    |mitral valve replacement|heart valve surgery|avr|mvr
cabg: cabg|coronary artery bypass|bypass surgery|heart bypass|coronary bypass|open heart bypass|bypass graft
pci: pci|angioplasty|coronary stent|stent|coronary angioplasty|percutaneous coronary intervention
    |heart stent|stent placement|ptca
pacemaker: pacemaker
icd: implantable cardioverter|defibrillator|icd implant|cardioverter defibrillator
ablation: ablation
cardioversion: cardioversion
cataract: cataract surgery|cataract extraction|phacoemulsification|cataract removal|cataract removed
    |cataract operation|extraction of cataract|intraocular lens|cataract procedure|surgery for cataract
    |cataract lens|phaco|phaco iol|ce iol
lasik: lasik|laser eye surgery|refractive surgery
hernia: hernia repair|hernia surgery|herniorrhaphy|repair of hernia|hernia operation|hernioplasty|hernia
hernia groin: inguinal hernia repair|repair of inguinal hernia|inguinal hernia surgery|inguinal hernia|groin hernia
hernia navel: umbilical hernia repair|repair of umbilical hernia|umbilical hernia surgery|umbilical hernia
hernia hiatus: hiatal hernia repair|repair of hiatal hernia|hiatal hernia surgery|fundoplication|hiatal hernia
hernia belly: incisional hernia repair|ventral hernia repair|repair of incisional hernia|repair of ventral hernia
lumpectomy: lumpectomy|partial mastectomy
fusion: spinal fusion|fusion of spine|lumbar fusion|arthrodesis|cervical fusion|acdf
laminectomy: laminectomy|discectomy|microdiscectomy|back surgery|spine surgery|spinal surgery|disc surgery
acl: acl reconstruction|acl repair|anterior cruciate ligament|acl surgery
meniscus: meniscectomy|meniscus repair|meniscus surgery|torn meniscus surgery
rotator: rotator cuff repair|rotator cuff surgery
carpal: carpal tunnel release|carpal tunnel surgery|carpal tunnel decompression
bariatric: gastric bypass|bariatric surgery|gastric sleeve|sleeve gastrectomy|weight loss surgery|lap band|rygb|vsg
tubal: tubal ligation|tubes tied|sterilization|salpingectomy|tubal sterilization|btl
vasectomy: vasectomy
circumcision: circumcision
dnc: d and c|dilation and curettage|curettage
teeth: wisdom tooth|wisdom teeth|tooth extraction|tooth removed|tooth pulled|dental extraction
    |extraction of tooth|wisdom teeth out|wisdom teeth removed|wisdom tooth removal|wisdom tooth extraction
    |removal of wisdom teeth|removal of wisdom tooth
rootcanal: root canal
eartubes: ear tube|tympanostomy|myringotomy|grommet
septoplasty: septoplasty|deviated septum
sinussurgery: sinus surgery
transplant: transplant|transplantation
amputation: amputation|bka
orif: open reduction|internal fixation|orif
dialysis: dialysis|hemodialysis|peritoneal dialysis
chemo: chemotherapy|chemo|antineoplastic
radiation: radiation therapy|radiotherapy|radiation treatment|external beam radiation
transfusion: blood transfusion|transfusion
paracentesis: paracentesis
thoracentesis: thoracentesis|pleural tap|pleurocentesis
epidural: epidural injection|epidural steroid injection|epidural
jointinjection: joint injection|cortisone injection|steroid injection|injection of joint|cortisone shot
    |arthrocentesis
pulmrehab: pulmonary rehabilitation|pulmonary rehab|lung rehab
cardiacrehab: cardiac rehabilitation|cardiac rehab
physio: physical therapy|physiotherapy|physical therapy procedure
lungvolume: lung volume reduction
surgery: surgery|operation|operative procedure|surgical procedure
guided: guided|guidance|localization
"""

# What is taken out, and what that is called. Templates below make the phrases people and coders use.
ORGANS = {
    "appendectomy": ("appendix", "appendectomy|appendicectomy|lap appy|appy"),
    "cholecystectomy": (
        "gallbladder|gall bladder|gallstone",
        "cholecystectomy|lap chole|laparoscopic chole|chole",
    ),
    "tonsillectomy": ("tonsil|tonsil and adenoid", "tonsillectomy|adenotonsillectomy"),
    "adenoidectomy": ("adenoid", "adenoidectomy"),
    "hysterectomy": ("uterus|womb", "hysterectomy|tah|tahbso|tah bso|tvh|lavh|tlh"),
    "oophorectomy": ("ovary", "oophorectomy|salpingo oophorectomy"),
    "prostatectomy": ("prostate", "prostatectomy|turp|transurethral resection of prostate"),
    "thyroidectomy": ("thyroid", "thyroidectomy|thyroid lobectomy"),
    "parathyroidectomy": ("parathyroid", "parathyroidectomy"),
    "splenectomy": ("spleen", "splenectomy"),
    "nephrectomy": ("kidney", "nephrectomy"),
    "colectomy": ("colon|bowel", "colectomy|hemicolectomy|bowel resection"),
    "mastectomy": ("breast", "mastectomy"),
    "gastrectomy": ("stomach", "gastrectomy"),
    "lobectomy": ("lung", "lobectomy of lung|pneumonectomy|lung lobectomy"),
    "hemorrhoidectomy": ("hemorrhoid", "hemorrhoidectomy"),
    "polypectomy": ("polyp|colon polyp", "polypectomy"),
    "bunionectomy": ("bunion", "bunionectomy"),
}
TAKEN_OUT = (
    "{} out|{} removed|{} removal|{} taken out|{} surgery|{} operation|removal of {}|excision of {}|{} excision"
    "|absence of {}|resection of {}|{} resection|surgical removal of {}|remove {}|removing {}|acquired absence of {}"
)
