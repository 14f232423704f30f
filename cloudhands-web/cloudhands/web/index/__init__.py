"""cloud-index: a local search index of the people in the LDAP directory, and how to search it."""
