-- papers: to come.
SELECT 1;
