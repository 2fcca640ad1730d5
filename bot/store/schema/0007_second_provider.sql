-- second provider: to come.
SELECT 1;
