"""The workers: which processes of cloud-burst are at it, as they say themselves."""
