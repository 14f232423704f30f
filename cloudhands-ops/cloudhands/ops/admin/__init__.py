"""`cloud-admin`, the operator's command: one module for each group of commands."""
