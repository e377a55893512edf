"""The programs that graven is measured against, each behind a small worker."""
