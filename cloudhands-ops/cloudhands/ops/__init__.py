"""The operator's side: cloud-admin, the demonstration and the deployment files."""
