"""Lists of FHIR bases as vendors publish them: read from a stream, told apart by looking inside."""

from phr.providers.directories.entries import Found as Found
from phr.providers.directories.reading import Directory as Directory
