"""Mass mail for Django CRMs: newsletters through the sales managers' mailboxes."""
