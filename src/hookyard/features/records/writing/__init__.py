"""Writing records: values checked, one transaction with key, change and audit entry."""
