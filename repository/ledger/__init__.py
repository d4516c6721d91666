"""The ledger: what happened (stream ``acts``) and who looked (stream ``use``), sealed so that no edit stays unseen."""
