-- statements: to come.
SELECT 1;
