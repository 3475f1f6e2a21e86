"""From a query to ranked results: query encoding, candidates, scoring, calibration, explanation."""
