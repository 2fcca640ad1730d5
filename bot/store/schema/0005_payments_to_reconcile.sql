-- payments to reconcile: to come.
SELECT 1;
