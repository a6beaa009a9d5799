-- How a sign-in came back and who signed in, so that the next one goes the same way (model.Connection).
ALTER TABLE connection ADD COLUMN redirect TEXT NOT NULL DEFAULT 'loopback';
ALTER TABLE connection ADD COLUMN redirect_uri TEXT;
ALTER TABLE connection ADD COLUMN fhir_user TEXT;
ALTER TABLE connection ADD COLUMN patient_name TEXT;
