"""The programs Hookyard is measured beside, each at its best reasonable settings."""
