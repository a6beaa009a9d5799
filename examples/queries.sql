-- Questions to a record, for phr sql and for the database of phr export --format sqlite.
-- One at a time: phr sql "SELECT …", or phr sql - < file. What there is: phr sql --tables

-- What is outside its range, newest first
SELECT date, title, value_text, unit, low, high, facility
FROM lab_results WHERE abnormal ORDER BY date DESC, record LIMIT 20;

-- FEV1 per year, in litres (LOINC 20150-9)
SELECT substr(date, 1, 4) AS year, max(standard_value) AS fev1, standard_unit AS unit, count(*) AS measured
FROM observations WHERE loinc = '20150-9' AND status IN ('final', 'amended', 'corrected')
GROUP BY year, unit ORDER BY year;

-- Each measurement with its first and last value
SELECT loinc, loinc_display AS name, count(*) AS times, min(date) AS first, max(date) AS last, standard_unit AS unit,
       min(standard_value) AS lowest, max(standard_value) AS highest
FROM observations WHERE value IS NOT NULL AND loinc IS NOT NULL
GROUP BY loinc, unit ORDER BY times DESC, loinc;

-- Blood pressure, one row a reading
SELECT date, systolic, diastolic, facility FROM vital_signs WHERE systolic IS NOT NULL ORDER BY date DESC;

-- What is taken now, for what, and who ordered it
SELECT title, instructions, dose, frequency, reason, prescriber, started
FROM medications WHERE status = 'active' ORDER BY title;

-- Vaccines, and how often each was given
SELECT cvx, min(title) AS vaccine, count(*) AS doses, max(date) AS last
FROM immunizations WHERE status = 'completed' GROUP BY cvx ORDER BY last DESC;

-- Problems that are not over, with both code systems
SELECT title, onset, onset_text, clinical_status, snomed, icd10 FROM problems
WHERE abatement IS NULL ORDER BY onset;

-- How many visits a year, and where
SELECT substr(date, 1, 4) AS year, coalesce(facility, 'not said') AS place, count(*) AS visits
FROM encounters GROUP BY year, place ORDER BY year DESC, visits DESC;

-- Which source says what
SELECT sources, kind, count(*) AS records, min(date) AS first, max(date) AS last
FROM records GROUP BY sources, kind ORDER BY sources, records DESC;

-- Every SNOMED CT code of the record, and how often it stands there
SELECT code, min(display) AS meaning, count(*) AS times FROM codes
WHERE system = 'http://snomed.info/sct' GROUP BY code ORDER BY times DESC, code LIMIT 20;

-- Something that no column has: straight from the FHIR resource
SELECT resource, json_extract(json, '$.intent') AS intent FROM resources
WHERE type = 'ServiceRequest' AND intent IS NOT NULL;
