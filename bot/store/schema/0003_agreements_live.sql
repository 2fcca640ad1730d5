-- agreements live: to come.
SELECT 1;
