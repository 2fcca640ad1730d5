-- ledger of debts: to come.
SELECT 1;
