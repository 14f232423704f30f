"""The portal (cloud-serve) and the search index of people (cloud-index)."""
