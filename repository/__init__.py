"""Where records are kept: storage, bags, catalogue, ledger, fixity, repair, rebuild."""
